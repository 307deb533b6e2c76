//! The fragment of small definitions, and that nothing in it leads nowhere.

use super::declared as fragment;
use crate::fixture::{compile, view};
use crate::logic::{Call, Registry, Reply, before, late, refusing};
use carnet_kernel::{ApplicationCode, Code, Refusal};
use carnet_model::Operation;
use carnet_web::openapi::{Document, Info};
use serde_json::Value;

fn document(view: &carnet_model::ModelView) -> Value {
    let mut document = Document::new(Info {
        title: "Test".to_owned(),
        version: "1".to_owned(),
        ..Info::default()
    });
    document.merge("records", fragment(view)).unwrap();
    document.render()
}

/// Every reference with the schema it counts from.
fn references<'d>(value: &'d Value, root: &'d Value, out: &mut Vec<(&'d str, &'d Value)>) {
    match value {
        Value::Object(members) => {
            let root = if members.contains_key("$id") {
                value
            } else {
                root
            };
            if let Some(Value::String(reference)) = members.get("$ref") {
                out.push((reference, root));
            }
            members
                .values()
                .for_each(|member| references(member, root, out));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, root, out)),
        _ => {}
    }
}

#[track_caller]
fn check_references(document: &Value) {
    let mut all = Vec::new();
    references(document, document, &mut all);
    assert!(all.len() > 10);
    for (reference, root) in all {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(root.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn every_reference_leads_somewhere() {
    check_references(&document(view()));
}

#[test]
fn no_two_schemas_have_one_name() {
    let view = compile(
        "
carnet: 1
resources:
  error: { fields: { name: text } }
  products: { fields: { name: text } }
  productsInput: { operations: [list, batch, delete], fields: { name: text } }
  productsInputRecord: { operations: [batch, patch], fields: { name: text } }
",
    );
    let document = document(&view);
    check_references(&document);
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for name in [
        "Error",
        "ErrorRecord",
        "Products",
        "ProductsInput",
        "ProductsInputRecord",
        "ProductsInputRecordBatch",
        "ProductsInputRecordRecord",
        "ProductsInputRecordRecordPatch",
    ] {
        assert!(schemas.contains_key(name), "{name}");
    }
    assert!(!schemas.contains_key("ProductsInputRecordInput"));
}

#[test]
fn codes_of_logic_are_among_the_answers() {
    const SOLD_OUT: ApplicationCode = ApplicationCode::new("SOLD_OUT", 409, "Nothing is left");
    async fn code(call: Call) -> Result<Reply, Refusal> {
        call.proceed().await
    }
    async fn hook(_: Call) -> Result<(), Refusal> {
        Ok(())
    }
    let newest = compile(SHOP);
    let view = &newest;
    let mut registry = Registry::default();
    let selling = refusing(late(code), [Code::from(&SOLD_OUT), Code::Locked]);
    registry.logic(2, "products", "feature", selling);
    registry.logic(2, "products", "recount", refusing(code, [&SOLD_OUT]));
    registry.logic(2, "products", Operation::List, refusing(code, [Code::Gone]));
    let before = before(Operation::Delete);
    registry.hook("products", before, refusing(hook, [&SOLD_OUT]));
    let logics = registry.compile(view.model()).unwrap();
    assert_eq!(
        logics.codes().filter(|code| *code == Code::Locked).count(),
        1
    );
    let fragment = super::fragment(view, &logics);
    let sold_out = |path: &str, method: &str| {
        let answer = &fragment.paths[path][method]["responses"]["409"];
        let told = answer["description"].as_str().unwrap_or_default();
        let example = &answer["content"]["application/json"]["examples"]["SOLD_OUT"]["value"];
        let is_told =
            told.contains("`SOLD_OUT`: Nothing is left.") && told.contains("`VERSION_CONFLICT`");
        assert_eq!(is_told, example["error"]["statusCode"] == 409, "{answer}");
        is_told
    };
    assert!(sold_out("/api/v2/products/{id}/feature", "post"));
    assert!(sold_out("/api/v2/products/recount", "put"));
    assert!(sold_out("/api/v2/products/{id}", "delete"));
    assert!(!sold_out("/api/v2/products/{id}", "patch"));
    let listed = &fragment.paths["/api/v2/products"]["get"]["responses"];
    assert_eq!(
        listed["410"]["description"],
        "`GONE`: What was here is gone for good."
    );
    let asked = &fragment.paths["/api/v2/products/query"]["post"]["responses"];
    assert_eq!(listed["410"], asked["410"]);
    // Hooks stand in every version, logic in its own.
    let older = &carnet_model::ModelView::every(view.model())[0];
    let of_older = super::fragment(older, &logics);
    let responses =
        |path: &str, method: &str| of_older.paths[path][method]["responses"].to_string();
    assert!(responses("/api/v1/products/{id}", "delete").contains("SOLD_OUT"));
    assert!(!responses("/api/v1/products/{id}/feature", "post").contains("SOLD_OUT"));
}

#[test]
fn what_is_not_offered_is_not_described() {
    let fragment = fragment(view());
    let units = &fragment.paths["/api/v1/units"];
    assert!(units.get("get").is_some() && units.get("post").is_none());
    assert!(fragment.paths["/api/v1/units/{id}"].get("patch").is_none());
    let journal: Vec<&String> = fragment
        .paths
        .keys()
        .filter(|path| path.contains("journal"))
        .collect();
    assert_eq!(
        journal,
        [
            "/api/v1/journal",
            "/api/v1/journal/query",
            "/api/v1/journal/{id}"
        ]
    );
}

#[test]
fn the_fragment_of_two_resources() {
    let view = compile(
        "
carnet: 1
resources:
  authors:
    title: Author
    description: Who writes.
    fields:
      name: { type: text, min: 1, max: 60, example: Ada }
    many:
      books: { of: books, by: author }
  books:
    title: Book
    concurrency: optimistic
    fields:
      title: { type: i18n, max: 200 }
      price: { type: decimal, precision: 8, scale: 2, optional: true }
      kind: { type: enum, values: [novel, essay], default: novel }
      tags: { type: list, of: text, max: 5, default: [] }
      author: { type: ref, to: authors, optional: true, onDelete: setNull }
",
    );
    let fragment = fragment(&view);
    let own = |name: &String| name.contains("uthors") || name.contains("ooks");
    let paths: serde_json::Map<String, Value> = fragment
        .paths
        .into_iter()
        .filter(|(name, _)| own(name))
        .collect();
    let schemas: serde_json::Map<String, Value> = fragment
        .schemas
        .into_iter()
        .filter(|(name, _)| own(name))
        .collect();
    insta::assert_json_snapshot!(
        "two_resources",
        serde_json::json!({ "paths": paths, "schemas": schemas })
    );
}

const SHOP: &str = "
carnet: 1
versions: { v1: { deprecated: 2026-10-01 }, v2: }
resources:
  makers: { fields: { name: text } }
  products:
    title: Product
    fields:
      title: { type: text, max: 60, unique: true }
      rating: { type: integer, default: 3 }
      status: { type: enum, values: [draft, published] }
      maker: { type: ref, to: makers, optional: true }
    search: [title]
    versions:
      v1: { rename: { title: name, maker: brand }, hide: [rating], default: { status: draft } }
    actions:
      feature:
        title: Feature a product
        description: Puts it on the first page.
        input: { until: date, isFeatured: { type: boolean, default: true } }
        output: record
      recount: { on: collection, method: put, output: { counted: integer } }
      retire: { method: delete }
";

/// Some schemas and operations of a document.
fn parts(document: &Value, pointers: &[&str]) -> Value {
    pointers
        .iter()
        .map(|pointer| {
            let part = document.pointer(pointer);
            let part = part.unwrap_or_else(|| panic!("{pointer}"));
            ((*pointer).to_owned(), part.clone())
        })
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[test]
fn each_version_has_a_document_of_its_own() {
    let newest = compile(SHOP);
    let views = carnet_model::ModelView::every(newest.model());
    let documents: Vec<Value> = views.iter().map(document).collect();
    for document in &documents {
        check_references(document);
    }
    let old = documents[0].to_string();
    for hidden in ["rating", "makerId", "\"maker\"", "sum(rating)", "/api/v2/"] {
        assert!(!old.contains(hidden), "{hidden}");
    }
    assert!(old.contains("brandId") && !documents[1].to_string().contains("brand"));
    let schemas = ["Products", "ProductsInput", "ProductsPatch"];
    let pointers = schemas.map(|name| format!("/components/schemas/{name}"));
    let pointers = pointers.each_ref().map(String::as_str);
    insta::assert_json_snapshot!(
        "two_versions",
        serde_json::json!({
            "v1": parts(&documents[0], &pointers),
            "v2": parts(&documents[1], &pointers),
        })
    );
    let deprecated =
        |document: &Value, path: &str| document["paths"][path]["get"].get("deprecated").cloned();
    assert_eq!(
        deprecated(&documents[0], "/api/v1/products"),
        Some(Value::Bool(true))
    );
    assert_eq!(deprecated(&documents[1], "/api/v2/products"), None);
}

#[test]
fn actions_are_described() {
    let document = document(&compile(SHOP));
    insta::assert_json_snapshot!(
        "actions",
        parts(
            &document,
            &[
                "/paths/~1api~1v2~1products~1{id}~1feature",
                "/paths/~1api~1v2~1products~1recount",
                "/paths/~1api~1v2~1products~1{id}~1retire",
            ],
        )
    );
}
