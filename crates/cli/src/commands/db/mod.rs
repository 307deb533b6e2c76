//! `db`: the schema and first data of a database, one command per file.

mod drift;
mod generate;
mod migrate;
mod push;
mod reset;
mod roles;
mod rollback;
mod seed;
mod status;

use crate::console::Paint;
use crate::error::Error;
use crate::session::Session;
use carnet_model::Model;
use carnet_server::config::Loaded;
use carnet_store::schema::PlannedChange;
use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::sync::Arc;

/// Bring definitions and first data to a database
///
/// In development `push` is enough. Where changes are reviewed, `generate` writes them as SQL files
/// and `migrate` applies those.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  {name} db status
  {name} db push --dry-run
  {name} db generate add-sku && {name} db migrate
  {name} db push --database postgres://localhost/app --definitions shop")]
pub(crate) struct Db {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Status(status::Status),
    Push(push::Push),
    Generate(generate::Generate),
    Migrate(migrate::Migrate),
    Rollback(rollback::Rollback),
    Seed(seed::Seed),
    Drift(drift::Drift),
    Roles(roles::Roles),
    Reset(reset::Reset),
}

/// Where reviewed changes are kept.
#[derive(Debug, Args)]
struct Folder {
    /// The folder of the migrations
    #[arg(long, value_name = "FOLDER", default_value = "migrations")]
    migrations: PathBuf,
}

impl Db {
    pub(crate) fn run(self, session: &Session) -> Result<(), Error> {
        match self.command {
            Command::Status(command) => command.run(session),
            Command::Push(command) => command.run(session),
            Command::Generate(command) => command.run(session),
            Command::Migrate(command) => command.run(session),
            Command::Rollback(command) => command.run(session),
            Command::Seed(command) => command.run(session),
            Command::Drift(command) => command.run(session),
            Command::Roles(command) => command.run(session),
            Command::Reset(command) => command.run(session),
        }
    }
}

/// The configuration and the definition, which every command but a few begins with.
fn definition(session: &Session) -> Result<(Loaded, Arc<Model>), Error> {
    let loaded = session.load()?;
    let model = session.compile(&loaded)?.model;
    Ok((loaded, Arc::new(model)))
}

/// Changes as lines, with what each would lose or fail for.
fn changes(session: &Session, changes: &[PlannedChange]) -> String {
    let console = &session.console;
    let mut text = String::new();
    for change in changes {
        text.push_str(&format!("  {}\n", change.summary));
        for loss in &change.losses {
            let word = console.on_out(Paint::Warning, "loses data");
            text.push_str(&format!("    {word}: {loss}\n"));
        }
        for refusal in &change.refusals {
            let word = console.on_out(Paint::Error, "cannot be done");
            text.push_str(&format!("    {word}: {refusal}\n"));
        }
    }
    text
}
