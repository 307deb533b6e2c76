//! What predicates say of rows.

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
        (0_u16..2).prop_map(|field| Predicate::IsNull(Operand::Path(Path::own(FieldIndex(field))))),
    ]
}

fn tree() -> impl Strategy<Value = Predicate> {
    leaf().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Predicate::And),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Predicate::Or),
            inner
                .clone()
                .prop_map(|one| Predicate::Holds(Box::new(one))),
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

#[test]
fn what_must_hold_is_pushed_to_what_may_be_unknown() {
    let greater = Predicate::compare(FieldIndex(0), CompareOp::Gt, Value::Integer(1));
    let same = Predicate::compare(FieldIndex(1), CompareOp::Eq, Value::Integer(2));
    let condition = Predicate::And(vec![greater.clone(), same]);
    let differs = Predicate::compare(FieldIndex(1), CompareOp::Ne, Value::Integer(2));
    let uncertain = Predicate::Not(Box::new(Predicate::Holds(Box::new(greater))));
    let against = Predicate::Or(vec![uncertain, differs]);
    let relation = RelationIndex(0);
    assert_eq!(
        Predicate::every(Vec::new(), relation, condition).simplify(),
        Predicate::Not(Box::new(Predicate::some(Vec::new(), relation, against)))
    );
}

#[test]
fn means_are_rounded_half_away_from_zero() {
    assert_eq!(average(1, 2, 0), Some(1));
    assert_eq!(average(-1, 2, 0), Some(-1));
    assert_eq!(average(1, 3, 4), Some(3_333));
    assert_eq!(average(2, 3, 4), Some(6_667));
    assert_eq!(average(-5, 4, 1), Some(-13));
    assert_eq!(average(0, 0, 4), None);
    assert_eq!(average(0, 7, 4), Some(0));
}

/// A row with one JSON field.
struct Held(&'static str);

impl Row for Held {
    fn value(&self, _: &Path) -> Value {
        Value::Json(JsonText::parse(self.0).unwrap())
    }

    fn exists(&self, _: &[RelationIndex], _: RelationIndex, _: &Predicate) -> bool {
        false
    }
}

#[test]
fn places_inside_json() {
    let row = Held(r#"{"a":[1,"x",null],"0":true}"#);
    let decide = |inside: &[JsonStep], op, literal: &str| {
        let path = Path {
            inside: inside.to_vec(),
            ..Path::own(FieldIndex(0))
        };
        let predicate = Predicate::Compare {
            op,
            left: Operand::Path(path),
            right: Operand::Value(Value::Json(JsonText::parse(literal).unwrap())),
        };
        evaluate(&predicate, &row)
    };
    let key = |key: &str| JsonStep::Key(key.to_owned());
    let at = |index| JsonStep::Index(index);
    assert_eq!(
        decide(&[key("a"), at(0)], CompareOp::Eq, "1.0"),
        Truth::True
    );
    assert_eq!(decide(&[key("a"), at(0)], CompareOp::Lt, "2"), Truth::True);
    assert_eq!(
        decide(&[key("a"), at(0)], CompareOp::Lt, "\"2\""),
        Truth::Unknown
    );
    assert_eq!(
        decide(&[key("a"), at(1)], CompareOp::Gte, "\"x\""),
        Truth::True
    );
    assert_eq!(
        decide(&[key("a"), at(2)], CompareOp::Gt, "0"),
        Truth::Unknown
    );
    assert_eq!(decide(&[key("a"), at(3)], CompareOp::Ne, "0"), Truth::True);
    assert_eq!(
        decide(&[key("a"), key("0")], CompareOp::Eq, "1"),
        Truth::False
    );
    assert_eq!(decide(&[at(0)], CompareOp::Eq, "true"), Truth::False);
    assert_eq!(decide(&[key("0")], CompareOp::Eq, "true"), Truth::True);
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
        analysis: search::Analysis::default(),
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
        analysis: search::Analysis::default(),
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
