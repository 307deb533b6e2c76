//! Rows of groups to JSON objects: values of fields, and exact numbers of any size.

use super::cell::write_name;
use super::row::write_cell;
use super::{Bound, Cells, Kind, unexpected};
use crate::{Error, Groups, Window};
use carnet_kernel::MAX_SAFE_INTEGER;

/// How one column of a group is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GroupCell {
    /// As a field is.
    Value(Kind),
    /// A number in units of its last digit.
    Exact {
        /// How many fraction digits it has.
        scale: u8,
        /// Whether it is a JSON number where every reader keeps it exactly.
        number: bool,
        /// Whether it comes as text, or as the sortable blob of our aggregates.
        text: bool,
    },
}

/// The columns of a rendered grouping; after them comes the number of groups.
#[derive(Clone, Debug)]
pub(crate) struct GroupShape {
    cells: Vec<(String, GroupCell)>,
}

impl GroupShape {
    pub(crate) fn new(cells: Vec<(String, GroupCell)>) -> Self {
        let named = cells.into_iter().map(|(name, cell)| {
            let mut key = String::with_capacity(name.len() + 3);
            write_name(&name, &mut key);
            (key, cell)
        });
        Self {
            cells: named.collect(),
        }
    }

    fn write<C: Cells>(&self, cells: &C, out: &mut String) -> Result<(), Error> {
        out.push('{');
        for (position, (key, cell)) in self.cells.iter().enumerate() {
            if position > 0 {
                out.push(',');
            }
            out.push_str(key);
            match *cell {
                GroupCell::Value(kind) => write_cell(kind, cells, position, out)?,
                GroupCell::Exact {
                    scale,
                    number,
                    text,
                } => match exact(cells, position, text)? {
                    Some(value) => write_exact(value, scale, number, out),
                    None => out.push_str("null"),
                },
            }
        }
        out.push('}');
        Ok(())
    }
}

/// Groups that are being read.
pub(crate) struct GroupPage<'a> {
    shape: &'a GroupShape,
    window: Window,
    bound: Bound,
    json: String,
    rows: usize,
    more: bool,
    total: Option<u64>,
}

impl<'a> GroupPage<'a> {
    pub(crate) fn new(shape: &'a GroupShape, window: Window, bound: Bound) -> Self {
        Self {
            shape,
            window,
            bound,
            json: "[".to_owned(),
            rows: 0,
            more: false,
            total: (window.offset == 0).then_some(0),
        }
    }

    /// Takes the next row.
    pub(crate) fn row<C: Cells>(&mut self, cells: &C) -> Result<(), Error> {
        let total = cells.integer(self.shape.cells.len())?;
        self.total = total.and_then(|total| u64::try_from(total).ok());
        if self.rows as u64 >= u64::from(self.window.limit) {
            self.more = true;
            return Ok(());
        }
        if self.rows > 0 {
            self.json.push(',');
        }
        self.rows += 1;
        self.shape.write(cells, &mut self.json)?;
        self.bound.check(self.json.len())
    }

    pub(crate) fn finish(mut self) -> Groups {
        self.json.push(']');
        Groups {
            json: self.json.into_bytes(),
            rows: self.rows,
            more: self.more,
            total: self.total,
        }
    }
}

fn exact<C: Cells>(cells: &C, column: usize, text: bool) -> Result<Option<i128>, Error> {
    if text {
        let number = cells.text(column)?.map(str::parse::<i128>).transpose();
        return number.map_err(|_| unexpected());
    }
    let sortable = cells.id(column)?.map(carnet_kernel::Id::as_u128);
    Ok(sortable.map(|bits| (bits ^ (1 << 127)).cast_signed()))
}

fn write_exact(value: i128, scale: u8, number: bool, out: &mut String) {
    let bare = number && value.unsigned_abs() <= MAX_SAFE_INTEGER.unsigned_abs().into();
    let mut digits = value.unsigned_abs().to_string();
    let scale = usize::from(scale);
    if scale > 0 {
        digits = format!("{digits:0>width$}", width = scale + 1);
        digits.insert(digits.len() - scale, '.');
    }
    let quote = if bare { "" } else { "\"" };
    out.push_str(quote);
    if value < 0 {
        out.push('-');
    }
    out.push_str(&digits);
    out.push_str(quote);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: i128, scale: u8, number: bool, expected: &str) {
        let mut out = String::new();
        write_exact(value, scale, number, &mut out);
        assert_eq!(out, expected);
    }

    #[test]
    fn exact_numbers_keep_every_digit() {
        check(1_200, 2, false, "\"12.00\"");
        check(-5, 2, false, "\"-0.05\"");
        check(0, 4, false, "\"0.0000\"");
        check(7, 0, true, "7");
        check(-9_007_199_254_740_991, 0, true, "-9007199254740991");
        check(9_007_199_254_740_992, 0, true, "\"9007199254740992\"");
        check(
            i128::MAX,
            2,
            false,
            "\"1701411834604692317316873037158841057.27\"",
        );
    }
}
