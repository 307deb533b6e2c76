//! The fragment of small definitions, and that nothing in it leads nowhere.

use crate::fixture::{compile, view};
use crate::logic::{Call, Logics, Registry, Reply, after, after_commit, before, late, refusing};
use carnet_kernel::{ApplicationCode, Code, Refusal};
use carnet_model::Operation;
use carnet_web::openapi::{Document, Fragment, Info};
use serde_json::{Value, json};

fn fragment(view: &carnet_model::ModelView) -> Fragment {
    super::fragment(view, &Logics::default())
}

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

/// A response, wherever it is written out.
fn answer<'f>(fragment: &'f Fragment, path: &str, method: &str, status: &str) -> &'f Value {
    let response = &fragment.paths[path][method]["responses"][status];
    let name = response["$ref"]
        .as_str()
        .and_then(|path| path.rsplit('/').next());
    name.and_then(|name| fragment.responses.get(name))
        .unwrap_or(response)
}

async fn code(call: Call) -> Result<Reply, Refusal> {
    call.proceed().await
}

async fn hook(_: Call) -> Result<(), Refusal> {
    Ok(())
}

#[test]
fn codes_of_logic_are_among_the_answers() {
    const SOLD_OUT: ApplicationCode = ApplicationCode::new("SOLD_OUT", 409, "Nothing is left");
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
        let answer = answer(&fragment, path, method, "409");
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
    let listed = answer(&fragment, "/api/v2/products", "get", "410");
    assert_eq!(
        listed["description"],
        "`GONE`: What was here is gone for good."
    );
    // An action that says its codes has no others.
    let recount = &fragment.paths["/api/v2/products/recount"]["put"]["responses"];
    assert!(recount["409"].is_object() && recount.get("423").is_none());
    let asked = answer(&fragment, "/api/v2/products/query", "post", "410");
    assert_eq!(listed, asked);
    // Hooks stand in every version, logic in its own.
    let older = &carnet_model::ModelView::every(view.model())[0];
    let of_older = super::fragment(older, &logics);
    let conflicts = |path: &str, method: &str| answer(&of_older, path, method, "409").to_string();
    assert!(conflicts("/api/v1/products/{id}", "delete").contains("SOLD_OUT"));
    assert!(!conflicts("/api/v1/products/{id}/feature", "post").contains("SOLD_OUT"));
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
        json!({ "paths": paths, "schemas": schemas, "responses": fragment.responses })
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

/// The codes that a failure can carry, in both of its forms; `enum` or `examples`.
#[track_caller]
fn carried(document: &Value, path: &str, method: &str, status: &str, word: &str) -> Vec<String> {
    let mut response = &document["paths"][path][method]["responses"][status];
    if let Some(reference) = response["$ref"].as_str() {
        response = document.pointer(reference.trim_start_matches('#')).unwrap();
    }
    let schema = |kind: &str| &response["content"][kind]["schema"]["allOf"][1]["properties"];
    let code = &schema("application/json")["error"]["properties"]["code"];
    assert_eq!(
        code,
        &schema("application/problem+json")["code"],
        "{response}"
    );
    let words = code[word].as_array().into_iter().flatten();
    words
        .map(|word| word.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn failures_name_their_codes() {
    const SOLD_OUT: ApplicationCode = ApplicationCode::new("SOLD_OUT", 409, "Nothing is left");
    let newest = compile(SHOP);
    let mut registry = Registry::default();
    let says = |codes: &[Code]| refusing(hook, codes.to_vec());
    let sold_out = Code::from(&SOLD_OUT);
    registry.hook("products", before(Operation::Create), says(&[sold_out]));
    registry.hook("products", after(Operation::Read), hook);
    // What comes after the commit answers nobody.
    registry.hook("makers", after_commit(Operation::Create), hook);
    let logics = registry.compile(newest.model()).unwrap();
    let mut document = Document::new(Info::default());
    let fragment = super::fragment(&newest, &logics);
    document.merge("records", fragment).unwrap();
    let document = document.render();
    let codes = |path: &str, method: &str, status: &str| {
        carried(
            &document,
            &format!("/api/v2/{path}"),
            method,
            status,
            "enum",
        )
    };
    assert_eq!(codes("makers/{id}", "get", "404"), ["NOT_FOUND"]);
    let deleted = codes("makers/{id}", "delete", "409");
    let expected = [
        "IDEMPOTENCY_IN_PROGRESS",
        "VERSION_CONFLICT",
        "RECORD_IN_USE",
    ];
    assert_eq!(deleted, expected);
    let made = codes("makers", "post", "409");
    assert!(made.contains(&"UNIQUE_VIOLATION".to_owned()), "{made:?}");
    assert!(!made.contains(&"SOLD_OUT".to_owned()), "{made:?}");
    // Code that says what it refuses with, and what it can pass on.
    let made = codes("products", "post", "409");
    for code in ["SOLD_OUT", "UNIQUE_VIOLATION", "TOO_MANY_MATCHES"] {
        assert!(made.contains(&code.to_owned()), "{code}: {made:?}");
    }
    let failed = codes("products", "post", "500");
    assert!(failed.contains(&"LOGIC_PANICKED".to_owned()), "{failed:?}");
    let failed = codes("makers", "post", "500");
    assert!(!failed.is_empty(), "{failed:?}");
    let failed = codes("makers/{id}", "patch", "500");
    assert_eq!(failed, ["INTERNAL", "OUTCOME_UNKNOWN"]);
    // Code that does not say leaves it open.
    assert!(codes("products/{id}", "get", "404").is_empty());
    let path = "/api/v2/products/{id}";
    let shown = carried(&document, path, "get", "404", "examples");
    assert_eq!(shown, ["NOT_FOUND"]);
    // Items run the code of what they do.
    let several = codes("products/batch", "post", "409");
    assert!(several.contains(&"SOLD_OUT".to_owned()), "{several:?}");
    assert!(codes("transactions", "post", "409").contains(&"SOLD_OUT".to_owned()));
}

#[test]
fn what_goes_round_code_is_not_described() {
    let view = compile(
        "
carnet: 1
resources:
  makers:
    fields: { name: { type: text, max: 60, unique: true } }
    many: { products: { of: products, by: maker } }
  products:
    delete: soft
    fields:
      name: { type: text, max: 60, unique: true }
      maker: { type: ref, to: makers, optional: true }
    many: { tags: { of: tags, through: productTags } }
  tags: { fields: { name: text } }
  productTags:
    fields:
      product: { type: ref, to: products, onDelete: cascade }
      tag: { type: ref, to: tags, onDelete: cascade }
    unique: [[product, tag]]
",
    );
    let of = |register: &dyn Fn(&mut Registry)| {
        let mut registry = Registry::default();
        register(&mut registry);
        let logics = registry.compile(view.model()).unwrap();
        super::fragment(&view, &logics)
    };
    let words = |fragment: &Fragment, name: &str| -> Vec<String> {
        let forms = fragment.schemas[name]["oneOf"].as_array().unwrap();
        let word = |form: &Value| {
            let properties = &form["properties"];
            let place = if properties.get("where").is_some() {
                " where"
            } else {
                ""
            };
            let word = properties["operation"]["const"].as_str().unwrap();
            format!("{word}{place}")
        };
        forms.iter().map(word).collect()
    };
    let methods = |fragment: &Fragment, path: &str| -> Vec<String> {
        let item = fragment.paths.get(&format!("/api/v1/{path}"));
        let item = item.and_then(Value::as_object).into_iter().flatten();
        let methods = item.filter(|(name, _)| *name != "parameters");
        let mut methods: Vec<String> = methods.map(|(name, _)| name.clone()).collect();
        methods.sort_unstable();
        methods
    };
    let nested = |fragment: &Fragment, schema: &str, relation: &str| {
        fragment.schemas[schema]["properties"]
            .get(relation)
            .is_some()
    };
    let link = "products/{id}/tags/{target}";

    let plain = of(&|_| {});
    assert_eq!(
        methods(&plain, "products"),
        ["delete", "get", "patch", "post"]
    );
    assert_eq!(methods(&plain, link), ["delete", "put"]);
    assert!(nested(&plain, "Makers.Create", "products"));
    assert!(
        plain.paths["/api/v1/products"]["post"]
            .to_string()
            .contains("\"upsert\"")
    );

    let patched = of(&|registry| registry.logic(1, "products", Operation::Patch, code));
    assert_eq!(methods(&patched, "products"), ["delete", "get", "post"]);
    assert_eq!(methods(&patched, "products/{id}/restore"), ["post"]);
    let post = &patched.paths["/api/v1/products"]["post"];
    assert!(!post.to_string().contains("upsert"));
    assert!(post["responses"].get("200").is_none());
    assert!(!nested(&patched, "Makers.Create", "products"));
    assert!(nested(&patched, "Products.Create", "maker"));
    let expected = [
        "create",
        "update",
        "patch",
        "delete",
        "delete where",
        "restore",
        "purge",
        "purge where",
        "link",
        "unlink",
    ];
    assert_eq!(words(&patched, "Products.Item"), expected);

    let removed = of(&|registry| {
        registry.logic(1, "products", Operation::Create, code);
        registry.hook("products", before(Operation::Delete), hook);
        registry.logic(1, "productTags", Operation::Create, code);
    });
    assert_eq!(methods(&removed, "products"), ["get", "patch", "post"]);
    assert!(methods(&removed, "products/{id}/restore").is_empty());
    assert_eq!(methods(&removed, link), ["delete"]);
    assert!(!nested(&removed, "Products.Create", "tags"));
    let expected = [
        "create",
        "update",
        "patch",
        "patch where",
        "delete",
        "unlink",
    ];
    assert_eq!(words(&removed, "Products.Item"), expected);
}

#[test]
fn a_reference_and_its_relation_exclude_each_other() {
    let fragment = fragment(&compile(SHOP));
    for name in ["Products.Create", "Products.Replace", "Products.Change"] {
        let schema = &fragment.schemas[name];
        let expected = json!([{ "not": { "required": ["makerId", "maker"] } }]);
        assert_eq!(schema["allOf"], expected, "{name}: {schema}");
        let validator = jsonschema::validator_for(&json!({
            "type": "object",
            "allOf": schema["allOf"],
        }));
        let validator = validator.unwrap();
        let maker = json!({ "create": { "name": "m" } });
        assert!(validator.is_valid(&json!({ "makerId": null })));
        assert!(validator.is_valid(&json!({ "maker": maker })));
        assert!(!validator.is_valid(&json!({ "maker": maker, "makerId": null })));
    }
}
