//! `differ`: the same answers on SQLite and PostgreSQL, for random definitions, records and requests.
//! The comparison itself is a test of `carnet-records`; here it is told how much of it is wanted.

use crate::{postgres, shell, signals};
use anyhow::{Context as _, Result};

/// The flags of `differ`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many definitions.
    #[arg(long, default_value_t = 50)]
    models: u64,
    /// How many requests of each, reads and writes.
    #[arg(long, default_value_t = 400)]
    requests: u64,
    /// Where chance begins; each definition has the next seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Runs the test with so many of them.
pub(crate) fn run(options: &Options) -> Result<()> {
    signals::watch()?;
    let server = postgres::provide()?
        .context("two databases are compared, and there is no PostgreSQL to start")?;
    let mut command = shell::cargo(["test", "--locked", "-p", "carnet-records", "--test", "it"]);
    command
        .args(["--", "--nocapture", "--exact"])
        .arg("differ::both_databases_answer_as_the_evaluator_does")
        .env("CARNET_TEST_POSTGRES", server.url())
        .env("CARNET_TEST_REQUIRE_SERVICES", "1")
        .env("CARNET_DIFFER_MODELS", options.models.to_string())
        .env("CARNET_DIFFER_REQUESTS", options.requests.to_string())
        .env("CARNET_DIFFER_SEED", options.seed.to_string());
    shell::run(&mut command)
}
