//! `db push`: the definition to the database at once, for development.

use super::{changes, definition};
use crate::error::Error;
use crate::session::Session;
use crate::words::many;
use carnet_store::schema::Accept;
use clap::Args;

/// Bring the definition to the database in one transaction
///
/// A change that would lose data is refused unless it is accepted. A field or resource that was
/// renamed keeps its data when the definition says `was:`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  {name} db push
  {name} db push --dry-run
  {name} db push --accept-data-loss")]
pub(crate) struct Push {
    /// Also make the changes that lose data
    #[arg(long)]
    accept_data_loss: bool,
    /// Only show what would be done
    #[arg(long)]
    dry_run: bool,
}

impl Push {
    pub(crate) fn run(self, session: &Session) -> Result<(), Error> {
        let (loaded, model) = definition(session)?;
        let text = session.with_store(&loaded, async |store| {
            let schema = store.schema();
            if self.dry_run {
                let status = schema.status(&model).await?;
                return Ok(match status.pending.len() {
                    0 => "nothing to do: the database has the definition\n".to_owned(),
                    count => format!(
                        "{}{} would be made in {}\n",
                        changes(session, &status.pending),
                        many(count, "change"),
                        store.describe()
                    ),
                });
            }
            carnet_server::prepare(store).await?;
            let accept = Accept {
                data_loss: self.accept_data_loss,
            };
            let report = schema.push(&model, accept).await?;
            Ok(match report.applied.len() {
                0 => "nothing to do: the database has the definition\n".to_owned(),
                count => format!(
                    "{}{} made in {}, now at version {}\n",
                    changes(session, &report.applied),
                    many(count, "change"),
                    store.describe(),
                    report.version
                ),
            })
        })?;
        session.console.print(&text)
    }
}
