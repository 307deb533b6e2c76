//! Operations that read: lists, queries, single records.

use super::codes::{READ, of_operation};
use super::operation::{answers, operation, with_body, with_header};
use super::parameter::{
    deleted, filter, grouping, list_parameter, query_parameter, search, selection, sort_words,
};
use super::schema::query_name;
use super::stem;
use crate::offered::Offered;
use crate::parse::{DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET};
use carnet_kernel::Code;
use carnet_model::{ModelView, Operation, Resource};
use carnet_web::openapi::{list_envelope, record_envelope, schema, success};
use serde_json::{Value, json};

pub(super) fn list(offered: Offered<'_>, resource: &Resource) -> Value {
    let item = schema(&stem(resource));
    let mut parameters = vec![
        query_parameter(
            "limit",
            json!({ "type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT }),
            "At most so many records.",
        ),
        query_parameter(
            "offset",
            json!({ "type": "integer", "minimum": 0, "maximum": MAX_OFFSET }),
            "After skipping so many; not together with `page` or `cursor`.",
        ),
        query_parameter(
            "page",
            json!({ "type": "integer", "minimum": 1 }),
            "The page, counted from 1; not together with `offset` or `cursor`.",
        ),
        query_parameter(
            "cursor",
            json!({ "type": "string" }),
            "Where the page begins or ends: `nextCursor` or `prevCursor` of an answer to the same filter and sort. As cheap at any depth.",
        ),
        query_parameter(
            "count",
            json!({ "type": "string", "enum": ["auto", "exact", "estimated", "none"], "default": "auto" }),
            "How far to count all records: `auto` is exact up to 1,000 and an estimate above; `none` is the default beside `cursor`.",
        ),
    ];
    if resource.has_table() {
        parameters.extend(of_records(offered.view, resource));
    }
    let failures = of_operation(
        offered,
        resource,
        Operation::List,
        &[&READ, &[Code::CursorInvalid]],
    );
    let answer = listed(item);
    operation(
        resource,
        "list",
        format!("List {}", resource.name),
        parameters,
        answers(("200", answer), &failures),
    )
}

/// What the database is asked beside the page.
fn of_records(view: &ModelView, resource: &Resource) -> Vec<Value> {
    let mut parameters = vec![
        query_parameter(
            "explain",
            json!({ "type": "boolean", "default": false }),
            "Tells in `meta.explain` the statements, their plans and how long the read took. Where the setting `server.explain` allows it.",
        ),
        filter(resource),
    ];
    parameters.extend(search(resource));
    parameters.extend(selection(view, resource));
    parameters.extend(deleted(resource));
    parameters.extend(grouping(resource));
    parameters.push(list_parameter("sort", sort_words(resource), "Fields to sort by, `-` before one for descending order; null is the smallest value, unless `:nullsFirst` or `:nullsLast` stands behind the field. Also counts and the like of to-many relations (`-items.count`, `items.sum(price;filter[gift]:true)`) and places inside json. Newest first by default."));
    parameters
}

/// The answer to a list: records, or groups where those were asked for; as lines where asked so.
fn listed(item: Value) -> Value {
    let told = json!({ "anyOf": [item, schema("Group")] });
    let mut answer = success(
        "A page of records, or of groups.",
        list_envelope(told.clone()),
    );
    answer["content"]["application/x-ndjson"] = json!({ "schema": told });
    answer
}

pub(super) fn query(offered: Offered<'_>, resource: &Resource) -> Value {
    let codes: &[Code] = &[Code::CursorInvalid, Code::UnsupportedMediaType];
    let failures = of_operation(offered, resource, Operation::List, &[&READ, codes]);
    let operation = operation(
        resource,
        "query",
        format!("List {} by a query in the body", resource.name),
        Vec::new(),
        answers(("200", listed(schema(&stem(resource)))), &failures),
    );
    with_body(operation, &["application/json"], &query_name(resource))
}

pub(super) fn read(offered: Offered<'_>, resource: &Resource) -> Value {
    let codes: &[&[Code]] = &[&READ, &[Code::NotFound]];
    let failures = of_operation(offered, resource, Operation::Read, codes);
    let answer = success("The record.", record_envelope(schema(&stem(resource))));
    operation(
        resource,
        "read",
        format!("Read one of {}", resource.name),
        match resource.has_table() {
            true => selection(offered.view, resource)
                .into_iter()
                .chain(deleted(resource))
                .collect(),
            false => Vec::new(),
        },
        answers(("200", with_header(answer, &["ETag"])), &failures),
    )
}
