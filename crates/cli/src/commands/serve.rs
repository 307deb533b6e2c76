//! `serve`: the API, until the process is told to stop.

use crate::error::Error;
use crate::session::{Session, runtime};
use carnet_kernel::{Principal, TenantKey};
use carnet_server::Options;
use clap::Args;
use std::net::IpAddr;

/// Serve the API until the process is told to stop
///
/// An empty database is set up and seeded first, except in the profile prod. A definition that the
/// database does not have yet is refused with the command that brings it there. Without --database
/// the data lies in ./data on SQLite.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  {name} serve
  {name} serve --as ada:admin
  {name} serve --port 8080 --database postgres://localhost/app
  {name} serve --definitions examples/hello/definitions --seeds examples/hello/seeds")]
pub(crate) struct Serve {
    /// The port to listen on; 0 takes a free one [default: 3000]
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// The address to listen on; only loopback until there is access control [default: 127.0.0.1]
    #[arg(long, value_name = "ADDRESS")]
    host: Option<IpAddr>,
    /// Write no seeds into an empty database
    #[arg(long)]
    no_seed: bool,
    /// Make every request as this user, on loopback and not in the profile prod: ada:admin,editor
    #[arg(long = "as", value_name = "NAME[:ROLE,…]", value_parser = user)]
    user: Option<Principal>,
}

impl Serve {
    pub(crate) fn run(self, session: &Session) -> Result<(), Error> {
        let mut flags = Vec::new();
        flags.extend(self.port.map(|port| ("server.port", port.to_string())));
        flags.extend(self.host.map(|host| ("server.host", host.to_string())));
        let flags = flags
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect();
        let mut loaded = session.load_with(flags)?;
        session.start_server_log(&mut loaded)?;
        let options = Options {
            seeds: !self.no_seed,
            principal: self.user,
            watch: None,
        };
        let application = session.application.clone();
        runtime()?.block_on(Box::pin(carnet_server::serve(loaded, application, options)))?;
        Ok(())
    }
}

/// `ada` or `ada:admin,editor`.
fn user(text: &str) -> Result<Principal, String> {
    let (name, roles) = text.split_once(':').unwrap_or((text, ""));
    if !is_word(name) {
        return Err("write it as NAME or NAME:ROLE,ROLE, such as ada:admin".to_owned());
    }
    let roles: Vec<&str> = match roles {
        "" if text.contains(':') => return Err("there is no role behind the colon".to_owned()),
        "" => Vec::new(),
        roles => roles.split(',').map(str::trim).collect(),
    };
    if let Some(bad) = roles.iter().find(|role| !is_word(role)) {
        return Err(format!("`{bad}` is no name of a role"));
    }
    Ok(Principal::user_named(TenantKey::DEFAULT, name).with_roles(roles))
}

/// What names of users and roles are made of; an e-mail address is one.
fn is_word(text: &str) -> bool {
    (1..=100).contains(&text.len())
        && text
            .chars()
            .all(|letter| letter.is_alphanumeric() || "._-@+".contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_written_with_their_roles() {
        let ada = user("ada:editor,admin").unwrap();
        assert_eq!(ada.name(), Some("ada"));
        assert_eq!(ada.roles(), ["admin", "editor"]);
        assert!(user("ada@example.org").unwrap().roles().is_empty());
        for bad in [
            "",
            ":",
            ":admin",
            "ada:",
            "ada:admin,",
            "a b",
            "ada:a b",
            "a\tb",
        ] {
            assert!(user(bad).is_err(), "{bad}");
        }
    }
}
