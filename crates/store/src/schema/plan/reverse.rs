//! The way back: the old layout as a wish, with the renames turned round.

use crate::schema::layout::{Layout, Table};

/// `old` with hints of which tables and columns of `new` were its own.
pub(crate) fn reversed(old: &Layout, new: &Layout) -> Layout {
    let tables = old.tables.iter().map(|table| {
        let renamed = || {
            new.tables.iter().find(|other| {
                other.was.as_deref() == Some(&table.resource)
                    && old.of_resource(&other.resource).is_none()
            })
        };
        let counterpart = new.of_resource(&table.resource).or_else(renamed);
        let mut table = table.clone();
        table.was = counterpart
            .filter(|other| other.resource != table.resource)
            .map(|other| other.resource.clone());
        match counterpart {
            Some(counterpart) => columns(&mut table, counterpart),
            None => table
                .columns
                .iter_mut()
                .for_each(|column| column.was = None),
        }
        table
    });
    Layout {
        tables: tables.collect(),
    }
}

fn columns(table: &mut Table, counterpart: &Table) {
    let fields: Vec<String> = table
        .columns
        .iter()
        .map(|column| column.field.clone())
        .collect();
    for column in &mut table.columns {
        let same = counterpart
            .columns
            .iter()
            .any(|other| other.field == column.field);
        let renamed = counterpart.columns.iter().find(|other| {
            other.was.as_deref() == Some(&column.field) && !fields.contains(&other.field)
        });
        column.was = renamed.filter(|_| !same).map(|other| other.field.clone());
    }
}
