//! The canonical definition: one JSON document from which `compile_stored` makes an equal model.
//! It does not depend on how files were split or keys ordered; only the order of fields is kept,
//! because the API shows it.

use super::build::{Draft, derived_column};
use super::names;
use crate::{
    Action, ActionMethod, ActionOn, ActionOutput, Concurrency, Deletion, Field, FieldType, IdForm,
    Journal, OnDelete, OperationSet, Overlay, Resource, Role, Storage, Tenancy, Version,
};
use carnet_kernel::search::Accents;
use carnet_kernel::{ApiVersion, Decimal, JsonText, time};
use serde_json::{Map, Value, json};

/// The document of all drafts.
pub(super) fn write(drafts: &[Draft<'_>], versions: &[Version]) -> JsonText {
    let resources: Map<String, Value> = drafts
        .iter()
        .map(|draft| (draft.resource.name.clone(), resource(draft, drafts)))
        .collect();
    let mut document = json!({ "carnet": 1, "resources": resources });
    if *versions != [Version::new(ApiVersion::FIRST)] {
        document["versions"] = versions
            .iter()
            .map(|one| (one.number.to_string(), version(one)))
            .collect::<Map<_, _>>()
            .into();
    }
    JsonText::from_value(&document)
}

fn version(version: &Version) -> Value {
    let day = |day: i32| {
        let mut text = String::new();
        time::write_date(day, &mut text);
        json!(text)
    };
    let mut out = Map::new();
    let parts = [
        ("deprecated", version.deprecated.map(day)),
        ("sunset", version.sunset.map(day)),
        ("link", version.link.as_ref().map(|link| json!(link))),
    ];
    for (key, value) in parts {
        if let Some(value) = value {
            out.insert(key.to_owned(), value);
        }
    }
    Value::Object(out)
}

/// What a version says of a resource; nothing where that is nothing.
fn overlay(resource: &Resource, overlay: &Overlay) -> Value {
    if overlay.hidden {
        return json!({ "hide": true });
    }
    let (mut rename, mut hide, mut default) = (Map::new(), Vec::new(), Map::new());
    for one in &overlay.fields {
        let field = resource.field(one.field);
        if let Some(name) = &one.name {
            rename.insert(field.declared.clone(), json!(name));
        }
        if one.hidden {
            hide.push(field.declared.as_str());
        }
        if let Some(value) = &one.default {
            default.insert(field.declared.clone(), field.kind.to_json(value));
        }
    }
    for one in &overlay.relations {
        let name = &resource.relation(one.relation).name;
        if let Some(new) = &one.name {
            rename.insert(name.clone(), json!(new));
        }
        if one.hidden {
            hide.push(name);
        }
    }
    let mut out = Map::new();
    if !rename.is_empty() {
        out.insert("rename".to_owned(), Value::Object(rename));
    }
    if !hide.is_empty() {
        out.insert("hide".to_owned(), json!(hide));
    }
    if !default.is_empty() {
        out.insert("default".to_owned(), Value::Object(default));
    }
    Value::Object(out)
}

fn resource(draft: &Draft<'_>, drafts: &[Draft<'_>]) -> Value {
    let resource = &draft.resource;
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
    put("service", json!(resource.service));
    put("title", json!(resource.title));
    if let Some(description) = &resource.description {
        put("description", json!(description));
    }
    if let Tenancy::Platform { shared } = resource.tenancy {
        put("tenancy", json!("platform"));
        if shared {
            put("shared", json!(true));
        }
    }
    if resource.has_table() && resource.table != names::fit(names::snake_case(&resource.name)) {
        put("table", json!(resource.table));
    }
    let every = match resource.storage {
        Storage::Table => OperationSet::all(),
        Storage::None => {
            put("storage", json!("none"));
            OperationSet::one_by_one()
        }
        Storage::Platform => {
            put("storage", json!("platform"));
            put("table", json!(resource.table));
            put("key", json!(resource.field(resource.key).declared));
            resource.operations
        }
    };
    if resource.operations != every {
        let words: Vec<&str> = resource.operations.iter().map(|one| one.as_str()).collect();
        put("operations", json!(words));
    }
    if resource.id.form == IdForm::Uuid || resource.id.client {
        put(
            "id",
            json!({ "type": resource.id.form.as_str(), "client": resource.id.client }),
        );
    }
    if let Some(was) = &resource.was {
        put("was", json!(was));
    }
    if resource.concurrency == Concurrency::Optimistic {
        put("concurrency", json!("optimistic"));
    }
    if resource.deletion == Deletion::Soft {
        put("delete", json!(resource.deletion.as_str()));
    }
    if resource.journal != Journal::Full {
        put("journal", json!(resource.journal.as_str()));
    }
    let declared = || {
        resource
            .fields
            .iter()
            .filter(|field| matches!(field.role, Role::Declared | Role::Platform))
    };
    let fields: Map<String, Value> = declared()
        .map(|one| (one.declared.clone(), field(one, drafts)))
        .collect();
    put("fields", Value::Object(fields));
    let order: Vec<&str> = declared().map(|one| one.declared.as_str()).collect();
    put("order", json!(order));
    lists(draft, drafts, &mut put);
    Value::Object(out)
}

fn lists(
    draft: &Draft<'_>,
    drafts: &[Draft<'_>],
    put: &mut impl FnMut(&str, Value) -> Option<Value>,
) {
    let resource = &draft.resource;
    let many: Map<String, Value> = resource
        .relations
        .iter()
        .filter_map(|relation| match relation.kind {
            crate::RelationKind::ToMany { by } => {
                let target = &drafts[usize::from(relation.target.0)].resource;
                Some((
                    relation.name.clone(),
                    json!({ "of": target.name, "by": target.field(by).declared }),
                ))
            }
            crate::RelationKind::Through { link, by, to } => {
                let target = &drafts[usize::from(relation.target.0)].resource;
                let link = &drafts[usize::from(link.0)].resource;
                Some((
                    relation.name.clone(),
                    json!({
                        "of": target.name,
                        "through": link.name,
                        "by": link.field(by).declared,
                        "to": link.field(to).declared,
                    }),
                ))
            }
            crate::RelationKind::ToOne { .. } => None,
        })
        .collect();
    if !many.is_empty() {
        put("many", Value::Object(many));
    }
    let name = |resource: &Resource, field| resource.field(field).declared.clone();
    let uniques: Vec<Vec<String>> = resource
        .uniques
        .iter()
        .map(|unique| {
            unique
                .fields
                .iter()
                .map(|field| name(resource, *field))
                .collect()
        })
        .collect();
    if !uniques.is_empty() {
        put("unique", json!(uniques));
    }
    let indexes: Vec<Vec<String>> = resource
        .indexes
        .iter()
        .filter(|index| !draft.automatic.contains(&index.name))
        .map(|index| {
            let column = |column: &crate::IndexColumn| {
                let sign = if column.descending { "-" } else { "" };
                format!("{sign}{}", name(resource, column.field))
            };
            index.columns.iter().map(column).collect()
        })
        .collect();
    if !indexes.is_empty() {
        put("indexes", json!(indexes));
    }
    if let Some(search) = &resource.search {
        let fields: Vec<String> = search
            .fields
            .iter()
            .map(|one| name(resource, *one))
            .collect();
        put("search", self::search(search, &fields));
    }
    if !resource.actions.is_empty() {
        let all: Map<String, Value> = resource
            .actions
            .iter()
            .map(|one| (one.name.clone(), action(one, drafts)))
            .collect();
        put("actions", Value::Object(all));
    }
    if let Some(lock) = resource.lock {
        put("lock", json!(name(resource, lock)));
    }
    if !resource.overlays.is_empty() {
        let all: Map<String, Value> = resource
            .overlays
            .iter()
            .map(|one| (one.version.to_string(), overlay(resource, one)))
            .collect();
        put("versions", Value::Object(all));
    }
}

fn action(action: &Action, drafts: &[Draft<'_>]) -> Value {
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
    put("title", json!(action.title));
    if let Some(description) = &action.description {
        put("description", json!(description));
    }
    if action.on != ActionOn::default() {
        put("on", json!(action.on.as_str()));
    }
    if action.method != ActionMethod::default() {
        put("method", json!(action.method.as_str()));
    }
    let fields = |all: &[Field]| -> (Value, Value) {
        let order: Vec<&str> = all.iter().map(|one| one.declared.as_str()).collect();
        let fields: Map<String, Value> = all
            .iter()
            .map(|one| (one.declared.clone(), field(one, drafts)))
            .collect();
        (Value::Object(fields), json!(order))
    };
    if !action.input.is_empty() {
        let (input, order) = fields(&action.input);
        put("input", input);
        put("order", order);
    }
    match &action.output {
        ActionOutput::None => {}
        ActionOutput::Fields(all) => {
            let (output, order) = fields(all);
            put("output", output);
            put("outputOrder", order);
        }
        word => {
            put("output", json!(word.as_str()));
        }
    }
    Value::Object(out)
}

/// The fields alone, where nothing else was chosen.
fn search(search: &crate::Search, fields: &[String]) -> Value {
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
    if search.fuzzy {
        put("fuzzy", json!(true));
    }
    if let Some(language) = search.analysis.language {
        put("language", json!(language.as_str()));
    }
    if search.analysis.accents != Accents::Fold {
        put("accents", json!(search.analysis.accents.as_str()));
    }
    let weights: Map<String, Value> = fields
        .iter()
        .zip(&search.weights)
        .filter(|(_, weight)| **weight != 1)
        .map(|(field, weight)| (field.clone(), json!(weight)))
        .collect();
    if !weights.is_empty() {
        put("weights", Value::Object(weights));
    }
    if out.is_empty() {
        return json!(fields);
    }
    out.insert("fields".to_owned(), json!(fields));
    Value::Object(out)
}

fn field(field: &Field, drafts: &[Draft<'_>]) -> Value {
    let mut out = kind(&field.kind, drafts);
    let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
    let texts = [
        ("title", &field.title),
        ("description", &field.description),
        ("was", &field.was),
    ];
    for (key, text) in texts {
        if let Some(text) = text {
            put(key, json!(text));
        }
    }
    if field.companion.is_some() && matches!(field.kind, FieldType::Text { .. }) {
        put("caseless", json!(true));
    }
    if field.optional {
        put("optional", json!(true));
    }
    if let Some(default) = field.default_json() {
        put("default", default);
    }
    if let Some(example) = &field.example {
        put("example", example.clone());
    }
    let is_ref = matches!(field.kind, FieldType::Ref { .. });
    if field.column != names::fit(derived_column(&field.declared, is_ref, false)) {
        put("column", json!(field.column));
    }
    Value::Object(out)
}

fn kind(kind: &FieldType, drafts: &[Draft<'_>]) -> Map<String, Value> {
    let mut out = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            out.insert(key.to_owned(), value);
        }
    };
    put("type", Some(json!(kind.word())));
    match kind {
        FieldType::Text { min, max, pattern } => {
            put("min", min.map(Value::from));
            put("max", max.map(Value::from));
            put("pattern", pattern.as_ref().map(|one| json!(one.source)));
        }
        FieldType::I18n { min, max } => {
            put("min", min.map(Value::from));
            put("max", max.map(Value::from));
        }
        FieldType::Integer { min, max } => {
            put("min", min.map(Value::from));
            put("max", max.map(Value::from));
        }
        FieldType::Decimal {
            precision,
            scale,
            min,
            max,
        } => {
            let text = |unscaled: i64| {
                let scale = *scale;
                json!(Decimal { unscaled, scale }.to_string())
            };
            put("precision", Some(json!(precision)));
            put("scale", Some(json!(scale)));
            put("min", min.map(text));
            put("max", max.map(text));
        }
        FieldType::Float { min, max } => {
            put("min", min.map(Value::from));
            put("max", max.map(Value::from));
        }
        FieldType::Enum { values } => put("values", Some(json!(values))),
        FieldType::Json { schema } => {
            put("schema", schema.as_ref().map(|one| one.source.to_value()));
        }
        FieldType::Ref { to, on_delete, .. } => {
            put("to", Some(json!(drafts[usize::from(to.0)].resource.name)));
            let chosen = *on_delete != OnDelete::Restrict;
            put("onDelete", chosen.then(|| json!(on_delete.as_str())));
        }
        FieldType::Email { max } | FieldType::Url { max } => put("max", Some(json!(max))),
        FieldType::List {
            of,
            min,
            max,
            distinct,
        } => {
            put("of", Some(Value::Object(self::kind(of, drafts))));
            put("min", min.map(Value::from));
            put("max", max.map(Value::from));
            put("distinct", distinct.then_some(json!(true)));
        }
        FieldType::Id(_)
        | FieldType::Boolean
        | FieldType::Date
        | FieldType::DateTime
        | FieldType::Time
        | FieldType::Duration
        | FieldType::Uuid
        | FieldType::Ulid
        | FieldType::Principal => {}
    }
    out
}
