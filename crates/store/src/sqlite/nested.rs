//! The functions by which SQLite writes related records: `carnet_object(call, cells…)` one row,
//! `carnet_list(call, cells…)` a list of all rows, `carnet_members(call, cells…)` a part of a long row.
//! What a call writes is known by its number to the connection. Our own, because SQLite's JSON
//! functions take values apart and put them together again at every step, and what they make has to
//! be read again.

use super::cells::Arguments;
use crate::shape::Call;
use rusqlite::ffi::{self, SQLITE_TOOBIG};
use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::{Connection, Error, Result};
use std::sync::{Arc, Mutex, PoisonError};

/// What the functions of a connection know of the read under way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reading(Arc<Mutex<Now>>);

#[derive(Clone, Debug)]
struct Now {
    calls: Arc<[Call]>,
    /// The most bytes of one value; what is beyond them fails as `SQLITE_TOOBIG`.
    most: usize,
}

impl Default for Now {
    fn default() -> Self {
        Self {
            calls: Arc::default(),
            most: usize::MAX,
        }
    }
}

impl Reading {
    /// From now on a statement runs whose calls are these, and whose values have at most so many
    /// bytes.
    pub(super) fn set(&self, calls: Arc<[Call]>, most: usize) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Now { calls, most };
    }

    /// No statement runs.
    pub(super) fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Now::default();
    }

    fn now(&self) -> Now {
        let now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        now.clone()
    }
}

impl Now {
    /// Appends what a call makes of its arguments.
    fn write(&self, context: &Context<'_>, out: &mut Vec<u8>) -> Result<()> {
        let number = context.get_raw(0).as_i64().map_err(failed)?;
        let call = usize::try_from(number)
            .ok()
            .and_then(|number| self.calls.get(number))
            .ok_or_else(|| failed(crate::Error::Internal(format!("there is no call {number}"))))?;
        call.write(&Arguments(context), out).map_err(failed)?;
        if out.len() > self.most {
            return Err(Error::SqliteFailure(ffi::Error::new(SQLITE_TOOBIG), None));
        }
        Ok(())
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::UserFunctionError(Box::new(error))
}

/// Makes the functions known to a connection.
pub(crate) fn install(raw: &Connection, reading: &Reading) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_DIRECTONLY;
    for name in ["carnet_object", "carnet_members"] {
        let reading = reading.clone();
        raw.create_scalar_function(name, -1, flags, move |context| {
            let mut json = Vec::with_capacity(512);
            reading.now().write(context, &mut json)?;
            Ok(json)
        })?;
    }
    let list = List {
        reading: reading.clone(),
    };
    raw.create_aggregate_function("carnet_list", -1, flags, list)
}

struct List {
    reading: Reading,
}

/// A list in the making.
struct Rows {
    now: Now,
    json: Vec<u8>,
}

impl Aggregate<Rows, Vec<u8>> for List {
    fn init(&self, _: &mut Context<'_>) -> Result<Rows> {
        Ok(Rows {
            now: self.reading.now(),
            json: Vec::with_capacity(2_048),
        })
    }

    fn step(&self, context: &mut Context<'_>, rows: &mut Rows) -> Result<()> {
        let first = rows.json.is_empty();
        rows.json.push(if first { b'[' } else { b',' });
        rows.now.write(context, &mut rows.json)
    }

    fn finalize(&self, _: &mut Context<'_>, rows: Option<Rows>) -> Result<Vec<u8>> {
        let mut json = rows.map_or_else(|| b"[".to_vec(), |rows| rows.json);
        json.push(b']');
        Ok(json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::{Column, Kind, Source};
    use carnet_model::IdForm;

    fn cell(name: &str, kind: Kind) -> Column {
        Column::new(name, Source::Cell(kind))
    }

    fn ask(calls: Vec<Call>, sql: &str, most: usize) -> Result<String> {
        let raw = Connection::open_in_memory().unwrap();
        let reading = Reading::default();
        install(&raw, &reading).unwrap();
        reading.set(calls.into(), most);
        raw.query_row(sql, [], |row| row.get(0))
            .map(|json: Vec<u8>| String::from_utf8(json).unwrap())
    }

    #[track_caller]
    fn check(calls: Vec<Call>, sql: &str, expected: &str) {
        assert_eq!(ask(calls, sql, 1_000).unwrap(), expected, "{sql}");
    }

    #[test]
    fn cells_of_every_kind() {
        let kinds = [
            ("id", Kind::Id(IdForm::Uuid)),
            ("i", Kind::Integer),
            ("f", Kind::Float),
            ("b", Kind::Boolean),
            ("d", Kind::Decimal(2)),
            ("t", Kind::Text),
            ("day", Kind::Date),
            ("at", Kind::DateTime),
            ("time", Kind::Time),
            ("span", Kind::Duration),
            ("j", Kind::Json),
            ("by", Kind::Principal),
        ];
        let columns = || kinds.iter().map(|(name, kind)| cell(name, *kind)).collect();
        check(
            vec![Call::Object(columns())],
            "select carnet_object(0, x'01928f3e7c007abc9def0123456789ab', -5, 1e21, 1, -5, \
             'a\"😀/é', 1, 1000000, 1, 0, '{\"a\":[1]}', 'user', \
             x'01928f3e7c007abc9def0123456789ab')",
            "{\"id\":\"01928f3e-7c00-7abc-9def-0123456789ab\",\"i\":-5,\"f\":1e+21,\"b\":true,\
             \"d\":\"-0.05\",\"t\":\"a\\\"😀/é\",\"day\":\"1970-01-02\",\
             \"at\":\"1970-01-01T00:00:01.000000Z\",\"time\":\"00:00:00.000001\",\"span\":\"PT0S\",\
             \"j\":{\"a\":[1]},\"by\":{\"kind\":\"user\",\
             \"id\":\"01JA7KWZ00FAY9VVR14D2PF2DB\"}}",
        );
        check(
            vec![Call::Object(columns())],
            "select carnet_object(0, null, null, null, null, null, null, null, null, null, null, \
             null, null, null)",
            "{\"id\":null,\"i\":null,\"f\":null,\"b\":null,\"d\":null,\"t\":null,\"day\":null,\
             \"at\":null,\"time\":null,\"span\":null,\"j\":null,\"by\":null}",
        );
        check(
            vec![Call::Object(Vec::new())],
            "select carnet_object(0)",
            "{}",
        );
    }

    #[test]
    fn lists_nest() {
        let inner = Call::Object(vec![cell("t", Kind::Text)]);
        let one = || vec![Call::Object(vec![cell("a", Kind::Integer)])];
        check(one(), "select carnet_list(0, 1) where false", "[]");
        check(
            one(),
            "select carnet_list(0, column1) from (values (1), (null))",
            "[{\"a\":1},{\"a\":null}]",
        );
        let counts = Column::new("_count", Source::Group(vec![cell("n", Kind::Integer)]));
        let outer = Call::Object(vec![
            cell("a", Kind::Integer),
            Column::new("in", Source::Written { many: true }),
            Column::new("of", Source::Written { many: false }),
            counts,
        ]);
        check(
            vec![outer, inner],
            "select carnet_list(0, column1, (select carnet_list(1, x) from \
             (select 'a' as x union all select 'b')), null, 7) from (values (1), (2))",
            "[{\"a\":1,\"in\":[{\"t\":\"a\"},{\"t\":\"b\"}],\"of\":null,\"_count\":{\"n\":7}},\
             {\"a\":2,\"in\":[{\"t\":\"a\"},{\"t\":\"b\"}],\"of\":null,\"_count\":{\"n\":7}}]",
        );
    }

    #[test]
    fn long_rows_stand_in_parts() {
        let calls = vec![
            Call::Joined(2),
            Call::Members(vec![cell("a", Kind::Integer), cell("b", Kind::Integer)]),
            Call::Members(vec![cell("c", Kind::Integer)]),
        ];
        check(
            calls,
            "select carnet_list(0, carnet_members(1, 1, 2), carnet_members(2, 3)) \
             from (values (1), (2))",
            "[{\"a\":1,\"b\":2,\"c\":3},{\"a\":1,\"b\":2,\"c\":3}]",
        );
    }

    #[test]
    fn too_long_a_list_fails() {
        let calls = || vec![Call::Object(vec![cell("a", Kind::Text)])];
        let sql = "select carnet_list(0, column1) from (values ('aaaa'), ('bbbb'))";
        assert!(ask(calls(), sql, 26).is_ok());
        let error = ask(calls(), sql, 25).unwrap_err();
        assert!(crate::sqlite::errors::is_too_big(&error), "{error}");
    }

    #[test]
    fn unexpected_cells_are_errors() {
        let calls = || {
            vec![Call::Object(vec![
                cell("a", Kind::Integer),
                cell("b", Kind::Text),
            ])]
        };
        for sql in [
            "select carnet_object(0, 1)",
            "select carnet_object(0, '1', 'x')",
            "select carnet_object(0, 1, x'ff')",
            "select carnet_object(0, 1, cast(x'ff' as text))",
            "select carnet_object(0, 1.5, 'x')",
            "select carnet_object(1, 1, 'x')",
            "select carnet_object(-1, 1, 'x')",
            "select carnet_object('a', 1, 'x')",
        ] {
            assert!(ask(calls(), sql, 1_000).is_err(), "{sql}");
        }
    }
}
