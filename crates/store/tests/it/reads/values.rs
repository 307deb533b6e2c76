//! Values that are easy to get wrong: the ends of every type, text that needs escapes, floats that
//! need all their digits.

use super::world::id;
use carnet_kernel::{Decimal, JsonText, PrincipalKind, PrincipalRef, Value};
use carnet_model::FieldType;

const TEXTS: [&str; 22] = [
    "",
    "a",
    "A",
    "ab",
    "aB",
    "Ab%",
    "b_",
    "é",
    "É",
    "e\u{301}",
    "straße",
    "STRASSE",
    "a*b",
    "[x]",
    "\\",
    "z\u{10FFFF}",
    "\u{1F600}b",
    "quote\"'",
    "line\nbreak\t",
    "\u{1}\u{7f}",
    "\u{D7FF}",
    "\u{E000}a",
];
const FLOATS: [f64; 13] = [
    0.0,
    -0.0,
    0.1,
    1.0 / 3.0,
    5e-324,
    -1.797_693_134_862_315_7e308,
    -2.5,
    1e21,
    123_456_789.123_456_79,
    1e-7,
    2.225_073_858_507_201_4e-308,
    9_007_199_254_740_993.0,
    100.0,
];
const JSONS: [&str; 7] = [
    "{}",
    r#"{"a":[1,2.5,null,true],"b":"é\"\\\u0001"}"#,
    "[]",
    "\"text\"",
    "1e-7",
    "false",
    r#"[[[{"k":"]}"}]]]"#,
];

/// The `seed`th value that a field of that type may have.
pub(crate) fn value(kind: &FieldType, seed: usize) -> Value {
    let pick = |list: &[i64]| list[seed % list.len()];
    match kind {
        FieldType::Integer { .. } => Value::Integer(pick(&[
            0,
            1,
            2,
            3,
            -1,
            -9_007_199_254_740_991,
            9_007_199_254_740_991,
        ])),
        FieldType::Decimal { scale, .. } => Value::Decimal(Decimal {
            unscaled: pick(&[0, 5, 1_250, -1, -999_999_999_999, 999_999_999_999]),
            scale: *scale,
        }),
        FieldType::Float { .. } => Value::Float(FLOATS[seed % FLOATS.len()]),
        FieldType::Boolean => Value::Boolean(seed.is_multiple_of(2)),
        FieldType::Date => Value::Date(pick(&[0, -719_162, 2_932_896, 20_000]) as i32),
        FieldType::DateTime => Value::DateTime(pick(&[
            0,
            -62_135_596_800_000_000,
            253_402_300_799_999_999,
            1_700_000_000_000_001,
            -1,
        ])),
        FieldType::Time => Value::Time(pick(&[0, 1, 86_399_999_999])),
        FieldType::Duration => Value::Duration(pick(&[0, -1, 90_000_000, i64::MAX / 4])),
        FieldType::Enum { values } => Value::Text(values[seed % values.len()].clone()),
        FieldType::Text { .. } | FieldType::Email { .. } | FieldType::Url { .. } => {
            Value::Text(TEXTS[seed % TEXTS.len()].to_owned())
        }
        FieldType::Json { .. } | FieldType::I18n { .. } | FieldType::List { .. } => {
            Value::Json(JsonText::parse(JSONS[seed % JSONS.len()]).unwrap())
        }
        FieldType::Id(_) | FieldType::Ref { .. } | FieldType::Uuid | FieldType::Ulid => {
            Value::Id(id(1 + seed % 5, seed % 30))
        }
        FieldType::Principal => Value::Principal(PrincipalRef {
            kind: [PrincipalKind::User, PrincipalKind::System][seed % 2],
            id: seed.is_multiple_of(2).then(|| id(9, seed % 3)),
        }),
    }
}
