//! The sort keys of a row, as a page tells them to those who go on from it.

use super::record::value;
use super::{Cells, Kind, unexpected};
use crate::{Dialect, Error};
use carnet_kernel::{Id, Value};

/// How a sort key is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marked {
    /// As a field of the kind.
    Value(Kind),
    /// A number in units of its last digit, of any size; told as the text of its digits.
    Exact {
        /// Whether it comes as text, or as the sortable blob of our aggregates.
        text: bool,
    },
}

impl Marked {
    /// An exact number as a database gives it.
    pub(crate) fn exact(dialect: Dialect) -> Self {
        Self::Exact {
            text: dialect == Dialect::Postgres,
        }
    }

    /// What stands behind its column in a select list.
    pub(crate) fn cast(self) -> &'static str {
        match self {
            Self::Exact { text: true } => "::text",
            Self::Exact { text: false } | Self::Value(_) => "",
        }
    }

    pub(super) fn read<C: Cells>(self, cells: &C, column: usize) -> Result<Value, Error> {
        match self {
            Self::Value(kind) => value(kind, cells, column),
            Self::Exact { text } => {
                let number = exact(cells, column, text)?;
                Ok(number.map_or(Value::Null, |number| Value::Text(number.to_string())))
            }
        }
    }
}

/// Reads an exact number.
pub(super) fn exact<C: Cells>(cells: &C, column: usize, text: bool) -> Result<Option<i128>, Error> {
    if text {
        let number = cells.text(column)?.map(str::parse::<i128>).transpose();
        return number.map_err(|_| unexpected());
    }
    let sortable = cells.id(column)?.map(Id::as_u128);
    Ok(sortable.map(|bits| (bits ^ (1 << 127)).cast_signed()))
}
