//! Carnet beside a hand-written axum handler on the same driver that does the same work.

use crate::carnet::{self, Carnet};
use crate::postgres::Scratch;
use crate::process::{Process, free_port};
use crate::runs::table;
use crate::{Database, Measure, workload};
use anyhow::Result;
use std::path::Path;
use std::process::Command;

/// The flags.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// On which database.
    #[arg(value_enum)]
    database: Database,
    #[command(flatten)]
    measure: Measure,
    /// How many products there are, with five reviews each.
    #[arg(long, default_value_t = 10_000)]
    products: u64,
    /// The handler without wall and journal: the price of safety.
    #[arg(long)]
    bare: bool,
    /// A setting of Carnet, `key=value`.
    #[arg(long = "set")]
    settings: Vec<String>,
}

/// Measures and prints the table.
pub(crate) fn run(options: &Options) -> Result<()> {
    let binary = carnet::binary(options.measure.carnet.as_deref())?;
    let folder = tempfile::Builder::new().prefix("carnet-bench").tempdir()?;
    let scratch = match options.database {
        Database::Postgres => Some(Scratch::create("hand")?),
        Database::Sqlite => None,
    };
    let own = folder.path().join("carnet.sqlite");
    let database = match &scratch {
        Some(scratch) => scratch.url().to_owned(),
        None => format!("sqlite:{}", own.display()),
    };
    let carnet = Carnet {
        binary,
        before: Vec::new(),
        database: database.clone(),
        folder: folder.path().to_owned(),
        definitions: carnet::definitions(),
        settings: options.settings.clone(),
    };
    let filling = carnet.start()?;
    let known = carnet::fill(&filling, options.products)?;
    filling.stop()?;
    let other = match &scratch {
        Some(scratch) => {
            scratch.settle()?;
            database
        }
        None => {
            let copy = folder.path().join("hand.sqlite");
            std::fs::copy(&own, &copy)?;
            copy.display().to_string()
        }
    };
    let start = || {
        let carnet = carnet.start()?;
        Ok((carnet, serve(&other, options.bare, folder.path())?))
    };
    let (carnet, hand) = options.measure.start_both(start)?;
    let cases = workload::cases(&known, options.measure.connections);
    let other = if options.bare { "bare" } else { "hand" };
    table::print(
        &cases,
        ("carnet", &carnet),
        (other, &hand),
        &options.measure,
    )
}

/// Starts the hand-written server, which is this binary.
pub(crate) fn serve(database: &str, bare: bool, folder: &Path) -> Result<Process> {
    let port = free_port()?;
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg("serve")
        .arg(database)
        .args(["--port", &port.to_string()]);
    if bare {
        command.arg("--bare");
    }
    Process::start("hand", command, port, &folder.join("hand.log"))
}
