//! Numbers made of related records, as correlated subqueries: they are made for the rows that are
//! looked at alone, along the index of the reference.
//!
//! Sums and means are exact and do not overflow: PostgreSQL adds in `numeric`, SQLite by an
//! aggregate of ours, whose answer is compared byte by byte. Floats are added as decimals, exactly
//! as well, and rounded once.

use super::compare::sign;
use super::level::Level;
use super::literal;
use super::writer::{Alias, Writer};
use crate::grouping::average_digits;
use crate::shape::{Kind, Marked};
use crate::{Dialect, Param};
use carnet_expr::{Aggregate, CompareOp, Function};
use carnet_kernel::Value;
use carnet_model::{Field, FieldType, Resource};

/// What a function gives.
#[derive(Clone, Copy, Debug)]
pub(super) enum Gives<'q> {
    /// How many.
    Count,
    /// An exact number of any size, in units of its last digit.
    Exact,
    /// A value of a field.
    Value(&'q Field),
}

impl Gives<'_> {
    /// How a page tells it.
    pub(super) fn mark(self, dialect: Dialect) -> Marked {
        match self {
            Self::Count => Marked::Value(Kind::Integer),
            Self::Exact => Marked::exact(dialect),
            Self::Value(field) => Marked::Value(Kind::of(&field.kind)),
        }
    }
}

pub(super) fn gives<'q>(target: &'q Resource, function: Function) -> Gives<'q> {
    match function {
        Function::Count => Gives::Count,
        Function::Sum(field) | Function::Average(field) => match target.field(field).kind {
            FieldType::Float { .. } => Gives::Value(target.field(field)),
            _ => Gives::Exact,
        },
        Function::Min(field) | Function::Max(field) => Gives::Value(target.field(field)),
    }
}

impl<'q> Writer<'q> {
    /// Writes the subquery; the target it is made of.
    pub(super) fn aggregate(
        &mut self,
        level: &Level<'q>,
        aggregate: &'q Aggregate,
    ) -> Option<&'q Resource> {
        let Some(row) = level.row(&aggregate.steps) else {
            self.text("NULL");
            return None;
        };
        let (mut inner, hang) = Level::related(self, row, row.0.relation(aggregate.relation));
        inner.join_for(self, &aggregate.predicate);
        self.text("(SELECT ");
        self.made(&inner, aggregate.function);
        inner.write_source(self);
        self.conditions(&inner, Some(&hang), &aggregate.predicate);
        self.text(")");
        Some(inner.resource)
    }

    fn made(&mut self, inner: &Level<'q>, function: Function) {
        let (Function::Sum(field)
        | Function::Average(field)
        | Function::Min(field)
        | Function::Max(field)) = function
        else {
            return self.text("count(*)");
        };
        let held = inner.resource.field(field);
        let column = (inner.alias, &*held.column);
        match function {
            Function::Sum(_) => self.sum(column, &held.kind),
            Function::Average(_) => self.average(column, &held.kind),
            Function::Min(_) => self.call("min(", column, ")"),
            Function::Max(_) | Function::Count => self.call("max(", column, ")"),
        }
    }

    /// `function(column)`
    pub(super) fn call(&mut self, before: &str, column: (Alias, &str), after: &str) {
        self.text(before);
        self.column(column.0, column.1);
        self.text(after);
    }

    /// The sum of a column of that type.
    pub(super) fn sum(&mut self, column: (Alias, &str), kind: &FieldType) {
        let float = matches!(kind, FieldType::Float { .. });
        match (self.frame.dialect, float) {
            (Dialect::Postgres, false) => self.call("sum(", column, ")"),
            (Dialect::Sqlite, false) => self.call("carnet_sum(", column, ")"),
            (Dialect::Sqlite, true) => self.call("carnet_float_sum(", column, ")"),
            (Dialect::Postgres, true) => self.float_sum(column),
        }
    }

    /// What `FloatSum` of `expr` adds, by PostgreSQL: floats as the decimals they are written as.
    /// Neither too small nor too large for a float, which would be an error.
    fn float_sum(&mut self, column: (Alias, &str)) {
        const SUM: (&str, &str) = ("sum(", "::text::numeric)");
        let sum = |writer: &mut Self, before: &str, after: &str| {
            writer.text(before);
            writer.call(SUM.0, column, SUM.1);
            writer.text(after);
        };
        sum(self, "(CASE WHEN abs(", ") < 1e-290 THEN 0");
        sum(self, " WHEN abs(", ") > 1.7976931348623157e308");
        sum(self, " THEN sign(", ") * 1.7976931348623157e308");
        sum(self, " ELSE ", " END)::float8");
    }

    /// The mean of a column of that type.
    pub(super) fn average(&mut self, column: (Alias, &str), kind: &FieldType) {
        let float = matches!(kind, FieldType::Float { .. });
        let digits = average_digits(kind);
        match (self.frame.dialect, float) {
            (Dialect::Sqlite, true) => self.call("carnet_float_average(", column, ")"),
            (Dialect::Postgres, true) => {
                self.text("(");
                self.float_sum(column);
                self.call(" / count(", column, "))");
            }
            (Dialect::Sqlite, false) => {
                self.call("carnet_average(", column, ", ");
                self.number(i64::from(digits));
                self.text(")");
            }
            (Dialect::Postgres, false) => {
                self.call("(sign(sum(", column, ")) * div(");
                self.number(2 * 10_i64.pow(u32::from(digits)));
                self.call(" * abs(sum(", column, ")) + count(");
                self.call("", column, "), 2 * count(");
                self.call("", column, ")))");
            }
        }
    }

    /// Binds what such a number is compared with; nothing for a value of another type.
    fn bind_exact(&mut self, value: &Value) -> Option<Param> {
        match value {
            Value::Integer(number) | Value::Duration(number) => {
                Some(Param::Exact(i128::from(*number)))
            }
            Value::Decimal(decimal) => Some(Param::Exact(i128::from(decimal.unscaled))),
            _ => None,
        }
    }

    pub(super) fn compare_aggregate(
        &mut self,
        level: &Level<'q>,
        aggregate: &'q Aggregate,
        op: CompareOp,
        value: &Value,
    ) {
        let start = self.mark();
        let Some(target) = self.aggregate(level, aggregate) else {
            return self.text(" IS NOT NULL");
        };
        match (op, value) {
            (CompareOp::Eq, Value::Null) => return self.text(" IS NULL"),
            (CompareOp::Ne, Value::Null) => return self.text(" IS NOT NULL"),
            _ => {}
        }
        let Some(param) = self.aggregate_param(target, aggregate, value) else {
            self.back_to(start);
            return self.truth(op == CompareOp::Ne);
        };
        self.text(match op {
            CompareOp::Ne => self.frame.dialect.differs(),
            op => sign(op),
        });
        self.bind_number(param);
    }

    fn aggregate_param(
        &mut self,
        target: &'q Resource,
        aggregate: &Aggregate,
        value: &Value,
    ) -> Option<Param> {
        match (gives(target, aggregate.function), value) {
            (_, Value::Null) => None,
            (Gives::Count, Value::Integer(number)) => Some(Param::Integer(*number)),
            (Gives::Count, _) => None,
            (Gives::Exact, value) => self.bind_exact(value),
            (Gives::Value(field), value) => {
                literal::fits(&field.kind, value).then(|| Param::Value(value.clone()))
            }
        }
    }

    fn bind_number(&mut self, param: Param) {
        let exact = matches!(param, Param::Exact(_));
        self.bind(param);
        if exact && self.frame.dialect == Dialect::Postgres {
            self.text("::text::numeric");
        }
    }

    /// The subquery once, beside all values of a list.
    pub(super) fn aggregate_membership(
        &mut self,
        level: &Level<'q>,
        aggregate: &'q Aggregate,
        list: &[Value],
        negated: bool,
    ) {
        let start = self.mark();
        // Null in place of a number that none of the list is: then the test is never unknown.
        self.text("coalesce(");
        let Some(target) = self.aggregate(level, aggregate) else {
            self.back_to(start);
            return self.truth(list.iter().any(Value::is_null) != negated);
        };
        self.text(if negated { " NOT IN (" } else { " IN (" });
        let mut some = false;
        for value in list {
            if let Some(param) = self.aggregate_param(target, aggregate, value) {
                if std::mem::replace(&mut some, true) {
                    self.text(", ");
                }
                self.bind_number(param);
            }
        }
        let null = list.iter().any(Value::is_null);
        self.text("), ");
        self.truth(null != negated);
        self.text(")");
        if !some {
            self.back_to(start);
            if null {
                self.aggregate(level, aggregate);
                self.text(if negated { " IS NOT NULL" } else { " IS NULL" });
            } else {
                self.truth(negated);
            }
        }
    }
}
