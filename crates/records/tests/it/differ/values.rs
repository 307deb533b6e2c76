//! Values of every type in the API's shape: what is easy to get wrong, mostly within a field's rules.

use super::chance::Chance;
use carnet_model::FieldType;
use serde_json::{Value, json};

const TEXTS: [&str; 30] = [
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
    "\u{E000}a",
    "solar panel",
    "Solar-Panel 300W",
    "crème brûlée",
    "蓄電池",
    "ΟΔΌΣ",
    "a,b;c",
    "x(y)",
    "  pad ",
    "{{result[0].id}}",
    "İstanbul",
];
const JSONS: [&str; 14] = [
    "{}",
    r#"{"a":[1,2.5,null,true],"b":"é\"\\\u0001"}"#,
    r#"{"a":{"b":[{"c":1}]}}"#,
    r#"{"a":1,"b":"text","c":{"d":null}}"#,
    r#"{"a":"1","x.y":2,"0":true}"#,
    r#"{"a":2.50,"b":-0.0}"#,
    r#"{"a":1e21,"b":1e-7}"#,
    "[]",
    "\"text\"",
    "1e-7",
    "false",
    "12",
    r#"[1,"a",true,[2],{"k":"]}"}]"#,
    r#"{"a":9007199254740991,"é":[]}"#,
];

/// A value that a field of this type takes; a field that is `unique` has more of them.
pub(super) fn value(kind: &FieldType, unique: bool, chance: &mut Chance) -> Value {
    match kind {
        FieldType::Text { min, max, pattern } => {
            if pattern.is_some() {
                let letters = *chance.pick(&["A", "BC", "XYZ"]);
                return json!(format!(
                    "{letters}-{}",
                    chance.below(if unique { 900 } else { 9 })
                ));
            }
            let mut text = (*chance.pick(&TEXTS)).to_owned();
            if unique && chance.percent(85) {
                text.push_str(&format!(" {}", chance.below(500)));
            } else if chance.one_in(4) {
                text = format!("{text} {}", chance.pick(&TEXTS));
            }
            let least = min.unwrap_or(0) as usize;
            if least == 0 && chance.one_in(12) {
                text.clear();
            }
            let most = max.map_or(usize::MAX, |max| max as usize);
            json!(text.chars().take(most).collect::<String>())
        }
        FieldType::Integer { min, max } => {
            let all: [i64; 10] = [
                0,
                1,
                2,
                3,
                7,
                -1,
                -5,
                1_000,
                9_007_199_254_740_991,
                -9_007_199_254_740_991,
            ];
            let wide = chance.below(2_000) as i64;
            let number = if unique { wide } else { *chance.pick(&all) };
            json!(number.clamp(min.unwrap_or(i64::MIN), max.unwrap_or(i64::MAX)))
        }
        FieldType::Decimal {
            precision, scale, ..
        } => {
            let most = 10_i64.pow(u32::from(*precision)) - 1;
            let all = [0, 1, 5, 25, 100, 1_250, -1, -75, most, -most];
            let unscaled = (*chance.pick(&all)).clamp(-most, most);
            json!(
                carnet_kernel::Decimal {
                    unscaled,
                    scale: *scale
                }
                .to_string()
            )
        }
        FieldType::Float { .. } => json!(*chance.pick(&[
            0.0,
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
        ])),
        FieldType::Boolean => json!(chance.one_in(2)),
        FieldType::Date => json!(*chance.pick(&[
            "2026-02-28",
            "2024-02-29",
            "0001-01-01",
            "9999-12-31",
            "1970-01-01",
            "2027-01-15",
            "2027-01-14",
            "2026-12-28",
            "1969-12-31",
        ])),
        FieldType::DateTime => json!(*chance.pick(&[
            "2026-11-21T05:32:00+01:00",
            "2027-01-15T08:00:00Z",
            "2027-01-14T23:59:59.999999Z",
            "1969-12-31T23:59:59.999999Z",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59.999999Z",
            "2026-02-28T12:00:00.5-03:30",
            "1970-01-01T00:00:00Z",
        ])),
        FieldType::Time => {
            json!(*chance.pick(&["00:00:00", "08:00:00", "23:59:59.999999", "08:00:00.000001"]))
        }
        FieldType::Duration => {
            json!(*chance.pick(&["PT0S", "P14D", "-PT5M", "PT0.000001S", "P1DT2H", "P40000D"]))
        }
        FieldType::Enum { values } => json!(chance.pick(values)),
        FieldType::Email { .. } => {
            let number = if unique {
                format!("{}", chance.below(400))
            } else {
                String::new()
            };
            let (local, domain) = (
                *chance.pick(&["ada", "Ada", "straße", "b.c+d"]),
                *chance.pick(&["example.org", "EXAMPLE.org", "例え.jp"]),
            );
            json!(format!("{local}{number}@{domain}"))
        }
        FieldType::Url { .. } => json!(*chance.pick(&[
            "https://example.org/01/09506000134352",
            "urn:uuid:0192",
            "http://[::1]:80/?a=b&c=%20",
            "https://Example.org/Panel",
        ])),
        FieldType::Uuid => json!(format!(
            "00000000-0000-4000-8000-{:012x}",
            chance.below(if unique { 5_000 } else { 6 })
        )),
        FieldType::Ulid => json!(format!("0000000000000000000000{:04}", chance.below(6))),
        FieldType::Json { schema } => {
            let fits = |text: &&str| {
                schema.is_none() || text.starts_with('{') && !text.contains("{\"b\":[")
            };
            let all: Vec<&str> = JSONS.iter().copied().filter(fits).collect();
            let text: &str = chance.pick::<&str>(all.as_slice());
            serde_json::from_str(text).unwrap()
        }
        FieldType::I18n { .. } => chance
            .pick(&[
                json!({}),
                json!({ "en": "Hay" }),
                json!({ "en": "hay", "de": "Heu" }),
                json!({ "zh-Hant-TW": "乾草", "en": "" }),
            ])
            .clone(),
        FieldType::List {
            of, max, distinct, ..
        } => {
            let most = max.unwrap_or(4).min(4) as usize;
            let mut list: Vec<Value> = Vec::new();
            for _ in 0..chance.below(most + 1) {
                let one = value(of, false, chance);
                if !distinct || !list.contains(&one) {
                    list.push(one);
                }
            }
            Value::Array(list)
        }
        FieldType::Id(_) | FieldType::Ref { .. } | FieldType::Principal => Value::Null,
    }
}

/// What a field of this type does not take, or hardly.
pub(super) fn wrong(kind: &FieldType, chance: &mut Chance) -> Value {
    let own = match kind {
        FieldType::Text { max, .. } => json!("é".repeat(max.unwrap_or(40) as usize + 1)),
        FieldType::Integer { .. } => json!(9_007_199_254_740_992_i64),
        FieldType::Decimal { scale, .. } => {
            json!(format!("0.{}1", "0".repeat(usize::from(*scale))))
        }
        FieldType::Float { .. } => json!("1.5"),
        FieldType::Date => json!("2026-02-30"),
        FieldType::DateTime => json!("2026-02-28T12:00:60Z"),
        FieldType::Time => json!("24:00:00"),
        FieldType::Duration => json!("P1M"),
        FieldType::I18n { .. } => json!({ "not a tag": "x" }),
        FieldType::List { .. } => json!([null]),
        _ => json!("none of them"),
    };
    chance
        .pick(&[
            own,
            Value::Null,
            json!({}),
            json!([]),
            json!(""),
            json!(true),
            json!("nul\u{0}"),
            json!(-0.5),
            json!(1e300),
            json!({ "$inc": 1 }),
            json!({ "$append": ["x"] }),
            json!("⟦0⟧"),
        ])
        .clone()
}
