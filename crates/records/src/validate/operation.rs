//! Atomic field operations as they stand in a patch: `{"$inc": -1}`. What they make of a stored
//! value is decided later.

use super::body::read_object;
use super::value::read_value;
use carnet_kernel::{Detail, Value, suggest};
use carnet_model::{Field, FieldType};
use serde_json::Value as Json;

/// What a patch does with the value that is stored.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldOperation {
    /// Adds this, which may be negative.
    Increment(Value),
    /// Puts these behind the last member of a list.
    Append(Vec<Json>),
    /// Puts these before the first member of a list.
    Prepend(Vec<Json>),
    /// Takes every member away that equals one of these.
    Remove(Vec<Json>),
}

const NUMBERS: &[&str] = &["$inc"];
const LISTS: &[&str] = &["$append", "$prepend", "$remove"];

/// The operations that fit a field. No type of which an object is a value has any: there
/// `{"$inc": 1}` is data.
pub(crate) fn operations(kind: &FieldType) -> &'static [&'static str] {
    match kind {
        FieldType::Integer { .. }
        | FieldType::Decimal { .. }
        | FieldType::Float { .. }
        | FieldType::Duration => NUMBERS,
        FieldType::List { .. } => LISTS,
        _ => &[],
    }
}

/// The type of what an operation takes: the field's, without the rules of its values.
pub(crate) fn operand(kind: &FieldType) -> FieldType {
    match kind {
        FieldType::Integer { .. } => FieldType::Integer {
            min: None,
            max: None,
        },
        FieldType::Decimal {
            precision, scale, ..
        } => FieldType::Decimal {
            precision: *precision,
            scale: *scale,
            min: None,
            max: None,
        },
        FieldType::Float { .. } => FieldType::Float {
            min: None,
            max: None,
        },
        FieldType::List { of, .. } => FieldType::List {
            of: of.clone(),
            min: None,
            max: None,
            distinct: false,
        },
        other => other.clone(),
    }
}

/// Reads `raw`, a JSON object, as an operation on `field`.
pub(super) fn read_operation(
    field: &Field,
    raw: &str,
    path: &str,
    faults: &mut Vec<Detail>,
) -> Option<FieldOperation> {
    let known = operations(&field.kind);
    let entries = match read_object(raw) {
        Ok(entries) => entries,
        Err(refusal) => {
            faults.push(Detail::new(path, "type", refusal.message));
            return None;
        }
    };
    let [(word, operand_text)] = entries.as_slice() else {
        let message = format!("an operation is an object with one of {}", known.join(", "));
        faults.push(Detail::new(path, "operation", message));
        return None;
    };
    if !known.contains(&word.as_str()) {
        let hint = suggest::hint(word, known.iter().copied());
        let short = crate::parse::shorten(word);
        let message = format!(
            "there is no operation `{short}` on a field of type {}{hint}; it has {}",
            field.kind.word(),
            known.join(", ")
        );
        faults.push(Detail::new(path, "operation", message));
        return None;
    }
    let kind = operand(&field.kind);
    let raw = operand_text.get().trim();
    let value = read_value(&kind, raw, &format!("{path}.{word}"), faults)?;
    Some(match (word.as_str(), value) {
        ("$inc", value) => FieldOperation::Increment(value),
        (word, value) => {
            let members = match value {
                Value::Json(text) => match text.to_value() {
                    Json::Array(members) => members,
                    _ => Vec::new(),
                },
                _ => Vec::new(),
            };
            match word {
                "$append" => FieldOperation::Append(members),
                "$prepend" => FieldOperation::Prepend(members),
                _ => FieldOperation::Remove(members),
            }
        }
    })
}
