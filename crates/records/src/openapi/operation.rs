//! What operations of a resource have in common in the document: answers, bodies.

use super::stem;
use carnet_model::Resource;
use carnet_web::openapi::{Failures, parameter, schema};
use serde_json::{Map, Value, json};

/// The answers of an operation: its success, and what it can fail with.
pub(super) fn answers(ok: (&str, Value), failures: &Failures) -> Value {
    let mut map: Map<String, Value> = Map::new();
    map.insert(ok.0.to_owned(), ok.1);
    map.extend(failures.responses());
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
pub(super) fn meaning(verb: &str) -> &'static str {
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

pub(super) fn with_body(mut operation: Value, types: &[&str], body: &str) -> Value {
    let content: Map<String, Value> = types
        .iter()
        .map(|kind| ((*kind).to_owned(), json!({ "schema": schema(body) })))
        .collect();
    operation["requestBody"] = json!({ "required": true, "content": content });
    operation
}

pub(super) fn with_header(mut response: Value, names: &[&str]) -> Value {
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
