//! A private PostgreSQL for tests: found, installed where that is allowed, started on a free port
//! in a folder of its own, and always stopped. Not for data that anybody wants to keep.

use crate::shell;
use anyhow::{Context as _, Result, bail};
use carnet_testkit::postgres::answers;
use carnet_testkit::tempfile::{self, TempDir};
use rustix::process::{Pid, Signal, geteuid, kill_process};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The oldest version that Carnet runs on.
const OLDEST: u32 = 15;

/// How long a server may take to start, or to stop before it is killed.
const PATIENCE: Duration = Duration::from_secs(60);

/// The server that tests use.
pub(crate) enum Server {
    /// One that `CARNET_TEST_POSTGRES` names; it is left alone.
    Given(String),
    /// One of our own; dropping it stops it.
    Private(Private),
}

impl Server {
    /// The server's address, its login a superuser.
    pub(crate) fn url(&self) -> &str {
        match self {
            Self::Given(url) => url,
            Self::Private(private) => &private.url,
        }
    }
}

/// A server of our own.
pub(crate) struct Private {
    child: Child,
    url: String,
    // Removed after the server has stopped.
    _folder: TempDir,
}

/// The server for this run; `None`, and a word about it, when there is none and none is required.
pub(crate) fn provide() -> Result<Option<Server>> {
    if let Ok(url) = std::env::var("CARNET_TEST_POSTGRES") {
        println!("PostgreSQL: the server of CARNET_TEST_POSTGRES");
        return Ok(Some(Server::Given(url)));
    }
    let mut found = find();
    if found.is_none() && may_install() {
        install()?;
        found = find();
    }
    if let Some(programs) = found {
        let server = Private::start(&programs)?;
        println!(
            "PostgreSQL {}: private, at {}",
            programs.version, server.url
        );
        return Ok(Some(Server::Private(server)));
    }
    let message =
        format!("no PostgreSQL {OLDEST} or later on the search path or in /usr/lib/postgresql");
    if shell::is_set("CARNET_TEST_REQUIRE_SERVICES") {
        bail!("{message}, and CARNET_TEST_REQUIRE_SERVICES=1 requires one");
    }
    println!("PostgreSQL: {message}; tests that need it are skipped");
    Ok(None)
}

/// A folder with `initdb` and `postgres`.
struct Programs {
    folder: PathBuf,
    version: String,
    major: u32,
}

fn find() -> Option<Programs> {
    let on_path = shell::find_program("postgres")
        .and_then(|program| program.parent().map(Path::to_owned))
        .and_then(examine);
    if let Some(programs) = on_path {
        return Some(programs);
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    versions
        .filter_map(|entry| examine(entry.ok()?.path().join("bin")))
        .max_by_key(|programs| programs.major)
}

fn examine(folder: PathBuf) -> Option<Programs> {
    if !folder.join("initdb").is_file() {
        return None;
    }
    let answer = shell::output(Command::new(folder.join("postgres")).arg("--version")).ok()?;
    let version = version(&answer)?;
    let major = version.split('.').next()?.parse().ok()?;
    (major >= OLDEST).then_some(Programs {
        folder,
        version,
        major,
    })
}

/// The version in `postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)`; `17beta1` counts as 17.
fn version(answer: &str) -> Option<String> {
    let (_, rest) = answer.split_once("(PostgreSQL) ")?;
    let number: String = rest
        .chars()
        .take_while(|letter| letter.is_ascii_digit() || *letter == '.')
        .collect();
    (!number.is_empty()).then_some(number)
}

fn may_install() -> bool {
    let is_asked = shell::is_set("CARNET_TEST_INSTALL") || shell::is_set("CI");
    is_asked && geteuid().is_root() && shell::find_program("apt-get").is_some()
}

fn install() -> Result<()> {
    shell::run(Command::new("apt-get").args(["-qq", "update"]))?;
    shell::run(
        Command::new("apt-get")
            .args([
                "-qq",
                "install",
                "--yes",
                "--no-install-recommends",
                "postgresql",
            ])
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )
}

impl Private {
    fn start(programs: &Programs) -> Result<Self> {
        let login = Login::choose()?;
        let folder = tempfile::Builder::new().prefix("carnet-pg-").tempdir()?;
        if let Some(login) = &login {
            std::os::unix::fs::chown(folder.path(), Some(login.user), Some(login.group))?;
        }
        let data = folder.path().join("data");
        let mut initdb = program(&programs.folder.join("initdb"), login.as_ref());
        initdb
            .current_dir(folder.path())
            .arg("--pgdata")
            .arg(&data)
            .args(["--username=postgres", "--auth=trust", "--encoding=UTF8"])
            .args(["--locale=C", "--no-instructions", "--no-sync"]);
        shell::output(&mut initdb)?;

        let mut last = None;
        for _ in 0..3 {
            match Self::listen(programs, login.as_ref(), folder.path(), &data) {
                Ok((child, url)) => {
                    return Ok(Self {
                        child,
                        url,
                        _folder: folder,
                    });
                }
                // Perhaps the port was taken between our looking and the server's asking.
                Err(error) => last = Some(error),
            }
        }
        Err(last.context("PostgreSQL was not started")?)
    }

    fn listen(
        programs: &Programs,
        login: Option<&Login>,
        folder: &Path,
        data: &Path,
    ) -> Result<(Child, String)> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        let log = folder.join("log");
        let mut postgres = program(&programs.folder.join("postgres"), login);
        postgres
            .current_dir(folder)
            .arg("-D")
            .arg(data)
            .args(["-p", &port.to_string()])
            .args(["-c", "listen_addresses=127.0.0.1"])
            .arg("-c")
            .arg(format!("unix_socket_directories={}", folder.display()))
            .args(["-c", "fsync=on", "-c", "max_connections=200"])
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(&log)?)
            .stderr(std::fs::OpenOptions::new().append(true).open(&log)?)
            // A terminal's interrupt is for the tests; the server is stopped after them.
            .process_group(0);
        let child = postgres.spawn().context("postgres does not start")?;
        let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
        let mut starting = Stopping(Some(child));
        let deadline = Instant::now() + PATIENCE;
        while !answers(&url) {
            let has_ended = match &mut starting.0 {
                Some(child) => child.try_wait()?.is_some(),
                None => true,
            };
            if has_ended || Instant::now() > deadline {
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                bail!(
                    "PostgreSQL does not answer on port {port}:\n{}",
                    said.trim()
                );
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let child = starting.0.take().context("the server is gone")?;
        Ok((child, url))
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        stop(&mut self.child);
    }
}

/// Stops a server that is given up while it starts.
struct Stopping(Option<Child>);

impl Drop for Stopping {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            stop(child);
        }
    }
}

/// A fast shutdown by signal to the process we started, and a kill when it does not come.
fn stop(child: &mut Child) {
    // Each step fails only when the process is already gone.
    kill_process(Pid::from_child(child), Signal::INT).ok();
    let deadline = Instant::now() + PATIENCE;
    while matches!(child.try_wait(), Ok(None)) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(10));
    }
    drop(child.kill());
    drop(child.wait());
}

/// The user that PostgreSQL runs as when we are root, which it refuses to be.
struct Login {
    user: u32,
    group: u32,
}

impl Login {
    fn choose() -> Result<Option<Self>> {
        if !geteuid().is_root() {
            return Ok(None);
        }
        if shell::find_program("setpriv").is_none() {
            bail!("PostgreSQL does not run as root, and there is no `setpriv` to change the user");
        }
        let users = std::fs::read_to_string("/etc/passwd")?;
        let login = Self::of(&users, "postgres").or_else(|| Self::of(&users, "nobody"));
        Ok(Some(
            login.context("there is no user `postgres` or `nobody`")?,
        ))
    }

    fn of(users: &str, name: &str) -> Option<Self> {
        let line = users
            .lines()
            .find(|line| line.split(':').next() == Some(name))?;
        let mut parts = line.split(':').skip(2);
        Some(Self {
            user: parts.next()?.parse().ok()?,
            group: parts.next()?.parse().ok()?,
        })
    }
}

fn program(path: &Path, login: Option<&Login>) -> Command {
    let Some(login) = login else {
        return Command::new(path);
    };
    let mut command = Command::new("setpriv");
    command
        .arg(format!("--reuid={}", login.user))
        .arg(format!("--regid={}", login.group))
        // The server goes when this process does, even when it is killed.
        .args(["--clear-groups", "--pdeathsig=INT"])
        .arg(path);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        let debian = "postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)\n";
        assert_eq!(version(debian).as_deref(), Some("15.20"));
        assert_eq!(
            version("postgres (PostgreSQL) 17beta1\n").as_deref(),
            Some("17")
        );
        assert_eq!(version("something else"), None);
    }

    #[test]
    fn users_are_found() {
        let users = "root:x:0:0:root:/root:/bin/sh\npostgres:x:101:104::/var:/bin/sh\n";
        let login = Login::of(users, "postgres").unwrap();
        assert_eq!((login.user, login.group), (101, 104));
        assert!(Login::of(users, "post").is_none());
    }

    #[test]
    fn a_private_server_answers_and_goes() {
        let Some(programs) = find() else {
            carnet_testkit::skip::record("PostgreSQL's programs");
            return;
        };
        let server = Private::start(&programs).unwrap();
        let (url, folder) = (server.url.clone(), server._folder.path().to_owned());
        assert!(answers(&url));
        drop(server);
        assert!(!answers(&url));
        assert!(!folder.exists());
    }
}
