//! `explain`: the page of an error code, from the binary itself.

use crate::console::Paint;
use crate::error::Error;
use crate::session::Session;
use crate::words;
use carnet_kernel::{ApplicationCodes, Stage, suggest};
use clap::Args;

/// Tell what an error code means and what to do about it
///
/// Without a code it lists all of them.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  {name} explain
  {name} explain UNIQUE_VIOLATION")]
pub(crate) struct Explain {
    /// The code as an error shows it
    #[arg(value_name = "CODE")]
    code: Option<String>,
}

impl Explain {
    pub(crate) fn run(self, session: &Session) -> Result<(), Error> {
        let codes = session.application.codes()?;
        let text = match &self.code {
            Some(name) => page(name, &codes)?,
            None => list(session, &codes),
        };
        session.console.print(&text)
    }
}

fn page(name: &str, codes: &ApplicationCodes) -> Result<String, Error> {
    let wanted = name.trim().to_ascii_uppercase().replace('-', "_");
    let code = codes.find(&wanted).ok_or_else(|| {
        let short: String = name.chars().take(64).collect();
        let hint = suggest::hint(&wanted, codes.all().map(|code| code.as_str()));
        Error::Usage(format!("there is no code `{short}`{hint}"))
    })?;
    let text = carnet_server::error_page(code);
    Ok(format!("{}\n", text.trim_end()))
}

fn list(session: &Session, codes: &ApplicationCodes) -> String {
    let stages = [
        (Stage::Request, "Reading a request"),
        (Stage::Data, "The data refused"),
        (Stage::Logic, "The application refused"),
        (Stage::Platform, "The platform could not do it"),
        (Stage::Command, "Starting, checking, migrating"),
    ];
    let rows: Vec<[String; 3]> = codes
        .all()
        .map(|code| {
            [
                code.as_str().to_owned(),
                code.status().to_string(),
                code.title().to_owned(),
            ]
        })
        .collect();
    let rows = words::align(&rows);
    let mut text = String::new();
    for (stage, title) in stages {
        text.push_str(&session.console.on_out(Paint::Strong, title));
        text.push('\n');
        for (code, [name, status, meaning]) in codes.all().zip(&rows) {
            if code.stage() == stage {
                text.push_str(&format!("  {name}  {status}  {meaning}\n"));
            }
        }
        text.push('\n');
    }
    text.push_str(&format!(
        "`{} explain CODE` shows a page.\n",
        session.application.name
    ));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use carnet_kernel::ApplicationCode;

    #[test]
    fn codes_are_found_in_any_case() {
        for name in ["NOT_FOUND", "not_found", "not-found"] {
            let codes = ApplicationCodes::default();
            assert!(
                page(name, &codes).unwrap().starts_with("# NOT_FOUND"),
                "{name}"
            );
        }
    }

    #[test]
    fn codes_of_the_application_are_explained_too() {
        const LIMIT: ApplicationCode =
            ApplicationCode::new("FEATURED_LIMIT", 409, "Too many").page("Take one off first.");
        let codes = ApplicationCodes::new(&[&LIMIT]).unwrap();
        let text = page("featured-limit", &codes).unwrap();
        assert!(
            text.ends_with("- Stage: logic\n\nTake one off first.\n"),
            "{text}"
        );
        let message = page("FEATURE_LIMIT", &codes).unwrap_err().to_string();
        assert!(
            message.ends_with("(did you mean `FEATURED_LIMIT`?)"),
            "{message}"
        );
    }

    #[test]
    fn a_slip_has_a_suggestion() {
        let codes = ApplicationCodes::default();
        let message = page("UNIQE_VIOLATION", &codes).unwrap_err().to_string();
        assert!(
            message.ends_with("(did you mean `UNIQUE_VIOLATION`?)"),
            "{message}"
        );
    }
}
