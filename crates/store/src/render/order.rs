//! `ORDER BY` with null as the smallest value and caseless texts by their companion.

use super::level::{Level, key_column, locate};
use super::writer::Writer;
use crate::{Nulls, Order};
use carnet_expr::{Function, Operand, RelationIndex};
use carnet_model::{Field, ModelView, Resource};

/// One column of an order. A sort key by a caseless field has two: its companion, then itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct SortColumn<'q> {
    /// The steps to the row that holds it.
    pub(super) steps: &'q [RelationIndex],
    pub(super) name: &'q str,
    pub(super) field: &'q Field,
    /// Which sort key it belongs to.
    pub(super) key: usize,
    /// Whether it is the folded form of the key's own column, which follows.
    pub(super) companion: bool,
    pub(super) nullable: bool,
    pub(super) descending: bool,
    /// Whether null comes before all values.
    pub(super) nulls_first: bool,
}

/// The columns of an order up to the resource's key, or of the order from its other end; none when
/// it sorts by anything but fields.
pub(super) fn sort_columns<'q>(
    view: &'q ModelView,
    resource: &'q Resource,
    keys: &'q [Order],
    backwards: bool,
) -> Option<Vec<SortColumn<'q>>> {
    let mut columns = Vec::with_capacity(keys.len() + 1);
    for (position, key) in keys.iter().enumerate() {
        let path = key.as_path()?;
        let found = locate(view, resource, &path.steps, path.field);
        let field = found.field;
        if !path.inside.is_empty() || !field.kind.is_ordered() {
            return None;
        }
        let first = match key.nulls {
            Nulls::Smallest => !key.descending,
            Nulls::First => true,
            Nulls::Last => false,
        };
        let companion = field.companion.as_deref().map(|name| (name, true));
        for (name, companion) in companion.into_iter().chain([(&*field.column, false)]) {
            columns.push(SortColumn {
                steps: found.steps,
                name,
                field,
                key: position,
                companion,
                nullable: found.nullable,
                descending: key.descending != backwards,
                nulls_first: first != backwards,
            });
        }
        // No two rows share the key: what follows orders nothing.
        if path.steps.is_empty() && path.field == resource.key {
            break;
        }
    }
    Some(columns)
}

impl<'q> Writer<'q> {
    /// Writes ` ORDER BY …` with each column as `name` writes it.
    pub(super) fn order_by(
        &mut self,
        columns: &[SortColumn<'q>],
        mut name: impl FnMut(&mut Self, usize, &SortColumn<'q>),
    ) {
        let mut joint = " ORDER BY ";
        for (position, column) in columns.iter().enumerate() {
            self.text(joint);
            name(self, position, column);
            let nulls = if column.nulls_first {
                Nulls::First
            } else {
                Nulls::Last
            };
            let dialect = self.frame.dialect;
            self.text(dialect.direction(column.descending, column.nullable, nulls));
            joint = ", ";
        }
    }

    /// Writes a column of an order, whose path is joined.
    pub(super) fn sort_column(&mut self, level: &Level<'q>, column: &SortColumn<'q>) {
        match level.row(column.steps) {
            Some((_, alias)) => self.column(alias, column.name),
            // INVARIANT: orders are joined before they are written.
            None => self.text("NULL"),
        }
    }

    /// Writes ` ORDER BY …`; the paths are joined already.
    pub(super) fn order(&mut self, level: &Level<'q>, keys: &'q [Order]) {
        self.order_after(level, keys, false);
    }

    /// The same after sort keys that are written already.
    pub(super) fn order_after(&mut self, level: &Level<'q>, keys: &'q [Order], begun: bool) {
        let mut joint = if begun { ", " } else { " ORDER BY " };
        for key in keys {
            let dialect = self.frame.dialect;
            let direction = |nullable| dialect.direction(key.descending, nullable, key.nulls);
            let path = match &key.by {
                Operand::Path(path) => path,
                Operand::Aggregate(aggregate) => {
                    self.text(joint);
                    self.aggregate(level, aggregate);
                    self.text(direction(aggregate.function != Function::Count));
                    joint = ", ";
                    continue;
                }
                Operand::Value(_) => continue,
            };
            let Some(reached) = level.reach(self.frame.view, path) else {
                continue;
            };
            if reached.field.kind.is_json() {
                let plain = dialect.direction(key.descending, true, Nulls::Smallest);
                self.order_inside(&reached, &path.inside, joint, (direction(true), plain));
                joint = ", ";
                continue;
            }
            if !reached.field.kind.is_ordered() {
                continue;
            }
            let columns = [
                reached.field.companion.as_deref(),
                Some(reached.field.column.as_str()),
            ];
            for column in columns.into_iter().flatten() {
                self.text(joint);
                self.column(reached.alias, column);
                self.text(direction(reached.nullable));
                joint = ", ";
            }
            // No two rows share the key: what follows orders nothing.
            if path.steps.is_empty() && path.field == level.resource.key {
                return;
            }
        }
    }

    /// Writes the order in which rows are locked.
    pub(super) fn order_by_key(&mut self, level: &Level<'q>) {
        self.text(" ORDER BY ");
        self.column(level.alias, key_column(level.resource));
    }
}
