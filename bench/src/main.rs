//! Measures Carnet beside hand-written handlers and its peers. What is measured, and how, stands in
//! the README; results stand in `docs/performance.md`.

mod application;
mod carnet;
mod compare;
mod cores;
mod data;
mod hand;
mod histogram;
mod load;
mod peers;
mod postgres;
mod process;
mod runs;
mod same;
mod wire;
mod workload;

use anyhow::Result;
use clap::{Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures Carnet beside hand-written handlers and its peers.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Carnet beside a hand-written axum handler that does the same work.
    Hand(runs::hand::Options),
    /// Carnet beside another server, which is installed and started.
    Peer(runs::peer::Options),
    /// Carnet with logic round operations beside Carnet without.
    Logic(runs::logic::Options),
    /// Latency and indexes over tables of more and more rows.
    Growth(runs::growth::Options),
    /// Many connections at a fixed rate.
    Connections(runs::connections::Options),
    /// Serves the hand-written handlers; the other commands start it by themselves.
    Serve(Serve),
    /// Carnet with logic, for `logic`, which starts it by itself.
    Application(application::Options),
}

/// A database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Database {
    /// A file in a temporary folder.
    Sqlite,
    /// A database of its own on the server that `CARNET_TEST_POSTGRES` names.
    Postgres,
}

/// What all measurements have in common.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Measure {
    /// Rounds that count; the sides take turns within each.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Seconds each side is asked in a round.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Connections that ask at once.
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Cases whose name contains this, all by default.
    #[arg(long)]
    only: Option<String>,
    /// The servers on one core and the load on the others, so that neither takes the other's time.
    #[arg(long)]
    pinned: bool,
    /// This binary instead of building the shipped one.
    #[arg(long)]
    carnet: Option<PathBuf>,
}

impl Measure {
    /// Starts two servers, on a core of their own where that is asked for.
    fn start_both<T>(&self, start: impl FnOnce() -> Result<T>) -> Result<T> {
        if !self.pinned {
            return start();
        }
        let cores = cores::Cores::divide()?;
        cores.take_first()?;
        let started = start();
        cores.take_others()?;
        started
    }
}

impl From<&Measure> for compare::Plan {
    fn from(measure: &Measure) -> Self {
        Self {
            rounds: measure.rounds,
            time: Duration::from_secs_f64(measure.seconds),
        }
    }
}

#[derive(clap::Args)]
struct Serve {
    /// A path of a SQLite file, or the address of a PostgreSQL database, made by Carnet.
    database: String,
    /// Where to listen.
    #[arg(long)]
    port: u16,
    /// Without wall and journal.
    #[arg(long)]
    bare: bool,
    /// Connections to PostgreSQL, half of them for writes.
    #[arg(long, default_value_t = 20)]
    connections: usize,
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Application(options) => return Ok(application::run(options)),
        Command::Hand(options) => runs::hand::run(&options),
        Command::Peer(options) => runs::peer::run(&options),
        Command::Growth(options) => runs::growth::run(&options),
        Command::Logic(options) => runs::logic::run(&options),
        Command::Connections(options) => runs::connections::run(&options),
        Command::Serve(serve) => hand::serve(&hand::Options {
            database: serve.database,
            port: serve.port,
            bare: serve.bare,
            connections: serve.connections,
        }),
    }?;
    Ok(ExitCode::SUCCESS)
}
