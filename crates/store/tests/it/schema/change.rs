//! Tables, columns, constraints and indexes that come, go and change, with data: kept, refused, or
//! lost only when accepted.

use super::support::{Fixture, column, lossy, model, refused, summaries, things};
use crate::database::on_both;
use carnet_store::Error;

on_both! {
    columns_come_with_their_defaults,
    a_required_field_needs_a_default_where_records_are,
    renames_lose_nothing,
    optional_becomes_required_and_back,
    uniques_and_indexes_come_and_go,
    references_come_and_go,
    caseless_folds_what_is_there,
    a_renamed_text_becomes_caseless_in_one_step,
    tables_and_columns_go_only_when_accepted,
    a_resource_stays_with_its_tenants,
    what_the_database_does_not_hold_needs_no_push,
    another_hand_is_noticed,
    deletions_become_soft_and_hard_again,
}

/// The marks come as columns, and unique constraints pass over what is marked; back again the
/// marks are data.
async fn deletions_become_soft_and_hard_again(fixture: Fixture) {
    let definition = |more: &str| {
        format!(
            "  things:{more}\n    fields: {{ a: {{ type: text, max: 9, unique: true }}, b: {{ type: ref, to: things, optional: true }} }}\n    unique: [[b, a]]\n"
        )
    };
    let (hard, soft) = (definition(""), definition("\n    delete: soft"));
    fixture.push(&hard).await.unwrap();
    fixture.insert("things", 1, "a", "'x'").await;
    fixture.push(&soft).await.unwrap();
    fixture.fits(&soft).await;
    let schema = fixture.store.schema();
    assert_eq!(schema.drift().await.unwrap(), Vec::<String>::new());
    assert_eq!(fixture.push(&soft).await.unwrap().applied, Vec::new());
    fixture.insert("things", 2, "a", "'y'").await;
    let mark = "update {records}\"things\" set deleted_at = created_at where a = 'y'";
    fixture.execute(mark).await;
    fixture.push(&hard).await.unwrap_err();
    fixture.push_accepting(&hard).await.unwrap();
    fixture.fits(&hard).await;
    assert_eq!(column(&fixture, "a").await, ["x", "y"]);
}

async fn columns_come_with_their_defaults(fixture: Fixture) {
    fixture.push(&things("a: text")).await.unwrap();
    fixture.insert("things", 1, "a", "'x'").await;
    let wider = things(
        "a: text, b: { type: integer, default: 5 }, c: { type: text, optional: true }, \
         d: { type: enum, values: [x, y], default: y }, e: { type: boolean, default: true }, \
         f: { type: date, default: 2026-02-03 }, g: { type: json, default: { k: [1] } }, \
         h: { type: text, default: É, caseless: true }, i: { type: decimal, precision: 5, scale: 2, default: '1.5' }",
    );
    fixture.push(&wider).await.unwrap();
    fixture.fits(&wider).await;
    assert_eq!(column(&fixture, "a").await, ["x"]);
    assert_eq!(column(&fixture, "b").await, ["5"]);
    assert_eq!(column(&fixture, "c").await, ["null"]);
    assert_eq!(column(&fixture, "d").await, ["y"]);
    assert_eq!(column(&fixture, "e").await, ["1"]);
    assert_eq!(column(&fixture, "h").await, ["É"]);
    assert_eq!(column(&fixture, "h_key").await, ["é"]);
    assert_eq!(column(&fixture, "i").await, ["150"]);
    fixture.push(&things("a: text")).await.unwrap_err();
    fixture.push_accepting(&things("a: text")).await.unwrap();
    fixture.fits(&things("a: text")).await;
    assert_eq!(column(&fixture, "a").await, ["x"]);
}

async fn a_required_field_needs_a_default_where_records_are(fixture: Fixture) {
    fixture.push(&things("a: text")).await.unwrap();
    let wider = things("a: text, b: integer");
    fixture.push(&wider).await.unwrap();
    fixture.push_accepting(&things("a: text")).await.unwrap();
    fixture.insert("things", 1, "a", "'x'").await;
    let message = refused(fixture.push(&wider).await);
    assert!(
        message.contains("`things.b` is required and without default"),
        "{message}"
    );
    assert!(message.contains("(1 case)"), "{message}");
    fixture.fits(&things("a: text")).await;
}

async fn renames_lose_nothing(fixture: Fixture) {
    let before = "  stuff:\n    fields:\n      title: { type: text, max: 50, caseless: true, unique: true }\n      state: { type: enum, values: [x, y] }\n      parent: { type: ref, to: stuff, optional: true }\n    indexes: [[state, title]]\n  parts:\n    fields: { of: { type: ref, to: stuff } }\n";
    let after = "  things:\n    was: stuff\n    fields:\n      name: { type: text, max: 50, caseless: true, unique: true, was: title }\n      status: { type: enum, values: [x, y], was: state }\n      above: { type: ref, to: things, optional: true, was: parent }\n    indexes: [[status, name]]\n  parts:\n    fields: { of: { type: ref, to: things } }\n";
    fixture.push(before).await.unwrap();
    fixture
        .insert("stuff", 1, "title, title_key, state", "'Äb', 'äb', 'x'")
        .await;
    let parent = fixture
        .texts("select count(*) from {records}stuff where parent_id is null")
        .await;
    assert_eq!(parent, ["1"]);
    fixture
        .execute(
            "insert into {records}parts (tenant, id, of_id, created_at, updated_at, version) \
                     select tenant, id, id, created_at, updated_at, version from {records}stuff",
        )
        .await;
    let report = fixture.push(after).await.unwrap();
    assert!(
        summaries(&report).contains(&"rename table stuff to things"),
        "{report:?}"
    );
    fixture.fits(after).await;
    assert_eq!(column(&fixture, "name").await, ["Äb"]);
    assert_eq!(column(&fixture, "name_key").await, ["äb"]);
    assert_eq!(column(&fixture, "status").await, ["x"]);
    assert_eq!(
        fixture
            .texts("select count(*) from {records}parts p join {records}things t on t.id = p.of_id")
            .await,
        ["1"]
    );
    // The hints may stay: they were followed already.
    assert_eq!(fixture.push(after).await.unwrap().applied, Vec::new());
}

async fn optional_becomes_required_and_back(fixture: Fixture) {
    let optional = things("a: { type: text, optional: true, max: 20, caseless: true }");
    let required = things("a: { type: text, max: 20, caseless: true }");
    let filled = things("a: { type: text, max: 20, caseless: true, default: Ω }");
    fixture.push(&optional).await.unwrap();
    fixture.insert("things", 1, "a, a_key", "'X', 'x'").await;
    fixture.push(&required).await.unwrap();
    fixture.fits(&required).await;
    fixture.push(&optional).await.unwrap();
    fixture.fits(&optional).await;
    fixture.insert("things", 2, "", "").await;
    let message = refused(fixture.push(&required).await);
    assert!(
        message.contains("`things.a` becomes required, but records lack it"),
        "{message}"
    );
    fixture.push(&filled).await.unwrap();
    fixture.fits(&filled).await;
    assert_eq!(column(&fixture, "a").await, ["X", "Ω"]);
    assert_eq!(column(&fixture, "a_key").await, ["x", "ω"]);
}

async fn uniques_and_indexes_come_and_go(fixture: Fixture) {
    let plain =
        things("a: { type: text, max: 20, optional: true }, b: { type: integer, default: 1 }");
    let unique = format!("{plain}    unique: [a, [b, a]]\n    indexes: [[b, -a], [-createdAt]]\n");
    fixture.push(&plain).await.unwrap();
    for id in 1..=3 {
        fixture
            .insert(
                "things",
                id,
                "b, a",
                if id == 3 { "1, null" } else { "1, 'x'" },
            )
            .await;
    }
    let message = refused(fixture.push(&unique).await);
    assert!(
        message.contains("records of `things` have the same `a`, which is to be unique"),
        "{message}"
    );
    fixture.execute("update {records}things set a = null").await;
    fixture.push(&unique).await.unwrap();
    fixture.fits(&unique).await;
    fixture.push(&plain).await.unwrap();
    fixture.fits(&plain).await;
    assert_eq!(column(&fixture, "a").await, ["null", "null", "null"]);
}

async fn references_come_and_go(fixture: Fixture) {
    let apart = "  things: { fields: { name: { type: text, optional: true } } }\n  homes: { fields: { name: { type: text, optional: true } } }\n";
    let joined = "  things: { fields: { name: { type: text, optional: true }, home: { type: ref, to: homes, optional: true } } }\n  homes: { fields: { name: { type: text, optional: true } } }\n";
    let turned = "  things: { fields: { name: { type: text, optional: true }, home: { type: ref, to: things, optional: true } } }\n  homes: { fields: { name: { type: text, optional: true } } }\n";
    fixture.push(apart).await.unwrap();
    fixture.insert("things", 1, "", "").await;
    fixture.insert("homes", 2, "", "").await;
    fixture.push(joined).await.unwrap();
    fixture.fits(joined).await;
    fixture
        .execute("update {records}things set home_id = (select id from {records}homes)")
        .await;
    let message = refused(fixture.push(turned).await);
    assert!(
        message.contains("refer by `home` to records that do not exist"),
        "{message}"
    );
    fixture
        .execute("update {records}things set home_id = null")
        .await;
    fixture.push(turned).await.unwrap();
    fixture.fits(turned).await;
    fixture
        .execute("update {records}things set home_id = id")
        .await;
    let message = lossy(fixture.push(apart).await);
    assert!(
        message.contains("the values of `things.home` are dropped"),
        "{message}"
    );
    fixture.push_accepting(apart).await.unwrap();
    fixture.fits(apart).await;
}

async fn caseless_folds_what_is_there(fixture: Fixture) {
    let exact = things("a: { type: text, max: 40, optional: true }, b: { type: text, max: 40 }");
    let caseless = things(
        "a: { type: text, max: 40, optional: true, caseless: true }, b: { type: text, max: 40, caseless: true, unique: true }",
    );
    fixture.push(&exact).await.unwrap();
    fixture
        .insert("things", 1, "a, b", "'HELLO', 'Straße'")
        .await;
    fixture.insert("things", 2, "a, b", "'ÀÉ ΟΔΟΣ', 'x'").await;
    fixture.insert("things", 3, "a, b", "null, 'É'").await;
    fixture.push(&caseless).await.unwrap();
    fixture.fits(&caseless).await;
    assert_eq!(
        column(&fixture, "a_key").await,
        ["hello", "àé οδοσ", "null"]
    );
    assert_eq!(column(&fixture, "b_key").await, ["strasse", "x", "é"]);
    // A companion holds nothing of its own: it goes without a word.
    fixture.push(&exact).await.unwrap();
    fixture.fits(&exact).await;
    assert_eq!(column(&fixture, "a").await, ["HELLO", "ÀÉ ΟΔΟΣ", "null"]);
}

async fn a_renamed_text_becomes_caseless_in_one_step(fixture: Fixture) {
    fixture.push(&things("title: text")).await.unwrap();
    fixture.insert("things", 1, "title", "'Ä'").await;
    let after = things("name: { type: text, was: title, max: 9, caseless: true, unique: true }");
    fixture.push(&after).await.unwrap();
    fixture.fits(&after).await;
    assert_eq!(column(&fixture, "name").await, ["Ä"]);
    assert_eq!(column(&fixture, "name_key").await, ["ä"]);
}

async fn tables_and_columns_go_only_when_accepted(fixture: Fixture) {
    let two = "  things: { fields: { a: text, b: { type: text, optional: true } } }\n  parts: { fields: { of: { type: ref, to: things } } }\n";
    fixture.push(two).await.unwrap();
    // Nothing in them, nothing lost.
    fixture.push(&things("a: text")).await.unwrap();
    fixture.push(two).await.unwrap();
    fixture.insert("things", 1, "a, b", "'x', 'y'").await;
    fixture
        .execute(
            "insert into {records}parts (tenant, id, of_id, created_at, updated_at, version) \
                     select tenant, id, id, created_at, updated_at, version from {records}things",
        )
        .await;
    let message = lossy(fixture.push(&things("a: text")).await);
    assert!(
        message.contains("the values of `things.b` are dropped (1 case)"),
        "{message}"
    );
    assert!(
        message.contains("the records of `parts` are dropped (1 case)"),
        "{message}"
    );
    assert!(message.contains("--accept-data-loss"), "{message}");
    fixture.fits(two).await;
    fixture.push_accepting(&things("a: text")).await.unwrap();
    fixture.fits(&things("a: text")).await;
    assert_eq!(column(&fixture, "a").await, ["x"]);
}

async fn a_resource_stays_with_its_tenants(fixture: Fixture) {
    fixture.push(&things("a: text")).await.unwrap();
    let platform = "  things:\n    tenancy: platform\n    fields: { a: text }\n";
    let message = refused(fixture.push(platform).await);
    assert!(
        message.contains("cannot move between tenants and the platform"),
        "{message}"
    );
}

/// A change of titles needs no change of the database, only its record.
async fn what_the_database_does_not_hold_needs_no_push(fixture: Fixture) {
    let schema = fixture.store.schema();
    fixture.push(&things("a: text")).await.unwrap();
    let titled =
        model("  things:\n    title: Thing of mine\n    fields: { a: { type: text, max: 3 } }\n");
    assert_eq!(schema.require_current(&titled).await.unwrap(), 2);
    assert_eq!(schema.require_current(&titled).await.unwrap(), 2);
    let wider = model(&things("a: text, b: text"));
    match schema.require_current(&wider).await {
        Err(Error::SchemaPending(message)) => {
            assert!(
                message.contains("things") && message.contains("`carnet db push`"),
                "{message}"
            );
        }
        other => panic!("{other:?}"),
    }
}

async fn another_hand_is_noticed(fixture: Fixture) {
    let wanted = format!(
        "{}    indexes: [[a]]\n",
        things("a: { type: text, max: 9 }")
    );
    fixture.push(&wanted).await.unwrap();
    fixture
        .execute("create table {records}stray (x integer)")
        .await;
    fixture
        .execute("alter table {records}things add column extra integer")
        .await;
    fixture
        .execute(&match fixture.store.dialect() {
            carnet_store::Dialect::Sqlite => "drop index things__a__index".to_owned(),
            carnet_store::Dialect::Postgres => "drop index {records}things__a__index".to_owned(),
        })
        .await;
    let drift = fixture.store.schema().drift().await.unwrap();
    assert_eq!(
        drift,
        [
            "column `extra` of `things` is not of the definition",
            "index `things__a__index` of `things` is missing",
            "table `stray` is not of the definition",
        ]
    );
    // A push brings back what is missing and leaves alone what is not ours.
    let report = fixture.push(&wanted).await.unwrap();
    assert_eq!(summaries(&report), ["add index things__a__index"]);
    assert_eq!(fixture.store.schema().drift().await.unwrap().len(), 2);
}
