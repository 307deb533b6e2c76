//! `db rollback`: the newest migration taken back.

use super::Folder;
use crate::error::Error;
use crate::session::Session;
use clap::Args;

/// Take the newest applied migration back by its down file
///
/// What the migration removed comes back empty: a migration cannot restore data.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  {name} db rollback
  {name} db rollback --migrations deploy/migrations")]
pub(crate) struct Rollback {
    #[command(flatten)]
    folder: Folder,
}

impl Rollback {
    pub(crate) fn run(self, session: &Session) -> Result<(), Error> {
        let loaded = session.load()?;
        let text = session.with_store(&loaded, async |store| {
            let report = store.schema().rollback(&self.folder.migrations).await?;
            let names = report
                .applied
                .iter()
                .map(|one| format!("  {}\n", one.summary));
            Ok(format!(
                "{}taken back in {}, now at version {}\n",
                names.collect::<String>(),
                store.describe(),
                report.version
            ))
        })?;
        session.console.print(&text)
    }
}
