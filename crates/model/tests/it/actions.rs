//! Actions and locks: what they become, what is said of bad ones, and how they are stored.

use crate::bad::{keys, yaml};
use crate::compile;
use crate::diff::changes;
use carnet_model::{ActionMethod, ActionOn, ActionOutput, Field, Model, compile_stored};

const SHOP: &str = "\
carnet: 1
resources:
  categories: { fields: { name: text } }
  products:
    fields:
      name: text
      category: { type: ref, to: categories }
    lock: category
    actions:
      publish:
      feature:
        title: Feature a product
        description: Puts it on the first page.
        input:
          until: { type: date, optional: true }
          isFeatured: { type: boolean, default: true }
          category: { type: ref, to: categories, optional: true }
          contact: { type: email, optional: true }
        output: record
      importAll:
        on: collection
        method: put
        input: { id: text, version: integer }
        output: { zeta: integer, alpha: { type: decimal, precision: 9, scale: 2, optional: true } }
      clear: { on: collection, method: delete, output: records }
";

fn shop() -> Model {
    let compiled = compile(&[("carnet.yaml", SHOP)]);
    compiled
        .unwrap_or_else(|errors| panic!("{}", crate::shown(&errors)))
        .model
}

fn names(fields: &[Field]) -> Vec<&str> {
    fields.iter().map(|field| field.name.as_str()).collect()
}

/// What an action is, as one line.
fn facts(model: &Model) -> String {
    let products = model.resource_named("products").expect("products");
    let mut out = String::new();
    for action in &products.actions {
        let output = match &action.output {
            ActionOutput::Fields(fields) => names(fields).join(" "),
            word => word.as_str().unwrap_or_default().to_owned(),
        };
        out += &format!(
            "{} ({}) {} {}: {} -> {output}\n",
            action.name,
            action.title,
            action.method.as_str(),
            action.on.as_str(),
            names(&action.input).join(" "),
        );
    }
    out
}

#[test]
fn actions_have_a_place_an_input_and_an_output() {
    let model = shop();
    insta::assert_snapshot!(facts(&model), @r"
    clear (Clear) delete collection:  -> records
    feature (Feature a product) post record: until isFeatured categoryId contact -> record
    importAll (Import all) put collection: id version -> zeta alpha
    publish (Publish) post record:  -> none
    ");
    let products = model.resource_named("products").expect("products");
    let feature = products.action(products.action_named("feature").expect("feature"));
    assert_eq!(
        (feature.on, feature.method),
        (ActionOn::Record, ActionMethod::Post)
    );
    assert!(
        feature.input_named("isFeatured").is_some() && feature.input_named("category").is_none()
    );
    assert!(
        feature
            .input
            .iter()
            .all(|field| field.companion.is_none() && !field.required())
    );
    assert_eq!(products.action_named("archive"), None);
    let lock = products
        .lock
        .map(|field| products.field(field).name.as_str());
    assert_eq!(lock, Some("categoryId"));
}

#[test]
fn stored_actions_are_the_same() {
    let model = shop();
    let stored = compile_stored(&model.definition).expect("stored");
    assert_eq!((facts(&stored), stored.hash), (facts(&model), model.hash));
    let lock = |model: &Model| model.resource_named("products").and_then(|one| one.lock);
    assert_eq!(lock(&stored), lock(&model));
    // A definition without actions is stored as it was before there were any.
    let plain = compile(&[(
        "a.yaml",
        "carnet: 1\nresources: { as: { fields: { a: text } } }",
    )]);
    let text = plain.expect("plain").model.definition;
    assert!(!text.as_str().contains("actions") && !text.as_str().contains("lock"));
}

#[test]
fn bad_actions_are_told_where_and_why() {
    let text = "\
actions:
  batch: {}
  restore: {}
  Feature: {}
  other: {}
  a: { method: get, on: recrod, outptu: none }
  b: { method: delete, input: { x: text } }
  c: { input: { x: { type: text, unique: true, was: y }, y: { type: ref, to: nothing }, z: { type: text, caseless: true } } }
  d: { input: { other: { type: ref, to: others }, otherId: text } }
  e: { output: recrods }
  f: { output: [record] }
  g: { output: {} }
  h: { output: { x: { type: integer, default: 5 } } }
  i: record
  j: { input: [x] }";
    insta::assert_snapshot!(keys(text), @r#"
14:7+5 error: the action name `batch` is reserved: the API has its own [choose another name]
15:7+7 error: the action name `restore` is reserved: the API has its own [choose another name]
16:7+7 error: the action name `Feature` must be camelCase: a lower-case letter, then at most 47 letters and digits [write `feature`]
17:7+5 error: the action `other` has the name of a relation of `things` [choose another name, a verb for example]
18:20+3 error: an action cannot be a `get`: its input is a body [use `post`; what only reads is a list or a read]
18:29+6 error: `on` is `record` or `collection`, not `recrod` [did you mean `record`?]
18:37+6 error: unknown key `outptu` in the action `a` [did you mean `output`?]
19:28+5 error: an action with `method: delete` takes no input: a DELETE has no body [use `post`, or leave the input out]
20:38+6 error: `unique` means nothing in an action: nothing is stored there [leave it out]
20:52+3 error: `was` means nothing in an action: nothing is stored there [leave it out]
20:82+7 error: the reference leads to `nothing`, which does not exist
20:110+8 error: `caseless` means nothing in an action: nothing is stored there [leave it out]
21:55+7 error: the fields `other` and `otherId` are both `otherId` in the API [a reference `x` is `xId` in the API; rename one of them]
22:20+7 error: `output` is `none`, `record`, `records` or a map of fields, not `recrods` [did you mean `records`?]
23:20+1 error: `output` must be `none`, `record`, `records` or a map of fields, not a list
24:20+1 error: `output` has no fields [write `output: none`, or declare what it gives]
25:42+7 error: `default` means nothing in an action: logic gives every value [leave it out]
26:10+6 error: the action `i` must be a map, not a text
27:19+1 error: `input` must be a map, not a list
"#);
}

#[test]
fn bad_locks_are_told() {
    insta::assert_snapshot!(keys("lock: othr") + &keys("lock: name") + &keys("lock: [other]"), @r#"
13:11+4 error: `lock` names the field `othr`, which does not exist [did you mean `other`?]
13:11+4 error: `lock` names `name`, which is no reference [name the reference to the record whose parts must fit together]
13:11+1 error: `lock` must be a text, not a list
"#);
    insta::assert_snapshot!(yaml("carnet: 1\nresources:\n  units: { tenancy: platform, shared: true, fields: { a: text } }\n  things: { fields: { unit: { type: ref, to: units } }, lock: unit }\n"), @r#"
4:63+4 error: `lock` names `unit`, which leads to records of the whole deployment [a tenant cannot lock them; name a reference to a record of the tenant]
"#);
}

#[test]
fn actions_are_no_change_of_the_schema() {
    insta::assert_snapshot!(changes(
        "  as: { fields: { a: { type: ref, to: bs } }, actions: { x: , y: { input: { n: integer } }, z: } }\n  bs: { fields: { b: text } }\n",
        "  as: { fields: { a: { type: ref, to: bs } }, actions: { w: , y: { input: { n: { type: integer, max: 9 } } }, z: }, lock: a }\n  bs: { fields: { b: text } }\n",
    ), @r#"
api    `as`: action `w` added
api    `as`: action `y` changed
api    `as`: action `x` removed
api    `as`: `lock` changed from nothing to `a`
"#);
}
