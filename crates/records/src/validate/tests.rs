//! Values, bodies and their faults.

use super::value::read_value;
use carnet_model::FieldType;
use carnet_store::shape;

#[track_caller]
fn check(kind: &FieldType, raw: &str, expected: Result<&str, &str>) {
    let mut faults = Vec::new();
    let value = read_value(kind, raw, "field", &mut faults);
    let found = value.map(|value| {
        let mut out = String::new();
        shape::write_value(kind, &value, &mut out);
        out
    });
    let rules: Vec<&str> = faults.iter().map(|fault| fault.rule).collect();
    match expected {
        Ok(text) => assert_eq!(
            (found.as_deref(), rules),
            (Some(text), vec![]),
            "{raw}: {faults:?}"
        ),
        Err(rule) => assert_eq!(
            (found, rules.join(" ")),
            (None, rule.to_owned()),
            "{raw}: {faults:?}"
        ),
    }
}

#[test]
fn texts() {
    let kind = FieldType::Text {
        min: Some(2),
        max: Some(3),
        pattern: None,
    };
    check(&kind, r#""ab""#, Ok(r#""ab""#));
    check(&kind, r#""ééé""#, Ok(r#""ééé""#));
    check(&kind, r#""a""#, Err("min"));
    check(&kind, r#""abcd""#, Err("max"));
    check(&kind, "12", Err("type"));
    check(&kind, r#""a\u0000""#, Err("characters"));
    check(&kind, r#""\ud800x""#, Err("characters"));
}

#[test]
fn numbers() {
    let integer = FieldType::Integer {
        min: Some(-5),
        max: None,
    };
    check(&integer, "9007199254740991", Ok("9007199254740991"));
    check(&integer, "9007199254740992", Err("range"));
    check(&integer, "1e400", Err("range"));
    check(&integer, "10e-1", Ok("1"));
    check(&integer, "1.5", Err("type"));
    check(&integer, "-6", Err("min"));
    check(&integer, "\"1\"", Err("type"));
    let decimal = FieldType::Decimal {
        precision: 6,
        scale: 2,
        min: Some(0),
        max: Some(100_000),
    };
    check(&decimal, "12.5", Ok("\"12.50\""));
    check(&decimal, "\"12.5\"", Ok("\"12.50\""));
    check(&decimal, "0.005", Err("scale"));
    check(&decimal, "100000", Err("precision"));
    check(&decimal, "-0.01", Err("min"));
    check(&decimal, "1000.01", Err("max"));
    check(&decimal, "\"twelve\"", Err("type"));
    let float = FieldType::Float {
        min: None,
        max: None,
    };
    check(&float, "-0", Ok("0"));
    check(&float, "1e999", Err("range"));
    check(&float, "null", Err("type"));
}

#[test]
fn structures() {
    let list = FieldType::List {
        of: Box::new(FieldType::Date),
        min: None,
        max: Some(2),
        distinct: true,
    };
    check(&list, r#"["2026-01-01"]"#, Ok(r#"["2026-01-01"]"#));
    check(&list, r#"["2026-01-01","2026-01-01"]"#, Err("distinct"));
    check(&list, r#"["2026-02-30",null]"#, Err("format type"));
    check(&list, r#"[1,2,3]"#, Err("max"));
    check(&list, "{}", Err("type"));
    let i18n = FieldType::I18n {
        min: Some(1),
        max: Some(5),
    };
    check(
        &i18n,
        r#"{"en":"Hello","de":"Hallo"}"#,
        Ok(r#"{"de":"Hallo","en":"Hello"}"#),
    );
    check(
        &i18n,
        r#"{"e":"x","de":"","fr":1}"#,
        Err("min language type"),
    );
    check(&i18n, "{}", Err("min"));
    check(
        &FieldType::Json { schema: None },
        r#"{"b":1,"a":[]}"#,
        Ok(r#"{"a":[],"b":1}"#),
    );
    check(
        &FieldType::Json { schema: None },
        r#"{"a":1,"a":2}"#,
        Err("json"),
    );
}

#[test]
fn identifiers() {
    check(
        &FieldType::Ulid,
        r#""01hzy2vc5n0000000000000000""#,
        Ok(r#""01HZY2VC5N0000000000000000""#),
    );
    check(&FieldType::Ulid, r#""nope""#, Err("format"));
    check(
        &FieldType::Uuid,
        r#""0192F3E7-7C00-7ABC-9DEF-0123456789AB""#,
        Ok(r#""0192f3e7-7c00-7abc-9def-0123456789ab""#),
    );
    check(&FieldType::Email { max: 254 }, r#""a@b""#, Ok(r#""a@b""#));
    check(
        &FieldType::Url { max: 10 },
        r#""https://example.org""#,
        Err("max"),
    );
}
