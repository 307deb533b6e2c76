//! Numbers made of related records, as correlated subqueries: they are made for the rows that are
//! looked at alone, along the index of the reference.
//!
//! Sums and means are exact and do not overflow: PostgreSQL adds in `numeric`, SQLite by an
//! aggregate of ours, whose answer is compared byte by byte.

use super::level::Level;
use super::literal;
use super::predicate::sign;
use super::writer::Writer;
use crate::{Dialect, Param};
use carnet_expr::{AVERAGE_DIGITS, Aggregate, CompareOp, Function};
use carnet_kernel::{MAX_PRECISION, Value};
use carnet_model::{Field, FieldType, Resource};

/// What a function gives.
enum Gives<'q> {
    /// How many.
    Count,
    /// An exact number of any size, in units of its last digit.
    Exact,
    /// A value of a field.
    Value(&'q Field),
}

/// How many fraction digits a mean of such a field has more than the field.
pub(super) fn average_digits(kind: &FieldType) -> u8 {
    match kind {
        FieldType::Decimal { scale, .. } => AVERAGE_DIGITS.min(MAX_PRECISION - *scale),
        FieldType::Integer { .. } => AVERAGE_DIGITS,
        _ => 0,
    }
}

fn gives<'q>(target: &'q Resource, function: Function) -> Gives<'q> {
    match function {
        Function::Count => Gives::Count,
        Function::Sum(_) | Function::Average(_) => Gives::Exact,
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
        let call = |writer: &mut Self, before: &str, field, after: &str| {
            writer.text(before);
            writer.column(inner.alias, &inner.resource.field(field).column);
            writer.text(after);
        };
        match (function, self.frame.dialect) {
            (Function::Count, _) => self.text("count(*)"),
            (Function::Min(field), _) => call(self, "min(", field, ")"),
            (Function::Max(field), _) => call(self, "max(", field, ")"),
            (Function::Sum(field), Dialect::Postgres) => call(self, "sum(", field, ")"),
            (Function::Sum(field), Dialect::Sqlite) => call(self, "carnet_sum(", field, ")"),
            (Function::Average(field), Dialect::Sqlite) => {
                call(self, "carnet_average(", field, ", ");
                let digits = average_digits(&inner.resource.field(field).kind);
                self.number(i64::from(digits));
                self.text(")");
            }
            (Function::Average(field), Dialect::Postgres) => {
                let digits = average_digits(&inner.resource.field(field).kind);
                let factor = 2 * 10_i64.pow(u32::from(digits));
                call(self, "sign(sum(", field, ")) * div(");
                self.number(factor);
                call(self, " * abs(sum(", field, ")) + count(");
                call(self, "", field, "), 2 * count(");
                call(self, "", field, "))");
            }
        }
    }

    /// Binds what such a number is compared with; nothing for a value of another type.
    fn bind_exact(&mut self, value: &Value) -> Option<Param> {
        match value {
            Value::Integer(number) | Value::Duration(number) => Some(Param::Exact(*number)),
            Value::Decimal(decimal) => Some(Param::Exact(decimal.unscaled)),
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
            self.text("::bigint");
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
