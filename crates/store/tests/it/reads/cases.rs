//! Reads that chance would not make: the journal, single documents, rows too long for one array,
//! texts no pattern may trip over, and how many statements a read takes.

use super::place::Place;
use super::world::{World, id, sources};
use carnet_expr::{CompareOp, Operand, Path, Predicate, TextOp};
use carnet_kernel::{TenantKey, Value, text};
use carnet_model::{FieldType, Resource, Source};
use carnet_store::{Count, Dialect, Order, Query, Record, Window};
use serde_json::{Value as Json, json};
use std::fmt::Write;

const JOURNAL: &str = r"
carnet: 1
service: carnet
resources:
  journal:
    storage: platform
    table: carnet_journal_records
    key: sequence
    operations: [list, read]
    fields:
      sequence: { type: integer }
      resource: { type: text, max: 48 }
      record: { type: ulid }
      version: { type: integer }
      kind: { type: enum, values: [create, update, delete] }
      principal: { type: principal, optional: true }
      at: { type: dateTime }
      body: { type: json }
";

fn parsed(json: &[u8]) -> Json {
    serde_json::from_slice(json).unwrap()
}

/// Every field, by the key.
pub(crate) fn everything(resource: &Resource) -> Query {
    Query {
        resource: resource.index,
        predicate: Predicate::True,
        deleted: carnet_store::Deleted::Hidden,
        order: vec![Order::path(Path::own(resource.key), false)],
        ranked: false,
        window: Window {
            limit: 50,
            offset: 0,
        },
        fields: resource.each_field().map(|(index, _)| index).collect(),
        includes: Vec::new(),
        counts: Vec::new(),
        count: Count::None,
        seek: carnet_store::Seek::default(),
    }
}

/// A record of defaults with an id.
pub(crate) fn blank(resource: &Resource, number: usize) -> Record {
    let values = resource.fields.iter().map(|field| match field.kind {
        FieldType::Id(_) => Value::Id(id(5, number)),
        FieldType::DateTime if !field.optional => Value::DateTime(0),
        FieldType::Integer { .. } if !field.optional => Value::Integer(1),
        FieldType::Text { .. } if !field.optional => Value::Text(String::new()),
        _ => field.default.clone().unwrap_or(Value::Null),
    });
    Record {
        values: values.collect(),
    }
}

#[test]
fn the_journal_is_listed_like_any_resource() {
    let mut all = sources();
    all.push(Source::shipped("", "journal.yaml", JOURNAL));
    for place in Place::both("reads journal", &all) {
        let second = place.tenant(None);
        World::new(&place.view, TenantKey::DEFAULT, 1).store(&place);
        World::new(&place.view, second, 2).store(&place);
        let journal = place.view.resource_named("journal").unwrap();
        let field = |name: &str| journal.field_named(name).unwrap();
        let mut query = everything(journal);
        query.window.limit = 1;
        query.count = Count::Exact;
        query.predicate = Predicate::And(vec![
            Predicate::compare(
                field("resource"),
                CompareOp::Eq,
                Value::Text("makers".to_owned()),
            ),
            // Not leakproof, and the table has no find view.
            Predicate::Text {
                op: TextOp::EndsWith,
                path: Path::own(field("resource")),
                pattern: "kers".to_owned(),
                caseless: false,
            },
        ]);
        let listing = place.list(second, &query).unwrap();
        assert_eq!(listing.total, Some(5));
        assert!(listing.more);
        let mut row = parsed(&listing.json)[0].clone();
        let sequence = row["sequence"].as_i64().unwrap();
        row["sequence"] = Json::Null;
        assert_eq!(
            row,
            json!({
                "sequence": null, "resource": "makers", "record": id(1, 0).to_string(),
                "version": 1, "kind": "create", "principal": {"kind": "system", "id": null},
                "at": "1970-01-01T00:00:00.000000Z", "body": {"after": {}},
            })
        );

        // One row by its key; another tenant's is not there.
        query.predicate =
            Predicate::compare(field("sequence"), CompareOp::Eq, Value::Integer(sequence));
        assert!(place.find(second, &query).unwrap().is_some());
        assert_eq!(place.find(TenantKey::DEFAULT, &query).unwrap(), None);
    }
}

#[test]
fn a_document_knows_its_version() {
    for place in Place::both("reads document", &sources()) {
        let world = World::new(&place.view, TenantKey::DEFAULT, 1);
        world.store(&place);
        let makers = world.resource("makers");
        let mut query = world.query("makers");
        query.predicate = Predicate::compare(makers.key, CompareOp::Eq, Value::Id(id(1, 2)));
        let document = place.find(world.tenant, &query).unwrap().unwrap();
        assert_eq!(document.version, Some(1));
        assert_eq!(parsed(&document.json)["id"], json!(id(1, 2).to_string()));
        query.fields.truncate(1);
        let document = place.find(world.tenant, &query).unwrap().unwrap();
        assert_eq!(document.version, None);
        query.fields.clear();
        let document = place.find(world.tenant, &query).unwrap().unwrap();
        assert_eq!(document.json, b"{}");
        query.predicate = Predicate::compare(makers.key, CompareOp::Eq, Value::Id(id(1, 99)));
        assert_eq!(place.find(world.tenant, &query).unwrap(), None);
    }
}

#[test]
fn long_rows_are_included_whole() {
    let mut definition = "carnet: 1\nresources:\n  wides:\n    fields:\n".to_owned();
    for number in 0..210 {
        writeln!(
            definition,
            "      f{number}: {{ type: integer, optional: true }}"
        )
        .unwrap();
    }
    definition.push_str("  uses:\n    fields:\n      wide: { type: ref, to: wides }\n");
    definition = definition.replace(
        "  uses:",
        "    many: { uses: { of: uses, by: wide } }\n  uses:",
    );
    for place in Place::both(
        "reads long",
        &[Source::application("w.yaml", definition.clone())],
    ) {
        let wides = place.view.resource_named("wides").unwrap();
        let uses = place.view.resource_named("uses").unwrap();
        let mut wide = blank(wides, 0);
        for number in 0..210 {
            let field = wides.field_named(&format!("f{number}")).unwrap();
            wide.set(field, Value::Integer(number));
        }
        place.insert(TenantKey::DEFAULT, wides, vec![wide]);
        let mut using = blank(uses, 1);
        using.set(uses.field_named("wideId").unwrap(), Value::Id(id(5, 0)));
        place.insert(TenantKey::DEFAULT, uses, vec![using]);

        let mut inner = everything(uses);
        inner.fields.truncate(1);
        let mut middle = everything(wides);
        middle.includes = vec![carnet_store::Include {
            relation: wides.relation_named("uses").unwrap(),
            query: inner,
        }];
        let mut query = everything(uses);
        query.includes = vec![carnet_store::Include {
            relation: uses.relation_named("wide").unwrap(),
            query: middle,
        }];
        let listing = place.list(TenantKey::DEFAULT, &query).unwrap();
        let row = &parsed(&listing.json)[0]["wide"];
        for number in 0..210 {
            assert_eq!(row[format!("f{number}")], json!(number));
        }
        assert_eq!(row["version"], json!(1));
        assert_eq!(row["uses"], json!([{ "id": id(5, 1).to_string() }]));
    }
}

#[test]
fn any_text_is_found_by_itself() {
    const TEXTS: [&str; 12] = [
        "%",
        "_",
        "\\",
        "*",
        "?",
        "[a",
        "]",
        "^",
        "'",
        "a\u{10FFFF}",
        "\u{D7FF}x",
        "ẞ",
    ];
    for place in Place::both("reads texts", &sources()) {
        let world = World::new(&place.view, TenantKey::DEFAULT, 1);
        let countries = world.resource("countries");
        let records = TEXTS.iter().enumerate().map(|(number, text)| {
            let mut record = blank(countries, number);
            let name = countries.field_named("name").unwrap();
            record.set(name, Value::Text((*text).to_owned()));
            let code = countries.field_named("code").unwrap();
            record.set(code, Value::Text(number.to_string()));
            record
        });
        place.insert(TenantKey::DEFAULT, countries, records.collect());
        let name = countries.field_named("name").unwrap();
        for (number, wanted) in TEXTS.into_iter().enumerate() {
            let like: String = wanted.chars().flat_map(|one| ['\\', one]).collect();
            for (op, pattern) in [
                (TextOp::Contains, wanted.to_owned()),
                (TextOp::StartsWith, wanted.to_owned()),
                (TextOp::EndsWith, wanted.to_owned()),
                (TextOp::Like, like.clone()),
                (TextOp::Like, format!("{like}%")),
                (TextOp::Like, format!("%{like}")),
                (TextOp::Like, format!("%{like}%")),
            ] {
                let mut query = everything(countries);
                query.fields = vec![countries.key];
                query.predicate = Predicate::Text {
                    op,
                    path: Path::own(name),
                    pattern: pattern.clone(),
                    caseless: false,
                };
                let listing = place.list(TenantKey::DEFAULT, &query).unwrap();
                let found = parsed(&listing.json);
                let ids: Vec<&Json> = found
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|row| &row["id"])
                    .collect();
                let own = json!(id(5, number).to_string());
                assert_eq!(ids, [&own], "{op:?} {pattern:?}");
            }
        }
    }
}

#[test]
fn caseless_tests_look_at_the_companion() {
    for place in Place::both("reads caseless", &sources()) {
        let world = World::new(&place.view, TenantKey::DEFAULT, 1);
        world.store(&place);
        let goods = world.resource("goods");
        let name = goods.field_named("name").unwrap();
        let mut query = everything(goods);
        query.fields = vec![name];
        query.predicate = Predicate::Text {
            op: TextOp::StartsWith,
            path: Path::own(name),
            pattern: text::fold("STRASS"),
            caseless: true,
        };
        let listing = place.list(world.tenant, &query).unwrap();
        let (expected, _, _) = world.list(&query);
        assert_eq!(parsed(&listing.json), parsed(expected.as_bytes()));
        assert!(
            expected.contains("straße") && expected.contains("STRASSE"),
            "{expected}"
        );
    }
}

/// Whatever it includes, filters and counts, a read is one statement in one round trip on
/// PostgreSQL, and two statements at most on SQLite.
#[test]
fn a_read_takes_as_many_statements_as_its_shape_says() {
    for place in Place::both("reads counted", &sources()) {
        let world = World::new(&place.view, TenantKey::DEFAULT, 1);
        world.store(&place);
        let mut marks = world.query("marks");
        marks.window.limit = 5;
        let mut parts = world.query("parts");
        parts.includes = vec![world.include("parts", "marks", marks)];
        let mut query = world.query("goods");
        query.predicate = Predicate::Compare {
            op: CompareOp::Ne,
            left: Operand::Path(Path::over(
                vec![world.relation("goods", "maker")],
                world.resource("makers").field_named("rank").unwrap(),
            )),
            right: Operand::Value(Value::Integer(77)),
        };
        query.includes = vec![
            world.include("goods", "parts", parts),
            world.include("goods", "maker", world.query("makers")),
        ];
        for (limit, count) in [
            (1, Count::None),
            (10, Count::Exact),
            (40, Count::UpTo(1_000)),
        ] {
            query.window.limit = limit;
            query.count = count;
            // The first run may have to prepare.
            place.list(world.tenant, &query).unwrap();
            let before = place.store.counters();
            let listing = place.list(world.tenant, &query).unwrap();
            let after = place.store.counters();
            assert_eq!(listing.rows, limit as usize);
            let statements = after.statements - before.statements;
            let round_trips = after.round_trips - before.round_trips;
            match place.store.dialect() {
                Dialect::Postgres => assert_eq!((statements, round_trips), (1, 1), "{count:?}"),
                Dialect::Sqlite => {
                    let expected = if count == Count::None { 1 } else { 2 };
                    assert_eq!((statements, round_trips), (expected, 0), "{count:?}");
                }
            }
        }
    }
}

#[test]
fn a_large_total_is_estimated_and_says_so() {
    for place in Place::both("reads estimate", &sources()) {
        let second = place.tenant(None);
        let world = World::new(&place.view, TenantKey::DEFAULT, 1);
        world.store(&place);
        World::new(&place.view, second, 2).store(&place);
        let mut query = world.query("goods");
        query.window.limit = 5;
        let sqlite = place.store.dialect() == Dialect::Sqlite;
        for (count, known, least) in [
            (Count::Estimate(100), true, 45),
            (Count::Estimate(10), false, 11),
            (Count::Estimate(0), false, 6),
        ] {
            query.count = count;
            let listing = place.list(TenantKey::DEFAULT, &query).unwrap();
            let total = listing.total.unwrap();
            assert_eq!(listing.total_is_estimate, !known, "{count:?}");
            assert!(total >= least, "{count:?}: {total}");
            // Half of the 90 rows are another tenant's.
            assert!(known || !sqlite || (43..=47).contains(&total), "{total}");
        }
        query.window.limit = 50;
        let whole = place.list(TenantKey::DEFAULT, &query).unwrap();
        assert_eq!((whole.total, whole.total_is_estimate), (Some(45), false));
    }
}
