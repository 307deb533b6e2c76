//! Predicates to conditions. Expects the normal form of [`Predicate::simplify`]; only rows for
//! which a predicate is true fulfil its condition, false and unknown are one.

use super::json::Place;
use super::level::{Hang, Level, Reached};
use super::literal::{self, List};
use super::text::{TextTest, spell};
use super::writer::{Alias, Writer};
use crate::{Deleted, Param};
use carnet_expr::{CompareOp, Operand, Path, Predicate, Row, Truth, evaluate};
use carnet_kernel::{PrincipalRef, Value, text};
use carnet_model::{FieldType, RelationIndex};
use std::borrow::Cow;

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
    fn constant(&mut self, predicate: &Predicate) {
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

    fn compare(&mut self, level: &Level<'q>, path: &'q Path, op: CompareOp, value: &'q Value) {
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

    fn compare_paths(&mut self, level: &Level<'q>, left: &Path, op: CompareOp, right: &Path) {
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

    fn null_test(&mut self, level: &Level<'q>, operand: &'q Operand, negated: bool) {
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

    fn membership(
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

    fn text_test(
        &mut self,
        level: &Level<'q>,
        path: &'q Path,
        test: &TextTest<'q>,
        caseless: bool,
        negated: bool,
    ) {
        let Some(reached) = level.reach(self.frame.view, path) else {
            return self.text("false");
        };
        if reached.field.kind.is_json() {
            let place = self.inside(&reached, &path.inside);
            return self.text_conditions(&Tested::Inside(place), test, negated);
        }
        if !reached.field.kind.is_text() || !path.inside.is_empty() {
            return self.text("false");
        }
        let column = match (caseless, &reached.field.companion) {
            (false, _) => &reached.field.column,
            (true, Some(companion)) => companion,
            // Planners refuse it; no row is the safe answer.
            (true, None) => return self.text("false"),
        };
        self.text_conditions(&Tested::Column(reached.alias, column), test, negated);
    }

    /// Writes the text that is tested.
    fn tested(&mut self, tested: &Tested<'q>) {
        match tested {
            Tested::Column(alias, column) => self.column(*alias, column),
            Tested::Inside(place) => self.json_text(place),
        }
    }

    fn text_conditions(&mut self, tested: &Tested<'q>, test: &TextTest<'q>, negated: bool) {
        let dialect = self.frame.dialect;
        let not = if negated { "NOT " } else { "" };
        match test {
            // The opposite is false for a text and unknown for null.
            TextTest::Present if negated => self.text("false"),
            TextTest::Present => {
                self.tested(tested);
                self.text(" IS NOT NULL");
            }
            TextTest::Equal(wanted) => {
                self.tested(tested);
                self.text(if negated { " <> " } else { " = " });
                self.bind(Param::Text(wanted.clone().into_owned()));
            }
            TextTest::Prefix(prefix) => self.range(tested, prefix, negated),
            TextTest::Contains(wanted) => {
                let [first, second, third] = dialect.contains();
                self.text(not);
                self.text(first);
                self.tested(tested);
                self.text(second);
                self.bind(Param::Text(wanted.clone().into_owned()));
                self.text(third);
            }
            TextTest::Suffix(wanted) => {
                let [first, second, third] = dialect.ends_with();
                self.text(not);
                self.text(first);
                self.tested(tested);
                self.text(second);
                let placeholder = self.bind(Param::Text(wanted.clone().into_owned()));
                self.text(third);
                self.again(placeholder);
            }
            TextTest::Pattern(prefix, pieces) => {
                let (before, after) = dialect.matches();
                let ranged = !negated && !prefix.is_empty();
                if ranged {
                    self.text("(");
                    self.range(tested, prefix, false);
                    self.text(" AND ");
                }
                self.text(not);
                self.tested(tested);
                self.text(before);
                self.bind(Param::Text(spell(dialect, pieces)));
                self.text(after);
                if ranged {
                    self.text(")");
                }
            }
        }
    }

    /// All texts with a prefix, as a range that an index answers even from a generic plan.
    fn range(&mut self, tested: &Tested<'q>, prefix: &str, negated: bool) {
        let end = text::prefix_end(prefix);
        if end.is_some() {
            self.text("(");
        }
        self.tested(tested);
        self.text(if negated { " < " } else { " >= " });
        self.bind(Param::Text(prefix.to_owned()));
        if let Some(end) = end {
            self.text(if negated { " OR " } else { " AND " });
            self.tested(tested);
            self.text(if negated { " >= " } else { " < " });
            self.bind(Param::Text(end));
            self.text(")");
        }
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

/// What a text test looks at.
enum Tested<'q> {
    Column(Alias, &'q str),
    Inside(Place<'q>),
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
fn turned(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Eq => CompareOp::Eq,
        CompareOp::Ne => CompareOp::Ne,
        CompareOp::Gt => CompareOp::Lt,
        CompareOp::Gte => CompareOp::Lte,
        CompareOp::Lt => CompareOp::Gt,
        CompareOp::Lte => CompareOp::Gte,
    }
}
