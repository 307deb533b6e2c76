//! `serve`: the API, until the process is told to stop.

use crate::error::Error;
use crate::session::{Session, runtime};
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
        };
        let application = session.application.clone();
        runtime()?.block_on(Box::pin(carnet_server::serve(loaded, application, options)))?;
        Ok(())
    }
}
