//! The built product binary as a process of the test: found, started on a free port, awaited,
//! killed. Not for starting anything but Carnet's own binaries.

use crate::http::Client;
use anyhow::{Context as _, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a process may take to become ready, or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks at whether a process is ready or gone.
const PAUSE: Duration = Duration::from_millis(5);

/// The binary `name` (`carnet`, `passport`): the one that `CARNET_TEST_BINARY` names, or its
/// neighbour of that name, else the one in the target folder of the running test, which is built
/// when it is not there.
pub fn path(name: &str) -> Result<PathBuf> {
    if let Some(given) = std::env::var_os("CARNET_TEST_BINARY") {
        let given = PathBuf::from(given);
        let path = match given.file_stem() {
            Some(stem) if stem == name => given,
            _ => given.with_file_name(name),
        };
        return if path.is_file() {
            Ok(path)
        } else {
            Err(anyhow!(
                "CARNET_TEST_BINARY leads to `{}`, which is not there",
                path.display()
            ))
        };
    }
    let test = std::env::current_exe()?;
    let folder = test
        .ancestors()
        .skip(1)
        .find(|folder| folder.file_name() != Some(OsStr::new("deps")))
        .with_context(|| format!("`{}` is in no folder", test.display()))?;
    let path = folder.join(name);
    if !path.is_file() {
        build(name, folder)?;
    }
    if path.is_file() {
        Ok(path)
    } else {
        Err(anyhow!(
            "cargo built `{name}`, but not as `{}`",
            path.display()
        ))
    }
}

fn build(name: &str, folder: &Path) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--package", name, "--bin", name]);
    match folder.file_name().and_then(OsStr::to_str) {
        Some("debug") | None => {}
        Some(profile) => {
            command.args(["--profile", profile]);
        }
    }
    let status = command.status().context("cargo does not start")?;
    if !status.success() {
        bail!("cargo cannot build `{name}`: {status}");
    }
    Ok(())
}

/// How a binary is run: with which environment, in which folder. The folder is temporary, shared
/// by every process of this launch and removed with the last of them, so that a restart finds
/// what its predecessor left.
#[derive(Clone, Debug)]
pub struct Launch {
    binary: PathBuf,
    environment: Vec<(OsString, OsString)>,
    folder: Arc<TempDir>,
}

impl Launch {
    /// Runs `binary` in a new folder, with nothing of the test's own environment but the paths.
    pub fn new(binary: &Path) -> Result<Self> {
        let kept = ["PATH", "HOME", "TMPDIR", "LANG"];
        let environment = kept
            .iter()
            .filter_map(|name| std::env::var_os(name).map(|value| (name.into(), value)))
            .collect();
        Ok(Self {
            binary: binary.to_owned(),
            environment,
            folder: Arc::new(tempfile::Builder::new().prefix("carnet-").tempdir()?),
        })
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// The folder that the processes run in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs a command to its end: `run(["check", "--definitions", "d"])`.
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Result<Output> {
        self.command(arguments)
            .output()
            .with_context(|| format!("`{}` does not start", self.binary.display()))
    }

    /// Starts a server and waits until it is ready: `start(["serve"])`, to which a `--port` is
    /// added.
    pub async fn start<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Process> {
        let arguments: Vec<OsString> = arguments
            .into_iter()
            .map(|argument| argument.as_ref().to_owned())
            .collect();
        let mut attempts = 0;
        loop {
            attempts += 1;
            let mut process = self.spawn(&arguments)?;
            match process.ready().await {
                Ok(()) => return Ok(process),
                // Somebody else took the port between our looking and the server's asking.
                Err(_) if attempts < 3 && process.lost_its_port() => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Starts a server of `definitions` without seeds on `database`, an address or the path of a
    /// SQLite file, and waits until it is ready.
    pub async fn serve(&self, definitions: &Path, database: &str) -> Result<Process> {
        // An empty folder: the server has only what is written through it.
        let seeds = self.folder().join("seeds");
        std::fs::create_dir_all(&seeds)?;
        let arguments: [OsString; 7] = [
            "serve".into(),
            "--definitions".into(),
            std::path::absolute(definitions)?.into(),
            "--seeds".into(),
            seeds.into(),
            "--database".into(),
            database.into(),
        ];
        self.start(arguments).await
    }

    fn spawn(&self, arguments: &[OsString]) -> Result<Process> {
        let port = free_port()?;
        let mut command = self.command(arguments);
        command.arg("--port").arg(port.to_string());
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("`{}` does not start", self.binary.display()))?;
        let logs = Logs::default();
        if let Some(stream) = child.stdout.take() {
            logs.follow(stream);
        }
        if let Some(stream) = child.stderr.take() {
            logs.follow(stream);
        }
        Ok(Process {
            child,
            base_url: format!("http://127.0.0.1:{port}"),
            logs,
            launch: self.clone(),
        })
    }

    fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .args(arguments)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(self.folder.path());
        command
    }
}

/// A running server. Dropping it kills the process.
#[derive(Debug)]
pub struct Process {
    child: Child,
    base_url: String,
    logs: Logs,
    launch: Launch,
}

impl Process {
    /// Where the server answers: `http://127.0.0.1:<port>`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// A client of the server.
    pub fn client(&self) -> Client {
        Client::new(&self.base_url)
    }

    /// How it was started; `process.launch().start(…)` starts another one in the same folder.
    pub fn launch(&self) -> &Launch {
        &self.launch
    }

    /// The id of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote so far, standard output and standard error together.
    pub fn logs(&self) -> String {
        self.logs.text()
    }

    /// Kills the process without warning and waits until it is gone.
    pub fn kill9(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks the process to end (`SIGTERM`) and waits until it has.
    pub async fn terminate(&mut self) -> Result<ExitStatus> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                bail!(
                    "did not end within {PATIENCE:?} of SIGTERM:\n{}",
                    self.logs()
                );
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn ready(&mut self) -> Result<()> {
        let client = self.client();
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait()? {
                self.logs.finish();
                bail!(
                    "the server ended before it was ready ({status}):\n{}",
                    self.logs()
                );
            }
            if let Ok(answer) = client.get("/health/ready").await
                && answer.status == 200
            {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!(
                    "the server was not ready within {PATIENCE:?}:\n{}",
                    self.logs()
                );
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn lost_its_port(&mut self) -> bool {
        let has_ended = matches!(self.child.try_wait(), Ok(Some(_)));
        has_ended && self.logs().to_lowercase().contains("in use")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails only when the process is already gone.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The lines that a process writes, collected by a thread for each stream.
#[derive(Clone, Debug, Default)]
struct Logs {
    lines: Arc<Mutex<Vec<String>>>,
    readers: Arc<Mutex<Vec<std::thread::JoinHandle<()>>>>,
}

impl Logs {
    fn follow(&self, stream: impl Read + Send + 'static) {
        let lines = Arc::clone(&self.lines);
        let reader = std::thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while stream
                .read_until(b'\n', &mut line)
                .is_ok_and(|count| count > 0)
            {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                lines
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(text);
                line.clear();
            }
        });
        self.readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(reader);
    }

    /// Waits until an ended process's last words are read.
    fn finish(&self) {
        let readers =
            std::mem::take(&mut *self.readers.lock().unwrap_or_else(PoisonError::into_inner));
        for reader in readers {
            drop(reader.join());
        }
    }

    fn text(&self) -> String {
        self.lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .join("\n")
    }
}

/// A loopback port that nobody listened on a moment ago.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_that_ends_at_once_tells_why() {
        let launch = Launch::new(Path::new("/bin/sh")).unwrap();
        let error = launch
            .start(["-c", "echo no data folder >&2; exit 3"])
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains("exit status: 3"), "{error}");
        assert!(error.contains("no data folder"), "{error}");
    }

    #[test]
    fn commands_run_in_the_folder_without_the_test_s_environment() {
        let launch = Launch::new(Path::new("/bin/sh"))
            .unwrap()
            .env("GIVEN", "yes");
        let output = launch
            .run(["-c", "pwd -P; echo $GIVEN $CARGO_PKG_NAME"])
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let folder = launch.folder().canonicalize().unwrap();
        assert_eq!(text, format!("{}\nyes\n", folder.display()));
    }

    #[tokio::test]
    async fn a_process_is_asked_to_end_and_killed_when_dropped() {
        let launch = Launch::new(Path::new("/bin/sh")).unwrap();
        let arguments = [
            "-c".into(),
            "trap 'exit 7' TERM; echo up; while :; do :; done".into(),
        ];
        let mut process = launch.spawn(&arguments).unwrap();
        while !process.logs().contains("up") {
            tokio::task::yield_now().await;
        }
        assert_eq!(process.terminate().await.unwrap().code(), Some(7));

        let process = launch.spawn(&arguments).unwrap();
        let id = Pid::from_child(&process.child);
        drop(process);
        assert!(rustix::process::test_kill_process(id).is_err());
    }
}
