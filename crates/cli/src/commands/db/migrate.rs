//! `db migrate`: reviewed changes to the database.

use super::{Folder, definition};
use crate::error::Error;
use crate::session::Session;
use crate::words::many;
use clap::Args;

/// Apply the migrations that the database has not had
///
/// Each runs in one transaction: it happens whole or not at all. A migration that was changed after
/// it was applied is refused.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  {name} db migrate
  {name} db migrate --profile prod --database postgres://localhost/app")]
pub(crate) struct Migrate {
    #[command(flatten)]
    folder: Folder,
}

impl Migrate {
    pub(crate) fn run(self, session: &Session) -> Result<(), Error> {
        let (loaded, model) = definition(session)?;
        let text = session.with_store(&loaded, async |store| {
            carnet_server::prepare(store).await?;
            let schema = store.schema();
            let report = schema.migrate(&model, &self.folder.migrations).await?;
            Ok(match report.applied.len() {
                0 => "nothing to do: every migration is applied\n".to_owned(),
                count => {
                    let names = report
                        .applied
                        .iter()
                        .map(|one| format!("  {}\n", one.summary));
                    format!(
                        "{}{} applied to {}, now at version {}\n",
                        names.collect::<String>(),
                        many(count, "migration"),
                        store.describe(),
                        report.version
                    )
                }
            })
        })?;
        session.console.print(&text)
    }
}
