//! The component schemas of one resource: the record, and what a create, a replace and a patch take.

use super::{field, item, stem};
use crate::offered::Offered;
use crate::parse::{MAX_LIMIT, MAX_OFFSET};
use crate::validate::{operand, operations};
use carnet_model::{ModelView, Operation, RelationKind, Resource, Role};
use carnet_web::openapi;
use serde_json::{Map, Value, json};

/// Schemas that all resources share.
pub(super) fn insert_shared(schemas: &mut Map<String, Value>) {
    let words = |description: &str| json!({ "type": ["array", "string", "null"], "items": { "type": "string" }, "description": description });
    let number = |minimum: u32, maximum: u64| json!({ "type": ["integer", "null"], "minimum": minimum, "maximum": maximum });
    let conditions = |example: Value, description: &str| json!({ "type": ["object", "null"], "description": description, "examples": [example] });
    schemas.insert(
        "Group".to_owned(),
        json!({
            "type": "object",
            "description": "One member for each expression of `groupBy`, `aggregate` or `distinct`, named as it was asked for. Sums of decimals and means of exact numbers are texts, sums and means of floats numbers; sums of integers are numbers up to 2^53 − 1 and texts beyond.",
            "additionalProperties": { "type": ["string", "number", "boolean", "null"] },
        }),
    );
    schemas.insert(
        "Query".to_owned(),
        json!({
            "type": "object",
            "description": "The parameters of a list as JSON; null is as if a member were not there.",
            "additionalProperties": false,
            "properties": {
                "filter": conditions(json!({ "price": { "gte": 10 } }), "Conditions: field, operator, value; `or` and `and` hold lists, `not` an object."),
                "sort": words("Fields to sort by, `-` before one for descending order."),
                "include": {
                    "type": ["array", "object", "string", "null"],
                    "items": path(),
                    "description": "Related records to nest: paths, and objects of paths with their options.",
                    "additionalProperties": openapi::schema("QueryIncluded"),
                },
                "fields": words("Only these fields."),
                "limit": number(1, u64::from(MAX_LIMIT)),
                "offset": number(0, MAX_OFFSET),
                "page": number(1, MAX_OFFSET + 1),
                "cursor": { "type": ["string", "null"] },
                "count": { "type": ["string", "null"], "enum": ["auto", "exact", "estimated", "none", null] },
                "explain": { "type": ["boolean", "null"] },
                "aggregate": words("What is made of each group."),
                "groupBy": words("What the records of a group have in common."),
                "having": conditions(json!({ "count": { "gt": 5 }, "or": [{ "max(price)": { "lt": 9 } }, { "sum(price)": { "isNull": true } }] }), "Conditions on groups: a function or what groups are told by, operator, value; `or` and `and` hold lists, `not` an object."),
                "distinct": words("The different combinations of these."),
            },
        }),
    );
    insert_includes(schemas);
}

/// How a query's body names what comes along: paths, with the options of the last relation.
fn insert_includes(schemas: &mut Map<String, Value>) {
    let words = || json!({ "type": ["array", "string", "null"], "items": { "type": "string" } });
    let number = |minimum: u32, maximum: u64| json!({ "type": ["integer", "null"], "minimum": minimum, "maximum": maximum });
    let options = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "filter": { "type": ["object", "null"], "description": "Conditions on the related records." },
            "sort": words(),
            "fields": words(),
            "limit": number(1, u64::from(MAX_LIMIT)),
            "offset": number(0, MAX_OFFSET),
            "include": {
                "type": ["array", "object", "string", "null"],
                "items": path(),
                "additionalProperties": openapi::schema("QueryIncluded"),
            },
            "as": { "type": ["string", "null"], "pattern": "^[A-Za-z][A-Za-z0-9_]{0,63}$", "description": "The name of a count; `filter` and this are all that a count takes." },
        },
    });
    schemas.insert(
        "QueryIncluded".to_owned(),
        json!({ "anyOf": [{ "type": "boolean", "enum": [true] }, options] }),
    );
}

/// A path of relations, or paths each with its options.
fn path() -> Value {
    json!({ "type": ["string", "object"], "additionalProperties": openapi::schema("QueryIncluded") })
}

/// The name of the body of a query of `resource`: some take more than others.
pub(super) fn query_name(resource: &Resource) -> String {
    if resource.search.is_some() || resource.deleted().is_some() {
        // A dot sets the name apart from those of resources.
        format!("{}.Query", stem(resource))
    } else {
        "Query".to_owned()
    }
}

/// Inserts the body of a query of a resource that is searched or that keeps what is deleted.
fn insert_query(resource: &Resource, schemas: &mut Map<String, Value>) {
    let name = query_name(resource);
    let Some(mut query) = schemas.get("Query").filter(|_| name != "Query").cloned() else {
        return;
    };
    let properties = &mut query["properties"];
    if let Some(search) = &resource.search {
        let text = json!({ "type": ["string", "null"] });
        properties["search"] = if search.fuzzy {
            json!({
                "type": ["string", "object", "null"],
                "properties": { "fuzzy": text },
                "additionalProperties": false,
                "description": "Words to look for; as `{\"fuzzy\":\"…\"}` also words that are like them.",
            })
        } else {
            json!({ "type": ["string", "null"], "description": "Words to look for." })
        };
    }
    if resource.deleted().is_some() {
        properties["deleted"] = json!({ "type": ["string", "null"], "enum": ["with", "only", null], "description": "Also records that are deleted, or nothing else." });
    }
    schemas.insert(name, query);
}

/// Inserts the schemas that the operations of `resource` refer to.
pub(super) fn insert(offered: Offered<'_>, resource: &Resource, schemas: &mut Map<String, Value>) {
    let stem = stem(resource);
    schemas.insert(stem.clone(), record(offered.view, resource));
    let offers = |operation| resource.operations.contains(operation);
    if offers(Operation::List) {
        insert_query(resource, schemas);
    }
    // A batch offers what the resource offers one by one.
    if offers(Operation::Create) || offers(Operation::Update) {
        schemas.insert(format!("{stem}Input"), input(resource));
    }
    if offers(Operation::Patch) {
        schemas.insert(format!("{stem}Patch"), patch(resource));
    }
    if offers(Operation::Batch) {
        schemas.insert(format!("{stem}Batch"), item::batch(offered, resource));
    }
}

fn record(view: &ModelView, resource: &Resource) -> Value {
    let owner = stem(resource);
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in field::shown(resource) {
        required.push(field.name.clone());
        let mut schema = field::described(&owner, field);
        if matches!(field.role, Role::CreatedBy | Role::UpdatedBy) && !field.optional {
            schema = field::nullable(schema);
        }
        properties.insert(field.name.clone(), schema);
    }
    for relation in resource.shown_relations() {
        let target = openapi::schema(&stem(view.resource(relation.target)));
        let schema = match relation.kind {
            RelationKind::ToOne { .. } => {
                json!({ "anyOf": [target, { "type": "null" }], "description": "Only when included." })
            }
            RelationKind::ToMany { .. } | RelationKind::Through { .. } => {
                json!({ "type": "array", "items": target, "description": "Only when included." })
            }
        };
        properties.insert(relation.name.clone(), schema);
    }
    if let Some(counts) = counts(resource) {
        properties.insert("_count".to_owned(), counts);
    }
    // `fields` can leave out everything but the key.
    let key = resource.field(resource.key).name.clone();
    let mut schema = json!({
        "type": "object",
        "title": resource.title,
        "required": [key],
        "properties": properties,
        "additionalProperties": false,
    });
    if let Some(description) = &resource.description {
        schema["description"] = description.clone().into();
    }
    schema
}

/// What `include=relation.count` adds.
fn counts(resource: &Resource) -> Option<Value> {
    let many = resource
        .shown_relations()
        .filter(|relation| relation.kind.is_many());
    let properties: Map<String, Value> = many
        .map(|relation| {
            let count = json!({ "type": "integer", "minimum": 0 });
            (relation.name.clone(), count)
        })
        .collect();
    (!properties.is_empty()).then(|| {
        json!({
            "type": "object",
            "description": "How many related records there are; only those that are asked for by `include=relation.count`, and counts with a name of their own.",
            "properties": properties,
            "additionalProperties": { "type": "integer", "minimum": 0 },
        })
    })
}

pub(super) fn input(resource: &Resource) -> Value {
    let owner = format!("{}Input", stem(resource));
    let mut properties = Map::new();
    if resource.id.client {
        properties.insert(
            "id".to_owned(),
            field::schema(&resource.field(resource.key).kind),
        );
    }
    let mut required = Vec::new();
    for field in field::writable(resource) {
        if field.required() {
            required.push(field.name.clone());
        }
        let mut schema = field::written(&owner, field);
        if let (Some(members), Some(default)) = (schema.as_object_mut(), field.default_json()) {
            members.insert("default".to_owned(), default);
        }
        properties.insert(field.name.clone(), schema);
    }
    json!({ "type": "object", "required": required, "properties": properties, "additionalProperties": false })
}

pub(super) fn patch(resource: &Resource) -> Value {
    let owner = format!("{}Patch", stem(resource));
    let properties: Map<String, Value> = field::writable(resource)
        .map(|field| {
            let schema = match field.kind {
                // A merge patch goes inside, so the rules of the whole do not bind its parts.
                carnet_model::FieldType::Json { .. } if field.optional => json!({}),
                carnet_model::FieldType::Json { .. } => field::anything(),
                carnet_model::FieldType::I18n { .. } => part_of_texts(field),
                _ => field::written(&owner, field),
            };
            let words = operations(&field.kind);
            if words.is_empty() {
                return (field.name.clone(), schema);
            }
            let operand = field::numbers_too(&field.kind, field::schema(&operand(&field.kind)));
            let each = words.iter().map(|word| {
                json!({ "type": "object", "required": [word], "properties": { *word: operand }, "additionalProperties": false })
            });
            let all: Vec<Value> = std::iter::once(schema).chain(each).collect();
            (field.name.clone(), json!({ "anyOf": all }))
        })
        .collect();
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

/// Some texts by language; null removes one.
fn part_of_texts(field: &carnet_model::Field) -> Value {
    let mut schema = field::schema(&field.kind);
    if let Some(members) = schema.as_object_mut() {
        members.remove("minProperties");
        let text = members.remove("additionalProperties").unwrap_or_default();
        members.insert("additionalProperties".to_owned(), field::nullable(text));
    }
    if field.optional {
        schema = field::nullable(schema);
    }
    schema
}
