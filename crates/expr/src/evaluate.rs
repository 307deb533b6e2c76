//! Deciding a predicate for one row in memory. The reference for what a rendered one must answer.

use crate::{CompareOp, FieldIndex, Operand, Path, Predicate, RelationIndex, SearchTerm, TextOp};
use carnet_kernel::{Value, search, text};
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
    /// The value at a path; null when a to-one step leads nowhere.
    fn value(&self, path: &Path) -> Value;

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
                let folded = |operand| match value(operand, row) {
                    Value::Text(found) => Value::Text(text::fold(&found)),
                    other => other,
                };
                return decide(*op, &folded(left), &folded(right));
            }
            decide(*op, &value(left, row), &value(right, row))
        }
        Predicate::In { operand, list } => {
            let wanted = value(operand, row);
            Truth::of(list.iter().any(|member| same(member, &wanted)))
        }
        Predicate::IsNull(operand) => Truth::of(value(operand, row).is_null()),
        Predicate::Text {
            op,
            path,
            pattern,
            caseless,
        } => match row.value(path) {
            Value::Text(found) if *caseless => {
                Truth::of(text_matches(*op, &text::fold(&found), pattern))
            }
            Value::Text(found) => Truth::of(text_matches(*op, &found, pattern)),
            _ => Truth::Unknown,
        },
        Predicate::Search { fields, terms } => {
            let document = |field: &FieldIndex| match row.value(&Path::own(*field)) {
                Value::Text(text) => search::document(&text),
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
        (_, Some(needle)) => documents.iter().any(|one| one.contains(&needle)),
        (_, None) => false,
    }
}

/// Whether an ordering looks at companions: every field in it has one.
fn by_companion(left: &Operand, right: &Operand, row: &dyn Row) -> bool {
    let caseless = |operand: &Operand| match operand {
        Operand::Path(path) => Some(row.caseless(path)),
        Operand::Value(_) => None,
    };
    match (caseless(left), caseless(right)) {
        (None, None) => false,
        (left, right) => left != Some(false) && right != Some(false),
    }
}

fn value(operand: &Operand, row: &dyn Row) -> Value {
    match operand {
        Operand::Path(path) => row.value(path),
        Operand::Value(value) => value.clone(),
    }
}

fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Principal(left), Value::Principal(right)) => left == right,
        _ => compare(left, right) == Some(Ordering::Equal),
    }
}

fn decide(op: CompareOp, left: &Value, right: &Value) -> Truth {
    match op {
        CompareOp::Eq => return Truth::of(same(left, right)),
        CompareOp::Ne => return Truth::of(!same(left, right)),
        _ => {}
    }
    let Some(order) = compare(left, right) else {
        return Truth::Unknown;
    };
    Truth::of(match op {
        CompareOp::Gt => order == Ordering::Greater,
        CompareOp::Gte => order != Ordering::Less,
        CompareOp::Lt => order == Ordering::Less,
        _ => order != Ordering::Greater,
    })
}

/// The order of two values of one type; `None` beside null and between types.
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
        (Value::Json(a), Value::Json(b)) => Some(a.as_str().cmp(b.as_str())),
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Two(Value, Value);

    impl Row for Two {
        fn value(&self, path: &Path) -> Value {
            if path.field.0 == 0 {
                self.0.clone()
            } else {
                self.1.clone()
            }
        }

        fn exists(&self, _: &[RelationIndex], _: RelationIndex, _: &Predicate) -> bool {
            false
        }
    }

    fn leaf() -> impl Strategy<Value = Predicate> {
        let value = prop_oneof![Just(Value::Null), (0_i64..3).prop_map(Value::Integer)];
        let op = prop_oneof![
            Just(CompareOp::Eq),
            Just(CompareOp::Ne),
            Just(CompareOp::Gt),
            Just(CompareOp::Gte),
            Just(CompareOp::Lt),
            Just(CompareOp::Lte)
        ];
        prop_oneof![
            Just(Predicate::True),
            Just(Predicate::False),
            (0_u16..2, op, value.clone()).prop_map(|(field, op, value)| Predicate::compare(
                FieldIndex(field),
                op,
                value
            )),
            (0_u16..2, proptest::collection::vec(value, 0..3)).prop_map(|(field, list)| {
                Predicate::In {
                    operand: Operand::Path(Path::own(FieldIndex(field))),
                    list,
                }
            }),
            (0_u16..2)
                .prop_map(|field| Predicate::IsNull(Operand::Path(Path::own(FieldIndex(field))))),
        ]
    }

    fn tree() -> impl Strategy<Value = Predicate> {
        leaf().prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Predicate::And),
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Predicate::Or),
                inner.prop_map(|one| Predicate::Not(Box::new(one))),
            ]
        })
    }

    proptest! {
        #[test]
        fn simplifying_keeps_the_truth(predicate in tree(), a in -1_i64..3, b in -1_i64..3) {
            let wrap = |number: i64| if number < 0 { Value::Null } else { Value::Integer(number) };
            let row = Two(wrap(a), wrap(b));
            let before = evaluate(&predicate, &row);
            prop_assert_eq!(before, evaluate(&predicate.simplify(), &row));
        }
    }

    struct Caseless(&'static str);

    impl Row for Caseless {
        fn value(&self, _: &Path) -> Value {
            Value::Text(self.0.to_owned())
        }

        fn exists(&self, _: &[RelationIndex], _: RelationIndex, _: &Predicate) -> bool {
            false
        }

        fn caseless(&self, _: &Path) -> bool {
            true
        }
    }

    #[test]
    fn caseless_fields_are_ordered_by_their_companion() {
        let decide = |op, text: &str| {
            let wanted = Value::Text(text.to_owned());
            let predicate = Predicate::compare(FieldIndex(0), op, wanted);
            evaluate(&predicate, &Caseless("Zoo"))
        };
        assert_eq!(decide(CompareOp::Gt, "apple"), Truth::True);
        assert_eq!(decide(CompareOp::Gte, "ZOO"), Truth::True);
        assert_eq!(decide(CompareOp::Gt, "zoo"), Truth::False);
        assert_eq!(decide(CompareOp::Eq, "zoo"), Truth::False);
    }

    #[track_caller]
    fn check_search(text: &'static str, words: &[&str], prefix: bool, expected: bool) {
        let predicate = Predicate::Search {
            fields: vec![FieldIndex(0)],
            terms: vec![SearchTerm::Words {
                words: words.iter().map(|word| (*word).to_owned()).collect(),
                prefix,
            }],
        };
        let truth = evaluate(&predicate, &Caseless(text));
        assert_eq!(truth == Truth::True, expected, "{words:?} in {text}");
    }

    #[test]
    fn searches() {
        check_search("Solar-Panel 300W", &["panel"], false, true);
        check_search("Solar-Panel 300W", &["solar", "panel"], false, true);
        check_search("Solar-Panel 300W", &["panel", "solar"], false, false);
        check_search("Solar-Panel 300W", &["pan"], false, false);
        check_search("Solar-Panel 300W", &["solar", "pan"], true, true);
        check_search("Crème brûlée", &["creme"], false, true);
        check_search("蓄電池", &["電", "池"], false, true);
        let alike = Predicate::Search {
            fields: vec![FieldIndex(0)],
            terms: vec![SearchTerm::Similar("panle".to_owned())],
        };
        assert_eq!(evaluate(&alike, &Caseless("Solar Panel")), Truth::True);
        assert_eq!(evaluate(&alike, &Caseless("lamp")), Truth::False);
    }

    #[track_caller]
    fn check_like(text: &str, pattern: &str, expected: bool) {
        assert_eq!(
            text_matches(TextOp::Like, text, pattern),
            expected,
            "{text} like {pattern}"
        );
    }

    #[test]
    fn like_patterns() {
        check_like("battery", "bat%", true);
        check_like("battery", "%t_ry", true);
        check_like("battery", "Bat%", false);
        check_like("50%", "50\\%", true);
        check_like("505", "50\\%", false);
        check_like("", "%", true);
        check_like("", "_", false);
        check_like("éa", "_a", true);
        check_like(&"a".repeat(2_000), &"%a".repeat(500), true);
    }
}
