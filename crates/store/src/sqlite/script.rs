//! Statements of the tables' owner, alone in one transaction. Foreign keys are off, so that tables
//! can be rebuilt, and are checked before the commit. Not the deciding which statements.

use super::errors;
use super::health::Health;
use super::session::Session;
use super::writer::begin;
use crate::{Error, Param};
use std::time::Instant;

/// Runs the statements; after an error a transaction may be left to be rolled back, and foreign
/// keys stay off for the caller to switch on again.
pub(super) fn run(
    session: &Session,
    health: &Health,
    until: Instant,
    statements: &[(String, Vec<Param>)],
) -> Result<(), Error> {
    let failed = |sql: &str, error: rusqlite::Error| match errors::general(&error) {
        Error::Internal(message) => Error::Migration(format!("{message}, in: {sql}")),
        Error::SchemaPending(_) => Error::Migration(format!("{error}, in: {sql}")),
        other => other,
    };
    session
        .raw()
        .pragma_update(None, "foreign_keys", false)
        .map_err(|error| failed("pragma foreign_keys", error))?;
    begin(session, until).map_err(|error| failed("begin", error))?;
    for (sql, params) in statements {
        session
            .run(sql, |statement| super::bind::bind(statement, params))
            .map_err(|error| failed(sql, error))?;
    }
    let mut broken = None;
    session
        .query(
            "pragma foreign_key_check",
            |_| Ok(()),
            |row| {
                let table: String = row.get(0)?;
                let target: String = row.get(2)?;
                broken.get_or_insert((table, target));
                Ok::<(), rusqlite::Error>(())
            },
        )
        .map_err(|error| failed("pragma foreign_key_check", error))?;
    if let Some((table, target)) = broken {
        return Err(Error::Migration(format!(
            "rows of `{table}` refer to rows of `{target}` that are not there"
        )));
    }
    super::statistics::refresh(session).map_err(|error| failed("statistics", error))?;
    session.frame("commit").map_err(|error| {
        if errors::is_failed_sync(&error) {
            health.fail(&error)
        } else {
            failed("commit", error)
        }
    })?;
    session.meter().count_commit();
    Ok(())
}
