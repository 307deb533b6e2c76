//! `openapi`: the document of the API, without starting it.

use crate::error::Error;
use crate::session::Session;
use clap::Args;
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;

/// Print the OpenAPI 3.1 document of the API
///
/// The same document as the running server's /openapi.json; no database is asked.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  {name} openapi > openapi.json
  {name} openapi --definitions examples/shop/definitions --output shop.json")]
pub(crate) struct Openapi {
    /// Write it to a file instead
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Openapi {
    pub(crate) fn run(self, session: &Session) -> Result<(), Error> {
        let text = format!("{:#}\n", document(session)?);
        match self.output {
            None => session.console.print(&text),
            Some(path) => std::fs::write(&path, text).map_err(|error| Error::File {
                path: path.display().to_string(),
                error,
            }),
        }
    }
}

/// The document of the configured definition.
pub(crate) fn document(session: &Session) -> Result<Value, Error> {
    let loaded = session.load()?;
    let model = session.compile(&loaded)?.model;
    Ok(carnet_server::openapi(
        Arc::new(model),
        &session.application,
    )?)
}
