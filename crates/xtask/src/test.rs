//! `test`: every test of the workspace, with a private PostgreSQL, and afterwards the names of
//! those that could not run.

use crate::product::{self, Profile};
use crate::{postgres, shell, signals};
use anyhow::Result;
use carnet_testkit::tempfile;
use std::process::Command;

/// The arguments of `test`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Passed on to the test runner: `cargo xtask test -- -p carnet-store`.
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// Runs the tests.
pub(crate) fn run(options: &Options) -> Result<()> {
    signals::watch()?;
    let is_whole = options.arguments.is_empty();
    let server = postgres::provide()?;
    // The binary that tests start is always the one of the present source.
    let binaries = product::build(Profile::Dev)?;
    let folder = tempfile::Builder::new().prefix("carnet-test-").tempdir()?;
    let skipped = folder.path().join("skipped");
    let run = |mut command: Command| {
        command
            .arg("--locked")
            .env("CARNET_TEST_BINARY", binaries.join("carnet"))
            .env("CARNET_TEST_SKIPPED_FILE", &skipped);
        if is_whole {
            command.arg("--workspace");
        }
        if let Some(server) = &server {
            command.env("CARNET_TEST_POSTGRES", server.url());
        }
        shell::run(command.args(&options.arguments))
    };

    let has_nextest = shell::output(&mut shell::cargo(["nextest", "--version"])).is_ok();
    let result = if has_nextest {
        let mut command = shell::cargo(["nextest", "run"]);
        if shell::is_set("CI") {
            command.args(["--profile", "ci"]);
        }
        // The examples in documentation are no tests to nextest.
        let examples = if is_whole {
            run(shell::cargo(["test", "--doc", "--quiet"]))
        } else {
            Ok(())
        };
        examples.and_then(|()| run(command))
    } else {
        run(shell::cargo(["test"]))
    };
    report_skipped(&std::fs::read_to_string(&skipped).unwrap_or_default());
    result
}

fn report_skipped(names: &str) {
    let mut names: Vec<&str> = names.lines().collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        println!("No test was skipped for want of a service.");
    } else {
        println!("Skipped for want of a service, {} tests:", names.len());
        for name in names {
            println!("  {name}");
        }
    }
}
