//! A disk that is full: SQLite on a small tmpfs, written to until nothing fits. The test runs
//! itself again where the disk is mounted.

use super::child::arguments;
use super::ledger::{Ledger, sound};
use crate::database::Database;
use crate::writes::fixture::{Fixture, THINGS};
use crate::writes::units::{gate, text};
use carnet_kernel::Id;
use carnet_store::Error;
use futures_util::future::{join, join_all};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The whole disk.
const DISK: u64 = 16 << 20;

/// What is left to the database when it begins to get narrow.
const LEFT: u64 = 2 << 20;

/// More than that, and less than what is freed in the end.
const MISFIT: usize = 3 << 20;

const FOLDER: &str = "CARNET_STORE_TEST_DISK";

#[test]
fn a_full_disk_refuses_what_does_not_fit_and_loses_nothing() {
    if let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(fill(&folder));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let Some(mut command) = carnet_testkit::disk::small(folder.path(), DISK) else {
        return;
    };
    let output = command
        .arg(std::env::current_exe().unwrap())
        .args(arguments(
            "faults::disk::a_full_disk_refuses_what_does_not_fit_and_loses_nothing",
        ))
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && told.contains("1 passed"),
        "{told}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    // The disk went with the child.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

async fn fill(folder: &Path) {
    let url = format!("sqlite:{}", folder.join("t.sqlite").display());
    let fixture = Fixture::at(Database::elsewhere(&url)).await;
    let mut acknowledged = Ledger::new();
    let known = fixture.id();
    let unit = fixture.thing(known, "known");
    fixture.write_one(unit).await.unwrap();
    acknowledged.insert(known, 1);
    let ballast = folder.join("ballast");
    let size = free(folder) - LEFT;
    std::fs::write(&ballast, vec![0; usize::try_from(size).unwrap()]).unwrap();

    // One that does not fit among others that do, committed together.
    let (busy, open) = gate();
    let misfit = [("name", text("large")), ("note", text(&"x".repeat(MISFIT)))];
    let ids: Vec<Id> = (0..20).map(|_| fixture.id()).collect();
    let mut writes: Vec<_> = ids
        .iter()
        .map(|id| fixture.write_one(fixture.thing(*id, &id.to_string())))
        .collect();
    writes.insert(
        10,
        fixture.write_one(fixture.create("things", fixture.id(), &misfit)),
    );
    let queued = async { drop(open) };
    let (busy, (mut outcomes, ())) =
        join(fixture.write_one(busy), join(join_all(writes), queued)).await;
    busy.unwrap();
    full(outcomes.remove(10));
    for (id, outcome) in ids.iter().zip(outcomes) {
        outcome.unwrap();
        acknowledged.insert(*id, 1);
    }

    // To the brim, by many at once.
    let mut refused = 0;
    for _ in 0..500 {
        let ids: Vec<Id> = (0..8).map(|_| fixture.id()).collect();
        let writes = ids.iter().map(|id| {
            let values = [
                ("name", text(&id.to_string())),
                ("note", text(&"f".repeat(3_000))),
            ];
            fixture.write_one(fixture.create("things", *id, &values))
        });
        for (id, outcome) in ids.iter().zip(join_all(writes).await) {
            match outcome {
                Ok(()) => {
                    acknowledged.insert(*id, 1);
                }
                refusal => {
                    full(refusal);
                    refused += 1;
                }
            }
        }
        if refused > 100 {
            break;
        }
    }
    assert!(refused > 100, "the disk was never full");
    // Reading goes on, and says the same as was told.
    let things = fixture.number(THINGS).await;
    assert_eq!(things, i64::try_from(acknowledged.len()).unwrap());
    fixture.store.ping().await.unwrap();

    // With room it writes again at once, what did not fit before as well.
    std::fs::remove_file(&ballast).unwrap();
    let id = fixture.id();
    let unit = fixture.create("things", id, &misfit);
    fixture.write_one(unit).await.unwrap();
    acknowledged.insert(id, 1);
    fixture.store.close().await;
    let fixture = Fixture::at(Database::elsewhere(&url)).await;
    sound(&fixture, &acknowledged).await;
    fixture.store.close().await;
}

#[track_caller]
fn full(outcome: Result<(), Error>) {
    let error = outcome.unwrap_err();
    assert!(matches!(error, Error::Full), "{error:?}");
    assert_eq!(error.code().status(), 507);
}

/// How many bytes may still be written.
fn free(folder: &Path) -> u64 {
    let output = Command::new("stat")
        .args(["-f", "-c", "%a %S"])
        .arg(folder)
        .output()
        .unwrap();
    let words = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<u64> = words
        .split_whitespace()
        .map(|word| word.parse().unwrap())
        .collect();
    numbers[0] * numbers[1]
}
