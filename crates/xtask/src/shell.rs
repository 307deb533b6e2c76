//! Commands that a task runs: shown, run to their end, judged by their exit status. Not for
//! servers that stay.

use crate::signals;
use anyhow::{Context as _, Result, bail};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// The workspace's folder. What `cargo run` says counts for more than where this program was
/// compiled: clones may share a target folder.
pub(crate) fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.ancestors().nth(2).unwrap_or(&here).to_owned()
}

/// A command of the cargo that runs this task, in the workspace's folder.
pub(crate) fn cargo<const N: usize>(arguments: [&str; N]) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command.args(arguments).current_dir(root());
    // Set for this process by the cargo that started it; a cargo below must find its own.
    command.env_remove("CARGO_MANIFEST_DIR");
    command
}

/// Runs a command that the person sees, and fails when it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let child = start(command)?;
    finish(child, command)
}

/// Runs a command that the person sees, and returns the last `count` lines it wrote as well.
pub(crate) fn run_keeping(command: &mut Command, count: usize) -> Result<Vec<String>> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = start(command)?;
    let last = Mutex::new(VecDeque::with_capacity(count));
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let result = std::thread::scope(|scope| {
        let last = &last;
        scope.spawn(move || stdout.map(|stream| pass_on(stream, last, count)));
        scope.spawn(move || stderr.map(|stream| pass_on(stream, last, count)));
        finish(child, command)
    });
    result?;
    Ok(last
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
        .into())
}

fn pass_on(stream: impl Read, last: &Mutex<VecDeque<String>>, count: usize) {
    for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).into_owned();
        println!("{line}");
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() == count {
            last.pop_front();
        }
        last.push_back(line);
    }
}

fn start(command: &mut Command) -> Result<Child> {
    let shown = show(command);
    println!("$ {shown}");
    command
        .spawn()
        .with_context(|| format!("`{shown}` does not start"))
}

fn finish(mut child: Child, command: &Command) -> Result<()> {
    let watch = signals::forward_to(child.id());
    let status = child.wait()?;
    drop(watch);
    if signals::interrupted() {
        bail!("interrupted");
    }
    if !status.success() {
        bail!("`{}` failed ({status})", show(command));
    }
    Ok(())
}

/// Runs a command quietly and returns what it wrote to standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let shown = show(command);
    let output = command
        .output()
        .with_context(|| format!("`{shown}` does not start"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{shown}` failed ({}): {}", output.status, said.trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{shown}` wrote no UTF-8"))
}

/// Whether a program of that name is on the search path.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// Whether an environment variable is set to `1` or `true`.
pub(crate) fn is_set(name: &str) -> bool {
    std::env::var(name).is_ok_and(|value| value == "1" || value == "true")
}

fn show(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(command.get_program());
    std::iter::once(name)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}
