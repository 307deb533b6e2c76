//! A whole read as one statement: the page first, then what is nested into its rows.

use super::Frame;
use super::leak::{aggregate_leaks, leaks};
use super::level::Level;
use super::nest;
use super::order::{SortColumn, sort_columns};
use super::search::Searched;
use super::seek::{self, Boundary};
use super::writer::{Placeholder, Writer};
use crate::shape::Shape;
use crate::{Count, Counted, Dialect, Include, Order, Param, Query, Statement, Window};
use carnet_expr::{Operand, Predicate};
use carnet_kernel::TenantKey;
use carnet_model::ModelView;
use std::sync::Arc;

/// A rendered read.
#[derive(Clone, Debug)]
pub(crate) struct Select {
    /// The rows, one more than the window's limit, with everything nested into them.
    pub(crate) main: Statement,
    /// How its rows are written.
    pub(crate) shape: Arc<Shape>,
    /// One row with one number (`bigint`), to be run in the same snapshot only when
    /// [`Page::finish`](crate::shape::Page::finish) says that the rows did not tell the total.
    pub(crate) fallback_count: Option<Statement>,
    /// What estimates the total where it is asked for: on PostgreSQL the plan of all matching rows
    /// as JSON, on SQLite one row with one number.
    pub(crate) estimate: Option<Statement>,
    /// Whether it serves every tenant by [`Select::of_tenant`].
    pub(crate) serves_all: bool,
}

impl Select {
    /// The same for another tenant; only of one that serves all.
    pub(crate) fn of_tenant(&self, tenant: TenantKey) -> Self {
        let of = |statement: &Option<Statement>| Some(statement.as_ref()?.of_tenant(tenant));
        Self {
            main: self.main.of_tenant(tenant),
            shape: Arc::clone(&self.shape),
            fallback_count: of(&self.fallback_count),
            estimate: of(&self.estimate),
            serves_all: self.serves_all,
        }
    }
}

/// Renders a read.
pub(crate) fn select(frame: Frame<'_>, query: &Query) -> Select {
    let prepared = Prepared::new(query);
    let leaky = prepared.leaks(frame.view);
    let mut writer = Writer::new(frame, leaky);
    let mut shape = page(&mut writer, &prepared);
    shape.set_calls(writer.take_calls());
    // A search stands in the page, whatever else there is.
    let serves_all = writer.serves_all();
    let main = writer.finish();
    // The page's own statement cannot count on a row that is not there.
    let apart = query.count.counts()
        && (!frame.dialect.counts_in_page()
            || query.window.offset > 0
            || query.seek.after.is_some());
    let fallback_count = apart.then(|| {
        let mut writer = Writer::new(frame, leaky);
        let level = Level::new(frame.view.resource(query.resource), writer.alias());
        let mut level = level.showing(query.deleted);
        count(&mut writer, &mut level, &prepared);
        writer.finish()
    });
    let estimate = matches!(query.count, Count::Estimate(_)).then(|| {
        let mut writer = Writer::new(frame, leaky);
        estimate(&mut writer, &prepared);
        writer.finish()
    });
    Select {
        main,
        shape: Arc::new(shape),
        fallback_count,
        estimate,
        serves_all,
    }
}

/// How many rows are tried for an estimate on SQLite.
const PROBES: i64 = 1_000;

/// Writes what estimates how many rows fulfil the predicate. PostgreSQL's planner knows it; on
/// SQLite a fixed number of rows, spread evenly over the table, are tried.
fn estimate<'q>(writer: &mut Writer<'q>, prepared: &'q Prepared<'q>) {
    let resource = writer.frame.view.resource(prepared.query.resource);
    let mut level = Level::new(resource, writer.alias()).showing(prepared.query.deleted);
    level.join_for(writer, &prepared.predicate);
    if writer.frame.dialect == Dialect::Postgres {
        writer.text("EXPLAIN (FORMAT JSON) SELECT 1");
        level.write_source(writer);
        writer.conditions(&level, None, &prepared.predicate);
        return;
    }
    let mut end = |function: &str| {
        writer.text(function);
        writer.text("(_rowid_) FROM ");
        writer
            .frame
            .dialect
            .quote(&[&resource.table], &mut writer.sql);
    };
    end("WITH RECURSIVE \"the ends\"(low, high) AS (SELECT (SELECT min");
    end("), (SELECT max");
    writer.text(")), \"the probes\"(at) AS (SELECT 0 UNION ALL SELECT at + 1 FROM \"the probes\" WHERE at < ");
    writer.number(PROBES - 1);
    writer.text(") SELECT coalesce(max(\"the ends\".high - \"the ends\".low + 1) * count(*) / ");
    writer.number(PROBES);
    writer.text(", 0) FROM \"the ends\" CROSS JOIN \"the probes\" CROSS JOIN ");
    writer.relation(resource, level.alias);
    level.write_joins(writer, 0);
    let filtered = writer.conditions(&level, None, &prepared.predicate);
    writer.text(if filtered { " AND " } else { " WHERE " });
    writer.name(level.alias);
    writer.text("._rowid_ = \"the ends\".low + \"the probes\".at * (\"the ends\".high - \"the ends\".low + 1) / ");
    writer.number(PROBES);
}

/// A query with its predicates in normal form.
pub(super) struct Prepared<'q> {
    pub(super) query: &'q Query,
    pub(super) predicate: Predicate,
    pub(super) order: Vec<Order>,
    pub(super) includes: Vec<(&'q Include, Prepared<'q>)>,
    pub(super) counts: Vec<(&'q Counted, Predicate)>,
}

impl<'q> Prepared<'q> {
    fn new(query: &'q Query) -> Self {
        let includes = query.includes.iter();
        Self {
            query,
            predicate: query.predicate.clone().simplify(),
            order: query
                .order
                .iter()
                .map(|key| Order {
                    by: key.by.clone().simplify(),
                    ..*key
                })
                .collect(),
            counts: query
                .counts
                .iter()
                .map(|counted| (counted, counted.predicate.clone().simplify()))
                .collect(),
            includes: includes
                .map(|include| (include, Self::new(&include.query)))
                .collect(),
        }
    }

    /// The search whose best match comes first.
    fn ranked(&'q self) -> Option<Searched<'q>> {
        let ranked = self.query.ranked.then(|| Searched::of(&self.predicate));
        ranked.flatten()
    }

    fn leaks(&self, view: &ModelView) -> bool {
        let resource = view.resource(self.query.resource);
        let order = |key: &Order| match &key.by {
            Operand::Aggregate(aggregate) => aggregate_leaks(view, resource, aggregate),
            Operand::Path(_) | Operand::Value(_) => false,
        };
        leaks(view, resource, &self.predicate)
            || self.order.iter().any(order)
            || self.counts.iter().any(|(counted, predicate)| {
                let target = resource.relation(counted.relation).target;
                leaks(view, view.resource(target), predicate)
            })
            || self.includes.iter().any(|(_, inner)| inner.leaks(view))
    }
}

/// Writes the outermost query.
fn page<'q>(writer: &mut Writer<'q>, prepared: &'q Prepared<'q>) -> Shape {
    let query = prepared.query;
    let view = writer.frame.view;
    let dialect = writer.frame.dialect;
    let resource = view.resource(query.resource);
    let counted = query.count.counts() && dialect.counts_in_page();
    let nests = !prepared.includes.is_empty() || !query.counts.is_empty();
    let mut limit = Limit::page(writer, query.window);
    let rounded = limit.step.is_some_and(|step| step != limit.rows);
    let columns = sort_columns(view, resource, &prepared.order, query.seek.backwards);
    let columns = columns.as_slice();
    // How well a row matches is no sort key.
    let seek = Some(&query.seek).filter(|_| !query.ranked);
    let after = seek.and_then(|seek| seek.after.as_deref());
    let mut boundary = Boundary::new(columns, after, dialect);
    let split =
        boundary.as_ref().is_some_and(|one| one.branches() > 1) && seek::served(resource, columns);
    let marking = seek.is_some_and(|seek| seek.marks);
    let marked = |column: &SortColumn<'_>| column.mark(dialect).filter(|_| marking);
    writer.text("SELECT ");
    if !counted && !nests && !rounded && !split {
        let mut level = Level::new(resource, writer.alias()).showing(query.deleted);
        let mut shape = nest::columns(writer, level.alias, prepared, resource);
        level.join_for(writer, &prepared.predicate);
        level.note_order(writer, &prepared.order);
        for column in columns {
            let Some(mark) = marked(column) else { continue };
            if !column.own().is_some_and(|field| shape.mark_field(field)) {
                writer.text(", ");
                writer.mark_column(&level, column);
                writer.text(mark.cast());
                shape.add_mark(mark);
            }
        }
        writer.join_search(&mut level, &prepared.predicate);
        level.write_source(writer);
        let filtered = writer.conditions(&level, None, &prepared.predicate);
        if let Some(boundary) = &mut boundary {
            writer.text(if filtered { " AND " } else { " WHERE " });
            boundary.write_all(writer, &mut |writer, position| {
                writer.sort_column(&level, &columns[position]);
            });
        }
        ordered(writer, &level, prepared, columns);
        limit.write(writer);
        return shape;
    }

    let outer = writer.alias();
    let shown = nest::shown(prepared, resource);
    let given = |column: &SortColumn<'_>| {
        column.own().is_some_and(|own| {
            resource
                .each_field()
                .any(|(index, field)| std::ptr::eq(field, own) && shown[usize::from(index.0)])
        })
    };
    let name = |writer: &mut Writer<'q>, alias, position: usize| match columns[position].own() {
        Some(field) if given(&columns[position]) => writer.column(alias, &field.column),
        _ => writer.column_part(alias, "key ", digits(position)),
    };
    let mut shape = nest::columns(writer, outer, prepared, resource);
    for (position, column) in columns.iter().enumerate() {
        let Some(mark) = marked(column) else { continue };
        if !column.own().is_some_and(|field| shape.mark_field(field)) {
            writer.text(", ");
            if column.marks_apart() {
                writer.column_part(outer, "mark ", digits(position));
            } else {
                name(writer, outer, position);
            }
            writer.text(mark.cast());
            shape.add_mark(mark);
        }
    }
    let mut level = Level::new(resource, writer.alias()).showing(query.deleted);
    let mut copied = None;
    if counted {
        shape.add_total();
        writer.text(", CASE WHEN row_number() OVER () = ");
        limit.placeholder = Some(writer.bind(Param::Integer(limit.rows)));
        writer.text(" THEN (");
        copied = Some(count(writer, &mut level, prepared));
        writer.text(") END");
    } else {
        level.join_for(writer, &prepared.predicate);
    }
    let joined = level.note_order(writer, &prepared.order);
    let united = split.then(|| writer.alias());
    writer.text(" FROM (");
    if united.is_some() {
        writer.text("SELECT * FROM (SELECT * FROM (");
    }
    let start = writer.sql.len();
    writer.text("SELECT ");
    nest::needed(writer, level.alias, prepared, resource);
    for (position, column) in columns.iter().enumerate() {
        let told = marked(column).is_some();
        if (split || told && !column.marks_apart()) && !given(column) {
            writer.text(", ");
            writer.sort_column(&level, column);
            named(writer, "key ", position);
        }
        if told && column.marks_apart() {
            writer.text(", ");
            writer.mark_column(&level, column);
            named(writer, "mark ", position);
        }
    }
    let filtered = match copied {
        Some(body) => {
            writer.text(&body.from);
            level.write_joins(writer, joined);
            writer.text(&body.conditions);
            !body.conditions.is_empty()
        }
        None => {
            writer.join_search(&mut level, &prepared.predicate);
            level.write_source(writer);
            writer.conditions(&level, None, &prepared.predicate)
        }
    };
    let source = writer.sql.get(start..).unwrap_or_default().to_owned();
    let more = if filtered { " AND " } else { " WHERE " };
    if let Some(united) = united {
        let branches = boundary.as_ref().map_or(0, Boundary::branches);
        for branch in 0..branches {
            if branch > 0 {
                writer.text(" UNION ALL SELECT * FROM (");
                writer.text(&source);
            }
            writer.text(more);
            if let Some(boundary) = &mut boundary {
                boundary.write_branch(writer, branch, &mut |writer, position| {
                    writer.sort_column(&level, &columns[position]);
                });
            }
            writer.order_by(columns, false, |writer, _, column| {
                writer.sort_column(&level, column);
            });
            limit.write(writer);
            writer.text(") ");
            let alias = writer.alias();
            writer.name(alias);
        }
        writer.text(") ");
        writer.name(united);
        writer.order_by(columns, false, |writer, position, _| {
            name(writer, united, position);
        });
    } else {
        if let Some(boundary) = &mut boundary {
            writer.text(more);
            boundary.write_all(writer, &mut |writer, position| {
                writer.sort_column(&level, &columns[position]);
            });
        }
        ordered(writer, &level, prepared, columns);
    }
    limit.write(writer);
    writer.text(") ");
    writer.name(outer);
    if rounded || nests && dialect.flattens() {
        writer.text(" LIMIT ");
        limit.write_rows(writer);
    }
    shape
}

/// Writes the name under which a page gives a sort column to the query round it. No field's column
/// has a space in its name.
fn named(writer: &mut Writer<'_>, stem: &str, position: usize) {
    writer.text(" AS ");
    let dialect = writer.frame.dialect;
    dialect.quote(&[stem, digits(position)], &mut writer.sql);
}

/// What ends the name of a sort column: eight keys of three columns at most, and the key.
fn digits(position: usize) -> &'static str {
    const DIGITS: [&str; 32] = [
        "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16",
        "17", "18", "19", "20", "21", "22", "23", "24", "25", "26", "27", "28", "29", "30", "31",
    ];
    DIGITS.get(position).copied().unwrap_or("x")
}

/// Writes the order: the best match first, where that is asked for, then the sort keys.
fn ordered<'q>(
    writer: &mut Writer<'q>,
    level: &Level<'q>,
    prepared: &'q Prepared<'q>,
    columns: &[SortColumn<'q>],
) {
    let searched = prepared.ranked();
    if let Some(searched) = searched {
        writer.order_by_rank(level, searched);
    }
    writer.order_by(columns, searched.is_some(), |writer, _, column| {
        writer.sort_column(level, column);
    });
}

/// What a page and its count have in common, to be written a second time: the same aliases and
/// placeholders then stand in a scope of their own.
#[derive(Default)]
struct Body {
    from: String,
    conditions: String,
}

/// Writes a count as far as the query asks for.
fn count<'q>(writer: &mut Writer<'q>, level: &mut Level<'q>, prepared: &'q Prepared<'q>) -> Body {
    let bound = match prepared.query.count {
        Count::UpTo(bound) | Count::Estimate(bound) => Some(i64::from(bound) + 1),
        Count::Exact | Count::None => None,
    };
    writer.text(match bound {
        Some(_) => "SELECT count(*) FROM (SELECT 1",
        None => "SELECT count(*)",
    });
    level.join_for(writer, &prepared.predicate);
    writer.join_search(level, &prepared.predicate);
    let start = writer.sql.len();
    level.write_source(writer);
    let middle = writer.sql.len();
    writer.conditions(level, None, &prepared.predicate);
    let part = |from: usize, to: usize| writer.sql.get(from..to).unwrap_or_default().to_owned();
    let body = Body {
        from: part(start, middle),
        conditions: part(middle, writer.sql.len()),
    };
    if let Some(rows) = bound {
        if writer.frame.dialect.counts_in_order() && Searched::of(&prepared.predicate).is_none() {
            writer.order_by_key(level);
        }
        writer.text(" LIMIT ");
        if writer.frame.dialect.counts_in_page() {
            // A bound of the platform, not of a request; see `Dialect::limit_step`.
            writer.number(rows);
        } else {
            writer.bind_limit(rows);
        }
        writer.text(") ");
        let alias = writer.alias();
        writer.name(alias);
    }
    body
}

/// Which part of an ordered list a level gives.
pub(super) struct Limit {
    rows: i64,
    step: Option<i64>,
    offset: u64,
    placeholder: Option<Placeholder>,
}

impl Limit {
    /// Of the outermost query: with the row beyond the window.
    fn page(writer: &Writer<'_>, window: Window) -> Self {
        let rows = i64::from(window.limit) + 1;
        Self {
            rows,
            step: writer.frame.dialect.limit_step(rows),
            offset: window.offset,
            placeholder: None,
        }
    }

    /// Of related records. Bound, because a parent has few of them in any plan.
    pub(super) fn related(window: Window) -> Self {
        Self {
            rows: i64::from(window.limit),
            step: None,
            offset: window.offset,
            placeholder: None,
        }
    }

    pub(super) fn write(&mut self, writer: &mut Writer<'_>) {
        writer.text(" LIMIT ");
        match self.step {
            Some(step) => writer.number(step),
            None => self.write_rows(writer),
        }
        if self.offset > 0 {
            writer.text(" OFFSET ");
            writer.bind(Param::Integer(
                i64::try_from(self.offset).unwrap_or(i64::MAX),
            ));
        }
    }

    fn write_rows(&mut self, writer: &mut Writer<'_>) {
        match self.placeholder {
            Some(placeholder) => writer.limit_again(placeholder),
            None => self.placeholder = Some(writer.bind_limit(self.rows)),
        }
    }
}
