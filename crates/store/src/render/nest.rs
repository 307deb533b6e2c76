//! Select lists: fields as native columns, related records as one positional column each.

use super::level::Level;
use super::select::{Limit, Prepared};
use super::writer::{Alias, Writer};
use crate::dialect::NestedForm;
use crate::shape::{CHUNK, Call, Column, Kind, Nested, Shape, Source};

use carnet_model::{Field, FieldType, RelationKind, Resource, Storage};

/// Writes the columns of the outermost query, whose rows stand under `alias`.
pub(super) fn columns<'q>(
    writer: &mut Writer<'q>,
    alias: Alias,
    prepared: &'q Prepared<'q>,
    resource: &'q Resource,
) -> Shape {
    let mut columns = Vec::with_capacity(prepared.query.fields.len() + prepared.includes.len());
    let start = writer.sql.len();
    let comma = |writer: &mut Writer<'_>| {
        if writer.sql.len() > start {
            writer.text(", ");
        }
    };
    for index in &prepared.query.fields {
        let field = resource.field(*index);
        for part in parts(field) {
            comma(writer);
            writer.column_part(alias, &field.column, part);
        }
        columns.push(Column::field(field));
    }
    for member in &prepared.includes {
        comma(writer);
        columns.push(related(writer, alias, member, resource));
    }
    if !prepared.query.counts.is_empty() {
        comma(writer);
        columns.push(counts(writer, alias, prepared, resource, |writer| {
            writer.text(", ");
        }));
    }
    if columns.is_empty() {
        writer.text("1");
    }
    let version = resource.standard.and_then(|standard| {
        prepared
            .query
            .fields
            .iter()
            .position(|index| *index == standard.version)
    });
    Shape::new(columns, version)
}

/// Which fields a page gives to the query round it.
pub(super) fn shown(prepared: &Prepared<'_>, resource: &Resource) -> Vec<bool> {
    let mut shown = vec![false; resource.fields.len()];
    for index in &prepared.query.fields {
        shown[usize::from(index.0)] = true;
    }
    for (include, _) in &prepared.includes {
        let key = match resource.relation(include.relation).kind {
            RelationKind::ToOne { field } => field,
            RelationKind::ToMany { .. } | RelationKind::Through { .. } => resource.key,
        };
        shown[usize::from(key.0)] = true;
    }
    if !prepared.query.counts.is_empty() {
        shown[usize::from(resource.key.0)] = true;
    }
    shown
}

/// Writes what a page must give to the query round it: the columns it shows and those that
/// related records hang on.
pub(super) fn needed<'q>(
    writer: &mut Writer<'q>,
    alias: Alias,
    prepared: &'q Prepared<'q>,
    resource: &'q Resource,
) {
    let keys = prepared.includes.iter().map(|(include, _)| {
        match resource.relation(include.relation).kind {
            RelationKind::ToOne { field } => field,
            RelationKind::ToMany { .. } | RelationKind::Through { .. } => resource.key,
        }
    });
    let counted = prepared.query.counts.first().map(|_| resource.key);
    let mut written = vec![false; resource.fields.len()];
    let mut first = true;
    for index in prepared
        .query
        .fields
        .iter()
        .copied()
        .chain(keys)
        .chain(counted)
    {
        let seen = &mut written[usize::from(index.0)];
        if std::mem::replace(seen, true) {
            continue;
        }
        let field = resource.field(index);
        for part in parts(field) {
            if !std::mem::replace(&mut first, false) {
                writer.text(", ");
            }
            writer.column_part(alias, &field.column, part);
        }
    }
    if first {
        writer.text("1");
    }
}

/// Writes how many records each counted relation of the row under `parent` has.
fn counts<'q>(
    writer: &mut Writer<'q>,
    parent: Alias,
    prepared: &'q Prepared<'q>,
    holder: &'q Resource,
    mut separate: impl FnMut(&mut Writer<'q>),
) -> Column {
    let mut members = Vec::with_capacity(prepared.counts.len());
    for (position, (counted, predicate)) in prepared.counts.iter().enumerate() {
        if position > 0 {
            separate(writer);
        }
        let relation = holder.relation(counted.relation);
        let (mut level, hang) = Level::related(writer, (holder, parent), relation);
        level.join_for(writer, predicate);
        writer.text("(SELECT count(*)");
        level.write_source(writer);
        writer.conditions(&level, Some(&hang), predicate);
        writer.text(")");
        members.push(Column::new(&counted.name, Source::Cell(Kind::Integer)));
    }
    Column::new("_count", Source::Group(members))
}

/// Writes the records related to the row under `parent` as one value.
fn related<'q>(
    writer: &mut Writer<'q>,
    parent: Alias,
    member: &'q (&'q crate::Include, Prepared<'q>),
    holder: &'q Resource,
) -> Column {
    let (include, prepared) = member;
    let relation = holder.relation(include.relation);
    let target = writer.frame.view.resource(relation.target);
    let writes = writer.frame.dialect.writes_related();
    let source = if relation.kind.is_many() {
        let outer = writer.alias();
        writer.text("(SELECT ");
        let most = writer.frame.largest_list;
        let most = most.filter(|_| writer.frame.dialect.guards_lists());
        if let Some(most) = most {
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            writer.text("CASE WHEN pg_column_size(list) <= ");
            writer.number(most);
            writer.text(" THEN list END FROM (SELECT ");
        }
        let source = if writes {
            object(writer, outer, prepared, target, true)
        } else {
            writer.text("coalesce(json_agg(");
            let source = array(writer, outer, prepared, target, true);
            writer.text("), '[]')");
            source
        };
        writer.text(if most.is_some() {
            " AS list FROM (SELECT "
        } else {
            " FROM (SELECT "
        });
        let (level, hang) = Level::related(writer, (holder, parent), relation);
        let mut level = level.showing(prepared.query.deleted);
        needed(writer, level.alias, prepared, target);
        level.join_for(writer, &prepared.predicate);
        level.write_source(writer);
        level.join_order(writer, &prepared.order);
        writer.conditions(&level, Some(&hang), &prepared.predicate);
        writer.order_related(&level, &prepared.order);
        Limit::related(prepared.query.window).write(writer);
        writer.text(") ");
        writer.name(outer);
        if most.is_some() {
            writer.text(") ");
            let alias = writer.alias();
            writer.name(alias);
        }
        source
    } else {
        let (level, hang) = Level::related(writer, (holder, parent), relation);
        let mut level = level.showing(prepared.query.deleted);
        writer.text("(SELECT ");
        let source = if writes {
            object(writer, level.alias, prepared, target, false)
        } else {
            array(writer, level.alias, prepared, target, false)
        };
        level.join_for(writer, &prepared.predicate);
        level.write_source(writer);
        writer.conditions(&level, Some(&hang), &prepared.predicate);
        source
    };
    writer.text(")");
    Column::new(&relation.name, source)
}

/// Writes the call that makes an object of the row under `alias`, or a list of objects of all rows.
/// The cells of a long row are handed over in parts, because SQLite passes a bounded number of
/// arguments.
fn object<'q>(
    writer: &mut Writer<'q>,
    alias: Alias,
    prepared: &'q Prepared<'q>,
    resource: &'q Resource,
    many: bool,
) -> Source {
    let query = prepared.query;
    let fields = || query.fields.iter().map(|index| resource.field(*index));
    let cells = fields().map(|field| parts(field).len()).sum::<usize>()
        + prepared.includes.len()
        + query.counts.len();
    let whole = writer.begin_call(if many { "carnet_list" } else { "carnet_object" });
    let mut row = Cells {
        columns: Vec::with_capacity(query.fields.len() + prepared.includes.len()),
        part: None,
        parts: 0,
        width: 0,
        long: cells > CHUNK,
    };
    for field in fields() {
        row.make_room(writer, parts(field).len());
        for part in parts(field) {
            writer.text(", ");
            // SQLite copies a text that it hands over, to end it with a zero, but no bytes. What a
            // list is made of was copied already.
            let text = !many && is_text(field, part);
            writer.text(if text { "CAST(" } else { "" });
            writer.column_part(alias, &field.column, part);
            writer.text(if text { " AS BLOB)" } else { "" });
        }
        row.columns.push(Column::field(field));
    }
    for member in &prepared.includes {
        row.make_room(writer, 1);
        writer.text(", ");
        row.columns.push(related(writer, alias, member, resource));
    }
    if !query.counts.is_empty() {
        row.make_room(writer, query.counts.len());
        writer.text(", ");
        let column = counts(writer, alias, prepared, resource, |writer| {
            writer.text(", ");
        });
        row.columns.push(column);
    }
    row.end_part(writer);
    let call = if row.long {
        Call::Joined(row.parts)
    } else {
        Call::Object(row.columns)
    };
    writer.set_call(whole, call);
    Source::Written { many }
}

/// The cells of one row in the making.
struct Cells {
    columns: Vec<Column>,
    /// The call of the part that is open.
    part: Option<usize>,
    parts: usize,
    /// How many cells the part has.
    width: usize,
    /// Whether the row stands in parts.
    long: bool,
}

impl Cells {
    /// Begins a part where the one before has no room for so many cells more.
    fn make_room(&mut self, writer: &mut Writer<'_>, cells: usize) {
        if self.long && (self.part.is_none() || self.width + cells > CHUNK) {
            self.end_part(writer);
            writer.text(", ");
            self.part = Some(writer.begin_call("carnet_members"));
            self.parts += 1;
            self.width = 0;
        }
        self.width += cells;
    }

    fn end_part(&mut self, writer: &mut Writer<'_>) {
        if let Some(part) = self.part.take() {
            writer.set_call(part, Call::Members(std::mem::take(&mut self.columns)));
        }
    }
}

/// Writes the row under `alias` as a positional array. A long row is an array of arrays, because
/// PostgreSQL passes at most 100 arguments.
fn array<'q>(
    writer: &mut Writer<'q>,
    alias: Alias,
    prepared: &'q Prepared<'q>,
    resource: &'q Resource,
    many: bool,
) -> Source {
    let query = prepared.query;
    let fields = || query.fields.iter().map(|index| resource.field(*index));
    let cells = fields().map(|field| parts(field).len()).sum::<usize>()
        + prepared.includes.len()
        + query.counts.len();
    let chunked = cells > CHUNK;
    let open = "json_build_array(";
    let levels = 1 + usize::from(chunked);
    for _ in 0..levels {
        writer.text(open);
    }
    let mut cell = 0;
    let mut separate = |writer: &mut Writer<'_>| {
        if cell > 0 && chunked && cell % CHUNK == 0 {
            writer.text("), ");
            writer.text(open);
        } else if cell > 0 {
            writer.text(", ");
        }
        cell += 1;
    };
    let mut columns = Vec::with_capacity(query.fields.len() + prepared.includes.len());
    for field in fields() {
        for part in parts(field) {
            separate(writer);
            let (before, after) = writer.frame.dialect.nested(form(field, resource, part));
            writer.text(before);
            writer.column_part(alias, &field.column, part);
            writer.text(after);
        }
        columns.push(Column::field(field));
    }
    for member in &prepared.includes {
        separate(writer);
        columns.push(related(writer, alias, member, resource));
    }
    if !query.counts.is_empty() {
        separate(writer);
        columns.push(counts(writer, alias, prepared, resource, separate));
    }
    for _ in 0..levels {
        writer.text(")");
    }
    Source::Nested(Nested {
        columns,
        many,
        chunked,
    })
}

/// The suffixes of a field's columns.
pub(super) fn parts(field: &Field) -> &'static [&'static str] {
    match field.kind {
        FieldType::Principal => &["_kind", "_id"],
        _ => &[""],
    }
}

/// Whether a column of a field holds text on SQLite.
fn is_text(field: &Field, part: &str) -> bool {
    match Kind::of(&field.kind) {
        Kind::Text | Kind::Json => true,
        Kind::Principal => part == "_kind",
        _ => false,
    }
}

fn form(field: &Field, resource: &Resource, part: &str) -> NestedForm {
    match Kind::of(&field.kind) {
        Kind::Id(_) => NestedForm::Id,
        Kind::Principal if part == "_id" => NestedForm::Id,
        Kind::Json if resource.storage == Storage::Platform => NestedForm::JsonText,
        Kind::Json => NestedForm::Json,
        Kind::Date => NestedForm::Date,
        Kind::DateTime => NestedForm::DateTime,
        Kind::Integer
        | Kind::Float
        | Kind::Boolean
        | Kind::Decimal(_)
        | Kind::Text
        | Kind::Time
        | Kind::Duration
        | Kind::Principal => NestedForm::Plain,
    }
}

/// Writes every column of a whole record, in its resource's order.
pub(super) fn whole(writer: &mut Writer<'_>, alias: Alias, resource: &Resource) {
    let mut first = true;
    for field in &resource.fields {
        for part in parts(field) {
            if !std::mem::replace(&mut first, false) {
                writer.text(", ");
            }
            writer.column_part(alias, &field.column, part);
        }
    }
}
