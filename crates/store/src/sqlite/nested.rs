//! Related records as SQLite hands them over: `carnet_array(cells…)` packs one row,
//! `carnet_list(cells…)` a list of all rows. Our own, because SQLite's JSON functions take values
//! apart and put them together again at every step, and what they make has to be read again.

use crate::shape::{Packed, open_row};
use rusqlite::ffi::{self, SQLITE_TOOBIG};
use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The most bytes of one value; what is beyond them fails as `SQLITE_TOOBIG`.
pub(crate) type Most = Arc<AtomicUsize>;

/// Makes the functions known to a connection.
pub(crate) fn install(raw: &Connection, most: &Most) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_DIRECTONLY;
    raw.create_scalar_function("carnet_array", -1, flags, |context| {
        let mut row = Vec::with_capacity(256);
        cells(context, &mut row);
        Ok(row)
    })?;
    let list = List {
        most: Arc::clone(most),
    };
    raw.create_aggregate_function("carnet_list", -1, flags, list)
}

fn cells(context: &Context<'_>, out: &mut Vec<u8>) {
    for place in 0..context.len() {
        let cell = match context.get_raw(place) {
            ValueRef::Null => Packed::Null,
            ValueRef::Integer(number) => Packed::Integer(number),
            ValueRef::Real(number) => Packed::Real(number),
            ValueRef::Text(bytes) => Packed::Text(bytes),
            ValueRef::Blob(bytes) => Packed::Blob(bytes),
        };
        cell.put(out);
    }
}

struct List {
    most: Most,
}

impl Aggregate<Vec<u8>, Vec<u8>> for List {
    fn init(&self, _: &mut Context<'_>) -> Result<Vec<u8>> {
        Ok(Vec::with_capacity(512))
    }

    fn step(&self, context: &mut Context<'_>, list: &mut Vec<u8>) -> Result<()> {
        open_row(list);
        cells(context, list);
        if list.len() > self.most.load(Ordering::Relaxed) {
            return Err(Error::SqliteFailure(ffi::Error::new(SQLITE_TOOBIG), None));
        }
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, list: Option<Vec<u8>>) -> Result<Vec<u8>> {
        Ok(list.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(sql: &str, most: usize) -> Result<Vec<u8>> {
        let raw = Connection::open_in_memory().unwrap();
        install(&raw, &Arc::new(AtomicUsize::new(most))).unwrap();
        raw.query_row(sql, [], |row| row.get(0))
    }

    fn packed(cells: &[Packed<'_>]) -> Vec<u8> {
        let mut out = Vec::new();
        cells.iter().for_each(|cell| cell.put(&mut out));
        out
    }

    fn rows(rows: &[Vec<u8>]) -> Vec<u8> {
        let mut out = Vec::new();
        for row in rows {
            open_row(&mut out);
            out.extend(row);
        }
        out
    }

    #[track_caller]
    fn check(sql: &str, expected: &[u8]) {
        assert_eq!(ask(sql, 1_000).unwrap(), expected, "{sql}");
    }

    #[test]
    fn cells_of_every_kind() {
        check(
            "select carnet_array(null, -7, 1.5, 'a', x'00ff', '', x'')",
            &packed(&[
                Packed::Null,
                Packed::Integer(-7),
                Packed::Real(1.5),
                Packed::Text(b"a"),
                Packed::Blob(&[0, 255]),
                Packed::Text(b""),
                Packed::Blob(&[]),
            ]),
        );
        check("select carnet_array()", &[]);
    }

    #[test]
    fn lists_nest() {
        check("select carnet_list(1) where false", &[]);
        check(
            "select carnet_list() from (values (1), (2))",
            &rows(&[vec![], vec![]]),
        );
        let inner = rows(&[packed(&[Packed::Text(b"a")]), packed(&[Packed::Text(b"b")])]);
        let row = |number| packed(&[Packed::Integer(number), Packed::Blob(&inner)]);
        check(
            "select carnet_list(column1, (select \
             carnet_list(x) from (select 'a' as x union all select 'b'))) \
             from (values (1), (2))",
            &rows(&[row(1), row(2)]),
        );
    }

    #[test]
    fn too_long_a_list_fails() {
        let sql = "select carnet_list(column1) from (values ('aaaa'), ('bbbb'))";
        assert!(ask(sql, 20).is_ok());
        let error = ask(sql, 19).unwrap_err();
        assert!(crate::sqlite::errors::is_too_big(&error), "{error}");
    }
}
