//! Deciding a predicate for one row in memory. The reference for what a rendered one must answer.

use crate::{
    AVERAGE_DIGITS, Aggregate, CompareOp, FieldIndex, FloatSum, Function, JsonStep, Operand, Path,
    Predicate, RelationIndex, SearchTerm, TextOp, average,
};
use carnet_kernel::{JsonText, Value, search, text};
use std::cmp::Ordering;

/// Kleene's three values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    /// Does not hold.
    False,
    /// Cannot be said: an ordering or text test met null.
    Unknown,
    /// Holds.
    True,
}

impl Truth {
    fn of(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }

    fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
        }
    }
}

/// What the evaluator asks of a row.
pub trait Row {
    /// The value of a path's field as a whole; null when a to-one step leads nowhere.
    fn value(&self, path: &Path) -> Value;

    /// The value of `field`, or null without one, of each record over a to-many relation that
    /// makes `predicate` true.
    fn related(
        &self,
        steps: &[RelationIndex],
        relation: RelationIndex,
        predicate: &Predicate,
        field: Option<FieldIndex>,
    ) -> Vec<Value> {
        let _ = (steps, relation, predicate, field);
        Vec::new()
    }

    /// Whether some record over a to-many relation makes `predicate` true.
    fn exists(
        &self,
        steps: &[RelationIndex],
        relation: RelationIndex,
        predicate: &Predicate,
    ) -> bool;

    /// Whether the field at a path has a folded companion, by which it is then ordered.
    fn caseless(&self, path: &Path) -> bool {
        let _ = path;
        false
    }
}

/// Decides `predicate` for `row`.
pub fn evaluate(predicate: &Predicate, row: &dyn Row) -> Truth {
    match predicate {
        Predicate::True => Truth::True,
        Predicate::False => Truth::False,
        Predicate::And(list) => list
            .iter()
            .map(|member| evaluate(member, row))
            .min()
            .unwrap_or(Truth::True),
        Predicate::Or(list) => list
            .iter()
            .map(|member| evaluate(member, row))
            .max()
            .unwrap_or(Truth::False),
        Predicate::Not(inner) => evaluate(inner, row).not(),
        Predicate::Compare { op, left, right } => {
            if !matches!(op, CompareOp::Eq | CompareOp::Ne) && by_companion(left, right, row) {
                let folded = |operand| match find(operand, row) {
                    Found::Value(Value::Text(found)) => {
                        Found::Value(Value::Text(text::fold(&found)))
                    }
                    other => other,
                };
                return decide(*op, &folded(left), &folded(right));
            }
            decide(*op, &find(left, row), &find(right, row))
        }
        Predicate::In { operand, list } => {
            let wanted = find(operand, row);
            let mut members = list.iter().cloned().map(Found::Value);
            Truth::of(members.any(|member| member.same(&wanted)))
        }
        Predicate::IsNull(operand) => Truth::of(find(operand, row).is_null()),
        Predicate::Has { path, all, list } => {
            let members = members(&at(path, row));
            let mut wanted = list.iter().map(|one| members.contains(one));
            Truth::of(if *all {
                wanted.all(|found| found)
            } else {
                wanted.any(|found| found)
            })
        }
        Predicate::Holds(inner) => Truth::of(evaluate(inner, row) == Truth::True),
        Predicate::Text {
            op,
            path,
            pattern,
            caseless,
        } => match unquoted(at(path, row)) {
            Value::Text(found) if *caseless => {
                Truth::of(text_matches(*op, &text::fold(&found), pattern))
            }
            Value::Text(found) => Truth::of(text_matches(*op, &found, pattern)),
            _ => Truth::Unknown,
        },
        Predicate::Search {
            fields,
            analysis,
            terms,
        } => {
            let document = |field: &FieldIndex| match row.value(&Path::own(*field)) {
                Value::Text(text) => analysis.document(&text),
                _ => " ".to_owned(),
            };
            let documents: Vec<String> = fields.iter().map(document).collect();
            Truth::of(terms.iter().all(|term| found(term, &documents)))
        }
        Predicate::Exists {
            steps,
            relation,
            predicate,
        } => Truth::of(row.exists(steps, *relation, predicate)),
    }
}

fn found(term: &SearchTerm, documents: &[String]) -> bool {
    match (term, term.needle()) {
        (SearchTerm::Similar(word), _) => {
            let trigrams = search::trigrams(word);
            let mut all = documents.iter();
            all.any(|one| search::similarity(&trigrams, one) >= search::SIMILAR)
        }
        (SearchTerm::Stem(stems), _) => {
            let holds = |stem: &String| {
                let needle = format!(" {stem} ");
                documents.iter().any(|one| one.contains(&needle))
            };
            stems.iter().any(holds)
        }
        (_, Some(needle)) => documents.iter().any(|one| one.contains(&needle)),
        (_, None) => false,
    }
}

/// Whether an ordering looks at companions: every field in it has one.
fn by_companion(left: &Operand, right: &Operand, row: &dyn Row) -> bool {
    let caseless = |operand: &Operand| match operand {
        Operand::Path(path) => Some(row.caseless(path)),
        Operand::Value(_) => None,
        Operand::Aggregate(_) => Some(false),
    };
    match (caseless(left), caseless(right)) {
        (None, None) => false,
        (left, right) => left != Some(false) && right != Some(false),
    }
}

/// What an operand is for a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// A value; JSON's null is null.
    Value(Value),
    /// A number made of related records, in units of its last digit.
    Exact(i128),
}

impl Found {
    /// Whether there is nothing.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Value(Value::Null))
    }

    /// The order of two; `None` beside null and between types.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Value(left), Self::Value(right)) => compare(left, right),
            (left, right) => Some(left.exact()?.cmp(&right.exact()?)),
        }
    }

    fn exact(&self) -> Option<i128> {
        match self {
            Self::Exact(number) => Some(*number),
            Self::Value(Value::Integer(number) | Value::Duration(number)) => {
                Some(i128::from(*number))
            }
            Self::Value(Value::Decimal(decimal)) => Some(i128::from(decimal.unscaled)),
            Self::Value(_) => None,
        }
    }

    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Value(Value::Null), Self::Value(Value::Null)) => true,
            (Self::Value(Value::Principal(left)), Self::Value(Value::Principal(right))) => {
                left == right
            }
            (Self::Value(Value::Json(left)), Self::Value(Value::Json(right))) => left == right,
            _ => self.compare(other) == Some(Ordering::Equal),
        }
    }
}

/// What an operand is for `row`.
pub fn find(operand: &Operand, row: &dyn Row) -> Found {
    match operand {
        Operand::Path(path) => Found::Value(at(path, row)),
        Operand::Value(value) => Found::Value(value.clone()),
        Operand::Aggregate(aggregate) => measure(aggregate, row),
    }
}

/// The value at a path, inside JSON as well.
fn at(path: &Path, row: &dyn Row) -> Value {
    let value = row.value(path);
    if path.inside.is_empty() {
        return value;
    }
    let Value::Json(text) = value else {
        return Value::Null;
    };
    let whole = text.to_value();
    let found = path.inside.iter().try_fold(&whole, |value, step| {
        Some(match step {
            JsonStep::Key(key) => value.as_object()?.get(key)?,
            JsonStep::Index(index) => value.as_array()?.get(*index as usize)?,
        })
    });
    match found {
        None | Some(serde_json::Value::Null) => Value::Null,
        Some(value) => Value::Json(JsonText::from_value(value)),
    }
}

/// The text that a JSON string stands for; anything else as it is.
fn unquoted(value: Value) -> Value {
    match &value {
        Value::Json(text) => match text.to_value() {
            serde_json::Value::String(text) => Value::Text(text),
            _ => value,
        },
        _ => value,
    }
}

fn members(list: &Value) -> Vec<JsonText> {
    match list {
        Value::Json(text) => match text.to_value() {
            serde_json::Value::Array(list) => list.iter().map(JsonText::from_value).collect(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn measure(aggregate: &Aggregate, row: &dyn Row) -> Found {
    let field = match aggregate.function {
        Function::Count => None,
        Function::Sum(field)
        | Function::Average(field)
        | Function::Min(field)
        | Function::Max(field) => Some(field),
    };
    let values = row.related(
        &aggregate.steps,
        aggregate.relation,
        &aggregate.predicate,
        field,
    );
    let numbers = || {
        values
            .iter()
            .filter_map(|value| Found::Value(value.clone()).exact())
    };
    let best = |keep: Ordering| {
        let present = values.iter().filter(|value| !value.is_null());
        let best = present.reduce(|best, value| match compare(value, best) {
            Some(order) if order == keep => value,
            _ => best,
        });
        Found::Value(best.cloned().unwrap_or(Value::Null))
    };
    let exact = |number: Option<i128>| number.map_or(Found::Value(Value::Null), Found::Exact);
    if values.iter().any(|value| matches!(value, Value::Float(_))) {
        let mut added = FloatSum::default();
        for value in &values {
            if let Value::Float(number) = value {
                added.add(*number);
            }
        }
        let made = match aggregate.function {
            Function::Sum(_) => added.sum(),
            Function::Average(_) => added.average(),
            _ => None,
        };
        if let Some(made) = made {
            return Found::Value(Value::Float(made));
        }
    }
    match aggregate.function {
        Function::Count => Found::Exact(values.len() as i128),
        Function::Sum(_) => exact(numbers().next().map(|_| numbers().sum())),
        Function::Average(_) => {
            let digits = match values.iter().find(|value| !value.is_null()) {
                Some(Value::Decimal(decimal)) => AVERAGE_DIGITS.min(18 - decimal.scale.min(18)),
                Some(Value::Integer(_)) => AVERAGE_DIGITS,
                _ => 0,
            };
            exact(average(numbers().sum(), numbers().count() as u64, digits))
        }
        Function::Min(_) => best(Ordering::Less),
        Function::Max(_) => best(Ordering::Greater),
    }
}

fn decide(op: CompareOp, left: &Found, right: &Found) -> Truth {
    match op {
        CompareOp::Eq => return Truth::of(left.same(right)),
        CompareOp::Ne => return Truth::of(!left.same(right)),
        _ => {}
    }
    let Some(order) = left.compare(right) else {
        return Truth::Unknown;
    };
    Truth::of(match op {
        CompareOp::Gt => order == Ordering::Greater,
        CompareOp::Gte => order != Ordering::Less,
        CompareOp::Lt => order == Ordering::Less,
        _ => order != Ordering::Greater,
    })
}

/// The order of two values of one type; `None` beside null and between types. JSON has an order
/// among numbers and among texts.
pub fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Boolean(a), Value::Boolean(b)) => Some(a.cmp(b)),
        (Value::Integer(a), Value::Integer(b))
        | (Value::Time(a), Value::Time(b))
        | (Value::DateTime(a), Value::DateTime(b))
        | (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        // Both carry the scale of the field they belong to.
        (Value::Decimal(a), Value::Decimal(b)) => Some(a.unscaled.cmp(&b.unscaled)),
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        (Value::Id(a), Value::Id(b)) => Some(a.cmp(b)),
        (Value::Date(a), Value::Date(b)) => Some(a.cmp(b)),
        (Value::Json(a), Value::Json(b)) => match (a.to_value(), b.to_value()) {
            (serde_json::Value::Number(a), serde_json::Value::Number(b)) => {
                a.as_f64()?.partial_cmp(&b.as_f64()?)
            }
            (serde_json::Value::String(a), serde_json::Value::String(b)) => Some(a.cmp(&b)),
            _ => None,
        },
        _ => None,
    }
}

fn text_matches(op: TextOp, found: &str, pattern: &str) -> bool {
    match op {
        TextOp::Contains => found.contains(pattern),
        TextOp::StartsWith => found.starts_with(pattern),
        TextOp::EndsWith => found.ends_with(pattern),
        TextOp::Like => like(&found.chars().collect::<Vec<_>>(), &pieces(pattern)),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Piece {
    Any,
    One,
    Character(char),
}

fn pieces(pattern: &str) -> Vec<Piece> {
    let mut list = Vec::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        list.push(match character {
            '%' => Piece::Any,
            '_' => Piece::One,
            '\\' => Piece::Character(characters.next().unwrap_or('\\')),
            other => Piece::Character(other),
        });
    }
    list
}

/// Greedy matching with one point of return: linear in practice, quadratic at worst.
fn like(text: &[char], pattern: &[Piece]) -> bool {
    let (mut at, mut piece) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(piece) {
            Some(Piece::Any) => {
                back = Some((piece, at));
                piece += 1;
            }
            Some(Piece::One) => {
                at += 1;
                piece += 1;
            }
            Some(Piece::Character(wanted)) if *wanted == text[at] => {
                at += 1;
                piece += 1;
            }
            _ => {
                let Some((any, from)) = back else {
                    return false;
                };
                back = Some((any, from + 1));
                at = from + 1;
                piece = any + 1;
            }
        }
    }
    pattern[piece..].iter().all(|rest| *rest == Piece::Any)
}

#[cfg(test)]
mod tests;
