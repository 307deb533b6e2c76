//! Scenarios run against a server: one fresh database and one process for each file. Not for
//! reading files or comparing bodies.

use super::{Scenario, Step, compare, substitute};
use crate::binary::Launch;
use crate::http::{Client, Response};
use crate::postgres::TestDatabase;
use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// How many files run at a time.
const AT_ONCE: usize = 3;

/// The database a scenario runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A file of its own.
    Sqlite,
    /// A database of its own on a server.
    Postgres,
}

impl Engine {
    /// Both databases.
    pub const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];

    /// The name that people know: `SQLite`, `PostgreSQL`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// A folder of scenarios and what serves them.
#[derive(Clone, Debug)]
pub struct Suite {
    /// The binary that serves.
    pub binary: PathBuf,
    /// The definition file or folder that is served.
    pub definitions: PathBuf,
    /// The folder of the scenario files.
    pub scenarios: PathBuf,
}

/// What became of one scenario file on one database.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The scenario's file name without its ending.
    pub scenario: String,
    /// The database it ran on.
    pub engine: Engine,
    /// How many steps it has.
    pub steps: usize,
    /// Why it failed, when it did.
    pub failure: Option<String>,
}

/// Runs every scenario of the suite on `engine`, a few files at a time; the outcomes stand in the
/// order of the files' names. `server` is the PostgreSQL server on which each file gets a database.
///
/// # Errors
/// When the folder cannot be read or holds no scenario. A scenario that fails is an outcome.
pub async fn run_folder(
    suite: &Suite,
    engine: Engine,
    server: Option<&str>,
) -> Result<Vec<Outcome>> {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    for file in scenario_files(&suite.scenarios)? {
        let (suite, server) = (suite.clone(), server.map(str::to_owned));
        let places = Arc::clone(&places);
        running.spawn(async move {
            let place = places.acquire().await;
            let outcome = Box::pin(run_file(&suite, engine, server.as_deref(), &file)).await;
            drop(place);
            (file, outcome)
        });
    }
    let mut outcomes = BTreeMap::new();
    while let Some(ended) = running.join_next().await {
        let (file, outcome) = ended.context("a scenario panicked")?;
        outcomes.insert(file, outcome);
    }
    Ok(outcomes.into_values().collect())
}

async fn run_file(suite: &Suite, engine: Engine, server: Option<&str>, file: &Path) -> Outcome {
    let mut outcome = Outcome {
        scenario: stem(file),
        engine,
        steps: 0,
        failure: None,
    };
    let run = async {
        let scenario = Scenario::load(file)?;
        outcome.steps = scenario.steps.len();
        let database = Database::new(engine, server, &scenario.name)?;
        run_served(suite, &database, &scenario)
            .await
            .with_context(|| format!("`{}`", file.display()))
    };
    if let Err(error) = run.await {
        outcome.failure = Some(format!("{error:#}"));
    }
    outcome
}

/// Runs the steps of a scenario against a server whose database is empty.
///
/// # Errors
/// At the first step that fails, with the step, every difference, the request and the answer.
pub async fn run_scenario(client: &Client, scenario: &Scenario) -> Result<()> {
    let mut saved = Map::new();
    for (index, step) in scenario.steps.iter().enumerate() {
        run_step(client, step, &mut saved)
            .await
            .with_context(|| format!("step {} `{}`", index + 1, step.name))?;
    }
    Ok(())
}

async fn run_served(suite: &Suite, database: &Database, scenario: &Scenario) -> Result<()> {
    let launch = Launch::new(&suite.binary)?;
    let address = database.address(launch.folder());
    let mut process = launch.serve(&suite.definitions, &address).await?;
    let run = run_scenario(&process.client(), scenario).await;
    let run = run.with_context(|| tail(&process.logs()));
    let ended = process.terminate().await?;
    run?;
    if !ended.success() {
        bail!("the server did not end well ({ended}):\n{}", process.logs());
    }
    Ok(())
}

enum Database {
    Sqlite,
    Postgres(TestDatabase),
}

impl Database {
    fn new(engine: Engine, server: Option<&str>, hint: &str) -> Result<Self> {
        match engine {
            Engine::Sqlite => Ok(Self::Sqlite),
            Engine::Postgres => {
                let server = server.context("there is no PostgreSQL server")?;
                TestDatabase::create(server, hint).map(Self::Postgres)
            }
        }
    }

    fn address(&self, folder: &Path) -> String {
        match self {
            Self::Sqlite => folder.join("scenario.sqlite").display().to_string(),
            Self::Postgres(database) => database.url().to_owned(),
        }
    }
}

async fn run_step(client: &Client, step: &Step, saved: &mut Map<String, Value>) -> Result<()> {
    let request = &step.request;
    let path = encode(&substitute::text(&request.path, saved)?);
    let mut headers = Vec::with_capacity(request.headers.len() + 1);
    for (name, value) in &request.headers {
        headers.push((name.clone(), substitute::text(value, saved)?));
    }
    let body = match (&request.body, &request.text) {
        (Some(body), _) => Some(substitute::value(body, saved)?.to_string()),
        (None, Some(text)) => Some(substitute::text(text, saved)?),
        (None, None) => None,
    };
    let has_type = headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    if body.is_some() && !has_type {
        headers.push(("content-type".into(), "application/json".into()));
    }
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let response = client
        .send(
            &request.method,
            &path,
            &headers,
            body.clone().unwrap_or_default(),
        )
        .await?;

    let mut differences = answer_differences(step, &response, saved)?;
    if let Some(rows) = &step.expect.journal {
        let rows = substitute::value(&Value::Array(rows.clone()), saved)?;
        let found = journal_differences(client, &rows).await?;
        differences.extend(found);
    }
    if !differences.is_empty() {
        bail!(
            "{}",
            report(
                request.method.as_str(),
                &path,
                body.as_deref(),
                &response,
                &differences
            )
        );
    }
    for (name, pointer) in &step.save {
        let body = response.json()?;
        let value = body
            .pointer(pointer)
            .with_context(|| format!("nothing at `{pointer}` to save as `{name}`: {body}"))?;
        saved.insert(name.clone(), value.clone());
    }
    Ok(())
}

fn answer_differences(
    step: &Step,
    response: &Response,
    saved: &Map<String, Value>,
) -> Result<Vec<String>> {
    let mut found = Vec::new();
    match step.expect.status {
        Some(expected) if expected != response.status => {
            found.push(format!(
                "status: expected {expected}, got {}",
                response.status
            ));
        }
        None if !(200..300).contains(&response.status) => {
            found.push(format!("status: expected 2xx, got {}", response.status));
        }
        _ => {}
    }
    for (name, expected) in &step.expect.headers {
        let actual = response.header(name);
        match (expected, actual) {
            (None, None) => {}
            (None, Some(actual)) => {
                found.push(format!("header {name}: expected none, got `{actual}`"));
            }
            (Some(expected), actual) => {
                let expected = substitute::text(expected, saved)?;
                let fits = actual.is_some_and(|actual| expected == "$any" || expected == actual);
                if !fits {
                    let actual = actual.unwrap_or("none");
                    found.push(format!(
                        "header {name}: expected `{expected}`, got `{actual}`"
                    ));
                }
            }
        }
    }
    if let Some(expected) = &step.expect.body {
        let expected = substitute::value(expected, saved)?;
        let differences = match serde_json::from_slice(&response.body) {
            Ok(actual) => compare::differences(&expected, &actual),
            Err(error) => vec![format!(" is not JSON: {error}")],
        };
        found.extend(differences.into_iter().map(|line| format!("body{line}")));
    }
    for expected in &step.expect.text {
        let expected = substitute::text(expected, saved)?;
        if !response.text().contains(&expected) {
            found.push(format!("body: `{expected}` is not in it"));
        }
    }
    Ok(found)
}

async fn journal_differences(client: &Client, expected: &Value) -> Result<Vec<String>> {
    let wanted = expected.as_array().map_or(0, Vec::len).max(1);
    let path = format!("/api/v1/journal?sort=-sequence&limit={wanted}");
    let answer = client.get(&path).await?.expect(200)?;
    let mut rows = match answer.pointer("/data") {
        Some(Value::Array(rows)) => rows.clone(),
        _ => bail!("`GET {path}` has no list in `data`: {answer}"),
    };
    rows.reverse();
    // An empty expectation says that nothing was ever written.
    let actual = Value::Array(rows);
    let found = compare::differences(expected, &actual);
    Ok(found
        .into_iter()
        .map(|line| format!("journal{line}"))
        .collect())
}

fn report(
    method: &str,
    path: &str,
    body: Option<&str>,
    response: &Response,
    differences: &[String],
) -> String {
    let mut text = String::new();
    for difference in differences {
        text.push_str("\n    - ");
        text.push_str(difference);
    }
    let sent = json!(body.unwrap_or_default());
    text.push_str(&format!("\n    sent: {method} {path}"));
    if body.is_some() {
        text.push_str(&format!(" {sent}"));
    }
    text.push_str(&format!(
        "\n    got: {} {}",
        response.status,
        response.text()
    ));
    text
}

/// The last warnings and errors of a server's log, for a failure's context.
fn tail(logs: &str) -> String {
    let lines: Vec<&str> = logs
        .lines()
        .filter(|line| line.contains("ERROR") || line.contains("WARN"))
        .collect();
    let last = lines.get(lines.len().saturating_sub(3)..);
    match last {
        None | Some([]) => "the server logged no error\n".to_owned(),
        Some(last) => format!("the server logged\n    {}\n", last.join("\n    ")),
    }
}

/// What people write in a path and a request line may not hold: spaces, quotes, angle brackets
/// and letters outside ASCII.
fn encode(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for letter in path.chars() {
        if letter.is_ascii_graphic() && !"\"<>\\^`{|}".contains(letter) {
            out.push(letter);
        } else {
            let mut bytes = [0_u8; 4];
            for byte in letter.encode_utf8(&mut bytes).bytes() {
                out.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    out
}

fn scenario_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let entries = std::fs::read_dir(folder).with_context(|| format!("`{}`", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        if matches!(ending, Some("yaml" | "yml" | "json")) {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        bail!("`{}` holds no scenario", folder.display());
    }
    Ok(files)
}

fn stem(file: &Path) -> String {
    file.file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
