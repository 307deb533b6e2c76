//! `db reset`: everything of ours out of the database, for development.

use crate::error::Error;
use crate::session::Session;
use carnet_server::Profile;
use clap::Args;
use std::io::IsTerminal;

/// Drop all tables with everything in them
///
/// The next `serve` sets the database up again. What another program keeps beside them stays.
/// Refused in the profile prod.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  {name} db reset --yes")]
pub(crate) struct Reset {
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Reset {
    pub(crate) fn run(self, session: &Session) -> Result<(), Error> {
        let loaded = session.load()?;
        if loaded.config.profile == Profile::Prod {
            let message = "`db reset` is refused in the profile `prod`";
            return Err(Error::Usage(message.to_owned()));
        }
        let text = session.with_store(&loaded, async |store| {
            let database = store.describe();
            if !self.yes && !agreed(session, &database)? {
                return Ok("nothing was dropped\n".to_owned());
            }
            store.schema().reset().await?;
            Ok(format!("{database} is empty\n"))
        })?;
        session.console.print(&text)
    }
}

/// Asks the person at the terminal.
fn agreed(session: &Session, database: &str) -> Result<bool, Error> {
    if !std::io::stdin().is_terminal() {
        let message = format!("this drops everything in {database}; say so with `--yes`");
        return Err(Error::Usage(message));
    }
    session.console.say(&format!(
        "Drop all tables in {database} with everything in them? [y/N]"
    ));
    let mut answer = String::new();
    std::io::stdin()
        .read_line(&mut answer)
        .map_err(|error| Error::Setup(format!("the answer cannot be read: {error}")))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
