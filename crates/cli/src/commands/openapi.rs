//! `openapi`: the document of the API, without starting it.

use super::chain::Chain;
use crate::error::Error;
use crate::session::Session;
use carnet_kernel::ApiVersion;
use carnet_model::ModelView;
use carnet_records::logic::Logics;
use clap::Args;
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;

/// Print the OpenAPI 3.1 document of the API
///
/// The same document as the running server's /openapi.json, or with --version as its
/// /openapi/VERSION.json; no database is asked.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  {name} openapi > openapi.json
  {name} openapi --version v1 > openapi-v1.json
  {name} openapi --definitions examples/shop/definitions --output shop.json")]
pub(crate) struct Openapi {
    /// Write it to a file instead
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The version of the API; the newest if it is not given
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
}

impl Openapi {
    pub(crate) fn run(self, session: &Session) -> Result<(), Error> {
        let views = views(session)?;
        let view = match &self.version {
            Some(version) => named(&views, version)?,
            None => newest(&views)?,
        };
        // A document can be made where the modules have no settings.
        let logics = Chain::of(session).map(|chain| chain.logics());
        let logics = logics.unwrap_or_else(|error| {
            session
                .console
                .say(&format!("without what logic refuses with: {error}"));
            Logics::default()
        });
        let text = format!("{:#}\n", document(session, view, &logics)?);
        match self.output {
            None => session.console.print(&text),
            Some(path) => std::fs::write(&path, text).map_err(|error| Error::File {
                path: path.display().to_string(),
                error,
            }),
        }
    }
}

/// The configured definition as each version of the API sees it, the oldest first.
pub(crate) fn views(session: &Session) -> Result<Vec<ModelView>, Error> {
    let loaded = session.load()?;
    let model = session.compile(&loaded)?.model;
    Ok(ModelView::every(&Arc::new(model)))
}

/// The document of one version.
pub(crate) fn document(
    session: &Session,
    view: &ModelView,
    logics: &Logics,
) -> Result<Value, Error> {
    Ok(carnet_server::openapi(view, &session.application, logics)?)
}

fn newest(views: &[ModelView]) -> Result<&ModelView, Error> {
    let none = || Error::Setup("the definition has no version".to_owned());
    views.last().ok_or_else(none)
}

fn named<'v>(views: &'v [ModelView], text: &str) -> Result<&'v ModelView, Error> {
    let version = ApiVersion::parse(text);
    let found = views.iter().find(|view| Some(view.version()) == version);
    found.ok_or_else(|| {
        let known: Vec<String> = views
            .iter()
            .map(|view| view.version().to_string())
            .collect();
        Error::Usage(format!(
            "there is no version `{text}` of the API; served: {}",
            known.join(", ")
        ))
    })
}
