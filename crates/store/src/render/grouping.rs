//! Groups: one statement of `GROUP BY` with the number of groups beside each. Sums and means are
//! exact: PostgreSQL adds in `numeric`, SQLite by an aggregate of ours.

use super::leak::leaks;
use super::level::{Level, Reached};
use super::literal;
use super::predicate::sign;
use super::writer::Writer;
use super::{Frame, Statement};
use crate::grouping::{average_scale, sum_scale};
use crate::shape::{GroupCell, GroupShape, Kind};
use crate::{Dialect, GroupColumn, Grouping, Having, Made, Nulls, Param};
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
    for column in &grouping.columns {
        cells.push(told_column(writer, &level, column));
        writer.text(", ");
    }
    writer.text("count(*) OVER ()");
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
    if !matches!(&grouping.having, Having::All(list) if list.is_empty()) {
        writer.text(" HAVING ");
        condition(writer, &level, &grouping.having);
    }
    let mut joint = " ORDER BY ";
    for order in &grouping.order {
        writer.text(joint);
        made(writer, &level, &order.by);
        writer.text(
            writer
                .frame
                .dialect
                .direction(order.descending, true, Nulls::Smallest),
        );
        joint = ", ";
    }
    writer.text(" LIMIT ");
    writer.bind(Param::Integer(i64::from(grouping.window.limit) + 1));
    if grouping.window.offset > 0 {
        writer.text(" OFFSET ");
        let offset = i64::try_from(grouping.window.offset).unwrap_or(i64::MAX);
        writer.bind(Param::Integer(offset));
    }
    GroupShape::new(cells)
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
    let exact = |writer: &mut Writer<'q>, scale: Option<u8>, number| {
        let text = writer.frame.dialect == Dialect::Postgres;
        writer.text(if text { "::text" } else { "" });
        GroupCell::Exact {
            scale: scale.unwrap_or(0),
            number,
            text,
        }
    };
    let whole = matches!(kind, Some(FieldType::Integer { .. }));
    let cell = match &column.made {
        Made::Count(_) => GroupCell::Value(Kind::Integer),
        Made::Sum(_) => exact(writer, kind.and_then(sum_scale), whole),
        Made::Average(_) => exact(writer, kind.and_then(average_scale), false),
        Made::Key { .. } | Made::Min(_) | Made::Max(_) => {
            GroupCell::Value(kind.map_or(Kind::Text, Kind::of))
        }
    };
    (column.name.clone(), cell)
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
    let postgres = writer.frame.dialect == Dialect::Postgres;
    let call = |writer: &mut Writer<'q>, before: &str, after: &str| {
        writer.text(before);
        writer.column(reached.alias, &reached.field.column);
        writer.text(after);
    };
    match made {
        Made::Key { unit: None, .. } => call(writer, "", ""),
        Made::Key {
            unit: Some(unit), ..
        } => begun(writer, &reached, *unit),
        Made::Count(_) => call(writer, "count(", ")"),
        Made::Min(_) => call(writer, "min(", ")"),
        Made::Max(_) => call(writer, "max(", ")"),
        Made::Sum(_) if postgres => call(writer, "sum(", ")"),
        Made::Sum(_) => call(writer, "carnet_sum(", ")"),
        Made::Average(_) => {
            let kind = &reached.field.kind;
            let digits = average_scale(kind).unwrap_or(0) - sum_scale(kind).unwrap_or(0);
            if !postgres {
                call(writer, "carnet_average(", ", ");
                writer.number(i64::from(digits));
                return writer.text(")");
            }
            call(writer, "(sign(sum(", ")) * div(");
            writer.number(2 * 10_i64.pow(u32::from(digits)));
            call(writer, " * abs(sum(", ")) + count(");
            call(writer, "", "), 2 * count(");
            call(writer, "", ")))");
        }
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
    let param = match (of, value) {
        (_, Value::Null) => None,
        (Made::Count(_), Value::Integer(number)) => Some(Param::Integer(*number)),
        (Made::Sum(_) | Made::Average(_), Value::Decimal(decimal)) => {
            Some(Param::Exact(decimal.unscaled))
        }
        (Made::Sum(_), Value::Integer(number)) => Some(Param::Exact(*number)),
        (Made::Min(path) | Made::Max(path), value) => level
            .reach(writer.frame.view, path)
            .and_then(|reached| literal::of_kind(&reached.field.kind, value)),
        _ => None,
    };
    let Some(param) = param else {
        // Null is equal to null alone.
        match op {
            CompareOp::Eq | CompareOp::Ne => {
                made(writer, level, of);
                let equal = (op == CompareOp::Eq) == value.is_null();
                writer.text(if equal && value.is_null() {
                    " IS NULL"
                } else {
                    " IS NOT NULL"
                });
            }
            _ => writer.text("false"),
        }
        return;
    };
    made(writer, level, of);
    writer.text(match op {
        CompareOp::Ne => writer.frame.dialect.differs(),
        op => sign(op),
    });
    let exact = matches!(param, Param::Exact(_));
    writer.bind(param);
    if exact && writer.frame.dialect == Dialect::Postgres {
        writer.text("::bigint");
    }
}
