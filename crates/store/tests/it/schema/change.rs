//! Each kind of change, with data: kept, refused, or lost only when accepted.

use super::support::{Fixture, on_both, summaries};
use carnet_store::Error;

/// A definition of one resource from its fields and what else it has.
fn things(fields: &str) -> String {
    format!("  things:\n    fields: {{ {fields} }}\n")
}

/// The message of a refused change.
#[track_caller]
fn refused<T: std::fmt::Debug>(outcome: Result<T, Error>) -> String {
    match outcome {
        Err(Error::Migration(message)) => message,
        other => panic!("not refused: {other:?}"),
    }
}

/// The message of a loss that was not accepted.
#[track_caller]
fn lossy<T: std::fmt::Debug>(outcome: Result<T, Error>) -> String {
    match outcome {
        Err(Error::DataLoss(message)) => message,
        other => panic!("not refused: {other:?}"),
    }
}

/// What a column holds, in the order of the ids.
async fn column(fixture: &Fixture, column: &str) -> Vec<String> {
    fixture
        .texts(&format!(
            "select \"{column}\" from {{records}}\"things\" order by id"
        ))
        .await
}

/// Pushes both definitions, with a row in between, and says what the column holds afterwards.
async fn convert(
    fixture: &Fixture,
    before: &str,
    values: &[&str],
    after: &str,
) -> Result<Vec<String>, Error> {
    fixture
        .push_accepting("  others: { fields: { name: text } }\n")
        .await?;
    fixture
        .push(&things(&format!("a: {before}")))
        .await
        .unwrap();
    for (id, value) in values.iter().enumerate() {
        fixture.insert("things", id as u8 + 1, "a", value).await;
    }
    let after = things(&format!("a: {after}"));
    fixture.push(&after).await?;
    fixture.fits(&after).await;
    Ok(column(fixture, "a").await)
}

on_both! {
    async fn columns_come_with_their_defaults(fixture) {
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

    async fn a_required_field_needs_a_default_where_records_are(fixture) {
        fixture.push(&things("a: text")).await.unwrap();
        let wider = things("a: text, b: integer");
        fixture.push(&wider).await.unwrap();
        fixture.push_accepting(&things("a: text")).await.unwrap();
        fixture.insert("things", 1, "a", "'x'").await;
        let message = refused(fixture.push(&wider).await);
        assert!(message.contains("`things.b` is required and without default"), "{message}");
        assert!(message.contains("(1 case)"), "{message}");
        fixture.fits(&things("a: text")).await;
    }

    async fn renames_lose_nothing(fixture) {
        let before = "  stuff:\n    fields:\n      title: { type: text, max: 50, caseless: true, unique: true }\n      state: { type: enum, values: [x, y] }\n      parent: { type: ref, to: stuff, optional: true }\n    indexes: [[state, title]]\n  parts:\n    fields: { of: { type: ref, to: stuff } }\n";
        let after = "  things:\n    was: stuff\n    fields:\n      name: { type: text, max: 50, caseless: true, unique: true, was: title }\n      status: { type: enum, values: [x, y], was: state }\n      above: { type: ref, to: things, optional: true, was: parent }\n    indexes: [[status, name]]\n  parts:\n    fields: { of: { type: ref, to: things } }\n";
        fixture.push(before).await.unwrap();
        fixture.insert("stuff", 1, "title, title_key, state", "'Äb', 'äb', 'x'").await;
        let parent = fixture.texts("select count(*) from {records}stuff where parent_id is null").await;
        assert_eq!(parent, ["1"]);
        fixture.execute("insert into {records}parts (tenant, id, of_id, created_at, updated_at, version) \
                         select tenant, id, id, created_at, updated_at, version from {records}stuff").await;
        let report = fixture.push(after).await.unwrap();
        assert!(summaries(&report).contains(&"rename table stuff to things"), "{report:?}");
        fixture.fits(after).await;
        assert_eq!(column(&fixture, "name").await, ["Äb"]);
        assert_eq!(column(&fixture, "name_key").await, ["äb"]);
        assert_eq!(column(&fixture, "status").await, ["x"]);
        assert_eq!(fixture.texts("select count(*) from {records}parts p join {records}things t on t.id = p.of_id").await, ["1"]);
        // The hints may stay: they were followed already.
        assert_eq!(fixture.push(after).await.unwrap().applied, Vec::new());
    }

    async fn numbers_change_their_scale(fixture) {
        let run = |before, values: &'static [&'static str], after| {
            let fixture = &fixture;
            async move { convert(fixture, before, values, after).await }
        };
        let narrow = "{ type: decimal, precision: 6, scale: 2, optional: true }";
        let wide = "{ type: decimal, precision: 9, scale: 4, optional: true }";
        let kept = run(narrow, &["123", "-150", "null"], wide).await.unwrap();
        assert_eq!(kept, ["12300", "-15000", "null"]);
        fixture.push_accepting("  others: { fields: { name: text } }\n").await.unwrap();

        let message = lossy(run(wide, &["12345", "100"], narrow).await);
        assert!(message.contains("more than 2 digits after the point are rounded (1 case)"), "{message}");
        fixture.push_accepting(&things(&format!("a: {narrow}"))).await.unwrap();
        assert_eq!(column(&fixture, "a").await, ["123", "1"]);
        fixture.push_accepting("  others: { fields: { name: text } }\n").await.unwrap();

        let kept = run("integer", &["7", "-8"], "{ type: decimal, precision: 6, scale: 3 }").await.unwrap();
        assert_eq!(kept, ["7000", "-8000"]);
        fixture.push_accepting("  others: { fields: { name: text } }\n").await.unwrap();

        let message = refused(run("integer", &["1000"], "{ type: decimal, precision: 6, scale: 3 }").await);
        assert!(message.contains("more than 3 digits before the point"), "{message}");
        fixture.push_accepting("  others: { fields: { name: text } }\n").await.unwrap();

        let kept = run("{ type: decimal, precision: 6, scale: 2 }", &["500", "-300"], "integer").await.unwrap();
        assert_eq!(kept, ["5", "-3"]);
    }

    async fn types_change_where_values_can_follow(fixture) {
        let run = |before, values: &'static [&'static str], after| {
            let fixture = &fixture;
            async move { convert(fixture, before, values, after).await.unwrap() }
        };
        assert_eq!(run("integer", &["7"], "text").await, ["7"]);
        assert_eq!(run("integer", &["7"], "float").await, ["7"]);
        assert_eq!(run("{ type: text, max: 5 }", &["'x'"], "text").await, ["x"]);
        assert_eq!(run("text", &["'x'"], "{ type: enum, values: [x, y] }").await, ["x"]);
        assert_eq!(run("{ type: enum, values: [x] }", &["'x'"], "text").await, ["x"]);
        assert_eq!(run("{ type: enum, values: [x] }", &["'x'"], "{ type: enum, values: [z, x] }").await, ["x"]);
        assert_eq!(run("time", &["5"], "duration").await, ["5"]);
    }

    async fn days_become_moments(fixture) {
        let (day, micros) = match fixture.store.dialect() {
            carnet_store::Dialect::Sqlite => ("3", "cast(a as text)"),
            carnet_store::Dialect::Postgres => ("date '1970-01-04'", "(extract(epoch from a) * 1000000)::bigint::text"),
        };
        fixture.push(&things("a: date")).await.unwrap();
        fixture.insert("things", 1, "a", day).await;
        fixture.push(&things("a: dateTime")).await.unwrap();
        let found = fixture.texts(&format!("select {micros} from {{records}}things")).await;
        assert_eq!(found, ["259200000000"]);
        // Midnight loses nothing.
        fixture.push(&things("a: date")).await.unwrap();
        fixture.fits(&things("a: date")).await;
    }

    async fn incompatible_types_lose_the_values_or_are_refused(fixture) {
        let optional = "{ type: text, optional: true, max: 20, unique: true }";
        let message = lossy(convert(&fixture, optional, &["'x'"], "{ type: date, optional: true, unique: true }").await);
        assert!(message.contains("`things.a` cannot become date from text"), "{message}");
        let after = things("a: { type: date, optional: true, unique: true }");
        fixture.push_accepting(&after).await.unwrap();
        fixture.fits(&after).await;
        assert_eq!(column(&fixture, "a").await, ["null"]);
        let message = refused(fixture.push_accepting(&things("a: boolean")).await);
        assert!(message.contains("required and without default"), "{message}");
    }

    async fn enum_words_go_only_when_unused(fixture) {
        let three = "{ type: enum, values: [x, y, z] }";
        let two = "{ type: enum, values: [x, y] }";
        assert_eq!(convert(&fixture, three, &["'x'"], two).await.unwrap(), ["x"]);
        let message = refused(convert(&fixture, three, &["'z'"], two).await);
        assert!(message.contains("records still have one of 'z' in `things.a`"), "{message}");
        let with_default = things("a: { type: enum, values: [x, y], default: y }");
        let message = lossy(fixture.push(&with_default).await);
        assert!(message.contains("get its default `y` (1 case)"), "{message}");
        fixture.push_accepting(&with_default).await.unwrap();
        fixture.fits(&with_default).await;
        assert_eq!(column(&fixture, "a").await, ["y"]);
        let outside = refused(convert(&fixture, "text", &["'q'"], two).await);
        assert!(outside.contains("values that the enum does not have"), "{outside}");
    }

    async fn optional_becomes_required_and_back(fixture) {
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
        assert!(message.contains("`things.a` becomes required, but records lack it"), "{message}");
        fixture.push(&filled).await.unwrap();
        fixture.fits(&filled).await;
        assert_eq!(column(&fixture, "a").await, ["X", "Ω"]);
        assert_eq!(column(&fixture, "a_key").await, ["x", "ω"]);
    }

    async fn uniques_and_indexes_come_and_go(fixture) {
        let plain = things("a: { type: text, max: 20, optional: true }, b: { type: integer, default: 1 }");
        let unique = format!("{plain}    unique: [a, [b, a]]\n    indexes: [[b, -a], [-createdAt]]\n");
        fixture.push(&plain).await.unwrap();
        for id in 1..=3 {
            fixture.insert("things", id, "b, a", if id == 3 { "1, null" } else { "1, 'x'" }).await;
        }
        let message = refused(fixture.push(&unique).await);
        assert!(message.contains("records of `things` have the same `a`, which is to be unique"), "{message}");
        fixture.execute("update {records}things set a = null").await;
        fixture.push(&unique).await.unwrap();
        fixture.fits(&unique).await;
        fixture.push(&plain).await.unwrap();
        fixture.fits(&plain).await;
        assert_eq!(column(&fixture, "a").await, ["null", "null", "null"]);
    }

    async fn references_come_and_go(fixture) {
        let apart = "  things: { fields: { name: { type: text, optional: true } } }\n  homes: { fields: { name: { type: text, optional: true } } }\n";
        let joined = "  things: { fields: { name: { type: text, optional: true }, home: { type: ref, to: homes, optional: true } } }\n  homes: { fields: { name: { type: text, optional: true } } }\n";
        let turned = "  things: { fields: { name: { type: text, optional: true }, home: { type: ref, to: things, optional: true } } }\n  homes: { fields: { name: { type: text, optional: true } } }\n";
        fixture.push(apart).await.unwrap();
        fixture.insert("things", 1, "", "").await;
        fixture.insert("homes", 2, "", "").await;
        fixture.push(joined).await.unwrap();
        fixture.fits(joined).await;
        fixture.execute("update {records}things set home_id = (select id from {records}homes)").await;
        let message = refused(fixture.push(turned).await);
        assert!(message.contains("refer by `home` to records that do not exist"), "{message}");
        fixture.execute("update {records}things set home_id = null").await;
        fixture.push(turned).await.unwrap();
        fixture.fits(turned).await;
        fixture.execute("update {records}things set home_id = id").await;
        let message = lossy(fixture.push(apart).await);
        assert!(message.contains("the values of `things.home` are dropped"), "{message}");
        fixture.push_accepting(apart).await.unwrap();
        fixture.fits(apart).await;
    }

    async fn caseless_folds_what_is_there(fixture) {
        let exact = things("a: { type: text, max: 40, optional: true }, b: { type: text, max: 40 }");
        let caseless = things("a: { type: text, max: 40, optional: true, caseless: true }, b: { type: text, max: 40, caseless: true, unique: true }");
        fixture.push(&exact).await.unwrap();
        fixture.insert("things", 1, "a, b", "'HELLO', 'Straße'").await;
        fixture.insert("things", 2, "a, b", "'ÀÉ ΟΔΟΣ', 'x'").await;
        fixture.insert("things", 3, "a, b", "null, 'É'").await;
        fixture.push(&caseless).await.unwrap();
        fixture.fits(&caseless).await;
        assert_eq!(column(&fixture, "a_key").await, ["hello", "àé οδοσ", "null"]);
        assert_eq!(column(&fixture, "b_key").await, ["strasse", "x", "é"]);
        // A companion holds nothing of its own: it goes without a word.
        fixture.push(&exact).await.unwrap();
        fixture.fits(&exact).await;
        assert_eq!(column(&fixture, "a").await, ["HELLO", "ÀÉ ΟΔΟΣ", "null"]);
    }

    async fn a_renamed_text_becomes_caseless_in_one_step(fixture) {
        fixture.push(&things("title: text")).await.unwrap();
        fixture.insert("things", 1, "title", "'Ä'").await;
        let after = things("name: { type: text, was: title, max: 9, caseless: true, unique: true }");
        fixture.push(&after).await.unwrap();
        fixture.fits(&after).await;
        assert_eq!(column(&fixture, "name").await, ["Ä"]);
        assert_eq!(column(&fixture, "name_key").await, ["ä"]);
    }

    async fn tables_and_columns_go_only_when_accepted(fixture) {
        let two = "  things: { fields: { a: text, b: { type: text, optional: true } } }\n  parts: { fields: { of: { type: ref, to: things } } }\n";
        fixture.push(two).await.unwrap();
        // Nothing in them, nothing lost.
        fixture.push(&things("a: text")).await.unwrap();
        fixture.push(two).await.unwrap();
        fixture.insert("things", 1, "a, b", "'x', 'y'").await;
        fixture.execute("insert into {records}parts (tenant, id, of_id, created_at, updated_at, version) \
                         select tenant, id, id, created_at, updated_at, version from {records}things").await;
        let message = lossy(fixture.push(&things("a: text")).await);
        assert!(message.contains("the values of `things.b` are dropped (1 case)"), "{message}");
        assert!(message.contains("the records of `parts` are dropped (1 case)"), "{message}");
        assert!(message.contains("--accept-data-loss"), "{message}");
        fixture.fits(two).await;
        fixture.push_accepting(&things("a: text")).await.unwrap();
        fixture.fits(&things("a: text")).await;
        assert_eq!(column(&fixture, "a").await, ["x"]);
    }

    async fn a_resource_stays_with_its_tenants(fixture) {
        fixture.push(&things("a: text")).await.unwrap();
        let platform = "  things:\n    tenancy: platform\n    fields: { a: text }\n";
        let message = refused(fixture.push(platform).await);
        assert!(message.contains("cannot move between tenants and the platform"), "{message}");
    }

    /// A change of titles needs no change of the database, only its record.
    async fn what_the_database_does_not_hold_needs_no_push(fixture) {
        let schema = fixture.store.schema();
        fixture.push(&things("a: text")).await.unwrap();
        let titled = super::super::support::model("  things:\n    title: Thing of mine\n    fields: { a: { type: text, max: 3 } }\n");
        assert_eq!(schema.require_current(&titled).await.unwrap(), 2);
        assert_eq!(schema.require_current(&titled).await.unwrap(), 2);
        let wider = super::super::support::model(&things("a: text, b: text"));
        match schema.require_current(&wider).await {
            Err(Error::SchemaPending(message)) => {
                assert!(message.contains("things") && message.contains("`carnet db push`"), "{message}");
            }
            other => panic!("{other:?}"),
        }
    }

    async fn another_hand_is_noticed(fixture) {
        let wanted = format!("{}    indexes: [[a]]\n", things("a: { type: text, max: 9 }"));
        fixture.push(&wanted).await.unwrap();
        fixture.execute("create table {records}stray (x integer)").await;
        fixture.execute("alter table {records}things add column extra integer").await;
        fixture.execute(&match fixture.store.dialect() {
            carnet_store::Dialect::Sqlite => "drop index things__a__index".to_owned(),
            carnet_store::Dialect::Postgres => "drop index {records}things__a__index".to_owned(),
        }).await;
        let drift = fixture.store.schema().drift().await.unwrap();
        assert_eq!(drift, [
            "column `extra` of `things` is not of the definition",
            "index `things__a__index` of `things` is missing",
            "table `stray` is not of the definition",
        ]);
        // A push brings back what is missing and leaves alone what is not ours.
        let report = fixture.push(&wanted).await.unwrap();
        assert_eq!(summaries(&report), ["add index things__a__index"]);
        assert_eq!(fixture.store.schema().drift().await.unwrap().len(), 2);
    }
}
