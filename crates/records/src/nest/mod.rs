//! Nested writes: a record with related records in one body and one transaction, under the names
//! of their relations. `read` and `related` take bodies apart, `unit` decides, `answer` shows what
//! was written.

mod answer;
mod read;
mod related;
#[cfg(test)]
mod tests;
mod unit;

pub(crate) use answer::{answer, note, record, text};
pub(crate) use read::{MAX_NESTED, Root, Shown, read};
pub(crate) use unit::Nested;

use carnet_model::Resource;
use serde_json::value::RawValue;

/// Whether a body names a relation of its resource.
pub(crate) fn names_relation(resource: &Resource, entries: &[(String, Box<RawValue>)]) -> bool {
    entries
        .iter()
        .any(|(name, _)| resource.relation_named(name).is_some())
}
