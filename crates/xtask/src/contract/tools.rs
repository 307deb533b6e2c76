//! The programs that check the document, in a folder under `target`: installed once for each set of
//! versions. Not what they are asked.

use crate::shell;
use anyhow::{Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the checks are made of, beside this source.
const FILES: [&str; 7] = [
    "requirements.txt",
    "package.json",
    "hooks.py",
    "schemathesis.toml",
    "spectral.yaml",
    "client.ts",
    "tsconfig.json",
];

/// The files that name versions.
const VERSIONS: usize = 2;

/// The programs that have to be there already.
const NEEDED: [&str; 3] = ["python3", "node", "npm"];

/// The installed programs.
pub(super) struct Tools {
    /// Where they are and where they run: what they leave behind stays out of the sources.
    folder: PathBuf,
}

/// The programs; `None`, and a word about it, when what they need is not there.
pub(super) fn provide() -> Result<Option<Tools>> {
    let missing: Vec<&str> = NEEDED
        .into_iter()
        .filter(|name| shell::find_program(name).is_none())
        .collect();
    if !missing.is_empty() {
        let message = format!("no {} on the search path", missing.join(", "));
        if shell::is_set("CARNET_TEST_REQUIRE_SERVICES") {
            bail!("{message}, and CARNET_TEST_REQUIRE_SERVICES=1 requires them");
        }
        println!("skipped: the contract checks: {message}");
        return Ok(None);
    }
    let folder = crate::product::folder(crate::product::Profile::Dev)?.with_file_name("contract");
    std::fs::create_dir_all(&folder)?;
    let source = shell::root().join("crates/xtask/contract");
    let mut versions = String::new();
    for (number, name) in FILES.into_iter().enumerate() {
        let text = std::fs::read_to_string(source.join(name))?;
        std::fs::write(folder.join(name), &text)?;
        if number < VERSIONS {
            versions.push_str(&text);
        }
    }
    let tools = Tools { folder };
    let stamp = tools.folder.join("installed");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == versions) {
        return Ok(Some(tools));
    }
    tools.install()?;
    std::fs::write(stamp, versions)?;
    Ok(Some(tools))
}

impl Tools {
    /// Where the files of the checks are, and where the programs run.
    pub(super) fn files(&self) -> &Path {
        &self.folder
    }

    pub(super) fn schemathesis(&self) -> Command {
        self.here(self.folder.join("python/bin/schemathesis"))
    }

    /// A program of an npm package.
    pub(super) fn node(&self, name: &str) -> Command {
        self.here(self.folder.join("node_modules/.bin").join(name))
    }

    fn here(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder);
        command
    }

    fn install(&self) -> Result<()> {
        shell::run(
            self.here("python3")
                .args(["-m", "venv", "--clear", "python"]),
        )?;
        shell::run(
            self.here(self.folder.join("python/bin/pip"))
                .args(["install", "--quiet", "--disable-pip-version-check"])
                .args(["--requirement", "requirements.txt"]),
        )?;
        shell::run(self.here("npm").args([
            "install",
            "--silent",
            "--no-audit",
            "--no-fund",
            "--no-package-lock",
        ]))
    }
}
