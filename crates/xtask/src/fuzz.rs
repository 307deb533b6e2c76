//! `fuzz`: libFuzzer against everything that reads foreign input. The targets are a workspace of
//! their own, `fuzz/`; no nightly toolchain is needed, a C++ compiler is.

use crate::{shell, signals};
use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Coverage that libFuzzer reads, by flags of the stable compiler.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// The longest input that is tried, in bytes.
const LONGEST: u32 = 4_096;

/// The flags of `fuzz`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only this target; all of them otherwise.
    pub target: Option<String>,
    /// How long each target runs.
    #[arg(long, default_value_t = 15)]
    pub seconds: u32,
    /// Runs the target once on this file, a finding or a corpus entry.
    #[arg(long, requires = "target")]
    pub input: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            target: None,
            seconds: 15,
            input: None,
        }
    }
}

/// Builds the targets and runs them one after the other.
pub(crate) fn run(options: &Options) -> Result<()> {
    signals::watch()?;
    if shell::find_program("c++").is_none() {
        if shell::is_set("CARNET_TEST_REQUIRE_SERVICES") {
            bail!("there is no C++ compiler, which libFuzzer is built with");
        }
        println!("skipped: the fuzz targets, because there is no C++ compiler");
        return Ok(());
    }
    let folder = shell::root().join("fuzz");
    let targets = targets(&folder)?;
    let chosen: Vec<&String> = match &options.target {
        Some(name) => vec![
            targets
                .iter()
                .find(|target| *target == name)
                .with_context(|| {
                    format!(
                        "there is no target `{name}`; there are {}",
                        targets.join(", ")
                    )
                })?,
        ],
        None => targets.iter().collect(),
    };
    let binaries = build(&folder)?;
    for target in chosen {
        let binary = binaries.join(target);
        match &options.input {
            Some(file) => shell::run(Command::new(&binary).arg(file))?,
            None => search(&folder, &binary, target, options.seconds)?,
        }
    }
    Ok(())
}

/// The names of the files in `targets/`.
fn targets(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder.join("targets"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "rs") {
            let stem = path.file_stem().unwrap_or_default();
            names.push(stem.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Builds every target with coverage. A target triple is named so that build scripts and macros
/// are built without it.
fn build(folder: &Path) -> Result<PathBuf> {
    let version = shell::output(Command::new("rustc").arg("-vV"))?;
    let triple = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("rustc does not tell its host")?
        .to_owned();
    let output = shell::root().join("target").join("fuzz");
    let mut command = shell::cargo(["build", "--release", "--bins"]);
    command
        .current_dir(folder)
        .args(["--target", &triple])
        .env("CARGO_TARGET_DIR", &output)
        .env("RUSTFLAGS", COVERAGE);
    shell::run(&mut command)?;
    Ok(output.join(triple).join("release"))
}

fn search(folder: &Path, binary: &Path, target: &str, seconds: u32) -> Result<()> {
    let corpus = folder.join("corpus").join(target);
    let findings = folder.join("artifacts").join(target);
    std::fs::create_dir_all(&corpus)?;
    std::fs::create_dir_all(&findings)?;
    let mut command = Command::new(binary);
    command.arg(&corpus);
    let seeds = folder.join("seeds").join(target);
    if seeds.is_dir() {
        command.arg(seeds);
    }
    command
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={LONGEST}"))
        .arg("-timeout=10")
        .arg("-rss_limit_mb=2048")
        .arg("-verbosity=0")
        .arg("-print_final_stats=1")
        .arg(format!("-artifact_prefix={}/", findings.display()));
    shell::run(&mut command)
        .with_context(|| format!("`{target}` found something; see {}", findings.display()))
}
