//! Related records as SQLite hands them over: `carnet_array(cells…)` makes one positional array of
//! a row, `carnet_list(array)` one list of all rows, `carnet_json(text)` takes a text as the JSON it
//! is. Our own, because SQLite's take JSON apart and put it together again at every step: a list
//! with related records costs a third of the instructions.

use carnet_kernel::json;
use rusqlite::ffi::{self, SQLITE_TOOBIG};
use rusqlite::functions::{Aggregate, Context, FunctionFlags, SubType};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What SQLite itself marks JSON with.
const JSON: SubType = Some(b'J' as u32);

/// The most bytes of one value; what is beyond them fails as `SQLITE_TOOBIG`.
pub(crate) type Most = Arc<AtomicUsize>;

/// Makes the functions known to a connection.
pub(crate) fn install(raw: &Connection, most: &Most) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_DIRECTONLY
        | FunctionFlags::SQLITE_SUBTYPE
        | FunctionFlags::SQLITE_RESULT_SUBTYPE;
    raw.create_scalar_function("carnet_json", 1, flags, |context| {
        let text: Option<String> = context.get(0)?;
        let mark = text.as_ref().and(JSON);
        Ok((text, mark))
    })?;
    raw.create_scalar_function("carnet_array", -1, flags, array)?;
    let list = List {
        most: Arc::clone(most),
    };
    raw.create_aggregate_function("carnet_list", 1, flags, list)
}

fn array(context: &Context<'_>) -> Result<(String, SubType)> {
    let mut out = String::with_capacity(256);
    out.push('[');
    for place in 0..context.len() {
        if place > 0 {
            out.push(',');
        }
        match context.get_raw(place) {
            ValueRef::Null => out.push_str("null"),
            ValueRef::Integer(number) => crate::shape::write_integer(number, &mut out),
            ValueRef::Real(number) => json::write_float(number, &mut out),
            ValueRef::Text(bytes) => {
                let text = std::str::from_utf8(bytes)?;
                if Some(context.get_subtype(place)) == JSON {
                    out.push_str(text);
                } else {
                    json::write_string(text, &mut out);
                }
            }
            ValueRef::Blob(bytes) => {
                out.push('"');
                out.extend(
                    bytes
                        .iter()
                        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]),
                );
                out.push('"');
            }
        }
    }
    out.push(']');
    Ok((out, JSON))
}

/// A hexadecimal digit.
fn digit(value: u8) -> char {
    char::from(match value {
        0..=9 => b'0' + value,
        _ => b'A' - 10 + value,
    })
}

struct List {
    most: Most,
}

impl Aggregate<String, (String, SubType)> for List {
    fn init(&self, _: &mut Context<'_>) -> Result<String> {
        Ok("[".to_owned())
    }

    fn step(&self, context: &mut Context<'_>, list: &mut String) -> Result<()> {
        let row = context.get_raw(0).as_str()?;
        if list.len() + row.len() > self.most.load(Ordering::Relaxed) {
            return Err(Error::SqliteFailure(ffi::Error::new(SQLITE_TOOBIG), None));
        }
        if list.len() > 1 {
            list.push(',');
        }
        list.push_str(row);
        Ok(())
    }

    fn finalize(&self, _: &mut Context<'_>, list: Option<String>) -> Result<(String, SubType)> {
        let mut list = list.unwrap_or_else(|| "[".to_owned());
        list.push(']');
        Ok((list, JSON))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(sql: &str, most: usize) -> Result<String> {
        let raw = Connection::open_in_memory().unwrap();
        install(&raw, &Arc::new(AtomicUsize::new(most))).unwrap();
        raw.query_row(sql, [], |row| row.get(0))
    }

    #[track_caller]
    fn check(sql: &str, expected: &str) {
        assert_eq!(ask(sql, 1_000).unwrap(), expected, "{sql}");
    }

    #[test]
    fn cells_of_every_kind() {
        check(
            "select carnet_array(null, -7, 1.5, 'a\"\n', x'00ff', carnet_json('{\"a\":1}'), \
             carnet_json(null), '[1]')",
            "[null,-7,1.5,\"a\\\"\\n\",\"00FF\",{\"a\":1},null,\"[1]\"]",
        );
        check("select carnet_array()", "[]");
    }

    #[test]
    fn lists_nest() {
        check("select carnet_list(carnet_array(1)) where false", "[]");
        check(
            "select carnet_list(carnet_array(column1, carnet_json((select \
             carnet_list(carnet_array(x)) from (select 'a' as x union all select 'b'))))) \
             from (values (1), (2))",
            "[[1,[[\"a\"],[\"b\"]]],[2,[[\"a\"],[\"b\"]]]]",
        );
    }

    #[test]
    fn too_long_a_list_fails() {
        let sql = "select carnet_list(carnet_array(column1)) from (values ('aaaa'), ('bbbb'))";
        assert!(ask(sql, 20).is_ok());
        let error = ask(sql, 10).unwrap_err();
        assert!(crate::sqlite::errors::is_too_big(&error), "{error}");
    }
}
