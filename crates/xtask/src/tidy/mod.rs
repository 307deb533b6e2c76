//! `tidy`: the rules of the house that no linter knows. A rule is one module here: a pure function
//! from the tree to problems, with its test beside it. All problems are reported at once.

mod code_pages;
mod direction;
mod documents;
mod manners;
mod module_docs;
mod module_names;
mod outside;
mod purity;
mod reach;
mod scenario_files;
mod sizes;
mod status;

use crate::tree::Tree;
use crate::{codegen, shell};
use anyhow::{Result, bail};
use std::fmt;

/// The flags of `tidy`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Leave out whether generated files are fresh, which needs the built binary.
    #[arg(long)]
    pub no_generated: bool,
}

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Problem {
    /// Where: a path from the root, with a line when one is known.
    pub place: String,
    /// What is wrong and what to do.
    pub message: String,
    /// Whether it fails the task or is only said.
    pub is_warning: bool,
}

impl Problem {
    pub(crate) fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            message: message.into(),
            is_warning: false,
        }
    }

    pub(crate) fn at(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self::new(format!("{path}:{line}"), message)
    }

    fn warning(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            is_warning: true,
            ..Self::new(place, message)
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_warning {
            "warning"
        } else {
            "problem"
        };
        write!(out, "{kind}: {}: {}", self.place, self.message)
    }
}

type Rule = fn(&Tree) -> Vec<Problem>;

const RULES: [Rule; 12] = [
    direction::check,
    reach::check,
    purity::check,
    sizes::check,
    scenario_files::check,
    module_docs::check,
    module_names::check,
    code_pages::check,
    manners::check,
    documents::check,
    status::check,
    outside::check,
];

/// Checks the project.
pub(crate) fn run(options: &Options) -> Result<()> {
    let tree = Tree::read(&shell::root())?;
    let mut problems: Vec<Problem> = RULES.iter().flat_map(|rule| rule(&tree)).collect();
    problems.sort();
    problems.dedup();
    if !options.no_generated {
        problems.extend(codegen::stale()?);
    }
    for problem in &problems {
        eprintln!("{problem}");
    }
    let failures = problems
        .iter()
        .filter(|problem| !problem.is_warning)
        .count();
    if failures > 0 {
        bail!("{failures} broken rules");
    }
    println!(
        "tidy: {} files, {} packages, in order",
        tree.files.len(),
        tree.packages.len()
    );
    Ok(())
}

/// The places and messages of problems, for tests of rules.
#[cfg(test)]
fn told(problems: &[Problem]) -> Vec<String> {
    problems
        .iter()
        .map(|problem| format!("{}: {}", problem.place, problem.message))
        .collect()
}
