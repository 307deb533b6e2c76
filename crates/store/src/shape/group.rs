//! Rows of groups to JSON objects: values of fields, and exact numbers of any size.

use super::cell::write_name;
use super::mark::exact;
use super::row::write_cell;
use super::{Bound, Cells, Kind, Marked};
use crate::{Error, Grouping, Groups, Window};
use carnet_kernel::{Append, MAX_SAFE_INTEGER, Value, time};

/// How one column of a group is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GroupCell {
    /// As a field is.
    Value(Kind),
    /// A number in units of its last digit.
    Exact {
        /// How it is written.
        written: Written,
        /// Whether it comes as text, or as the sortable blob of our aggregates.
        text: bool,
    },
}

/// How an exact number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// A JSON number where every reader keeps it exactly, a text beyond.
    Integer,
    /// A text with so many fraction digits.
    Decimal(u8),
    /// Microseconds.
    Duration,
}

/// The columns of a rendered grouping.
#[derive(Clone, Debug)]
pub(crate) struct GroupShape {
    cells: Vec<(Vec<u8>, GroupCell)>,
    /// The columns of the order, when they are asked for.
    marks: Vec<(usize, Marked)>,
    /// The column that holds the number of groups, when it is asked for.
    total: Option<usize>,
}

impl GroupShape {
    pub(crate) fn new(cells: Vec<(String, GroupCell)>) -> Self {
        let named = cells.into_iter().map(|(name, cell)| {
            let mut key = Vec::with_capacity(name.len() + 3);
            write_name(&name, &mut key);
            (key, cell)
        });
        Self {
            cells: named.collect(),
            marks: Vec::new(),
            total: None,
        }
    }

    /// Says where a column of the order stands, and where the number of groups does.
    pub(crate) fn with(mut self, marks: Vec<(usize, Marked)>, total: Option<usize>) -> Self {
        self.marks = marks;
        self.total = total;
        self
    }

    fn marks<C: Cells>(&self, cells: &C) -> Result<Vec<Value>, Error> {
        self.marks
            .iter()
            .map(|(column, marked)| marked.read(cells, *column))
            .collect()
    }

    fn write<C: Cells>(&self, cells: &C, out: &mut Vec<u8>) -> Result<(), Error> {
        out.push(b'{');
        for (position, (key, cell)) in self.cells.iter().enumerate() {
            if position > 0 {
                out.push(b',');
            }
            out.extend_from_slice(key);
            match *cell {
                GroupCell::Value(kind) => write_cell(kind, cells, position, out)?,
                GroupCell::Exact { written, text } => match exact(cells, position, text)? {
                    Some(value) => write_exact(value, written, out),
                    None => out.push_text("null"),
                },
            }
        }
        out.push(b'}');
        Ok(())
    }
}

/// Groups that are being read.
pub(crate) struct GroupPage<'a> {
    shape: &'a GroupShape,
    window: Window,
    lines: bool,
    bound: Bound,
    json: Vec<u8>,
    /// Where each group begins, when they come in the opposite order.
    starts: Option<Vec<usize>>,
    rows: usize,
    more: bool,
    total: Option<u64>,
    near: Option<Vec<Value>>,
    far: Option<Vec<Value>>,
}

impl<'a> GroupPage<'a> {
    pub(crate) fn new(shape: &'a GroupShape, grouping: &Grouping, bound: Bound) -> Self {
        let whole = grouping.counted && grouping.window.offset == 0;
        Self {
            shape,
            window: grouping.window,
            lines: grouping.seek.lines,
            bound,
            json: Vec::new(),
            starts: grouping.seek.backwards.then(Vec::new),
            rows: 0,
            more: false,
            total: whole.then_some(0),
            near: None,
            far: None,
        }
    }

    fn separator(&self) -> u8 {
        if self.lines { b'\n' } else { b',' }
    }

    /// Takes the next row.
    pub(crate) fn row<C: Cells>(&mut self, cells: &C) -> Result<(), Error> {
        if let Some(column) = self.shape.total {
            let total = cells.integer(column)?;
            self.total = total.and_then(|total| u64::try_from(total).ok());
        }
        if self.rows as u64 >= u64::from(self.window.limit) {
            self.more = true;
            return Ok(());
        }
        if self.rows > 0 {
            self.json.push(self.separator());
        }
        if let Some(starts) = &mut self.starts {
            starts.push(self.json.len());
        }
        self.rows += 1;
        if self.rows == 1 {
            self.near = Some(self.shape.marks(cells)?);
        }
        if self.rows as u64 == u64::from(self.window.limit) {
            self.far = Some(self.shape.marks(cells)?);
        }
        self.shape.write(cells, &mut self.json)?;
        self.bound.check(self.json.len())
    }

    pub(crate) fn finish(self) -> Groups {
        let marks = !self.shape.marks.is_empty();
        let near = self.near.clone().filter(|_| marks);
        let far = self.far.clone().filter(|_| marks && self.more);
        let (first, last) = match self.starts {
            Some(_) => (far, near),
            None => (near, far),
        };
        Groups {
            json: self.json(),
            rows: self.rows,
            more: self.more,
            total: self.total,
            first,
            last,
        }
    }

    /// The groups in the order of the list.
    fn json(&self) -> Vec<u8> {
        let mut json = Vec::with_capacity(self.json.len() + 2);
        json.extend_from_slice(if self.lines { b"" } else { b"[" });
        match &self.starts {
            None => json.extend_from_slice(&self.json),
            Some(starts) => {
                let mut end = self.json.len();
                for (position, start) in starts.iter().rev().enumerate() {
                    if position > 0 {
                        json.push(self.separator());
                    }
                    json.extend_from_slice(self.json.get(*start..end).unwrap_or_default());
                    end = start.saturating_sub(1);
                }
            }
        }
        if !self.lines {
            json.push(b']');
        } else if self.rows > 0 {
            json.push(b'\n');
        }
        json
    }
}

fn write_exact(value: i128, written: Written, out: &mut Vec<u8>) {
    let (scale, bare) = match written {
        Written::Integer => (
            0,
            value.unsigned_abs() <= MAX_SAFE_INTEGER.unsigned_abs().into(),
        ),
        Written::Decimal(scale) => (usize::from(scale), false),
        Written::Duration => {
            out.push(b'"');
            time::write_long_duration(value, out);
            return out.push(b'"');
        }
    };
    let mut digits = value.unsigned_abs().to_string();
    if scale > 0 {
        digits = format!("{digits:0>width$}", width = scale + 1);
        digits.insert(digits.len() - scale, '.');
    }
    let quote = if bare { "" } else { "\"" };
    out.push_text(quote);
    if value < 0 {
        out.push(b'-');
    }
    out.push_text(&digits);
    out.push_text(quote);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: i128, written: Written, expected: &str) {
        let mut out = Vec::new();
        write_exact(value, written, &mut out);
        assert_eq!(std::str::from_utf8(&out), Ok(expected));
    }

    #[test]
    fn exact_numbers_keep_every_digit() {
        check(1_200, Written::Decimal(2), "\"12.00\"");
        check(-5, Written::Decimal(2), "\"-0.05\"");
        check(0, Written::Decimal(4), "\"0.0000\"");
        check(7, Written::Integer, "7");
        check(
            -9_007_199_254_740_991,
            Written::Integer,
            "-9007199254740991",
        );
        check(
            9_007_199_254_740_992,
            Written::Integer,
            "\"9007199254740992\"",
        );
        check(
            i128::MAX,
            Written::Decimal(2),
            "\"1701411834604692317316873037158841057.27\"",
        );
        check(90_061_500_000, Written::Duration, "\"P1DT1H1M1.5S\"");
        check(
            i128::from(i64::MAX) * 10,
            Written::Duration,
            "\"P1067519911DT16H9M7.75807S\"",
        );
    }
}
