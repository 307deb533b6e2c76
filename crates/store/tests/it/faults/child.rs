//! This test binary once more, as a process that writes until it is killed. It is told its database
//! by an environment variable and reports on lines of its own: `ack <id> <version>`, version 0 for
//! a removed record, `fail <code>` for a failed write, `stopped` when the store takes no more.

use super::ledger::{Ledger, write_pair};
use crate::database::Database;
use crate::writes::fixture::Fixture;
use crate::writes::units::stamp;
use carnet_kernel::{Code, Id};
use carnet_store::{Receipt, WriteOptions};
use futures_util::future::{join, join_all};
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

const ADDRESS: &str = "CARNET_STORE_TEST_ADDRESS";

/// How many write at once.
pub(super) const WRITERS: usize = 16;

/// Whether this process is such a child; then it has written until its store took no more.
pub(super) fn wrote() -> bool {
    let Ok(address) = std::env::var(ADDRESS) else {
        return false;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let fixture = Fixture::at(Database::elsewhere(&address)).await;
        let stopped = async {
            fixture.store.failed().await;
            println!("stopped");
        };
        let writers = (0..WRITERS).map(|_| write_for_ever(&fixture));
        join(stopped, join_all(writers)).await;
    });
    true
}

/// How many keys two processes share.
pub(super) const KEYS: u128 = 200;

/// Whether this process is a child that shares keys; then it has used them all.
pub(super) fn wrote_keyed() -> bool {
    let Ok(address) = std::env::var(ADDRESS) else {
        return false;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let fixture = Fixture::at(Database::elsewhere(&address)).await;
        for key in 1..=KEYS {
            if let Some(id) = write_keyed(&fixture, key).await {
                println!("ack {id} 1");
            }
        }
        println!("stopped");
        fixture.store.close().await;
    });
    true
}

/// Makes a thing under a key; its id, unless that was done before.
pub(super) async fn write_keyed(fixture: &Fixture, key: u128) -> Option<Id> {
    let id = fixture.id();
    let receipt = Receipt {
        key: Id::from_u128(key),
        request: Id::from_u128(1),
        answer: Arc::new(move |_| Some(id.to_string())),
    };
    let options = WriteOptions {
        receipt: Some(receipt),
        ..WriteOptions::default()
    };
    loop {
        let unit = fixture.thing(id, &format!("key {key}"));
        let scope = fixture.scope_of(1).await;
        let written = scope
            .write_with(&fixture.view, &stamp(), vec![unit], &options)
            .await;
        match written {
            Ok(written) => return written.earlier.is_none().then_some(id),
            Err(failure) if failure.error.code() == Code::IdempotencyInProgress => {}
            Err(failure) => panic!("key {key}: {failure:?}"),
        }
    }
}

async fn write_for_ever(fixture: &Fixture) {
    loop {
        write_pair(fixture, |outcome| match outcome {
            Ok(pair) => {
                for (id, version) in pair {
                    println!("ack {id} {version}");
                }
            }
            Err(error) => println!("fail {} {error:?}", error.code()),
        })
        .await;
    }
}

/// A child, and what it has told.
pub(super) struct Writing {
    child: Child,
    lines: BufReader<ChildStdout>,
    pub(super) acknowledged: Ledger,
    /// The codes of failed writes.
    pub(super) failed: Vec<String>,
    pub(super) stopped: bool,
}

/// This test binary, to run the test of this path alone.
pub(super) fn again(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(arguments(test));
    command
}

pub(super) fn arguments(test: &str) -> [&str; 3] {
    [test, "--exact", "--nocapture"]
}

impl Writing {
    pub(super) fn start(mut command: Command, database: &Database) -> Self {
        let mut child = command
            .env(ADDRESS, database.config.url.reveal())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            lines,
            acknowledged: Ledger::new(),
            failed: Vec::new(),
            stopped: false,
        }
    }

    /// Reads one line; `false` at the end.
    fn line(&mut self) -> bool {
        let mut line = String::new();
        if self.lines.read_line(&mut line).unwrap() == 0 {
            return false;
        }
        // A killed process may leave half a line.
        let Some(line) = line.strip_suffix('\n') else {
            return true;
        };
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["ack", id, version] => {
                self.acknowledged
                    .insert(id.parse().unwrap(), version.parse().unwrap());
            }
            ["fail", code, ..] => self.failed.push((*code).to_owned()),
            ["stopped"] => self.stopped = true,
            _ => {}
        }
        true
    }

    /// Reads until the child has told enough.
    pub(super) fn until(&mut self, enough: impl Fn(&Self) -> bool) {
        while !enough(self) {
            assert!(self.line(), "the child ended by itself");
        }
    }

    /// Reads until so many records are acknowledged.
    pub(super) fn until_acknowledged(&mut self, count: usize) {
        self.until(|told| told.acknowledged.len() >= count);
    }

    /// SIGKILL, then everything it had told.
    pub(super) fn kill(mut self) -> (Ledger, Vec<String>) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        while self.line() {}
        (self.acknowledged, self.failed)
    }
}
