//! Columns from the server's binary form, read in place. Encoding is in `bind`.

use super::bind::{EPOCH_DAYS, EPOCH_MICROS};
use crate::Error;
use crate::shape::Cells;
use carnet_kernel::{Id, JsonText, Value, json};
use std::error::Error as StdError;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Kind, Type};

/// One row, read as the shapes ask.
pub(super) struct RowCells<'a>(pub(super) &'a Row);

/// The bytes of a column as they came.
struct Raw<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

impl RowCells<'_> {
    /// The type and bytes of a column; `None` is null.
    fn raw(&self, column: usize) -> Result<Option<(&Type, &[u8])>, Error> {
        let kind = self.0.columns().get(column).map(|column| column.type_());
        let bytes: Option<Raw<'_>> = self
            .0
            .try_get(column)
            .map_err(|_| Error::Internal(format!("column {column} is missing")))?;
        Ok(match (kind, bytes) {
            (Some(kind), Some(bytes)) => Some((kind, bytes.0)),
            _ => None,
        })
    }

    fn read<'r, T>(
        &'r self,
        column: usize,
        decode: impl FnOnce(&Type, &'r [u8]) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let Some((kind, bytes)) = self.raw(column)? else {
            return Ok(None);
        };
        match decode(kind, bytes) {
            Some(value) => Ok(Some(value)),
            None => Err(Error::Internal(format!(
                "column {column} has the unexpected type `{kind}`"
            ))),
        }
    }

    /// A column as the type the database gives it.
    pub(super) fn value(&self, column: usize) -> Result<Value, Error> {
        Ok(self.read(column, any)?.unwrap_or(Value::Null))
    }

    /// All columns as the types the database gives them.
    pub(super) fn values(&self) -> Result<Vec<Value>, Error> {
        (0..self.0.len()).map(|column| self.value(column)).collect()
    }
}

impl Cells for RowCells<'_> {
    fn integer(&self, column: usize) -> Result<Option<i64>, Error> {
        self.read(column, integer)
    }

    fn float(&self, column: usize) -> Result<Option<f64>, Error> {
        self.read(column, float)
    }

    fn boolean(&self, column: usize) -> Result<Option<bool>, Error> {
        self.read(column, boolean)
    }

    fn text(&self, column: usize) -> Result<Option<&str>, Error> {
        self.read(column, text)
    }

    fn text_bytes(&self, column: usize) -> Result<Option<&[u8]>, Error> {
        self.read(column, text_bytes)
    }

    fn id(&self, column: usize) -> Result<Option<Id>, Error> {
        self.read(column, id)
    }

    fn date(&self, column: usize) -> Result<Option<i32>, Error> {
        self.read(column, date)
    }

    fn date_time(&self, column: usize) -> Result<Option<i64>, Error> {
        self.read(column, moment)
    }

    fn json(&self, column: usize) -> Result<Option<&str>, Error> {
        self.read(column, json_text)
    }

    fn written(&self, column: usize) -> Result<Option<&[u8]>, Error> {
        Err(Error::Internal(format!(
            "column {column} is read as if a function of ours had made it"
        )))
    }
}

fn integer(kind: &Type, bytes: &[u8]) -> Option<i64> {
    match *kind {
        Type::INT8 => bytes.try_into().ok().map(i64::from_be_bytes),
        Type::INT4 => bytes.try_into().ok().map(i32::from_be_bytes).map(i64::from),
        Type::INT2 => bytes.try_into().ok().map(i16::from_be_bytes).map(i64::from),
        Type::OID | Type::XID | Type::CID => {
            bytes.try_into().ok().map(u32::from_be_bytes).map(i64::from)
        }
        Type::XID8 => bytes
            .try_into()
            .ok()
            .map(u64::from_be_bytes)
            .and_then(|number| i64::try_from(number).ok()),
        _ => None,
    }
}

fn float(kind: &Type, bytes: &[u8]) -> Option<f64> {
    match *kind {
        Type::FLOAT8 => bytes.try_into().ok().map(f64::from_be_bytes),
        Type::FLOAT4 => bytes.try_into().ok().map(f32::from_be_bytes).map(f64::from),
        _ => None,
    }
}

fn boolean(kind: &Type, bytes: &[u8]) -> Option<bool> {
    match (kind, bytes) {
        (&Type::BOOL, [byte]) => Some(*byte != 0),
        _ => None,
    }
}

fn text<'a>(kind: &Type, bytes: &'a [u8]) -> Option<&'a str> {
    text_bytes(kind, bytes).and_then(|bytes| std::str::from_utf8(bytes).ok())
}

fn text_bytes<'a>(kind: &Type, bytes: &'a [u8]) -> Option<&'a [u8]> {
    match *kind {
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::CHAR | Type::UNKNOWN => {
            Some(bytes)
        }
        _ => None,
    }
}

fn id(kind: &Type, bytes: &[u8]) -> Option<Id> {
    match *kind {
        Type::UUID => bytes.try_into().ok().map(Id::from_bytes),
        _ => None,
    }
}

fn date(kind: &Type, bytes: &[u8]) -> Option<i32> {
    match *kind {
        Type::DATE => bytes
            .try_into()
            .ok()
            .and_then(|bytes| i32::from_be_bytes(bytes).checked_add(EPOCH_DAYS)),
        _ => None,
    }
}

fn moment(kind: &Type, bytes: &[u8]) -> Option<i64> {
    match *kind {
        Type::TIMESTAMPTZ | Type::TIMESTAMP => bytes
            .try_into()
            .ok()
            .and_then(|bytes| i64::from_be_bytes(bytes).checked_add(EPOCH_MICROS)),
        _ => None,
    }
}

fn json_text<'a>(kind: &Type, bytes: &'a [u8]) -> Option<&'a str> {
    match (kind, bytes) {
        // Without the version of the binary form.
        (&Type::JSONB, [1, rest @ ..]) => std::str::from_utf8(rest).ok(),
        (&Type::JSON, _) => std::str::from_utf8(bytes).ok(),
        _ => text(kind, bytes),
    }
}

/// Any type that platform tables and the catalogue have; an array becomes a JSON list.
fn any(kind: &Type, bytes: &[u8]) -> Option<Value> {
    if let Kind::Array(member) = kind.kind() {
        let mut list = String::from("[");
        array(member, bytes, &mut list)?;
        list.push(']');
        return JsonText::parse(&list).ok().map(Value::Json);
    }
    match *kind {
        Type::VOID => Some(Value::Null),
        Type::BOOL => boolean(kind, bytes).map(Value::Boolean),
        Type::FLOAT4 | Type::FLOAT8 => float(kind, bytes).map(Value::Float),
        Type::UUID => id(kind, bytes).map(Value::Id),
        Type::DATE => date(kind, bytes).map(Value::Date),
        Type::TIMESTAMPTZ | Type::TIMESTAMP => moment(kind, bytes).map(Value::DateTime),
        Type::JSON | Type::JSONB => json_text(kind, bytes)
            .and_then(|text| JsonText::parse(text).ok())
            .map(Value::Json),
        _ => integer(kind, bytes)
            .map(Value::Integer)
            .or_else(|| text(kind, bytes).map(|text| Value::Text(text.to_owned()))),
    }
}

/// Appends the members of a one-dimensional array.
fn array(member: &Type, bytes: &[u8], list: &mut String) -> Option<()> {
    let (head, mut rest) = bytes.split_at_checked(12)?;
    if head.starts_with(&[0; 4]) {
        return Some(());
    }
    let (count, after) = take(rest)?;
    rest = take(after)?.1;
    for position in 0..count {
        if position > 0 {
            list.push(',');
        }
        let (size, after) = take(rest)?;
        rest = after;
        let Ok(size) = usize::try_from(size) else {
            list.push_str("null");
            continue;
        };
        let (bytes, after) = rest.split_at_checked(size)?;
        rest = after;
        match any(member, bytes)? {
            Value::Text(text) => json::write_string(&text, list),
            Value::Integer(integer) => list.push_str(&integer.to_string()),
            Value::Boolean(boolean) => list.push_str(if boolean { "true" } else { "false" }),
            Value::Float(float) => json::write_float(float, list),
            _ => return None,
        }
    }
    Some(())
}

fn take(bytes: &[u8]) -> Option<(i32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    Some((i32::from_be_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::bind::Bind;
    use bytes::BytesMut;
    use tokio_postgres::types::ToSql;

    #[track_caller]
    fn check(value: Value, kind: &Type) {
        let mut out = BytesMut::new();
        Bind::Value(&value).to_sql(kind, &mut out).unwrap();
        assert_eq!(any(kind, &out), Some(value));
    }

    #[test]
    fn what_is_bound_is_read_back() {
        check(Value::Boolean(true), &Type::BOOL);
        check(Value::Integer(i64::MIN), &Type::INT8);
        check(Value::Float(-0.5), &Type::FLOAT8);
        check(Value::Text("ß".to_owned()), &Type::TEXT);
        check(Value::Id(Id::from_u128(u128::MAX)), &Type::UUID);
        check(Value::Date(-719_162), &Type::DATE);
        check(Value::DateTime(-62_135_596_800_000_000), &Type::TIMESTAMPTZ);
        check(
            Value::Json(JsonText::parse("[1,null]").unwrap()),
            &Type::JSONB,
        );
    }

    #[test]
    fn arrays_become_lists() {
        let mut out = BytesMut::new();
        let array = Bind::Array(vec![Bind::Text("a\""), Bind::Null]);
        array.to_sql(&Type::TEXT_ARRAY, &mut out).unwrap();
        let expected = Value::Json(JsonText::parse(r#"["a\"",null]"#).unwrap());
        assert_eq!(any(&Type::TEXT_ARRAY, &out), Some(expected));
        assert_eq!(any(&Type::TEXT_ARRAY, &[0, 0, 0]), None);
    }
}
