//! Many connections at a fixed rate: none may fail, and latency counts from when a request was due.

use crate::carnet::{self, Carnet};
use crate::load::{self, Load};
use crate::postgres::Scratch;
use crate::{Database, workload};
use anyhow::{Result, bail};
use rustix::process::{Resource, getrlimit, setrlimit};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// The flags.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// On which database.
    #[arg(value_enum)]
    database: Database,
    /// How many connections are held, one measurement each.
    #[arg(long, value_delimiter = ',', default_values_t = [64, 1_000, 10_000])]
    counts: Vec<usize>,
    /// Requests a second in all.
    #[arg(long, default_value_t = 2_000.0)]
    rate: f64,
    /// Seconds each measurement takes.
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// This binary instead of building the shipped one.
    #[arg(long)]
    carnet: Option<PathBuf>,
}

/// Measures and prints the table.
pub(crate) fn run(options: &Options) -> Result<()> {
    let most = options.counts.iter().copied().max().unwrap_or(0) as u64;
    raise(most + 256)?;
    let binary = carnet::binary(options.carnet.as_deref())?;
    let folder = tempfile::Builder::new().prefix("carnet-bench").tempdir()?;
    let scratch = match options.database {
        Database::Postgres => Some(Scratch::create("connections")?),
        Database::Sqlite => None,
    };
    let process = Carnet {
        binary,
        before: Vec::new(),
        database: match &scratch {
            Some(scratch) => scratch.url().to_owned(),
            None => format!("sqlite:{}", folder.path().join("carnet.sqlite").display()),
        },
        folder: folder.path().to_owned(),
        definitions: carnet::definitions(),
        settings: Vec::new(),
    }
    .start()?;
    let known = carnet::fill(&process, 2_000)?;
    if let Some(scratch) = &scratch {
        // Without statistics a list reads the whole table until the server gathers them by itself.
        scratch.settle()?;
    }
    println!(
        "| connections | case | answered /s | failed | p50 ms | p99 ms | p99.9 ms | most ms | \
         resident MiB |\n|---|---|---|---|---|---|---|---|---|"
    );
    let counter = Arc::new(AtomicU64::new(0));
    for connections in &options.counts {
        for case in workload::cases(&known, *connections) {
            if !["get by id", "list 20", "create"].contains(&case.name) {
                continue;
            }
            let outcome = load::run(&Load {
                address: process.address,
                connections: *connections,
                time: Duration::from_secs_f64(options.seconds),
                rate: Some(options.rate),
                requests: Arc::clone(&case.requests),
                counter: Arc::clone(&counter),
            })?;
            let at = |share| outcome.latencies.quantile(share) as f64 / 1e3;
            println!(
                "| {connections} | {} | {:.0} | {} | {:.2} | {:.2} | {:.2} | {:.1} | {:.0} |",
                case.name,
                outcome.rate(),
                outcome.failed,
                at(0.5),
                at(0.99),
                at(0.999),
                outcome.latencies.max() as f64 / 1e3,
                process.resident().unwrap_or(f64::NAN),
            );
            if outcome.failed > 0 {
                bail!("{}", outcome.trouble.unwrap_or_default());
            }
        }
    }
    drop(process);
    Ok(())
}

/// Lets this process and its children hold so many files.
fn raise(files: u64) -> Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < files) {
        if limit.maximum.is_some_and(|most| most < files) {
            bail!(
                "the system allows {:?} open files, {files} are needed",
                limit.maximum
            );
        }
        limit.current = Some(files);
        setrlimit(Resource::Nofile, limit)?;
    }
    Ok(())
}
