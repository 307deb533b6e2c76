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

/// Builds the binaries and returns the folder they lie in.
///
/// The quick ones are built with the whole workspace, so that they share every dependency with its
/// tests; the shipped ones as a user builds them, without what tests ask of dependencies.
pub(crate) fn build(profile: Profile) -> Result<PathBuf> {
    let mut command = shell::cargo(["build", "--locked", "--bins"]);
    match profile {
        Profile::Dev => command.arg("--workspace"),
        Profile::Release => {
            command.args(["--release", "-p", "carnet", "-p", "passport", "-p", "shop"])
        }
    };
    shell::run(&mut command)?;
    folder(profile)
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
