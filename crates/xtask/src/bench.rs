//! `bench`: the measurements of `bench/`, with a private PostgreSQL when none is named. What is
//! measured stands there.

use crate::{postgres, shell, signals};
use anyhow::Result;

/// The arguments of `bench`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Passed on: `cargo xtask bench -- hand sqlite`.
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// Builds and runs it.
pub(crate) fn run(options: &Options) -> Result<()> {
    signals::watch()?;
    let server = postgres::provide()?;
    let mut command = shell::cargo([
        "run",
        "--release",
        "--manifest-path",
        "bench/Cargo.toml",
        "--",
    ]);
    if let Some(server) = &server {
        command.env("CARNET_TEST_POSTGRES", server.url());
    }
    shell::run(command.args(&options.arguments))
}
