//! The JSON schema of the definition language, for editors. Made from the same tables of words
//! the compiler reads; what needs more than one place to be known is left to the compiler.

use crate::words::{self, TYPES, TypeWord, Word};
use crate::{ActionMethod, ActionOn, Operation, read::ENUM_WORD_PATTERN};
use carnet_kernel::search::Accents;
use carnet_kernel::stem::Language;
use serde_json::{Map, Value, json};

const NAME: &str = "^[a-z][a-zA-Z0-9]{0,47}$";

/// The JSON schema (2020-12) of a definition file.
pub fn schema() -> Value {
    let mut definitions = Map::new();
    let mut define = |name: &str, value: Value| definitions.insert(name.to_owned(), value);
    define("resource", resource());
    define("extension", extension());
    define("fields", named(json!({ "$ref": "#/$defs/field" })));
    define("field", field());
    define("member", member());
    define("many", named(many()));
    define("unique", list_of(members()));
    define("indexes", list_of(index()));
    define("actions", named(action()));
    define("versions", version_keys(version()));
    define("overlays", version_keys(overlay()));
    define("input", named(passing(&[])));
    define("output", named(passing(&["default"])));
    for kind in TYPES {
        define(&format!("field_{}", kind.word), field_of(kind));
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Carnet definition",
        "description": "A definition file: resources with their fields, relations and constraints.",
        "type": "object",
        "properties": properties(words::FILE, file_key),
        "required": ["carnet"],
        "additionalProperties": false,
        "$defs": definitions,
    })
}

/// The described properties of `words`.
fn properties(words: &[Word], value: impl Fn(&str) -> Value) -> Map<String, Value> {
    words
        .iter()
        .map(|(word, description)| ((*word).to_owned(), described(value(word), description)))
        .collect()
}

fn described(value: Value, description: &str) -> Value {
    match value {
        Value::Object(mut map) => {
            map.insert("description".to_owned(), json!(description));
            Value::Object(map)
        }
        other => other,
    }
}

fn named(value: Value) -> Value {
    json!({
        "type": "object",
        "propertyNames": { "pattern": NAME },
        "additionalProperties": value,
    })
}

fn list_of(value: Value) -> Value {
    json!({ "type": "array", "items": value })
}

fn file_key(key: &str) -> Value {
    match key {
        "carnet" => json!({ "const": 1 }),
        "service" => json!({ "type": "string", "pattern": NAME }),
        "use" => {
            json!({ "type": "array", "items": { "type": "string" }, "uniqueItems": true })
        }
        "extend" => named(json!({ "$ref": "#/$defs/extension" })),
        "versions" => {
            json!({ "$ref": "#/$defs/versions", "minProperties": 1, "maxProperties": 16 })
        }
        _ => named(json!({ "$ref": "#/$defs/resource" })),
    }
}

fn extension() -> Value {
    json!({
        "type": "object",
        "properties": properties(words::EXTEND, resource_key),
        "additionalProperties": false,
    })
}

fn resource() -> Value {
    json!({
        "type": "object",
        "properties": properties(words::RESOURCE, resource_key),
        "required": ["fields"],
        "additionalProperties": false,
        // `shared` belongs to platform resources.
        "if": { "properties": { "shared": { "const": true } }, "required": ["shared"] },
        "then": {
            "properties": { "tenancy": { "const": "platform" } },
            "required": ["tenancy"],
        },
    })
}

fn resource_key(key: &str) -> Value {
    let id_form = json!({ "enum": ["ulid", "uuid"], "default": "ulid" });
    match key {
        "title" | "description" => json!({ "type": "string" }),
        "tenancy" => json!({ "enum": ["tenant", "platform"], "default": "tenant" }),
        "shared" => json!({ "type": "boolean", "default": false }),
        "storage" => json!({ "enum": ["table", "none"], "default": "table" }),
        "id" => json!({
            "anyOf": [
                id_form,
                {
                    "type": "object",
                    "properties": properties(words::ID, |key| match key {
                        "type" => id_form.clone(),
                        _ => json!({ "type": "boolean", "default": false }),
                    }),
                    "additionalProperties": false,
                },
            ],
        }),
        "was" => json!({ "type": "string" }),
        "concurrency" => json!({ "enum": ["none", "optimistic"], "default": "none" }),
        "operations" => json!({
            "type": "array",
            "items": { "enum": Operation::ALL.map(Operation::as_str) },
            "uniqueItems": true,
        }),
        "delete" => json!({ "enum": ["hard", "soft"], "default": "hard" }),
        "journal" => json!({ "enum": ["full", "changed", "summary"], "default": "full" }),
        "fields" => json!({ "$ref": "#/$defs/fields" }),
        "many" => json!({ "$ref": "#/$defs/many" }),
        "unique" => json!({ "$ref": "#/$defs/unique" }),
        "search" => search(),
        "actions" => json!({ "$ref": "#/$defs/actions" }),
        "lock" => json!({ "type": "string" }),
        "versions" => json!({ "$ref": "#/$defs/overlays" }),
        _ => json!({ "$ref": "#/$defs/indexes" }),
    }
}

fn many() -> Value {
    json!({
        "type": "object",
        "properties": properties(words::MANY, |_| json!({ "type": "string" })),
        "required": ["of"],
        "anyOf": [{ "required": ["by"] }, { "required": ["through"] }],
        "dependentRequired": { "to": ["through"] },
        "additionalProperties": false,
    })
}

/// A map with versions of the API as its keys.
fn version_keys(value: Value) -> Value {
    json!({
        "type": "object",
        "propertyNames": { "pattern": "^v[1-9][0-9]{0,4}$" },
        "additionalProperties": value,
    })
}

/// What is said of a version; `null` is nothing.
fn version() -> Value {
    json!({
        "type": ["object", "null"],
        "properties": properties(words::VERSION, |key| match key {
            "link" => json!({ "type": "string" }),
            _ => json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" }),
        }),
        "additionalProperties": false,
    })
}

/// What a version says of a resource.
fn overlay() -> Value {
    json!({
        "type": "object",
        "properties": properties(words::OVERLAY, |key| match key {
            "rename" => json!({
                "type": "object",
                "additionalProperties": { "type": "string", "pattern": NAME },
            }),
            "hide" => json!({
                "anyOf": [
                    { "type": "boolean" },
                    { "type": "string" },
                    { "type": "array", "items": { "type": "string" } },
                ],
            }),
            _ => json!({ "type": "object" }),
        }),
        "additionalProperties": false,
    })
}

/// An action; `null` is one that takes and gives nothing.
fn action() -> Value {
    let words = |words: &[&str], default: &str| json!({ "enum": words, "default": default });
    let on = [ActionOn::Record, ActionOn::Collection].map(ActionOn::as_str);
    json!({
        "type": ["object", "null"],
        "properties": properties(words::ACTION, |key| match key {
            "on" => words(&on, ActionOn::default().as_str()),
            "method" => words(
                &ActionMethod::ALL.map(ActionMethod::as_str),
                ActionMethod::default().as_str(),
            ),
            "input" => json!({ "$ref": "#/$defs/input" }),
            "output" => json!({
                "anyOf": [
                    words(&["none", "record", "records"], "none"),
                    { "$ref": "#/$defs/output", "minProperties": 1 },
                ],
            }),
            _ => json!({ "type": "string" }),
        }),
        "additionalProperties": false,
        // A DELETE has no body.
        "if": { "properties": { "method": { "const": "delete" } }, "required": ["method"] },
        "then": { "properties": { "input": false } },
    })
}

/// A field of an action: as in a resource, without what is said of a column and without `more`.
fn passing(more: &[&str]) -> Value {
    let never: Map<String, Value> = words::STORED_FIELD
        .iter()
        .chain(more)
        .map(|word| ((*word).to_owned(), json!(false)))
        .collect();
    json!({ "$ref": "#/$defs/field", "properties": never })
}

fn members() -> Value {
    json!({
        "anyOf": [
            { "type": "string" },
            {
                "type": "array",
                "items": { "type": "string" },
                "minItems": 1,
                "maxItems": 16,
                "uniqueItems": true,
            },
        ],
    })
}

fn search() -> Value {
    let fields = json!({
        "anyOf": [
            { "type": "string" },
            {
                "type": "array",
                "items": { "type": "string" },
                "minItems": 1,
                "maxItems": 8,
                "uniqueItems": true,
            },
        ],
    });
    json!({
        "anyOf": [
            fields["anyOf"][0],
            fields["anyOf"][1],
            {
                "type": "object",
                "properties": properties(words::SEARCH, |key| search_key(key, &fields)),
                "required": ["fields"],
                "additionalProperties": false,
            },
        ],
    })
}

fn search_key(key: &str, fields: &Value) -> Value {
    match key {
        "fuzzy" => json!({ "type": "boolean", "default": false }),
        "language" => {
            let words = Language::all().map(|(_, word)| word);
            let words: Vec<&str> = words.chain(["none"]).collect();
            json!({ "enum": words, "default": "none" })
        }
        "accents" => json!({ "enum": Accents::ALL.map(Accents::as_str), "default": "fold" }),
        "weights" => named(json!({ "type": "integer", "minimum": 1, "maximum": 100 })),
        _ => fields.clone(),
    }
}

fn index() -> Value {
    json!({
        "anyOf": [
            { "type": "string" },
            { "type": "array", "items": { "type": "string" }, "minItems": 1, "maxItems": 16 },
            {
                "type": "object",
                "properties": properties(words::INDEX, |key| match key {
                    "using" => json!({ "enum": ["btree"], "default": "btree" }),
                    _ => members(),
                }),
                "required": ["on"],
                "additionalProperties": false,
            },
        ],
    })
}

/// Types that need no option.
fn short(kind: &TypeWord) -> bool {
    !matches!(kind.word, "decimal" | "enum" | "ref" | "list")
}

fn field() -> Value {
    let short: Vec<&str> = TYPES
        .iter()
        .filter(|kind| short(kind))
        .map(|kind| kind.word)
        .collect();
    let mut forms = vec![json!({ "enum": short, "description": "The type alone." })];
    forms.extend(
        TYPES
            .iter()
            .map(|kind| json!({ "$ref": format!("#/$defs/field_{}", kind.word) })),
    );
    json!({ "oneOf": forms })
}

fn field_of(kind: &TypeWord) -> Value {
    let mut keys = properties(words::FIELD, |key| match key {
        "type" => json!({ "const": kind.word }),
        "optional" | "unique" => json!({ "type": "boolean", "default": false }),
        "default" => default_of(kind.word),
        "example" => json!({}),
        _ => json!({ "type": "string" }),
    });
    if kind.word == "ref" {
        keys.insert("default".to_owned(), json!(false));
    }
    keys.extend(properties(kind.options, |option| {
        self::option(kind.word, option)
    }));
    json!({
        "description": kind.description,
        "type": "object",
        "properties": keys,
        "required": required(kind),
        "additionalProperties": false,
    })
}

fn required(kind: &TypeWord) -> Vec<&'static str> {
    let more: &[&str] = match kind.word {
        "decimal" => &["precision", "scale"],
        "enum" => &["values"],
        "ref" => &["to"],
        "list" => &["of"],
        _ => &[],
    };
    std::iter::once("type")
        .chain(more.iter().copied())
        .collect()
}

fn member() -> Value {
    let kinds = || TYPES.iter().filter(|kind| kind.in_list);
    let short: Vec<&str> = kinds()
        .filter(|kind| short(kind))
        .map(|kind| kind.word)
        .collect();
    let mut forms = vec![json!({ "enum": short, "description": "The type alone." })];
    forms.extend(kinds().map(|kind| {
        let mut keys = properties(kind.options, |option| self::option(kind.word, option));
        keys.remove("caseless");
        keys.insert("type".to_owned(), json!({ "const": kind.word }));
        json!({
            "description": kind.description,
            "type": "object",
            "properties": keys,
            "required": required(kind),
            "additionalProperties": false,
        })
    }));
    json!({ "oneOf": forms })
}

fn option(kind: &str, option: &str) -> Value {
    let count = json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX });
    match (kind, option) {
        ("integer", "min" | "max") => json!({
            "type": "integer",
            "minimum": -carnet_kernel::MAX_SAFE_INTEGER,
            "maximum": carnet_kernel::MAX_SAFE_INTEGER,
        }),
        ("decimal", "min" | "max") => json!({ "type": ["number", "string"] }),
        ("float", "min" | "max") => json!({ "type": "number" }),
        ("text" | "email" | "url", "max") => {
            json!({ "type": "integer", "minimum": 1, "maximum": u32::MAX })
        }
        (_, "min" | "max") => count,
        (_, "precision") => {
            json!({ "type": "integer", "minimum": 1, "maximum": carnet_kernel::MAX_PRECISION })
        }
        (_, "scale") => {
            json!({ "type": "integer", "minimum": 0, "maximum": carnet_kernel::MAX_PRECISION })
        }
        (_, "caseless" | "distinct") => json!({ "type": "boolean", "default": false }),
        (_, "values") => json!({
            "type": "array",
            "items": { "type": "string", "pattern": ENUM_WORD_PATTERN },
            "minItems": 1,
            "uniqueItems": true,
        }),
        (_, "schema") => json!({ "type": "object" }),
        (_, "onDelete") => {
            json!({ "enum": ["restrict", "cascade", "setNull"], "default": "restrict" })
        }
        (_, "of") => json!({ "$ref": "#/$defs/member" }),
        _ => json!({ "type": "string" }),
    }
}

fn default_of(kind: &str) -> Value {
    match kind {
        "integer" => json!({ "type": ["integer", "null"] }),
        "decimal" => json!({ "type": ["number", "string", "null"] }),
        "float" => json!({ "type": ["number", "null"] }),
        "boolean" => json!({ "type": ["boolean", "null"] }),
        "json" => json!({}),
        "i18n" => {
            json!({ "type": ["object", "null"], "additionalProperties": { "type": "string" } })
        }
        "list" => json!({ "type": ["array", "null"] }),
        _ => json!({ "type": ["string", "null"] }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every `properties` object below `value`.
    fn property_maps<'v>(value: &'v Value, out: &mut Vec<&'v Map<String, Value>>) {
        match value {
            Value::Object(map) => {
                if let Some(Value::Object(properties)) = map.get("properties") {
                    out.push(properties);
                }
                map.values().for_each(|one| property_maps(one, out));
            }
            Value::Array(items) => items.iter().for_each(|one| property_maps(one, out)),
            _ => {}
        }
    }

    #[test]
    fn every_word_is_in_the_schema_with_a_description() {
        let schema = schema();
        let at = |pointer: &str, words: &[Word]| {
            let properties = schema.pointer(pointer).and_then(Value::as_object);
            for (word, description) in words {
                let found = properties.and_then(|map| map.get(*word));
                let text = found.and_then(|one| one.get("description"));
                assert_eq!(text, Some(&json!(description)), "{pointer} {word}");
            }
        };
        at("/properties", words::FILE);
        at("/$defs/resource/properties", words::RESOURCE);
        at("/$defs/extension/properties", words::EXTEND);
        at("/$defs/many/additionalProperties/properties", words::MANY);
        at(
            "/$defs/actions/additionalProperties/properties",
            words::ACTION,
        );
        at(
            "/$defs/versions/additionalProperties/properties",
            words::VERSION,
        );
        at(
            "/$defs/overlays/additionalProperties/properties",
            words::OVERLAY,
        );
        at("/$defs/indexes/items/anyOf/2/properties", words::INDEX);
        for kind in TYPES {
            let pointer = format!("/$defs/field_{}/properties", kind.word);
            let common: Vec<Word> = words::FIELD
                .iter()
                .copied()
                .filter(|(word, _)| !(kind.word == "ref" && *word == "default"))
                .collect();
            at(&pointer, &common);
            at(&pointer, kind.options);
        }
    }

    #[test]
    fn the_schema_has_no_word_the_compiler_does_not_know() {
        let known: Vec<&str> = [
            words::FILE,
            words::RESOURCE,
            words::EXTEND,
            words::MANY,
            words::INDEX,
            words::FIELD,
            words::ID,
            words::SEARCH,
            words::ACTION,
            words::VERSION,
            words::OVERLAY,
        ]
        .into_iter()
        .chain(TYPES.iter().map(|kind| kind.options))
        .flatten()
        .map(|(word, _)| *word)
        .collect();
        let schema = schema();
        let mut maps = Vec::new();
        property_maps(&schema, &mut maps);
        assert!(maps.len() > 40);
        for word in maps.into_iter().flat_map(Map::keys) {
            assert!(known.contains(&word.as_str()), "{word}");
        }
    }
}
