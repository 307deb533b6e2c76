//! Carnet with logic that only proceeds beside Carnet without logic, from one binary.

use crate::carnet::{self, Carnet};
use crate::postgres::Scratch;
use crate::runs::table;
use crate::{Database, Measure, workload};
use anyhow::Result;

/// What has logic round it.
const CASES: [&str; 3] = ["get by id", "list 20", "create"];

/// The flags.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// On which database.
    #[arg(value_enum)]
    database: Database,
    #[command(flatten)]
    measure: Measure,
    /// Neither side has logic: how far two equal sides lie apart here.
    #[arg(long)]
    same: bool,
    /// How many products there are, with five reviews each.
    #[arg(long, default_value_t = 10_000)]
    products: u64,
}

/// Measures and prints the table.
pub(crate) fn run(options: &Options) -> Result<()> {
    let folder = tempfile::Builder::new().prefix("carnet-bench").tempdir()?;
    let scratch = match options.database {
        Database::Postgres => Some(Scratch::create("logic")?),
        Database::Sqlite => None,
    };
    let file = |name: &str| folder.path().join(name);
    let database = match &scratch {
        Some(scratch) => scratch.url().to_owned(),
        None => format!("sqlite:{}", file("logic.sqlite").display()),
    };
    let with = Carnet {
        binary: std::env::current_exe()?,
        before: match options.same {
            true => vec!["application"],
            false => vec!["application", "--logic"],
        },
        database,
        folder: folder.path().to_owned(),
        definitions: carnet::definitions(),
        settings: Vec::new(),
    };
    let mut without = Carnet {
        before: vec!["application"],
        ..with.clone()
    };
    let filling = without.start()?;
    let known = carnet::fill(&filling, options.products)?;
    filling.stop()?;
    match &scratch {
        Some(scratch) => scratch.settle()?,
        None => {
            std::fs::copy(file("logic.sqlite"), file("plain.sqlite"))?;
            without.database = format!("sqlite:{}", file("plain.sqlite").display());
        }
    }
    let start = || Ok((with.start()?, without.start()?));
    let (with, without) = options.measure.start_both(start)?;
    let mut cases = workload::cases(&known, options.measure.connections);
    cases.retain(|case| CASES.contains(&case.name));
    table::print(
        &cases,
        ("with", &with),
        ("without", &without),
        &options.measure,
    )
}
