//! The rows of a list as they come: written, counted, the one beyond the window left out.

use super::{Bound, Cells, Shape};
use crate::{Count, Error, Listing, Query, Window};
use carnet_kernel::{ByteSize, Value};

/// The most bytes that a page takes ahead of its rows.
const MOST_FORESEEN: usize = 256 << 10;

/// The bytes that a page takes ahead of its first row.
const ROOM_FOR_FIRST: usize = 1 << 10;

/// A list that is being read.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    shape: &'a Shape,
    bound: Bound,
    window: Window,
    count: Count,
    /// Whether the page begins after a row that is told by its sort keys.
    seeks: bool,
    marks: bool,
    lines: bool,
    /// Where each row begins, when the rows come in the opposite order.
    starts: Option<Vec<usize>>,
    json: Vec<u8>,
    rows: usize,
    more: bool,
    total: Option<i64>,
    near: Option<Vec<Value>>,
    far: Option<Vec<Value>>,
}

impl<'a> Page<'a> {
    /// An empty list for the rows of `query`, of at most `limit` bytes.
    pub(crate) fn new(shape: &'a Shape, query: &Query, limit: ByteSize) -> Self {
        let mut json = Vec::with_capacity(ROOM_FOR_FIRST);
        json.extend_from_slice(opening(query.seek.lines));
        Self {
            shape,
            bound: Bound::list(limit, query),
            window: query.window,
            count: query.count,
            seeks: query.seek.after.is_some(),
            marks: query.seek.marks && shape.has_marks(),
            lines: query.seek.lines,
            starts: query.seek.backwards.then(Vec::new),
            json,
            rows: 0,
            more: false,
            total: None,
            near: None,
            far: None,
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
            self.json.push(if self.lines { b'\n' } else { b',' });
        }
        if let Some(starts) = &mut self.starts {
            starts.push(self.json.len());
        }
        self.rows += 1;
        if self.marks && self.rows == 1 {
            self.near = Some(self.shape.marks(cells)?);
        }
        if self.marks && self.rows as u64 == u64::from(self.window.limit) {
            self.far = Some(self.shape.marks(cells)?);
        }
        self.shape.write_row(cells, self.bound, &mut self.json)?;
        if self.rows == 1 {
            // The others are about as long, so that the text grows once.
            let others = u64::from(self.window.limit).saturating_sub(1) as usize;
            let expected = self.json.len().saturating_mul(others);
            self.json.reserve(expected.min(MOST_FORESEEN));
        }
        Ok(())
    }

    /// The rows in the order of the list.
    fn turned(&self, starts: &[usize]) -> Vec<u8> {
        let mut json = Vec::with_capacity(self.json.len() + 1);
        json.extend_from_slice(opening(self.lines));
        let mut end = self.json.len();
        for (position, start) in starts.iter().rev().enumerate() {
            if position > 0 {
                json.push(if self.lines { b'\n' } else { b',' });
            }
            json.extend_from_slice(self.json.get(*start..end).unwrap_or_default());
            end = start.saturating_sub(1);
        }
        json
    }

    /// After the last row: the list, or the list but for its total.
    pub(crate) fn finish(mut self) -> Finished {
        // Beyond the page is a row only when there is one more.
        let far = self.far.take().filter(|_| self.more);
        let near = self.near.take();
        let (first, last) = match &self.starts {
            Some(starts) => {
                self.json = self.turned(starts);
                (far, near)
            }
            None => (near, far),
        };
        if !self.lines {
            self.json.push(b']');
        } else if self.rows > 0 {
            self.json.push(b'\n');
        }
        let mut listing = Listing {
            json: self.json,
            rows: self.rows,
            more: self.more,
            total: None,
            total_is_estimate: false,
            first,
            last,
        };
        if self.count == Count::None {
            return Finished::Whole(listing);
        }
        if !self.more && !self.seeks && (self.rows > 0 || self.window.offset == 0) {
            listing.total = Some(self.window.offset + self.rows as u64);
            return Finished::Whole(listing);
        }
        if !self.count.counts() {
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

/// What stands before the first row.
fn opening(lines: bool) -> &'static [u8] {
    if lines { b"" } else { b"[" }
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
            Count::UpTo(bound) | Count::Estimate(bound) => counted <= u64::from(bound),
            Count::Exact | Count::None => true,
        };
        self.listing.total = known.then_some(counted);
        self.listing
    }
}
