//! The schemas of items: what a batch of one resource and a transaction of several take, one form
//! for each way to say what is done to which records. Not what the records hold.

use super::nested::{change_name, create_name, replace_name};
use super::{field, stem};
use crate::batch::{Doing, VERBS, Verb};
use crate::offered::Offered;
use crate::parse::{DEFAULT_MAX_AFFECTED, MAX_MAX_AFFECTED, upsert_keys};
use carnet_model::{Concurrency, FieldIndex, Operation, Relation, Resource};
use carnet_web::openapi;
use serde_json::{Map, Value, json};

/// The body of a batch of `resource`.
pub(super) fn batch(offered: Offered<'_>, resource: &Resource) -> Value {
    several(json!({ "oneOf": forms(offered, resource, false) }))
}

/// Inserts the body of writes of any resources, with the items of each.
pub(super) fn insert_transaction(offered: Offered<'_>, schemas: &mut Map<String, Value>) {
    let mut all = Vec::new();
    for resource in offered.view.shown_resources() {
        let forms = forms(offered, resource, true);
        if forms.is_empty() {
            continue;
        }
        // A dot sets the name apart from those of resources.
        let name = format!("{}.Item", stem(resource));
        all.push(openapi::schema(&name));
        schemas.insert(name, json!({ "oneOf": forms }));
    }
    // No two fit one item, which names its resource.
    let body = several(json!({ "anyOf": all }));
    schemas.insert("TransactionBatch".to_owned(), body);
}

/// Which records an item says it is for.
enum Form<'a> {
    New,
    One,
    Where,
    /// The one with the same values in the fields of a unique constraint.
    Key(&'a [FieldIndex]),
    /// One, and another that is linked over the relation of this name.
    Link(&'a str, Value),
}

/// Every item of `resource` that does not go round code; `named` where it has to say of which it is.
fn forms(offered: Offered<'_>, resource: &Resource, named: bool) -> Vec<Value> {
    let view = offered.view;
    let whole = openapi::schema(&format!("{}Input", stem(resource)));
    let part = openapi::schema(&format!("{}Patch", stem(resource)));
    let mut forms = Vec::new();
    for verb in VERBS.iter().filter(|verb| verb.is_offered(view, resource)) {
        // What names one record takes related ones along.
        let data = match verb.doing {
            Doing::Create => openapi::schema(&create_name(resource)),
            Doing::Update => openapi::schema(&replace_name(resource)),
            Doing::Patch => openapi::schema(&change_name(resource)),
            _ => whole.clone(),
        };
        let data = verb.takes_data.then_some(data);
        let mut put = |form: Form<'_>, data: Option<Value>| {
            forms.push(item(resource, verb, form, data, named));
        };
        match verb.doing {
            Doing::Upsert if !offered.upserts(resource) => {}
            Doing::Restore if !offered.restores(resource) => {}
            Doing::Purge if !offered.purges(resource) => {}
            Doing::Upsert => {
                for (_, key) in upsert_keys(resource) {
                    let data = with_key(resource, &key, &whole);
                    put(Form::Key(&key), Some(data));
                }
            }
            Doing::Create => put(Form::New, data),
            Doing::Link | Doing::Unlink => {
                let method = if verb.doing == Doing::Link {
                    "PUT"
                } else {
                    "DELETE"
                };
                let offers =
                    |relation: &&Relation| offered.link_methods(relation).contains(&method);
                for relation in verb.relations(view, resource).filter(offers) {
                    let target = view.resource(relation.target);
                    let id = field::schema(&target.field(target.key).kind);
                    put(Form::Link(&relation.name, id), None);
                }
            }
            _ => {
                put(Form::One, data);
                let by_filter = match verb.doing {
                    Doing::Patch => offered.matches(resource, Operation::Patch),
                    _ => offered.matches(resource, Operation::Delete),
                };
                if verb.takes_where && by_filter {
                    put(Form::Where, verb.takes_data.then(|| part.clone()));
                }
            }
        }
    }
    forms
}

fn item(
    resource: &Resource,
    verb: &Verb,
    form: Form<'_>,
    data: Option<Value>,
    named: bool,
) -> Value {
    let version = or_reference(&field::version());
    let id = || or_reference(&field::schema(&resource.field(resource.key).kind));
    let mut properties = Map::new();
    let mut required = vec!["operation"];
    properties.insert("operation".to_owned(), json!({ "const": verb.word }));
    if named {
        required.push("resourceName");
        properties.insert("resourceName".to_owned(), json!({ "const": resource.name }));
    }
    let mut put = |name: &'static str, schema: Value, needed: bool| {
        properties.insert(name.to_owned(), schema);
        if needed {
            required.push(name);
        }
    };
    let states_version = resource.concurrency == Concurrency::Optimistic;
    match form {
        Form::New => {}
        Form::One => {
            put("id", id(), true);
            put("version", version, states_version);
        }
        Form::Where => {
            put("where", conditions(), true);
            put("maxAffected", max_affected(), false);
            put("version", json!({ "const": "*" }), states_version);
            if verb.doing == Doing::Purge {
                put("deleted", deleted(), false);
            }
        }
        Form::Key(key) => {
            put("key", names(resource, key), true);
            // Only a record that is there has one.
            put("version", version, false);
        }
        Form::Link(relation, target) => {
            put("id", id(), true);
            put("relation", json!({ "const": relation }), true);
            put("target", or_reference(&target), true);
        }
    }
    if let Some(data) = data {
        put("data", data, true);
    }
    json!({ "type": "object", "required": required, "properties": properties, "additionalProperties": false })
}

/// A whole record with a value in each field by which it is found.
fn with_key(resource: &Resource, key: &[FieldIndex], whole: &Value) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for index in key {
        let field = resource.field(*index);
        let own = *index == resource.key;
        if own || !field.required() && field.default_json().is_none() {
            required.push(field.name.clone());
        }
        if own || field.optional {
            let schema = field::numbers_too(&field.kind, field::schema(&field.kind));
            properties.insert(field.name.clone(), schema);
        }
    }
    if required.is_empty() && properties.is_empty() {
        return whole.clone();
    }
    let mut found = json!({ "type": "object" });
    if !required.is_empty() {
        found["required"] = required.into();
    }
    if !properties.is_empty() {
        found["properties"] = properties.into();
    }
    json!({ "allOf": [whole, found] })
}

/// The fields of a unique constraint, in any order.
fn names(resource: &Resource, key: &[FieldIndex]) -> Value {
    let names: Vec<&str> = key
        .iter()
        .map(|field| resource.field(*field).name.as_str())
        .collect();
    json!({
        "type": "array",
        "items": { "type": "string", "enum": names },
        "minItems": names.len(),
        "maxItems": names.len(),
        "uniqueItems": true,
    })
}

fn conditions() -> Value {
    json!({ "type": "object", "minProperties": 1, "description": "Which records: conditions as in the body of a query.", "examples": [{ "price": { "gte": 10 } }] })
}

fn max_affected() -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": MAX_MAX_AFFECTED, "default": DEFAULT_MAX_AFFECTED, "description": "When more records match, the item is refused. All items of a request together may state at most the maximum." })
}

fn deleted() -> Value {
    json!({ "type": "string", "enum": ["with", "only"], "description": "Also records that are deleted, or nothing else. Without it they are not found." })
}

fn several(item: Value) -> Value {
    json!({
        "type": "object",
        "description": "In any text of an item `{{result[0].id}}` stands for a field of what the item at that place left; a text that is nothing else becomes the value with its type.",
        "required": ["items"],
        "properties": {
            "policy": {
                "type": "string",
                "enum": ["atomic", "each"],
                "default": "atomic",
                "description": "`atomic`: all items or none. `each`: an item that is refused leaves the others alone.",
            },
            "items": { "type": "array", "minItems": 1, "maxItems": crate::MAX_ITEMS, "items": item },
        },
        "additionalProperties": false,
    })
}

/// A value of `schema` or a reference to what an earlier item left.
fn or_reference(schema: &Value) -> Value {
    let reference = json!({ "type": "string", "pattern": r"^\{\{\s*result\[[0-9]+\]\..+\}\}$" });
    json!({ "anyOf": [schema, reference] })
}
