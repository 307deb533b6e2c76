//! Writes in pairs, what was acknowledged of them, and what must be stored for that.

use crate::writes::fixture::Fixture;
use crate::writes::units::{price, text};
use carnet_kernel::{Id, Value};
use carnet_store::{Error, JournalCursor};
use std::collections::HashMap;

/// The version that was acknowledged last of each record; 0 of a removed one.
pub(super) type Ledger = HashMap<Id, i64>;

/// Makes and changes a pair of records in one write, then changes one and removes the other;
/// tells what was acknowledged, a removed record as version 0.
pub(super) async fn write_pair(
    fixture: &Fixture,
    mut told: impl FnMut(Result<[(Id, i64); 2], Error>),
) -> bool {
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
            Ok(_) => told(Ok(acknowledged)),
            Err(failure) => {
                told(Err(failure.error));
                return false;
            }
        }
    }
    true
}

/// Every acknowledged write is there, every record has the journal row of its version and every
/// journal row its record; on SQLite the file is sound.
pub(super) async fn sound(fixture: &Fixture, acknowledged: &Ledger) {
    let system = fixture.store.system();
    let rows = system
        .rows("select id, version from {records}things", &[])
        .await
        .unwrap();
    let stored: Ledger = rows
        .iter()
        .map(|row| (row[0].as_id().unwrap(), row[1].as_integer().unwrap()))
        .collect();
    for (id, version) in acknowledged {
        let found = stored.get(id).copied();
        if *version == 0 {
            assert_eq!(found, None, "{id} was removed");
        } else {
            // The next write of the same pair may have been committed without being told; it
            // changes one and removes the other.
            assert!(
                found.is_some_and(|found| found >= *version) || found.is_none() && *version == 1,
                "{id} was acknowledged with version {version}, found {found:?}"
            );
        }
    }
    let (rows, _) = system.tail(&JournalCursor::Start, 1_000_000).await.unwrap();
    let mut told = Ledger::new();
    for row in &rows {
        let before = told.insert(row.record, row.version).unwrap_or(0);
        assert_eq!(
            row.version,
            before + 1,
            "{} lacks a journal row",
            row.record
        );
        if row.kind == "delete" {
            told.remove(&row.record);
        }
    }
    assert_eq!(told, stored, "records and journal differ");
    if fixture.is_sqlite() {
        let check = system.rows("pragma integrity_check", &[]).await.unwrap();
        assert_eq!(check, [[text("ok")]]);
        let dangling = system.rows("pragma foreign_key_check", &[]).await.unwrap();
        assert_eq!(dangling, Vec::<Vec<Value>>::new());
    }
}
