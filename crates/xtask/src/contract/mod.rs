//! `contract`: the OpenAPI document against the running server. Schemathesis makes requests from
//! it and holds the answers against it, Spectral reads it, a TypeScript client generated from it is
//! compiled and run. Not the scenarios, which know what the API is for.

mod tools;

use crate::product::{self, Profile};
use crate::{postgres, shell, signals};
use anyhow::{Context as _, Result, bail};
use carnet_testkit::binary::{Launch, Process};
use carnet_testkit::postgres::TestDatabase;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;
use tools::Tools;

/// Requests of each phase for every operation, in CI and in full.
const BOUNDED: &str = "5";
const FULL: &str = "100";

/// How many of the last lines of schemathesis hold its summary.
const SUMMARY_LINES: usize = 24;

/// The flags of `contract`.
#[derive(Default, clap::Args)]
pub(crate) struct Options {
    /// Make many requests instead of a few.
    #[arg(long)]
    full: bool,
    /// What chance begins with.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Run the shipped build instead of the quick one.
    #[arg(long)]
    release: bool,
    /// Take the binaries as they are instead of building them.
    #[arg(long)]
    no_build: bool,
    /// Only the definition of this name: `shop`, `passport`.
    only: Option<String>,
}

impl Options {
    /// What fits into CI: the shop, whose definition uses most of the language.
    pub(crate) fn bounded() -> Self {
        Self {
            only: Some("shop".to_owned()),
            ..Self::default()
        }
    }
}

/// A definition that is served.
struct Served {
    name: &'static str,
    binary: PathBuf,
    /// The folder with `definitions` and `seeds`, unless they are built into the binary.
    folder: Option<PathBuf>,
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
        for engine in ["SQLite", "PostgreSQL"] {
            let database = match (engine, &server) {
                ("SQLite", _) => None,
                (_, Some(server)) => Some(TestDatabase::create(server.url(), "contract")?),
                (_, None) => continue,
            };
            let started = Instant::now();
            let url = database.as_ref().map(TestDatabase::url);
            let process = runtime.block_on(start(&served, url))?;
            let what = format!("{} on {engine}", served.name);
            let found = check(&tools, options, &runtime, &served, &process, url.is_none())
                .with_context(|| what.clone())?;
            told.push(format!(
                "{what}: {found}, {:.0} s",
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

fn definitions(binaries: &Path) -> [Served; 2] {
    [
        Served {
            name: "shop",
            binary: binaries.join("carnet"),
            folder: Some(shell::root().join("examples/shop")),
            covered: true,
        },
        Served {
            name: "passport",
            binary: binaries.join("passport"),
            folder: None,
            covered: false,
        },
    ]
}

/// A server with its seeds on a fresh database.
async fn start(served: &Served, database: Option<&str>) -> Result<Process> {
    let launch = Launch::new(&served.binary)?
        .env("CARNET_TELEMETRY_LEVEL", "error")
        .env("CARNET_WEB_ACCESS_LOG", "false");
    let mut arguments: Vec<OsString> = vec!["serve".into()];
    if let Some(folder) = &served.folder {
        for part in ["definitions", "seeds"] {
            arguments.push(format!("--{part}").into());
            arguments.push(folder.join(part).into());
        }
    }
    arguments.push("--database".into());
    arguments.push(match database {
        Some(url) => url.into(),
        None => launch.folder().join("data.sqlite").into(),
    });
    launch.start(arguments).await
}

/// What is wrong with one server, or how much was asked of it. `first` on its first database,
/// where the document itself is read as well.
fn check(
    tools: &Tools,
    options: &Options,
    runtime: &tokio::runtime::Runtime,
    served: &Served,
    process: &Process,
    first: bool,
) -> Result<String> {
    let address = format!("{}/openapi.json", process.base_url());
    if first {
        let answer = runtime.block_on(process.client().get("/openapi.json"))?;
        let document = tools.files().join(format!("{}.json", served.name));
        std::fs::write(&document, &answer.body)?;
        shell::run(
            tools
                .node("spectral")
                .args(["lint", "--ruleset", "spectral.yaml", "--fail-severity=hint"])
                .arg(&document),
        )?;
        if served.name == "shop" {
            compile_client(tools, &document)?;
        }
    }
    if served.name == "shop" {
        let mut client = Command::new("node");
        client
            .current_dir(tools.files())
            .args(["built/client.js", process.base_url()]);
        shell::run(&mut client)?;
    }
    let examples = if options.full { FULL } else { BOUNDED };
    let phases = if options.full || served.covered {
        "examples,coverage,fuzzing,stateful"
    } else {
        "examples,fuzzing,stateful"
    };
    let mut command = tools.schemathesis();
    command
        .args(["run", address.as_str()])
        .args(["--phases", phases])
        .args(["--checks", "all", "--continue-on-failure"])
        .args(["--exclude-checks", "positive_data_acceptance"])
        .args(["--max-examples", examples])
        .args(["--seed", &options.seed.to_string()])
        .args(["--generation-database", "none", "--warnings", "off"])
        .arg("--no-color");
    let lines = shell::run_keeping(&mut command, SUMMARY_LINES)?;
    let logs = process.logs();
    if logs.contains("panicked") {
        bail!("the server panicked:\n{logs}");
    }
    let cases = lines.iter().find(|line| line.contains("generated"));
    Ok(cases.map_or_else(String::new, |line| line.trim().to_owned()))
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
