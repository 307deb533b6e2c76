//! Values and parameters as SQLite stores them. Not the reading of cells.

use crate::{ListType, Param};
use carnet_kernel::{Id, Value, json};
use rusqlite::Statement;
use rusqlite::types::{ToSql, ToSqlOutput, Value as Owned, ValueRef};
use std::fmt::Write as _;

/// A field's value on its way into a statement. A principal has two columns, which are
/// bound one by one.
pub(super) struct Bound<'a>(pub(super) &'a Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            Value::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Value::Boolean(flag) => integer(i64::from(*flag)),
            Value::Integer(number)
            | Value::Time(number)
            | Value::DateTime(number)
            | Value::Duration(number) => integer(*number),
            Value::Float(number) => ToSqlOutput::Borrowed(ValueRef::Real(*number)),
            Value::Decimal(decimal) => integer(decimal.unscaled),
            Value::Text(text) => self::text(text),
            Value::Id(id) => blob(*id),
            Value::Date(days) => integer(i64::from(*days)),
            Value::Json(json) => self::text(json.as_str()),
            Value::Principal(_) => {
                return Err(rusqlite::Error::ToSqlConversionFailure(
                    "a principal is not one value".into(),
                ));
            }
        })
    }
}

fn integer(number: i64) -> ToSqlOutput<'static> {
    ToSqlOutput::Borrowed(ValueRef::Integer(number))
}

fn text(text: &str) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes()))
}

fn blob(id: Id) -> ToSqlOutput<'static> {
    ToSqlOutput::Owned(Owned::Blob(id.to_bytes().to_vec()))
}

/// An id as its 16 bytes.
pub(super) struct Key(pub(super) Id);

impl ToSql for Key {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(blob(self.0))
    }
}

/// More bytes than the largest of the parameters has once it is bound.
pub(super) fn largest(params: &[Param]) -> usize {
    /// A JSON text escapes a character in six at most; an id takes 32 digits, a number fewer.
    fn written(value: &Value) -> usize {
        match value {
            Value::Text(text) => text.len() * 6 + 3,
            Value::Json(json) => json.as_str().len() + 1,
            _ => 40,
        }
    }
    let sizes = params.iter().map(|param| match param {
        Param::Value(value) => written(value),
        Param::Integer(_) | Param::Exact(_) => 40,
        Param::Text(text) => text.len() + 1,
        Param::List(_, values) => values.iter().map(written).sum::<usize>() + 3,
    });
    sizes.max().unwrap_or(0)
}

/// Binds parameters to the `$n` of a statement.
pub(super) fn bind(statement: &mut Statement<'_>, params: &[Param]) -> rusqlite::Result<()> {
    for index in 1..=statement.parameter_count() {
        let number = match statement.parameter_name(index) {
            Some(name) => name
                .trim_start_matches(['$', '?'])
                .parse::<usize>()
                .map_err(|_| rusqlite::Error::InvalidParameterName(name.to_owned()))?,
            None => index,
        };
        let param = number
            .checked_sub(1)
            .and_then(|place| params.get(place))
            .ok_or(rusqlite::Error::InvalidParameterCount(params.len(), number))?;
        match param {
            Param::Value(value) => statement.raw_bind_parameter(index, Bound(value))?,
            Param::Integer(number) => statement.raw_bind_parameter(index, number)?,
            Param::Exact(number) => {
                let sortable = super::exact::sortable(*number);
                statement.raw_bind_parameter(index, sortable.as_slice())?;
            }
            Param::Text(text) => statement.raw_bind_parameter(index, text)?,
            Param::List(kind, values) => {
                statement.raw_bind_parameter(index, list(*kind, values))?;
            }
        }
    }
    Ok(())
}

/// The JSON array that `json_each` takes apart; ids as upper-case hexadecimal for `unhex`.
fn list(kind: ListType, values: &[Value]) -> String {
    let mut out = String::with_capacity(2 + values.len() * 16);
    out.push('[');
    for (position, value) in values.iter().enumerate() {
        if position > 0 {
            out.push(',');
        }
        member(kind, value, &mut out);
    }
    out.push(']');
    out
}

fn member(kind: ListType, value: &Value, out: &mut String) {
    // Writing to a `String` cannot fail.
    let mut number = |number: i64| write!(out, "{number}").unwrap_or_default();
    match value {
        Value::Null | Value::Principal(_) => out.push_str("null"),
        Value::Boolean(flag) => number(i64::from(*flag)),
        Value::Integer(integer) if kind == ListType::Float => {
            json::write_float(*integer as f64, out);
        }
        Value::Integer(integer)
        | Value::Time(integer)
        | Value::DateTime(integer)
        | Value::Duration(integer) => number(*integer),
        Value::Float(float) => json::write_float(*float, out),
        Value::Decimal(decimal) => number(decimal.unscaled),
        Value::Text(text) => json::write_string(text, out),
        Value::Id(id) => write!(out, "\"{:032X}\"", id.as_u128()).unwrap_or_default(),
        Value::Date(days) => number(i64::from(*days)),
        Value::Json(text) => json::write_string(text.as_str(), out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use carnet_kernel::Decimal;

    #[track_caller]
    fn check(kind: ListType, values: &[Value], expected: &str) {
        assert_eq!(list(kind, values), expected);
    }

    #[test]
    fn lists_are_json_arrays_of_stored_values() {
        check(ListType::Integer, &[], "[]");
        check(
            ListType::Integer,
            &[
                Value::Decimal(Decimal {
                    unscaled: -1250,
                    scale: 2,
                }),
                Value::Null,
            ],
            "[-1250,null]",
        );
        check(
            ListType::Text,
            &[Value::Text("a\"b".to_owned())],
            "[\"a\\\"b\"]",
        );
        check(
            ListType::Id,
            &[Value::Id(Id::from_u128(0xAB))],
            "[\"000000000000000000000000000000AB\"]",
        );
        check(ListType::Boolean, &[Value::Boolean(true)], "[1]");
        check(ListType::Date, &[Value::Date(-1)], "[-1]");
    }

    #[test]
    fn parameters_are_bound_by_their_number() -> rusqlite::Result<()> {
        let connection = rusqlite::Connection::open_in_memory()?;
        let mut statement = connection.prepare("select $2 || ':' || $1 || ':' || $2")?;
        let params = [Param::Integer(1), Param::Text("b".to_owned())];
        bind(&mut statement, &params)?;
        let mut rows = statement.raw_query();
        let answer = rows
            .next()?
            .map(|row| row.get::<_, String>(0))
            .transpose()?;
        assert_eq!(answer.as_deref(), Some("b:1:b"));
        drop(rows);
        assert!(bind(&mut statement, &[Param::Integer(1)]).is_err());
        Ok(())
    }
}
