//! Seed files as people write them.

use super::read::{Row, SeedFile, SeedSet, read};
use crate::fixture::{resource, view};

fn set(files: &[(&str, &str)]) -> Result<SeedSet, Vec<String>> {
    let files = files
        .iter()
        .map(|(name, text)| SeedFile {
            name: (*name).to_owned(),
            bytes: text.as_bytes().to_vec(),
        })
        .collect();
    read(view().model(), files)
}

/// `categories: a {"name":"x"}`, line by line.
fn show(set: &SeedSet) -> String {
    let lines = set.files.iter().flat_map(|(index, rows)| {
        let name = &view().resource(*index).name;
        rows.iter().map(move |row| {
            let fields = serde_json::Value::Object(row.fields.clone());
            format!("{name}: {} at {}: {fields}", row.label, row.place)
        })
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn check(files: &[(&str, &str)], expected: &str) {
    match set(files) {
        Ok(set) => assert_eq!(show(&set), expected),
        Err(faults) => panic!("{}", faults.join("\n")),
    }
}

#[track_caller]
fn refused(files: &[(&str, &str)], expected: &[&str]) {
    match set(files) {
        Ok(set) => panic!("{}", show(&set)),
        Err(faults) => assert_eq!(faults, expected),
    }
}

#[test]
fn three_forms_in_the_order_of_their_names() {
    check(
        &[
            (
                "02-products.csv",
                "\u{feff}$label,name,stock,price,isFeatured,tags,categoryId,details,note\n\
                 pen,Pen,3,1.50,true,\"[\"\"a\"\"]\",$ref:top,\"{\"\"$ref\"\":1}\",$ref:top\n\
                 ink,Ink,,,,,$ref:top,,\n",
            ),
            (
                "01-categories.yaml",
                "- { $label: top, name: Top }\n- $label: sub\n  name: Sub\n  parentId: { $ref: top }\n",
            ),
            ("03-orders.json", r#"[{"$label":"one","number":1}]"#),
        ],
        r#"categories: top at 01-categories.yaml, line 1: {"name":"Top"}
categories: sub at 01-categories.yaml, line 2: {"name":"Sub","parentId":{"$ref":"top"}}
products: pen at 02-products.csv, line 2: {"name":"Pen","stock":3,"price":"1.50","isFeatured":true,"tags":["a"],"categoryId":{"$ref":"top"},"details":{"$ref":1},"note":"$ref:top"}
products: ink at 02-products.csv, line 3: {"name":"Ink","categoryId":{"$ref":"top"}}
orders: one at 03-orders.json, line 1: {"number":1}"#,
    );
}

#[test]
fn references_are_for_fields_that_hold_ids() {
    let value = serde_json::json!({ "$ref": "top" });
    let products = resource("products");
    assert_eq!(Row::reference(products, "categoryId", &value), Some("top"));
    assert_eq!(Row::reference(products, "details", &value), None);
    assert_eq!(Row::reference(products, "nothing", &value), None);
    // So a JSON schema can be seeded, and a label may be named before its file.
    check(
        &[
            (
                "01-products.yaml",
                "- { $label: pen, name: Pen, categoryId: { $ref: top }, details: { $ref: '#/a' } }\n",
            ),
            ("02-categories.yaml", "- { $label: top, name: Top }\n"),
        ],
        r##"products: pen at 01-products.yaml, line 1: {"name":"Pen","categoryId":{"$ref":"top"},"details":{"$ref":"#/a"}}
categories: top at 02-categories.yaml, line 1: {"name":"Top"}"##,
    );
}

#[test]
fn labels_are_there_and_stand_once() {
    refused(
        &[(
            "01-categories.yaml",
            "- { name: a }\n- { $label: b, name: b, parentId: { $ref: bb } }\n- { $label: b, name: c }\n- { $label: 7, name: d }\n- text\n",
        )],
        &[
            "01-categories.yaml, line 1: `$label` is missing; it names the record for other seeds",
            "01-categories.yaml, line 4: `$label` is missing; it names the record for other seeds",
            "01-categories.yaml, line 5: a record is a map of fields",
            "01-categories.yaml, line 3: the label `b` stands already in 01-categories.yaml, line 2",
            "01-categories.yaml, line 2: `parentId` refers to the label `bb`, which no seed has (did you mean `b`?)",
        ],
    );
}

#[test]
fn names_of_files() {
    let form = "the name of a seed file is `NN-<resource>.yaml`, `.json` or `.csv`";
    refused(
        &[
            ("categories.yaml", ""),
            ("01-categries.yaml", ""),
            ("01-journal.yaml", ""),
            ("01-categories.txt", ""),
            ("x1-categories.yaml", ""),
        ],
        &[
            "01-categories.txt: a seed file ends with `.yaml`, `.json` or `.csv`",
            "01-categries.yaml: there is no resource `categries` (did you mean `categories`?)",
            "01-journal.yaml: records of `journal` cannot be written",
            &format!("categories.yaml: {form}"),
            &format!("x1-categories.yaml: {form}"),
        ],
    );
}

#[test]
fn broken_files() {
    refused(
        &[("01-categories.yaml", "name: a\n")],
        &["01-categories.yaml: it must be a list of records"],
    );
    refused(
        &[("01-products.csv", "$label,name,stock,name\na,b,c,d\n")],
        &[
            "01-products.csv: the column `name` stands twice",
            "01-products.csv, line 2: `stock`: expected value at line 1 column 1",
        ],
    );
    let faults = set(&[("01-categories.yaml", "- { $label: a, name: [ }\n")]).unwrap_err();
    assert!(faults[0].contains("01-categories.yaml"), "{faults:?}");
    let faults = set(&[("01-products.csv", "$label,name\na,b,c\n")]).unwrap_err();
    assert!(faults[0].starts_with("01-products.csv"), "{faults:?}");
}
