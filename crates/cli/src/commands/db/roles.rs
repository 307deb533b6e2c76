//! `db roles`: the role under which requests run on PostgreSQL.

use crate::error::Error;
use crate::session::Session;
use clap::Args;

/// Make the role and the platform's schemas on PostgreSQL
///
/// A login that may not create roles is refused; an administrator then runs what --print shows.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  {name} db roles --print | psql -U postgres app")]
pub(crate) struct Roles {
    /// Only print the SQL that an administrator runs
    #[arg(long)]
    print: bool,
}

impl Roles {
    pub(crate) fn run(self, session: &Session) -> Result<(), Error> {
        let loaded = session.load()?;
        let text = session.with_store(&loaded, async |store| {
            if self.print {
                return Ok(store.schema().roles_sql().await?);
            }
            carnet_server::prepare(store).await?;
            Ok(format!("{} is prepared\n", store.describe()))
        })?;
        session.console.print(&text)
    }
}
