//! `guide`: every command of the guide pages that ask an example, run as it is printed, on each
//! database. Not for what the answers say: scenarios do that.

use crate::product::{self, Profile};
use crate::{postgres, shell, signals};
use anyhow::{Context as _, Result, bail};
use carnet_testkit::binary::Launch;
use carnet_testkit::postgres::TestDatabase;
use carnet_testkit::scenario::Engine;
use std::path::Path;
use std::process::Command;

/// A page of the guide and what it asks.
struct Page {
    path: &'static str,
    /// The fewest requests that must be found in it.
    least: usize,
    /// The binary of the example.
    example: &'static str,
    /// Who asks, as `--as` takes it.
    user: Option<&'static str>,
}

const PAGES: [Page; 5] = [
    shop("docs/guide/query.md", 20),
    shop("docs/guide/writes.md", 1),
    shop("docs/guide/orders.md", 5),
    catalog("docs/guide/logic.md", 4),
    catalog("docs/guide/versions.md", 10),
];

const fn shop(path: &'static str, least: usize) -> Page {
    Page {
        path,
        least,
        example: "shop",
        user: None,
    }
}

const fn catalog(path: &'static str, least: usize) -> Page {
    Page {
        path,
        least,
        example: "catalog",
        user: Some("ada:admin"),
    }
}

/// The address that the pages print.
const PRINTED: &str = "localhost:3000";

/// What stands before the commands of a page: a `curl` that asks the server of the test and notes
/// how it was answered. A block marked `sh refused` holds requests that must be refused.
const PRELUDE: &str = r#"
curl() {
  local words=() word status
  for word; do words+=("${word//$PRINTED/$ADDRESS}"); done
  command curl --max-time 30 --dump-header "$FOLDER/headers" "${words[@]}" || status="no answer"
  status=${status:-$(sed -n 's,^HTTP/[0-9.]* \([0-9]*\).*,\1,p' "$FOLDER/headers" | tail -n 1)}
  echo "$line" >>"$FOLDER/requests"
  case "$expected $status" in
    "answered "2??|"answered 304"|"refused "4??) ;;
    *) echo "line $line: $status, not $expected: $*" >>"$FOLDER/failures" ;;
  esac
}
"#;

/// The flags of `guide`.
#[derive(Default, clap::Args)]
pub(crate) struct Options {
    /// Take the binary as it is instead of building it.
    #[arg(long)]
    no_build: bool,
}

/// Runs every page on every database.
pub(crate) fn run(options: &Options) -> Result<()> {
    signals::watch()?;
    if ["bash", "curl"]
        .iter()
        .any(|name| shell::find_program(name).is_none())
    {
        if shell::is_set("CARNET_TEST_REQUIRE_SERVICES") {
            bail!("the guide's commands need bash and curl");
        }
        println!("skipped: the guide's commands, because bash or curl is missing");
        return Ok(());
    }
    let server = postgres::provide()?;
    let binaries = if options.no_build {
        product::folder(Profile::Dev)
    } else {
        product::build(Profile::Dev)
    };
    let binaries = binaries?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let mut failures = 0;
    for page in PAGES {
        for engine in Engine::ALL {
            let database = match (engine, &server) {
                (Engine::Sqlite, _) => None,
                (Engine::Postgres, Some(server)) => {
                    Some(TestDatabase::create(server.url(), "guide")?)
                }
                (Engine::Postgres, None) => continue,
            };
            failures += runtime
                .block_on(run_page(&binaries, &page, database.as_ref()))
                .with_context(|| format!("{} on {}", page.path, engine.name()))?;
        }
    }
    if failures > 0 {
        bail!("{failures} commands of the guide were not answered as it says");
    }
    Ok(())
}

/// Runs one page against its example on a new database; answers how many requests were not answered
/// as it says.
async fn run_page(binaries: &Path, page: &Page, database: Option<&TestDatabase>) -> Result<usize> {
    let launch = Launch::new(&binaries.join(page.example))?;
    let address = match database {
        Some(database) => database.url().to_owned(),
        None => launch.folder().join("guide.sqlite").display().to_string(),
    };
    let mut arguments = vec!["serve", "--database", &address];
    arguments.extend(page.user.iter().flat_map(|user| ["--as", *user]));
    let mut process = launch.start(arguments).await?;
    let text = std::fs::read_to_string(shell::root().join(page.path))?;
    let script = launch.folder().join("page.sh");
    std::fs::write(&script, script_of(&text))?;
    let output = Command::new("bash")
        .arg(&script)
        .current_dir(launch.folder())
        .env("PRINTED", PRINTED)
        .env("ADDRESS", process.base_url().trim_start_matches("http://"))
        .env("FOLDER", launch.folder())
        .output()?;
    let lines = |name: &str| -> Vec<String> {
        let text = std::fs::read_to_string(launch.folder().join(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    };
    let (requests, failures) = (lines("requests").len(), lines("failures"));
    for failure in &failures {
        eprintln!("FAILED {}, {failure}", page.path);
    }
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        bail!("the commands stopped ({}): {}", output.status, said.trim());
    }
    if requests < page.least {
        bail!(
            "{requests} requests were found, at least {} are expected",
            page.least
        );
    }
    println!(
        "{} on {}: {requests} requests, {} failed",
        page.path,
        if database.is_some() {
            "PostgreSQL"
        } else {
            "SQLite"
        },
        failures.len()
    );
    process.terminate().await?;
    Ok(failures.len())
}

/// The shell blocks of a page as one script, each behind its place and what is expected of it.
/// Blocks that start the server are left out.
fn script_of(page: &str) -> String {
    let mut script = String::from(PRELUDE);
    let mut block: Option<String> = None;
    for (number, line) in (1..).zip(page.lines()) {
        match (&mut block, line) {
            (None, "```sh") => block = Some(begin(number, "answered")),
            (None, "```sh refused") => block = Some(begin(number, "refused")),
            (None, _) => {}
            (Some(_), "```") => {
                let text = block.take().unwrap_or_default();
                if !text.contains("cargo ") && !text.contains("carnet ") {
                    script.push_str(&text);
                }
            }
            (Some(text), line) => {
                // Not between the lines of one command.
                if line.starts_with("curl ") || line.contains("$(curl ") {
                    text.push_str(&format!("line={number}\n"));
                }
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    script
}

fn begin(line: usize, expected: &str) -> String {
    format!("line={line}; expected={expected}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_become_a_script() {
        let page = "text\n```sh\ncurl a\n```\n```json\n{}\n```\n```sh refused\ncurl b\n```\n```sh\ncargo run\n```\n";
        let script = script_of(page);
        assert!(script.ends_with(
            "line=2; expected=answered\nline=3\ncurl a\nline=8; expected=refused\nline=9\ncurl b\n"
        ));
    }
}
