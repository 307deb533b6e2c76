//! `ci`: every stage, cheap ones first, each with its time; at the end once more how the tests ended.

use crate::{
    codegen, contract, deps, footprint, fuzz, guide, kill, lint, newproject, scenarios, shell,
    signals, tidy,
};
use anyhow::{Context as _, Result};
use std::time::Instant;

/// How many of the test command's last lines are shown again at the end.
const CLOSING_LINES: usize = 12;

/// Runs the stages and stops at the first that fails.
pub(crate) fn run() -> Result<()> {
    signals::watch()?;
    let started = Instant::now();
    let tidy_options = tidy::Options { no_generated: true };
    stage("tidy", || tidy::run(&tidy_options))?;
    stage("deps", deps::run)?;
    stage("lint", lint::run)?;
    // The command of the README, as a person types it.
    let closing = stage("test", || {
        shell::run_keeping(&mut shell::cargo(["xtask", "test"]), CLOSING_LINES)
    })?;
    stage("newproject", || {
        newproject::run(&newproject::Options::default())
    })?;
    stage("codegen", || {
        codegen::run(&codegen::Options { check: true })
    })?;
    stage("scenarios", || {
        scenarios::run(&scenarios::Options::default())
    })?;
    stage("guide", || guide::run(&guide::Options::default()))?;
    stage("contract", contract::bounded)?;
    stage("kill", || kill::run(&kill::Options::default()))?;
    stage("fuzz", || fuzz::run(&fuzz::Options::default()))?;
    stage("footprint", || {
        footprint::run(&footprint::Options::default())
    })?;

    println!("==> all stages: {:.0} s", started.elapsed().as_secs_f64());
    println!("==> how the tests ended:");
    for line in closing {
        println!("{line}");
    }
    Ok(())
}

fn stage<T>(name: &str, run: impl FnOnce() -> Result<T>) -> Result<T> {
    let begun = Instant::now();
    println!("==> {name}");
    let result = run().with_context(|| format!("stage {name}"))?;
    println!("==> {name}: {:.0} s", begun.elapsed().as_secs_f64());
    Ok(result)
}
