//! Whether an answer holds what a step expects: objects as subsets, arrays item by item, numbers
//! by value, and the words `$any` and `$ulid`. Not a general JSON diff.

use serde_json::Value;

/// Every place where `actual` is not what `expected` asks for, one line each.
pub(super) fn differences(expected: &Value, actual: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare(expected, actual, "", &mut found);
    found
}

fn compare(expected: &Value, actual: &Value, place: &str, found: &mut Vec<String>) {
    match (expected, actual) {
        (Value::String(word), _) if word == "$any" => {}
        (Value::String(word), _) if word == "$ulid" => {
            if !actual.as_str().is_some_and(is_ulid) {
                found.push(line(place, "an id of 26 characters", actual));
            }
        }
        (Value::Object(expected), Value::Object(actual)) => {
            for (name, member) in expected {
                let place = format!("{place}.{name}");
                match actual.get(name) {
                    Some(actual) => compare(member, actual, &place, found),
                    None => found.push(format!("{place}: expected {member}, but it is absent")),
                }
            }
        }
        (Value::Array(expected), Value::Array(actual)) => {
            if expected.len() != actual.len() {
                found.push(format!(
                    "{}: expected {} items, got {}",
                    name(place),
                    expected.len(),
                    actual.len()
                ));
            }
            for (index, (expected, actual)) in expected.iter().zip(actual).enumerate() {
                compare(expected, actual, &format!("{place}[{index}]"), found);
            }
        }
        (Value::Number(left), Value::Number(right)) => {
            if left != right && left.as_f64() != right.as_f64() {
                found.push(line(place, &left.to_string(), actual));
            }
        }
        _ if expected == actual => {}
        _ => found.push(line(place, &expected.to_string(), actual)),
    }
}

fn line(place: &str, expected: &str, actual: &Value) -> String {
    format!("{}: expected {expected}, got {actual}", name(place))
}

fn name(place: &str) -> &str {
    if place.is_empty() { "the whole" } else { place }
}

/// 26 upper-case Crockford characters of which the first is at most 7.
fn is_ulid(text: &str) -> bool {
    text.len() == 26
        && text.starts_with(|first: char| ('0'..='7').contains(&first))
        && text.chars().all(|letter| {
            letter.is_ascii_digit() || (letter.is_ascii_uppercase() && !"ILOU".contains(letter))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(expected: Value, actual: Value, lines: &[&str]) {
        assert_eq!(differences(&expected, &actual), lines);
    }

    #[test]
    fn objects_are_subsets_and_arrays_are_whole() {
        check(json!({"a": 1}), json!({"a": 1, "b": 2}), &[]);
        check(
            json!({"l": [{"a": 1}]}),
            json!({"l": [{"a": 1, "b": 2}]}),
            &[],
        );
        check(
            json!({"l": [1, 2]}),
            json!({"l": [1, 3, 4]}),
            &[".l: expected 2 items, got 3", ".l[1]: expected 2, got 3"],
        );
        check(
            json!([]),
            json!([1]),
            &["the whole: expected 0 items, got 1"],
        );
    }

    #[test]
    fn every_difference_is_named() {
        check(
            json!({"a": "x", "b": null, "c": {"d": true}}),
            json!({"a": "y", "c": {"d": "true"}}),
            &[
                ".a: expected \"x\", got \"y\"",
                ".b: expected null, but it is absent",
                ".c.d: expected true, got \"true\"",
            ],
        );
        check(
            json!({"a": 1}),
            json!([1]),
            &["the whole: expected {\"a\":1}, got [1]"],
        );
    }

    #[test]
    fn numbers_are_compared_by_value() {
        check(json!(1.0), json!(1), &[]);
        check(json!("1"), json!(1), &["the whole: expected \"1\", got 1"]);
        check(
            json!(9_007_199_254_740_993_i64),
            json!(9_007_199_254_740_993_i64),
            &[],
        );
    }

    #[test]
    fn words_stand_for_values_unknown_beforehand() {
        check(json!({"a": "$any"}), json!({"a": null}), &[]);
        check(
            json!({"a": "$any"}),
            json!({}),
            &[".a: expected \"$any\", but it is absent"],
        );
        check(json!("$ulid"), json!("01HZY5V8T0A1B2C3D4E5F6G7H8"), &[]);
        for wrong in [
            "01hzy5v8t0a1b2c3d4e5f6g7h8",
            "81HZY5V8T0A1B2C3D4E5F6G7H8",
            "01HZ",
            "01HZY5V8T0A1B2C3D4E5F6G7HL",
        ] {
            assert_eq!(
                differences(&json!("$ulid"), &json!(wrong)).len(),
                1,
                "{wrong}"
            );
        }
    }
}
