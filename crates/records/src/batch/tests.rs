//! Batches as clients write them.

use super::*;
use crate::fixture::{decide, id, resource, stamp, stored, told, view};
use carnet_store::Step;

fn read_of(name: &str, body: &str) -> Result<Batch, Refusal> {
    let mut next = 100;
    read(view(), Whose::One(resource(name)), body, &stamp(), || {
        next += 1;
        id(next)
    })
}

#[track_caller]
fn refused(name: &str, body: &str, expected: &str) {
    match read_of(name, body) {
        Ok(batch) => panic!("{body}: {} units", batch.units.len()),
        Err(refusal) => assert_eq!(told(&refusal), expected, "{body}"),
    }
}

fn create(name: &str) -> String {
    format!(r#"{{"operation":"create","data":{{"name":"{name}"}}}}"#)
}

/// The units of a batch: `creates 0+2`, `several 2 3`, `delete 4`.
fn units(name: &str, body: &str) -> String {
    let batch = read_of(name, body).unwrap_or_else(|refusal| panic!("{}", told(&refusal)));
    let units = batch.units.iter().map(|planned| match planned {
        Planned::Creates(first, unit) => format!("creates {first}+{}", unit.records.len()),
        Planned::Several(unit) => format!("{unit:?}"),
        Planned::One(place, _) => format!("alone {place}"),
        Planned::Related(place, ..) => format!("related {place}"),
    });
    units.collect::<Vec<_>>().join("; ")
}

fn item(operation: &str, number: u128) -> String {
    let data = match operation {
        "delete" => "",
        _ => r#","data":{"name":"x"}"#,
    };
    format!(
        r#"{{"operation":"{operation}","id":"{}"{data}}}"#,
        id(number)
    )
}

#[test]
fn consecutive_items_of_different_records_are_one_unit() {
    let body = |items: &[String]| format!(r#"{{"items":[{}]}}"#, items.join(","));
    let items = [
        create("a"),
        create("b"),
        item("patch", 1),
        item("update", 2),
        item("patch", 1),
        item("delete", 3),
        create("c"),
    ];
    // A deletion of a category clears others, so it stands alone.
    assert_eq!(
        units("categories", &body(&items)),
        "creates 0+2; Several([2, 3]); Several([4]); alone 5; creates 6+1"
    );
    let patch = |number| {
        item("patch", number)
            .replace("name", "quantity")
            .replace("\"x\"", "2")
    };
    let items = [patch(1), item("delete", 2), patch(3), item("delete", 1)];
    assert_eq!(
        units("lines", &body(&items)),
        "Several([0, 1, 2]); Several([3])"
    );
    let batch = read_of("categories", &body(&[create("a"), create("b")])).unwrap();
    let changes = decide(batch.units()[0].as_ref(), &[]).unwrap();
    let [Step::Insert { rows, .. }] = changes.steps.as_slice() else {
        panic!("{changes:?}");
    };
    let ids: Vec<Option<Id>> = rows
        .iter()
        .map(|row| row.record.id(resource("categories")))
        .collect();
    assert_eq!(ids, [Some(id(101)), Some(id(102))]);
}

#[test]
fn several_changes_are_one_step_and_keep_their_places() {
    let lines = resource("lines");
    let records: Vec<(&str, Record)> = (1..=4)
        .map(|number| ("lines", stored(lines, number, 1, &[])))
        .collect();
    let patch = |number: u128, quantity: u8| {
        format!(
            r#"{{"operation":"patch","id":"{}","data":{{"quantity":{quantity}}}}}"#,
            id(number)
        )
    };
    // The second changes nothing, the fourth deletes.
    let items = [patch(1, 5), patch(2, 1), patch(3, 7), item("delete", 4)];
    let batch = read_of("lines", &format!(r#"{{"items":[{}]}}"#, items.join(","))).unwrap();
    let units = batch.units();
    let changes = decide(units[0].as_ref(), &records).unwrap();
    assert_eq!(changes.steps.len(), 2);
    let named = |failure: &WriteFailure| failure.error.refusal(view());
    let crate::Answer::Batch { json, items, .. } = batch.answer(view(), &[Ok(changes)], named)
    else {
        panic!("no batch");
    };
    let answer: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let quantities: Vec<_> = (0..items).map(|place| &answer[place]["quantity"]).collect();
    assert_eq!(
        serde_json::json!(quantities),
        serde_json::json!([5, 1, 7, null])
    );
    let at = |step: usize, row: usize| {
        let failure = WriteFailure {
            unit: 0,
            step,
            row,
            error: Error::Conflict,
        };
        told(&batch.place(&failure, Refusal::new(Code::VersionConflict, "lost")))
    };
    assert_eq!(at(0, 1), "VERSION_CONFLICT\nitems[2]: failed: lost");
    assert_eq!(at(1, 0), "VERSION_CONFLICT\nitems[3]: failed: lost");
    assert_eq!(at(7, 0), "VERSION_CONFLICT");
    // A refusal names its own item, the first in order.
    let refusal = decide(units[0].as_ref(), &records[..1]).unwrap_err();
    assert_eq!(
        told(&refusal),
        "NOT_FOUND\nitems[1]: failed: there is no such record in `lines`"
    );
}

#[test]
fn faults_of_all_items_with_their_places() {
    refused(
        "categories",
        r#"{"items":[
            {"operation":"create","data":{"name":""}},
            {"operation":"creat","data":{}},
            {"operation":"patch","data":{"name":"a"}},
            {"operation":"patch","id":"x","data":{}},
            {"operation":"delete","id":"00000000000000000000000001","data":{}},
            {"operation":"create","id":"00000000000000000000000001","data":{"name":"a"}},
            {"operation":"update","id":"00000000000000000000000001","version":0,"data":{}},
            {"operation":"update","id":"00000000000000000000000001","data":{"nme":"a"}},
            {"operation":"create","data":[]},
            {"operation":"create"},
            {"op":"create"},
            7
        ]}"#,
        "VALIDATION_FAILED
items[0].name: min: it must have at least 1 character, not 0
items[1].operation: enum: it must be one of create, update, patch, delete, upsert, restore, purge, link, unlink (did you mean `create`?)
items[2].id: required: it is required
items[3].id: format: it must be an id; an id has 26 characters
items[4].data: conflict: a delete takes no data
items[5]: conflict: a create takes neither `id` nor `version` beside its data
items[6].version: type: it must be a whole number from 1
items[7].nme: unknown: there is no field `nme` (did you mean `name`?)
items[7].name: required: it is required
items[8].data: type: it must be an object without repeated keys
items[9].data: required: it is required
items[10].op: unknown: there is no field `op`
items[10].operation: required: it is required
items[11]: type: an item is an object `{operation, id, data, version, where, maxAffected, deleted, key, relation, target}` without repeated keys",
    );
}

#[test]
fn bodies_without_items() {
    refused(
        "categories",
        "{}",
        "VALIDATION_FAILED\nitems: required: it is required: a list of items",
    );
    refused(
        "categories",
        r#"{"items":[]}"#,
        "VALIDATION_FAILED\nitems: min: a batch has at least one item",
    );
    refused(
        "categories",
        r#"{"items":{},"mode":1}"#,
        "VALIDATION_FAILED
items: type: it must be a list of items
mode: unknown: there is no field `mode`",
    );
    assert_eq!(
        read_of("categories", "[]")
            .err()
            .map(|refusal| refusal.code),
        Some(Code::MalformedRequest)
    );
    let many = vec!["1"; MAX_ITEMS + 1].join(",");
    refused(
        "categories",
        &format!(r#"{{"items":[{many}]}}"#),
        "VALIDATION_FAILED\nitems: max: a batch has at most 1000 items, not 1001",
    );
}

#[test]
fn operations_that_are_not_offered() {
    refused(
        "units",
        r#"{"items":[{"operation":"create","data":{"code":"kg"}}]}"#,
        "VALIDATION_FAILED\nitems[0].operation: operation: `units` does not offer `create`",
    );
}

#[test]
fn a_version_is_required_where_writes_state_one() {
    refused(
        "orders",
        r#"{"items":[{"operation":"delete","id":"00000000000000000000000001"}]}"#,
        "VALIDATION_FAILED\nitems[0].version: required: writes to `orders` must state the version they are based on",
    );
    refused(
        "orders",
        r#"{"items":[{"operation":"patch"},{"operation":"delete","where":{"number":1}}]}"#,
        "VALIDATION_FAILED
items[0].id: required: it is required
items[0].version: required: writes to `orders` must state the version they are based on
items[0].data: required: it is required
items[1].version: required: writes to `orders` must state the version they are based on; beside `where` say `\"version\": \"*\"`",
    );
    let good =
        r#"{"items":[{"operation":"delete","id":"00000000000000000000000001","version":2}]}"#;
    assert!(read_of("orders", good).is_ok());
}

#[test]
fn failures_belong_to_an_item() {
    let items = [create("a"), create("b"), create("c")].join(",");
    let body = format!(r#"{{"items":[{},{items}]}}"#, item("delete", 1));
    let batch = read_of("categories", &body).unwrap();
    let place = |unit: usize, row: usize, refusal: Refusal| {
        let failure = WriteFailure {
            unit,
            step: 0,
            row,
            error: Error::Refused(refusal.clone()),
        };
        told(&batch.place(&failure, refusal))
    };
    let unique =
        Refusal::new(Code::UniqueViolation, "taken").with(Detail::new("name", "unique", "taken"));
    assert_eq!(
        place(1, 2, unique),
        "UNIQUE_VIOLATION\nitems[3].name: unique: taken"
    );
    let missing = Refusal::not_found("categories");
    assert_eq!(
        place(0, 0, missing),
        "NOT_FOUND\nitems[0]: failed: there is no such record in `categories`"
    );
    let broken = Refusal::new(Code::DatabaseUnavailable, "gone");
    assert_eq!(place(1, 2, broken), "DATABASE_UNAVAILABLE");
}
