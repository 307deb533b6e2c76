//! `contract`: the OpenAPI document against the running server. Schemathesis makes requests from
//! it and holds the answers against it, Spectral reads it, a TypeScript client generated from it is
//! compiled and run. Not the scenarios, which know what the API is for.

mod tools;

use crate::product::{self, Profile};
use crate::{postgres, shell, signals};
use anyhow::{Context as _, Result, bail};
use carnet_testkit::binary::{Launch, Process};
use carnet_testkit::postgres::TestDatabase;
use serde_json::Value;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;
use std::time::Instant;
use tools::Tools;

/// Requests of each phase for every operation, in CI and in full.
const BOUNDED: u32 = 5;
const FULL: u32 = 50;

/// How many of the last lines of schemathesis hold its summary.
const SUMMARY_LINES: usize = 24;

const ALL_PHASES: &str = "examples,coverage,fuzzing,stateful";

/// Without the coverage of every rule of every schema, which takes most of the time.
const QUICK_PHASES: &str = "examples,fuzzing,stateful";

/// The coverage alone.
const COVERAGE: &str = "coverage";

/// Into how many parts CI cuts what takes too long as a whole.
const PARTS: usize = 8;

/// The flags of `contract`.
#[derive(Clone, Default, clap::Args)]
pub(crate) struct Options {
    /// Make many requests instead of a few, and try every rule of every schema everywhere.
    #[arg(long)]
    full: bool,
    /// How many requests of each phase for every operation, instead of 5 or, in full, 50.
    #[arg(long)]
    examples: Option<u32>,
    /// What chance begins with.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Only these phases, separated by commas.
    #[arg(long)]
    phases: Option<String>,
    /// How many requests are made at once. More than one needs Python 3.12: `ast.parse` of older
    /// ones fails now and then when two threads call it (cpython#106905).
    #[arg(long, default_value_t = 1)]
    workers: u32,
    /// Only these resources: `2/7` is the second of seven parts.
    #[arg(long)]
    part: Option<Part>,
    /// Only this database: `sqlite`, `postgres`.
    #[arg(long)]
    database: Option<String>,
    /// Run the shipped build instead of the quick one.
    #[arg(long)]
    release: bool,
    /// Take the binaries as they are instead of building them.
    #[arg(long)]
    no_build: bool,
    /// Only the definition of this name: `shop`, `passport`.
    only: Option<String>,
}

/// One of several parts of the resources, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    number: usize,
    of: usize,
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (number, of) = text.split_once('/')?;
            let (number, of) = (number.parse().ok()?, of.parse().ok()?);
            (1..=of).contains(&number).then_some(Self { number, of })
        };
        read().ok_or_else(|| format!("`{text}` is no part; one is written `2/7`"))
    }
}

/// What fits into CI: the shop, whose definition uses most of the language, with every rule of a part
/// of it, and a part of the passport application; other parts with every commit.
pub(crate) fn bounded() -> Result<()> {
    let commit = shell::output(Command::new("git").args(["rev-parse", "HEAD"])).unwrap_or_default();
    let start = commit.get(..7).unwrap_or_default();
    let number = usize::from_str_radix(start, 16).unwrap_or_default();
    let part = Part {
        number: number % PARTS + 1,
        of: PARTS,
    };
    let of = |only: &str, phases: &str, part: Option<Part>| Options {
        only: Some(only.to_owned()),
        phases: Some(phases.to_owned()),
        part,
        workers: 1,
        no_build: part.is_some(),
        ..Options::default()
    };
    run(&of("shop", QUICK_PHASES, None))?;
    run(&of("shop", COVERAGE, Some(part)))?;
    run(&of("passport", QUICK_PHASES, Some(part)))
}

/// A definition that is served.
struct Served {
    name: &'static str,
    /// With its definitions, seeds and logic.
    binary: PathBuf,
    /// Whether every rule of every schema is tried in the bounded run as well.
    covered: bool,
}

/// Runs every check for every definition on every database.
pub(crate) fn run(options: &Options) -> Result<()> {
    signals::watch()?;
    let Some(tools) = tools::provide()? else {
        return Ok(());
    };
    let profile = if options.release {
        Profile::Release
    } else {
        Profile::Dev
    };
    let server = postgres::provide()?;
    let binaries = if options.no_build {
        product::folder(profile)?
    } else {
        product::build(profile)?
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let mut told = Vec::new();
    for served in definitions(&binaries) {
        if options
            .only
            .as_ref()
            .is_some_and(|only| only != served.name)
        {
            continue;
        }
        let mut first = true;
        for engine in ENGINES {
            if options
                .database
                .as_ref()
                .is_some_and(|only| *only != engine.word)
            {
                continue;
            }
            let database = match &server {
                _ if engine.embedded => None,
                Some(server) => Some(TestDatabase::create(server.url(), "contract")?),
                None => continue,
            };
            let started = Instant::now();
            let url = database.as_ref().map(TestDatabase::url);
            let process = runtime.block_on(start(&served, url))?;
            let what = format!("{} on {}", served.name, engine.name);
            let run = Run {
                tools: &tools,
                options,
                runtime: &runtime,
                served: &served,
                process: &process,
                first: std::mem::take(&mut first),
            };
            let found = run.check().with_context(|| what.clone())?;
            told.push(format!(
                "{what}: {found}, seed {}, {:.0} s",
                options.seed,
                started.elapsed().as_secs_f64()
            ));
        }
    }
    println!("the document and the server agree:");
    for line in told {
        println!("  {line}");
    }
    Ok(())
}

/// A database that definitions are served on.
struct Engine {
    /// As it is chosen.
    word: &'static str,
    name: &'static str,
    /// It needs no server.
    embedded: bool,
}

const ENGINES: [Engine; 2] = [
    Engine {
        word: "sqlite",
        name: "SQLite",
        embedded: true,
    },
    Engine {
        word: "postgres",
        name: "PostgreSQL",
        embedded: false,
    },
];

fn definitions(binaries: &Path) -> [Served; 2] {
    [
        Served {
            name: "shop",
            binary: binaries.join("shop"),
            covered: true,
        },
        Served {
            name: "passport",
            binary: binaries.join("passport"),
            covered: false,
        },
    ]
}

/// A server with its seeds on a fresh database.
async fn start(served: &Served, database: Option<&str>) -> Result<Process> {
    let launch = Launch::new(&served.binary)?
        .env("CARNET_TELEMETRY_LEVEL", "error")
        .env("CARNET_WEB_ACCESS_LOG", "false");
    let database: OsString = match database {
        Some(url) => url.into(),
        None => launch.folder().join("data.sqlite").into(),
    };
    launch
        .start(["serve".into(), "--database".into(), database])
        .await
}

/// The checks of one server.
struct Run<'a> {
    tools: &'a Tools,
    options: &'a Options,
    runtime: &'a tokio::runtime::Runtime,
    served: &'a Served,
    process: &'a Process,
    /// On its first database the document itself is read as well.
    first: bool,
}

impl Run<'_> {
    /// What is wrong, or how much was asked.
    fn check(&self) -> Result<String> {
        let answer = self
            .runtime
            .block_on(self.process.client().get("/openapi.json"))?;
        let file = self
            .tools
            .files()
            .join(format!("{}.json", self.served.name));
        // Who asks for a part has the document read elsewhere.
        if self.first && self.options.part.is_none() {
            std::fs::write(&file, &answer.body)?;
            shell::run(
                self.tools
                    .node("spectral")
                    .args(["lint", "--ruleset", "spectral.yaml", "--fail-severity=hint"])
                    .arg(&file),
            )?;
            if self.served.name == "shop" {
                compile_client(self.tools, &file)?;
            }
        }
        if self.served.name == "shop" && self.options.part.is_none() {
            let mut client = Command::new("node");
            client
                .current_dir(self.tools.files())
                .args(["built/client.js", self.process.base_url()]);
            shell::run(&mut client)?;
        }
        let found = self.request(&serde_json::from_slice(&answer.body)?)?;
        let logs = self.process.logs();
        if logs.contains("panicked") {
            bail!("the server panicked:\n{logs}");
        }
        Ok(found)
    }

    /// Makes requests from the document and holds the answers against it.
    fn request(&self, document: &Value) -> Result<String> {
        let options = self.options;
        let (usual, phases) = if options.full {
            (FULL, ALL_PHASES)
        } else if self.served.covered {
            (BOUNDED, ALL_PHASES)
        } else {
            (BOUNDED, QUICK_PHASES)
        };
        let phases = options.phases.as_deref().unwrap_or(phases);
        let examples = options.examples.unwrap_or(usual);
        let mut command = self.tools.schemathesis();
        command
            .arg("run")
            .arg(format!("{}/openapi.json", self.process.base_url()))
            .args(["--phases", phases])
            .args(["--checks", "all", "--continue-on-failure"])
            .args(["--exclude-checks", "positive_data_acceptance"])
            .args(["--max-examples", &examples.to_string()])
            .args(["--seed", &options.seed.to_string()])
            .args(["--workers", &options.workers.to_string()])
            .args(["--generation-database", "none", "--warnings", "off"])
            .arg("--no-color");
        for name in options
            .part
            .iter()
            .flat_map(|part| part.resources(document))
        {
            command.args(["--include-tag", &name]);
        }
        let lines = shell::run_keeping(&mut command, SUMMARY_LINES)?;
        let told = |word: &str| {
            let line = lines.iter().find(|line| line.contains(word));
            line.map_or_else(String::new, |line| line.trim().to_lowercase())
        };
        Ok(format!(
            "operations {}, {phases}, {}",
            told("Tested:"),
            told("generated")
        ))
    }
}

impl Part {
    /// The names of its resources.
    fn resources(self, document: &Value) -> Vec<String> {
        let tags = document.get("tags").and_then(Value::as_array);
        tags.into_iter()
            .flatten()
            .filter_map(|tag| tag.get("name")?.as_str())
            .enumerate()
            .filter(|(place, _)| place % self.of == self.number - 1)
            .map(|(_, name)| name.to_owned())
            .collect()
    }
}

/// Generates the types of the document and compiles the client against them.
fn compile_client(tools: &Tools, document: &Path) -> Result<()> {
    shell::run(tools.node("openapi-typescript").arg(document).args([
        "--output",
        "schema.d.ts",
        "--default-non-nullable=false",
    ]))?;
    shell::run(tools.node("tsc").args(["--project", "tsconfig.json"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_hold_every_resource_once() {
        let document =
            serde_json::json!({ "tags": [{ "name": "a" }, { "name": "b" }, { "name": "c" }] });
        let part = |text: &str| text.parse::<Part>().unwrap().resources(&document);
        assert_eq!(part("1/2"), ["a", "c"]);
        assert_eq!(part("2/2"), ["b"]);
        for text in ["0/2", "3/2", "1", "a/b", "1/"] {
            assert!(text.parse::<Part>().is_err(), "{text}");
        }
    }
}
