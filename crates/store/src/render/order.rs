//! `ORDER BY` with null as the smallest value and caseless texts by their companion.

use super::level::{Level, key_column};
use super::writer::Writer;
use crate::{Nulls, Order};
use carnet_expr::{Function, Operand};

impl<'q> Writer<'q> {
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
