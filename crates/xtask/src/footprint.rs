//! `footprint`: how large the shipped binary is, how soon it is ready and how much memory it holds
//! when idle, against the limits that the project promises.

use crate::product::{self, Profile};
use crate::shell;
use anyhow::{Result, bail};
use carnet_testkit::binary::Launch;
use carnet_testkit::tempfile;
use std::path::Path;
use std::time::{Duration, Instant};

const LARGEST_BINARY: u64 = 40 * 1024 * 1024;
const LARGEST_IDLE: u64 = 40 * 1024 * 1024;
const LONGEST_START: Duration = Duration::from_millis(100);
const LONGEST_LARGE_START: Duration = Duration::from_secs(1);

/// How many resources the large definition has, and how many fields each.
const RESOURCES: usize = 500;
const FIELDS: usize = 8;

/// Of so many starts the quickest counts: a busy machine delays, it does not hurry.
const STARTS: usize = 5;

/// The flags of `footprint`.
#[derive(Default, clap::Args)]
pub(crate) struct Options {
    /// Take the binaries as they are instead of building them.
    #[arg(long)]
    no_build: bool,
}

/// Measures the shipped build.
pub(crate) fn run(options: &Options) -> Result<()> {
    let binaries = if options.no_build {
        product::folder(Profile::Release)
    } else {
        product::build(Profile::Release)
    }?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let mut broken = Vec::new();
    let mut say = |what: &str, measured: f64, limit: f64, unit: &str| {
        println!("{what}: {measured:.1} {unit} (at most {limit:.0})");
        if measured > limit {
            broken.push(what.to_owned());
        }
    };
    for name in ["carnet", "passport"] {
        let bytes = std::fs::metadata(binaries.join(name))?.len();
        say(
            &format!("size of {name}"),
            mebibytes(bytes),
            mebibytes(LARGEST_BINARY),
            "MiB",
        );
    }

    let passport = shell::root().join("apps/passport/definitions");
    let found = runtime.block_on(starts(&binaries.join("passport"), &passport))?;
    say(
        "passport ready",
        millis(found.ready),
        millis(LONGEST_START),
        "ms",
    );
    if let Some(bytes) = found.idle {
        say(
            "passport idle memory",
            mebibytes(bytes),
            mebibytes(LARGEST_IDLE),
            "MiB",
        );
    }

    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("large.yaml"), large_definition())?;
    let found = runtime.block_on(starts(&binaries.join("carnet"), folder.path()))?;
    let what = format!("{RESOURCES} resources ready");
    say(
        &what,
        millis(found.ready),
        millis(LONGEST_LARGE_START),
        "ms",
    );

    if !broken.is_empty() {
        bail!("over the limit: {}", broken.join(", "));
    }
    Ok(())
}

struct Found {
    ready: Duration,
    idle: Option<u64>,
}

/// The quickest of several starts on a database that is already there, and the memory of the last.
async fn starts(binary: &Path, definitions: &Path) -> Result<Found> {
    let launch = Launch::new(binary)?;
    let database = launch.folder().join("data.sqlite").display().to_string();
    let mut first = launch.serve(definitions, &database).await?;
    first.terminate().await?;
    let mut found = Found {
        ready: Duration::MAX,
        idle: None,
    };
    for _ in 0..STARTS {
        let begun = Instant::now();
        let mut process = launch.serve(definitions, &database).await?;
        found.ready = found.ready.min(begun.elapsed());
        found.idle = resident(process.id());
        process.terminate().await?;
    }
    Ok(found)
}

/// The resident memory of a process in bytes, where the system tells.
fn resident(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

fn large_definition() -> String {
    let mut text = String::from("carnet: 1\nservice: large\nresources:\n");
    for resource in 0..RESOURCES {
        text.push_str(&format!("  things{resource}:\n    fields:\n"));
        for field in 0..FIELDS {
            text.push_str(&format!(
                "      field{field}: {{ type: text, max: 100, optional: true }}\n"
            ));
        }
        if resource > 0 {
            let to = resource - 1;
            text.push_str(&format!(
                "      before: {{ type: ref, to: things{to}, optional: true }}\n"
            ));
        }
    }
    text
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
