//! `codegen`: reference pages written from what the product itself says, so that they cannot
//! drift apart from it.

use crate::product::{self, Profile};
use crate::shell;
use crate::tidy::Problem;
use anyhow::{Context as _, Result, bail};
use std::path::Path;
use std::process::Command;

/// The flags of `codegen`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Write nothing; fail when a page is not what would be written.
    #[arg(long)]
    pub check: bool,
}

/// A generated file and what it is made of.
struct Page {
    file: &'static str,
    source: Source,
}

enum Source {
    /// What the binary `carnet` prints, word for word.
    Printed(&'static [&'static str]),
    /// What it prints, under a heading.
    Titled(&'static str, &'static [&'static str]),
    /// The help texts of all its commands.
    Help,
    /// The table of codes in the source.
    Codes,
}

const PAGES: [Page; 4] = [
    Page {
        file: "docs/reference/definition.schema.json",
        source: Source::Printed(&["definition", "schema"]),
    },
    Page {
        file: "docs/reference/cli.md",
        source: Source::Help,
    },
    Page {
        file: "docs/reference/configuration.md",
        source: Source::Titled("Configuration", &["config", "--reference"]),
    },
    Page {
        file: "docs/reference/errors.md",
        source: Source::Codes,
    },
];

const NOTE: &str = "<!-- Written by `cargo xtask codegen`; edit its source. -->";

/// Writes the pages, or checks them.
pub(crate) fn run(options: &Options) -> Result<()> {
    if options.check {
        let problems = stale()?;
        for problem in &problems {
            eprintln!("{problem}");
        }
        if !problems.is_empty() {
            bail!("{} generated pages are stale", problems.len());
        }
        println!("codegen: {} pages, fresh", PAGES.len());
        return Ok(());
    }
    let carnet = product::build(Profile::Dev)?.join("carnet");
    for page in &PAGES {
        let path = shell::root().join(page.file);
        let text = write(page, &carnet)?;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&path, text)?;
        println!("wrote {}", page.file);
    }
    Ok(())
}

/// The pages that are not what would be written now.
pub(crate) fn stale() -> Result<Vec<Problem>> {
    let carnet = product::build(Profile::Dev)?.join("carnet");
    let mut problems = Vec::new();
    for page in &PAGES {
        match write(page, &carnet) {
            Err(error) => problems.push(Problem::new(page.file, format!("{error:#}"))),
            Ok(text) => {
                let present = std::fs::read_to_string(shell::root().join(page.file));
                if present.ok().as_deref() != Some(text.as_str()) {
                    let message = "not fresh; run `cargo xtask codegen`";
                    problems.push(Problem::new(page.file, message));
                }
            }
        }
    }
    Ok(problems)
}

fn write(page: &Page, carnet: &Path) -> Result<String> {
    match page.source {
        Source::Printed(arguments) => ask(carnet, arguments),
        Source::Titled(title, arguments) => {
            let text = ask(carnet, arguments)?;
            Ok(format!("# {title}\n\n{NOTE}\n\n{}\n", text.trim()))
        }
        Source::Help => {
            let mut text = format!("# Command line\n\n{NOTE}\n");
            help(carnet, &mut Vec::new(), &mut text)?;
            Ok(text)
        }
        Source::Codes => {
            let table = std::fs::read_to_string(shell::root().join("crates/kernel/src/code.rs"))?;
            codes(&table)
        }
    }
}

fn ask(carnet: &Path, arguments: &[&str]) -> Result<String> {
    // The same words on every machine: no colours, a fixed width, nothing from the environment.
    shell::output(
        Command::new(carnet)
            .args(arguments)
            .env_clear()
            .env("NO_COLOR", "1")
            .env("COLUMNS", "100"),
    )
}

/// The help of a command and of every command below it.
fn help(carnet: &Path, command: &mut Vec<String>, text: &mut String) -> Result<()> {
    let mut arguments: Vec<&str> = command.iter().map(String::as_str).collect();
    arguments.push("--help");
    let said = ask(carnet, &arguments)?;
    let name = std::iter::once("carnet")
        .chain(command.iter().map(String::as_str))
        .collect::<Vec<_>>()
        .join(" ");
    let mut lines: Vec<&str> = said.trim().lines().map(str::trim_end).collect();
    if !command.is_empty() {
        lines = without_global(&lines);
    }
    text.push_str(&format!(
        "\n## `{name}`\n\n```text\n{}\n```\n",
        lines.join("\n")
    ));
    for below in commands(&said) {
        command.push(below);
        help(carnet, command, text)?;
        command.pop();
    }
    Ok(())
}

/// The help of a command without the flags that every command takes: the first page has them.
fn without_global<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let mut kept = Vec::new();
    let mut is_global = false;
    for line in lines {
        if !line.is_empty() && !line.starts_with(' ') {
            is_global = *line == "Global options:";
        }
        if !is_global {
            kept.push(*line);
        }
    }
    while kept.last().is_some_and(|line| line.is_empty()) {
        kept.pop();
    }
    kept
}

/// The names under `Commands:` in a help text, without `help`.
fn commands(help: &str) -> Vec<String> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| line.starts_with(' '))
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

/// The table of codes, from lines such as `NotFound "NOT_FOUND" 404 Data "There is nothing";`.
fn codes(table: &str) -> Result<String> {
    let mut text = format!(
        "# Errors\n\n{NOTE}\n\nEvery refusal carries one of these codes. A code never changes its \
         meaning and is never used again.\n\n| code | status | stage | meaning |\n|---|---|---|---|\n"
    );
    let mut count = 0;
    for line in table.lines() {
        let parts: Vec<&str> = line.split('"').collect();
        let [_, name, middle, title, ";"] = parts.as_slice() else {
            continue;
        };
        let [status, stage] = middle.split_whitespace().collect::<Vec<_>>()[..] else {
            continue;
        };
        status
            .parse::<u16>()
            .with_context(|| format!("`{name}` has the status `{status}`"))?;
        let stage = stage.to_lowercase();
        text.push_str(&format!(
            "| [`{name}`](../errors/{name}.md) | {status} | {stage} | {title} |\n"
        ));
        count += 1;
    }
    if count == 0 {
        bail!("no code was found in the table of codes");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_from_help() {
        let help = "Carnet.\n\nUsage: carnet <COMMAND>\n\nCommands:\n  serve  Serve the API\n         at once\n  db     The database\n  help   Print this message\n\nOptions:\n  -h  Help\n";
        assert_eq!(commands(help), ["serve", "db"]);
        assert_eq!(commands("Usage: carnet serve\n"), [""; 0]);
    }

    #[test]
    fn flags_of_every_command_are_told_once() {
        let help = [
            "Usage: a",
            "",
            "Options:",
            "  -h",
            "",
            "Global options:",
            "  --x",
            "",
            "      X",
        ];
        assert_eq!(without_global(&help), ["Usage: a", "", "Options:", "  -h"]);
        let help = ["Global options:", "  --x", "", "Examples:", "  a"];
        assert_eq!(without_global(&help), ["Examples:", "  a"]);
    }

    #[test]
    fn codes_become_a_table() {
        let page = codes("    NotFound \"NOT_FOUND\" 404 Data \"Nothing here\";\n").unwrap();
        let row = "| [`NOT_FOUND`](../errors/NOT_FOUND.md) | 404 | data | Nothing here |\n";
        assert!(page.ends_with(row), "{page}");
        assert!(codes("nothing").is_err());
    }
}
