//! The OpenAPI fragment of all resources of a model view: exact paths, parameters and schemas.
//! `server` merges it with what other crates contribute.

mod action;
mod codes;
mod field;
mod item;
mod link;
mod nested;
mod operation;
mod parameter;
mod read;
mod schema;
#[cfg(test)]
mod tests;
mod write;

use crate::logic::Logics;
use crate::offered::{Offered, takes_query};
use crate::routes::prefix;
use carnet_model::{Action, ActionOn, ModelView, Operation, Relation, Resource};
use carnet_web::openapi::{Fragment, Tag};
use serde_json::{Map, Value, json};

/// Paths, schemas and tags of every resource as the code that stands round its operations leaves
/// them, with what that code says that it refuses with.
pub fn fragment(view: &ModelView, logics: &Logics) -> Fragment {
    let offered = Offered { view, logics };
    let mut fragment = Fragment::default();
    let prefix = prefix(view.version());
    schema::insert_shared(&mut fragment.schemas);
    for resource in view.shown_resources() {
        fragment.tags.push(Tag {
            name: resource.name.clone(),
            description: resource.description.clone(),
        });
        schema::insert(offered, resource, &mut fragment.schemas);
        nested::insert(offered, resource, &mut fragment.schemas);
        let mut path = |tail: &str, item: Map<String, Value>| {
            if item.keys().any(|key| key != "parameters") {
                fragment.paths.insert(
                    format!("{prefix}/{}{tail}", resource.name),
                    Value::Object(item),
                );
            }
        };
        path("", collection(offered, resource));
        path("/batch", batch(offered, resource));
        path("/query", query(offered, resource));
        path("/{id}", record(offered, resource));
        path("/{id}/restore", restore(offered, resource));
        for (relation, methods) in offered.links(resource) {
            let tail = format!("/{{id}}/{}/{{target}}", relation.name);
            path(&tail, links(view, resource, relation, &methods));
        }
        for action in &resource.actions {
            let (tail, item) = self::action(offered, resource, action);
            path(&tail, item);
        }
    }
    let mut several = Map::new();
    several.insert("post".to_owned(), write::transaction(offered));
    fragment
        .paths
        .insert(format!("{prefix}/transactions"), Value::Object(several));
    item::insert_transaction(offered, &mut fragment.schemas);
    fragment.tags.push(Tag {
        name: "transactions".to_owned(),
        description: Some("Writes of several resources at once.".to_owned()),
    });
    if view
        .notice()
        .is_some_and(|version| version.deprecated.is_some())
    {
        fragment.paths.values_mut().for_each(mark_deprecated);
    }
    fragment.share_failures();
    fragment
}

/// Marks every operation of an address as one that clients should leave.
fn mark_deprecated(item: &mut Value) {
    let operations = item.as_object_mut().into_iter().flatten();
    for (_, operation) in operations.filter(|(key, _)| *key != "parameters") {
        operation["deprecated"] = true.into();
    }
}

fn collection(offered: Offered<'_>, resource: &Resource) -> Map<String, Value> {
    let mut item = Map::new();
    if resource.operations.contains(Operation::List) {
        item.insert("get".to_owned(), read::list(offered, resource));
    }
    if resource.operations.contains(Operation::Create) {
        item.insert("post".to_owned(), write::create(offered, resource));
    }
    if offered.matches(resource, Operation::Patch) {
        item.insert("patch".to_owned(), write::patch_matching(resource));
    }
    if offered.matches(resource, Operation::Delete) {
        item.insert("delete".to_owned(), write::delete_matching(resource));
    }
    item
}

fn batch(offered: Offered<'_>, resource: &Resource) -> Map<String, Value> {
    let mut item = Map::new();
    if resource.operations.contains(Operation::Batch) {
        item.insert("post".to_owned(), write::batch(offered, resource));
    }
    item
}

fn query(offered: Offered<'_>, resource: &Resource) -> Map<String, Value> {
    let mut item = Map::new();
    if takes_query(resource) {
        item.insert("post".to_owned(), read::query(offered, resource));
    }
    item
}

fn record(offered: Offered<'_>, resource: &Resource) -> Map<String, Value> {
    let mut item = Map::new();
    item.insert("parameters".to_owned(), id_parameter(resource));
    let all: [(Operation, &str, Value); 4] = [
        (Operation::Read, "get", read::read(offered, resource)),
        (Operation::Update, "put", write::update(offered, resource)),
        (Operation::Patch, "patch", write::patch(offered, resource)),
        (
            Operation::Delete,
            "delete",
            write::delete(offered, resource),
        ),
    ];
    for (operation, method, value) in all {
        if resource.operations.contains(operation) {
            item.insert(method.to_owned(), value);
        }
    }
    item
}

fn restore(offered: Offered<'_>, resource: &Resource) -> Map<String, Value> {
    let mut item = Map::new();
    if offered.restores(resource) {
        item.insert("parameters".to_owned(), id_parameter(resource));
        item.insert("post".to_owned(), write::restore(resource));
    }
    item
}

fn links(
    view: &ModelView,
    resource: &Resource,
    relation: &Relation,
    methods: &[&str],
) -> Map<String, Value> {
    let target = view.resource(relation.target);
    let schema = field::schema(&target.field(target.key).kind);
    let mut parameters = id_parameter(resource);
    if let Some(list) = parameters.as_array_mut() {
        list.push(json!({ "name": "target", "in": "path", "required": true, "schema": schema }));
    }
    let mut item = Map::new();
    item.insert("parameters".to_owned(), parameters);
    for method in methods {
        let value = link::operation(view, resource, relation, *method == "PUT");
        item.insert(method.to_ascii_lowercase(), value);
    }
    item
}

/// The address of an action behind its resource, and what stands there.
fn action(
    offered: Offered<'_>,
    resource: &Resource,
    action: &Action,
) -> (String, Map<String, Value>) {
    let mut item = Map::new();
    let tail = match action.on {
        ActionOn::Collection => format!("/{}", action.name),
        ActionOn::Record => {
            item.insert("parameters".to_owned(), id_parameter(resource));
            format!("/{{id}}/{}", action.name)
        }
    };
    let operation = self::action::operation(offered, resource, action);
    item.insert(action.method.as_str().to_owned(), operation);
    (tail, item)
}

fn id_parameter(resource: &Resource) -> Value {
    let schema = field::schema(&resource.field(resource.key).kind);
    json!([{ "name": "id", "in": "path", "required": true, "schema": schema }])
}

/// Endings of schema names that are made from a stem, and the one that sets a name apart.
const ENDINGS: [&str; 4] = ["Input", "Patch", "Batch", "Record"];

/// Schemas of every document, whatever its resources.
const SHARED: [&str; 7] = [
    "Error",
    "ErrorDetail",
    "Group",
    "Pagination",
    "Problem",
    "Query",
    "QueryIncluded",
];

/// `productDataSources` as `ProductDataSources`, the stem of schema names and operation ids. No
/// two resources give the same schema name, and none that of a shared schema.
fn stem(resource: &Resource) -> String {
    let mut characters = resource.name.chars();
    let mut stem: String = characters
        .next()
        .map(|first| first.to_uppercase().chain(characters).collect())
        .unwrap_or_default();
    if SHARED.contains(&stem.as_str()) || ENDINGS.iter().any(|ending| stem.ends_with(ending)) {
        stem.push_str("Record");
    }
    stem
}
