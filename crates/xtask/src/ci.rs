//! `ci`: every stage, cheap ones first, each with its time.

use crate::{codegen, deps, footprint, kill, lint, scenarios, shell, tidy};
use anyhow::{Context as _, Result};
use std::time::Instant;

type Stage = (&'static str, fn() -> Result<()>);

/// The test stage is last of those that judge the code, so that its closing lines are the last
/// words of the run.
const STAGES: [Stage; 8] = [
    ("tidy", || tidy::run(&tidy::Options { no_generated: true })),
    ("deps", deps::run),
    ("lint", lint::run),
    ("codegen", || {
        codegen::run(&codegen::Options { check: true })
    }),
    ("scenarios", || {
        scenarios::run(&scenarios::Options::default())
    }),
    ("kill", || kill::run(&kill::Options::default())),
    ("footprint", || {
        footprint::run(&footprint::Options::default())
    }),
    ("test", run_test_command),
];

/// Runs the stages and stops at the first that fails.
pub(crate) fn run() -> Result<()> {
    let started = Instant::now();
    for (name, stage) in STAGES {
        let begun = Instant::now();
        println!("==> {name}");
        stage().with_context(|| format!("stage {name}"))?;
        println!("==> {name}: {:.0} s", begun.elapsed().as_secs_f64());
    }
    println!("==> all stages: {:.0} s", started.elapsed().as_secs_f64());
    Ok(())
}

/// The command of the README, as a person would type it.
fn run_test_command() -> Result<()> {
    shell::run(&mut shell::cargo(["xtask", "test"]))
}
