//! One value to JSON, by its field's type.

use crate::Record;
use carnet_kernel::{Decimal, Id, PrincipalRef, Value, json, time};
use carnet_model::{Field, FieldIndex, FieldType, IdForm, Resource};

/// Appends `"name":`.
pub fn write_name(name: &str, out: &mut String) {
    json::write_string(name, out);
    out.push(':');
}

/// Appends an object with `fields` of `record`, in that order.
pub fn write_record(resource: &Resource, record: &Record, fields: &[FieldIndex], out: &mut String) {
    write_fields(resource, record, fields, |field| &field.name, out);
}

/// The same by the names that the journal has, whichever version of the API writes.
pub fn write_image(resource: &Resource, record: &Record, fields: &[FieldIndex], out: &mut String) {
    write_fields(resource, record, fields, Field::canonical, out);
}

fn write_fields(
    resource: &Resource,
    record: &Record,
    fields: &[FieldIndex],
    name: impl Fn(&Field) -> &str,
    out: &mut String,
) {
    out.push('{');
    for (position, index) in fields.iter().enumerate() {
        if position > 0 {
            out.push(',');
        }
        let field = resource.field(*index);
        write_name(name(field), out);
        write_value(&field.kind, record.get(*index), out);
    }
    out.push('}');
}

/// Appends a value as the API shows it.
pub fn write_value(kind: &FieldType, value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Boolean(boolean) => write_boolean(*boolean, out),
        Value::Integer(integer) => write_integer(*integer, out),
        Value::Float(float) => json::write_float(*float, out),
        Value::Decimal(decimal) => write_decimal(*decimal, out),
        Value::Text(text) => json::write_string(text, out),
        Value::Id(id) => write_id(kind.id_form().unwrap_or(IdForm::Ulid), *id, out),
        Value::Date(days) => write_date(*days, out),
        Value::Time(micros) => write_time(*micros, out),
        Value::DateTime(micros) => write_date_time(*micros, out),
        Value::Duration(micros) => write_duration(*micros, out),
        Value::Json(text) => out.push_str(text.as_str()),
        Value::Principal(principal) => write_principal(principal, out),
    }
}

fn write_principal(principal: &PrincipalRef, out: &mut String) {
    open_principal(principal.kind.as_str(), out);
    close_principal(principal.id, out);
}

/// Appends an integer in decimal digits.
pub(crate) fn write_integer(integer: i64, out: &mut String) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut rest = integer.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if integer < 0 {
        out.push('-');
    }
    let digits = digits.get(at..).unwrap_or_default();
    out.push_str(std::str::from_utf8(digits).unwrap_or_default());
}

pub(super) fn write_boolean(boolean: bool, out: &mut String) {
    out.push_str(if boolean { "true" } else { "false" });
}

pub(super) fn write_decimal(decimal: Decimal, out: &mut String) {
    quoted(out, |out| decimal.write(out));
}

pub(super) fn write_date(days: i32, out: &mut String) {
    quoted(out, |out| time::write_date(days, out));
}

pub(super) fn write_time(micros: i64, out: &mut String) {
    quoted(out, |out| time::write_time(micros, out));
}

pub(super) fn write_date_time(micros: i64, out: &mut String) {
    quoted(out, |out| time::write_date_time(micros, out));
}

pub(super) fn write_duration(micros: i64, out: &mut String) {
    quoted(out, |out| time::write_duration(micros, out));
}

pub(super) fn write_id(form: IdForm, id: Id, out: &mut String) {
    quoted(out, |out| match form {
        IdForm::Ulid => out.push_str(std::str::from_utf8(&id.encode()).unwrap_or_default()),
        IdForm::Uuid => out.push_str(&id.to_uuid_text()),
    });
}

/// The first half of a principal; its kind needs no escapes.
pub(super) fn open_principal(kind: &str, out: &mut String) {
    out.push_str("{\"kind\":\"");
    out.push_str(kind);
    out.push_str("\",\"id\":");
}

/// The second half of a principal.
pub(super) fn close_principal(id: Option<Id>, out: &mut String) {
    match id {
        Some(id) => write_id(IdForm::Ulid, id, out),
        None => out.push_str("null"),
    }
    out.push('}');
}

fn quoted(out: &mut String, write: impl FnOnce(&mut String)) {
    out.push('"');
    write(out);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_written_whole() {
        for integer in [0, 7, -1, 10, 9_007_199_254_740_991, i64::MAX, i64::MIN] {
            let mut out = String::new();
            write_integer(integer, &mut out);
            assert_eq!(out, integer.to_string());
        }
    }
}
