//! `new`: an application of one's own, ready to run.

use crate::error::Error;
use crate::project::layout::{self, Origin};
use crate::project::{begin, names};
use crate::session::Session;
use clap::Args;
use std::path::{Path, PathBuf};

/// Begin an application of your own, with a resource, a piece of logic and its tests
///
/// Makes a folder of that name: definitions, code, tests. What is there already is not touched.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  {name} new shop --carnet-path ../carnet
  {name} new shop --carnet-git https://example.com/carnet.git
  cd shop && cargo test && cargo run -- serve")]
pub(crate) struct New {
    /// What it is called: lower-case letters, digits, - and _
    #[arg(value_name = "NAME")]
    name: String,
    /// A copy of Carnet's repository that it is built with
    #[arg(long, value_name = "PATH", conflicts_with = "carnet_git")]
    carnet_path: Option<PathBuf>,
    /// The address of Carnet's repository, from which cargo fetches it
    #[arg(long, value_name = "URL")]
    carnet_git: Option<String>,
}

/// Where Carnet's repository is, as its own manifest says; empty while it says nothing.
const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

impl New {
    pub(crate) fn run(self, session: &Session) -> Result<(), Error> {
        let name = self.name.as_str();
        if let Some(fault) = names::fault_of_project(name) {
            return Err(Error::Usage(fault));
        }
        let origin = match (&self.carnet_path, &self.carnet_git) {
            (Some(path), _) => Origin::Path(facade(path)?),
            (None, Some(url)) => Origin::Git(repository(url)?),
            (None, None) if !REPOSITORY.is_empty() => Origin::Git(REPOSITORY.to_owned()),
            (None, None) => {
                return Err(Error::Usage(
                    "Carnet is not published yet, so say where it comes from: --carnet-path with a \
                     copy of its repository, or --carnet-git with its address"
                        .to_owned(),
                ));
            }
        };
        let files = layout::files(name, &origin);
        begin(Path::new(name), &files)?;
        let made: String = files
            .iter()
            .map(|file| format!("{name}/{}\n", file.path))
            .collect();
        session.console.print(&made)?;
        session.console.say(&format!(
            "next:\n  cd {name}\n  cargo test\n  cargo run -- serve\n  \
             cargo run -- generate resource products"
        ));
        Ok(())
    }
}

/// The folder of the crate `carnet`: the given one, or the one inside a repository.
fn facade(given: &Path) -> Result<String, Error> {
    let is_facade = |folder: &Path| {
        std::fs::read_to_string(folder.join("Cargo.toml"))
            .ok()
            .and_then(|text| text.parse::<toml::Table>().ok())
            .is_some_and(|table| {
                let name = table.get("package").and_then(|package| package.get("name"));
                name.and_then(toml::Value::as_str) == Some("carnet")
            })
    };
    let found = [given.to_owned(), given.join("crates/carnet")]
        .into_iter()
        .find(|folder| is_facade(folder));
    let place = given.display();
    let folder = found.ok_or_else(|| {
        let message = format!("there is no Carnet in `{place}`: no crate `carnet` there");
        Error::Usage(format!("{message} nor in its `crates/carnet`"))
    })?;
    let folder = folder.canonicalize().map_err(|error| Error::File {
        path: place.to_string(),
        error,
    })?;
    folder
        .into_os_string()
        .into_string()
        .map_err(|_| Error::Usage(format!("`{place}` is no text that a manifest could hold")))
}

/// An address that cargo can fetch from.
fn repository(url: &str) -> Result<String, Error> {
    let is_address = ["https://", "http://", "ssh://", "git://", "file://"]
        .iter()
        .any(|scheme| {
            url.strip_prefix(scheme)
                .is_some_and(|rest| !rest.is_empty())
        });
    let is_clean = !url
        .chars()
        .any(|letter| letter.is_whitespace() || letter.is_control());
    if is_address && is_clean {
        Ok(url.to_owned())
    } else {
        Err(Error::Usage(format!(
            "`{}` is no address that cargo fetches from; write it as https://… or ssh://…",
            names::shortened(url)
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_what_cargo_takes() {
        for good in [
            "https://example.com/carnet.git",
            "ssh://git@example.com/carnet",
        ] {
            assert_eq!(repository(good).unwrap(), good);
        }
        for bad in [
            "",
            "carnet",
            "git@example.com:carnet.git",
            "https://",
            "https://a b",
        ] {
            assert!(repository(bad).is_err(), "{bad}");
        }
    }
}
