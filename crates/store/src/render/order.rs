//! Sort keys as columns, and `ORDER BY`: null as the smallest value, caseless texts by their
//! companion, places inside JSON by type and then by value. Not where a page begins: see `seek`.

use super::aggregate::{Gives, gives};
use super::json::Part;
use super::level::{Level, key_column, locate};
use super::writer::Writer;
use crate::shape::{Kind, Marked};
use crate::{Dialect, Nulls, Order};
use carnet_expr::{Aggregate, Operand, Path, RelationIndex};
use carnet_model::{Field, ModelView, RelationKind, Resource};

/// One column of an order. A sort key by a caseless field has two: its companion, then itself; one
/// by a place inside JSON has three: the type's rank, the number, the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct SortColumn<'q> {
    pub(super) by: Term<'q>,
    /// Which sort key it belongs to.
    pub(super) key: usize,
    pub(super) bearing: Bearing,
}

/// What a column of an order is made of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Term<'q> {
    /// A field's column.
    Field {
        /// The steps to the row that holds it.
        steps: &'q [RelationIndex],
        name: &'q str,
        field: &'q Field,
        /// Whether it is the folded form of the key's own column, which follows.
        companion: bool,
    },
    /// What is made of related records.
    Made(&'q Aggregate, Gives<'q>),
    /// A part of what stands inside JSON.
    Inside(Part, &'q Path),
}

/// Which way a column of an order goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bearing {
    /// Whether it may be null where the columns before it are equal and not null.
    pub(super) nullable: bool,
    pub(super) descending: bool,
    /// Whether null comes before all values.
    pub(super) nulls_first: bool,
}

impl Bearing {
    pub(super) fn of(descending: bool, nulls: Nulls, nullable: bool, backwards: bool) -> Self {
        let first = match nulls {
            Nulls::Smallest => !descending,
            Nulls::First => true,
            Nulls::Last => false,
        };
        Self {
            nullable,
            descending: descending != backwards,
            nulls_first: first != backwards,
        }
    }

    /// What stands behind the column in `ORDER BY`.
    pub(super) fn direction(self, dialect: Dialect) -> &'static str {
        let nulls = if self.nulls_first {
            Nulls::First
        } else {
            Nulls::Last
        };
        dialect.direction(self.descending, self.nullable, nulls)
    }
}

impl SortColumn<'_> {
    /// Whether it is a field of the level's own rows, and which.
    pub(super) fn own(&self) -> Option<&Field> {
        match self.by {
            Term::Field {
                steps: [],
                field,
                companion: false,
                ..
            } => Some(field),
            _ => None,
        }
    }

    /// What it tells of its sort key's value; nothing where another column of the key tells it.
    pub(super) fn mark(&self, dialect: Dialect) -> Option<Marked> {
        match self.by {
            Term::Field {
                companion: true, ..
            }
            | Term::Inside(Part::Number | Part::Text, _) => None,
            Term::Field { field, .. } => Some(Marked::Value(Kind::of(&field.kind))),
            Term::Made(_, gives) => Some(gives.mark(dialect)),
            Term::Inside(Part::Rank, _) => Some(Marked::Value(Kind::Json)),
        }
    }

    /// Whether what it tells is not what it sorts by.
    pub(super) fn marks_apart(&self) -> bool {
        matches!(self.by, Term::Inside(Part::Rank, _))
    }
}

/// The columns of an order up to the resource's key, or of the order from its other end. What has
/// no order is left out.
pub(super) fn sort_columns<'q>(
    view: &'q ModelView,
    resource: &'q Resource,
    keys: &'q [Order],
    backwards: bool,
) -> Vec<SortColumn<'q>> {
    let mut columns = Vec::with_capacity(keys.len() + 1);
    let mut position = 0;
    for key in keys {
        let before = columns.len();
        let mut add = |by, nullable| {
            let bearing = Bearing::of(key.descending, key.nulls, nullable, backwards);
            columns.push(SortColumn {
                by,
                key: position,
                bearing,
            });
        };
        let mut last = false;
        match &key.by {
            Operand::Value(_) => {}
            Operand::Aggregate(aggregate) => {
                if let Some(target) = led(view, resource, aggregate) {
                    let gives = gives(target, aggregate.function);
                    add(Term::Made(aggregate, gives), !matches!(gives, Gives::Count));
                }
            }
            Operand::Path(path) => {
                let found = locate(view, resource, &path.steps, path.field);
                let field = found.field;
                if field.kind.is_json() {
                    // One of the others is there exactly where the rank says so.
                    add(Term::Inside(Part::Rank, path), true);
                    add(Term::Inside(Part::Number, path), false);
                    add(Term::Inside(Part::Text, path), false);
                } else if field.kind.is_ordered() && path.inside.is_empty() {
                    let companion = field.companion.as_deref().map(|name| (name, true));
                    for (name, companion) in companion.into_iter().chain([(&*field.column, false)])
                    {
                        let term = Term::Field {
                            steps: found.steps,
                            name,
                            field,
                            companion,
                        };
                        add(term, found.nullable);
                    }
                }
                // No two rows share the key: what follows orders nothing.
                last = path.steps.is_empty() && path.field == resource.key;
            }
        }
        position += usize::from(columns.len() > before);
        if last {
            break;
        }
    }
    columns
}

/// What the records are of that an aggregate is made of; none where its steps are no to-one steps.
fn led<'q>(
    view: &'q ModelView,
    resource: &'q Resource,
    aggregate: &Aggregate,
) -> Option<&'q Resource> {
    let mut holder = resource;
    for step in &aggregate.steps {
        let relation = holder.relation(*step);
        if !matches!(relation.kind, RelationKind::ToOne { .. }) {
            return None;
        }
        holder = view.resource(relation.target);
    }
    Some(view.resource(holder.relation(aggregate.relation).target))
}

impl<'q> Writer<'q> {
    /// Writes ` ORDER BY …` with each column as `name` writes it, or what follows sort keys that
    /// are written already.
    pub(super) fn order_by(
        &mut self,
        columns: &[SortColumn<'q>],
        begun: bool,
        mut name: impl FnMut(&mut Self, usize, &SortColumn<'q>),
    ) {
        let mut joint = if begun { ", " } else { " ORDER BY " };
        for (position, column) in columns.iter().enumerate() {
            self.text(joint);
            name(self, position, column);
            let dialect = self.frame.dialect;
            self.text(column.bearing.direction(dialect));
            joint = ", ";
        }
    }

    /// Writes a column of an order, whose path is joined.
    pub(super) fn sort_column(&mut self, level: &Level<'q>, column: &SortColumn<'q>) {
        match column.by {
            Term::Field { steps, name, .. } => match level.row(steps) {
                Some((_, alias)) => self.column(alias, name),
                // INVARIANT: orders are joined before they are written.
                None => self.text("NULL"),
            },
            Term::Made(aggregate, _) => {
                self.aggregate(level, aggregate);
            }
            Term::Inside(part, path) => match level.reach(self.frame.view, path) {
                Some(reached) => self.part_inside(&reached, &path.inside, part),
                None => self.text("NULL"),
            },
        }
    }

    /// Writes what a column tells of its sort key's value, in the form of its [`Marked`] but for
    /// a cast.
    pub(super) fn mark_column(&mut self, level: &Level<'q>, column: &SortColumn<'q>) {
        match column.by {
            Term::Inside(Part::Rank, path) => match level.reach(self.frame.view, path) {
                Some(reached) => self.told_inside(&reached, &path.inside),
                None => self.text("NULL"),
            },
            _ => self.sort_column(level, column),
        }
    }

    /// Writes the order of related records; what it needs is joined already.
    pub(super) fn order_related(&mut self, level: &Level<'q>, keys: &'q [Order]) {
        let columns = sort_columns(self.frame.view, level.resource, keys, false);
        self.order_by(&columns, false, |writer, _, column| {
            writer.sort_column(level, column);
        });
    }

    /// Writes the order in which rows are locked.
    pub(super) fn order_by_key(&mut self, level: &Level<'q>) {
        self.text(" ORDER BY ");
        self.column(level.alias, key_column(level.resource));
    }
}
