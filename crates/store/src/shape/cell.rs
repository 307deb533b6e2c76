//! One value to JSON, by its field's type.

use crate::Record;
use carnet_kernel::{Id, PrincipalRef, Value, json, time};
use carnet_model::{FieldIndex, FieldType, IdForm, Resource};

/// Appends `"name":`.
pub fn write_name(name: &str, out: &mut String) {
    json::write_string(name, out);
    out.push(':');
}

/// Appends an object with `fields` of `record`, in that order.
pub fn write_record(resource: &Resource, record: &Record, fields: &[FieldIndex], out: &mut String) {
    out.push('{');
    for (position, index) in fields.iter().enumerate() {
        if position > 0 {
            out.push(',');
        }
        let field = resource.field(*index);
        write_name(&field.name, out);
        write_value(&field.kind, record.get(*index), out);
    }
    out.push('}');
}

/// Appends a value as the API shows it.
pub fn write_value(kind: &FieldType, value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Boolean(true) => out.push_str("true"),
        Value::Boolean(false) => out.push_str("false"),
        Value::Integer(integer) => out.push_str(&integer.to_string()),
        Value::Float(float) => json::write_float(*float, out),
        Value::Decimal(decimal) => quoted(out, |out| decimal.write(out)),
        Value::Text(text) => json::write_string(text, out),
        Value::Id(id) => write_id(kind.id_form().unwrap_or(IdForm::Ulid), *id, out),
        Value::Date(days) => quoted(out, |out| time::write_date(*days, out)),
        Value::Time(micros) => quoted(out, |out| time::write_time(*micros, out)),
        Value::DateTime(micros) => quoted(out, |out| time::write_date_time(*micros, out)),
        Value::Duration(micros) => quoted(out, |out| time::write_duration(*micros, out)),
        Value::Json(text) => out.push_str(text.as_str()),
        Value::Principal(principal) => write_principal(principal, out),
    }
}

fn quoted(out: &mut String, write: impl FnOnce(&mut String)) {
    out.push('"');
    write(out);
    out.push('"');
}

fn write_id(form: IdForm, id: Id, out: &mut String) {
    quoted(out, |out| match form {
        IdForm::Ulid => out.extend(id.encode().map(char::from)),
        IdForm::Uuid => out.push_str(&id.to_uuid_text()),
    });
}

fn write_principal(principal: &PrincipalRef, out: &mut String) {
    out.push_str("{\"kind\":\"");
    out.push_str(principal.kind.as_str());
    out.push_str("\",\"id\":");
    match principal.id {
        Some(id) => write_id(IdForm::Ulid, id, out),
        None => out.push_str("null"),
    }
    out.push('}');
}
