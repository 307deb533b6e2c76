//! How the rows of one read become JSON objects.

use super::cell::{
    close_principal, open_principal, write_boolean, write_date, write_date_time, write_decimal,
    write_duration, write_id, write_name, write_time,
};
use super::nested::Nested;

use super::{Bound, Call, Cells, Kind, Marked, not_text};
use crate::{Document, Error};
use carnet_kernel::{Append, Decimal, Value, json};
use carnet_model::Field;
use std::sync::Arc;

/// The columns of a rendered read, in order.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    columns: Vec<Column>,
    /// The column of the version, when it is among the fields.
    version: Option<usize>,
    /// The column that holds the total on the row after the window's last, when it was asked for.
    total: Option<usize>,
    /// The columns of the sort keys, when they are asked for.
    marks: Vec<(usize, Marked)>,
    /// What the calls of the statement write.
    calls: Arc<[Call]>,
    /// The column after the last so far. A row without members has a column as well.
    next: usize,
}

/// One member of the object.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    key: Key,
    pub(super) source: Source,
    /// How many cells it takes.
    width: usize,
    /// The field's own column, by which a sort key finds it.
    name: Option<String>,
}

/// Where a member comes from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// A field.
    Cell(Kind),
    /// Related records.
    Nested(Nested),
    /// Related records that are written already: a list, or one or null.
    Written { many: bool },
    /// An object of fields.
    Group(Vec<Column>),
}

/// `,"name":`, to be written once a row. So many bytes that their number is known to the compiler
/// are copied faster than just as many as are needed.
#[derive(Clone, Debug)]
struct Key {
    /// The whole of a short one.
    short: [u8; Key::SHORT],
    length: usize,
    /// A longer one.
    long: Vec<u8>,
}

impl Key {
    const SHORT: usize = 32;

    fn new(name: &str) -> Self {
        let mut long = vec![b','];
        write_name(name, &mut long);
        let (mut short, length) = ([0; Self::SHORT], long.len());
        if let Some(room) = short.get_mut(..length) {
            room.copy_from_slice(&long);
            long = Vec::new();
        }
        Self {
            short,
            length,
            long,
        }
    }

    #[inline]
    fn write(&self, out: &mut Vec<u8>) {
        if self.length <= Self::SHORT {
            let end = out.len() + self.length;
            out.extend_from_slice(&self.short);
            out.truncate(end);
        } else {
            out.extend_from_slice(&self.long);
        }
    }
}

impl Column {
    pub(crate) fn new(name: &str, source: Source) -> Self {
        let width = match &source {
            Source::Cell(kind) => kind.width(),
            Source::Nested(_) | Source::Written { .. } => 1,
            Source::Group(members) => members.iter().map(|member| member.width).sum(),
        };
        Self {
            key: Key::new(name),
            source,
            width,
            name: None,
        }
    }

    /// Appends `,"name":`.
    pub(super) fn write_key(&self, out: &mut Vec<u8>) {
        self.key.write(out);
    }

    /// A field's member.
    pub(crate) fn field(field: &Field) -> Self {
        let source = Source::Cell(Kind::of(&field.kind));
        Self {
            name: Some(field.column.clone()),
            ..Self::new(&field.name, source)
        }
    }
}

impl Shape {
    /// The shape of rows with these columns; `version` is the position of the version among them.
    pub(crate) fn new(columns: Vec<Column>, version: Option<usize>) -> Self {
        let width = |columns: &[Column]| columns.iter().map(|column| column.width).sum();
        Self {
            version: version
                .and_then(|position| columns.get(..position))
                .map(width),
            next: width(&columns).max(1),
            columns,
            total: None,
            marks: Vec::new(),
            calls: Arc::default(),
        }
    }

    /// Says what the calls of the statement write.
    pub(crate) fn set_calls(&mut self, calls: Vec<Call>) {
        if !calls.is_empty() {
            self.calls = calls.into();
        }
    }

    /// What the calls of the statement write, by their numbers.
    pub(crate) fn calls(&self) -> &Arc<[Call]> {
        &self.calls
    }

    /// Says that a sort key is a field of the rows themselves; whether it is a member.
    pub(crate) fn mark_field(&mut self, field: &Field) -> bool {
        let mut at = 0;
        for column in &self.columns {
            if column.name.as_ref() == Some(&field.column) {
                let kind = Kind::of(&field.kind);
                self.marks.push((at, Marked::Value(kind)));
                return true;
            }
            at += column.width;
        }
        false
    }

    /// Says that a sort key stands in one more column.
    pub(crate) fn add_mark(&mut self, marked: Marked) {
        self.marks.push((self.next, marked));
        self.next += 1;
    }

    /// Whether rows tell their sort keys.
    pub(super) fn has_marks(&self) -> bool {
        !self.marks.is_empty()
    }

    /// The sort keys of a row.
    pub(super) fn marks<C: Cells>(&self, cells: &C) -> Result<Vec<Value>, Error> {
        self.marks
            .iter()
            .map(|(column, marked)| marked.read(cells, *column))
            .collect()
    }

    /// Says that the total stands in one more column.
    pub(crate) fn add_total(&mut self) {
        self.total = Some(self.next);
        self.next += 1;
    }

    /// The column of the total.
    pub(super) fn total(&self) -> Option<usize> {
        self.total
    }

    /// Appends one row as a JSON object, as long as `out` stays within its bound.
    pub(crate) fn write_row<C: Cells>(
        &self,
        cells: &C,
        bound: Bound,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        write_object(&self.columns, cells, 0, bound, out)?;
        bound.check(out.len())
    }

    /// One row as a document.
    pub(crate) fn document<C: Cells>(&self, cells: &C, bound: Bound) -> Result<Document, Error> {
        let mut json = Vec::with_capacity(512);
        self.write_row(cells, bound, &mut json)?;
        let version = match self.version {
            Some(column) => cells.integer(column)?,
            None => None,
        };
        Ok(Document { json, version })
    }
}

/// Appends an object of the cells from `at` on.
pub(super) fn write_object<C: Cells>(
    columns: &[Column],
    cells: &C,
    at: usize,
    bound: Bound,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let start = out.len();
    write_members(columns, cells, at, bound, out)?;
    enclose(start, out);
    Ok(())
}

/// Makes an object of the members from `start` on, of which each begins with a comma.
pub(super) fn enclose(start: usize, out: &mut Vec<u8>) {
    match out.get_mut(start) {
        Some(comma) => *comma = b'{',
        None => out.push(b'{'),
    }
    out.push(b'}');
}

/// Appends the members of an object, each behind a comma.
pub(super) fn write_members<C: Cells>(
    columns: &[Column],
    cells: &C,
    mut at: usize,
    bound: Bound,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    for column in columns {
        column.write_key(out);
        match &column.source {
            Source::Cell(kind) => write_cell(*kind, cells, at, out)?,
            Source::Nested(nested) => nested.write(cells.json(at)?, bound, out)?,
            Source::Written { many } => match cells.written(at)? {
                Some(json) => {
                    bound.check(out.len() + json.len())?;
                    out.extend_from_slice(json);
                }
                // A list is never null, unless the database held it back for its size.
                None if *many => return Err(bound.exceeded()),
                None => out.extend_from_slice(b"null"),
            },
            Source::Group(members) => write_object(members, cells, at, bound, out)?,
        }
        at += column.width;
    }
    Ok(())
}

pub(super) fn write_cell<C: Cells>(
    kind: Kind,
    cells: &C,
    at: usize,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    /// Null, or what the writer makes of the value.
    #[inline]
    fn put<T>(value: Option<T>, out: &mut Vec<u8>, write: impl FnOnce(T, &mut Vec<u8>)) {
        match value {
            Some(value) => write(value, out),
            None => out.extend_from_slice(b"null"),
        }
    }
    match kind {
        Kind::Integer => put(cells.integer(at)?, out, json::write_integer),
        Kind::Float => put(cells.float(at)?, out, json::write_float),
        Kind::Boolean => put(cells.boolean(at)?, out, write_boolean),
        Kind::Decimal(scale) => put(cells.integer(at)?, out, |unscaled, out| {
            write_decimal(Decimal { unscaled, scale }, out);
        }),
        Kind::Text => match cells.text_bytes(at)? {
            Some(text) => json::write_bytes(text, out).map_err(|_| not_text(at))?,
            None => out.extend_from_slice(b"null"),
        },
        Kind::Id(form) => put(cells.id(at)?, out, |id, out| write_id(form, id, out)),
        Kind::Date => put(cells.date(at)?, out, write_date),
        Kind::Time => put(cells.integer(at)?, out, write_time),
        Kind::DateTime => put(cells.date_time(at)?, out, write_date_time),
        Kind::Duration => put(cells.integer(at)?, out, write_duration),
        Kind::Json => put(cells.json(at)?, out, |text, out| out.push_text(text)),
        Kind::Principal => match cells.text(at)? {
            Some(kind) => {
                open_principal(kind, out);
                close_principal(cells.id(at + 1)?, out);
            }
            None => out.extend_from_slice(b"null"),
        },
    }
    Ok(())
}
