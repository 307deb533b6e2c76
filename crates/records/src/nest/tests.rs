//! Bodies of nested writes and what is wrong with them.

use super::read::{Root, read};
use crate::decide::Kind;
use crate::fixture::{id, resource, stamp, told, view};
use crate::validate::read_object;

fn faults(name: &str, root: Root, body: &str) -> String {
    let mut next = 100;
    let mut next_id = || {
        next += 1;
        id(next)
    };
    let entries = read_object(body).unwrap();
    match read(
        view(),
        resource(name),
        (&entries, "body"),
        root,
        &stamp(),
        &mut next_id,
    ) {
        Ok(_) => "good".to_owned(),
        Err(refusal) => told(&refusal),
    }
}

#[track_caller]
fn create(body: &str, expected: &str) {
    assert_eq!(faults("orders", Root::Create, body), expected, "{body}");
}

#[track_caller]
fn patch(body: &str, expected: &str) {
    let root = Root::Change {
        id: id(1),
        kind: Kind::Patch,
        precondition: None,
    };
    assert_eq!(faults("orders", root, body), expected, "{body}");
}

const PRODUCT: &str = "00000000000000000000000002";

#[test]
fn creates() {
    let line = format!(r#"{{"productId":"{PRODUCT}","quantity":2}}"#);
    create(&format!(r#"{{"number":1,"lines":[{line}]}}"#), "good");
    create(
        &format!(r#"{{"number":1,"lines":{{"create":[{line}]}}}}"#),
        "good",
    );
    create(
        r#"{"number":1,"lines":[{"product":{"create":{"name":"Pen","category":{"create":{"name":"Pens"}}}}}]}"#,
        "good",
    );
    create(
        r#"{"number":"x","lines":[{"quantity":1.5},{"orderId":"00000000000000000000000002"}]}"#,
        "VALIDATION_FAILED
number: type: it must be a whole number, not a text
lines[0].quantity: type: it must be a whole number, without a fraction
lines[0].productId: required: it is required
lines[1].orderId: conflict: where it is nested it is set already; leave it out
lines[1].productId: required: it is required",
    );
    create(
        r#"{"number":1,"lines":{"update":[]}}"#,
        "UNKNOWN_FIELD\nlines.update: unknown: a new record has only new related records: a list, or `create`",
    );
    create(
        r#"{"number":1,"lines":[{"product":{"name":"Pen"}}]}"#,
        "VALIDATION_FAILED
lines[0].product: type: a new record is written as `{\"create\":{…}}`, one that is there as `productId`
lines[0].productId: required: it is required",
    );
    let deep = r#"{"number":1,"lines":[{"product":{"create":{"name":"Pen","category":{"create":{"name":"a","parent":{"create":{"name":"b"}}}}}}}]}"#;
    create(
        deep,
        "VALIDATION_FAILED\nlines[0].product.create.category.create.parent: depth: related records nest at most 3 deep",
    );
    create(
        &format!(
            r#"{{"number":1,"lines":[{}]}}"#,
            vec![line; 1_001].join(",")
        ),
        "VALIDATION_FAILED\nbody: max: a body writes at most 1000 related records, not 1001",
    );
}

#[test]
fn changes() {
    let line = "00000000000000000000000003";
    patch(
        &format!(
            r#"{{"lines":{{"create":[{{"productId":"{PRODUCT}"}}],"update":[{{"id":"{line}","quantity":{{"$inc":1}}}}],"delete":["{PRODUCT}"]}}}}"#
        ),
        "good",
    );
    patch(
        &format!(
            r#"{{"lines":{{"update":[{{"quantity":1}},{{"id":"{line}"}},{{"id":"{line}"}}],"delete":[{{"id":"{line}","at":1}},5],"remove":[]}}}}"#
        ),
        "VALIDATION_FAILED
lines.update[0].id: required: it is required
lines.update[2].id: repeated: the record is named twice
lines.delete[0].at: unknown: a record is named by its `id`, with or without its `version`
lines.delete[0].id: repeated: the record is named twice
lines.delete[1].id: type: it must be a text
lines.remove: unknown: it must be one of create, update, delete",
    );
    patch(
        r#"{"lines":[]}"#,
        "VALIDATION_FAILED\nlines: type: it must be an object with `create`, `update` or `delete`, each a list",
    );
}
