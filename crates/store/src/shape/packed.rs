//! Related records as bytes: how SQLite hands them over without making JSON of them first. One
//! cell after the other, each with its kind and, where that varies, its length; every row of a list
//! begins with a mark. Never kept, so that the form may change with the program.

use super::nested::Nested;
use super::row::{Column, Source, write_cell};
use super::{Bound, CHUNK, Cells, Kind, unexpected};
use crate::Error;
use carnet_kernel::Id;

const NULL: u8 = 0;
const INTEGER: u8 = 1;
const REAL: u8 = 2;
const TEXT: u8 = 3;
const BLOB: u8 = 4;
const ROW: u8 = 5;

/// One value as SQLite knows it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Packed<'t> {
    Null,
    Integer(i64),
    Real(f64),
    /// Not yet known to be UTF-8.
    Text(&'t [u8]),
    /// An id, or what [`open_row`] and [`Packed::put`] made.
    Blob(&'t [u8]),
}

/// Begins a row of a list.
pub(crate) fn open_row(out: &mut Vec<u8>) {
    out.push(ROW);
}

impl Packed<'_> {
    /// Appends the value. At most half as much again as it takes in an answer.
    pub(crate) fn put(self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.push(NULL),
            Self::Integer(number) => fixed(INTEGER, number.to_le_bytes(), out),
            Self::Real(number) => fixed(REAL, number.to_le_bytes(), out),
            Self::Text(bytes) => long(TEXT, bytes, out),
            Self::Blob(bytes) => long(BLOB, bytes, out),
        }
    }
}

fn fixed(mark: u8, bytes: [u8; 8], out: &mut Vec<u8>) {
    let mut cell = [mark; 9];
    cell[1..].copy_from_slice(&bytes);
    out.extend_from_slice(&cell);
}

fn long(mark: u8, bytes: &[u8], out: &mut Vec<u8>) {
    // SQLite's longest value is shorter by half; another would be refused where it is read.
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    out.reserve(bytes.len() + 5);
    out.push(mark);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(bytes);
}

/// What is left to read.
struct Reader<'t> {
    rest: &'t [u8],
    cell: usize,
    chunked: bool,
}

impl<'t> Reader<'t> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (bytes, rest) = self.rest.split_first_chunk::<N>().ok_or_else(unexpected)?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn length(&mut self) -> Result<usize, Error> {
        usize::try_from(u32::from_le_bytes(self.array()?)).map_err(|_| unexpected())
    }

    fn bytes(&mut self) -> Result<&'t [u8], Error> {
        let length = self.length()?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or_else(unexpected)?;
        self.rest = rest;
        Ok(bytes)
    }

    /// The next cell of a row.
    fn next(&mut self) -> Result<Packed<'t>, Error> {
        if self.chunked && self.cell.is_multiple_of(CHUNK) {
            let [BLOB] = self.array()? else {
                return Err(unexpected());
            };
            self.length()?;
        }
        self.cell += 1;
        let [mark] = self.array()?;
        match mark {
            NULL => Ok(Packed::Null),
            INTEGER => Ok(Packed::Integer(i64::from_le_bytes(self.array()?))),
            REAL => Ok(Packed::Real(f64::from_le_bytes(self.array()?))),
            TEXT => self.bytes().map(Packed::Text),
            BLOB => self.bytes().map(Packed::Blob),
            _ => Err(unexpected()),
        }
    }
}

impl Nested {
    /// Appends what the database packed, or what no row means.
    pub(super) fn write_packed(
        &self,
        bytes: Option<&[u8]>,
        bound: Bound,
        out: &mut String,
    ) -> Result<(), Error> {
        let Some(bytes) = bytes else {
            if self.many {
                // A list is never null, unless the database held it back for its size.
                return Err(bound.exceeded());
            }
            out.push_str("null");
            return Ok(());
        };
        let mut reader = Reader {
            rest: bytes,
            cell: 0,
            chunked: self.chunked,
        };
        if !self.many {
            members(&self.columns, &mut reader, bound, out)?;
            bound.check(out.len())?;
            return if reader.rest.is_empty() {
                Ok(())
            } else {
                Err(unexpected())
            };
        }
        out.push('[');
        while !reader.rest.is_empty() {
            let [ROW] = reader.array()? else {
                return Err(unexpected());
            };
            if reader.rest.len() + 1 < bytes.len() {
                out.push(',');
            }
            reader.cell = 0;
            members(&self.columns, &mut reader, bound, out)?;
            bound.check(out.len())?;
        }
        out.push(']');
        Ok(())
    }
}

fn members(
    columns: &[Column],
    reader: &mut Reader<'_>,
    bound: Bound,
    out: &mut String,
) -> Result<(), Error> {
    out.push('{');
    for (position, column) in columns.iter().enumerate() {
        if position > 0 {
            out.push(',');
        }
        out.push_str(&column.key);
        match &column.source {
            Source::Cell(Kind::Principal) => {
                let pair = Pair(reader.next()?, reader.next()?);
                write_cell(Kind::Principal, &pair, 0, out)?;
            }
            Source::Cell(kind) => write_cell(*kind, &Pair(reader.next()?, Packed::Null), 0, out)?,
            Source::Nested(nested) => {
                let pair = Pair(reader.next()?, Packed::Null);
                nested.write_packed(pair.packed(0)?, bound, out)?;
            }
            Source::Group(inner) => members(inner, reader, bound, out)?,
        }
    }
    out.push('}');
    Ok(())
}

/// The cells of one member, read as those of a row are.
struct Pair<'t>(Packed<'t>, Packed<'t>);

impl<'t> Pair<'t> {
    fn cell(&self, column: usize) -> Packed<'t> {
        if column == 0 { self.0 } else { self.1 }
    }
}

impl Cells for Pair<'_> {
    fn integer(&self, column: usize) -> Result<Option<i64>, Error> {
        match self.cell(column) {
            Packed::Null => Ok(None),
            Packed::Integer(number) => Ok(Some(number)),
            _ => Err(unexpected()),
        }
    }

    fn float(&self, column: usize) -> Result<Option<f64>, Error> {
        match self.cell(column) {
            Packed::Null => Ok(None),
            Packed::Real(number) => Ok(Some(number)),
            Packed::Integer(number) => Ok(Some(number as f64)),
            _ => Err(unexpected()),
        }
    }

    fn boolean(&self, column: usize) -> Result<Option<bool>, Error> {
        Ok(self.integer(column)?.map(|number| number != 0))
    }

    fn text(&self, column: usize) -> Result<Option<&str>, Error> {
        match self.cell(column) {
            Packed::Null => Ok(None),
            Packed::Text(bytes) => std::str::from_utf8(bytes)
                .map(Some)
                .map_err(|_| unexpected()),
            _ => Err(unexpected()),
        }
    }

    fn id(&self, column: usize) -> Result<Option<Id>, Error> {
        match self.packed(column)? {
            None => Ok(None),
            Some(bytes) => <[u8; 16]>::try_from(bytes)
                .map(|bytes| Some(Id::from_bytes(bytes)))
                .map_err(|_| unexpected()),
        }
    }

    fn date(&self, column: usize) -> Result<Option<i32>, Error> {
        let days = self.integer(column)?.map(i32::try_from).transpose();
        days.map_err(|_| unexpected())
    }

    fn date_time(&self, column: usize) -> Result<Option<i64>, Error> {
        self.integer(column)
    }

    fn json(&self, column: usize) -> Result<Option<&str>, Error> {
        self.text(column)
    }

    fn packed(&self, column: usize) -> Result<Option<&[u8]>, Error> {
        match self.cell(column) {
            Packed::Null => Ok(None),
            Packed::Blob(bytes) => Ok(Some(bytes)),
            _ => Err(unexpected()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use carnet_model::IdForm;
    use proptest::prelude::*;

    fn nested(columns: Vec<Column>, many: bool) -> Nested {
        Nested {
            columns,
            many,
            chunked: false,
            packed: true,
        }
    }

    fn cell(name: &str, kind: Kind) -> Column {
        Column::new(name, Source::Cell(kind))
    }

    fn pack(cells: &[Packed<'_>]) -> Vec<u8> {
        let mut out = Vec::new();
        cells.iter().for_each(|cell| cell.put(&mut out));
        out
    }

    fn list(rows: &[&[Packed<'_>]]) -> Vec<u8> {
        let mut out = Vec::new();
        for row in rows {
            open_row(&mut out);
            out.extend(pack(row));
        }
        out
    }

    fn write(nested: &Nested, bytes: Option<&[u8]>) -> Result<String, Error> {
        let mut out = String::new();
        nested.write_packed(bytes, Bound::of(1 << 20), &mut out)?;
        Ok(out)
    }

    #[track_caller]
    fn check(nested: &Nested, bytes: &[u8], expected: &str) {
        assert_eq!(write(nested, Some(bytes)).unwrap(), expected);
    }

    #[test]
    fn every_kind_of_cell() {
        let kinds = [
            ("id", Kind::Id(IdForm::Uuid)),
            ("i", Kind::Integer),
            ("f", Kind::Float),
            ("b", Kind::Boolean),
            ("d", Kind::Decimal(2)),
            ("t", Kind::Text),
            ("day", Kind::Date),
            ("at", Kind::DateTime),
            ("time", Kind::Time),
            ("span", Kind::Duration),
            ("j", Kind::Json),
            ("by", Kind::Principal),
        ];
        let shape = nested(
            kinds.iter().map(|(name, kind)| cell(name, *kind)).collect(),
            false,
        );
        let id = 0x0192_8f3e_7c00_7abc_9def_0123_4567_89ab_u128.to_be_bytes();
        check(
            &shape,
            &pack(&[
                Packed::Blob(&id),
                Packed::Integer(-5),
                Packed::Real(1e21),
                Packed::Integer(1),
                Packed::Integer(-5),
                Packed::Text("a\"😀/é".as_bytes()),
                Packed::Integer(1),
                Packed::Integer(1_000_000),
                Packed::Integer(1),
                Packed::Integer(0),
                Packed::Text(b"{\"a\":[1,\"]}\\\"\"]}"),
                Packed::Text(b"user"),
                Packed::Blob(&id),
            ]),
            "{\"id\":\"01928f3e-7c00-7abc-9def-0123456789ab\",\"i\":-5,\"f\":1e+21,\"b\":true,\
             \"d\":\"-0.05\",\"t\":\"a\\\"😀/é\",\"day\":\"1970-01-02\",\
             \"at\":\"1970-01-01T00:00:01.000000Z\",\"time\":\"00:00:00.000001\",\"span\":\"PT0S\",\
             \"j\":{\"a\":[1,\"]}\\\"\"]},\"by\":{\"kind\":\"user\",\
             \"id\":\"01JA7KWZ00FAY9VVR14D2PF2DB\"}}",
        );
        check(
            &shape,
            &pack(&[Packed::Null; 13]),
            "{\"id\":null,\"i\":null,\"f\":null,\"b\":null,\"d\":null,\"t\":null,\"day\":null,\
             \"at\":null,\"time\":null,\"span\":null,\"j\":null,\"by\":null}",
        );
    }

    #[test]
    fn lists_and_absent_records() {
        let one = nested(vec![cell("a", Kind::Integer)], false);
        assert_eq!(write(&one, None).unwrap(), "null");
        let many = nested(vec![cell("a", Kind::Integer)], true);
        let held_back = write(&many, None);
        assert!(matches!(held_back, Err(Error::AnswerTooLarge { .. })));
        check(&many, &[], "[]");
        let rows = list(&[&[Packed::Integer(1)], &[Packed::Null]]);
        check(&many, &rows, "[{\"a\":1},{\"a\":null}]");
        check(&nested(Vec::new(), true), &list(&[&[], &[]]), "[{},{}]");
        check(&nested(Vec::new(), false), &[], "{}");

        let inner = Column::new("in", Source::Nested(many));
        let counts = Column::new("_count", Source::Group(vec![cell("n", Kind::Integer)]));
        let outer = nested(vec![inner, counts], true);
        check(
            &outer,
            &list(&[&[Packed::Blob(&rows), Packed::Integer(2)]]),
            "[{\"in\":[{\"a\":1},{\"a\":null}],\"_count\":{\"n\":2}}]",
        );
    }

    #[test]
    fn long_rows_stand_in_chunks() {
        let count = CHUNK * 2 + 1;
        let columns = (0..count).map(|at| cell(&format!("c{at}"), Kind::Integer));
        let mut shape = nested(columns.collect(), true);
        shape.chunked = true;
        let numbers: Vec<_> = (0..count)
            .map(|number| Packed::Integer(number as i64))
            .collect();
        let chunks: Vec<_> = numbers.chunks(CHUNK).map(pack).collect();
        let row: Vec<_> = chunks.iter().map(|chunk| Packed::Blob(chunk)).collect();
        let members: Vec<_> = (0..count).map(|at| format!("\"c{at}\":{at}")).collect();
        let record = format!("{{{}}}", members.join(","));
        check(
            &shape,
            &list(&[&row, &row]),
            &format!("[{record},{record}]"),
        );
    }

    #[test]
    fn nothing_is_written_far_beyond_the_bound() {
        let shape = nested(vec![cell("a", Kind::Integer)], true);
        let row: &[Packed<'_>] = &[Packed::Integer(1)];
        let mut out = String::new();
        let error = shape.write_packed(Some(&list(&[row; 1_000])), Bound::of(100), &mut out);
        assert!(matches!(error, Err(Error::AnswerTooLarge { .. })));
        assert!(out.len() < 120, "{}", out.len());
    }

    #[test]
    fn unexpected_bytes_are_errors() {
        let shape = nested(vec![cell("a", Kind::Integer), cell("b", Kind::Text)], true);
        let good = list(&[&[Packed::Integer(1), Packed::Text(b"x")]]);
        assert!(write(&shape, Some(&good)).is_ok());
        for end in 1..good.len() {
            let error = write(&shape, good.get(..end));
            assert!(matches!(error, Err(Error::Internal(_))), "{end}");
        }
        for row in [
            &[Packed::Text(b"1"), Packed::Text(b"x")],
            &[Packed::Integer(1), Packed::Blob(b"x")],
            &[Packed::Integer(1), Packed::Text(b"\xff")],
            &[Packed::Real(1.5), Packed::Text(b"x")],
        ] {
            let error = write(&shape, Some(&list(&[row])));
            assert!(matches!(error, Err(Error::Internal(_))), "{row:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(0_u8..7, 0..40)) {
            let shape = nested(vec![cell("a", Kind::Text), cell("b", Kind::Principal)], true);
            drop(write(&shape, Some(&bytes)));
        }
    }
}
