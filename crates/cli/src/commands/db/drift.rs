//! `db drift`: what another hand changed.

use crate::error::Error;
use crate::session::Session;
use crate::words::many;
use carnet_store::Error as StoreError;
use clap::Args;

/// Report where the database differs from what it was last given
///
/// Ends with 1 when it does.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  {name} db drift")]
pub(crate) struct Drift {}

impl Drift {
    pub(crate) fn run(self, session: &Session) -> Result<(), Error> {
        let loaded = session.load()?;
        let (database, lines) = session.with_store(&loaded, async |store| {
            Ok((store.describe(), store.schema().drift().await?))
        })?;
        if lines.is_empty() {
            return session
                .console
                .print(&format!("{database} is as it was left\n"));
        }
        for line in &lines {
            session.console.print(&format!("{line}\n"))?;
        }
        let message = format!(
            "{database} differs in {} from what it was last given",
            many(lines.len(), "place")
        );
        Err(StoreError::Drift(message).into())
    }
}
