//! The rules of the catalog, asked as a client would, on both databases.

use carnet::testing::{TestPlatform, redacted};
use serde_json::{Value, json};

carnet::test_on_both! {
    catalog::app() =>
    only_administrators_feature,
    at_most_ten_are_featured,
    a_transfer_stands_as_a_whole,
    passports_begin_as_drafts,
    each_version_has_its_names_and_its_rule,
}

const ADMIN: &[&str] = &["admin"];

/// The address of an action of a product.
fn action(product: &Value, name: &str) -> String {
    format!(
        "/products/{}/{name}",
        product["id"].as_str().unwrap_or_default()
    )
}

async fn only_administrators_feature(platform: TestPlatform) {
    let product = platform.factory("products").create().await;
    let path = action(&product, "feature");
    let nobody = platform.anonymous().post(&path, json!({})).await;
    nobody.assert_status(401).assert_code("UNAUTHENTICATED");
    let bob = platform.as_user("bob", &[]).post(&path, json!({})).await;
    bob.assert_status(403).assert_code("FORBIDDEN");
    let ada = platform.as_user("ada", ADMIN);
    let done = ada.post(&path, json!({})).await;
    done.assert_status(200);
    assert_eq!(done.data()["isFeatured"], true);
    let back = ada.post(&path, json!({ "isFeatured": false })).await;
    assert_eq!(back.data()["isFeatured"], false);
    // No way round, in either version.
    let record = format!("/products/{}", product["id"].as_str().unwrap_or_default());
    let patched = ada.patch(&record, json!({ "isFeatured": true })).await;
    patched.assert_status(409).assert_code("INVALID_STATE");
    let old = ada
        .patch(&format!("/api/v1{record}"), json!({ "promoted": true }))
        .await;
    old.assert_status(409).assert_code("INVALID_STATE");
    let wrong = ada.post(&path, json!({ "isFeatured": "yes" })).await;
    wrong.assert_status(400).assert_code("VALIDATION_FAILED");
}

async fn at_most_ten_are_featured(platform: TestPlatform) {
    let products = platform.factory("products").create_many(16).await;
    let ada = platform.as_user("ada", ADMIN);
    let paths: Vec<String> = products.iter().map(|one| action(one, "feature")).collect();
    let all = paths.iter().map(|path| ada.post(path, json!({})));
    let mut featured = 0;
    for reply in futures_util::future::join_all(all).await {
        match reply.status() {
            200 => featured += 1,
            _ => assert!(
                ["LIMIT_EXCEEDED", "VERSION_CONFLICT"].contains(&reply.code()),
                "{reply:?}"
            ),
        }
    }
    assert_eq!(featured, 10);
    let listed = ada
        .get("/products?filter[isFeatured][eq]=true&count=exact")
        .await;
    assert_eq!(listed.body()["pagination"]["total"], 10);
}

async fn each_version_has_its_names_and_its_rule(platform: TestPlatform) {
    let ada = platform.as_user("ada", ADMIN);
    let category = platform.factory("categories").create().await;
    let old = json!({ "title": "Kettle", "kind": "toy", "categoryId": category["id"] });
    let made = ada.post("/api/v1/products", old.clone()).await;
    made.assert_status(201);
    assert_eq!(made.header("deprecation"), Some("@1790812800"));
    assert_eq!(
        (&made.data()["title"], &made.data()["promoted"]),
        (&json!("Kettle"), &json!(false))
    );
    assert!(made.data().get("audience").is_none());
    let path = format!("/products/{}", made.id());
    let read = ada.get(&format!("/api/v2{path}")).await;
    assert_eq!(read.header("deprecation"), None);
    assert_eq!(
        (&read.data()["name"], &read.data()["audience"]),
        (&json!("Kettle"), &json!("everyone"))
    );
    ada.post("/api/v2/products", old)
        .await
        .assert_code("VALIDATION_FAILED");

    // Ten are featured: v2 refuses another one, v1 makes room.
    let others = platform.factory("products").create_many(10).await;
    for other in &others {
        platform.clock().advance(std::time::Duration::from_secs(1));
        ada.post(&action(other, "feature"), json!({}))
            .await
            .assert_status(200);
    }
    let featured = format!("{path}/feature");
    let refused = ada.post(&format!("/api/v2{featured}"), json!({})).await;
    refused.assert_code("LIMIT_EXCEEDED");
    let promoted = ada.post(&format!("/api/v1{featured}"), json!({})).await;
    promoted.assert_status(200);
    assert_eq!(promoted.data()["promoted"], true);
    let first = format!("/products/{}", others[0]["id"].as_str().unwrap_or_default());
    assert_eq!(ada.get(&first).await.data()["isFeatured"], false);
    let listed = ada
        .get("/products?filter[isFeatured]=true&count=exact")
        .await;
    assert_eq!(listed.body()["pagination"]["total"], 10);
    let renamed = ada
        .get("/api/v1/products?filter[promoted]=true&count=exact")
        .await;
    assert_eq!(renamed.body()["pagination"]["total"], 10);
}

async fn a_transfer_stands_as_a_whole(platform: TestPlatform) {
    let toys = platform
        .factory("categories")
        .with("kind", "toy")
        .create()
        .await;
    let shelf = platform
        .factory("categories")
        .with("kind", "toy")
        .with("maxProducts", 1)
        .create()
        .await;
    let closed = platform
        .factory("categories")
        .with("kind", "toy")
        .with("isActive", false)
        .create()
        .await;
    let other = platform
        .factory("categories")
        .with("kind", "textile")
        .create()
        .await;
    let product = |name: &'static str| {
        let made = platform
            .factory("products")
            .with("name", name)
            .with("kind", "toy");
        made.with("categoryId", toys["id"].clone())
    };
    let (first, second) = (product("a").create().await, product("b").create().await);
    let ada = platform.as_user("ada", &[]);
    let transfer = async |product: &Value, into: &Value| {
        let path = action(product, "transfer");
        let body = json!({ "categoryId": into["id"], "reason": "tidying" });
        ada.post(&path, body).await
    };
    transfer(&first, &closed).await.assert_code("INVALID_STATE");
    transfer(&first, &other).await.assert_code("RULE_VIOLATED");
    transfer(&first, &toys).await.assert_code("CONFLICT");
    assert_eq!(platform.count("transfers").await, 0);

    let moved = transfer(&first, &shelf).await;
    moved.assert_status(200);
    assert_eq!(moved.data()["categoryId"], shelf["id"]);
    transfer(&second, &shelf)
        .await
        .assert_code("LIMIT_EXCEEDED");

    let listed = ada.get("/transfers").await;
    let row = redacted(&listed.data()[0]);
    assert_eq!(row["reason"], "tidying");
    assert_eq!(row["createdBy"]["kind"], "user");
    let told: Vec<String> = platform
        .journal(2)
        .await
        .iter()
        .map(|row| format!("{} {}", row["resource"], row["kind"]))
        .collect();
    assert_eq!(
        told,
        ["\"products\" \"update\"", "\"transfers\" \"create\""]
    );
}

async fn passports_begin_as_drafts(platform: TestPlatform) {
    let body = platform.factory("passports").body().await;
    let mut published = body.clone();
    published["status"] = json!("published");
    let ada = platform.as_user("ada", &[]);
    let refused = ada.post("/passports", published.clone()).await;
    refused.assert_code("INVALID_STATE");
    // No way round: the items of a batch run the same hook.
    let batch = json!({ "items": [{ "operation": "create", "data": published }] });
    ada.post("/passports/batch", batch)
        .await
        .assert_code("INVALID_STATE");

    let draft = ada.post("/passports", body).await;
    draft.assert_status(201);
    assert_eq!(draft.data()["status"], "draft");
    let path = format!("/passports/{}/publish", draft.id());
    let done = ada.post(&path, json!({})).await;
    assert_eq!(done.data()["status"], "published");
    ada.post(&path, json!({}))
        .await
        .assert_code("INVALID_STATE");
}
