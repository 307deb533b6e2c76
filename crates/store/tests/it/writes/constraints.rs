//! What the database refuses, told by field and row, and sets of rows.

use super::fixture::{Fixture, JOURNAL, THINGS};
use super::units::{entry, price, text, unit};
use crate::database::on_both;
use carnet_kernel::{Id, Value};
use carnet_store::{DeleteRow, Error, JournalCursor, JournalKind, Step, UpdateRow};

on_both! {
    broken_constraints_are_told_by_field,
    a_set_tells_which_row_failed,
    sets_keep_their_order,
}

/// The names of the fields that a unique violation is told of.
#[track_caller]
fn violated(fixture: &Fixture, outcome: Result<(), Error>) -> (String, Vec<String>) {
    match outcome {
        Err(Error::Unique { resource, fields }) => {
            let resource = fixture.view.resource(resource);
            let names = fields
                .iter()
                .map(|field| resource.field(*field).name.clone());
            (resource.name.clone(), names.collect())
        }
        other => panic!("{other:?}"),
    }
}

async fn broken_constraints_are_told_by_field(fixture: Fixture) {
    let (category, thing) = (fixture.id(), fixture.id());
    let create = |id, values: &[(&str, Value)]| fixture.create("things", id, values);
    let values = |name: &str| {
        [
            ("name", text(name)),
            ("sku", text("s")),
            ("categoryId", Value::Id(category)),
        ]
    };
    fixture
        .write(vec![
            fixture.create("categories", category, &[("name", text("tools"))]),
            create(thing, &values("Straße")),
        ])
        .await
        .unwrap();

    let by_companion = fixture
        .write_one(fixture.thing(fixture.id(), "STRASSE"))
        .await;
    let expected = ("things".to_owned(), vec!["name".to_owned()]);
    assert_eq!(violated(&fixture, by_companion), expected);
    let by_key = fixture.write_one(fixture.thing(thing, "other")).await;
    let expected = ("things".to_owned(), vec!["id".to_owned()]);
    assert_eq!(violated(&fixture, by_key), expected);
    let by_two = fixture
        .write_one(create(fixture.id(), &values("other")))
        .await;
    let fields = vec!["categoryId".to_owned(), "sku".to_owned()];
    assert_eq!(violated(&fixture, by_two), ("things".to_owned(), fields));

    let dangling = [
        ("name", text("other")),
        ("categoryId", Value::Id(fixture.id())),
    ];
    let missing = fixture.write_one(create(fixture.id(), &dangling)).await;
    let things = fixture.resource("things");
    assert!(
        matches!(&missing, Err(Error::ReferenceMissing { resource, field })
            if *resource == things.index && things.field(*field).name == "categoryId"),
        "{missing:?}"
    );
    let missing = fixture
        .write_one(fixture.update("things", thing, &[("unitId", Value::Id(fixture.id()))]))
        .await;
    assert!(
        matches!(&missing, Err(Error::ReferenceMissing { field, .. })
            if things.field(*field).name == "unitId"),
        "{missing:?}"
    );
    let held = fixture
        .write_one(fixture.delete("categories", category))
        .await;
    assert!(
        matches!(&held, Err(Error::InUse { resource, by: Some((holder, field)) })
            if *resource == fixture.resource("categories").index
                && *holder == things.index
                && things.field(*field).name == "categoryId"),
        "{held:?}"
    );
    // Validation comes before the store: what only the database refuses is a mistake of ours.
    let unruly = fixture
        .write_one(fixture.update("things", thing, &[("state", text("lost"))]))
        .await;
    assert!(matches!(&unruly, Err(Error::Internal(_))), "{unruly:?}");
    assert_eq!(fixture.number(JOURNAL).await, 2);
}

async fn a_set_tells_which_row_failed(fixture: Fixture) {
    fixture
        .write_one(fixture.thing(fixture.id(), "taken"))
        .await
        .unwrap();
    let (_, step) = fixture.make(&["a", "b", "c", "taken", "e"]);
    let failure = fixture
        .write(vec![fixture.thing(fixture.id(), "z"), unit(vec![step])])
        .await
        .unwrap_err();
    assert!(matches!(failure.error, Error::Unique { .. }), "{failure:?}");
    assert_eq!((failure.unit, failure.step, failure.row), (1, 0, 3));
    // Two rows of the set itself: the second is the one too many.
    let (_, step) = fixture.make(&["a", "b", "A"]);
    let failure = fixture.write(vec![unit(vec![step])]).await.unwrap_err();
    assert_eq!(failure.row, 2, "{failure:?}");

    let (_, mut step) = fixture.make(&["a", "b", "c"]);
    let things = fixture.resource("things");
    let category = things.field_named("categoryId").unwrap();
    if let Step::Insert { rows, .. } = &mut step {
        rows[1].record.set(category, Value::Id(fixture.id()));
    }
    let failure = fixture.write(vec![unit(vec![step])]).await.unwrap_err();
    assert!(
        matches!(failure.error, Error::ReferenceMissing { .. }),
        "{failure:?}"
    );
    assert_eq!(failure.row, 1);
    assert_eq!(fixture.number(THINGS).await, 1);
    assert_eq!(fixture.number(JOURNAL).await, 1);
}

/// Sets are written and told in the order of their rows; on PostgreSQL each is one statement.
async fn sets_keep_their_order(fixture: Fixture) {
    let names: Vec<String> = (0..500)
        .map(|number| format!("n{:03}", number * 7 % 500))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (ids, step) = fixture.make(&names);
    let Step::Insert { resource, rows } = step.clone() else {
        panic!("an insert");
    };
    let things = fixture.resource("things").clone();
    let version = things.standard.unwrap().version;
    let note = things.field_named("note").unwrap();
    let number = things.field_named("price").unwrap();
    let updates = rows.iter().enumerate().map(|(place, row)| {
        let mut record = row.record.clone();
        record.set(version, Value::Integer(2));
        // Rows that change different fields share the statement.
        let changed = if place % 2 == 0 {
            record.set(note, text("even"));
            vec![version, note]
        } else {
            record.set(number, price(place as i64));
            vec![version, number]
        };
        UpdateRow {
            id: ids[place],
            version: 1,
            changed,
            record,
            journal: entry(JournalKind::Update, 2),
        }
    });
    let update = Step::Update {
        resource,
        rows: updates.rev().collect(),
    };
    let remove = Step::Delete {
        resource,
        rows: ids[100..]
            .iter()
            .map(|id| DeleteRow {
                id: *id,
                version: 2,
                journal: entry(JournalKind::Delete, 3),
            })
            .collect(),
    };
    let before = fixture.store.counters();
    fixture
        .write(vec![unit(vec![step, update, remove])])
        .await
        .unwrap();
    let after = fixture.store.counters();
    // One statement looks up the definition's version. Without a round trip to save, a row is a
    // statement, and so is its journal row.
    let expected = if fixture.is_sqlite() {
        2 * (500 + 500 + 400) + 1
    } else {
        3 + 1
    };
    assert_eq!(after.statements - before.statements, expected);
    assert_eq!(fixture.number(THINGS).await, 100);
    let system = fixture.store.system();
    let sql = "select count(*) from {records}things where version = 2 \
        and coalesce(note = 'even', false) = (price is null)";
    assert_eq!(fixture.number(sql).await, 100);
    let (rows, _) = system.tail(&JournalCursor::Start, 2_000).await.unwrap();
    let told = |kind: &str| -> Vec<Id> {
        rows.iter()
            .filter(|row| row.kind == kind)
            .map(|row| row.record)
            .collect()
    };
    assert_eq!(told("create"), ids);
    assert_eq!(
        told("update"),
        ids.iter().rev().copied().collect::<Vec<_>>()
    );
    assert_eq!(told("delete"), ids[100..]);
}
