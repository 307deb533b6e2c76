//! Faults on SQLite: a full database, a disk that fails, a process that is killed, a neighbour
//! that writes the same file. Nothing acknowledged is lost and nothing is half done.
//!
//! Some tests run this binary again as a child; the child is told what to do by environment
//! variables and reports each acknowledged write on a line of its own. `CARNET_TEST_KILLS` sets
//! how often the writing process is killed (10).

#![cfg(test)]

use crate::fixture_sqlite::{Fixture, config, gate, price, text};
use carnet_kernel::{Code, Id, Period, Value};
use carnet_store::{Error, Store};
use futures_util::future::{join, join_all};
use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

const FOLDER: &str = "CARNET_STORE_TEST_FOLDER";
const WRITERS: usize = 16;

/// What the child was told: the folder of the database.
fn told() -> Option<std::path::PathBuf> {
    std::env::var_os(FOLDER).map(Into::into)
}

/// Writes for ever: each writer makes, changes and removes records of its own, several units at a
/// time, and tells what was acknowledged: `ack <id> <version>`, version 0 for a removed record,
/// `fail <code>` for a failed write, `stopped` when the store takes no more.
fn write_for_ever(folder: &Path) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let fixture = Fixture::open(&config(folder)).await;
        let stopped = async {
            fixture.store.failed().await;
            println!("stopped");
        };
        join(stopped, join_all((0..WRITERS).map(|_| write_on(&fixture)))).await;
    });
}

async fn write_on(fixture: &Fixture) {
    loop {
        let (one, other) = (fixture.id(), fixture.id());
        let writes = [
            (
                vec![
                    fixture.thing(one, &one.to_string()),
                    fixture.thing(other, &other.to_string()),
                    fixture.update("things", one, &[("price", price(100))]),
                ],
                [(one, 2), (other, 1)],
            ),
            (
                vec![
                    fixture.update("things", one, &[("note", text(&"n".repeat(500)))]),
                    fixture.delete("things", other),
                ],
                [(one, 3), (other, 0)],
            ),
        ];
        for (units, acknowledged) in writes {
            match fixture.write(units).await {
                Ok(_) => {
                    for (id, version) in acknowledged {
                        println!("ack {id} {version}");
                    }
                }
                Err(failure) => {
                    println!("fail {}", failure.error.code());
                    break;
                }
            }
        }
    }
}

/// A child that runs `test` of this binary on the database in `folder`.
struct Writing {
    child: Child,
    lines: BufReader<ChildStdout>,
    acknowledged: HashMap<Id, i64>,
    failed: Vec<String>,
    stopped: bool,
}

impl Writing {
    fn start(mut command: Command, folder: &Path) -> Self {
        let mut child = command
            .env(FOLDER, folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            lines,
            acknowledged: HashMap::new(),
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
            ["fail", code] => self.failed.push((*code).to_owned()),
            ["stopped"] => self.stopped = true,
            _ => {}
        }
        true
    }

    /// Reads until so many records are acknowledged.
    fn until_acknowledged(&mut self, count: usize) {
        while self.acknowledged.len() < count {
            assert!(self.line(), "the child ended by itself");
        }
    }

    /// SIGKILL, then everything it had told.
    fn kill(mut self) -> (HashMap<Id, i64>, Vec<String>) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        while self.line() {}
        (self.acknowledged, self.failed)
    }
}

/// This test binary, to run the named test of this module.
fn again(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(arguments(test));
    command
}

fn arguments(test: &str) -> [String; 3] {
    let module = module_path!().split_once("::").unwrap().1;
    [
        format!("{module}::{test}"),
        "--exact".to_owned(),
        "--nocapture".to_owned(),
    ]
}

/// Every acknowledged write is there, every record has the journal row of its version and every
/// journal row its record, and the file is sound.
async fn sound(folder: &Path, acknowledged: &HashMap<Id, i64>) {
    let fixture = Fixture::open(&config(folder)).await;
    let rows = fixture
        .store
        .system()
        .rows("select id, version from things", &[])
        .await
        .unwrap();
    let stored: HashMap<Id, i64> = rows
        .iter()
        .map(|row| (row[0].as_id().unwrap(), row[1].as_integer().unwrap()))
        .collect();
    for (id, version) in acknowledged {
        let found = stored.get(id).copied();
        if *version == 0 {
            assert_eq!(found, None, "{id} was removed");
        } else {
            // The next write of the same record may have been committed without being told; it
            // changes one of the pair and removes the other.
            assert!(
                found.is_some_and(|found| found >= *version) || found.is_none() && *version == 1,
                "{id} was acknowledged with version {version}, found {found:?}"
            );
        }
    }
    let rows = fixture
        .store
        .system()
        .rows(
            "select record, version, kind from carnet_journal_records order by sequence",
            &[],
        )
        .await
        .unwrap();
    let mut told: HashMap<Id, i64> = HashMap::new();
    for row in &rows {
        let (id, version) = (row[0].as_id().unwrap(), row[1].as_integer().unwrap());
        let before = told.insert(id, version).unwrap_or(0);
        assert_eq!(version, before + 1, "{id} lacks a journal row");
        if row[2].as_text() == Some("delete") {
            told.remove(&id);
        }
    }
    assert_eq!(told, stored, "records and journal differ");
    let check = fixture
        .store
        .system()
        .rows("pragma integrity_check", &[])
        .await
        .unwrap();
    assert_eq!(check, [[text("ok")]]);
    let dangling = fixture
        .store
        .system()
        .rows("pragma foreign_key_check", &[])
        .await
        .unwrap();
    assert_eq!(dangling, Vec::<Vec<Value>>::new());
    fixture.store.close().await;
}

#[test]
fn a_killed_process_loses_nothing_it_acknowledged() {
    if let Some(folder) = told() {
        return write_for_ever(&folder);
    }
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let kills: usize = std::env::var("CARNET_TEST_KILLS")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(10);
    let mut acknowledged = HashMap::new();
    for kill in 0..kills {
        let mut child = Writing::start(
            again("a_killed_process_loses_nothing_it_acknowledged"),
            folder.path(),
        );
        child.until_acknowledged(20 + kill % 10 * 30);
        let (told, failed) = child.kill();
        assert_eq!(failed, Vec::<String>::new());
        acknowledged.extend(told);
        runtime.block_on(sound(folder.path(), &acknowledged));
    }
    assert!(acknowledged.len() >= kills * 20);
}

#[test]
fn two_processes_on_one_file_take_turns() {
    if let Some(folder) = told() {
        return write_for_ever(&folder);
    }
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut child = Writing::start(again("two_processes_on_one_file_take_turns"), folder.path());
    child.until_acknowledged(50);
    let fixture = runtime.block_on(Fixture::open(&config(folder.path())));
    let mut acknowledged = HashMap::new();
    for number in 0..50 {
        // One at a time, each against a neighbour that never pauses.
        let id = fixture.id();
        let unit = fixture.thing(id, &format!("guest {number}"));
        runtime.block_on(fixture.write_one(unit)).unwrap();
        acknowledged.insert(id, 1);
        let so_far = child.acknowledged.len();
        child.until_acknowledged(so_far + 1);
    }
    let (told, failed) = child.kill();
    assert_eq!(failed, Vec::<String>::new());
    acknowledged.extend(told);
    runtime.block_on(fixture.store.close());
    runtime.block_on(sound(folder.path(), &acknowledged));
}

#[test]
fn a_disk_that_stops_writing_loses_nothing_it_acknowledged() {
    if let Some(folder) = told() {
        return write_for_ever(&folder);
    }
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // The tables are made first, so that the limit meets records.
    runtime.block_on(async {
        Fixture::open(&config(folder.path()))
            .await
            .store
            .close()
            .await;
    });
    // No file may grow beyond 512 blocks; writing further fails, as on a failing disk.
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg("trap '' XFSZ; ulimit -f 512; exec \"$@\"")
        .arg("sh")
        .arg(std::env::current_exe().unwrap())
        .args(arguments(
            "a_disk_that_stops_writing_loses_nothing_it_acknowledged",
        ));
    let mut child = Writing::start(command, folder.path());
    while child.failed.len() < 100 {
        assert!(child.line(), "the child ended by itself");
    }
    let (acknowledged, failed) = child.kill();
    assert!(!acknowledged.is_empty());
    for code in failed {
        let known = [Code::DatabaseUnavailable, Code::StorageFull];
        assert!(known.iter().any(|known| known.as_str() == code), "{code}");
    }
    runtime.block_on(sound(folder.path(), &acknowledged));
}

/// Stands in for the C library's calls and fails once a file of that name is there.
const FAILING_SYNC: &str = r#"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int confirm(void) {
    const char *sign = getenv("CARNET_STORE_TEST_SYNC");
    if (sign == NULL || access(sign, F_OK) != 0) return 0;
    errno = EIO;
    return -1;
}

int fsync(int file) { (void)file; return confirm(); }
int fdatasync(int file) { (void)file; return confirm(); }
"#;

#[test]
#[cfg(target_os = "linux")]
fn a_disk_that_does_not_confirm_stops_the_writes() {
    if let Some(folder) = told() {
        return write_for_ever(&folder);
    }
    let folder = tempfile::tempdir().unwrap();
    let (source, library) = (folder.path().join("sync.c"), folder.path().join("sync.so"));
    std::fs::write(&source, FAILING_SYNC).unwrap();
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .status();
    assert!(
        compiled.is_ok_and(|status| status.success()),
        "cc is needed"
    );
    let sign = folder.path().join("fail");
    let mut command = again("a_disk_that_does_not_confirm_stops_the_writes");
    command
        .env("LD_PRELOAD", &library)
        .env("CARNET_STORE_TEST_SYNC", &sign);
    let mut child = Writing::start(command, folder.path());
    child.until_acknowledged(50);
    std::fs::write(&sign, "").unwrap();
    while !child.stopped || child.failed.len() < 100 {
        assert!(child.line(), "the child ended by itself");
    }
    let acknowledged_before = child.acknowledged.len();
    // The disk says that it is well again; what it lost before it does not say.
    std::fs::remove_file(&sign).unwrap();
    let so_far = child.failed.len();
    while child.failed.len() < so_far + 100 {
        assert!(child.line(), "the child ended by itself");
    }
    assert_eq!(child.acknowledged.len(), acknowledged_before);
    let (acknowledged, failed) = child.kill();
    let unknown = Code::OutcomeUnknown.as_str();
    let refused = Code::DatabaseUnavailable.as_str();
    let doubted = failed.iter().filter(|code| *code == unknown).count();
    assert!((1..=WRITERS).contains(&doubted), "{doubted}");
    assert!(failed.iter().all(|code| code == unknown || code == refused));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(sound(folder.path(), &acknowledged));
}

#[tokio::test]
async fn a_full_database_refuses_only_what_does_not_fit() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Fixture::open(&config(folder.path())).await;
    let known = fixture.id();
    fixture
        .write_one(fixture.thing(known, "known"))
        .await
        .unwrap();
    let pages = fixture.number("pragma page_count").await;
    fixture.store.close().await;
    let mut small = config(folder.path());
    small.max_pages = u32::try_from(pages).unwrap() + 40;
    let fixture = Fixture::open(&small).await;

    let large = text(&"x".repeat(1 << 20));
    let (mut written, mut again) = (1, false);
    // A busy machine may part them into groups in which the large one comes first.
    for round in 0..5 {
        let (busy, open) = gate();
        let before = fixture.store.counters().commits;
        let mut writes: Vec<_> = (0..20)
            .map(|number| {
                let name = format!("small {round} {number}");
                fixture.write_one(fixture.thing(fixture.id(), &name))
            })
            .collect();
        let values = [("name", text("large")), ("note", large.clone())];
        let misfit = fixture.create("things", fixture.id(), &values);
        writes.insert(10, fixture.write_one(misfit));
        let note = text(&format!("kept {round}"));
        writes.push(fixture.write_one(fixture.update("things", known, &[("note", note)])));
        let all_queued = async { drop(open) };
        let (gate, (outcomes, ())) =
            join(fixture.write_one(busy), join(join_all(writes), all_queued)).await;
        gate.unwrap();
        for (number, outcome) in outcomes.iter().enumerate() {
            if number == 10 {
                assert!(matches!(outcome, Err(Error::Full)), "{outcome:?}");
            } else {
                assert!(outcome.is_ok(), "{number}: {outcome:?}");
            }
        }
        written += 20;
        assert_eq!(fixture.number("select count(*) from things").await, written);
        let kept = format!("select count(*) from things where note = 'kept {round}'");
        assert_eq!(fixture.number(&kept).await, 1);
        let journal = "select count(*) from carnet_journal_records";
        assert_eq!(fixture.number(journal).await, written + round + 1);
        // Those before the large one were run again alone.
        again = fixture.store.counters().commits - before >= 10;
        if again {
            break;
        }
    }
    assert!(again);

    // Filled to the brim, others are refused too, and reading goes on.
    let mut refused = 0;
    for number in 0..2_000 {
        let name = text(&format!("filling {number}"));
        let values = [("name", name), ("note", text(&"f".repeat(2_000)))];
        let filling = fixture.create("things", fixture.id(), &values);
        match fixture.write_one(filling).await {
            Ok(()) => {}
            Err(Error::Full) => {
                refused += 1;
                break;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(refused, 1);
    fixture.store.ping().await.unwrap();
    let things = fixture.number("select count(*) from things").await;
    let created =
        fixture.number("select count(*) from carnet_journal_records where kind = 'create'");
    assert_eq!(created.await, things);
    fixture.store.close().await;

    // With more room it takes records again.
    let fixture = Fixture::open(&config(folder.path())).await;
    fixture
        .write_one(fixture.thing(fixture.id(), "after"))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_foreign_lock_is_waited_for_and_then_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut impatient = config(folder.path());
    impatient.transaction_budget = Period::millis(300);
    let fixture = Fixture::open(&impatient).await;
    let file = folder.path().join("data").join("t.sqlite");
    // A program that knows nothing of turns.
    let foreign = rusqlite::Connection::open(&file).unwrap();
    foreign.execute_batch("begin immediate").unwrap();
    let ours = fixture.write_one(fixture.thing(fixture.id(), "waits"));
    let theirs = async {
        // Given back once our write has met the lock; it is polled first.
        foreign.execute_batch("commit").unwrap();
    };
    let (outcome, ()) = join(ours, theirs).await;
    outcome.unwrap();
    foreign.execute_batch("begin immediate").unwrap();
    let refused = fixture
        .write_one(fixture.thing(fixture.id(), "refused"))
        .await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    assert_eq!(fixture.number("select count(*) from things").await, 1);
    foreign.execute_batch("rollback").unwrap();
    fixture
        .write_one(fixture.thing(fixture.id(), "at last"))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_file_that_is_no_database_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let file = folder.path().join("data").join("t.sqlite");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(
        &file,
        "not a database, but long enough to be looked at as one ".repeat(100),
    )
    .unwrap();
    let opened = Store::open(&config).await;
    assert!(matches!(opened, Err(Error::Unavailable(_))));
}
