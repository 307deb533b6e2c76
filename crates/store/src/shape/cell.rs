//! One value to JSON, by its field's type.

use crate::Record;
use carnet_kernel::{Append, Decimal, Id, PrincipalRef, Value, json, time};
use carnet_model::{Field, FieldIndex, FieldType, IdForm, Resource};

/// Appends `"name":`.
pub fn write_name(name: &str, out: &mut impl Append) {
    json::write_string(name, out);
    out.push_ascii(b":");
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
        Value::Integer(integer) => json::write_integer(*integer, out),
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

fn write_principal(principal: &PrincipalRef, out: &mut impl Append) {
    open_principal(principal.kind.as_str(), out);
    close_principal(principal.id, out);
}

pub(super) fn write_boolean(boolean: bool, out: &mut impl Append) {
    out.push_ascii(if boolean { b"true" } else { b"false" });
}

pub(super) fn write_decimal(decimal: Decimal, out: &mut impl Append) {
    quoted(out, |out| decimal.write(out));
}

pub(super) fn write_date(days: i32, out: &mut impl Append) {
    quoted(out, |out| time::write_date(days, out));
}

pub(super) fn write_time(micros: i64, out: &mut impl Append) {
    quoted(out, |out| time::write_time(micros, out));
}

pub(super) fn write_date_time(micros: i64, out: &mut impl Append) {
    match time::date_time(micros) {
        Some(text) => {
            let mut quoted = [b'"'; 29];
            quoted[1..28].copy_from_slice(&text);
            out.push_ascii(&quoted);
        }
        None => quoted(out, |out| time::write_date_time(micros, out)),
    }
}

pub(super) fn write_duration(micros: i64, out: &mut impl Append) {
    quoted(out, |out| time::write_duration(micros, out));
}

pub(super) fn write_id(form: IdForm, id: Id, out: &mut impl Append) {
    match form {
        IdForm::Ulid => {
            let mut quoted = [b'"'; 28];
            quoted[1..27].copy_from_slice(&id.encode());
            out.push_ascii(&quoted);
        }
        IdForm::Uuid => {
            let mut quoted = [b'"'; 38];
            quoted[1..37].copy_from_slice(&id.encode_uuid());
            out.push_ascii(&quoted);
        }
    }
}

/// The first half of a principal; its kind needs no escapes.
pub(super) fn open_principal(kind: &str, out: &mut impl Append) {
    out.push_ascii(b"{\"kind\":\"");
    out.push_text(kind);
    out.push_ascii(b"\",\"id\":");
}

/// The second half of a principal.
pub(super) fn close_principal(id: Option<Id>, out: &mut impl Append) {
    match id {
        Some(id) => write_id(IdForm::Ulid, id, out),
        None => out.push_ascii(b"null"),
    }
    out.push_ascii(b"}");
}

fn quoted<A: Append>(out: &mut A, write: impl FnOnce(&mut A)) {
    out.push_ascii(b"\"");
    write(out);
    out.push_ascii(b"\"");
}
