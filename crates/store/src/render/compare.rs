//! Comparisons of fields: with literals, with other fields, with lists, with null. Not of what stands
//! inside JSON or is made of related records.

use super::level::{Level, Reached};
use super::literal::{self, List};
use super::writer::Writer;
use crate::Param;
use carnet_expr::{CompareOp, Operand, Path, Predicate};
use carnet_kernel::{PrincipalRef, Value, text};
use carnet_model::FieldType;
use std::borrow::Cow;

impl<'q> Writer<'q> {
    pub(super) fn compare(
        &mut self,
        level: &Level<'q>,
        path: &'q Path,
        op: CompareOp,
        value: &'q Value,
    ) {
        let Some(reached) = level.reach(self.frame.view, path) else {
            return self.text("false");
        };
        if super::json::is_inside(path, &reached, op) {
            return self.compare_inside(&reached, &path.inside, op, value);
        }
        match (op, value) {
            (CompareOp::Eq, Value::Null) => self.is_null(&reached, false),
            (CompareOp::Ne, Value::Null) => self.is_null(&reached, true),
            (_, Value::Null) => self.text("false"),
            (CompareOp::Eq, value) => self.equals(&reached, value),
            (CompareOp::Ne, value) => self.differs(&reached, value),
            (op, value) => self.orders(&reached, op, value),
        }
    }

    pub(super) fn equals(&mut self, reached: &Reached<'q>, value: &Value) {
        match (&reached.field.kind, value) {
            (FieldType::Principal, Value::Principal(principal)) => {
                self.text("(");
                self.column_part(reached.alias, &reached.field.column, "_kind");
                self.text(" = ");
                self.bind(Param::Text(principal.kind.as_str().to_owned()));
                self.text(" AND ");
                self.principal_id(reached, principal, true);
                self.text(")");
            }
            _ => match literal::param(reached, value) {
                Some(param) => {
                    self.column(reached.alias, &reached.field.column);
                    self.text(" = ");
                    self.bind(param);
                }
                None => self.text("false"),
            },
        }
    }

    fn differs(&mut self, reached: &Reached<'q>, value: &Value) {
        let differs = self.frame.dialect.differs();
        match (&reached.field.kind, value) {
            (FieldType::Principal, Value::Principal(principal)) => {
                self.text("(");
                self.column_part(reached.alias, &reached.field.column, "_kind");
                self.text(differs);
                self.bind(Param::Text(principal.kind.as_str().to_owned()));
                self.text(" OR ");
                self.principal_id(reached, principal, false);
                self.text(")");
            }
            _ => match literal::param(reached, value) {
                Some(param) => {
                    self.column(reached.alias, &reached.field.column);
                    let certain = reached.own && !reached.nullable;
                    self.text(if certain { " <> " } else { differs });
                    self.bind(param);
                }
                None => self.text("true"),
            },
        }
    }

    fn principal_id(&mut self, reached: &Reached<'q>, principal: &PrincipalRef, same: bool) {
        self.column_part(reached.alias, &reached.field.column, "_id");
        match (principal.id, same) {
            (None, true) => self.text(" IS NULL"),
            (None, false) => self.text(" IS NOT NULL"),
            (Some(id), same) => {
                let differs = self.frame.dialect.differs();
                self.text(if same { " = " } else { differs });
                self.bind(Param::Value(Value::Id(id)));
            }
        }
    }

    /// A caseless field is ordered by its companion.
    fn orders(&mut self, reached: &Reached<'q>, op: CompareOp, value: &Value) {
        if !reached.field.kind.is_ordered() {
            return self.text("false");
        }
        let Some(param) = literal::param(reached, value) else {
            return self.text("false");
        };
        match (&reached.field.companion, value) {
            (Some(companion), Value::Text(found)) => {
                self.column(reached.alias, companion);
                self.text(sign(op));
                self.bind(Param::Text(text::fold(found)));
            }
            _ => {
                self.column(reached.alias, &reached.field.column);
                self.text(sign(op));
                self.bind(param);
            }
        }
    }

    pub(super) fn compare_paths(
        &mut self,
        level: &Level<'q>,
        left: &Path,
        op: CompareOp,
        right: &Path,
    ) {
        let view = self.frame.view;
        let (Some(left), Some(right)) = (level.reach(view, left), level.reach(view, right)) else {
            return self.text("false");
        };
        // INVARIANT: planners compare what is inside JSON with literals alone.
        let comparable = literal::comparable(&left.field.kind, &right.field.kind);
        let dialect = self.frame.dialect;
        match op {
            CompareOp::Eq | CompareOp::Ne => {
                let same = op == CompareOp::Eq;
                let word = if same {
                    dialect.same()
                } else {
                    dialect.differs()
                };
                if !comparable {
                    self.text("(");
                    self.is_null(&left, !same);
                    self.text(if same { " AND " } else { " OR " });
                    self.is_null(&right, !same);
                    self.text(")");
                } else if matches!(left.field.kind, FieldType::Principal) {
                    self.text("(");
                    self.pair(&left, &right, "_kind", word);
                    self.text(if same { " AND " } else { " OR " });
                    self.pair(&left, &right, "_id", word);
                    self.text(")");
                } else {
                    self.pair(&left, &right, "", word);
                }
            }
            _ if !comparable || !left.field.kind.is_ordered() => self.text("false"),
            _ => match (&left.field.companion, &right.field.companion) {
                (Some(first), Some(second)) => {
                    self.column(left.alias, first);
                    self.text(sign(op));
                    self.column(right.alias, second);
                }
                _ => self.pair(&left, &right, "", sign(op)),
            },
        }
    }

    fn pair(&mut self, left: &Reached<'q>, right: &Reached<'q>, part: &str, word: &str) {
        self.column_part(left.alias, &left.field.column, part);
        self.text(word);
        self.column_part(right.alias, &right.field.column, part);
    }

    pub(super) fn null_test(&mut self, level: &Level<'q>, operand: &'q Operand, negated: bool) {
        match operand {
            Operand::Value(value) => self.truth(value.is_null() != negated),
            Operand::Aggregate(aggregate) => {
                self.aggregate(level, aggregate);
                self.text(if negated { " IS NOT NULL" } else { " IS NULL" });
            }
            Operand::Path(path) => match level.reach(self.frame.view, path) {
                Some(reached) if !path.inside.is_empty() => {
                    self.null_inside(&reached, &path.inside, negated);
                }
                Some(reached) => self.is_null(&reached, negated),
                None => self.text("false"),
            },
        }
    }

    fn is_null(&mut self, reached: &Reached<'q>, negated: bool) {
        let part = match reached.field.kind {
            FieldType::Principal => "_kind",
            _ => "",
        };
        self.column_part(reached.alias, &reached.field.column, part);
        self.text(if negated { " IS NOT NULL" } else { " IS NULL" });
    }

    pub(super) fn membership(
        &mut self,
        level: &Level<'q>,
        operand: &'q Operand,
        list: &'q [Value],
        negated: bool,
    ) {
        let path = match operand {
            Operand::Path(path) => path,
            Operand::Aggregate(aggregate) => {
                return self.aggregate_membership(level, aggregate, list, negated);
            }
            Operand::Value(_) => {
                let test = Predicate::In {
                    operand: operand.clone(),
                    list: list.to_vec(),
                };
                return self.constant(&if negated {
                    Predicate::Not(Box::new(test))
                } else {
                    test
                });
            }
        };
        let Some(reached) = level.reach(self.frame.view, path) else {
            return self.text("false");
        };
        if !path.inside.is_empty() {
            return self.membership_inside(&reached, &path.inside, list, negated);
        }
        let list = match List::new(self.frame.dialect, &reached, list) {
            List::Bound(list) => list,
            List::Each(values) => return self.each(&reached, &values, negated),
        };
        let nullable = reached.nullable || !reached.own;
        // Beside null a test of the others is unknown; null counts by itself.
        let or_null = nullable && list.holds_null != negated;
        if or_null {
            self.text("(");
        }
        let (before, after) = self
            .frame
            .dialect
            .member(negated, reached.field.kind.is_id());
        self.column(reached.alias, &reached.field.column);
        self.text(before);
        self.bind(Param::List(list.kind, list.values));
        self.text(after);
        if or_null {
            self.text(" OR ");
            self.is_null(&reached, false);
            self.text(")");
        }
    }

    /// Equality with one value of a list, or difference from all of them.
    fn each(&mut self, reached: &Reached<'q>, values: &[Cow<'_, Value>], negated: bool) {
        if values.is_empty() {
            return self.truth(negated);
        }
        if values.len() > 1 {
            self.text("(");
        }
        for (position, value) in values.iter().enumerate() {
            if position > 0 {
                self.text(if negated { " AND " } else { " OR " });
            }
            match (value.as_ref(), negated) {
                (Value::Null, negated) => self.is_null(reached, negated),
                (value, false) => self.equals(reached, value),
                (value, true) => self.differs(reached, value),
            }
        }
        if values.len() > 1 {
            self.text(")");
        }
    }
}

pub(super) fn sign(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Eq => " = ",
        CompareOp::Ne => " <> ",
        CompareOp::Gt => " > ",
        CompareOp::Gte => " >= ",
        CompareOp::Lt => " < ",
        CompareOp::Lte => " <= ",
    }
}

/// The operator with its sides changed.
pub(super) fn turned(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Eq => CompareOp::Eq,
        CompareOp::Ne => CompareOp::Ne,
        CompareOp::Gt => CompareOp::Lt,
        CompareOp::Gte => CompareOp::Lte,
        CompareOp::Lt => CompareOp::Gt,
        CompareOp::Lte => CompareOp::Gte,
    }
}
