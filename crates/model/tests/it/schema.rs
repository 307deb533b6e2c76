//! The JSON schema for editors against definitions the compiler takes and refuses.

use crate::compile;
use serde_json::{Value, json};

fn validator() -> jsonschema::Validator {
    let schema = carnet_model::schema();
    assert!(jsonschema::meta::is_valid(&schema));
    jsonschema::validator_for(&schema).expect("the schema compiles")
}

#[test]
fn good_definitions_fit() {
    let validator = validator();
    let shop: Value = serde_json::from_str(include_str!("../fixtures/shop.json")).expect("json");
    let problems: Vec<String> = validator
        .iter_errors(&shop)
        .map(|error| format!("{} at {}", error, error.instance_path()))
        .collect();
    assert_eq!(problems, [""; 0]);
}

/// Broken definitions that need no second place to be seen; both refuse them.
#[test]
fn broken_definitions_do_not_fit() {
    let field = |field: Value| json!({"carnet": 1, "resources": {"as": {"fields": {"a": field}}}});
    let resource = |key: &str, value: Value| {
        let mut file = field(json!({"type": "text", "max": 9}));
        file["resources"]["as"][key] = value;
        file
    };
    let validator = validator();
    assert!(validator.is_valid(&field(json!("text"))));
    for good in [
        resource(
            "actions",
            json!({"x": null, "y": {"on": "collection", "method": "delete"}}),
        ),
        resource(
            "actions",
            json!({"x": {"input": {"a": "text", "b": {"type": "ref", "to": "as", "optional": true}}, "output": {"c": "integer"}}}),
        ),
    ] {
        assert!(validator.is_valid(&good), "{good}");
        assert!(
            compile(&[("carnet.json", &good.to_string())]).is_ok(),
            "{good}"
        );
    }
    for broken in [
        json!({}),
        json!({"carnet": 2}),
        json!({"carnet": 1, "resorces": {}}),
        json!({"carnet": 1, "service": "My Shop"}),
        json!({"carnet": 1, "use": "settings"}),
        json!({"carnet": 1, "extend": {"settings": {"checks": []}}}),
        json!({"carnet": 1, "resources": {"as": {}}}),
        json!({"carnet": 1, "resources": {"As": {"fields": {"a": "text"}}}}),
        field(json!("string")),
        field(json!("decimal")),
        field(json!({})),
        field(json!({"type": "text", "scale": 2})),
        field(json!({"type": "text", "max": 0})),
        field(json!({"type": "text", "max": -1})),
        field(json!({"type": "text", "default": 5})),
        field(json!({"type": "text", "title": 5})),
        field(json!({"type": "decimal", "precision": 19, "scale": 2})),
        field(json!({"type": "decimal", "precision": 5})),
        field(json!({"type": "enum", "values": []})),
        field(json!({"type": "enum", "values": ["a b"]})),
        field(json!({"type": "enum", "values": ["a", "a"]})),
        field(json!({"type": "ref"})),
        field(json!({"type": "ref", "to": "as", "onDelete": "ignore"})),
        field(json!({"type": "ref", "to": "as", "optional": true, "default": "x"})),
        field(json!({"type": "list", "of": "ref"})),
        field(json!({"type": "list", "of": {"type": "text", "caseless": true}})),
        field(json!({"type": "integer", "min": 1.5})),
        field(json!({"type": "boolean", "default": "yes"})),
        field(json!({"type": "text", "write": "x"})),
        resource("search", json!([])),
        resource("search", json!({"of": ["a"]})),
        resource("search", json!({"fields": ["a"], "language": "en"})),
        resource("search", json!({"language": "english"})),
        resource("search", json!({"fields": ["a"], "fuzzy": "yes"})),
        resource("search", json!({"fields": ["a"], "accents": "drop"})),
        resource("search", json!({"fields": ["a"], "weights": {"a": 0}})),
        resource("storage", json!("disk")),
        resource("shared", json!(true)),
        resource("id", json!("guid")),
        resource("operations", json!(["get"])),
        resource("operations", json!(["list", "list"])),
        resource("unique", json!([[]])),
        resource("unique", json!([["a", "a"]])),
        resource("indexes", json!([{"on": ["a"], "using": "trigram"}])),
        resource("indexes", json!([{"using": "btree"}])),
        resource("many", json!({"x": {"of": "as"}})),
        resource("many", json!({"x": {"of": "as", "by": "a", "to": "b"}})),
        resource("journal", json!("none")),
        resource("delete", json!("gentle")),
        resource("actions", json!([])),
        resource("actions", json!({"x": {"method": "get"}})),
        resource("actions", json!({"x": {"on": "all"}})),
        resource("actions", json!({"X": {}})),
        resource("actions", json!({"x": {"output": "list"}})),
        resource("actions", json!({"x": {"output": {}}})),
        resource(
            "actions",
            json!({"x": {"output": {"a": {"type": "integer", "default": 1}}}}),
        ),
        resource(
            "actions",
            json!({"x": {"input": {"a": {"type": "text", "unique": true}}}}),
        ),
        resource(
            "actions",
            json!({"x": {"input": {"a": {"type": "text", "caseless": true}}}}),
        ),
        resource(
            "actions",
            json!({"x": {"method": "delete", "input": {"a": "text"}}}),
        ),
        resource("lock", json!(["a"])),
        resource("table", json!("a")),
    ] {
        assert!(!validator.is_valid(&broken), "{broken}");
        assert!(
            compile(&[("carnet.json", &broken.to_string())]).is_err(),
            "{broken}"
        );
    }
}

/// Every definition file below `folder`, without seeds and scenarios.
fn definition_files(folder: &std::path::Path, out: &mut Vec<std::path::PathBuf>) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() {
            if !["seeds", "scenarios", "src", "data"]
                .iter()
                .any(|other| name == *other)
            {
                definition_files(&path, out);
            }
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            out.push(path);
        }
    }
}

#[test]
fn the_applications_of_the_repository_fit() {
    let validator = validator();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    definition_files(&root.join("apps/passport/definitions"), &mut files);
    definition_files(&root.join("examples"), &mut files);
    assert!(files.len() > 10, "{files:?}");
    for path in files {
        let text = std::fs::read_to_string(&path).expect("a readable file");
        let source = carnet_model::Source::application(path.display().to_string(), text);
        let document = carnet_model::read_document(&source)
            .unwrap_or_else(|errors| panic!("{}", crate::shown(&errors)));
        let problems: Vec<String> = validator
            .iter_errors(&document.value)
            .map(|error| format!("{error} at {}", error.instance_path()))
            .collect();
        assert_eq!(problems, [""; 0], "{}", path.display());
    }
}
