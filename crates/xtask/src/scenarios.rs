//! `scenarios`: the API tests written as data, run against the built binaries on each database.

use crate::product::{self, Profile};
use crate::{postgres, shell, signals};
use anyhow::{Context as _, Result, bail};
use carnet_testkit::scenario::{Engine, Outcome, Suite, run_folder};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The flags of `scenarios`.
#[derive(Default, clap::Args)]
pub(crate) struct Options {
    /// Run the shipped build instead of the quick one.
    #[arg(long)]
    release: bool,
    /// Take the binaries as they are instead of building them.
    #[arg(long)]
    no_build: bool,
    /// Only suites whose folder contains this text: `passport`, `examples/shop`.
    only: Option<String>,
}

/// A suite and the folder it belongs to, as people name it.
struct Named {
    name: String,
    suite: Suite,
}

/// Runs every suite on every database.
pub(crate) fn run(options: &Options) -> Result<()> {
    signals::watch()?;
    let profile = if options.release {
        Profile::Release
    } else {
        Profile::Dev
    };
    let root = shell::root();
    let mut suites = discover(&root, &product::folder(profile)?)?;
    if let Some(only) = &options.only {
        suites.retain(|suite| suite.name.contains(only.as_str()));
    }
    if suites.is_empty() {
        bail!("no folder with `definitions` and `scenarios` under apps, examples or scenarios");
    }
    let server = postgres::provide()?;
    if !options.no_build {
        product::build(profile)?;
    }
    let engines: &[Engine] = if server.is_some() {
        &Engine::ALL
    } else {
        &[Engine::Sqlite]
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let mut failures = 0;
    for Named { name, suite } in &suites {
        for engine in engines {
            if signals::interrupted() {
                bail!("interrupted");
            }
            let started = Instant::now();
            let outcomes = runtime
                .block_on(run_folder(
                    suite,
                    *engine,
                    server.as_ref().map(postgres::Server::url),
                ))
                .with_context(|| format!("{name} on {}", engine.name()))?;
            failures += report(name, *engine, &outcomes, started);
        }
    }
    if failures > 0 {
        bail!("{failures} scenarios failed");
    }
    Ok(())
}

fn report(name: &str, engine: Engine, outcomes: &[Outcome], started: Instant) -> usize {
    let mut failures = 0;
    for outcome in outcomes {
        if let Some(failure) = &outcome.failure {
            failures += 1;
            eprintln!(
                "FAILED {name}/{} on {}: {failure}",
                outcome.scenario,
                engine.name()
            );
        }
    }
    let steps: usize = outcomes.iter().map(|outcome| outcome.steps).sum();
    println!(
        "{name} on {}: {} scenarios with {steps} steps, {failures} failed, {:.1} s",
        engine.name(),
        outcomes.len(),
        started.elapsed().as_secs_f64(),
    );
    failures
}

/// Every folder under `apps`, `examples` and `scenarios` that has definitions and scenarios. What is
/// a crate is served by its own binary, the others by the generic one.
fn discover(root: &Path, binaries: &Path) -> Result<Vec<Named>> {
    let mut found = Vec::new();
    for parent in ["apps", "examples", "scenarios"] {
        for folder in folders(&root.join(parent))? {
            let (definitions, scenarios) = (folder.join("definitions"), folder.join("scenarios"));
            if !definitions.is_dir() || !scenarios.is_dir() {
                continue;
            }
            let own = folder.file_name().unwrap_or(OsStr::new("carnet"));
            let binary = if folder.join("Cargo.toml").is_file() {
                own
            } else {
                OsStr::new("carnet")
            };
            found.push(Named {
                name: format!("{parent}/{}", own.to_string_lossy()),
                suite: Suite {
                    binary: binaries.join(binary),
                    definitions,
                    scenarios,
                },
            });
        }
    }
    Ok(found)
}

fn folders(parent: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if parent.is_dir() {
        for entry in std::fs::read_dir(parent)? {
            let path = entry?.path();
            if path.is_dir() {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_are_folders_with_definitions_and_scenarios() {
        let root = carnet_testkit::tempfile::tempdir().unwrap();
        for folder in [
            "apps/passport/definitions",
            "apps/passport/scenarios",
            "examples/bare/definitions",
            "examples/hello/definitions",
            "examples/hello/scenarios",
            "examples/shop/definitions",
            "examples/shop/scenarios",
        ] {
            std::fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        for crate_folder in ["apps/passport", "examples/shop"] {
            std::fs::write(root.path().join(crate_folder).join("Cargo.toml"), "").unwrap();
        }
        let suites = discover(root.path(), Path::new("/bin")).unwrap();
        let told: Vec<_> = suites
            .iter()
            .map(|named| (named.name.as_str(), named.suite.binary.to_str().unwrap()))
            .collect();
        assert_eq!(
            told,
            [
                ("apps/passport", "/bin/passport"),
                ("examples/hello", "/bin/carnet"),
                ("examples/shop", "/bin/shop")
            ]
        );
    }
}
