//! Keyset pages: the rows after a row that is told by its sort keys.
//!
//! Rows after it fall into branches, each a range that an index answers: those that are equal in
//! the first keys and beyond in the next. Consecutive columns of one direction are compared as one
//! row value. Where an index serves the order, each branch is a query of its own with the page's
//! limit, so that a page costs the same at any depth; else the branches are alternatives of one
//! condition, because each alone would walk everything.

use super::level::Level;
use super::literal;
use super::order::SortColumn;
use super::writer::{Placeholder, Writer};
use crate::Param;
use carnet_kernel::{Value, text};
use carnet_model::{FieldIndex, Resource};

/// The row that a page begins after.
pub(super) struct Boundary<'q> {
    columns: Vec<SortColumn<'q>>,
    values: Vec<Option<Param>>,
    bound: Vec<Option<Placeholder>>,
    branches: Vec<Branch>,
}

/// Rows that are equal in the first columns and beyond in the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Branch {
    /// How many columns are equal.
    equal: usize,
    beyond: Beyond,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beyond {
    /// The columns up to this one are beyond as a row value.
    Row(usize),
    /// The column is null, which comes after all values.
    Null,
    /// The column is not null, which comes after null.
    Value,
}

impl<'q> Boundary<'q> {
    /// `None` for a page from the beginning.
    pub(super) fn new(columns: &[SortColumn<'q>], after: Option<&[Value]>) -> Option<Self> {
        let after = after.filter(|_| !columns.is_empty())?;
        let values: Vec<Option<Param>> = columns
            .iter()
            .map(|column| match after.get(column.key) {
                Some(Value::Text(value)) if column.companion => {
                    Some(Param::Text(text::fold(value)))
                }
                Some(value) => literal::of_kind(&column.field.kind, value),
                None => None,
            })
            .collect();
        let nulls: Vec<bool> = values.iter().map(Option::is_none).collect();
        Some(Self {
            branches: branches(columns, &nulls),
            bound: vec![None; columns.len()],
            columns: columns.to_vec(),
            values,
        })
    }

    /// How many branches there are.
    pub(super) fn branches(&self) -> usize {
        self.branches.len()
    }

    /// Writes the condition of one branch.
    pub(super) fn write_branch(
        &mut self,
        writer: &mut Writer<'q>,
        level: &Level<'q>,
        number: usize,
    ) {
        let Some(branch) = self.branches.get(number).copied() else {
            return writer.text("false");
        };
        for position in 0..branch.equal {
            writer.sort_column(level, &self.columns[position]);
            if self.values[position].is_some() {
                writer.text(" = ");
                self.value(writer, position);
            } else {
                writer.text(" IS NULL");
            }
            writer.text(" AND ");
        }
        let first = self.columns[branch.equal];
        match branch.beyond {
            Beyond::Null => {
                writer.sort_column(level, &first);
                writer.text(" IS NULL");
            }
            Beyond::Value => {
                writer.sort_column(level, &first);
                writer.text(" IS NOT NULL");
            }
            Beyond::Row(end) => {
                let single = end == branch.equal + 1;
                writer.text(if single { "" } else { "(" });
                for position in branch.equal..end {
                    writer.text(if position > branch.equal { ", " } else { "" });
                    writer.sort_column(level, &self.columns[position]);
                }
                writer.text(if single { "" } else { ")" });
                writer.text(if first.descending { " < " } else { " > " });
                writer.text(if single { "" } else { "(" });
                for position in branch.equal..end {
                    writer.text(if position > branch.equal { ", " } else { "" });
                    self.value(writer, position);
                }
                writer.text(if single { "" } else { ")" });
            }
        }
    }

    /// Writes the conditions of all branches as alternatives.
    pub(super) fn write_all(&mut self, writer: &mut Writer<'q>, level: &Level<'q>) {
        let several = self.branches.len() > 1;
        writer.text(if several { "(" } else { "" });
        for number in 0..self.branches.len() {
            writer.text(if number > 0 { " OR " } else { "" });
            self.write_branch(writer, level, number);
        }
        writer.text(if several { ")" } else { "" });
    }

    fn value(&mut self, writer: &mut Writer<'q>, position: usize) {
        match (self.bound[position], &self.values[position]) {
            (Some(placeholder), _) => writer.again(placeholder),
            (None, Some(param)) => self.bound[position] = Some(writer.bind(param.clone())),
            // INVARIANT: a branch compares only columns whose value is not null.
            (None, None) => writer.text("NULL"),
        }
    }
}

/// The branches in the order of their rows.
fn branches(columns: &[SortColumn<'_>], nulls: &[bool]) -> Vec<Branch> {
    let mut groups = Vec::new();
    let mut start = 0;
    while start < columns.len() {
        let mut end = start + 1;
        if !nulls[start] {
            while end < columns.len()
                && !nulls[end]
                && columns[end].descending == columns[start].descending
            {
                end += 1;
            }
        }
        groups.push(start..end);
        start = end;
    }
    let mut list = Vec::new();
    for group in groups.into_iter().rev() {
        if nulls[group.start] {
            if columns[group.start].nulls_first {
                list.push(Branch {
                    equal: group.start,
                    beyond: Beyond::Value,
                });
            }
            continue;
        }
        list.push(Branch {
            equal: group.start,
            beyond: Beyond::Row(group.end),
        });
        // A comparison leaves null out; where it comes last it is a branch of its own.
        for position in group.rev() {
            if columns[position].nullable && !columns[position].nulls_first {
                list.push(Branch {
                    equal: position,
                    beyond: Beyond::Null,
                });
            }
        }
    }
    list
}

/// Whether an index holds the rows in the order's first column: then each branch is a short walk.
pub(super) fn served(resource: &Resource, columns: &[SortColumn<'_>]) -> bool {
    let Some(first) = columns.first().filter(|first| first.steps.is_empty()) else {
        return false;
    };
    let is_first = |field: &FieldIndex| std::ptr::eq(resource.field(*field), first.field);
    is_first(&resource.key)
        || resource
            .indexes
            .iter()
            .any(|index| index.columns.iter().any(|column| is_first(&column.field)))
        || resource
            .uniques
            .iter()
            .any(|unique| unique.fields.iter().any(is_first))
        || matches!(first.field.kind, carnet_model::FieldType::Ref { .. })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Fixture;
    use super::super::order::sort_columns;
    use super::*;

    /// The branches of an order over goods, `null` for keys whose value is null.
    #[track_caller]
    fn check(order: &str, nulls: &[bool], expected: &[&str]) {
        let fixture = Fixture::new();
        let query = fixture.query("goods", "id", order);
        let goods = fixture.resource("goods");
        let columns = sort_columns(&fixture.view, goods, &query.order, false).unwrap();
        let nulls: Vec<bool> = columns.iter().map(|column| nulls[column.key]).collect();
        let name = |position: usize| columns[position].name;
        let found: Vec<String> = branches(&columns, &nulls)
            .iter()
            .map(|branch| {
                let equal: Vec<&str> = (0..branch.equal).map(name).collect();
                let beyond = match branch.beyond {
                    Beyond::Row(end) => (branch.equal..end).map(name).collect::<Vec<_>>().join(","),
                    Beyond::Null => format!("{} null", name(branch.equal)),
                    Beyond::Value => format!("{} not null", name(branch.equal)),
                };
                format!("{}>{beyond}", equal.join(","))
            })
            .collect();
        assert_eq!(found, expected, "{order}");
    }

    #[test]
    fn rows_after_a_row_fall_into_ranges() {
        check("-id", &[false], &[">id"]);
        check("name,id", &[false, false], &[">name_key,name,id"]);
        check(
            "kind,-amount,-id",
            &[false; 3],
            &["kind>amount,id", "kind>amount null", ">kind"],
        );
        // Null comes first: after a value only values follow.
        check("amount,id", &[false; 2], &[">amount,id"]);
        check(
            "amount,id",
            &[true, false],
            &["amount>id", ">amount not null"],
        );
        check("-amount,-id", &[true, false], &["amount>id"]);
        check(
            "-amount,-weight,-id",
            &[false; 3],
            &[">amount,weight,id", "amount>weight null", ">amount null"],
        );
    }
}
