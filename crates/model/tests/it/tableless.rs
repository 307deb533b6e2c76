//! Resources without a table: what they may say, what they may not, and what becomes of the schema.

use crate::{compile, shown};
use carnet_model::{ChangeKind, Impact, Model, Storage, compile_stored, diff};

fn compiled(text: &str) -> Result<Model, String> {
    let text = format!("carnet: 1\nresources:\n{text}");
    let compiled = compile(&[("carnet.yaml", &text)]);
    compiled
        .map(|compiled| compiled.model)
        .map_err(|faults| shown(&faults))
}

const QUOTES: &str = "  quotes:
    storage: none
    fields:
      product: { type: ulid }
      currency: { type: enum, values: [eur, usd], default: eur }
      note: { type: text, optional: true }
    actions: { accept: { output: record } }
";

const TABLE: &str = "  notes:
    fields:
      text: { type: text, max: 9 }
";

#[test]
fn it_has_an_id_and_its_fields() {
    let model = compiled(&format!("{QUOTES}{TABLE}")).unwrap();
    let quotes = model.resource_named("quotes").unwrap();
    assert_eq!(quotes.storage, Storage::None);
    let names: Vec<&str> = quotes
        .fields
        .iter()
        .map(|field| field.name.as_str())
        .collect();
    assert_eq!(names, ["id", "product", "currency", "note"]);
    assert!(quotes.standard.is_none() && !quotes.has_table());
    let offered: Vec<&str> = quotes.operations.iter().map(|one| one.as_str()).collect();
    assert_eq!(
        offered,
        ["list", "create", "read", "update", "patch", "delete"]
    );
    // It is kept as it is.
    let kept = compile_stored(&model.definition).unwrap();
    assert_eq!(
        (kept.hash, &kept.definition),
        (model.hash, &model.definition)
    );
    assert!(diff(&model, &kept).is_empty());
}

#[test]
fn what_needs_a_table_is_refused() {
    let faulty = |key: &str| {
        compiled(&QUOTES.replace(
            "    storage: none\n",
            &format!("    storage: none\n    {key}\n"),
        ))
    };
    for (key, what) in [
        ("unique: [[currency, note]]", "`unique`"),
        ("indexes: [[currency]]", "`indexes`"),
        ("search: [note]", "`search`"),
        ("concurrency: optimistic", "`concurrency`"),
        ("journal: summary", "`journal`"),
        ("delete: soft", "`delete`"),
        ("was: offers", "`was`"),
        ("id: { client: true }", "`client: true` of `id`"),
        ("operations: [list, batch]", "the operation `batch`"),
    ] {
        let told = faulty(key).err().unwrap_or_default();
        let expected = format!("{what} does not go with `storage: none`");
        assert!(told.contains(&expected), "{key}: {told}");
    }
    for (field, expected) in [
        (
            "note: { type: text, max: 9, unique: true }",
            "`unique` does not go with",
        ),
        (
            "note: { type: text, max: 9, caseless: true }",
            "`caseless` of `note` does not go with",
        ),
        ("note: { type: text, was: other }", "`was` does not go with"),
        (
            "note: { type: ref, to: notes }",
            "`quotes` has no table that could refer to another",
        ),
    ] {
        let text = QUOTES.replace("note: { type: text, optional: true }", field);
        let told = compiled(&format!("{text}{TABLE}"))
            .err()
            .unwrap_or_default();
        assert!(told.contains(expected), "{field}: {told}");
    }
    let referring = TABLE.replace("text: {", "quote: { type: ref, to: quotes }\n      text: {");
    let told = compiled(&format!("{QUOTES}{referring}"))
        .err()
        .unwrap_or_default();
    assert!(
        told.contains("`quotes` has no table (`storage: none`)"),
        "{told}"
    );
}

#[test]
fn only_a_table_changes_the_schema() {
    let (without, with) = (
        compiled(TABLE).unwrap(),
        compiled(&format!("{QUOTES}{TABLE}")).unwrap(),
    );
    let table = QUOTES.replace("    storage: none\n", "");
    let stored = compiled(&format!("{table}{TABLE}")).unwrap();
    for (old, new) in [(&without, &with), (&with, &without)] {
        assert!(diff(old, new).iter().all(|change| change.api_only()));
    }
    let impacts = |old: &Model, new: &Model| -> Vec<(bool, Impact)> {
        let changes = diff(old, new);
        let told = changes.iter().map(|change| {
            let removed = matches!(change.kind, ChangeKind::ResourceRemoved);
            (removed, change.impact)
        });
        told.collect()
    };
    assert_eq!(
        impacts(&with, &stored),
        [(true, Impact::Api), (false, Impact::Schema)]
    );
    assert_eq!(
        impacts(&stored, &with),
        [(true, Impact::DataLoss), (false, Impact::Api)]
    );
}
