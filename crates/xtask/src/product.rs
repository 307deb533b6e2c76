//! The built binaries that tasks run. Building is left to cargo, with one set of targets, so that
//! nothing is compiled twice with different features.

use crate::shell;
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::path::PathBuf;

/// How the binaries are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Quick to build.
    Dev,
    /// As shipped.
    Release,
}

/// Builds every binary and, in the dev profile, every test, with which they share their
/// dependencies; returns the folder they lie in.
pub(crate) fn build(profile: Profile) -> Result<PathBuf> {
    match profile {
        Profile::Dev => build_with(Some("--tests")),
        Profile::Release => build_with(Some("--release")),
    }?;
    folder(profile)
}

/// Builds every binary in the dev profile and leaves the tests alone.
pub(crate) fn build_binaries() -> Result<PathBuf> {
    build_with(None)?;
    folder(Profile::Dev)
}

fn build_with(flag: Option<&str>) -> Result<()> {
    let mut command = shell::cargo(["build", "--workspace", "--locked", "--bins"]);
    command.args(flag);
    shell::run(&mut command)
}

/// The folder of the built binaries.
pub(crate) fn folder(profile: Profile) -> Result<PathBuf> {
    let metadata = shell::output(&mut shell::cargo([
        "metadata",
        "--no-deps",
        "--format-version",
        "1",
    ]))?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let target = metadata
        .get("target_directory")
        .and_then(Value::as_str)
        .context("`cargo metadata` names no target folder")?;
    Ok(PathBuf::from(target).join(match profile {
        Profile::Dev => "debug",
        Profile::Release => "release",
    }))
}
