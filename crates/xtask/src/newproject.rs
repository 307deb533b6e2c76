//! `newproject`: what `carnet new` and `carnet generate` write, compiled and tested as a user does.
//! Its dependencies are those of the workspace, so that nothing is fetched and little is compiled.

use crate::product::{self, Profile};
use crate::{shell, signals};
use anyhow::{Context as _, Result, bail};
use carnet_testkit::tempfile;
use std::path::Path;
use std::process::Command;

/// The name of the project.
const NAME: &str = "new-project";

/// How many of the last lines of its build are looked at for warnings.
const KEPT: usize = 500;

/// Everything that is generated, in an order in which each finds what it names.
const PARTS: [&[&str]; 8] = [
    &["resource", "products"],
    &["logic", "products", "create"],
    &["logic", "notes", "patch"],
    &["logic", "notes", "list"],
    &["hook", "products", "before-validate", "create"],
    &["hook", "products", "after", "create"],
    &["hook", "notes", "after-commit", "delete"],
    &["test", "products"],
];

/// The action that is generated, and the file of its resource.
const ACTION: ([&str; 3], &str) = (
    ["action", "products", "feature"],
    "definitions/products.yaml",
);

/// The flags of `newproject`.
#[derive(Default, clap::Args)]
pub(crate) struct Options {
    /// Take the binary as it is instead of building it.
    #[arg(long)]
    pub no_build: bool,
}

/// Makes a project in a temporary folder, generates everything, and runs its tests.
pub(crate) fn run(options: &Options) -> Result<()> {
    signals::watch()?;
    let binaries = if options.no_build {
        product::folder(Profile::Dev)?
    } else {
        product::build(Profile::Dev)?
    };
    let carnet = binaries.join("carnet");
    let target = binaries.parent().context("the binaries lie in no folder")?;
    let root = shell::root();
    let folder = tempfile::Builder::new().prefix("carnet-new-").tempdir()?;
    let project = folder.path().join(NAME);

    let mut begin = Command::new(&carnet);
    begin.args(["new", NAME, "--carnet-path"]).arg(&root);
    shell::run(begin.current_dir(folder.path()))?;
    for part in PARTS {
        shell::run(&mut generate(&carnet, &project, part))?;
    }
    declare(&carnet, &project)?;

    std::fs::copy(root.join("Cargo.lock"), project.join("Cargo.lock"))?;
    let in_project = |arguments: &[&str]| {
        let mut command = shell::cargo([]);
        command
            .args(arguments)
            .current_dir(&project)
            .env("CARGO_TARGET_DIR", target);
        command
    };
    shell::run(&mut in_project(&["fmt", "--check"]))?;
    let said = shell::run_keeping(&mut in_project(&["test", "--offline"]), KEPT)?;
    let own = format!("warning: `{NAME}`");
    if said.iter().any(|line| line.starts_with(&own)) {
        bail!("what is generated compiles with warnings");
    }
    // The binary that the tests have built.
    shell::run(
        Command::new(binaries.join(NAME))
            .arg("check")
            .current_dir(&project),
    )
}

fn generate(carnet: &Path, project: &Path, part: &[&str]) -> Command {
    let mut command = Command::new(carnet);
    command.arg("generate").args(part).current_dir(project);
    command
}

/// Generates the action and declares it as it is told to.
fn declare(carnet: &Path, project: &Path) -> Result<()> {
    let (part, file) = ACTION;
    let told = shell::output(&mut generate(carnet, project, &part))?;
    let (_, declaration) = told
        .split_once('\n')
        .context("the action comes without its declaration")?;
    let path = project.join(file);
    let definition = std::fs::read_to_string(&path)? + declaration;
    std::fs::write(&path, definition)?;
    Ok(())
}
