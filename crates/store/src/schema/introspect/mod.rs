//! What a database really has, read from its own catalogue.

mod postgres;
mod sqlite;

pub(crate) use postgres::walls;

use super::facts::Found;
use crate::store::Engine;
use crate::{Error, Param, Store};
use carnet_kernel::Value;

/// The tables of one schema, the platform's own among them; SQLite has but one.
pub(crate) async fn introspect(store: &Store, schema: &str) -> Result<Found, Error> {
    match &store.inner.engine {
        Engine::Sqlite(_) => sqlite::introspect(store).await,
        Engine::Postgres(_) => postgres::introspect(store, schema).await,
    }
}

/// One row of a catalogue query; only texts and numbers are ever asked for.
pub(super) struct Row(Vec<Value>);

impl Row {
    /// The text at `column`; null is empty.
    pub(super) fn text(&self, column: usize) -> Result<String, Error> {
        match self.0.get(column) {
            Some(Value::Text(text)) => Ok(text.clone()),
            Some(Value::Null) => Ok(String::new()),
            other => Err(unexpected(column, other)),
        }
    }

    /// The number at `column`; null is 0.
    pub(super) fn number(&self, column: usize) -> Result<i64, Error> {
        match self.0.get(column) {
            Some(Value::Integer(number)) => Ok(*number),
            Some(Value::Boolean(flag)) => Ok(i64::from(*flag)),
            Some(Value::Null) => Ok(0),
            other => Err(unexpected(column, other)),
        }
    }

    /// The texts at `column`, joined by line feeds.
    pub(super) fn lines(&self, column: usize) -> Result<Vec<String>, Error> {
        let text = self.text(column)?;
        Ok(text.lines().map(str::to_owned).collect())
    }
}

fn unexpected(column: usize, found: Option<&Value>) -> Error {
    Error::Internal(format!(
        "column {column} of a catalogue query holds {found:?}"
    ))
}

/// Reads as the owner of the tables.
pub(super) async fn rows(store: &Store, sql: &str, params: &[Param]) -> Result<Vec<Row>, Error> {
    let rows = match &store.inner.engine {
        Engine::Sqlite(engine) => engine.owner_rows(sql, params).await?,
        Engine::Postgres(engine) => engine.owner_rows(sql, params).await?,
    };
    Ok(rows.into_iter().map(Row).collect())
}
