//! Groups: one statement of `GROUP BY`, with the number of groups beside each where it is asked for.
//! Sums and means are exact: PostgreSQL adds in `numeric`, SQLite by an aggregate of ours. A page
//! that begins after a group is a condition like others; both databases look at one on keys alone
//! before they make groups.

use super::aggregate::Gives;
use super::compare::sign;
use super::leak::leaks;
use super::level::{Level, Reached};
use super::literal;
use super::order::Bearing;
use super::seek::{Boundary, Side};
use super::writer::Writer;
use super::{Frame, Statement};
use crate::shape::{GroupCell, GroupShape, Kind, Marked, Written};
use crate::{Dialect, GroupColumn, Grouping, Having, Made, Nulls, Param, average_type, sum_type};
use carnet_expr::{CompareOp, Path, Predicate};
use carnet_kernel::{CalendarUnit, Value};
use carnet_model::FieldType;

/// A rendered grouping.
#[derive(Clone, Debug)]
pub(crate) struct GroupStatement {
    pub(crate) statement: Statement,
    /// How its rows are written.
    pub(crate) shape: GroupShape,
}

/// Renders a grouping.
pub(crate) fn grouping(frame: Frame<'_>, grouping: &Grouping) -> GroupStatement {
    let resource = frame.view.resource(grouping.resource);
    let predicate = grouping.predicate.clone().simplify();
    let mut writer = Writer::new(frame, leaks(frame.view, resource, &predicate));
    let shape = write(&mut writer, grouping, &predicate);
    GroupStatement {
        statement: writer.finish(),
        shape,
    }
}

fn path(made: &Made) -> Option<&Path> {
    match made {
        Made::Key { path, .. }
        | Made::Sum(path)
        | Made::Average(path)
        | Made::Min(path)
        | Made::Max(path) => Some(path),
        Made::Count(path) => path.as_ref(),
    }
}

fn write<'q>(
    writer: &mut Writer<'q>,
    grouping: &'q Grouping,
    predicate: &'q Predicate,
) -> GroupShape {
    let resource = writer.frame.view.resource(grouping.resource);
    let mut level = Level::new(resource, writer.alias()).showing(grouping.deleted);
    level.join_for(writer, predicate);
    let having = conditions(&grouping.having);
    let told = grouping.columns.iter().map(|column| &column.made);
    let all = told
        .chain(grouping.order.iter().map(|order| &order.by))
        .chain(having);
    for path in all.filter_map(path) {
        level.join_to(writer, path);
    }
    writer.text("SELECT ");
    let mut cells = Vec::with_capacity(grouping.columns.len());
    for (position, column) in grouping.columns.iter().enumerate() {
        writer.text(if position > 0 { ", " } else { "" });
        cells.push(told_column(writer, &level, column));
    }
    let mut width = cells.len();
    let mut marks = Vec::new();
    let sorted = grouping.order.iter().filter(|_| grouping.seek.marks);
    for order in sorted {
        let told = grouping.columns.iter();
        let known = told.enumerate().find(|(_, one)| one.made == order.by);
        let mark = gives(writer, &level, &order.by).mark(writer.frame.dialect);
        if let Some((position, _)) = known {
            marks.push((position, mark));
            continue;
        }
        writer.text(", ");
        made(writer, &level, &order.by);
        writer.text(mark.cast());
        marks.push((width, mark));
        width += 1;
    }
    if grouping.counted {
        writer.text(", count(*) OVER ()");
    }
    level.write_source(writer);
    writer.conditions(&level, None, predicate);
    let mut joint = " GROUP BY ";
    for column in &grouping.columns {
        if matches!(column.made, Made::Key { .. }) {
            writer.text(joint);
            made(writer, &level, &column.made);
            joint = ", ";
        }
    }
    let mut joint = " HAVING ";
    if !matches!(&grouping.having, Having::All(list) if list.is_empty()) {
        writer.text(joint);
        condition(writer, &level, &grouping.having);
        joint = " AND ";
    }
    let bearings: Vec<Bearing> = grouping
        .order
        .iter()
        .map(|order| {
            let nullable = !matches!(order.by, Made::Count(_));
            let (descending, backwards) = (order.descending, grouping.seek.backwards);
            Bearing::of(descending, Nulls::Smallest, nullable, backwards)
        })
        .collect();
    if let Some(mut boundary) = boundary(writer, &level, grouping, &bearings) {
        writer.text(joint);
        boundary.write_all(writer, &mut |writer, position| {
            made(writer, &level, &grouping.order[position].by);
        });
    }
    let mut joint = " ORDER BY ";
    for (order, bearing) in grouping.order.iter().zip(&bearings) {
        writer.text(joint);
        made(writer, &level, &order.by);
        writer.text(bearing.direction(writer.frame.dialect));
        joint = ", ";
    }
    writer.text(" LIMIT ");
    writer.bind(Param::Integer(i64::from(grouping.window.limit) + 1));
    if grouping.window.offset > 0 {
        writer.text(" OFFSET ");
        let offset = i64::try_from(grouping.window.offset).unwrap_or(i64::MAX);
        writer.bind(Param::Integer(offset));
    }
    GroupShape::new(cells).with(marks, grouping.counted.then_some(width))
}

/// The group that a page begins after.
fn boundary<'q>(
    writer: &Writer<'q>,
    level: &Level<'q>,
    grouping: &Grouping,
    bearings: &[Bearing],
) -> Option<Boundary> {
    let after = grouping.seek.after.as_ref()?;
    let dialect = writer.frame.dialect;
    let sides = grouping.order.iter().enumerate().map(|(position, order)| {
        let value = after.get(position)?;
        match (gives(writer, level, &order.by), value) {
            (_, Value::Null) => None,
            (Gives::Count, Value::Integer(count)) => Some(Side::plain(Param::Integer(*count))),
            (Gives::Exact, value) => Side::told_exact(value, dialect),
            (Gives::Value(field), value) => literal::of_kind(&field.kind, value).map(Side::plain),
            (Gives::Count, _) => None,
        }
    });
    Boundary::of(bearings.to_vec(), sides.collect())
}

/// What is told of a group, or what it is told by.
fn gives<'q>(writer: &Writer<'q>, level: &Level<'q>, made: &Made) -> Gives<'q> {
    let reached = path(made).and_then(|path| level.reach(writer.frame.view, path));
    match (made, reached) {
        (Made::Count(_), _) | (_, None) => Gives::Count,
        (Made::Sum(_) | Made::Average(_), Some(reached))
            if !matches!(reached.field.kind, FieldType::Float { .. }) =>
        {
            Gives::Exact
        }
        (_, Some(reached)) => Gives::Value(reached.field),
    }
}

/// What a condition looks at.
fn conditions(having: &Having) -> Vec<&Made> {
    match having {
        Having::All(list) | Having::Any(list) => list.iter().flat_map(conditions).collect(),
        Having::Not(inner) => conditions(inner),
        Having::Compare { made, .. } | Having::IsNull(made) => vec![made],
    }
}

/// Writes a column of the answer; how it is read.
fn told_column<'q>(
    writer: &mut Writer<'q>,
    level: &Level<'q>,
    column: &GroupColumn,
) -> (String, GroupCell) {
    made(writer, level, &column.made);
    let kind = path(&column.made)
        .and_then(|path| level.reach(writer.frame.view, path))
        .map(|reached| &reached.field.kind);
    let told = match (&column.made, kind) {
        (Made::Sum(_), Some(kind)) => sum_type(kind),
        (Made::Average(_), Some(kind)) => average_type(kind),
        (_, kind) => kind.cloned(),
    };
    let written = match (gives(writer, level, &column.made), told) {
        (Gives::Count, _) => return (column.name.clone(), GroupCell::Value(Kind::Integer)),
        (Gives::Value(field), _) => {
            let cell = GroupCell::Value(Kind::of(&field.kind));
            return (column.name.clone(), cell);
        }
        (Gives::Exact, Some(FieldType::Decimal { scale, .. })) => Written::Decimal(scale),
        (Gives::Exact, Some(FieldType::Duration)) => Written::Duration,
        (Gives::Exact, _) => Written::Integer,
    };
    let text = writer.frame.dialect == Dialect::Postgres;
    writer.text(Marked::exact(writer.frame.dialect).cast());
    (column.name.clone(), GroupCell::Exact { written, text })
}

/// Writes what a group is told by or what is made of it.
fn made<'q>(writer: &mut Writer<'q>, level: &Level<'q>, made: &Made) {
    let view = writer.frame.view;
    let Some(path) = path(made) else {
        return writer.text("count(*)");
    };
    let Some(reached) = level.reach(view, path) else {
        return writer.text("NULL");
    };
    let column = (reached.alias, &*reached.field.column);
    match made {
        Made::Key { unit: None, .. } => writer.column(column.0, column.1),
        Made::Key {
            unit: Some(unit), ..
        } => begun(writer, &reached, *unit),
        Made::Count(_) => writer.call("count(", column, ")"),
        Made::Min(_) => writer.call("min(", column, ")"),
        Made::Max(_) => writer.call("max(", column, ")"),
        Made::Sum(_) => writer.sum(column, &reached.field.kind),
        Made::Average(_) => writer.average(column, &reached.field.kind),
    }
}

/// Writes the beginning of the unit that a date or moment lies in.
fn begun<'q>(writer: &mut Writer<'q>, reached: &Reached<'q>, unit: CalendarUnit) {
    let date = matches!(reached.field.kind, FieldType::Date);
    let (before, middle, after) = match (writer.frame.dialect, date) {
        (Dialect::Postgres, true) => ("date_trunc('", "', ", "::timestamp)::date"),
        (Dialect::Postgres, false) => ("date_trunc('", "', ", ", 'UTC')"),
        (Dialect::Sqlite, true) => ("carnet_first_day('", "', ", ")"),
        (Dialect::Sqlite, false) => ("carnet_first_moment('", "', ", ")"),
    };
    writer.text(before);
    writer.text(unit.as_str());
    writer.text(middle);
    writer.column(reached.alias, &reached.field.column);
    writer.text(after);
}

fn condition<'q>(writer: &mut Writer<'q>, level: &Level<'q>, having: &Having) {
    let joined = |writer: &mut Writer<'q>, list: &[Having], word: &str, none: &str| {
        if list.is_empty() {
            return writer.text(none);
        }
        writer.text("(");
        for (position, member) in list.iter().enumerate() {
            writer.text(if position > 0 { word } else { "" });
            condition(writer, level, member);
        }
        writer.text(")");
    };
    match having {
        Having::All(list) => joined(writer, list, " AND ", "true"),
        Having::Any(list) => joined(writer, list, " OR ", "false"),
        Having::Not(inner) => {
            writer.text("NOT (");
            condition(writer, level, inner);
            writer.text(")");
        }
        Having::IsNull(of) => {
            made(writer, level, of);
            writer.text(" IS NULL");
        }
        Having::Compare {
            made: of,
            op,
            value,
        } => compare(writer, level, of, *op, value),
    }
}

fn compare<'q>(
    writer: &mut Writer<'q>,
    level: &Level<'q>,
    of: &Made,
    op: CompareOp,
    value: &Value,
) {
    let gives = gives(writer, level, of);
    let side = match (gives, value) {
        (_, Value::Null) => None,
        (Gives::Count, Value::Integer(number)) => Some(Side::plain(Param::Integer(*number))),
        (Gives::Exact, Value::Decimal(decimal)) => {
            let number = i128::from(decimal.unscaled);
            Some(Side::exact(number, writer.frame.dialect))
        }
        (Gives::Exact, Value::Integer(number) | Value::Duration(number)) => {
            Some(Side::exact(i128::from(*number), writer.frame.dialect))
        }
        (Gives::Value(field), value) => literal::of_kind(&field.kind, value).map(Side::plain),
        (Gives::Count | Gives::Exact, _) => None,
    };
    let Some(side) = side else {
        // Null is equal to null alone, and a value of another type to nothing.
        match (op, value.is_null()) {
            (CompareOp::Eq, true) => {
                made(writer, level, of);
                writer.text(" IS NULL");
            }
            (CompareOp::Ne, true) => {
                made(writer, level, of);
                writer.text(" IS NOT NULL");
            }
            (op, _) => writer.truth(op == CompareOp::Ne),
        }
        return;
    };
    made(writer, level, of);
    // Never unknown, so that its opposite is its opposite.
    writer.text(match op {
        CompareOp::Eq => writer.frame.dialect.same(),
        CompareOp::Ne => writer.frame.dialect.differs(),
        op => sign(op),
    });
    writer.text(side.before);
    writer.bind(side.param);
    writer.text(side.after);
}
