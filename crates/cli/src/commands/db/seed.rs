//! `db seed`: first data, repeatable.

use super::definition;
use crate::error::Error;
use crate::session::Session;
use clap::Args;

/// Write the seeds that the database does not have yet
///
/// Safe to repeat: what is missing is added, what changed in the seeds is changed in the database
/// unless somebody has changed the record since.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  {name} db seed
  {name} db seed --seeds examples/shop/seeds --definitions examples/shop/definitions")]
pub(crate) struct Seed {
    /// Also write over records that somebody has changed since
    #[arg(long)]
    overwrite: bool,
}

impl Seed {
    pub(crate) fn run(self, session: &Session) -> Result<(), Error> {
        let (loaded, model) = definition(session)?;
        let report = session.with_store(&loaded, async |store| {
            store.schema().require_current(&model).await?;
            carnet_server::prepare(store).await?;
            let report = Box::pin(carnet_server::write_seeds(
                &loaded.config,
                &session.application,
                store,
                &model,
                self.overwrite,
            ))
            .await?;
            Ok(report)
        })?;
        session.console.print(&format!(
            "{} created, {} updated, {} unchanged, {} kept as somebody changed them\n",
            report.created, report.updated, report.unchanged, report.kept
        ))
    }
}
