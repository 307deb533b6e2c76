//! The differences of two definitions, as people read them.

use crate::{compile, shop, shown};
use carnet_model::{Impact, Model, compile_stored, diff};

#[track_caller]
fn model(resources: &str) -> Model {
    let text = format!("carnet: 1\nresources:\n{resources}");
    match compile(&[("carnet.yaml", &text)]) {
        Ok(compiled) => compiled.model,
        Err(diagnostics) => panic!("{}", shown(&diagnostics)),
    }
}

#[track_caller]
pub(crate) fn changes(old: &str, new: &str) -> String {
    let mut out = String::new();
    for change in diff(&model(old), &model(new)) {
        let impact = match change.impact {
            Impact::Api => "api",
            Impact::Schema => "schema",
            Impact::DataLoss => "loss",
        };
        assert_eq!(change.api_only(), impact == "api");
        assert_eq!(change.needs_schema(), impact != "api");
        assert_eq!(change.data_loss(), impact == "loss");
        out += &format!("{impact:6} {change}\n");
    }
    out
}

#[track_caller]
fn fields(old: &str, new: &str) -> String {
    changes(
        &format!(
            "  as: {{ fields: {{ z: text, {old} }} }}\n  others: {{ fields: {{ z: text }} }}\n"
        ),
        &format!(
            "  as: {{ fields: {{ z: text, {new} }} }}\n  others: {{ fields: {{ z: text }} }}\n"
        ),
    )
}

#[test]
fn nothing() {
    let model = shop().model;
    assert_eq!(diff(&model, &model), []);
    let again = compile_stored(&model.definition).expect("stored");
    assert_eq!(diff(&model, &again), []);
}

#[test]
fn resources() {
    insta::assert_snapshot!(changes(
        "  as: { fields: { a: text } }\n  bs: { fields: { a: { type: ref, to: as }, n: { type: text, max: 9, unique: true } }, indexes: [[n, a]] }\n  cs: { fields: { a: text } }\n",
        "  aas: { was: as, fields: { a: text } }\n  bees: { was: bs, fields: { a: { type: ref, to: aas }, n: { type: text, max: 9, unique: true } }, indexes: [[n, a]] }\n  ds: { was: xs, fields: { a: text } }\n",
    ), @r#"
schema `aas`: resource renamed from `as`
api    `aas`: `title` changed from `As` to `Aa`
schema `bees`: resource renamed from `bs`
schema `bees`: unique constraint `bs__n` becomes `bees__n`
schema `bees`: index `bs__a_id__index` becomes `bees__a_id__index`
schema `bees`: index `bs__n__a_id__index` becomes `bees__n__a_id__index`
api    `bees`: `title` changed from `Bs` to `Bee`
schema `ds`: resource added
loss   `cs`: resource removed
"#);
    insta::assert_snapshot!(changes(
        "  as: { fields: { a: text } }\n  bs: { tenancy: platform, fields: { a: text } }\n",
        "  as: { title: Ah, description: All, id: { type: uuid, client: true }, concurrency: optimistic, operations: [list, read], tenancy: platform, fields: { a: text } }\n  bs: { tenancy: platform, shared: true, fields: { a: text } }\n",
    ), @r#"
loss   `as`: `tenancy` changed from `tenant` to `platform`
api    `as`: `id` changed from `ulid` to `uuid by clients`
api    `as`: `concurrency` changed from `none` to `optimistic`
api    `as`: `operations` changed from `list, create, read, update, patch, delete, batch` to `list, read`
api    `as`: `title` changed from `As` to `Ah`
api    `as`: `description` changed from nothing to `All`
api    `bs`: `shared` changed from `false` to `true`
"#);
}

#[test]
fn fields_and_rules() {
    insta::assert_snapshot!(fields("a: text, b: text, c: { type: ref, to: as, optional: true }", "aa: { type: text, was: a }, cc: { type: ref, to: as, optional: true, was: c }, d: text, e: { type: text, optional: true }"), @r#"
schema `as`: field `aa` renamed from `a`
schema `as`: field `ccId` renamed from `cId`
schema `as`: field `d` added (required, without a default for existing records)
schema `as`: field `e` added
loss   `as`: field `b` removed
schema `as`: index `as__c_id__index` becomes `as__cc_id__index`
"#);
    insta::assert_snapshot!(fields("a: { type: text, max: 9 }, b: text, c: integer, d: text", "b: { type: json }, a: { type: text, max: 8, min: 1, pattern: x+, caseless: true, title: A, example: xx }, c: { type: float, default: 1, optional: true }, d: { type: url }"), @r#"
loss   `as`: type of `b` changed from `text` to `json`
api    `as`: `min` of `a` added: 1
api    `as`: `max` of `a` changed from 9 to 8
api    `as`: `pattern` of `a` added: x+
schema `as`: `caseless` of `a` added: true
api    `as`: `title` of `a` added: A
api    `as`: `example` of `a` added: "xx"
schema `as`: type of `c` changed from `integer` to `float`
schema `as`: `optional` of `c` added: true
api    `as`: `default` of `c` added: 1.0
schema `as`: type of `d` changed from `text` to `url`
api    `as`: fields reordered
"#);
    insta::assert_snapshot!(fields("a: { type: decimal, precision: 10, scale: 2, min: 0 }, b: { type: decimal, precision: 10, scale: 2 }, c: { type: decimal, precision: 10, scale: 4 }, d: { type: enum, values: [x, y] }, e: { type: list, of: text }", "a: { type: decimal, precision: 12, scale: 4, max: 5 }, b: { type: decimal, precision: 12, scale: 2 }, c: { type: decimal, precision: 12, scale: 2 }, d: { type: enum, values: [x, z] }, e: { type: list, of: { type: text, max: 3 }, distinct: true }"), @r#"
api    `as`: `min` of `a` removed: 0.00
api    `as`: `max` of `a` added: 5.0000
api    `as`: `precision` of `a` changed from 10 to 12
schema `as`: `scale` of `a` changed from 2 to 4
api    `as`: `precision` of `b` changed from 10 to 12
api    `as`: `precision` of `c` changed from 10 to 12
loss   `as`: `scale` of `c` changed from 4 to 2
schema `as`: `values` of `d` changed from x, y to x, z
api    `as`: `distinct` of `e` added: true
api    `as`: `of` of `e` changed from text to text (max 3)
"#);
    insta::assert_snapshot!(fields("a: { type: ref, to: as, optional: true }, b: { type: ref, to: as, optional: true }", "a: { type: ref, to: others, optional: true }, b: { type: ref, to: as, optional: true, onDelete: cascade }"), @r#"
loss   `as`: `to` of `aId` changed from as to others
api    `as`: `onDelete` of `bId` changed from restrict to cascade
"#);
}

#[test]
fn constraints_and_relations() {
    insta::assert_snapshot!(changes(
        "  as: { fields: { a: { type: text, max: 9, unique: true }, b: integer, c: integer }, unique: [[b, c]], indexes: [[c, b], [c]] }\n",
        "  as: { fields: { a: { type: text, max: 9 }, b: integer, d: { type: integer, was: c } }, unique: [[b, d], [d]], indexes: [[d, -b]] }\n",
    ), @r#"
schema `as`: field `d` renamed from `c`
schema `as`: unique constraint `as__b__c` becomes `as__b__d`
schema `as`: unique constraint of `d` added
schema `as`: unique constraint of `a` removed
schema `as`: index of `d`, `b` added
schema `as`: index of `c`, `b` removed
schema `as`: index of `c` removed
"#);
    insta::assert_snapshot!(changes(
        "  as: { fields: { a: text }, many: { x: { of: bs, by: a }, y: { of: bs, by: a } } }\n  bs: { fields: { a: { type: ref, to: as }, b: { type: ref, to: as } } }\n",
        "  as: { fields: { a: text }, many: { x: { of: bs, by: b }, z: { of: bs, by: a } } }\n  bs: { fields: { a: { type: ref, to: as }, b: { type: ref, to: as } } }\n",
    ), @r#"
api    `as`: `many.x` changed from `bs.a` to `bs.b`
api    `as`: relation `z` added
api    `as`: relation `y` removed
"#);
}
