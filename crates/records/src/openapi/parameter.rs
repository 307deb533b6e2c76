//! The parameters of a resource's operations, with the words they take.

use super::field::shown;
use crate::parse::{FUNCTIONS, MAX_SEARCH, Word};
use carnet_kernel::search::Accents;
use carnet_model::{Concurrency, ModelView, RelationKind, Resource};
use carnet_web::openapi::parameter;
use serde_json::{Value, json};

pub(super) fn if_match(resource: &Resource) -> Value {
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

pub(super) fn query_parameter(name: &str, schema: Value, description: &str) -> Value {
    json!({ "name": name, "in": "query", "required": false, "description": description, "schema": schema })
}

/// A comma-separated list of known words.
pub(super) fn list_parameter(name: &str, words: Vec<String>, description: &str) -> Value {
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

pub(super) fn filter(resource: &Resource) -> Value {
    let fields: Vec<&str> = shown(resource)
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
        .shown_relations()
        .find(|relation| relation.kind.is_many());
    if let Some(relation) = many {
        let name = &relation.name;
        description.push_str(&format!(
            " Of to-many relations: `filter[{name}][some|every|none][field][operator]`, `filter[{name}.count][gte]=1`, \
             and `sum`, `avg`, `min`, `max` as in `filter[{name}.max(field)][gt]`; \
             `filter[{name}.count][where][field][operator]` beside it says of which records."
        ));
    }
    let json = shown(resource).find(|field| field.kind.is_json());
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

pub(super) fn search(resource: &Resource) -> Vec<Value> {
    let fields: Vec<&str> = resource
        .searched_fields()
        .map(|field| resource.field(field).name.as_str())
        .collect();
    let fields = fields.join(", ");
    let Some(search) = resource.search.as_ref().filter(|_| !fields.is_empty()) else {
        return Vec::new();
    };
    let text = || json!({ "type": "string", "minLength": 1, "maxLength": MAX_SEARCH });
    let marks = match search.analysis.accents {
        Accents::Fold => "Case and accents do not matter.",
        Accents::Keep => "Case does not matter, accents do.",
    };
    let forms = search
        .analysis
        .language
        .map_or_else(String::new, |language| {
            format!(
                " Single words are found in every form that they have in the language `{}`.",
                language.as_str()
            )
        });
    let mut parameters = vec![query_parameter(
        "search",
        text(),
        &format!(
            "Words that must all be there, in any of: {fields}; best match first unless `sort` \
             says otherwise. `\"a phrase\"`, `beginning*`, `-without`. {marks}{forms}"
        ),
    )];
    if search.fuzzy {
        parameters.push(query_parameter(
            "search[fuzzy]",
            text(),
            &format!("Words of which each must be like one of: {fields}; the likest first."),
        ));
    }
    parameters
}

/// The parameters that ask for groups.
pub(super) fn grouping(resource: &Resource) -> Vec<Value> {
    let ordered = shown(resource)
        .filter(|field| field.kind.is_ordered())
        .map(|field| field.name.clone());
    let keys: Vec<String> = ordered.take(8).collect();
    let sums = shown(resource)
        .filter(|field| carnet_store::sum_type(&field.kind).is_some())
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
            "description": "Conditions on groups as `having[count][gt]=5`, `having[sum(field)][gte]=10`, also on what groups are told by (`having[field]=value`); `having[or][0]…`, `having[and][0]…` and `having[not]…` nest. Operators: eq, ne, gt, gte, lt, lte, between, in, nin, isNull.",
            "style": "deepObject",
            "explode": true,
            "schema": { "type": "object" },
        }),
    ]
}

pub(super) fn selection(view: &ModelView, resource: &Resource) -> Vec<Value> {
    let fields = shown(resource).map(|field| field.name.clone()).collect();
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
            .shown_relations()
            .map(|relation| relation.name.clone())
            .collect();
        let nested = resource.shown_relations().find_map(|relation| {
            let inner = view.resource(relation.target).shown_relations().next()?;
            Some(format!("{}.{}", relation.name, inner.name))
        });
        words.extend(nested);
        let many = resource
            .shown_relations()
            .find(|relation| relation.kind.is_many());
        words.extend(many.map(|relation| format!("{}.count", relation.name)));
        let description = "Related records to nest; dots lead to relations of relations. A to-many relation brings up to \
                           1,000 records of each parent; options stand in parentheses: \
                           `items(limit:5;offset:0;sort:-createdAt;fields:name;filter[quantity][gt]:5).product`. \
                           `items.count` counts the records into `_count`, `items.count(filter[quantity][gt]:5;as:many)` some of them under a name.";
        parameters.push(list_parameter("include", words, description));
    }
    parameters
}

/// `deleted`, where deletions are soft.
pub(super) fn deleted(resource: &Resource) -> Option<Value> {
    resource.deleted().map(|_| {
        query_parameter(
            "deleted",
            json!({ "type": "string", "enum": ["with", "only"] }),
            "Also records that are deleted, or nothing else. Without it they are hidden.",
        )
    })
}

/// `purge`, where deletions are soft.
pub(super) fn purge(resource: &Resource) -> Option<Value> {
    resource.deleted().map(|_| {
        query_parameter(
            "purge",
            json!({ "type": "boolean", "default": false }),
            "Removes for good, what is deleted already as well.",
        )
    })
}

pub(super) fn sort_words(resource: &Resource) -> Vec<String> {
    let own = shown(resource)
        .filter(|field| field.kind.is_ordered())
        .map(|field| field.name.clone());
    let related = resource
        .shown_relations()
        .filter(|relation| matches!(relation.kind, RelationKind::ToOne { .. }))
        .map(|relation| format!("{}.id", relation.name));
    let many = resource
        .shown_relations()
        .find(|relation| relation.kind.is_many());
    let counted = many.map(|relation| format!("{}.count", relation.name));
    own.chain(related).chain(counted).collect()
}
