//! What stands inside JSON fields, and membership in list fields. Only total forms: a value of
//! another type is null to what asks for a number or a text.
//!
//! A place is named by a path that both databases read alike: a key leads only into an object, a
//! number only into an array.

use super::compare::sign;
use super::level::{Level, Reached};
use super::seek::Side;
use super::writer::{Placeholder, Writer};
use crate::{Dialect, Param};
use carnet_expr::{CompareOp, JsonStep, Path};
use carnet_kernel::{JsonText, Value, json};
use carnet_model::Storage;

/// A place inside a JSON field of a row.
pub(super) struct Place<'q> {
    alias: super::writer::Alias,
    column: &'q str,
    /// Whether the column holds JSON as text (PostgreSQL).
    as_text: bool,
    inside: &'q [JsonStep],
    /// The path, once it is bound.
    path: std::cell::Cell<Option<Placeholder>>,
}

/// Whether a comparison looks inside JSON: by a path, or because an order of whole values is an
/// order of the numbers or texts they are.
pub(super) fn is_inside(path: &Path, reached: &Reached<'_>, op: CompareOp) -> bool {
    let order = !matches!(op, CompareOp::Eq | CompareOp::Ne);
    !path.inside.is_empty() || order && reached.field.kind.is_json()
}

/// `$."key"[0]`, the same for both databases. Planners let no key through that needs an escape.
fn spell(steps: &[JsonStep]) -> String {
    let mut out = String::from("$");
    for step in steps {
        match step {
            JsonStep::Key(key) => {
                out.push('.');
                json::write_string(key, &mut out);
            }
            JsonStep::Index(index) => {
                out.push('[');
                crate::shape::write_integer(i64::from(*index), &mut out);
                out.push(']');
            }
        }
    }
    out
}

impl<'q> Writer<'q> {
    pub(super) fn inside(&self, reached: &Reached<'q>, inside: &'q [JsonStep]) -> Place<'q> {
        Place {
            alias: reached.alias,
            column: &reached.field.column,
            as_text: reached.resource.storage == Storage::Platform,
            inside,
            path: std::cell::Cell::new(None),
        }
    }

    /// The field as a whole, as JSON.
    fn json_column(&mut self, place: &Place<'q>) {
        self.column(place.alias, place.column);
        if place.as_text && self.frame.dialect == Dialect::Postgres {
            self.text("::jsonb");
        }
    }

    fn json_path(&mut self, place: &Place<'q>) {
        match place.path.get() {
            Some(placeholder) => self.again(placeholder),
            None => {
                let placeholder = self.bind(Param::Text(spell(place.inside)));
                place.path.set(Some(placeholder));
            }
        }
    }

    /// The value as JSON; null where there is none.
    fn json_value(&mut self, place: &Place<'q>) {
        if place.inside.is_empty() {
            return self.json_column(place);
        }
        match self.frame.dialect {
            Dialect::Sqlite => {
                self.text("(");
                self.json_column(place);
                self.text(" -> ");
                self.json_path(place);
                self.text(")");
            }
            Dialect::Postgres => {
                self.text("jsonb_path_query_first(");
                self.json_column(place);
                self.text(", ('strict ' || ");
                self.json_path(place);
                self.text("::text)::jsonpath, '{}', true)");
            }
        }
    }

    /// SQLite's `function(column, path)`.
    fn json_call(&mut self, function: &str, place: &Place<'q>) {
        self.text(function);
        self.text("(");
        self.json_column(place);
        if !place.inside.is_empty() {
            self.text(", ");
            self.json_path(place);
        }
        self.text(")");
    }

    /// The name of the value's type, as the database says it; null where there is none.
    fn json_type(&mut self, place: &Place<'q>) {
        match self.frame.dialect {
            Dialect::Sqlite => self.json_call("json_type", place),
            Dialect::Postgres => {
                self.text("jsonb_typeof(");
                self.json_value(place);
                self.text(")");
            }
        }
    }

    /// SQLite's value of a scalar.
    fn json_atom(&mut self, place: &Place<'q>) {
        self.text("json_extract(");
        self.json_column(place);
        self.text(", ");
        self.json_path(place);
        self.text(")");
    }

    /// The text, or null.
    pub(super) fn json_text(&mut self, place: &Place<'q>) {
        match self.frame.dialect {
            Dialect::Sqlite => {
                self.text("CASE WHEN ");
                self.json_type(place);
                self.text(" = 'text' THEN ");
                self.json_atom(place);
                self.text(" END");
            }
            Dialect::Postgres => {
                self.text("(CASE WHEN ");
                self.json_type(place);
                self.text(" = 'string' THEN ");
                self.json_value(place);
                self.text(" #>> '{}' END COLLATE \"C\")");
            }
        }
    }

    /// The number, or null; on PostgreSQL as JSON, whose numbers have their order.
    fn json_number(&mut self, place: &Place<'q>) {
        self.text("CASE WHEN ");
        self.json_type(place);
        match self.frame.dialect {
            Dialect::Sqlite => {
                self.text(" IN ('integer', 'real') THEN ");
                self.json_atom(place);
            }
            Dialect::Postgres => {
                self.text(" = 'number' THEN ");
                self.json_value(place);
            }
        }
        self.text(" END");
    }

    pub(super) fn compare_inside(
        &mut self,
        reached: &Reached<'q>,
        inside: &'q [JsonStep],
        op: CompareOp,
        value: &Value,
    ) {
        let place = self.inside(reached, inside);
        let literal = match value {
            Value::Json(literal) if reached.field.kind.is_json() => literal,
            Value::Null if op == CompareOp::Eq => return self.null_inside(reached, inside, false),
            Value::Null if op == CompareOp::Ne => return self.null_inside(reached, inside, true),
            _ => return self.truth(op == CompareOp::Ne),
        };
        match op {
            CompareOp::Eq | CompareOp::Ne => {
                let differs = self.frame.dialect.differs();
                self.json_value(&place);
                self.text(if op == CompareOp::Eq { " = " } else { differs });
                self.bind(Param::Value(Value::Json(literal.clone())));
            }
            _ => match literal.to_value() {
                serde_json::Value::String(text) => {
                    self.json_text(&place);
                    self.text(sign(op));
                    self.bind(Param::Text(text));
                }
                serde_json::Value::Number(number) => {
                    self.json_number(&place);
                    self.text(sign(op));
                    let bound = match self.frame.dialect {
                        Dialect::Postgres => Value::Json(literal.clone()),
                        Dialect::Sqlite => match (number.as_i64(), number.as_f64()) {
                            (Some(integer), _) => Value::Integer(integer),
                            (None, float) => Value::Float(float.unwrap_or_default()),
                        },
                    };
                    self.bind(Param::Value(bound));
                }
                _ => self.text("false"),
            },
        }
    }

    pub(super) fn null_inside(
        &mut self,
        reached: &Reached<'q>,
        inside: &'q [JsonStep],
        negated: bool,
    ) {
        if !reached.field.kind.is_json() {
            return self.truth(!negated);
        }
        let place = self.inside(reached, inside);
        self.text("coalesce(");
        self.json_type(&place);
        self.text(if negated {
            ", 'null') <> 'null'"
        } else {
            ", 'null') = 'null'"
        });
    }

    /// Equality with one value of a list, or difference from all of them.
    pub(super) fn membership_inside(
        &mut self,
        reached: &Reached<'q>,
        inside: &'q [JsonStep],
        list: &[Value],
        negated: bool,
    ) {
        if list.is_empty() {
            return self.truth(negated);
        }
        let op = if negated {
            CompareOp::Ne
        } else {
            CompareOp::Eq
        };
        self.text("(");
        for (position, value) in list.iter().enumerate() {
            if position > 0 {
                self.text(if negated { " AND " } else { " OR " });
            }
            self.compare_inside(reached, inside, op, value);
        }
        self.text(")");
    }

    /// Whether a list has all or one of `list` among its members; never unknown.
    pub(super) fn has(
        &mut self,
        level: &Level<'q>,
        path: &'q Path,
        all: bool,
        list: &'q [JsonText],
        negated: bool,
    ) {
        let reached = match level.reach(self.frame.view, path) {
            Some(reached) if reached.field.kind.is_json() && !list.is_empty() => reached,
            _ => return self.truth(negated != (all && list.is_empty())),
        };
        let place = self.inside(&reached, &path.inside);
        self.text(if negated { "NOT coalesce(" } else { "(" });
        self.json_type(&place);
        self.text(" = 'array' AND ");
        match self.frame.dialect {
            Dialect::Sqlite => self.has_each(&place, all, list),
            Dialect::Postgres => self.has_contained(&place, all, list),
        }
        self.text(if negated { ", false)" } else { ")" });
    }

    fn has_each(&mut self, place: &Place<'q>, all: bool, list: &[JsonText]) {
        let (wanted, member) = (self.alias(), self.alias());
        self.text(if all {
            "NOT EXISTS (SELECT 1 FROM json_each("
        } else {
            "EXISTS (SELECT 1 FROM json_each("
        });
        let mut bound = String::from("[");
        for (position, one) in list.iter().enumerate() {
            if position > 0 {
                bound.push(',');
            }
            bound.push_str(one.as_str());
        }
        bound.push(']');
        self.bind(Param::Text(bound));
        self.text(") ");
        self.name(wanted);
        self.text(if all {
            " WHERE NOT EXISTS (SELECT 1 FROM "
        } else {
            ", "
        });
        self.json_call("json_each", place);
        self.text(" ");
        self.name(member);
        self.text(" WHERE ");
        for (position, column) in ["type", "value"].into_iter().enumerate() {
            if position > 0 {
                self.text(" AND ");
            }
            self.column(member, column);
            self.text(" IS ");
            self.column(wanted, column);
        }
        self.text(if all { "))" } else { ")" });
    }

    fn has_contained(&mut self, place: &Place<'q>, all: bool, list: &[JsonText]) {
        let array = |members: &[JsonText]| {
            let members = members.iter().map(JsonText::to_value).collect();
            let array = JsonText::from_value(&serde_json::Value::Array(members));
            Param::Value(Value::Json(array))
        };
        self.text("(");
        let sets = if all { list.len() } else { 1 };
        for (position, set) in list.chunks(sets).enumerate() {
            if position > 0 {
                self.text(" OR ");
            }
            self.json_value(place);
            self.text(" @> ");
            self.bind(array(set));
        }
        self.text(")");
    }

    /// Writes one column of an order by a place.
    pub(super) fn part_inside(
        &mut self,
        reached: &Reached<'q>,
        inside: &'q [JsonStep],
        part: Part,
    ) {
        let place = self.inside(reached, inside);
        match part {
            Part::Rank => self.rank_inside(&place),
            Part::Number => self.json_number(&place),
            Part::Text => self.json_text(&place),
        }
    }

    /// The rank of the value's type, as [`rank`] has it; null where there is none.
    fn rank_inside(&mut self, place: &Place<'q>) {
        self.text("CASE ");
        self.json_type(place);
        match self.frame.dialect {
            Dialect::Sqlite => self.text(
                " WHEN 'false' THEN 1 WHEN 'true' THEN 2 WHEN 'integer' THEN 3 WHEN 'real' THEN 3 \
                 WHEN 'text' THEN 4 WHEN 'array' THEN 5 WHEN 'object' THEN 5 END",
            ),
            Dialect::Postgres => {
                self.text(" WHEN 'boolean' THEN CASE WHEN ");
                self.json_value(place);
                self.text(
                    " = 'true' THEN 2 ELSE 1 END WHEN 'number' THEN 3 WHEN 'string' THEN 4 \
                     WHEN 'array' THEN 5 WHEN 'object' THEN 5 END",
                );
            }
        }
    }

    /// The value as JSON as far as an order looks at it: an empty list for every list and object,
    /// which are all one.
    pub(super) fn told_inside(&mut self, reached: &Reached<'q>, inside: &'q [JsonStep]) {
        let place = self.inside(reached, inside);
        let empty = match self.frame.dialect {
            Dialect::Sqlite => "'[]'",
            Dialect::Postgres => "'[]'::jsonb",
        };
        self.text("CASE ");
        self.json_type(&place);
        for kind in ["array", "object"] {
            self.text(" WHEN '");
            self.text(kind);
            self.text("' THEN ");
            self.text(empty);
        }
        self.text(" WHEN 'null' THEN NULL ELSE ");
        self.json_value(&place);
        self.text(" END");
    }
}

/// What an order by a place looks at, one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The rank of the value's type.
    Rank,
    /// The number it is; null for anything else.
    Number,
    /// The text it is; null for anything else.
    Text,
}

impl Part {
    /// What the part of a place is compared with whose value is `json`; nothing for null.
    pub(super) fn of(self, json: &JsonText, dialect: Dialect) -> Option<Side> {
        let value = json.to_value();
        match (self, value) {
            (Self::Rank, value) => Some(Side::plain(Param::Integer(rank(&value)?))),
            // Read by the database in the same way as what it is compared with, to the last bit.
            (Self::Number, serde_json::Value::Number(_)) => Some(match dialect {
                Dialect::Sqlite => Side {
                    before: "json_extract(",
                    param: Param::Text(json.as_str().to_owned()),
                    after: ", '$')",
                },
                Dialect::Postgres => Side::plain(Param::Value(Value::Json(json.clone()))),
            }),
            (Self::Text, serde_json::Value::String(text)) => Some(Side::plain(Param::Text(text))),
            _ => None,
        }
    }
}

/// The place of a value's type in an order; null has none.
fn rank(value: &serde_json::Value) -> Option<i64> {
    Some(match value {
        serde_json::Value::Null => return None,
        serde_json::Value::Bool(false) => 1,
        serde_json::Value::Bool(true) => 2,
        serde_json::Value::Number(_) => 3,
        serde_json::Value::String(_) => 4,
        serde_json::Value::Array(_) | serde_json::Value::Object(_) => 5,
    })
}
