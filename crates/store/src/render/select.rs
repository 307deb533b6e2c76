//! A whole read as one statement: the page first, then what is nested into its rows.

use super::Frame;
use super::leak::{aggregate_leaks, leaks};
use super::level::Level;
use super::nest;
use super::search::Searched;
use super::writer::{Placeholder, Writer};
use crate::shape::Shape;
use crate::{Count, Include, Order, Param, Query, Statement, Window};
use carnet_expr::{Operand, Predicate};
use carnet_model::ModelView;

/// A rendered read.
#[derive(Clone, Debug)]
pub(crate) struct Select {
    /// The rows, one more than the window's limit, with everything nested into them.
    pub(crate) main: Statement,
    /// How its rows are written.
    pub(crate) shape: Shape,
    /// One row with one number (`bigint`), to be run in the same snapshot only when
    /// [`Page::finish`](crate::shape::Page::finish) says that the rows did not tell the total.
    pub(crate) fallback_count: Option<Statement>,
}

/// Renders a read.
pub(crate) fn select(frame: Frame<'_>, query: &Query) -> Select {
    let prepared = Prepared::new(query);
    let leaky = prepared.leaks(frame.view);
    let mut writer = Writer::new(frame, leaky);
    let shape = page(&mut writer, &prepared);
    let main = writer.finish();
    // The page's own statement cannot count on a row that is not there.
    let apart =
        query.count != Count::None && (!frame.dialect.counts_in_page() || query.window.offset > 0);
    let fallback_count = apart.then(|| {
        let mut writer = Writer::new(frame, leaky);
        let level = Level::new(frame.view.resource(query.resource), writer.alias());
        let mut level = level.showing(query.deleted);
        count(&mut writer, &mut level, &prepared);
        writer.finish()
    });
    Select {
        main,
        shape,
        fallback_count,
    }
}

/// A query with its predicates in normal form.
pub(super) struct Prepared<'q> {
    pub(super) query: &'q Query,
    pub(super) predicate: Predicate,
    pub(super) order: Vec<Order>,
    pub(super) includes: Vec<(&'q Include, Prepared<'q>)>,
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
            || self.includes.iter().any(|(_, inner)| inner.leaks(view))
    }
}

/// Writes the outermost query.
fn page<'q>(writer: &mut Writer<'q>, prepared: &'q Prepared<'q>) -> Shape {
    let query = prepared.query;
    let dialect = writer.frame.dialect;
    let resource = writer.frame.view.resource(query.resource);
    let counted = query.count != Count::None && dialect.counts_in_page();
    let nests = !prepared.includes.is_empty() || !query.counts.is_empty();
    let mut limit = Limit::page(writer, query.window);
    let rounded = limit.step.is_some_and(|step| step != limit.rows);
    writer.text("SELECT ");
    if !counted && !nests && !rounded {
        let level = Level::new(resource, writer.alias()).showing(query.deleted);
        let shape = nest::columns(writer, level.alias, prepared, resource);
        rows(writer, level, prepared, &mut limit);
        return shape;
    }

    let outer = writer.alias();
    let mut shape = nest::columns(writer, outer, prepared, resource);
    let mut level = Level::new(resource, writer.alias()).showing(query.deleted);
    let mut copied = None;
    if counted {
        shape.add_total();
        writer.text(", CASE WHEN row_number() OVER () = ");
        limit.placeholder = Some(writer.bind(Param::Integer(limit.rows)));
        writer.text(" THEN (");
        copied = Some(count(writer, &mut level, prepared));
        writer.text(") END");
    }
    writer.text(" FROM (SELECT ");
    nest::needed(writer, level.alias, prepared, resource);
    match copied {
        Some(body) => {
            writer.text(&body.from);
            level.join_order(writer, &prepared.order);
            writer.text(&body.conditions);
            ordered(writer, &level, prepared);
            limit.write(writer);
        }
        None => rows(writer, level, prepared, &mut limit),
    }
    writer.text(") ");
    writer.name(outer);
    if rounded || nests && dialect.flattens() {
        writer.text(" LIMIT ");
        limit.write_rows(writer);
    }
    shape
}

/// Writes where a query's rows come from, in which order and which part of them.
fn rows<'q>(
    writer: &mut Writer<'q>,
    mut level: Level<'q>,
    prepared: &'q Prepared<'q>,
    limit: &mut Limit,
) {
    level.join_for(writer, &prepared.predicate);
    level.write_source(writer);
    level.join_order(writer, &prepared.order);
    if let Some(searched) = prepared.ranked() {
        level.rank = writer.join_rank(&level, searched);
    }
    writer.conditions(&level, None, &prepared.predicate);
    ordered(writer, &level, prepared);
    limit.write(writer);
}

/// Writes the order: the best match first, where that is asked for, then the sort keys.
fn ordered<'q>(writer: &mut Writer<'q>, level: &Level<'q>, prepared: &'q Prepared<'q>) {
    let searched = prepared.ranked();
    if let Some(searched) = searched {
        writer.order_by_rank(level, searched, level.rank);
    }
    writer.order_after(level, &prepared.order, searched.is_some());
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
        Count::UpTo(bound) => Some(i64::from(bound) + 1),
        Count::Exact | Count::None => None,
    };
    writer.text(match bound {
        Some(_) => "SELECT count(*) FROM (SELECT 1",
        None => "SELECT count(*)",
    });
    level.join_for(writer, &prepared.predicate);
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
