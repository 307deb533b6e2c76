//! Predicates to conditions. Expects the normal form of [`Predicate::simplify`]; only rows for
//! which a predicate is true fulfil its condition, false and unknown are one.

use super::compare::turned;
use super::level::{Hang, Level};
use super::text::TextTest;
use super::writer::Writer;
use crate::Deleted;
use carnet_expr::{Operand, Path, Predicate, Row, Truth, evaluate};
use carnet_kernel::Value;
use carnet_model::RelationIndex;

impl<'q> Writer<'q> {
    /// Writes ` WHERE …` for a level: its tenant, how it hangs on a row outside, and its predicate.
    /// Tells whether it wrote something.
    pub(super) fn conditions(
        &mut self,
        level: &Level<'q>,
        hang: Option<&Hang<'q>>,
        predicate: &'q Predicate,
    ) -> bool {
        let start = self.sql.len();
        self.text(" WHERE ");
        let empty = self.sql.len();
        let mut joint = if self.tenant(level.resource, level.alias) {
            " AND "
        } else {
            ""
        };
        if let Some(link) = &level.link {
            if link.resource.is_tenant() {
                self.text(joint);
                self.tenant(link.resource, link.alias);
                joint = " AND ";
            }
            if self.shown(joint, link.resource, link.alias, Deleted::Hidden) {
                joint = " AND ";
            }
        }
        if let Some(Hang { here, there }) = hang {
            self.text(joint);
            self.column(here.0, here.1);
            self.text(" = ");
            self.column(there.0, there.1);
            joint = " AND ";
        }
        if self.shown(joint, level.resource, level.alias, level.deleted) {
            joint = " AND ";
        }
        // What the joined search index says already is not said again.
        let mut joined = level.joined.is_some();
        match predicate {
            Predicate::True => {}
            Predicate::Search { fields, terms, .. } if joined => {
                self.search_rest(level, fields, terms, joint);
            }
            Predicate::And(list) => {
                for member in list {
                    if let Predicate::Search { fields, terms, .. } = member
                        && std::mem::take(&mut joined)
                    {
                        joint = self.search_rest(level, fields, terms, joint);
                        continue;
                    }
                    self.text(joint);
                    self.predicate(level, member);
                    joint = " AND ";
                }
            }
            other => {
                self.text(joint);
                self.predicate(level, other);
            }
        }
        let wrote = self.sql.len() > empty;
        if !wrote {
            self.sql.truncate(start);
        }
        wrote
    }

    /// Writes one condition.
    pub(super) fn predicate(&mut self, level: &Level<'q>, predicate: &'q Predicate) {
        match predicate {
            Predicate::True => self.text("true"),
            Predicate::False => self.text("false"),
            Predicate::And(list) => self.joined(level, list, " AND ", "true"),
            Predicate::Or(list) => self.joined(level, list, " OR ", "false"),
            Predicate::Not(inner) => match &**inner {
                Predicate::In { operand, list } => self.membership(level, operand, list, true),
                Predicate::IsNull(operand) => self.null_test(level, operand, true),
                Predicate::Text {
                    op,
                    path,
                    pattern,
                    caseless,
                } => {
                    let test = TextTest::new(*op, pattern);
                    self.text_test(level, path, &test, *caseless, true);
                }
                Predicate::Has { path, all, list } => self.has(level, path, *all, list, true),
                Predicate::Holds(test) => {
                    self.text("(");
                    self.predicate(level, test);
                    self.text(") IS NOT TRUE");
                }
                other => {
                    self.text("NOT (");
                    self.predicate(level, other);
                    self.text(")");
                }
            },
            Predicate::Compare { op, left, right } => match (left, right) {
                (Operand::Path(path), Operand::Value(value)) => {
                    self.compare(level, path, *op, value);
                }
                (Operand::Value(value), Operand::Path(path)) => {
                    self.compare(level, path, turned(*op), value);
                }
                (Operand::Path(left), Operand::Path(right)) => {
                    self.compare_paths(level, left, *op, right);
                }
                (Operand::Aggregate(aggregate), Operand::Value(value)) => {
                    self.compare_aggregate(level, aggregate, *op, value);
                }
                (Operand::Value(value), Operand::Aggregate(aggregate)) => {
                    self.compare_aggregate(level, aggregate, turned(*op), value);
                }
                // INVARIANT: planners compare an aggregate with literals alone.
                (Operand::Aggregate(_), _) | (_, Operand::Aggregate(_)) => self.text("false"),
                (Operand::Value(_), Operand::Value(_)) => self.constant(predicate),
            },
            Predicate::Has { path, all, list } => self.has(level, path, *all, list, false),
            // Here only what is true counts anyway.
            Predicate::Holds(test) => self.predicate(level, test),
            Predicate::In { operand, list } => self.membership(level, operand, list, false),
            Predicate::IsNull(operand) => self.null_test(level, operand, false),
            Predicate::Text {
                op,
                path,
                pattern,
                caseless,
            } => {
                let test = TextTest::new(*op, pattern);
                self.text_test(level, path, &test, *caseless, false);
            }
            Predicate::Exists {
                steps,
                relation,
                predicate,
            } => self.exists(level, steps, *relation, predicate),
            Predicate::Search { fields, terms, .. } => self.search(level, fields, terms),
        }
    }

    fn joined(&mut self, level: &Level<'q>, list: &'q [Predicate], joint: &str, none: &str) {
        if list.is_empty() {
            self.text(none);
            return;
        }
        self.text("(");
        for (position, member) in list.iter().enumerate() {
            if position > 0 {
                self.text(joint);
            }
            self.predicate(level, member);
        }
        self.text(")");
    }

    /// A test of literals alone is decided here.
    pub(super) fn constant(&mut self, predicate: &Predicate) {
        struct Nothing;
        impl Row for Nothing {
            fn value(&self, _: &Path) -> Value {
                Value::Null
            }
            fn exists(&self, _: &[RelationIndex], _: RelationIndex, _: &Predicate) -> bool {
                false
            }
        }
        let holds = evaluate(predicate, &Nothing) == Truth::True;
        self.truth(holds);
    }

    pub(super) fn truth(&mut self, holds: bool) {
        self.text(if holds { "true" } else { "false" });
    }

    fn exists(
        &mut self,
        level: &Level<'q>,
        steps: &[RelationIndex],
        relation: RelationIndex,
        predicate: &'q Predicate,
    ) {
        let Some(row) = level.row(steps) else {
            return self.text("false");
        };
        let (mut inner, hang) = Level::related(self, row, row.0.relation(relation));
        inner.join_for(self, predicate);
        self.text("EXISTS (SELECT 1");
        inner.write_source(self);
        self.conditions(&inner, Some(&hang), predicate);
        self.text(")");
    }
}
