//! From loaded records and read bodies to `Changes`. Pure: no scope, no clock, no runtime; the
//! moment, the ids and the caller come in a `Stamp` and are the same on every rerun.

mod change;
mod create;
mod delete;
mod image;
mod precondition;
#[cfg(test)]
mod tests;

pub use change::{Change, Kind};
pub use create::{Create, fill, missing};
pub use delete::{Delete, MAX_AFFECTED};
pub use precondition::Precondition;
