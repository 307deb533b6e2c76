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
    let rules: Vec<&str> = faults.iter().map(|fault| fault.rule.as_ref()).collect();
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
        Err("language min type"),
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

mod bodies {
    use super::super::{Mode, read_body, read_object};
    use crate::fixture::{resource, told};
    use carnet_kernel::Code;
    use proptest::prelude::*;

    #[track_caller]
    fn refused(name: &str, body: &str, expected: &str) {
        match read_body(resource(name), body, Mode::Whole) {
            Ok(input) => panic!("{body}: {input:?}"),
            Err(refusal) => assert_eq!(told(&refusal), expected, "{body}"),
        }
    }

    #[test]
    fn all_faults_at_once_with_their_paths() {
        refused(
            "products",
            r#"{"name":"","sku":"x","price":-1,"stock":"1","contact":"a","page":"b",
                "labels":{"e":"x","en":"a very long text"},"tags":["x","x",1],
                "details":{"rows":[{"name":1},{}]},"nam":1,"category":"x","lines":[]}"#,
            r#"VALIDATION_FAILED
name: min: it must have at least 1 character, not 0
sku: pattern: it must match `[A-Z]+-\d+`
price: min: it must be at least 0.00
stock: type: it must be a whole number, not a text
contact: email: it must be an e-mail address; it has no `@`
page: url: it must be an absolute URL; relative URL without a base
labels.e: language: `e` must be a language tag such as `en` or `zh-Hant`
labels.en: max: it must have at most 10 characters, not 16
tags[1]: distinct: it stands in the list already
tags[2]: type: it must be a text, not a number
details.rows[1]: schema: it must meet the field's schema; "name" is a required property
nam: unknown: there is no field `nam` (did you mean `name`?)
category: unknown: there is no field `category` (write the reference as `categoryId`)
lines: unknown: there is no field `lines` (related records are written through their own resource)"#,
        );
    }

    #[test]
    fn only_unknown_fields_have_a_code_of_their_own() {
        refused(
            "categories",
            r#"{"nmae":"a"}"#,
            "UNKNOWN_FIELD\nnmae: unknown: there is no field `nmae` (did you mean `name`?)",
        );
    }

    #[test]
    fn null_is_for_optional_fields() {
        refused(
            "products",
            r#"{"name":null,"stock":null,"sku":null}"#,
            "VALIDATION_FAILED
name: required: it must not be null
stock: required: it must not be null",
        );
    }

    #[test]
    fn bodies_that_are_no_objects() {
        let code = |body: &str| {
            let refusal = read_object(body).unwrap_err();
            assert_eq!(refusal.code, Code::MalformedRequest, "{body}");
            assert_eq!(refusal.details[0].field, "body", "{body}");
            assert_eq!(refusal.details[0].message, refusal.message, "{body}");
            refusal.message
        };
        for (body, expected) in [
            ("", "the body is empty; a JSON object is expected"),
            (
                r#"{"a":1"#,
                "the body ends in the middle of a JSON value: EOF while parsing an object at line 1 column 6",
            ),
            (
                "{} {}",
                "the body is not JSON: trailing characters at line 1 column 4",
            ),
            (
                r#"{"a":1,"a":2}"#,
                "the body cannot be used: the key `a` stands twice at line 1 column 10",
            ),
            ("[1]", "the body must be a JSON object, not a list"),
            (
                "{a:1}",
                "the body is not JSON: key must be a string at line 1 column 2",
            ),
        ] {
            assert_eq!(code(body), expected);
        }
        let keys: Vec<String> = (0..5_000)
            .map(|number| format!("\"k{number}\":0"))
            .collect();
        assert!(code(&format!("{{{}}}", keys.join(","))).contains("at most 4096 keys"));
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(read_object(&deep).is_ok());
        let long = format!("{{\"{0}\":1,\"{0}\":2}}", "k".repeat(100_000));
        assert!(code(&long).len() < 300);
    }

    #[test]
    fn deep_json_is_refused_where_it_stands() {
        let deep = |depth: usize| {
            format!(
                r#"{{"name":"a","details":{{"a":{}{}}}}}"#,
                "[".repeat(depth),
                "]".repeat(depth)
            )
        };
        assert!(read_body(resource("products"), &deep(60), Mode::Whole).is_ok());
        for depth in [64, 200, 100_000] {
            let refusal = read_body(resource("products"), &deep(depth), Mode::Whole).unwrap_err();
            assert_eq!(refusal.details[0].rule, "json", "{depth}");
        }
        let text = format!(
            r#"{{"name":{}{}}}"#,
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        refused(
            "products",
            &text,
            "VALIDATION_FAILED\nname: type: it must be a text, not a list",
        );
    }

    #[test]
    fn what_is_told_is_bounded() {
        let name = "x".repeat(100_000);
        let refusal = read_body(
            resource("categories"),
            &format!("{{\"{name}\":1}}"),
            Mode::Whole,
        );
        let detail = &refusal.unwrap_err().details[0];
        assert!(detail.field.len() < 100 && detail.message.len() < 200);
        let keys: Vec<String> = (0..2_000)
            .map(|number| format!("\"k{number}\":0"))
            .collect();
        let body = format!("{{\"name\":1,{}}}", keys.join(","));
        let refusal = read_body(resource("categories"), &body, Mode::Whole).unwrap_err();
        assert_eq!(refusal.details.len(), 500);
        assert_eq!(refusal.message, "500 rules or more are broken");
        let value = format!(
            r#"{{"name":"a","details":{{"rows":["{}"]}}}}"#,
            "x".repeat(100_000)
        );
        let refusal = read_body(resource("products"), &value, Mode::Whole).unwrap_err();
        assert!(refusal.details[0].message.len() < 300, "{refusal:?}");
    }

    #[test]
    fn a_long_list_of_distinct_values_is_read_in_one_pass() {
        let kind = carnet_model::FieldType::List {
            of: Box::new(carnet_model::FieldType::Integer {
                min: None,
                max: None,
            }),
            min: None,
            max: None,
            distinct: true,
        };
        let numbers: Vec<String> = (0..100_000).map(|number: u32| number.to_string()).collect();
        let mut faults = Vec::new();
        let list = super::read_value(&kind, &format!("[{}]", numbers.join(",")), "", &mut faults);
        assert!(list.is_some() && faults.is_empty());
        let nulls = vec!["null"; 100_000].join(",");
        super::read_value(&kind, &format!("[{nulls}]"), "", &mut faults);
        assert_eq!(faults.len(), 500);
    }

    proptest! {
        #[test]
        fn no_body_panics(body in "[\\[\\]{}:,\"a-z0-9.eE+\\\\u-]{0,60}") {
            for mode in [Mode::Whole, Mode::Patch] {
                if let Err(refusal) = read_body(resource("products"), &body, mode) {
                    prop_assert_eq!(refusal.code.status(), 400);
                }
            }
        }

        #[test]
        fn no_value_panics(name in "(name|price|stock|weight|seenAt|lasts|labels|tags|details|createdBy)", value in "[\\[\\]{}:,\"a-z0-9.eE+-]{0,30}") {
            let _ignored = read_body(resource("products"), &format!("{{\"{name}\":{value}}}"), Mode::Patch);
        }
    }
}
