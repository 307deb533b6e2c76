//! Versions of the API: what each sees of a model, what is said of bad ones, how they are stored.

use crate::bad::{keys, yaml};
use crate::compile;
use crate::diff::changes;
use carnet_kernel::ApiVersion;
use carnet_model::{Model, ModelView, compile_stored};
use std::sync::Arc;

const SHOP: &str = r#"carnet: 1
versions:
  v1: { deprecated: 2026-10-01, sunset: 2027-04-01, link: "https://example.com/v1" }
  v2:
  v3: {}
resources:
  categories: { fields: { name: text }, many: { products: { of: products, by: category } } }
  products:
    fields:
      title: text
      category: { type: ref, to: categories }
      rating: { type: integer, optional: true }
      status: { type: enum, values: [draft, live] }
    many: { notes: { of: notes, by: product } }
    versions:
      v1: { rename: { title: name, category: group, notes: remarks }, hide: [rating, status], default: { status: draft } }
      v2: { hide: notes, default: { status: live } }
  notes:
    fields: { product: { type: ref, to: products }, text: text }
    versions: { v2: { hide: true } }
"#;

fn shop() -> Arc<Model> {
    let compiled = compile(&[("carnet.yaml", SHOP)]);
    let compiled = compiled.unwrap_or_else(|errors| panic!("{}", crate::shown(&errors)));
    Arc::new(compiled.model)
}

/// What a view has of each resource, as one line.
fn seen(view: &ModelView) -> String {
    let mut out = String::new();
    for resource in view.shown_resources() {
        let standard = [
            "id",
            "version",
            "createdAt",
            "updatedAt",
            "createdBy",
            "updatedBy",
        ];
        if resource.service == "carnet" {
            continue;
        }
        let fields: Vec<String> = resource
            .shown_fields()
            .filter(|(_, field)| !standard.contains(&field.name.as_str()))
            .map(|(_, field)| match field.default_json() {
                Some(default) => format!("{}={default}", field.name),
                None => field.name.clone(),
            })
            .collect();
        let relations: Vec<&str> = resource
            .shown_relations()
            .map(|relation| relation.name.as_str())
            .collect();
        out += &format!(
            "{}: {} | {}\n",
            resource.name,
            fields.join(" "),
            relations.join(" ")
        );
    }
    out
}

#[test]
fn each_version_sees_its_own_names() {
    let model = shop();
    let views = ModelView::every(&model);
    let all: String = views
        .iter()
        .map(|view| format!("{}\n{}", view.version(), seen(view)))
        .collect();
    insta::assert_snapshot!(all, @r#"
    v1
    categories: name | products
    notes: productId text | product
    products: name groupId | group remarks
    v2
    categories: name | products
    products: title categoryId rating status="live" | category
    v3
    categories: name | products
    notes: productId text | product
    products: title categoryId rating status | category notes
    "#);
    let first = &views[0];
    let products = first.resource_named("products").expect("products");
    let name = products.field_named("name").expect("name");
    assert_eq!(products.field(name).canonical(), "title");
    assert_eq!(
        model.resource(products.index).field_named("title"),
        Some(name)
    );
    assert_eq!(products.field_named("title"), None);
    assert_eq!(products.field_named("rating"), None);
    assert!(
        products.relation_named("group").is_some() && products.relation_named("category").is_none()
    );
    assert!(views[1].resource_named("notes").is_none());
    // Records and statements are the same: the places of fields do not move.
    assert_eq!(
        products.fields.len(),
        model.resource(products.index).fields.len()
    );
}

#[test]
fn views_are_told_apart_and_share_what_they_can() {
    let model = shop();
    let views = ModelView::every(&model);
    let hashes: std::collections::HashSet<_> = views.iter().map(ModelView::hash).collect();
    assert_eq!(hashes.len(), 3);
    assert!(views.iter().all(|view| view.schema_hash() == model.hash));
    assert_eq!(views[2].hash(), model.hash);
    assert_eq!(views[0].canonical().version(), ApiVersion(3));
    let same = |view: &ModelView, name: &str| {
        let index = model.by_name[name];
        let place = usize::from(index.0);
        Arc::ptr_eq(&view.resources[place], &model.resources[place])
    };
    assert!(same(&views[0], "categories") && !same(&views[0], "products"));
    assert!(same(&views[1], "categories"));
}

#[test]
fn what_is_said_of_a_version() {
    let model = shop();
    let views = ModelView::every(&model);
    let notice = views[0].notice().expect("v1");
    assert_eq!(notice.deprecated, Some(20_727));
    assert_eq!(notice.sunset, Some(20_909));
    assert_eq!(notice.link.as_deref(), Some("https://example.com/v1"));
    assert_eq!(views[1].notice().and_then(|one| one.sunset), None);
    let plain = compile(&[(
        "a.yaml",
        "carnet: 1\nresources: { as: { fields: { a: text } } }",
    )]);
    let plain = plain.expect("plain").model;
    assert_eq!(plain.newest().number, ApiVersion::FIRST);
    assert!(!plain.definition.as_str().contains("versions"));
}

#[test]
fn stored_versions_are_the_same() {
    let model = shop();
    let stored = Arc::new(compile_stored(&model.definition).expect("stored"));
    assert_eq!(
        (stored.hash, &stored.versions),
        (model.hash, &model.versions)
    );
    for (one, other) in ModelView::every(&stored)
        .iter()
        .zip(ModelView::every(&model))
    {
        assert_eq!(seen(one), seen(&other));
        assert_eq!(one.hash(), other.hash());
    }
}

#[test]
fn bad_versions_are_told() {
    insta::assert_snapshot!(yaml("carnet: 1\nversions:\n  v01: {}\n  two: {}\n  v3: { deprecated: tomorrow, sunset: 2026-01-01, lnk: x }\n  v4: { deprecated: 2026-02-01, sunset: 2026-01-01 }\n  v5: { link: /a }\nresources:\n  v7: { fields: { a: text } }\n"), @r#"
    3:3+3 error: `v01` is no version [a version is `v` and a number: `v1`, `v2`]
    4:3+3 error: `two` is no version [a version is `v` and a number: `v1`, `v2`]
    5:21+8 error: `deprecated` cannot be read: it has not the expected form [for example `2026-11-21`]
    5:51+3 error: unknown key `lnk` in the version `v3` [did you mean `link`?]
    6:41+10 error: `sunset` is before `deprecated`: a version is left before it ends
    7:15+2 error: `link` is not an absolute URL [for example `https://example.com/`]
    9:3+2 error: the resource name `v7` is reserved for a version of the API [choose another name]
    "#);
    insta::assert_snapshot!(yaml("carnet: 1\nversions: {}\nresources: { as: { fields: { a: text } } }\n"), @r#"2:11+1 error: `versions` names no version [write for example `versions: { v1: {} }`, or leave it out]"#);
    insta::assert_snapshot!(keys("versions: { v1: {}, v9: {}, x: {} }"), @r#"
    13:17+2 error: `v1` is the newest version: it shows the resource as it is declared [change the resource itself, or add a newer version]
    13:25+2 error: there is no version `v9` [the key `versions` of the root file names them; now: v1]
    13:33+1 error: there is no version `x` [the key `versions` of the root file names them; now: v1]
    "#);
}

#[test]
fn bad_overlays_are_told() {
    let overlay = |text: &str| {
        yaml(&format!(
            "carnet: 1\nversions: {{ v1: , v2: }}\nresources:\n  others: {{ fields: {{ thing: {{ type: ref, to: things }} }} }}\n  things:\n    fields:\n      name: text\n      size: {{ type: integer, max: 9 }}\n      other: {{ type: ref, to: others, optional: true }}\n    many: {{ parts: {{ of: others, by: thing }} }}\n    versions:\n      v1: {text}\n"
        ))
    };
    for (text, expected) in [
        (
            "{ hide: [nam, createdAt, otherId], rename: { id: key } }",
            4,
        ),
        ("{ hide: [name, size] }", 2),
        (
            "{ hide: [name], rename: { name: title }, default: { name: x } }",
            1,
        ),
        ("{ rename: { name: size } }", 1),
        ("{ rename: { name: parts } }", 1),
        ("{ rename: { name: Other, parts: and, other: version } }", 4),
        ("{ default: { size: 10, other: x, parts: 1 } }", 3),
        ("{ hide: true, rename: { name: title } }", 1),
        ("{ hide: [1], shown: [] }", 2),
    ] {
        let told = overlay(text);
        assert_eq!(told.lines().count(), expected, "{text}\n{told}");
    }
    insta::assert_snapshot!(overlay("{ hide: [nam, size, otherId], rename: { name: other } }"), @r#"
    12:20+3 error: `hide` names `nam`, which `things` does not have [did you mean `name`?]
    12:31+7 error: `hide` names `otherId`, which is a reference [write `other`, as the resource does]
    "#);
    insta::assert_snapshot!(overlay("{ hide: [size], rename: { name: other, parts: version } }"), @r#"
    12:20+4 error: `size` is required, so `v1` cannot make a record without it [give it a `default` there, or make it optional]
    12:43+5 error: `name` and `other` are both `other` in `v1` [give one of them another name, or hide it]
    12:57+7 error: `version` and `parts` are both `version` in `v1` [give one of them another name, or hide it]
    "#);
}

#[test]
fn versions_are_no_change_of_the_schema() {
    insta::assert_snapshot!(changes(
        "  as: { fields: { a: text } }\nversions: { v1: , v2: }\n",
        "  as: { fields: { a: text }, versions: { v1: { rename: { a: b } } } }\nversions: { v1: , v2: }\n",
    ), @r#"api    `as`: `versions` changed from nothing to `{"v1":{"rename":{"a":"b"}}}`"#);
}
