//! The canonical definition: what it depends on, and that it compiles to the same model.

use crate::{SHOP, compile, shop, shown};
use carnet_model::{Model, compile_stored};

const SHOP_JSON: &str = include_str!("../fixtures/shop.json");

#[track_caller]
fn model(files: &[(&str, &str)]) -> Model {
    match compile(files) {
        Ok(compiled) => compiled.model,
        Err(diagnostics) => panic!("{}", shown(&diagnostics)),
    }
}

#[track_caller]
fn again(model: &Model) -> Model {
    let again = compile_stored(&model.definition)
        .unwrap_or_else(|errors| panic!("{}\n{}", shown(&errors), model.definition.as_str()));
    assert_eq!(again.definition, model.definition);
    assert_eq!(again.hash, model.hash);
    again
}

/// Everything of a model but maps and compiled patterns, whose order and addresses differ.
fn facts(model: &Model) -> String {
    let mut out = String::new();
    for resource in &model.resources {
        let mut copy = carnet_model::Resource::clone(resource);
        copy.by_name.clear();
        copy.by_relation.clear();
        for field in &mut copy.fields {
            if let carnet_model::FieldType::Json {
                schema: Some(schema),
            } = &field.kind
            {
                out += schema.source.as_str();
                field.kind = carnet_model::FieldType::Boolean;
            }
        }
        out += &format!("{copy:#?}\n");
    }
    out + &format!("{:?}", model.referenced_by)
}

#[test]
fn a_stored_definition_compiles_to_the_same_model() {
    let model = shop().model;
    assert_eq!(facts(&again(&model)), facts(&model));
}

#[test]
fn yaml_and_json_are_one_language() {
    assert_eq!(model(&[("carnet.json", SHOP_JSON)]).hash, shop().model.hash);
}

#[test]
fn the_split_into_files_does_not_matter() {
    let (head, resources) = SHOP.split_once("resources:\n").unwrap_or_default();
    let at = |start: &str, end: &str| {
        let from = resources.find(start).expect("start");
        let to = resources.find(end).unwrap_or(resources.len());
        format!(
            "carnet: 1\nresources:\n{}",
            resources.get(from..to).expect("part")
        )
    };
    let products = at("  products:\n", "  categories:\n");
    let categories = at("  categories:\n", "  productDataSources:\n");
    let rest = at("  productDataSources:\n", "nothing");
    let split = model(&[
        ("defs/z.yaml", &products),
        ("defs/carnet.yaml", head),
        ("defs/deep/er/units.yaml", &rest),
        ("defs/a.yaml", &categories),
    ]);
    assert_eq!(split.hash, shop().model.hash);
}

#[test]
fn the_order_of_keys_does_not_matter_but_that_of_fields_is_kept() {
    let one = "carnet: 1\nresources:\n  bs: { fields: { x: text, y: { type: text, max: 3 } }, unique: [y] }\n  as: { title: A, fields: { z: text } }\n";
    let two = "resources:\n  as: { fields: { z: text }, title: A }\n  bs: { unique: [y], fields: { x: { type: text }, y: { max: 3, type: text } } }\ncarnet: 1\n";
    let three = one.replace(
        "x: text, y: { type: text, max: 3 }",
        "y: { type: text, max: 3 }, x: text",
    );
    let first = model(&[("a.yaml", one)]);
    assert_eq!(first.hash, model(&[("a.yaml", two)]).hash);
    let third = model(&[("a.yaml", &three)]);
    assert_ne!(first.hash, third.hash);
    let names = |model: &Model| -> Vec<String> {
        let bs = model.resource_named("bs").expect("bs");
        bs.declared_fields()
            .map(|(_, field)| field.name.clone())
            .collect()
    };
    assert_eq!(names(&again(&third)), ["y", "x"]);
    assert_eq!(names(&again(&first)), ["x", "y"]);
}

#[test]
fn an_index_that_a_reference_has_anyway_changes_nothing() {
    let with = "carnet: 1\nresources: { as: { fields: { b: { type: ref, to: as, optional: true } }, indexes: [b] } }\n";
    let without = with.replace(", indexes: [b]", "");
    let (with, without) = (model(&[("a.yaml", with)]), model(&[("a.yaml", &without)]));
    assert_eq!(with.hash, without.hash);
    assert_eq!(facts(&with), facts(&without));
}

/// A definition as an earlier release stored it: it must stay readable for ever.
#[test]
fn version_1_is_read() {
    let text = include_str!("../fixtures/stored-1.json");
    let stored = carnet_kernel::JsonText::parse(text).expect("json");
    let model = compile_stored(&stored).unwrap_or_else(|errors| panic!("{}", shown(&errors)));
    assert_eq!(model.definition, stored);
    assert_eq!(model.hash, shop().model.hash);
}

#[test]
fn a_broken_stored_definition_is_an_error() {
    for text in [
        "{}",
        "{\"carnet\":1,\"resources\":{\"a\":{\"fields\":{\"b\":\"txt\"}}}}",
        "{\"carnet\":1,\"resources\":{\"a\":{\"storage\":\"platform\",\"fields\":{\"b\":\"text\"}}}}",
        "[]",
    ] {
        let stored = carnet_kernel::JsonText::parse(text).expect("json");
        assert!(compile_stored(&stored).is_err(), "{text}");
    }
}
