//! A JSON object to what a write was given: which fields, with which values. Not whether the
//! record as a whole is complete: that depends on the operation and is decided in `decide`.

use super::operation::{FieldOperation, operations, read_operation};
use super::shape::Shape;
use super::value::{describe, read_value};
use crate::parse::shorten;
use carnet_kernel::{Code, Detail, JsonText, Refusal, Value};
use carnet_model::{FieldIndex, FieldType, Resource};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::HashSet;
use std::fmt;

/// What a body says, field by field; absent fields are absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Input {
    /// Fields that clients write.
    pub fields: Vec<(FieldIndex, Written)>,
    /// Fields that clients only read, with the value they sent; it must equal what is stored.
    pub read_only: Vec<(FieldIndex, Value)>,
}

/// What a body says of one field.
#[derive(Clone, Debug, PartialEq)]
pub enum Written {
    /// This is its value.
    Value(Value),
    /// Merge this into its value (RFC 7396); only in a patch of a json or i18n field.
    Merge(JsonText),
    /// Do this to its value; only in a patch of a number, a duration or a list.
    Operation(FieldOperation),
}

/// How a body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A whole record.
    Whole,
    /// A merge patch.
    Patch,
}

/// More faults than this are not told, so that a hostile body cannot make an endless answer.
pub(crate) const MAX_FAULTS: usize = 500;

/// More keys than this has no object that is written here.
const MAX_KEYS: usize = 4_096;

/// Reads `body` as fields of `resource`. All faults are found at once, each with its path.
///
/// Errors: `MALFORMED_REQUEST` when it is no JSON object; `UNKNOWN_FIELD` when that is all that is
/// wrong; else `VALIDATION_FAILED`.
pub fn read_body(resource: &Resource, body: &str, mode: Mode) -> Result<Input, Refusal> {
    let entries = read_object(body)?;
    let mut faults = Vec::new();
    let input = read_entries(resource, &entries, mode, "", &mut faults);
    refuse(faults).map_or(Ok(input), Err)
}

/// Reads the entries of one object; the paths of faults begin with `prefix`.
pub(crate) fn read_entries<'m>(
    shape: impl Into<Shape<'m>>,
    entries: &[(String, Box<RawValue>)],
    mode: Mode,
    prefix: &str,
    faults: &mut Vec<Detail>,
) -> Input {
    let shape = shape.into();
    let mut input = Input::default();
    for (name, raw) in entries {
        if faults.len() >= MAX_FAULTS {
            break;
        }
        let path = format!("{prefix}{}", shorten(name));
        let Some((index, field)) = shape.find(name) else {
            faults.push(shape.unknown(name, path));
            continue;
        };
        let raw = raw.get().trim();
        let writable = shape.takes(field);
        let value = if raw == "null" {
            Some(Written::Value(Value::Null))
        } else if mode == Mode::Patch && writable && merges(&field.kind) && raw.starts_with('{') {
            match JsonText::parse(raw) {
                Ok(patch) => Some(Written::Merge(patch)),
                Err(error) => {
                    faults.push(Detail::new(path.clone(), "json", error.to_string()));
                    None
                }
            }
        } else if mode == Mode::Patch
            && writable
            && raw.starts_with('{')
            && !operations(&field.kind).is_empty()
        {
            read_operation(field, raw, &path, faults).map(Written::Operation)
        } else {
            read_value(&field.kind, raw, &path, faults).map(Written::Value)
        };
        match value {
            Some(Written::Value(Value::Null)) if writable && !field.optional => {
                faults.push(Detail::new(path, "required", "it must not be null"));
            }
            Some(value) if writable => input.fields.push((index, value)),
            Some(Written::Value(value)) => input.read_only.push((index, value)),
            Some(Written::Merge(_) | Written::Operation(_)) | None => {}
        }
    }
    input
}

/// Whether a merge patch goes inside values of this type.
fn merges(kind: &FieldType) -> bool {
    matches!(kind, FieldType::Json { .. } | FieldType::I18n { .. })
}

/// The refusal for these faults, if there are any.
pub(crate) fn refuse(mut faults: Vec<Detail>) -> Option<Refusal> {
    let first = faults.first()?;
    let only = |rule: &str| faults.iter().all(|fault| fault.rule == rule);
    let (code, message) = match faults.len() {
        1 if only("unknown") => (Code::UnknownField, first.message.clone()),
        _ if only("unknown") => (
            Code::UnknownField,
            "several fields are not known".to_owned(),
        ),
        1 if only("readOnly") => (
            Code::ReadOnlyField,
            format!("`{}` cannot be written", first.field),
        ),
        _ if only("readOnly") => (
            Code::ReadOnlyField,
            "several fields cannot be written".to_owned(),
        ),
        count if count < MAX_FAULTS => return Some(Refusal::validation(faults)),
        _ => (
            Code::ValidationFailed,
            format!("{MAX_FAULTS} rules or more are broken"),
        ),
    };
    faults.truncate(MAX_FAULTS);
    Some(Refusal {
        details: faults,
        ..Refusal::new(code, message)
    })
}

/// Reads one JSON object into its entries, in order; a key that stands twice is an error.
pub fn read_object(body: &str) -> Result<Vec<(String, Box<RawValue>)>, Refusal> {
    if body.trim().is_empty() {
        let message = "the body is empty; a JSON object is expected";
        return Err(Refusal::new(Code::MalformedRequest, message)
            .with(Detail::new("body", "empty", message)));
    }
    serde_json::from_str::<Entries>(body)
        .map(|entries| entries.0)
        .map_err(|error| {
            use serde_json::error::Category;
            let start = body.trim_start();
            let message = match error.classify() {
                Category::Data if !start.starts_with('{') => {
                    format!("the body must be a JSON object, not {}", describe(start))
                }
                Category::Data => format!("the body cannot be used: {error}"),
                Category::Eof => format!("the body ends in the middle of a JSON value: {error}"),
                _ => format!("the body is not JSON: {error}"),
            };
            Refusal::new(Code::MalformedRequest, message.clone())
                .with(Detail::new("body", "json", message))
        })
}

struct Entries(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
        let mut entries = Vec::new();
        let mut names = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if names.len() == MAX_KEYS {
                let message = format!("an object has at most {MAX_KEYS} keys here");
                return Err(A::Error::custom(message));
            }
            if !names.insert(name.clone()) {
                let message = format!("the key `{}` stands twice", shorten(&name));
                return Err(A::Error::custom(message));
            }
            entries.push((name, map.next_value::<Box<RawValue>>()?));
        }
        Ok(Entries(entries))
    }
}
