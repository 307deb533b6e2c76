//! The operation objects of actions.

use super::operation::{answers, operation as object, with_header};
use super::{codes, field, stem};
use crate::offered::Offered;
use carnet_model::{Action, ActionMethod, ActionOn, ActionOutput, Field, Resource};
use carnet_web::openapi::{parameter, schema, success, write_envelope};
use serde_json::{Map, Value, json};

/// One action of `resource`.
pub(super) fn operation(offered: Offered<'_>, resource: &Resource, action: &Action) -> Value {
    let owner = format!("{}.{}", stem(resource), action.name);
    let data = || write_envelope(output(resource, action, &owner));
    let headers: &[&str] = match action.output {
        ActionOutput::Record => &["ETag", "Idempotency-Replayed"],
        _ => &["Idempotency-Replayed"],
    };
    let done = with_header(success("It is done.", data()), headers);
    let failures = codes::of_action(offered, resource, action);
    let mut responses = answers(("200", done), &failures);
    let made = [headers, &["Location"]].concat();
    responses["201"] = with_header(success("It is done and made a record.", data()), &made);
    let later = success("It will be done.", data());
    responses["202"] = with_header(later, &["Idempotency-Replayed"]);
    let mut silent = with_header(success("It is done.", json!({})), &["Idempotency-Replayed"]);
    if let Some(members) = silent.as_object_mut() {
        members.remove("content");
    }
    responses["204"] = silent;
    let mut parameters = vec![parameter("DryRun"), parameter("IdempotencyKey")];
    if action.on == ActionOn::Record {
        parameters.push(parameter("IfMatch"));
    }
    let summary = action.title.clone();
    let mut object = object(resource, &action.name, summary, parameters, responses);
    object["description"] = match &action.description {
        Some(description) => description.clone().into(),
        None => "An operation of this application.".into(),
    };
    if action.method != ActionMethod::Delete {
        object["requestBody"] = json!({
            "required": action.input.iter().any(Field::required),
            "content": { "application/json": { "schema": input(action, &owner) } },
        });
    }
    object
}

fn input(action: &Action, owner: &str) -> Value {
    let owner = format!("{owner}.input");
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in &action.input {
        if field.required() {
            required.push(field.name.clone());
        }
        let mut schema = field::written(&owner, field);
        if let (Some(members), Some(default)) = (schema.as_object_mut(), field.default_json()) {
            members.insert("default".to_owned(), default);
        }
        properties.insert(field.name.clone(), schema);
    }
    object_of(properties, required)
}

fn output(resource: &Resource, action: &Action, owner: &str) -> Value {
    match &action.output {
        ActionOutput::None => json!({ "type": "null" }),
        ActionOutput::Record => schema(&stem(resource)),
        ActionOutput::Records => json!({ "type": "array", "items": schema(&stem(resource)) }),
        ActionOutput::Fields(fields) => {
            let owner = format!("{owner}.output");
            let properties = fields
                .iter()
                .map(|field| (field.name.clone(), field::described(&owner, field)))
                .collect();
            let names = fields.iter().map(|field| field.name.clone());
            object_of(properties, names.collect())
        }
    }
}

fn object_of(properties: Map<String, Value>, required: Vec<String>) -> Value {
    json!({
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": false,
    })
}
