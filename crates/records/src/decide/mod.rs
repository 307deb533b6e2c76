//! From loaded records and read bodies to `Changes`. Pure: no scope, no clock, no runtime; the
//! moment, the ids and the caller come in a `Stamp` and are the same on every rerun.

mod change;
mod create;
mod delete;
mod image;
mod link;
mod matching;
mod merge;
mod operation;
mod precondition;
mod reach;
mod references;
mod restore;
mod several;
#[cfg(test)]
mod tests;
mod upsert;

pub use change::{Change, Kind};
pub use create::{Create, fill, missing};
pub use delete::Delete;
pub use link::{Link, Unlink};
pub use matching::{ChangeMatching, DeleteMatching};
pub use precondition::Precondition;
pub use reach::MAX_AFFECTED;
pub(crate) use references::needs_alive;
pub use restore::Restore;
pub use several::{Origin, Several};
pub(crate) use several::{left, placed};
pub use upsert::Upsert;

use carnet_model::Resource;
use carnet_store::{Changes, Record, Step};

/// Whether a stored record is not deleted softly.
pub(crate) fn living(resource: &Resource, record: &Record) -> bool {
    resource
        .deleted()
        .is_none_or(|fields| record.get(fields.at).is_null())
}

/// The records that a unit leaves, in its order.
pub(crate) fn records_after(changes: &Changes) -> impl Iterator<Item = &Record> {
    let stepped = changes.steps.iter().flat_map(records_of);
    stepped.chain(&changes.kept)
}

/// The records that a step leaves.
fn records_of(step: &Step) -> Box<dyn Iterator<Item = &Record> + '_> {
    match step {
        Step::Insert { rows, .. } => Box::new(rows.iter().map(|row| &row.record)),
        Step::Update { rows, .. } => Box::new(rows.iter().map(|row| &row.record)),
        Step::Delete { .. } => Box::new(std::iter::empty()),
    }
}
