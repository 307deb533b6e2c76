//! From rows to JSON bytes without a value tree: the one place that knows how a field looks
//! outside. The same shape writes flat rows, nested rows made by the database, and records held
//! in memory.

mod bound;
mod call;
mod cell;
mod cells;
mod cursor;
mod group;
mod kind;
mod mark;
mod nested;
mod page;
mod record;
mod row;

pub use cell::{write_image, write_name, write_record, write_value};

pub(crate) use bound::{Bound, handed_over};
pub(crate) use call::Call;
pub(crate) use cells::Cells;
pub(crate) use group::{GroupCell, GroupPage, GroupShape, Written};
pub(crate) use kind::Kind;
pub(crate) use mark::Marked;
pub(crate) use nested::{CHUNK, Nested};
pub(crate) use page::{Finished, Page};
pub(crate) use record::RecordShape;
pub(crate) use row::{Column, Shape, Source};

pub(crate) use carnet_kernel::json::write_integer;

/// The database answered a statement of ours in a form it was not asked for.
fn unexpected() -> crate::Error {
    crate::Error::Internal("the database made records of another shape than asked for".to_owned())
}

/// A text of the database is none.
fn not_text(column: usize) -> crate::Error {
    crate::Error::Internal(format!("column {column} is not UTF-8"))
}
