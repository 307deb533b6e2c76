//! The schemas of bodies that write related records along.

use super::schema::{input, patch};
use super::{field, stem};
use crate::offered::Offered;
use carnet_model::{Concurrency, Operation, Relation, RelationKind, Resource};
use carnet_web::openapi;
use serde_json::{Map, Value, json};

/// The schema name of the body of a create.
pub(super) fn create_name(resource: &Resource) -> String {
    name(resource, "Create", "Input")
}

/// The schema name of the body of a replace.
pub(super) fn replace_name(resource: &Resource) -> String {
    name(resource, "Replace", "Input")
}

/// The schema name of the body of a patch.
pub(super) fn change_name(resource: &Resource) -> String {
    name(resource, "Change", "Patch")
}

/// A dot sets these names apart from those of resources.
fn name(resource: &Resource, nested: &str, plain: &str) -> String {
    let stem = stem(resource);
    if resource.relations.is_empty() {
        format!("{stem}{plain}")
    } else {
        format!("{stem}.{nested}")
    }
}

/// Inserts the schemas of nested bodies of `resource`, and those under its relations.
pub(super) fn insert(offered: Offered<'_>, resource: &Resource, schemas: &mut Map<String, Value>) {
    let view = offered.view;
    if resource.relations.is_empty() {
        return;
    }
    let offers = |operation| resource.operations.contains(operation);
    let mut put = |name: String, mut schema: Value, new: bool| {
        for relation in resource.shown_relations() {
            if let Some(body) = related(offered, resource, relation, new) {
                schema["properties"][&relation.name] = body;
            }
        }
        set_by_relation(resource, &mut schema);
        schemas.insert(name, schema);
    };
    if offers(Operation::Create) {
        put(create_name(resource), input(resource), true);
    }
    if offers(Operation::Update) {
        put(replace_name(resource), input(resource), false);
    }
    if offers(Operation::Patch) {
        put(change_name(resource), patch(resource), false);
    }
    for relation in resource.shown_relations() {
        let RelationKind::ToMany { by } = relation.kind else {
            continue;
        };
        let target = view.resource(relation.target);
        let by = target.field(by).name.clone();
        let mut put = |ending: &str, mut schema: Value, new: bool| {
            for inner in target.shown_relations() {
                let same = matches!(inner.kind, RelationKind::ToOne { field } if target.field(field).name == by);
                if let Some(body) = related(offered, target, inner, new).filter(|_| !same) {
                    schema["properties"][&inner.name] = body;
                }
            }
            if let Some(properties) = schema["properties"].as_object_mut()
                && new
            {
                properties.remove(&by);
            }
            if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
                required.retain(|name| *name != by);
            }
            set_by_relation(target, &mut schema);
            schemas.insert(
                format!("{}.{}.{ending}", stem(resource), relation.name),
                schema,
            );
        };
        if target.operations.contains(Operation::Create) {
            put("Create", input(target), true);
        }
        if target.operations.contains(Operation::Patch) {
            let mut schema = patch(target);
            schema["properties"]["id"] = field::schema(&target.field(target.key).kind);
            schema["properties"]["version"] = field::version();
            schema["required"] = json!(named_by(target));
            put("Update", schema, false);
        }
    }
}

/// What names a record that is written along.
fn named_by(target: &Resource) -> &'static [&'static str] {
    match target.concurrency {
        Concurrency::Optimistic => &["id", "version"],
        Concurrency::None => &["id"],
    }
}

/// A reference may be given by its relation instead, never by both.
fn set_by_relation(resource: &Resource, schema: &mut Value) {
    let offered = schema["properties"].clone();
    let mut none = Vec::new();
    let required = schema.get_mut("required").and_then(Value::as_array_mut);
    let required = required.unwrap_or(&mut none);
    let mut either = Vec::new();
    for relation in resource.shown_relations() {
        if let RelationKind::ToOne { field } = relation.kind
            && offered.get(&relation.name).is_some()
        {
            let name = &resource.field(field).name;
            if required.iter().any(|given| given == name) {
                required.retain(|given| given != name);
                either.push(
                    json!({ "oneOf": [{ "required": [name] }, { "required": [relation.name] }] }),
                );
            } else if offered.get(name).is_some() {
                either.push(json!({ "not": { "required": [name, relation.name] } }));
            }
        }
    }
    if !either.is_empty() {
        schema["allOf"] = Value::Array(either);
    }
}

/// What stands under a relation's name: for a new record, or for one that is there.
fn related(
    offered: Offered<'_>,
    resource: &Resource,
    relation: &Relation,
    new: bool,
) -> Option<Value> {
    let view = offered.view;
    let target = view.resource(relation.target);
    // One transaction writes a tenant's records or the platform's.
    if target.is_tenant() != resource.is_tenant() || !offered.nests(relation) {
        return None;
    }
    let offers = |operation| target.operations.contains(operation);
    let object = |properties: Value, required: &[&str]| json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false });
    match relation.kind {
        RelationKind::Through { link, .. } => {
            let link = view.resource(link);
            let id = field::schema(&target.field(target.key).kind);
            let list = json!({ "type": "array", "maxItems": crate::nest::MAX_NESTED, "uniqueItems": true, "items": id });
            let mut words = Map::new();
            if link.operations.contains(Operation::Create) {
                words.insert("link".to_owned(), list.clone());
            }
            if link.operations.contains(Operation::Delete) && !new {
                words.insert("unlink".to_owned(), list);
            }
            (!words.is_empty()).then(|| object(Value::Object(words), &[]))
        }
        RelationKind::ToOne { .. } => offers(Operation::Create).then(|| {
            let body = openapi::schema(&create_name(target));
            object(json!({ "create": body }), &["create"])
        }),
        RelationKind::ToMany { .. } => {
            let list = |ending: &str| {
                let name = format!("{}.{}.{ending}", stem(resource), relation.name);
                json!({ "type": "array", "maxItems": crate::nest::MAX_NESTED, "items": openapi::schema(&name) })
            };
            let mut words = Map::new();
            if offers(Operation::Create) {
                words.insert("create".to_owned(), list("Create"));
            }
            if new {
                let create = words.get("create")?.clone();
                let object = object(Value::Object(words), &[]);
                return Some(json!({ "anyOf": [create, object] }));
            }
            if offers(Operation::Patch) {
                words.insert("update".to_owned(), list("Update"));
            }
            if offers(Operation::Delete) {
                let id = field::schema(&target.field(target.key).kind);
                let version = field::version();
                let named = object(json!({ "id": id, "version": version }), named_by(target));
                let item = match target.concurrency {
                    Concurrency::Optimistic => named,
                    Concurrency::None => json!({ "anyOf": [id, named] }),
                };
                words.insert(
                    "delete".to_owned(),
                    json!({ "type": "array", "maxItems": crate::nest::MAX_NESTED, "items": item }),
                );
            }
            (!words.is_empty()).then(|| object(Value::Object(words), &[]))
        }
    }
}
