//! What writes become, down to the journal's images.

use super::*;
use crate::fixture::{change, decide, field, id, resource, stamp, stored, told, view};
use crate::validate::{Mode, read_entries, read_object};
use carnet_kernel::{Code, JsonText, Refusal, Value};
use carnet_store::{Changes, InsertRow, JournalKind, Record, Step, Unit};

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn json(value: &str) -> Value {
    Value::Json(JsonText::parse(value).unwrap())
}

/// The record that a body makes.
fn filled(name: &str, body: &str) -> Result<Record, String> {
    let entries = read_object(body).unwrap();
    let mut faults = Vec::new();
    let input = read_entries(resource(name), &entries, Mode::Whole, "", &mut faults);
    let record = fill(
        resource(name),
        &entries,
        input,
        id(1),
        &stamp(),
        "",
        &mut faults,
    );
    match crate::validate::refuse(faults) {
        Some(refusal) => Err(told(&refusal)),
        None => Ok(record),
    }
}

fn category(name: &str, number: u128, values: &[(&str, Value)]) -> Record {
    let mut all = vec![("name", text(name))];
    all.extend_from_slice(values);
    stored(resource("categories"), number, 1, &all)
}

#[test]
fn a_create_fills_what_is_absent() {
    let record = filled(
        "products",
        r#"{"name":"Pen","categoryId":"00000000000000000000000002"}"#,
    )
    .unwrap();
    let products = resource("products");
    let of = |name: &str| record.get(field(products, name)).clone();
    assert_eq!(of("id"), Value::Id(id(1)));
    assert_eq!(of("stock"), Value::Integer(0));
    assert_eq!(of("status"), text("draft"));
    assert_eq!(of("details"), json("{}"));
    assert_eq!(of("tags"), json("[]"));
    assert_eq!(of("price"), Value::Null);
    assert_eq!(of("version"), Value::Integer(1));
    assert_eq!(of("createdAt"), Value::DateTime(1_000_000));
    assert_eq!(
        of("updatedBy"),
        Value::Principal(stamp().principal.unwrap())
    );
    let unit = Create {
        resource: products.index,
        records: vec![record],
    };
    let changes = decide(&unit, &[]).unwrap();
    let [Step::Insert { rows, .. }] = changes.steps.as_slice() else {
        panic!("{changes:?}");
    };
    let [InsertRow { journal, .. }] = rows.as_slice() else {
        panic!("{rows:?}");
    };
    assert_eq!((journal.kind, journal.version), (JournalKind::Create, 1));
    insta::assert_snapshot!(journal.body, @r#"{"after":{"id":"00000000000000000000000001","name":"Pen","sku":null,"note":null,"price":null,"stock":0,"weight":null,"status":"draft","isFeatured":false,"releasedOn":null,"seenAt":null,"opensAt":null,"lasts":null,"contact":null,"page":null,"token":null,"details":{},"labels":null,"tags":[],"categoryId":"00000000000000000000000002","version":1,"createdAt":"1970-01-01T00:00:01.000000Z","updatedAt":"1970-01-01T00:00:01.000000Z","createdBy":{"kind":"user","id":"00000000000000000000000009"},"updatedBy":{"kind":"user","id":"00000000000000000000000009"}}}"#);
}

#[test]
fn a_create_names_what_is_missing_and_what_it_cannot_set() {
    assert_eq!(
        filled(
            "products",
            r#"{"id":"00000000000000000000000002","version":1}"#
        )
        .unwrap_err(),
        "VALIDATION_FAILED
id: readOnly: the platform chooses the id; leave it out
version: readOnly: the platform sets it; leave it out
name: required: it is required
categoryId: required: it is required"
    );
    assert_eq!(
        filled("categories", r#"{"name":"a","createdBy":null}"#).unwrap_err(),
        "READ_ONLY_FIELD\ncreatedBy: readOnly: the platform sets it; leave it out"
    );
    let token = filled(
        "tokens",
        r#"{"id":"00000000-0000-0000-0000-000000000007","name":"a"}"#,
    );
    assert_eq!(token.unwrap().id(resource("tokens")), Some(id(7)));
    assert_eq!(
        filled("tokens", r#"{"id":null,"name":"a"}"#).unwrap_err(),
        "VALIDATION_FAILED\nid: required: it must not be null"
    );
}

fn product(version: i64) -> Record {
    let values = [
        ("name", text("Pen")),
        ("stock", Value::Integer(5)),
        ("note", text("old")),
        ("details", json(r#"{"a":{"b":1},"c":2}"#)),
        ("labels", json(r#"{"en":"Pen","de":"Stift"}"#)),
        ("categoryId", Value::Id(id(2))),
    ];
    stored(resource("products"), 1, version, &values)
}

fn changed(kind: Kind, body: &str) -> Result<Changes, Refusal> {
    let unit = change(resource("products"), kind, body);
    decide(&unit, &[("products", product(3))])
}

#[test]
fn a_patch_merges_and_keeps_the_rest() {
    let changes = changed(
        Kind::Patch,
        r#"{"note":null,"details":{"a":{"b":null,"d":1}},"labels":{"de":null,"fr":"Stylo"},"tags":["x"],"version":3}"#,
    )
    .unwrap();
    let [Step::Update { rows, .. }] = changes.steps.as_slice() else {
        panic!("{changes:?}");
    };
    let row = &rows[0];
    let products = resource("products");
    assert_eq!((row.id, row.version), (id(1), 3));
    assert_eq!(row.record.get(field(products, "stock")), &Value::Integer(5));
    assert_eq!(row.record.version(products), Some(4));
    let names: Vec<&str> = row
        .changed
        .iter()
        .map(|index| products.field(*index).name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "note",
            "details",
            "labels",
            "tags",
            "updatedAt",
            "updatedBy",
            "version"
        ]
    );
    assert_eq!(
        (row.journal.kind, row.journal.version),
        (JournalKind::Update, 4)
    );
    insta::assert_snapshot!(row.journal.body, @r#"{"before":{"note":"old","details":{"a":{"b":1},"c":2},"labels":{"de":"Stift","en":"Pen"},"tags":[]},"after":{"note":null,"details":{"a":{"d":1},"c":2},"labels":{"en":"Pen","fr":"Stylo"},"tags":["x"]}}"#);
}

#[test]
fn the_rules_bind_what_a_merge_gives() {
    let refusal = changed(
        Kind::Patch,
        r#"{"labels":{"de":null,"en":null},"details":{"rows":[{}]}}"#,
    )
    .unwrap_err();
    assert_eq!(
        told(&refusal),
        "VALIDATION_FAILED
labels: min: it must have a text in at least one language
details.rows[0]: schema: it must meet the field's schema; \"name\" is a required property"
    );
}

#[test]
fn a_replace_returns_to_defaults() {
    let changes = changed(
        Kind::Replace,
        r#"{"name":"Pen","categoryId":"00000000000000000000000002"}"#,
    )
    .unwrap();
    let [Step::Update { rows, .. }] = changes.steps.as_slice() else {
        panic!("{changes:?}");
    };
    insta::assert_snapshot!(rows[0].journal.body, @r#"{"before":{"note":"old","stock":5,"details":{"a":{"b":1},"c":2},"labels":{"de":"Stift","en":"Pen"}},"after":{"note":null,"stock":0,"details":{},"labels":null}}"#);
}

#[test]
fn what_changes_nothing_keeps_the_version() {
    for body in [
        "{}",
        r#"{"stock":5,"details":{"c":2},"categoryId":"00000000000000000000000002"}"#,
        r#"{"id":"00000000000000000000000001","version":3,"createdAt":"1970-01-01T00:00:00.000005Z","createdBy":null}"#,
    ] {
        let changes = changed(Kind::Patch, body).unwrap();
        assert_eq!(
            (changes.steps, changes.kept),
            (vec![], vec![product(3)]),
            "{body}"
        );
    }
}

#[test]
fn read_only_fields_pass_only_if_equal() {
    let refusal = changed(
        Kind::Patch,
        r#"{"id":"00000000000000000000000002","version":2,"createdAt":"1970-01-01T00:00:00.000005Z","createdBy":{"kind":"user","id":null}}"#,
    )
    .unwrap_err();
    assert_eq!(
        told(&refusal),
        "READ_ONLY_FIELD
id: readOnly: it cannot be written; leave it out or send the stored value
version: readOnly: it cannot be written; leave it out or send the stored value
createdBy: readOnly: it cannot be written; leave it out or send the stored value"
    );
    assert_eq!(refusal.message, "`id` cannot be written");
}

#[test]
fn an_id_of_the_clients_choice_never_changes() {
    let tokens = resource("tokens");
    let token = stored(tokens, 1, 1, &[("name", text("a"))]);
    let patch = |body: &str| {
        decide(
            &change(tokens, Kind::Patch, body),
            &[("tokens", token.clone())],
        )
    };
    let same = r#"{"id":"00000000-0000-0000-0000-000000000001","name":"b"}"#;
    assert_eq!(patch(same).unwrap().steps.len(), 1);
    let other = r#"{"id":"00000000-0000-0000-0000-000000000002"}"#;
    assert_eq!(patch(other).unwrap_err().code, Code::ReadOnlyField);
}

#[test]
fn preconditions() {
    let with = |precondition: Option<Precondition>| {
        let mut unit = change(resource("products"), Kind::Patch, r#"{"stock":6}"#);
        unit.precondition = precondition;
        decide(&unit, &[("products", product(3))])
    };
    assert!(with(Some(Precondition::Any)).is_ok());
    assert!(with(Some(Precondition::Versions(vec![1, 3]))).is_ok());
    // Weak tags arrive as an empty list and match nothing.
    for stale in [vec![], vec![2], vec![4]] {
        let refusal = with(Some(Precondition::Versions(stale))).unwrap_err();
        assert_eq!(refusal.code, Code::PreconditionFailed);
        assert_eq!(
            refusal.message,
            "the record has version 3 now; read it again before you write"
        );
    }
    let required =
        |name: &str| Precondition::require(None, resource(name)).map_err(|refusal| refusal.code);
    assert_eq!(required("orders"), Err(Code::PreconditionRequired));
    assert_eq!(required("products"), Ok(()));
}

#[test]
fn a_change_of_nothing_is_not_found() {
    let unit = change(resource("products"), Kind::Patch, "{}");
    assert_eq!(decide(&unit, &[]).unwrap_err().code, Code::NotFound);
    assert_eq!(delete("products", 1, &[]).unwrap_err().code, Code::NotFound);
}

fn delete(name: &str, number: u128, records: &[(&str, Record)]) -> Result<Changes, Refusal> {
    let unit = Delete {
        resource: resource(name).index,
        id: id(number),
        purge: false,
        precondition: None,
        stamp: stamp(),
    };
    decide(&unit, records)
}

/// `clear categories 2; delete categories 1`
fn steps(changes: &Changes) -> String {
    let name = |index| view().resource(index).name.as_str();
    let numbers = |ids: Vec<u128>| {
        let ids: Vec<String> = ids.iter().map(u128::to_string).collect();
        ids.join(" ")
    };
    let each = changes.steps.iter().map(|step| match step {
        Step::Insert { .. } => "insert".to_owned(),
        Step::Update { resource, rows } => {
            let ids = rows.iter().map(|row| row.id.as_u128()).collect();
            format!("clear {} {}", name(*resource), numbers(ids))
        }
        Step::Delete { resource, rows } => {
            let ids = rows.iter().map(|row| row.id.as_u128()).collect();
            format!("delete {} {}", name(*resource), numbers(ids))
        }
    });
    each.collect::<Vec<_>>().join("; ")
}

#[test]
fn a_delete_clears_and_tells_the_journal() {
    let records = [
        ("categories", category("top", 1, &[])),
        (
            "categories",
            category("a", 2, &[("parentId", Value::Id(id(1)))]),
        ),
        (
            "categories",
            category("b", 3, &[("parentId", Value::Id(id(1)))]),
        ),
        (
            "categories",
            category("c", 4, &[("parentId", Value::Id(id(3)))]),
        ),
    ];
    let changes = delete("categories", 1, &records).unwrap();
    assert_eq!(steps(&changes), "clear categories 2 3; delete categories 1");
    let [Step::Update { rows, .. }, Step::Delete { rows: gone, .. }] = changes.steps.as_slice()
    else {
        panic!("{changes:?}");
    };
    insta::assert_snapshot!(rows[0].journal.body, @r#"{"before":{"parentId":"00000000000000000000000001"},"after":{"parentId":null}}"#);
    assert_eq!(rows[0].record.version(resource("categories")), Some(2));
    assert_eq!(
        (gone[0].journal.kind, gone[0].journal.version),
        (JournalKind::Delete, 2)
    );
    insta::assert_snapshot!(gone[0].journal.body, @r#"{"before":{"id":"00000000000000000000000001","name":"top","parentId":null,"unitId":null,"version":1,"createdAt":"1970-01-01T00:00:00.000005Z","updatedAt":"1970-01-01T00:00:00.000006Z","createdBy":null,"updatedBy":null}}"#);
}

#[test]
fn a_cascade_goes_from_the_far_end() {
    let orders = resource("orders");
    let line = |number: u128| {
        stored(
            resource("lines"),
            number,
            1,
            &[
                ("orderId", Value::Id(id(1))),
                ("productId", Value::Id(id(50))),
            ],
        )
    };
    let records = [
        (
            "orders",
            stored(orders, 1, 1, &[("number", Value::Integer(1))]),
        ),
        ("lines", line(2)),
        ("lines", line(3)),
    ];
    let changes = delete("orders", 1, &records).unwrap();
    assert_eq!(steps(&changes), "delete lines 2 3; delete orders 1");
}

fn node(number: u128, references: &[(&str, u128)]) -> (&'static str, Record) {
    let values: Vec<(&str, Value)> = references
        .iter()
        .map(|(name, number)| (*name, Value::Id(id(*number))))
        .collect();
    ("nodes", stored(resource("nodes"), number, 1, &values))
}

#[track_caller]
fn check_nodes(records: &[(&'static str, Record)], expected: &str) {
    match delete("nodes", 1, records) {
        Ok(changes) => assert_eq!(steps(&changes), expected),
        Err(refusal) => assert_eq!(told(&refusal), expected, "{}", refusal.message),
    }
}

#[test]
fn diamonds_and_restrictions_inside_a_cascade() {
    // 4 is reached over 2 and over 3, and goes once, before both.
    let diamond = [
        node(1, &[]),
        node(2, &[("parentId", 1)]),
        node(3, &[("parentId", 1)]),
        node(4, &[("parentId", 2), ("secondId", 3)]),
    ];
    check_nodes(&diamond, "delete nodes 4 2 3 1");
    // 2 guards 3: it goes first although it was found first.
    let guarded = [
        node(1, &[]),
        node(2, &[("parentId", 1)]),
        node(3, &[("parentId", 1), ("guardId", 2)]),
    ];
    check_nodes(&guarded, "delete nodes 3 2 1");
    // What goes is not cleared first.
    let friend = [
        node(1, &[]),
        node(2, &[("parentId", 1), ("friendId", 1)]),
        node(3, &[("friendId", 2)]),
    ];
    check_nodes(&friend, "clear nodes 3; delete nodes 2 1");
    check_nodes(
        &[node(1, &[("parentId", 1), ("friendId", 1)])],
        "delete nodes 1",
    );
}

#[test]
fn circles_are_refused_in_words() {
    let circle = [node(1, &[("parentId", 2)]), node(2, &[("parentId", 1)])];
    let refusal = delete("nodes", 1, &circle).unwrap_err();
    assert_eq!(refusal.code, Code::RecordInUse);
    assert!(refusal.message.contains("in a circle"), "{refusal}");
}

#[test]
fn what_a_delete_reaches_is_bounded() {
    let many = |count: u128, name: &'static str| -> Vec<(&'static str, Record)> {
        let rest = (2..=count).map(|number| node(number, &[(name, 1)]));
        std::iter::once(node(1, &[])).chain(rest).collect()
    };
    let limit = u128::from(MAX_AFFECTED);
    let changes = delete("nodes", 1, &many(limit, "parentId")).unwrap();
    assert_eq!(changes.steps.len(), 1);
    for name in ["parentId", "friendId"] {
        let refusal = delete("nodes", 1, &many(limit + 1, name)).unwrap_err();
        assert_eq!(refusal.code, Code::RecordInUse);
        assert!(
            refusal.message.contains("more than 1000 records"),
            "{refusal}"
        );
    }
}

#[test]
fn a_chain_of_cascades_is_bounded() {
    let chain = |links: u128| -> Vec<(&'static str, Record)> {
        let rest = (2..=links + 1).map(|number| node(number, &[("parentId", number - 1)]));
        std::iter::once(node(1, &[])).chain(rest).collect()
    };
    assert!(delete("nodes", 1, &chain(50)).is_ok());
    let refusal = delete("nodes", 1, &chain(51)).unwrap_err();
    assert_eq!(refusal.code, Code::RecordInUse);
    assert!(refusal.message.contains("more than 50 links"), "{refusal}");
}

#[test]
fn a_decision_asks_once_for_each_thing() {
    let unit = Delete {
        resource: resource("orders").index,
        id: id(1),
        purge: false,
        precondition: Some(Precondition::Versions(vec![9])),
        stamp: stamp(),
    };
    let order = stored(resource("orders"), 1, 1, &[]);
    let refusal = decide(&unit as &dyn Unit, &[("orders", order)]).unwrap_err();
    assert_eq!(refusal.code, Code::PreconditionFailed);
}
