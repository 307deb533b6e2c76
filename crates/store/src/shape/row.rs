//! How the rows of one read become JSON objects.

use super::Cells;
use crate::{Document, Error};

/// The columns of a rendered read, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shape {
    /// The column of the version, when it is among the fields.
    version: Option<usize>,
    /// The column that holds the total on the row after the window's last, when it was asked for.
    pub(super) total: Option<usize>,
}

impl Shape {
    /// Appends one row as a JSON object.
    pub(crate) fn write_row<C: Cells>(&self, cells: &C, out: &mut String) -> Result<(), Error> {
        let _ = cells.integer(0)?;
        out.push_str("{}");
        Ok(())
    }

    /// One row as a document.
    pub(crate) fn document<C: Cells>(&self, cells: &C) -> Result<Document, Error> {
        let mut json = String::new();
        self.write_row(cells, &mut json)?;
        let version = match self.version {
            Some(column) => cells.integer(column)?,
            None => None,
        };
        Ok(Document {
            json: json.into_bytes(),
            version,
        })
    }
}
