//! The JSON schema of one field, as its values look in answers and bodies.

use carnet_model::{Field, FieldType, IdForm, Resource, Role};
use serde_json::{Map, Value, json};

/// The fields that a view of a resource has.
pub(super) fn shown(resource: &Resource) -> impl Iterator<Item = &Field> {
    resource.shown_fields().map(|(_, field)| field)
}

/// Those that clients write.
pub(super) fn writable(resource: &Resource) -> impl Iterator<Item = &Field> {
    shown(resource).filter(|field| field.role == Role::Declared)
}

/// The schema of a field with its texts for people; null is allowed where the field allows it.
/// `owner` is the schema it stands in.
pub(super) fn described(owner: &str, field: &Field) -> Value {
    let mut schema = schema(&field.kind);
    if let FieldType::Json { schema: Some(own) } = &field.kind
        && own.source.as_str().contains("\"$ref\"")
        && let Some(members) = schema.as_object_mut()
    {
        // References inside a field's own schema count from its root, not from the document's.
        let id = format!("urn:carnet:{owner}:{}", field.name);
        members.entry("$id").or_insert_with(|| id.into());
    }
    if field.optional {
        schema = nullable(schema);
    } else if matches!(field.kind, FieldType::Json { schema: None }) {
        schema = anything();
    }
    if let Some(members) = schema.as_object_mut() {
        if let Some(title) = &field.title {
            members.insert("title".to_owned(), title.clone().into());
        }
        if let Some(description) = &field.description {
            members.insert("description".to_owned(), description.clone().into());
        }
        if let Some(example) = &field.example {
            members.insert("examples".to_owned(), json!([example]));
        }
    }
    schema
}

/// The same for bodies, where a decimal may stand as a number too.
pub(super) fn written(owner: &str, field: &Field) -> Value {
    numbers_too(&field.kind, described(owner, field))
}

/// Lets a decimal stand as a number.
pub(super) fn numbers_too(kind: &FieldType, mut schema: Value) -> Value {
    if matches!(kind, FieldType::Decimal { .. }) {
        schema["type"] = match schema["type"].take() {
            Value::Array(kinds) => kinds.into_iter().chain(["number".into()]).collect(),
            kind => json!([kind, "number"]),
        };
    }
    schema
}

/// The schema of a type.
pub(super) fn schema(kind: &FieldType) -> Value {
    match kind {
        FieldType::Id(form) | FieldType::Ref { form, .. } => id(*form),
        FieldType::Uuid => id(IdForm::Uuid),
        FieldType::Ulid => id(IdForm::Ulid),
        FieldType::Text { min, max, pattern } => {
            let mut schema = text(*min, *max);
            if let Some(pattern) = pattern {
                schema.insert(
                    "pattern".to_owned(),
                    format!("^(?:{})$", pattern.source).into(),
                );
            }
            Value::Object(schema)
        }
        FieldType::Integer { min, max } => {
            let bound = carnet_kernel::MAX_SAFE_INTEGER;
            json!({ "type": "integer", "minimum": min.unwrap_or(-bound), "maximum": max.unwrap_or(bound) })
        }
        FieldType::Float { min, max } => {
            let mut schema = json!({ "type": "number", "format": "double" });
            if let Some(min) = min {
                schema["minimum"] = json!(min);
            }
            if let Some(max) = max {
                schema["maximum"] = json!(max);
            }
            schema
        }
        FieldType::Decimal {
            precision,
            scale,
            min,
            ..
        } => json!({
            "type": "string",
            "format": "decimal",
            "pattern": decimal_pattern(*precision, *scale, min.is_some_and(|min| min >= 0)),
            "description": format!("A decimal with up to {precision} digits, {scale} of them after the point."),
        }),
        FieldType::Boolean => json!({ "type": "boolean" }),
        FieldType::Date => json!({ "type": "string", "format": "date" }),
        FieldType::DateTime => json!({ "type": "string", "format": "date-time" }),
        FieldType::Time => {
            json!({ "type": "string", "format": "partial-time", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?$" })
        }
        FieldType::Duration => json!({ "type": "string", "format": "duration" }),
        FieldType::Enum { values } => json!({ "type": "string", "enum": values }),
        FieldType::Json {
            schema: Some(schema),
        } => schema.source.to_value(),
        FieldType::Json { schema: None } => json!({}),
        FieldType::Email { max } => {
            json!({ "type": "string", "format": "email", "maxLength": max })
        }
        FieldType::Url { max } => json!({ "type": "string", "format": "uri", "maxLength": max }),
        FieldType::I18n { min, max } => json!({
            "type": "object",
            "description": "Texts by language tag (BCP 47).",
            "minProperties": 1,
            "propertyNames": { "maxLength": 35, "pattern": "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$" },
            "additionalProperties": text(*min, *max),
        }),
        FieldType::List {
            of,
            min,
            max,
            distinct,
        } => {
            let mut list = json!({ "type": "array", "items": schema(of) });
            if let Some(min) = min {
                list["minItems"] = json!(min);
            }
            if let Some(max) = max {
                list["maxItems"] = json!(max);
            }
            if *distinct {
                list["uniqueItems"] = json!(true);
            }
            list
        }
        FieldType::Principal => json!({
            "type": "object",
            "required": ["kind", "id"],
            "properties": {
                "kind": { "type": "string", "enum": carnet_kernel::PrincipalKind::ALL.map(carnet_kernel::PrincipalKind::as_str) },
                "id": { "type": ["string", "null"] },
            },
        }),
    }
}

fn id(form: IdForm) -> Value {
    match form {
        IdForm::Ulid => {
            json!({ "type": "string", "pattern": "^[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}$" })
        }
        IdForm::Uuid => json!({ "type": "string", "format": "uuid" }),
    }
}

fn text(min: Option<u32>, max: Option<u32>) -> Map<String, Value> {
    let mut schema = Map::new();
    schema.insert("type".to_owned(), "string".into());
    if let Some(min) = min {
        schema.insert("minLength".to_owned(), min.into());
    }
    if let Some(max) = max {
        schema.insert("maxLength".to_owned(), max.into());
    }
    schema
}

fn decimal_pattern(precision: u8, scale: u8, positive: bool) -> String {
    let whole = (precision - scale).max(1);
    let sign = if positive { "" } else { "-?" };
    let rest = whole - 1;
    match scale {
        0 => format!("^{sign}(0|[1-9][0-9]{{0,{rest}}})$"),
        _ => format!("^{sign}(0|[1-9][0-9]{{0,{rest}}})(\\.[0-9]{{1,{scale}}})?$"),
    }
}

/// Any JSON value but null.
pub(super) fn anything() -> Value {
    json!({ "type": ["object", "array", "string", "number", "boolean"], "items": {}, "additionalProperties": true })
}

/// A version that a write is based on.
pub(super) fn version() -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": carnet_kernel::MAX_SAFE_INTEGER })
}

/// The same schema with null.
pub(super) fn nullable(mut schema: Value) -> Value {
    let Some(members) = schema.as_object_mut() else {
        return schema;
    };
    if members.is_empty() {
        return schema;
    }
    match members.get_mut("type") {
        Some(kind @ Value::String(_)) => {
            *kind = json!([kind.clone(), "null"]);
            if let Some(Value::Array(values)) = members.get_mut("enum") {
                values.push(Value::Null);
            }
            schema
        }
        _ => json!({ "anyOf": [schema, { "type": "null" }] }),
    }
}
