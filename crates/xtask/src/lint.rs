//! `lint`: what rustfmt and clippy say; warnings are errors.

use crate::shell;
use anyhow::Result;

/// Runs both.
pub(crate) fn run() -> Result<()> {
    shell::run(&mut shell::cargo(["fmt", "--all", "--check"]))?;
    shell::run(&mut shell::cargo([
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ]))
}
