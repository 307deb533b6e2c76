//! A filter's text to a value of the field's type. The field's own limits do not bind here: a
//! filter may ask for a text that could not be written.

use super::tree::Words;
use crate::validate::read_value;
use carnet_kernel::{Id, JsonText, Timestamp, Value, json, relative, time};
use carnet_model::FieldType;

/// The value that `words` mean for a field of this type, or what is wrong with them.
pub(super) fn from_words(
    kind: &FieldType,
    words: &Words<'_>,
    now: Timestamp,
) -> Result<Value, String> {
    match words {
        Words::Text(text) => from_text(kind, text, now),
        Words::Json(raw) if raw == "null" => Ok(Value::Null),
        Words::Json(raw) => {
            let text = serde_json::from_str::<String>(raw).ok();
            match (text, kind) {
                (Some(text), FieldType::Date | FieldType::DateTime | FieldType::Ulid) => {
                    from_text(kind, &text, now)
                }
                _ => from_raw(kind, raw),
            }
        }
    }
}

/// The JSON value that `words` mean: in an address a number, `true`, `false`, a text in double
/// quotes, or any other text as it is.
pub(super) fn json_from_words(words: &Words<'_>) -> Result<Value, String> {
    let text = match words {
        Words::Json(raw) if raw == "null" => return Ok(Value::Null),
        Words::Json(raw) => return Ok(Value::Json(parse(raw)?)),
        Words::Text(text) => text,
    };
    let quoted = text.len() >= 2 && text.starts_with('"') && text.ends_with('"');
    let literal = matches!(&**text, "true" | "false") || is_json_number(text);
    if quoted || literal {
        return Ok(Value::Json(parse(text)?));
    }
    let text = serde_json::Value::String(text.clone().into_owned());
    Ok(Value::Json(JsonText::from_value(&text)))
}

fn parse(raw: &str) -> Result<JsonText, String> {
    JsonText::parse(raw).map_err(|error| error.to_string())
}

/// What a relative date begins with.
const NOW: &str = "now";

/// Whether a query with these pairs means the same at any time: none has a relative date, nor an
/// escape that could hide one.
pub(crate) fn timeless(pairs: &[(String, String)]) -> bool {
    let timeless = |text: &String| !text.contains(NOW) && !text.contains('\\');
    pairs
        .iter()
        .all(|(key, value)| timeless(key) && timeless(value))
}

/// The value that `text` means for a field of this type, or what is wrong with it.
fn from_text(kind: &FieldType, text: &str, now: Timestamp) -> Result<Value, String> {
    if text.starts_with(NOW) && matches!(kind, FieldType::Date | FieldType::DateTime) {
        let moment = relative::moment(text, now).map_err(|error| error.to_string())?;
        return Ok(match kind {
            FieldType::Date => Value::Date(moment.0.div_euclid(time::DAY_MICROS) as i32),
            _ => Value::DateTime(moment.0),
        });
    }
    // The journal names records of all resources, so it is also asked by those named by a UUID.
    if let (FieldType::Ulid, Ok(id)) = (kind, Id::parse_uuid(text)) {
        return Ok(Value::Id(id));
    }
    let raw = match without_limits(kind) {
        FieldType::Integer { .. } | FieldType::Float { .. } if is_json_number(text) => {
            text.to_owned()
        }
        FieldType::Boolean if matches!(text, "true" | "false") => text.to_owned(),
        _ => {
            let mut raw = String::with_capacity(text.len() + 2);
            json::write_string(text, &mut raw);
            raw
        }
    };
    from_raw(kind, &raw)
}

fn from_raw(kind: &FieldType, raw: &str) -> Result<Value, String> {
    let mut faults = Vec::new();
    match read_value(&without_limits(kind), raw, "", &mut faults) {
        Some(value) => Ok(value),
        None => Err(faults
            .into_iter()
            .next()
            .map(|fault| fault.message)
            .unwrap_or_default()),
    }
}

fn is_json_number(text: &str) -> bool {
    matches!(
        serde_json::from_str::<serde_json::Value>(text),
        Ok(serde_json::Value::Number(_))
    ) && text.trim() == text
        || carnet_kernel::Decimal::parse(text, 18, 18) != Err(carnet_kernel::DecimalError::Syntax)
}

fn without_limits(kind: &FieldType) -> FieldType {
    match kind {
        FieldType::Text { .. } | FieldType::Email { .. } | FieldType::Url { .. } => {
            FieldType::Text {
                min: None,
                max: None,
                pattern: None,
            }
        }
        FieldType::Integer { .. } => FieldType::Integer {
            min: None,
            max: None,
        },
        FieldType::Float { .. } => FieldType::Float {
            min: None,
            max: None,
        },
        FieldType::Decimal { scale, .. } => FieldType::Decimal {
            precision: carnet_kernel::MAX_PRECISION,
            scale: *scale,
            min: None,
            max: None,
        },
        other => other.clone(),
    }
}
