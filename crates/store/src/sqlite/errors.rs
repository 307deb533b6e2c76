//! What SQLite answers, in the store's words. Its own texts stay in the log.

use super::session::Session;
use crate::Error;
use carnet_model::{FieldIndex, ModelView, ResourceIndex};
use rusqlite::ffi::{self, ErrorCode};
use std::path::Path;

/// A failure that did not yet find its words: which ones fit depends on whether the whole
/// transaction went with it.
#[derive(Debug)]
pub(super) enum Failure {
    /// The unit's own; what others did in the same transaction stands.
    Settled(Error),
    /// The database's.
    Database(rusqlite::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Settled(error)
    }
}

impl Failure {
    /// The store's words for it.
    pub(super) fn into_error(self) -> Error {
        match self {
            Self::Settled(error) => error,
            Self::Database(error) => general(&error),
        }
    }
}

/// Disk full, no memory, a failed read or write: what it left of a transaction cannot be trusted.
pub(super) fn is_storage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DiskFull | ErrorCode::OutOfMemory | ErrorCode::SystemIoFailure)
    )
}

/// A value is larger than the connection allows.
pub(super) fn is_too_big(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::TooBig)
}

/// The clock stopped it.
pub(super) fn is_interrupt(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted)
}

/// Another process holds the lock.
pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

/// The connection had better be opened anew.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
        )
    )
}

/// The disk did not confirm: whether the commit will be found after a crash is not known.
pub(super) fn is_failed_sync(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_extended_error_code(),
        Some(ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC)
    )
}

/// A file that cannot be opened.
pub(super) fn opening(path: &Path, error: &rusqlite::Error) -> Error {
    Error::Unavailable(format!("{}: {}", path.display(), text(error)))
}

/// An error without a row to blame.
pub(super) fn general(error: &rusqlite::Error) -> Error {
    let message = text(error);
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Error::Full,
        Some(ErrorCode::OperationInterrupted) => Error::Timeout,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            tracing::error!(error = %message, "the database file is damaged");
            Error::Unavailable(message)
        }
        Some(ErrorCode::SystemIoFailure) => {
            tracing::error!(error = %message, "the disk failed");
            Error::Unavailable(message)
        }
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::CannotOpen
            | ErrorCode::OutOfMemory
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::FileLockingProtocolFailed,
        ) => Error::Unavailable(message),
        _ if lacks_schema(&message) => Error::SchemaPending(
            "the database does not have this definition's schema yet".to_owned(),
        ),
        _ => Error::Internal(message),
    }
}

fn lacks_schema(message: &str) -> bool {
    ["no such table", "no such column", "has no column named"]
        .iter()
        .any(|sign| message.contains(sign))
}

fn text(error: &rusqlite::Error) -> String {
    match error.sqlite_extended_error_code() {
        Some(code) => format!("{error} (code {code})"),
        None => error.to_string(),
    }
}

/// What a row wanted when it broke a constraint.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt<'a> {
    pub(super) view: &'a ModelView,
    pub(super) tenant: i64,
    pub(super) resource: ResourceIndex,
    pub(super) change: Change<'a>,
}

/// Which change it was.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change<'a> {
    /// References were set: those of these fields.
    Set(&'a crate::Record, Fields<'a>),
    /// A record was removed.
    Remove(carnet_kernel::Id),
}

/// Which fields of a record were written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fields<'a> {
    /// All of them.
    All,
    /// These.
    Some(&'a [FieldIndex]),
}

impl Fields<'_> {
    fn holds(self, field: FieldIndex) -> bool {
        match self {
            Self::All => true,
            Self::Some(fields) => fields.contains(&field),
        }
    }
}

/// Finds the words for a statement that failed while a row was changed. The transaction is still
/// open after a broken constraint, so that a foreign key, of which SQLite names nothing, can be
/// looked for.
pub(super) fn of_row(session: &Session, error: rusqlite::Error, attempt: Attempt<'_>) -> Failure {
    let code = error.sqlite_extended_error_code().unwrap_or_default();
    if error.sqlite_error_code() != Some(ErrorCode::ConstraintViolation) {
        return Failure::Database(error);
    }
    let settled = match code {
        ffi::SQLITE_CONSTRAINT_UNIQUE
        | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
        | ffi::SQLITE_CONSTRAINT_ROWID => unique(attempt.view, attempt.resource, &text(&error)),
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => match reference(session, attempt) {
            Ok(found) => found,
            Err(failed) => return Failure::Database(failed),
        },
        _ => None,
    };
    Failure::Settled(settled.unwrap_or_else(|| {
        let message = text(&error);
        tracing::error!(error = %message, "a constraint was broken that no rule should have let through");
        Error::Internal(message)
    }))
}

/// `UNIQUE constraint failed: products.tenant, products.sku` → the fields of the constraint.
fn unique(view: &ModelView, fallback: ResourceIndex, message: &str) -> Option<Error> {
    let (_, list) = message.split_once("constraint failed: ")?;
    let list = list.split(" (code").next().unwrap_or(list);
    let mut index = fallback;
    let mut fields = Vec::new();
    for part in list.split(", ") {
        let (table, column) = part.split_once('.')?;
        if view.resource(index).table != table {
            index = view
                .model()
                .resources
                .iter()
                .find(|resource| resource.table == table)?
                .index;
        }
        let resource = view.resource(index);
        if column == "tenant" && resource.is_tenant() {
            continue;
        }
        let (field, _) = resource.each_field().find(|(_, field)| {
            field.column == column || field.companion.as_deref() == Some(column)
        })?;
        fields.push(field);
    }
    Some(Error::Unique {
        resource: index,
        fields,
    })
}

/// Which reference a foreign key complained about.
fn reference(session: &Session, attempt: Attempt<'_>) -> rusqlite::Result<Option<Error>> {
    let view = attempt.view;
    let resource = view.resource(attempt.resource);
    match attempt.change {
        Change::Set(record, fields) => {
            for (index, field) in resource.each_field() {
                let carnet_model::FieldType::Ref { to, .. } = field.kind else {
                    continue;
                };
                let Some(id) = record.get(index).as_id() else {
                    continue;
                };
                let target = view.resource(to);
                let key = &target.field(target.key).column;
                if fields.holds(index) && !holds(session, target, key, attempt.tenant, id)? {
                    return Ok(Some(Error::ReferenceMissing {
                        resource: attempt.resource,
                        field: index,
                    }));
                }
            }
            Ok(None)
        }
        Change::Remove(id) => {
            let mut by = None;
            for (from, field) in view.references_to(attempt.resource) {
                let referring = view.resource(*from);
                let column = &referring.field(*field).column;
                // A shared platform record may be held by any tenant.
                let held = if referring.is_tenant() && !resource.is_tenant() {
                    let sql = format!(
                        "select 1 from {} where {} = ?1 limit 1",
                        crate::schema::quote(&referring.table),
                        crate::schema::quote(column)
                    );
                    session.exists(&sql, |statement| {
                        statement.raw_bind_parameter(1, super::bind::Key(id))
                    })?
                } else {
                    holds(session, referring, column, attempt.tenant, id)?
                };
                if held {
                    by = Some((*from, *field));
                    break;
                }
            }
            Ok(Some(Error::InUse {
                resource: attempt.resource,
                by,
            }))
        }
    }
}

fn holds(
    session: &Session,
    resource: &carnet_model::Resource,
    column: &str,
    tenant: i64,
    id: carnet_kernel::Id,
) -> rusqlite::Result<bool> {
    let table = crate::schema::quote(&resource.table);
    let column = crate::schema::quote(column);
    if resource.is_tenant() {
        let sql = format!("select 1 from {table} where \"tenant\" = ?1 and {column} = ?2 limit 1");
        session.exists(&sql, |statement| {
            statement.raw_bind_parameter(1, tenant)?;
            statement.raw_bind_parameter(2, super::bind::Key(id))
        })
    } else {
        let sql = format!("select 1 from {table} where {column} = ?1 limit 1");
        session.exists(&sql, |statement| {
            statement.raw_bind_parameter(1, super::bind::Key(id))
        })
    }
}
