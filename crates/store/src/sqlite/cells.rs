//! One row of SQLite as the shapes read it. Not the binding of values.

use crate::Error;
use crate::shape::Cells;
use carnet_kernel::{Id, Value};
use rusqlite::Row;
use rusqlite::functions::Context;
use rusqlite::types::ValueRef;

/// A row that a statement stands on.
pub(super) struct Line<'a>(pub(super) &'a Row<'a>);

/// The cells that a function of ours is called with, behind its number.
pub(super) struct Arguments<'a, 'c>(pub(super) &'a Context<'c>);

/// Cells as SQLite types them.
trait Typed {
    fn cell(&self, column: usize) -> Result<ValueRef<'_>, Error>;
}

impl Typed for Line<'_> {
    #[inline(always)]
    fn cell(&self, column: usize) -> Result<ValueRef<'_>, Error> {
        self.0.get_ref(column).map_err(|_| absent(column))
    }
}

impl Typed for Arguments<'_, '_> {
    #[inline(always)]
    fn cell(&self, column: usize) -> Result<ValueRef<'_>, Error> {
        if column + 1 >= self.0.len() {
            return Err(absent(column));
        }
        Ok(self.0.get_raw(column + 1))
    }
}

#[cold]
fn absent(column: usize) -> Error {
    Error::Internal(format!("column {column} is missing"))
}

#[cold]
fn unexpected(column: usize, expected: &str, found: ValueRef<'_>) -> Error {
    Error::Internal(format!(
        "column {column} holds {} where {expected} was expected",
        found.data_type()
    ))
}

impl<T: Typed> Cells for T {
    #[inline(always)]
    fn integer(&self, column: usize) -> Result<Option<i64>, Error> {
        match self.cell(column)? {
            ValueRef::Null => Ok(None),
            ValueRef::Integer(number) => Ok(Some(number)),
            other => Err(unexpected(column, "an integer", other)),
        }
    }

    #[inline(always)]
    fn float(&self, column: usize) -> Result<Option<f64>, Error> {
        match self.cell(column)? {
            ValueRef::Null => Ok(None),
            ValueRef::Real(number) => Ok(Some(number)),
            ValueRef::Integer(number) => Ok(Some(number as f64)),
            other => Err(unexpected(column, "a float", other)),
        }
    }

    #[inline(always)]
    fn boolean(&self, column: usize) -> Result<Option<bool>, Error> {
        Ok(self.integer(column)?.map(|number| number != 0))
    }

    #[inline(always)]
    fn text(&self, column: usize) -> Result<Option<&str>, Error> {
        let bytes = self.text_bytes(column)?;
        bytes
            .map(std::str::from_utf8)
            .transpose()
            .map_err(|_| Error::Internal(format!("column {column} is not UTF-8")))
    }

    #[inline(always)]
    fn text_bytes(&self, column: usize) -> Result<Option<&[u8]>, Error> {
        match self.cell(column)? {
            ValueRef::Null => Ok(None),
            // As bytes it comes to functions of ours.
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Ok(Some(bytes)),
            other => Err(unexpected(column, "a text", other)),
        }
    }

    #[inline(always)]
    fn id(&self, column: usize) -> Result<Option<Id>, Error> {
        match self.cell(column)? {
            ValueRef::Null => Ok(None),
            ValueRef::Blob(bytes) => match <[u8; 16]>::try_from(bytes) {
                Ok(bytes) => Ok(Some(Id::from_bytes(bytes))),
                Err(_) => Err(unexpected(column, "16 bytes", ValueRef::Blob(bytes))),
            },
            other => Err(unexpected(column, "16 bytes", other)),
        }
    }

    #[inline(always)]
    fn date(&self, column: usize) -> Result<Option<i32>, Error> {
        self.integer(column)?
            .map(i32::try_from)
            .transpose()
            .map_err(|_| Error::Internal(format!("column {column} holds no date")))
    }

    #[inline(always)]
    fn date_time(&self, column: usize) -> Result<Option<i64>, Error> {
        self.integer(column)
    }

    #[inline(always)]
    fn json(&self, column: usize) -> Result<Option<&str>, Error> {
        self.text(column)
    }

    #[inline(always)]
    fn written(&self, column: usize) -> Result<Option<&[u8]>, Error> {
        match self.cell(column)? {
            ValueRef::Null => Ok(None),
            ValueRef::Blob(bytes) => Ok(Some(bytes)),
            other => Err(unexpected(column, "JSON of ours", other)),
        }
    }
}

/// All cells of a row of a platform table, as SQLite types them: 16 bytes are an id.
pub(super) fn values(row: &Row<'_>, columns: usize) -> Result<Vec<Value>, Error> {
    let line = Line(row);
    (0..columns)
        .map(|column| {
            Ok(match line.cell(column)? {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(number) => Value::Integer(number),
                ValueRef::Real(number) => Value::Float(number),
                ValueRef::Text(_) => Value::Text(line.text(column)?.unwrap_or_default().to_owned()),
                ValueRef::Blob(_) => line.id(column)?.map_or(Value::Null, Value::Id),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_by_their_type() -> Result<(), Box<dyn std::error::Error>> {
        let connection = rusqlite::Connection::open_in_memory()?;
        let mut statement = connection.prepare(
            "select 7, 1.5, 'ä', x'000102030405060708090a0b0c0d0e0f', null, cast(x'ff' as text)",
        )?;
        let mut rows = statement.query([])?;
        let row = rows.next()?.ok_or("no row")?;
        let line = Line(row);
        assert_eq!(line.integer(0).ok(), Some(Some(7)));
        assert_eq!(line.float(0).ok(), Some(Some(7.0)));
        assert_eq!(line.float(1).ok(), Some(Some(1.5)));
        assert_eq!(line.text(2).ok(), Some(Some("ä")));
        let id = Id::from_u128(0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f);
        assert_eq!(line.id(3).ok(), Some(Some(id)));
        assert_eq!(line.id(4).ok(), Some(None));
        assert!(line.integer(2).is_err());
        assert!(line.id(0).is_err());
        assert!(line.text(5).is_err());
        assert!(line.text(6).is_err());
        assert_eq!(
            values(row, 5).ok(),
            Some(vec![
                Value::Integer(7),
                Value::Float(1.5),
                Value::Text("ä".to_owned()),
                Value::Id(id),
                Value::Null
            ])
        );
        Ok(())
    }
}
