//! From loaded records and read bodies to `Changes`. Pure: no scope, no clock, no runtime; the
//! moment, the ids and the caller come in a `Stamp` and are the same on every rerun.

mod change;
mod create;
mod delete;
mod image;
mod merge;
mod precondition;
mod several;
#[cfg(test)]
mod tests;

pub use change::{Change, Kind};
pub use create::{Create, fill, missing};
pub use delete::{Delete, MAX_AFFECTED};
pub use precondition::Precondition;
pub use several::{Origin, Several};
pub(crate) use several::{left, placed};

use carnet_store::{Changes, Record, Step};

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
