//! Faults on SQLite: a full database, a disk that fails, a neighbour that writes the same file.

use super::child::{KEYS, WRITERS, Writing, again, arguments, write_keyed, wrote, wrote_keyed};
use super::ledger::{Ledger, sound};
use crate::database::Database;
use crate::writes::fixture::{Fixture, JOURNAL, THINGS};
use crate::writes::units::{gate, text};
use carnet_kernel::{Code, Period};
use carnet_store::{Error, Store};
use futures_util::future::{join, join_all};
use std::process::Command;

/// The path of a test of this module.
fn test(name: &str) -> String {
    let module = module_path!().split_once("::").unwrap().1;
    format!("{module}::{name}")
}

/// What a new process finds.
async fn afterwards(database: Database, acknowledged: &Ledger) {
    let fixture = Fixture::at(database).await;
    sound(&fixture, acknowledged).await;
    fixture.store.close().await;
}

#[test]
fn two_processes_on_one_file_take_turns() {
    if wrote() {
        return;
    }
    let database = Database::sqlite();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let again = again(&test("two_processes_on_one_file_take_turns"));
    let mut child = Writing::start(again, &database);
    child.until_acknowledged(50);
    let fixture = runtime.block_on(Fixture::at(database.beside()));
    let mut acknowledged = Ledger::new();
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
    runtime.block_on(afterwards(database, &acknowledged));
}

#[test]
fn two_processes_under_one_key_have_one_effect() {
    if wrote_keyed() {
        return;
    }
    let database = Database::sqlite();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let fixture = runtime.block_on(Fixture::at(database.beside()));
    let again = again(&test("two_processes_under_one_key_have_one_effect"));
    let mut child = Writing::start(again, &database);
    child.until_acknowledged(1);
    let mut acknowledged = Ledger::new();
    // Against the child's order, so that each comes first with some.
    for key in (1..=KEYS).rev() {
        if let Some(id) = runtime.block_on(write_keyed(&fixture, key)) {
            acknowledged.insert(id, 1);
        }
    }
    child.until(|told| told.stopped);
    let (told, _) = child.kill();
    acknowledged.extend(told);
    assert_eq!(acknowledged.len() as u128, KEYS);
    let things = runtime.block_on(fixture.number(THINGS));
    assert_eq!(u128::try_from(things), Ok(KEYS));
    runtime.block_on(fixture.store.close());
    runtime.block_on(afterwards(database, &acknowledged));
}

#[test]
fn a_disk_that_stops_writing_loses_nothing_it_acknowledged() {
    if wrote() {
        return;
    }
    let database = Database::sqlite();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // The tables are made first, so that the limit meets records.
    runtime.block_on(async { Fixture::at(database.beside()).await.store.close().await });
    // No file may grow beyond 512 blocks; writing further fails, as on a failing disk.
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg("trap '' XFSZ; ulimit -f 512; exec \"$@\"")
        .arg("sh")
        .arg(std::env::current_exe().unwrap())
        .args(arguments(&test(
            "a_disk_that_stops_writing_loses_nothing_it_acknowledged",
        )));
    let mut child = Writing::start(command, &database);
    child.until(|told| told.failed.len() >= 100);
    let (acknowledged, failed) = child.kill();
    assert!(!acknowledged.is_empty());
    for code in failed {
        let known = [Code::DatabaseUnavailable, Code::StorageFull];
        assert!(known.iter().any(|known| known.as_str() == code), "{code}");
    }
    runtime.block_on(afterwards(database, &acknowledged));
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
    if wrote() {
        return;
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
    let mut command = again(&test("a_disk_that_does_not_confirm_stops_the_writes"));
    command
        .env("LD_PRELOAD", &library)
        .env("CARNET_STORE_TEST_SYNC", &sign);
    let database = Database::sqlite();
    let mut child = Writing::start(command, &database);
    child.until_acknowledged(50);
    std::fs::write(&sign, "").unwrap();
    child.until(|told| told.stopped && told.failed.len() >= 100);
    let acknowledged_before = child.acknowledged.len();
    // The disk says that it is well again; what it lost before it does not say.
    std::fs::remove_file(&sign).unwrap();
    let so_far = child.failed.len();
    child.until(|told| told.failed.len() >= so_far + 100);
    assert_eq!(child.acknowledged.len(), acknowledged_before);
    let (acknowledged, failed) = child.kill();
    let unknown = Code::OutcomeUnknown.as_str();
    let refused = Code::DatabaseUnavailable.as_str();
    let doubted = failed.iter().filter(|code| *code == unknown).count();
    assert!((1..=WRITERS).contains(&doubted), "{doubted}");
    assert!(failed.iter().all(|code| code == unknown || code == refused));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(afterwards(database, &acknowledged));
}

#[tokio::test]
async fn a_full_database_refuses_only_what_does_not_fit() {
    let fixture = Fixture::at(Database::sqlite()).await;
    let known = fixture.id();
    fixture
        .write_one(fixture.thing(known, "known"))
        .await
        .unwrap();
    let pages = fixture.number("pragma page_count").await;
    let pages = u32::try_from(pages).unwrap() + 40;
    let fixture = fixture.reopen(|config| config.max_pages = pages).await;

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
        assert_eq!(fixture.number(THINGS).await, written);
        let kept = format!("select count(*) from things where note = 'kept {round}'");
        assert_eq!(fixture.number(&kept).await, 1);
        assert_eq!(fixture.number(JOURNAL).await, written + round + 1);
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
    let things = fixture.number(THINGS).await;
    let created =
        fixture.number("select count(*) from carnet_journal_records where kind = 'create'");
    assert_eq!(created.await, things);

    // With more room it takes records again.
    let fixture = fixture.reopen(|config| config.max_pages = 0).await;
    fixture
        .write_one(fixture.thing(fixture.id(), "after"))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_foreign_lock_is_waited_for_and_then_told() {
    let mut database = Database::sqlite();
    database.config.transaction_budget = Period::millis(300);
    let fixture = Fixture::at(database).await;
    // A program that knows nothing of turns.
    let foreign = rusqlite::Connection::open(fixture.database.file()).unwrap();
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
    assert_eq!(fixture.number(THINGS).await, 1);
    foreign.execute_batch("rollback").unwrap();
    fixture
        .write_one(fixture.thing(fixture.id(), "at last"))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_file_that_is_no_database_is_told() {
    let database = Database::sqlite();
    let file = database.file();
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(
        &file,
        "not a database, but long enough to be looked at as one ".repeat(100),
    )
    .unwrap();
    let opened = Store::open(&database.config).await;
    assert!(matches!(opened, Err(Error::Unavailable(_))));
}
