//! Related records that a connection writes while it reads them: a statement of SQLite calls functions
//! of ours for their rows, and each call writes JSON from its cells at once. Not the functions.

use super::row::{Column, enclose, write_members, write_object};
use super::{Bound, Cells, unexpected};
use crate::Error;

/// What one call of a statement writes. The calls of a statement are numbered; a call tells its
/// number before its cells.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    /// An object of the cells.
    Object(Vec<Column>),
    /// The members of an object, of a part of its cells.
    Members(Vec<Column>),
    /// An object of so many cells which are such parts.
    Joined(usize),
}

impl Call {
    /// Appends what it makes of the cells.
    pub(crate) fn write<C: Cells>(&self, cells: &C, out: &mut Vec<u8>) -> Result<(), Error> {
        // What becomes too long is noticed by whoever calls.
        let bound = Bound::of(u64::MAX);
        match self {
            Self::Object(columns) => write_object(columns, cells, 0, bound, out),
            Self::Members(columns) => write_members(columns, cells, 0, bound, out),
            Self::Joined(parts) => {
                let start = out.len();
                for part in 0..*parts {
                    out.extend_from_slice(cells.written(part)?.ok_or_else(unexpected)?);
                }
                enclose(start, out);
                Ok(())
            }
        }
    }
}
