//! Atomic field operations: what an increment or a change of a list makes of a stored value. The
//! rules of the field bind what comes out.

use crate::validate::{FieldOperation, read_value};
use carnet_kernel::{Decimal, Detail, JsonText, Value};
use carnet_model::Field;
use serde_json::Value as Json;

/// The value of `field` after `operation`; no value counts as zero and as the empty list. A broken
/// rule goes to `faults`.
pub(super) fn apply(
    field: &Field,
    before: &Value,
    operation: &FieldOperation,
    faults: &mut Vec<Detail>,
) -> Option<Value> {
    let after = match operation {
        FieldOperation::Increment(by) => sum(before, by),
        FieldOperation::Append(members) => Some(list(before, |list| {
            list.extend(members.iter().cloned());
        })),
        FieldOperation::Prepend(members) => Some(list(before, |list| {
            list.splice(0..0, members.iter().cloned());
        })),
        FieldOperation::Remove(members) => Some(list(before, |list| {
            list.retain(|member| !members.contains(member));
        })),
    };
    let Some(after) = after else {
        let message = "the sum is larger than the field can hold";
        faults.push(Detail::new(field.name.clone(), "range", message));
        return None;
    };
    let text = JsonText::from_value(&field.kind.to_json(&after));
    read_value(&field.kind, text.as_str(), &field.name, faults)
}

fn sum(before: &Value, by: &Value) -> Option<Value> {
    match (before, by) {
        (Value::Null, by) => Some(by.clone()),
        (Value::Integer(have), Value::Integer(by)) => have.checked_add(*by).map(Value::Integer),
        (Value::Duration(have), Value::Duration(by)) => have.checked_add(*by).map(Value::Duration),
        (Value::Float(have), Value::Float(by)) => Some(have + by)
            .filter(|sum| sum.is_finite())
            .map(Value::Float),
        (Value::Decimal(have), Value::Decimal(by)) => {
            let unscaled = have.unscaled.checked_add(by.unscaled)?;
            let scale = have.scale;
            Some(Value::Decimal(Decimal { unscaled, scale }))
        }
        _ => None,
    }
}

fn list(before: &Value, change: impl FnOnce(&mut Vec<Json>)) -> Value {
    let mut members = match before {
        Value::Json(text) => match text.to_value() {
            Json::Array(members) => members,
            _ => Vec::new(),
        },
        _ => Vec::new(),
    };
    change(&mut members);
    Value::Json(JsonText::from_value(&Json::Array(members)))
}

#[cfg(test)]
mod tests {
    use crate::decide::Kind;
    use crate::fixture::{change, decide, field, id, resource, stored, told};
    use carnet_kernel::{JsonText, Value};
    use carnet_store::Step;

    /// Stock 5, price 12.50, weight 0.5, lasts one hour, tags a b.
    #[track_caller]
    fn check(body: &str, name: &str, expected: &str) {
        let products = resource("products");
        let values = [
            ("name", Value::Text("Pen".to_owned())),
            ("stock", Value::Integer(5)),
            (
                "price",
                Value::Decimal(carnet_kernel::Decimal {
                    unscaled: 1_250,
                    scale: 2,
                }),
            ),
            ("weight", Value::Float(0.5)),
            ("lasts", Value::Duration(3_600_000_000)),
            (
                "tags",
                Value::Json(JsonText::parse(r#"["a","b"]"#).unwrap()),
            ),
            ("categoryId", Value::Id(id(2))),
        ];
        let record = stored(products, 1, 3, &values);
        let unit = change(products, Kind::Patch, body);
        let found = match decide(&unit, &[("products", record)]) {
            Err(refusal) => told(&refusal),
            Ok(changes) => match changes.steps.as_slice() {
                [Step::Update { rows, .. }] => {
                    let index = field(products, name);
                    products
                        .field(index)
                        .kind
                        .to_json(rows[0].record.get(index))
                        .to_string()
                }
                _ => "kept".to_owned(),
            },
        };
        assert_eq!(found, expected, "{body}");
    }

    #[test]
    fn increments() {
        check(r#"{"stock":{"$inc":-1}}"#, "stock", "4");
        check(r#"{"stock":{"$inc":0}}"#, "stock", "kept");
        check(r#"{"price":{"$inc":"-0.01"}}"#, "price", r#""12.49""#);
        check(r#"{"weight":{"$inc":1}}"#, "weight", "1.5");
        check(r#"{"lasts":{"$inc":"PT30M"}}"#, "lasts", r#""PT1H30M""#);
        check(
            r#"{"stock":{"$inc":-6}}"#,
            "stock",
            "VALIDATION_FAILED\nstock: min: it must be at least 0",
        );
        check(
            r#"{"stock":{"$inc":9007199254740991}}"#,
            "stock",
            "VALIDATION_FAILED\nstock: range: it must lie within ±9007199254740991",
        );
        check(
            r#"{"price":{"$inc":"9999999999.99"}}"#,
            "price",
            "VALIDATION_FAILED\nprice: precision: it must have at most 12 digits in all",
        );
    }

    #[test]
    fn lists() {
        check(r#"{"tags":{"$append":["c"]}}"#, "tags", r#"["a","b","c"]"#);
        check(r#"{"tags":{"$prepend":["c"]}}"#, "tags", r#"["c","a","b"]"#);
        check(r#"{"tags":{"$remove":["a","z"]}}"#, "tags", r#"["b"]"#);
        check(r#"{"tags":{"$remove":["z"]}}"#, "tags", "kept");
        check(
            r#"{"tags":{"$append":["c","d"]}}"#,
            "tags",
            "VALIDATION_FAILED\ntags: max: it must have at most 3 members, not 4",
        );
    }

    #[test]
    fn a_json_field_holds_what_looks_like_an_operation() {
        check(r#"{"details":{"$inc":1}}"#, "details", r#"{"$inc":1}"#);
    }
}
