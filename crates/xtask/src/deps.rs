//! `deps`: the licences of everything that is linked, against the list in `deny.toml`; and what
//! cargo-deny knows besides, where it is installed.

use crate::shell;
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::collections::BTreeSet;

/// Checks the dependencies.
pub(crate) fn run() -> Result<()> {
    let rules = std::fs::read_to_string(shell::root().join("deny.toml"))?;
    let allowed = allowed(&rules)?;
    let metadata = shell::output(&mut shell::cargo([
        "metadata",
        "--format-version",
        "1",
        "--locked",
    ]))?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let packages = metadata
        .get("packages")
        .and_then(Value::as_array)
        .context("`cargo metadata` lists no packages")?;
    let mut refused = 0;
    for package in packages {
        let word = |key: &str| package.get(key).and_then(Value::as_str);
        let licence = word("license").unwrap_or("none stated");
        if !is_allowed(licence, &allowed) {
            refused += 1;
            let (name, version) = (word("name").unwrap_or("?"), word("version").unwrap_or("?"));
            eprintln!("problem: {name} {version}: `{licence}` is not on the list in deny.toml");
        }
    }
    if refused > 0 {
        bail!("{refused} packages with a licence that is not allowed");
    }
    println!("deps: {} packages, their licences allowed", packages.len());
    if shell::output(&mut shell::cargo(["deny", "--version"])).is_ok() {
        shell::run(&mut shell::cargo(["deny", "--all-features", "check"]))?;
    } else {
        println!("deps: cargo-deny is not installed; known vulnerabilities were not looked up");
    }
    Ok(())
}

fn allowed(rules: &str) -> Result<BTreeSet<String>> {
    let rules: toml::Table = toml::from_str(rules).context("deny.toml")?;
    let list = rules
        .get("licenses")
        .and_then(|licences| licences.get("allow"))
        .and_then(toml::Value::as_array)
        .context("deny.toml has no list `licenses.allow`")?;
    Ok(list
        .iter()
        .filter_map(|licence| licence.as_str().map(str::to_owned))
        .collect())
}

/// Whether an SPDX expression can be met with allowed licences alone. `/` is an old way of writing
/// `OR`.
fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut reader = Reader {
        words: &words,
        allowed,
    };
    reader.any() && reader.words.is_empty()
}

struct Reader<'a> {
    words: &'a [&'a str],
    allowed: &'a BTreeSet<String>,
}

impl Reader<'_> {
    fn take(&mut self, word: &str) -> bool {
        match self.words.split_first() {
            Some((first, rest)) if *first == word => {
                self.words = rest;
                true
            }
            _ => false,
        }
    }

    fn any(&mut self) -> bool {
        let mut holds = self.all();
        while self.take("OR") {
            holds |= self.all();
        }
        holds
    }

    fn all(&mut self) -> bool {
        let mut holds = self.one();
        while self.take("AND") {
            holds &= self.one();
        }
        holds
    }

    fn one(&mut self) -> bool {
        if self.take("(") {
            let holds = self.any();
            return self.take(")") && holds;
        }
        let Some((licence, rest)) = self.words.split_first() else {
            return false;
        };
        self.words = rest;
        if self.take("WITH") {
            let Some((exception, rest)) = self.words.split_first() else {
                return false;
            };
            self.words = rest;
            return self
                .allowed
                .contains(&format!("{licence} WITH {exception}"));
        }
        self.allowed.contains(*licence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expression: &str, expected: bool) {
        let rules = "[licenses]\nallow = ['MIT', 'Apache-2.0', 'Unicode-3.0', 'Apache-2.0 WITH LLVM-exception']";
        assert_eq!(is_allowed(expression, &allowed(rules).unwrap()), expected);
    }

    #[test]
    fn expressions_are_met_or_not() {
        check("MIT", true);
        check("MIT/Apache-2.0", true);
        check("MIT OR GPL-3.0", true);
        check("MIT AND GPL-3.0", false);
        check("(MIT OR Apache-2.0) AND Unicode-3.0", true);
        check("(GPL-3.0 OR MPL-2.0) AND Unicode-3.0", false);
        check("Apache-2.0 WITH LLVM-exception OR GPL-3.0", true);
        check("MIT WITH Odd-exception", false);
        check("none stated", false);
        check("", false);
        check("MIT OR", true);
        check("MIT MIT", false);
    }
}
