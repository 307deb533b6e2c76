//! A filter's text to a value of the field's type. The field's own limits do not bind here: a
//! filter may ask for a text that could not be written.

use crate::validate::read_value;
use carnet_kernel::{Id, Value, json};
use carnet_model::FieldType;

/// The value that `text` means for a field of this type, or what is wrong with it.
pub(super) fn from_text(kind: &FieldType, text: &str) -> Result<Value, String> {
    // The journal names records of all resources, so it is also asked by those named by a UUID.
    if let (FieldType::Ulid, Ok(id)) = (kind, Id::parse_uuid(text)) {
        return Ok(Value::Id(id));
    }
    let kind = without_limits(kind);
    let raw = match kind {
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
    let mut faults = Vec::new();
    match read_value(&kind, &raw, "", &mut faults) {
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
