//! `ORDER BY` with null as the smallest value and caseless texts by their companion.

use super::level::{Level, key_column};
use super::writer::Writer;
use crate::Order;

impl<'q> Writer<'q> {
    /// Writes ` ORDER BY …`; the paths are joined already.
    pub(super) fn order(&mut self, level: &Level<'q>, keys: &[Order]) {
        self.order_after(level, keys, false);
    }

    /// The same after sort keys that are written already.
    pub(super) fn order_after(&mut self, level: &Level<'q>, keys: &[Order], begun: bool) {
        let mut joint = if begun { ", " } else { " ORDER BY " };
        for key in keys {
            let Some(reached) = level.reach(self.frame.view, &key.path) else {
                continue;
            };
            if !reached.field.kind.is_ordered() {
                continue;
            }
            let direction = self
                .frame
                .dialect
                .direction(key.descending, reached.nullable);
            let columns = [
                reached.field.companion.as_deref(),
                Some(reached.field.column.as_str()),
            ];
            for column in columns.into_iter().flatten() {
                self.text(joint);
                self.column(reached.alias, column);
                self.text(direction);
                joint = ", ";
            }
            // No two rows share the key: what follows orders nothing.
            if key.path.steps.is_empty() && key.path.field == level.resource.key {
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
