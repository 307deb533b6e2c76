//! `config`: the settings that hold, without secrets, each with where it was set; and the
//! reference of all of them.

use crate::arguments::Format;
use crate::console::Paint;
use crate::error::Error;
use crate::session::Session;
use crate::words;
use carnet_server::config::{Loaded, reference, setting_names};
use clap::Args;
use serde_json::{Value, json};

/// Show the settings that hold and where each was set
///
/// Settings come from defaults, then the file, then the environment, then flags. Passwords are not
/// shown.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  {name} config
  {name} config --profile prod --format json
  {name} config --reference")]
pub(crate) struct Show {
    /// Print what every setting means, as Markdown
    #[arg(long)]
    reference: bool,
    /// How the settings are printed: text or json
    #[arg(
        long,
        value_enum,
        default_value_t,
        hide_possible_values = true,
        conflicts_with = "reference"
    )]
    format: Format,
}

/// One setting as it holds.
struct Entry {
    key: &'static str,
    value: Value,
    origin: String,
}

impl Show {
    pub(crate) fn run(self, session: &Session) -> Result<(), Error> {
        if self.reference {
            return session.console.print(&reference());
        }
        let loaded = session.load()?;
        let entries = entries(&loaded)?;
        match self.format {
            Format::Text => session.console.print(&text(&entries, session)),
            Format::Json => {
                let map: serde_json::Map<String, Value> = entries
                    .into_iter()
                    .map(|entry| {
                        let shown = json!({ "value": entry.value, "origin": entry.origin });
                        (entry.key.to_owned(), shown)
                    })
                    .collect();
                session
                    .console
                    .print(&format!("{:#}\n", Value::Object(map)))
            }
        }
    }
}

fn entries(loaded: &Loaded) -> Result<Vec<Entry>, Error> {
    let values = serde_json::to_value(&loaded.config)
        .map_err(|error| Error::Setup(format!("the configuration cannot be shown: {error}")))?;
    let entries = setting_names().into_iter().map(|key| {
        let value = match key {
            "database.url" => json!(redacted(loaded.config.database.url.reveal())),
            "server.docs" => json!(loaded.config.serves_docs()),
            "server.explain" => json!(loaded.config.explains()),
            "web.server_timing" => json!(loaded.config.tells_timing()),
            _ => {
                let pointer = format!("/{}", key.replace('.', "/"));
                values.pointer(&pointer).cloned().unwrap_or_default()
            }
        };
        Entry {
            key,
            value,
            origin: loaded.origin(key),
        }
    });
    Ok(entries.collect())
}

fn text(entries: &[Entry], session: &Session) -> String {
    let rows: Vec<[String; 3]> = entries
        .iter()
        .map(|entry| {
            let value = match &entry.value {
                Value::String(text) => text.clone(),
                Value::Null => "built in".to_owned(),
                other => other.to_string(),
            };
            [entry.key.to_owned(), value, entry.origin.clone()]
        })
        .collect();
    let mut text = String::new();
    for [key, value, origin] in words::align(&rows) {
        let origin = match origin.as_str() {
            "the default" => session.console.on_out(Paint::Faint, &origin),
            _ => session.console.on_out(Paint::Strong, &origin),
        };
        text.push_str(&format!("{key}  {value}  {origin}\n"));
    }
    text
}

/// The address of a database without what must stay secret: the password, and every parameter but
/// those that are known to hold none.
fn redacted(url: &str) -> String {
    const HARMLESS: [&str; 4] = [
        "sslmode",
        "application_name",
        "connect_timeout",
        "target_session_attrs",
    ];
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    // A password may hold any character, so it ends at the last `@`.
    let (login, place) = match rest.rsplit_once('@') {
        Some((login, _)) if login.contains('?') => return format!("{scheme}://[redacted]"),
        Some((login, place)) => (Some(login), place),
        None => (None, rest),
    };
    let (place, query) = match place.split_once('?') {
        Some((place, query)) => (place, Some(query)),
        None => (place, None),
    };
    let mut shown = format!("{scheme}://");
    if let Some(login) = login {
        match login.split_once(':') {
            Some((user, _)) => shown.push_str(&format!("{user}:[redacted]@")),
            None => shown.push_str(&format!("{login}@")),
        }
    }
    shown.push_str(place);
    if let Some(query) = query {
        let parts: Vec<String> = query
            .split('&')
            .map(|part| match part.split_once('=') {
                Some((name, _)) if !HARMLESS.contains(&name) => format!("{name}=[redacted]"),
                _ => part.to_owned(),
            })
            .collect();
        shown.push('?');
        shown.push_str(&parts.join("&"));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: &str) {
        assert_eq!(redacted(url), expected);
    }

    #[test]
    fn passwords_are_not_shown() {
        check("sqlite:./data/carnet.sqlite", "sqlite:./data/carnet.sqlite");
        check(
            "postgres://me:s3cret@db:5432/app?sslmode=require",
            "postgres://me:[redacted]@db:5432/app?sslmode=require",
        );
        check("postgres://me@db/app", "postgres://me@db/app");
        check("postgres://db/app", "postgres://db/app");
        check(
            "postgres://me:a@b/c:e@db/app",
            "postgres://me:[redacted]@db/app",
        );
        check(
            "postgres://db/app?user=me&password=s3cret",
            "postgres://db/app?user=[redacted]&password=[redacted]",
        );
        check(
            "postgres://db/app?password=s3@cret",
            "postgres://[redacted]",
        );
    }
}
