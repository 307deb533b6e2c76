//! From rows to JSON bytes without a value tree: the one place that knows how a field looks
//! outside. The same shape writes flat rows, nested rows made by the database, and records held
//! in memory.

mod cell;
mod cells;
mod page;
mod record;
mod row;

pub use cell::{write_name, write_record, write_value};

pub(crate) use cells::Cells;
pub(crate) use page::{Finished, Page, Uncounted};
pub(crate) use record::RecordShape;
pub(crate) use row::Shape;
