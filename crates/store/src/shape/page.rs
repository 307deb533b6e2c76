//! The rows of a list as they come: written, counted, the one beyond the window left out.

use super::{Bound, Cells, Shape};
use crate::{Count, Error, Listing, Query, Window};
use carnet_kernel::ByteSize;

/// A list that is being read.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    shape: &'a Shape,
    bound: Bound,
    window: Window,
    count: Count,
    json: String,
    rows: usize,
    more: bool,
    total: Option<i64>,
}

impl<'a> Page<'a> {
    /// An empty list for the rows of `query`, of at most `limit` bytes.
    pub(crate) fn new(shape: &'a Shape, query: &Query, limit: ByteSize) -> Self {
        Self {
            shape,
            bound: Bound::list(limit, query),
            window: query.window,
            count: query.count,
            json: "[".to_owned(),
            rows: 0,
            more: false,
            total: None,
        }
    }

    /// Takes the next row. Errors: `AnswerTooLarge`; then no further row is wanted.
    pub(crate) fn row<C: Cells>(&mut self, cells: &C) -> Result<(), Error> {
        if self.rows as u64 >= u64::from(self.window.limit) {
            self.more = true;
            if let Some(column) = self.shape.total() {
                self.total = cells.integer(column)?;
            }
            return Ok(());
        }
        if self.rows > 0 {
            self.json.push(',');
        }
        self.rows += 1;
        self.shape.write_row(cells, self.bound, &mut self.json)
    }

    /// After the last row: the list, or the list but for its total.
    pub(crate) fn finish(mut self) -> Finished {
        self.json.push(']');
        let mut listing = Listing {
            json: self.json.into_bytes(),
            rows: self.rows,
            more: self.more,
            total: None,
        };
        if self.count == Count::None {
            return Finished::Whole(listing);
        }
        if !self.more && (self.rows > 0 || self.window.offset == 0) {
            listing.total = Some(self.window.offset + self.rows as u64);
            return Finished::Whole(listing);
        }
        let uncounted = Uncounted {
            listing,
            count: self.count,
        };
        match self.total {
            Some(counted) => Finished::Whole(uncounted.counted(counted)),
            None => Finished::Uncounted(uncounted),
        }
    }
}

/// A list after its last row.
#[derive(Debug)]
pub(crate) enum Finished {
    /// Nothing is missing.
    Whole(Listing),
    /// The total is asked for and these rows do not tell it: run `Select::fallback_count`.
    Uncounted(Uncounted),
}

/// A list whose total is still to be counted.
#[derive(Debug)]
pub(crate) struct Uncounted {
    listing: Listing,
    count: Count,
}

impl Uncounted {
    /// The list with what the count statement answered.
    pub(crate) fn counted(mut self, counted: i64) -> Listing {
        let counted = u64::try_from(counted).unwrap_or(0);
        let known = match self.count {
            Count::UpTo(bound) => counted <= u64::from(bound),
            Count::Exact | Count::None => true,
        };
        self.listing.total = known.then_some(counted);
        self.listing
    }
}
