//! Keyset pages: the rows after a row that is told by its sort keys.
//!
//! Rows after it fall into branches, each a range that an index answers: those that are equal in
//! the first keys and beyond in the next. Consecutive columns of one direction are compared as one
//! row value. Where an index serves the order, each branch is a query of its own with the page's
//! limit, so that a page costs the same at any depth; else the branches are alternatives of one
//! condition, because each alone would walk everything.

use super::aggregate::Gives;
use super::literal;
use super::order::{Bearing, SortColumn, Term};
use super::writer::{Placeholder, Writer};
use crate::{Dialect, Param};
use carnet_kernel::{Value, text};
use carnet_model::{FieldIndex, Resource};

/// The row that a page begins after.
pub(super) struct Boundary {
    bearings: Vec<Bearing>,
    /// What each column is compared with; none for null.
    sides: Vec<Option<Side>>,
    bound: Vec<Option<Placeholder>>,
    branches: Vec<Branch>,
}

/// A bound value with what stands round its placeholder.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Side {
    pub(super) before: &'static str,
    pub(super) param: Param,
    pub(super) after: &'static str,
}

impl Side {
    /// A value as it is.
    pub(super) fn plain(param: Param) -> Self {
        Self {
            before: "",
            param,
            after: "",
        }
    }

    /// A number in units of its last digit, beside an exact sum or mean.
    pub(super) fn exact(number: i128, dialect: Dialect) -> Self {
        Self {
            before: "",
            param: Param::Exact(number),
            after: match dialect {
                Dialect::Postgres => "::text::numeric",
                Dialect::Sqlite => "",
            },
        }
    }

    /// The same of a number as a page tells it.
    pub(super) fn told_exact(value: &Value, dialect: Dialect) -> Option<Self> {
        match value {
            Value::Text(digits) => Some(Self::exact(digits.parse().ok()?, dialect)),
            _ => None,
        }
    }
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

/// What a column of records is compared with, to begin after a row whose sort key has that value.
fn side(column: &SortColumn<'_>, value: &Value, dialect: Dialect) -> Option<Side> {
    match (column.by, value) {
        (
            Term::Field {
                companion: true, ..
            },
            Value::Text(value),
        ) => Some(Side::plain(Param::Text(text::fold(value)))),
        (Term::Field { field, .. } | Term::Made(_, Gives::Value(field)), value) => {
            literal::of_kind(&field.kind, value).map(Side::plain)
        }
        (Term::Made(_, Gives::Count), Value::Integer(count)) => {
            Some(Side::plain(Param::Integer(*count)))
        }
        (Term::Made(_, Gives::Exact), value) => Side::told_exact(value, dialect),
        (Term::Inside(part, _), Value::Json(json)) => part.of(json, dialect),
        _ => None,
    }
}

impl Boundary {
    /// `None` for a page from the beginning.
    pub(super) fn new(
        columns: &[SortColumn<'_>],
        after: Option<&[Value]>,
        dialect: Dialect,
    ) -> Option<Self> {
        let after = after?;
        let sides = columns.iter().map(|column| {
            let value = after.get(column.key)?;
            side(column, value, dialect)
        });
        let bearings = columns.iter().map(|column| column.bearing);
        Self::of(bearings.collect(), sides.collect())
    }

    /// The row with these values in columns of these bearings; none without a column.
    pub(super) fn of(bearings: Vec<Bearing>, sides: Vec<Option<Side>>) -> Option<Self> {
        let nulls: Vec<bool> = sides.iter().map(Option::is_none).collect();
        (!bearings.is_empty()).then(|| Self {
            branches: branches(&bearings, &nulls),
            bound: vec![None; bearings.len()],
            bearings,
            sides,
        })
    }

    /// How many branches there are.
    pub(super) fn branches(&self) -> usize {
        self.branches.len()
    }

    /// Writes the condition of one branch; `column` writes the column of a number.
    pub(super) fn write_branch<'q>(
        &mut self,
        writer: &mut Writer<'q>,
        number: usize,
        column: &mut dyn FnMut(&mut Writer<'q>, usize),
    ) {
        let Some(branch) = self.branches.get(number).copied() else {
            return writer.text("false");
        };
        for position in 0..branch.equal {
            column(writer, position);
            if self.sides[position].is_some() {
                writer.text(" = ");
                self.value(writer, position);
            } else {
                writer.text(" IS NULL");
            }
            writer.text(" AND ");
        }
        match branch.beyond {
            Beyond::Null => {
                column(writer, branch.equal);
                writer.text(" IS NULL");
            }
            Beyond::Value => {
                column(writer, branch.equal);
                writer.text(" IS NOT NULL");
            }
            Beyond::Row(end) => {
                let single = end == branch.equal + 1;
                writer.text(if single { "" } else { "(" });
                for position in branch.equal..end {
                    writer.text(if position > branch.equal { ", " } else { "" });
                    column(writer, position);
                }
                writer.text(if single { "" } else { ")" });
                let descending = self.bearings[branch.equal].descending;
                writer.text(if descending { " < " } else { " > " });
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
    pub(super) fn write_all<'q>(
        &mut self,
        writer: &mut Writer<'q>,
        column: &mut dyn FnMut(&mut Writer<'q>, usize),
    ) {
        let several = self.branches.len() > 1;
        writer.text(if several { "(" } else { "" });
        for number in 0..self.branches.len() {
            writer.text(if number > 0 { " OR " } else { "" });
            self.write_branch(writer, number, column);
        }
        // Nothing comes after null in the last place.
        writer.text(if self.branches.is_empty() {
            "false"
        } else {
            ""
        });
        writer.text(if several { ")" } else { "" });
    }

    fn value(&mut self, writer: &mut Writer<'_>, position: usize) {
        // INVARIANT: a branch compares only columns whose value is not null.
        let Some(side) = &self.sides[position] else {
            return writer.text("NULL");
        };
        writer.text(side.before);
        match self.bound[position] {
            Some(placeholder) => writer.again(placeholder),
            None => self.bound[position] = Some(writer.bind(side.param.clone())),
        }
        writer.text(side.after);
    }
}

/// The branches in the order of their rows.
fn branches(columns: &[Bearing], nulls: &[bool]) -> Vec<Branch> {
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
    let Some(SortColumn {
        by: Term::Field {
            steps: [], field, ..
        },
        ..
    }) = columns.first()
    else {
        return false;
    };
    let is_first = |index: &FieldIndex| std::ptr::eq(resource.field(*index), *field);
    is_first(&resource.key)
        || resource
            .indexes
            .iter()
            .any(|index| index.columns.iter().any(|column| is_first(&column.field)))
        || resource
            .uniques
            .iter()
            .any(|unique| unique.fields.iter().any(is_first))
        || matches!(field.kind, carnet_model::FieldType::Ref { .. })
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
        let columns = sort_columns(&fixture.view, goods, &query.order, false);
        let nulls: Vec<bool> = columns.iter().map(|column| nulls[column.key]).collect();
        let name = |position: usize| match columns[position].by {
            Term::Field { name, .. } => name,
            Term::Made(..) | Term::Inside(..) => "made",
        };
        let bearings: Vec<Bearing> = columns.iter().map(|column| column.bearing).collect();
        let found: Vec<String> = branches(&bearings, &nulls)
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
