//! Which fields the values of this module can stand for in a typed record. Not the check of a record.

use super::{Currency, Date, Email};
use carnet_model::{Field, FieldType};
use carnet_records::logic::Fits;

impl Fits for Date {
    fn fits(field: &Field) -> Result<(), String> {
        if !matches!(field.kind, FieldType::Date) {
            return Err(format!("it is {}, not a date", field.kind.word()));
        }
        String::fits(field)
    }
}

impl Fits for Email {
    fn fits(field: &Field) -> Result<(), String> {
        if !matches!(field.kind, FieldType::Email { .. }) {
            return Err(format!(
                "it is {}, not an e-mail address",
                field.kind.word()
            ));
        }
        String::fits(field)
    }
}

/// A text or an enum; its values must be codes of currencies, or reading a record fails.
impl Fits for Currency {
    fn fits(field: &Field) -> Result<(), String> {
        if let FieldType::Enum { values } = &field.kind
            && let Some(other) = values.iter().find(|code| Self::find(code).is_none())
        {
            return Err(format!("`{other}` is no currency"));
        }
        if !matches!(field.kind, FieldType::Text { .. } | FieldType::Enum { .. }) {
            return Err(format!("it is {}, not a currency", field.kind.word()));
        }
        String::fits(field)
    }
}
