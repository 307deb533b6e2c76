//! The operation objects of one resource.

use super::nested::{change_name, create_name, replace_name};
use super::stem;
use crate::parse::{
    DEFAULT_LIMIT, DEFAULT_MAX_AFFECTED, FUNCTIONS, MAX_LIMIT, MAX_MAX_AFFECTED, MAX_OFFSET,
    MAX_SEARCH, Word, upsert_keys,
};
use carnet_kernel::Code;
use carnet_model::{Concurrency, ModelView, Operation, RelationKind, Resource};
use carnet_web::openapi::{
    list_envelope, parameter, record_envelope, responses, schema, success, write_envelope,
};
use serde_json::{Map, Value, json};

const READ_CODES: [Code; 6] = [
    Code::MalformedRequest,
    Code::UnknownParameter,
    Code::InvalidParameter,
    Code::UnknownField,
    Code::AnswerTooLarge,
    Code::NotAcceptable,
];

/// What any write can meet.
pub(super) const CHANGE_CODES: [Code; 11] = [
    Code::IdempotencyInProgress,
    Code::ReplayUnavailable,
    Code::IdempotencyKeyReused,
    Code::MalformedRequest,
    Code::UnknownParameter,
    Code::InvalidParameter,
    Code::NotAcceptable,
    Code::VersionConflict,
    Code::TransactionTooLong,
    Code::StorageFull,
    Code::OutcomeUnknown,
];

/// What a write with a body can meet beside.
const BODY_CODES: [Code; 7] = [
    Code::UnknownField,
    Code::ValidationFailed,
    Code::ReadOnlyField,
    Code::ReferenceNotFound,
    Code::UniqueViolation,
    Code::PayloadTooLarge,
    Code::UnsupportedMediaType,
];

/// What any request can meet.
const PLATFORM_CODES: [Code; 5] = [
    Code::UriTooLong,
    Code::Internal,
    Code::Timeout,
    Code::Overloaded,
    Code::DatabaseUnavailable,
];

pub(super) fn answers(ok: (&str, Value), codes: &[&[Code]]) -> Value {
    let all: Vec<Code> = codes
        .iter()
        .flat_map(|codes| codes.iter().copied())
        .chain(PLATFORM_CODES)
        .collect();
    let mut map: Map<String, Value> = Map::new();
    map.insert(ok.0.to_owned(), ok.1);
    map.extend(responses(&all));
    Value::Object(map)
}

pub(super) fn operation(
    resource: &Resource,
    verb: &str,
    summary: String,
    parameters: Vec<Value>,
    responses: Value,
) -> Value {
    let mut all = vec![parameter("RequestId"), parameter("CorrelationId")];
    all.extend(parameters);
    json!({
        "operationId": format!("{verb}{}", stem(resource)),
        "summary": summary,
        "description": meaning(verb),
        "tags": [resource.name],
        "parameters": all,
        "responses": responses,
    })
}

/// What an operation does, for people who do not know the platform.
fn meaning(verb: &str) -> &'static str {
    match verb {
        "list" => "A page of records, filtered, sorted and with what is included.",
        "read" => "One record by its id; with its version as `ETag` when it is read whole.",
        "create" => {
            "Makes a record and answers it as it is stored; its journal row is written with it."
        }
        "update" => {
            "Every field takes the value of the body, or its default where the body has none."
        }
        "patch" => "A JSON merge patch: what the body does not name stays as it is.",
        "delete" => {
            "Removes a record, and does what its definition says to those that refer to it."
        }
        "batch" => {
            "Items take effect in their order: all or none, or with `policy: each` each by itself."
        }
        "restore" => "Takes back a soft deletion.",
        "patchMatching" | "deleteMatching" => {
            "All records that a filter finds are changed in one transaction, or none is."
        }
        _ => "See the guide at `/docs`.",
    }
}

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

fn with_body(mut operation: Value, types: &[&str], body: &str) -> Value {
    let content: Map<String, Value> = types
        .iter()
        .map(|kind| ((*kind).to_owned(), json!({ "schema": schema(body) })))
        .collect();
    operation["requestBody"] = json!({ "required": true, "content": content });
    operation
}

fn with_header(mut response: Value, names: &[&str]) -> Value {
    if let Some(headers) = response["headers"].as_object_mut() {
        for name in names {
            headers.insert(
                (*name).to_owned(),
                json!({ "$ref": format!("#/components/headers/{name}") }),
            );
        }
    }
    response
}

pub(super) fn list(view: &ModelView, resource: &Resource) -> Value {
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
    parameters.push(list_parameter("sort", sort_words(resource), "Fields to sort by, `-` before one for descending order; null is the smallest value, unless `:nullsFirst` or `:nullsLast` stands behind the field. Also counts and the like of to-many relations (`-items.count`) and places inside json. Newest first by default."));
    let codes: &[Code] = &[Code::UnknownOperator, Code::CursorInvalid];
    let answer = listed(item);
    operation(
        resource,
        "list",
        format!("List {}", resource.name),
        parameters,
        answers(("200", answer), &[&READ_CODES, codes]),
    )
}

/// The answer to a list: records, or groups where those were asked for; as lines where asked so.
fn listed(item: Value) -> Value {
    let told = json!({ "anyOf": [item, schema("Group")] });
    let mut answer = success("A page of records, or of groups.", list_envelope(told));
    answer["content"]["application/x-ndjson"] = json!({ "schema": item });
    answer
}

pub(super) fn query(resource: &Resource) -> Value {
    let codes: &[Code] = &[
        Code::UnknownOperator,
        Code::CursorInvalid,
        Code::PayloadTooLarge,
        Code::UnsupportedMediaType,
    ];
    let operation = operation(
        resource,
        "query",
        format!("List {} by a query in the body", resource.name),
        Vec::new(),
        answers(
            ("200", listed(schema(&stem(resource)))),
            &[&READ_CODES, codes],
        ),
    );
    with_body(operation, &["application/json"], "Query")
}

pub(super) fn read(view: &ModelView, resource: &Resource) -> Value {
    let answer = success("The record.", record_envelope(schema(&stem(resource))));
    operation(
        resource,
        "read",
        format!("Read one of {}", resource.name),
        selection(view, resource)
            .into_iter()
            .chain(deleted(resource))
            .collect(),
        answers(
            ("200", with_header(answer, &["ETag"])),
            &[&READ_CODES, &[Code::NotFound]],
        ),
    )
}

pub(super) fn create(resource: &Resource) -> Value {
    let answer = success("The new record.", write_envelope(schema(&stem(resource))));
    let keys: Vec<String> = upsert_keys(resource)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
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
    let mut responses = answers(
        (
            "201",
            with_header(answer, &["ETag", "Location", "Idempotency-Replayed"]),
        ),
        &[&CHANGE_CODES, &BODY_CODES, &codes],
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

pub(super) fn update(resource: &Resource) -> Value {
    let operation = change(
        resource,
        "update",
        format!("Replace one of {}", resource.name),
    );
    with_body(operation, &["application/json"], &replace_name(resource))
}

pub(super) fn patch(resource: &Resource) -> Value {
    let operation = change(
        resource,
        "patch",
        format!("Change fields of one of {}", resource.name),
    );
    let types = ["application/merge-patch+json", "application/json"];
    with_body(operation, &types, &change_name(resource))
}

fn change(resource: &Resource, verb: &str, summary: String) -> Value {
    let answer = success(
        "The record afterwards.",
        write_envelope(schema(&stem(resource))),
    );
    let codes: &[Code] = &[Code::NotFound, Code::PreconditionFailed];
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
            &[&CHANGE_CODES, &BODY_CODES, codes, precondition(resource)],
        ),
    )
}

pub(super) fn delete(resource: &Resource) -> Value {
    let answer = success(
        "The record is gone.",
        write_envelope(json!({ "type": "null" })),
    );
    let codes: &[Code] = &[Code::NotFound, Code::RecordInUse, Code::PreconditionFailed];
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
            &[&CHANGE_CODES, codes, precondition(resource)],
        ),
    )
}

pub(super) fn patch_matching(resource: &Resource) -> Value {
    let operation = matching(
        resource,
        "patchMatching",
        format!("Change fields of all {} that a filter finds", resource.name),
        "What was changed.",
        &BODY_CODES,
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
            &[&CHANGE_CODES, codes, own, precondition(resource)],
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

pub(super) fn batch(resource: &Resource) -> Value {
    let affected = affected(super::field::schema(&resource.field(resource.key).kind));
    let record = json!({ "anyOf": [schema(&stem(resource)), affected, { "type": "null" }] });
    let summary = format!("Write several {} in one transaction", resource.name);
    let written = several(
        &format!("batch{}", stem(resource)),
        summary,
        &resource.name,
        record,
    );
    with_body(
        written,
        &["application/json"],
        &format!("{}Batch", stem(resource)),
    )
}

/// Writes of any resources.
pub(super) fn transaction() -> Value {
    let record = json!({ "type": ["object", "null"] });
    let summary = "Write records of several resources in one transaction".to_owned();
    let written = several("transact", summary, "transactions", record);
    with_body(written, &["application/json"], "TransactionBatch")
}

fn several(id: &str, summary: String, tag: &str, record: Value) -> Value {
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
    let partly = success("With the policy `each`: some items were refused.", each);
    let codes: &[Code] = &[
        Code::NotFound,
        Code::PreconditionFailed,
        Code::PreconditionRequired,
        Code::RecordInUse,
        Code::TooManyMatches,
        Code::PlacementMixed,
    ];
    let mut responses = answers(
        ("200", with_header(ok, &["Idempotency-Replayed"])),
        &[&CHANGE_CODES, &BODY_CODES, codes],
    );
    responses["207"] = with_header(partly, &["Idempotency-Replayed"]);
    json!({
        "operationId": id,
        "summary": summary,
        "description": "Items take effect in their order, all or none, or each by itself as `policy` says.",
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

fn precondition(resource: &Resource) -> &'static [Code] {
    match resource.concurrency {
        Concurrency::Optimistic => &[Code::PreconditionRequired],
        Concurrency::None => &[],
    }
}

fn if_match(resource: &Resource) -> Value {
    match resource.concurrency {
        Concurrency::None => parameter("IfMatch"),
        Concurrency::Optimistic => json!({
            "name": "If-Match",
            "in": "header",
            "required": true,
            "description": "The `ETag` of the version the write is based on: `\"3\"`.",
            "schema": carnet_web::openapi::entity_tags(),
        }),
    }
}

fn query_parameter(name: &str, schema: Value, description: &str) -> Value {
    json!({ "name": name, "in": "query", "required": false, "description": description, "schema": schema })
}

/// A comma-separated list of known words.
fn list_parameter(name: &str, words: Vec<String>, description: &str) -> Value {
    json!({
        "name": name,
        "in": "query",
        "required": false,
        "description": description,
        "style": "form",
        "explode": false,
        "schema": { "type": "array", "minItems": 1, "items": { "type": "string", "minLength": 1, "examples": words } },
    })
}

fn filter(resource: &Resource) -> Value {
    let fields: Vec<&str> = resource
        .fields
        .iter()
        .filter(|field| field.kind.is_ordered())
        .map(|field| field.name.as_str())
        .collect();
    let operators: Vec<&str> = Word::ALL.iter().map(|(word, _)| *word).collect();
    let mut description = format!(
        "Conditions as `filter[field][operator]=value`, also over to-one relations (`filter[relation.field][operator]`), \
         joined by and; `filter[or][0][field][operator]`, `filter[and][0]…` and `filter[not][field][operator]` nest. \
         Operators: {}. Fields: {}.",
        operators.join(", "),
        fields.join(", ")
    );
    let many = resource
        .relations
        .iter()
        .find(|relation| relation.kind.is_many());
    if let Some(relation) = many {
        let name = &relation.name;
        description.push_str(&format!(
            " Of to-many relations: `filter[{name}][some|every|none][field][operator]`, `filter[{name}.count][gte]=1`, \
             and `sum`, `avg`, `min`, `max` as in `filter[{name}.max(field)][gt]`."
        ));
    }
    let json = resource.fields.iter().find(|field| field.kind.is_json());
    if let Some(field) = json {
        let name = &field.name;
        description.push_str(&format!(
            " Inside json: `filter[{name}.key.0][operator]`; a number, `true` or `false` is one, anything else a text."
        ));
    }
    description.push_str(
        " Dates may be relative: `now`, `now-7d`, `now/d` (units s, m, h, d, w, M, y; UTC).",
    );
    json!({
        "name": "filter",
        "in": "query",
        "required": false,
        "description": description,
        "style": "deepObject",
        "explode": true,
        "schema": { "type": "object", "additionalProperties": true },
    })
}

fn search(resource: &Resource) -> Vec<Value> {
    let Some(search) = &resource.search else {
        return Vec::new();
    };
    let fields: Vec<&str> = search
        .fields
        .iter()
        .map(|field| resource.field(*field).name.as_str())
        .collect();
    let fields = fields.join(", ");
    let text = || json!({ "type": "string", "minLength": 1, "maxLength": MAX_SEARCH });
    vec![
        query_parameter(
            "search",
            text(),
            &format!(
                "Words that must all be there, in any of: {fields}; best match first unless `sort` \
                 says otherwise. `\"a phrase\"`, `beginning*`, `-without`. Case and accents do not matter."
            ),
        ),
        query_parameter(
            "search[fuzzy]",
            text(),
            &format!("Words of which each must be like one of: {fields}; the likest first."),
        ),
    ]
}

/// The parameters that ask for groups.
fn grouping(resource: &Resource) -> Vec<Value> {
    let ordered = resource
        .fields
        .iter()
        .filter(|field| field.kind.is_ordered())
        .map(|field| field.name.clone());
    let keys: Vec<String> = ordered.take(8).collect();
    let sums = resource
        .fields
        .iter()
        .filter(|field| carnet_store::sum_scale(&field.kind).is_some())
        .map(|field| format!("sum({})", field.name));
    let functions: Vec<String> = std::iter::once("count".to_owned())
        .chain(sums.take(4))
        .collect();
    vec![
        list_parameter(
            "aggregate",
            functions,
            &format!(
                "What is made of all records or of each group: {}, with a field in parentheses. The answer holds groups instead of records.",
                FUNCTIONS.join(", ")
            ),
        ),
        list_parameter(
            "groupBy",
            keys.clone(),
            "What the records of a group have in common: fields, fields over to-one relations, and `year`, `month`, `week`, `day` or `hour` of dates and moments (`createdAt.month`).",
        ),
        list_parameter(
            "distinct",
            keys,
            "The different combinations of these, as groups.",
        ),
        json!({
            "name": "having",
            "in": "query",
            "required": false,
            "description": "Conditions on groups as `having[count][gt]=5`, `having[sum(field)][gte]=10`.",
            "style": "deepObject",
            "explode": true,
            "schema": { "type": "object" },
        }),
    ]
}

fn selection(view: &ModelView, resource: &Resource) -> Vec<Value> {
    let fields = resource
        .fields
        .iter()
        .map(|field| field.name.clone())
        .collect();
    let mut parameters = vec![list_parameter(
        "fields",
        fields,
        "Only these fields; the id always comes along.",
    )];
    // No other word will do.
    if let Some(items) = parameters[0]["schema"]["items"].as_object_mut()
        && let Some(words) = items.remove("examples")
    {
        items.remove("minLength");
        items.insert("enum".to_owned(), words);
    }
    if !resource.relations.is_empty() {
        let mut words: Vec<String> = resource
            .relations
            .iter()
            .map(|relation| relation.name.clone())
            .collect();
        let nested = resource.relations.iter().find_map(|relation| {
            let inner = view.resource(relation.target).relations.first()?;
            Some(format!("{}.{}", relation.name, inner.name))
        });
        words.extend(nested);
        let many = resource
            .relations
            .iter()
            .find(|relation| relation.kind.is_many());
        words.extend(many.map(|relation| format!("{}.count", relation.name)));
        let description = "Related records to nest; dots lead to relations of relations. A to-many relation brings up to \
                           1,000 records of each parent; options stand in parentheses: \
                           `items(limit:5;offset:0;sort:-createdAt;fields:name;filter[quantity][gt]:5).product`. \
                           `items.count` counts the records into `_count`.";
        parameters.push(list_parameter("include", words, description));
    }
    parameters
}

/// `deleted`, where deletions are soft.
fn deleted(resource: &Resource) -> Option<Value> {
    resource.deleted().map(|_| {
        query_parameter(
            "deleted",
            json!({ "type": "string", "enum": ["with", "only"] }),
            "Also records that are deleted, or nothing else. Without it they are hidden.",
        )
    })
}

/// `purge`, where deletions are soft.
fn purge(resource: &Resource) -> Option<Value> {
    resource.deleted().map(|_| {
        query_parameter(
            "purge",
            json!({ "type": "boolean", "default": false }),
            "Removes for good, what is deleted already as well.",
        )
    })
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
            &[&CHANGE_CODES, codes, precondition(resource)],
        ),
    )
}

fn sort_words(resource: &Resource) -> Vec<String> {
    let own = resource
        .fields
        .iter()
        .filter(|field| field.kind.is_ordered())
        .map(|field| field.name.clone());
    let related = resource
        .relations
        .iter()
        .filter(|relation| matches!(relation.kind, RelationKind::ToOne { .. }))
        .map(|relation| format!("{}.id", relation.name));
    let many = resource
        .relations
        .iter()
        .find(|relation| relation.kind.is_many());
    let counted = many.map(|relation| format!("{}.count", relation.name));
    own.chain(related).chain(counted).collect()
}
