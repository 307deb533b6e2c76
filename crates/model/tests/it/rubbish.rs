//! Whatever comes in, a model or diagnostics come out; and every model survives being stored.

use crate::{SHOP, compile};
use carnet_model::{FieldType, Model, compile_stored};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::collections::HashSet;

fn take(path: &str, text: &str) {
    match compile(&[(path, text)]) {
        Ok(compiled) => {
            let again = compile_stored(&compiled.model.definition).map(|model| model.hash);
            assert_eq!(again.ok(), Some(compiled.model.hash), "{text}");
            identifiers(&compiled.model);
            compiled
                .warnings
                .iter()
                .for_each(|one| drop(one.render(true)));
        }
        Err(diagnostics) => {
            assert!(!diagnostics.is_empty());
            for one in diagnostics {
                assert!(one.line >= 1 && one.column >= 1);
                assert!(
                    one.render(false).contains(
                        &one.message
                            .replace('\n', " ")
                            .chars()
                            .take(5)
                            .collect::<String>()
                    )
                );
            }
        }
    }
}

/// No name in the database is too long for PostgreSQL, none is used twice.
fn identifiers(model: &Model) {
    let mut schema = HashSet::new();
    for resource in &model.resources {
        let mut names = vec![&resource.table];
        names.extend(resource.uniques.iter().map(|one| &one.name));
        names.extend(resource.indexes.iter().map(|one| &one.name));
        for name in names {
            assert!((1..=63).contains(&name.len()), "{name}");
            assert!(schema.insert(name.clone()), "{name} stands twice");
        }
        let mut columns = HashSet::from(["tenant".to_owned()]);
        for field in &resource.fields {
            let mut own = vec![field.column.clone()];
            if let FieldType::Principal = field.kind {
                own = ["kind", "id"]
                    .map(|part| format!("{}_{part}", field.column))
                    .to_vec();
            }
            own.extend(field.companion.clone());
            for column in own {
                assert!((1..=63).contains(&column.len()), "{column}");
                assert!(columns.insert(column.clone()), "{column} stands twice");
            }
        }
    }
}

const WORDS: &[&str] = &[
    "carnet",
    "resources",
    "fields",
    "type",
    "text",
    "min",
    "max",
    "ref",
    "to",
    "products",
    "list",
    "of",
    "enum",
    "values",
    "unique",
    "indexes",
    "many",
    "by",
    "use",
    "extend",
    "settings",
    "was",
    "default",
    "optional",
    "decimal",
    "precision",
    "scale",
    "id",
    "a",
    "b",
    "name",
    "schema",
    "json",
    "storage",
    "platform",
    "tenancy",
    "shared",
    "order",
    "key",
    "table",
    "operations",
    "-a",
];

fn word() -> impl Strategy<Value = String> {
    proptest::sample::select(WORDS).prop_map(str::to_owned)
}

/// Trees of the language's own words.
fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        word().prop_map(Value::String),
        any::<i32>().prop_map(Value::from),
        any::<bool>().prop_map(Value::Bool),
        Just(Value::Null),
        any::<f64>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            proptest::collection::vec((word(), inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// A field that is usually right.
fn field() -> impl Strategy<Value = Value> {
    let count = 1_u32..700;
    prop_oneof![
        (count.clone(), any::<bool>(), any::<bool>()).prop_map(|(max, caseless, optional)| json!({"type": "text", "max": max, "caseless": caseless, "optional": optional, "default": "a"})),
        (any::<i32>(), 1_u8..18, 0_u8..6).prop_map(|(min, precision, scale)| json!({"type": "decimal", "precision": precision, "scale": scale, "min": min})),
        any::<f64>().prop_map(|value| json!({"type": "float", "default": value})),
        any::<i64>().prop_map(|value| json!({"type": "integer", "default": value, "example": value})),
        (any::<bool>(), proptest::sample::select(&["restrict", "cascade", "setNull"][..])).prop_map(|(optional, on_delete)| json!({"type": "ref", "to": "as", "optional": optional, "onDelete": on_delete})),
        proptest::collection::vec("[a-z]{1,3}", 1..4).prop_map(|values| json!({"type": "enum", "values": values, "default": values[0]})),
        tree().prop_map(|value| json!({"type": "json", "default": value})),
        tree().prop_map(|value| json!({"type": "json", "schema": value})),
        (count, any::<bool>()).prop_map(|(max, distinct)| json!({"type": "list", "of": {"type": "text", "max": max}, "distinct": distinct, "default": ["x"]})),
        Just(json!("email")),
        Just(json!({"type": "url", "max": 500, "unique": true})),
        Just(json!({"type": "date", "default": "2026-02-28", "title": "Day"})),
        Just(json!({"type": "duration", "default": "P1DT1.5S"})),
        Just(json!({"type": "i18n", "default": {"en": "x"}, "optional": true})),
    ]
}

fn definition() -> impl Strategy<Value = Value> {
    let fields = || {
        let name = "[a-z](index|Index|[a-zA-Z0-9]){0,24}";
        proptest::collection::vec((name, field()), 1..6)
            .prop_map(|entries| Value::Object(entries.into_iter().collect::<Map<_, _>>()))
    };
    let members = || proptest::collection::vec("-?[a-c]", 1..3);
    (fields(), fields(), proptest::collection::vec(members(), 0..3), any::<bool>()).prop_map(
        |(one, mut two, indexes, platform)| {
            for name in ["a", "b", "c"] {
                two[name] = json!({"type": "integer"});
            }
            json!({"carnet": 1, "resources": {
                "as": {"fields": one, "tenancy": if platform { "platform" } else { "tenant" }, "id": "uuid"},
                "longNamesABOUTThings": {"fields": two, "indexes": indexes, "operations": ["list"]},
            }})
        },
    )
}

proptest! {
    #[test]
    fn any_text(text in "\\PC{0,80}") {
        take("a.yaml", &text);
        take("a.json", &text);
    }

    #[test]
    fn any_signs(text in "[\\[\\]{}:,\"'&*!|>%@`?#~<\\- \t\r\n\u{0}\u{85}\u{feff}a0.\\\\]{0,60}") {
        take("a.yaml", &text);
        take("a.json", &text);
    }

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        match carnet_model::Source::from_bytes("a.yaml", bytes) {
            Ok(source) => take(&source.path, &source.text),
            Err(diagnostic) => prop_assert!(diagnostic.to_string().contains("UTF-8")),
        }
    }

    #[test]
    fn a_damaged_definition(at in 0_usize..2_500, length in 0_usize..12, insert in "[\\[\\]{}:,\"'&*!|> \t\na0~-]{0,4}") {
        let mut characters: Vec<char> = SHOP.chars().collect();
        let from = at.min(characters.len());
        let to = (from + length).min(characters.len());
        characters.splice(from..to, insert.chars());
        take("carnet.yaml", &characters.into_iter().collect::<String>());
    }

    #[test]
    fn any_tree(tree in tree(), resources in tree()) {
        take("a.json", &tree.to_string());
        take("a.json", &json!({"carnet": 1, "resources": resources}).to_string());
        take("a.yaml", &json!({"carnet": 1, "resources": {"products": {"fields": {"a": resources, "b": "text"}}, "others": resources}}).to_string());
    }

    #[test]
    fn any_definition(definition in definition()) {
        take("a.json", &definition.to_string());
    }

    #[test]
    fn any_stored_definition(tree in tree()) {
        let text = json!({"carnet": 1, "resources": {"products": tree}}).to_string();
        if let Ok(text) = carnet_kernel::JsonText::parse(&text)
            && let Err(diagnostics) = compile_stored(&text)
        {
            prop_assert!(!diagnostics.is_empty());
        }
    }
}

#[test]
fn limits() {
    take("a.yaml", &"a: ".repeat(100_000));
    take("a.yaml", &"- ".repeat(200_000));
    take("a.yaml", &"? ".repeat(200_000));
    take("a.yaml", &"{a: ".repeat(100_000));
    take("a.json", &"{\"a\": ".repeat(100_000));
    take("a.yaml", &format!("carnet: 1\nx: {}", "9".repeat(500_000)));
    take(
        "a.yaml",
        &format!("carnet: 1\n\"{}\": 1", "x".repeat(500_000)),
    );
    take("a.yaml", &" ".repeat(2_000_000));
    take("a.yaml", &"\r".repeat(100_000));
    let many: String = (0..30_000).map(|at| format!("k{at}: 1\n")).collect();
    take("a.yaml", &many);
    let wide: String = (0..5_000)
        .map(|at| format!("  r{at}: {{ fields: {{ a: text }} }}\n"))
        .collect();
    take("a.yaml", &format!("carnet: 1\nresources:\n{wide}"));
    let fields: String = (0..70_000).map(|at| format!(" f{at}: x\n")).collect();
    take(
        "a.yaml",
        &format!(
            "carnet: 1\nresources: \n as:\n  fields:\n{}",
            fields.replace(" f", "   f")
        ),
    );
    let fields: String = (0..10_000).map(|at| format!(" f{at}: x\n")).collect();
    take(
        "a.yaml",
        &format!(
            "carnet: 1\nuse:\n{}",
            fields.replace(": x", "").replace(" f", "- f")
        ),
    );
    take(
        "a.yaml",
        &format!(
            "carnet: 1\nuse: [settings]\nextend:\n settings:\n  fields:\n{}",
            fields.replace(" f", "   f")
        ),
    );
    let pairs: String = (0..70_000).map(|at| format!("[f{at},a],")).collect();
    take(
        "a.yaml",
        &format!(
            "carnet: 1\nresources: {{ as: {{ fields: {{ a: text }}, unique: [{pairs}], indexes: [{}] }} }}",
            pairs.get(..300_000).unwrap_or_default()
        ),
    );
}
