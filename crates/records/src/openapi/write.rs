//! Operations that write: single records, by filter, several at once.

use super::codes::{BODY, CHANGE, of_operation, of_several, plain, precondition};
use super::nested::{change_name, create_name, replace_name};
use super::operation::{answers, operation, with_body, with_header};
use super::parameter::{deleted, filter, if_match, purge, query_parameter};
use super::stem;
use crate::batch::VERBS;
use crate::linking::through;
use crate::offered::Offered;
use crate::parse::{DEFAULT_MAX_AFFECTED, MAX_MAX_AFFECTED, upsert_keys};
use carnet_kernel::Code;
use carnet_model::{Concurrency, Operation, Resource};
use carnet_web::openapi::{Failures, parameter, schema, success, write_envelope};
use serde_json::{Map, Value, json};

/// What the answer to a create leads to.
fn links(resource: &Resource) -> Value {
    let all = [
        (Operation::Read, "read"),
        (Operation::Update, "update"),
        (Operation::Patch, "patch"),
        (Operation::Delete, "delete"),
    ];
    all.into_iter()
        .filter(|(operation, _)| resource.operations.contains(*operation))
        .map(|(_, verb)| {
            let operation = format!("{verb}{}", stem(resource));
            let link = json!({
                "operationId": operation,
                "parameters": { "id": "$response.body#/data/id" },
            });
            (verb.to_owned(), link)
        })
        .collect::<Map<_, _>>()
        .into()
}

pub(super) fn create(offered: Offered<'_>, resource: &Resource) -> Value {
    let answer = success("The new record.", write_envelope(schema(&stem(resource))));
    let keys = upsert_keys(resource).into_iter();
    let keys = keys.filter(|_| offered.upserts(resource));
    let keys: Vec<String> = keys.map(|(name, _)| name).collect();
    let (mut parameters, mut codes) = (
        vec![parameter("DryRun"), parameter("IdempotencyKey")],
        Vec::new(),
    );
    if !keys.is_empty() {
        parameters.push(query_parameter(
            "upsert",
            json!({ "type": "string", "enum": keys }),
            "The fields of a unique constraint: a record that has these values already is changed where the body names fields, and the answer is 200. Not together with related records in the body.",
        ));
        parameters.push(parameter("IfMatch"));
        codes.extend([Code::InvalidParameter, Code::PreconditionFailed]);
        codes.extend(precondition(resource));
    }
    codes.extend(nested(resource, Operation::Create));
    let failures = of_operation(
        offered,
        resource,
        Operation::Create,
        &[&CHANGE, &BODY, &codes],
    );
    let mut responses = answers(
        (
            "201",
            with_header(answer, &["ETag", "Location", "Idempotency-Replayed"]),
        ),
        &failures,
    );
    responses["201"]["links"] = links(resource);
    if !keys.is_empty() {
        let answer = success(
            "The record that was there already, afterwards.",
            write_envelope(schema(&stem(resource))),
        );
        responses["200"] = with_header(answer, &["ETag", "Idempotency-Replayed"]);
    }
    let operation = operation(
        resource,
        "create",
        format!("Create one of {}", resource.name),
        parameters,
        responses,
    );
    with_body(operation, &["application/json"], &create_name(resource))
}

/// What writing related records along can meet; only a change removes some.
fn nested(resource: &Resource, operation: Operation) -> &'static [Code] {
    match (resource.relations.is_empty(), operation) {
        (true, _) => &[],
        (false, Operation::Create) => &[Code::PlacementMixed],
        (false, _) => &[Code::PlacementMixed, Code::RecordInUse],
    }
}

pub(super) fn update(offered: Offered<'_>, resource: &Resource) -> Value {
    let operation = change(
        offered,
        resource,
        (Operation::Update, "update"),
        format!("Replace one of {}", resource.name),
    );
    with_body(operation, &["application/json"], &replace_name(resource))
}

pub(super) fn patch(offered: Offered<'_>, resource: &Resource) -> Value {
    let operation = change(
        offered,
        resource,
        (Operation::Patch, "patch"),
        format!("Change fields of one of {}", resource.name),
    );
    let types = ["application/merge-patch+json", "application/json"];
    with_body(operation, &types, &change_name(resource))
}

fn change(
    offered: Offered<'_>,
    resource: &Resource,
    (kind, verb): (Operation, &str),
    summary: String,
) -> Value {
    let answer = success(
        "The record afterwards.",
        write_envelope(schema(&stem(resource))),
    );
    let codes: &[&[Code]] = &[
        &CHANGE,
        &BODY,
        &[Code::NotFound, Code::PreconditionFailed],
        nested(resource, kind),
        precondition(resource),
    ];
    let failures = of_operation(offered, resource, kind, codes);
    operation(
        resource,
        verb,
        summary,
        vec![
            if_match(resource),
            parameter("DryRun"),
            parameter("IdempotencyKey"),
        ],
        answers(
            (
                "200",
                with_header(answer, &["ETag", "Idempotency-Replayed"]),
            ),
            &failures,
        ),
    )
}

pub(super) fn delete(offered: Offered<'_>, resource: &Resource) -> Value {
    let answer = success(
        "The record is gone.",
        write_envelope(json!({ "type": "null" })),
    );
    let codes: &[&[Code]] = &[
        &CHANGE,
        &[Code::NotFound, Code::RecordInUse, Code::PreconditionFailed],
        precondition(resource),
    ];
    let failures = of_operation(offered, resource, Operation::Delete, codes);
    operation(
        resource,
        "delete",
        format!("Delete one of {}", resource.name),
        [
            if_match(resource),
            parameter("DryRun"),
            parameter("IdempotencyKey"),
        ]
        .into_iter()
        .chain(purge(resource))
        .collect(),
        answers(
            ("200", with_header(answer, &["Idempotency-Replayed"])),
            &failures,
        ),
    )
}

pub(super) fn patch_matching(resource: &Resource) -> Value {
    let operation = matching(
        resource,
        "patchMatching",
        format!("Change fields of all {} that a filter finds", resource.name),
        "What was changed.",
        &BODY,
        Vec::new(),
    );
    let types = ["application/merge-patch+json", "application/json"];
    with_body(operation, &types, &format!("{}Patch", stem(resource)))
}

pub(super) fn delete_matching(resource: &Resource) -> Value {
    matching(
        resource,
        "deleteMatching",
        format!("Delete all {} that a filter finds", resource.name),
        "What was deleted.",
        &[Code::UnknownField, Code::RecordInUse],
        purge(resource)
            .into_iter()
            .chain(deleted(resource))
            .collect(),
    )
}

fn matching(
    resource: &Resource,
    verb: &str,
    summary: String,
    what: &str,
    codes: &[Code],
    more: Vec<Value>,
) -> Value {
    let id = super::field::schema(&resource.field(resource.key).kind);
    let data = affected(id);
    let mut filter = filter(resource);
    filter["required"] = true.into();
    let mut if_match = if_match(resource);
    if resource.concurrency == Concurrency::Optimistic {
        if_match["description"] = "`*`: any version will do.".into();
        if_match["schema"] = json!({ "const": "*" });
    }
    let mut parameters = vec![
        filter,
        query_parameter(
            "maxAffected",
            json!({ "type": "integer", "minimum": 1, "maximum": MAX_MAX_AFFECTED, "default": DEFAULT_MAX_AFFECTED }),
            "If more records match, nothing is changed.",
        ),
        if_match,
        parameter("DryRun"),
        parameter("IdempotencyKey"),
    ];
    parameters.extend(more);
    let own: &[Code] = &[
        Code::InvalidParameter,
        Code::UnknownOperator,
        Code::TooManyMatches,
        Code::PreconditionFailed,
    ];
    operation(
        resource,
        verb,
        summary,
        parameters,
        answers(
            (
                "200",
                with_header(
                    success(what, write_envelope(data)),
                    &["Idempotency-Replayed"],
                ),
            ),
            &plain(&[&CHANGE, codes, own, precondition(resource)]),
        ),
    )
}

/// What a write by filter answers.
fn affected(id: Value) -> Value {
    let number = json!({ "type": "integer", "minimum": 0 });
    json!({
        "type": "object",
        "required": ["count", "unchanged", "ids"],
        "properties": {
            "count": number,
            "unchanged": number,
            "ids": { "type": "array", "maxItems": crate::units::MAX_IDS, "items": id },
        },
        "additionalProperties": false,
    })
}

pub(super) fn batch(offered: Offered<'_>, resource: &Resource) -> Value {
    let affected = affected(super::field::schema(&resource.field(resource.key).kind));
    // What it links leaves a link.
    let mut links: Vec<Value> = offered
        .links(resource)
        .filter_map(|(relation, _)| through(offered.view, relation))
        .map(|through| schema(&stem(through.link)))
        .collect();
    links.dedup();
    let mut all = vec![schema(&stem(resource))];
    all.extend(links);
    all.extend([affected, json!({ "type": "null" })]);
    let record = json!({ "anyOf": all });
    let summary = format!("Write several {} in one transaction", resource.name);
    let written = several(
        (&format!("batch{}", stem(resource)), &resource.name),
        summary,
        record,
        &of_several(offered, [resource], SEVERAL),
    );
    with_body(
        written,
        &["application/json"],
        &format!("{}Batch", stem(resource)),
    )
}

/// Writes of any resources.
pub(super) fn transaction(offered: Offered<'_>) -> Value {
    let view = offered.view;
    let records = view
        .resources
        .iter()
        .filter(|resource| VERBS.iter().any(|verb| verb.is_offered(view, resource)))
        .map(|resource| schema(&stem(resource)));
    let affected = affected(json!({ "type": "string" }));
    let all: Vec<Value> = records
        .chain([affected, json!({ "type": "null" })])
        .collect();
    let record = json!({ "anyOf": all });
    let summary = "Write records of several resources in one transaction".to_owned();
    let failures = of_several(offered, view.shown_resources(), SEVERAL);
    let written = several(("transact", "transactions"), summary, record, &failures);
    with_body(written, &["application/json"], "TransactionBatch")
}

/// What several writes can meet: whatever each of them can.
const SEVERAL: &[&[Code]] = &[
    &CHANGE,
    &BODY,
    &[
        Code::UnknownOperator,
        Code::NotFound,
        Code::PreconditionFailed,
        Code::PreconditionRequired,
        Code::RecordInUse,
        Code::TooManyMatches,
        Code::PlacementMixed,
    ],
];

fn several((id, tag): (&str, &str), summary: String, record: Value, failures: &Failures) -> Value {
    let whole = write_envelope(json!({ "type": "array", "items": record }));
    let mut each = write_envelope(json!({ "type": "array", "items": item_result(&record) }));
    each["required"] = json!(["success", "data", "message", "meta"]);
    each["properties"]["meta"] = json!({
        "type": "object",
        "required": ["succeeded", "failed"],
        "properties": {
            "dryRun": { "const": true },
            "succeeded": { "type": "integer", "minimum": 0 },
            "failed": { "type": "integer", "minimum": 0 },
        },
    });
    let ok = success(
        "All items took effect. With the policy `atomic` the record after each item, null for a \
         deleted one, and what a write by `where` changed; with `each` the status and the same of each.",
        json!({ "anyOf": [whole, each.clone()] }),
    );
    let partly = success(
        "With the policy `each`: some items were refused, perhaps all. Each has its status.",
        each,
    );
    let mut responses = answers(
        ("200", with_header(ok, &["Idempotency-Replayed"])),
        failures,
    );
    responses["207"] = with_header(partly, &["Idempotency-Replayed"]);
    json!({
        "operationId": id,
        "summary": summary,
        "description": "Items take effect in their order. With the policy `atomic` all or none: the first item that is refused is the refusal of all. With `each` every item stands by itself: the answer is 207 when one was refused, and the body as a whole is refused only where no items can be read from it.",
        "tags": [tag],
        "parameters": [
            parameter("RequestId"),
            parameter("CorrelationId"),
            parameter("DryRun"),
            parameter("IdempotencyKey"),
        ],
        "responses": responses,
    })
}

/// What came of an item that stands by itself.
fn item_result(record: &Value) -> Value {
    let done = json!({
        "type": "object",
        "required": ["status", "data"],
        "properties": { "status": { "type": "integer" }, "data": record },
    });
    let refused = json!({
        "type": "object",
        "required": ["status", "error"],
        "properties": {
            "status": { "type": "integer" },
            "error": {
                "type": "object",
                "required": ["code", "message", "details"],
                "properties": {
                    "code": { "type": "string" },
                    "message": { "type": "string" },
                    "details": { "type": "array", "items": schema("ErrorDetail") },
                },
            },
        },
    });
    json!({ "anyOf": [done, refused] })
}

pub(super) fn restore(resource: &Resource) -> Value {
    let answer = success(
        "The record, no longer deleted.",
        write_envelope(schema(&stem(resource))),
    );
    let codes: &[Code] = &[
        Code::InvalidParameter,
        Code::NotFound,
        Code::PreconditionFailed,
        Code::ReferenceNotFound,
        Code::UniqueViolation,
    ];
    operation(
        resource,
        "restore",
        format!("Restore one of {} that is deleted", resource.name),
        vec![
            if_match(resource),
            parameter("DryRun"),
            parameter("IdempotencyKey"),
        ],
        answers(
            ("200", with_header(answer, &["ETag"])),
            &plain(&[&CHANGE, codes, precondition(resource)]),
        ),
    )
}
