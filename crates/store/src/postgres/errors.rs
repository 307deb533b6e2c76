//! The server's errors to the store's. The server's words stay in what is logged.

use crate::Error;
use crate::schema::{foreign_key_name, key_name};
use carnet_model::{FieldIndex, FieldType, ModelView, Resource, ResourceIndex};
use std::error::Error as _;
use tokio_postgres::error::DbError;

/// Raised by our own function when a step changed another number of rows than it should.
const LOST_RACE: &str = "CA001";

/// What a driver error means for the session and the write it happened in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Another writer was faster: run again.
    Lost,
    /// The session is gone, or the server takes no work.
    Gone,
    /// A unique constraint.
    Unique,
    /// A foreign key.
    Reference,
    /// The statement ran out of time or was stopped.
    Stopped,
    /// The transaction waited too long for a lock or for us.
    Slow,
    /// A prepared statement no longer fits the tables: prepare it again.
    Outdated,
    /// Anything else.
    Other,
}

pub(super) fn meaning(error: &tokio_postgres::Error) -> Meaning {
    let Some(code) = error.code() else {
        return if is_transport(error) {
            Meaning::Gone
        } else {
            Meaning::Other
        };
    };
    match code.code() {
        "40001" | "40P01" | LOST_RACE => Meaning::Lost,
        "23505" => Meaning::Unique,
        "23503" | "23001" => Meaning::Reference,
        "57014" => Meaning::Stopped,
        "55P03" | "25P03" | "25P04" => Meaning::Slow,
        "0A000" if message(error).contains("cached plan") => Meaning::Outdated,
        "26000" => Meaning::Outdated,
        // Too many connections, a server that starts or stops, a primary that became a standby.
        "53300" | "57P01" | "57P02" | "57P03" | "57P05" | "25006" => Meaning::Gone,
        other if other.starts_with("08") => Meaning::Gone,
        _ => Meaning::Other,
    }
}

/// Whether the session cannot be used again after the error.
pub(super) fn ends_session(error: &tokio_postgres::Error) -> bool {
    match meaning(error) {
        Meaning::Gone => true,
        Meaning::Slow => error.code().is_some_and(|code| code.code() != "55P03"),
        _ => error.code().is_none(),
    }
}

/// The error of a statement that belongs to no record.
pub(super) fn general(error: &tokio_postgres::Error) -> Error {
    match meaning(error) {
        Meaning::Lost => Error::Conflict,
        Meaning::Gone => Error::Unavailable(text(error)),
        Meaning::Stopped => Error::Timeout,
        Meaning::Slow => Error::TooLong,
        Meaning::Unique | Meaning::Reference | Meaning::Outdated => Error::Internal(text(error)),
        Meaning::Other => match error.code().map(|code| code.code()) {
            Some("53100" | "53400") => Error::Full,
            Some("42P01" | "42703" | "3F000" | "42883") => Error::SchemaPending(
                "the database does not have the definition's schema yet; run `carnet db push`"
                    .to_owned(),
            ),
            _ => Error::Internal(text(error)),
        },
    }
}

/// The error of an attempt to connect.
pub(super) fn of_login(error: &tokio_postgres::Error) -> Error {
    match error.code().map(|code| code.code()) {
        Some("3D000") => {
            Error::Configuration(format!("the database is not there: {}", text(error)))
        }
        Some("28000" | "28P01" | "42501") => {
            Error::Configuration(format!("the server refuses the login: {}", text(error)))
        }
        // The database is closed to connections, as while it is restored or renamed.
        Some("55000") => Error::Unavailable(text(error)),
        Some(_) => general(error),
        None if is_setting(error) => Error::Configuration(text(error)),
        None => Error::Unavailable(text(error)),
    }
}

/// A driver error in words, with the server's state and message but none of its details, which
/// may hold values.
pub(super) fn text(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(inner) => format!("{} ({})", inner.message(), inner.code().code()),
        None => {
            let mut words = error.to_string();
            let mut source = error.source();
            while let Some(cause) = source {
                words.push_str(": ");
                words.push_str(&cause.to_string());
                source = cause.source();
            }
            words
        }
    }
}

fn message(error: &tokio_postgres::Error) -> &str {
    error.as_db_error().map_or("", DbError::message)
}

fn is_transport(error: &tokio_postgres::Error) -> bool {
    let words = error.to_string();
    error.is_closed()
        || words.starts_with("error communicating")
        || words.starts_with("unexpected message")
        || words.starts_with("error connecting")
        || words.starts_with("timeout")
}

fn is_setting(error: &tokio_postgres::Error) -> bool {
    let words = error.to_string();
    words.starts_with("invalid con")
        || words.starts_with("authentication")
        || words.starts_with("error performing TLS")
}

/// The kinds of step a violated reference means different things for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// An insert or an update.
    Put,
    /// A delete.
    Remove,
}

/// A violated constraint with the names of the definition.
pub(super) fn of_constraint(
    error: &tokio_postgres::Error,
    view: &ModelView,
    resource: ResourceIndex,
    change: Change,
) -> Error {
    let Some(inner) = error.as_db_error() else {
        return general(error);
    };
    let constraint = inner.constraint().unwrap_or_default();
    let found = match (meaning(error), change) {
        (Meaning::Unique, _) => unique(view.resource(resource), constraint),
        (Meaning::Reference, Change::Put) => reference(view.resource(resource), constraint)
            .map(|field| Error::ReferenceMissing { resource, field }),
        (Meaning::Reference, Change::Remove) => Some(Error::InUse {
            resource,
            by: holder(view, resource, inner, constraint),
        }),
        _ => None,
    };
    found.unwrap_or_else(|| general(error))
}

fn unique(resource: &Resource, constraint: &str) -> Option<Error> {
    let declared = resource
        .uniques
        .iter()
        .find(|unique| unique.name == constraint);
    let fields = match declared {
        Some(unique) => unique.fields.clone(),
        None if constraint == key_name(&resource.table) => vec![resource.key],
        None => return None,
    };
    Some(Error::Unique {
        resource: resource.index,
        fields,
    })
}

/// The reference of `resource` that a foreign key belongs to.
fn reference(resource: &Resource, constraint: &str) -> Option<FieldIndex> {
    let references = || {
        resource
            .each_field()
            .filter(|(_, field)| matches!(field.kind, FieldType::Ref { .. }))
    };
    let exact = references()
        .find(|(_, field)| foreign_key_name(&resource.table, &field.column) == constraint);
    exact.map(|(index, _)| index)
}

/// Who refers to a record of `resource` by that foreign key.
fn holder(
    view: &ModelView,
    resource: ResourceIndex,
    error: &DbError,
    constraint: &str,
) -> Option<(ResourceIndex, FieldIndex)> {
    view.references_to(resource)
        .iter()
        .copied()
        .filter(|(holder, _)| error.table() == Some(&view.resource(*holder).table))
        .find(|(holder, field)| reference(view.resource(*holder), constraint) == Some(*field))
}
