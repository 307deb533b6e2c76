//! Writes of several resources in one transaction, and items that refer to each other.

#![cfg(test)]

use crate::rest::{Reply, send};
use crate::world::World;
use serde_json::{Value, json};

crate::on_both!(
    an_order_with_its_lines,
    each_item_by_itself,
    all_or_none_over_three_resources,
    references_see_what_was_left,
    references_that_lead_nowhere,
    bodies_that_are_none,
    the_platform_stands_apart,
    many_racing_transactions,
);

async fn post(world: &World, path: &str, body: &Value) -> Reply {
    let headers = [("content-type", "application/json")];
    send(world, "POST", path, &headers, &body.to_string()).await
}

async fn transact(world: &World, policy: &str, items: Value) -> Reply {
    post(
        world,
        "/transactions",
        &json!({ "policy": policy, "items": items }),
    )
    .await
}

fn make(resource: &str, data: Value) -> Value {
    json!({ "operation": "create", "resourceName": resource, "data": data })
}

/// The places and messages of a refusal.
fn faults(reply: &Reply) -> Vec<String> {
    let details = reply
        .refusal
        .as_ref()
        .map(|refusal| refusal.details.as_slice());
    let details = details.unwrap_or_default().iter();
    details
        .map(|detail| format!("{}: {}", detail.field, detail.message))
        .collect()
}

async fn an_order_with_its_lines(world: World) {
    let items = json!([
        make("products", json!({ "name": "Pen", "stock": 5 })),
        make("products", json!({ "name": "Ink" })),
        make("orders", json!({ "number": 7 })),
        make(
            "lines",
            json!({ "orderId": "{{result[2].id}}", "productId": "{{result[0].id}}" })
        ),
        make(
            "lines",
            json!({
                "orderId": "{{result[2].id}}", "productId": "{{ result[1].id }}",
                "quantity": "{{result[0].stock}}",
            })
        ),
    ]);
    let reply = transact(&world, "atomic", items).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let data = &reply.body["data"];
    assert_eq!(data[3]["orderId"], data[2]["id"]);
    assert_eq!(data[4]["productId"], data[1]["id"]);
    assert_eq!(data[4]["quantity"], json!(5));
    assert_eq!(reply.body["message"], json!("5 items applied"));
    assert_eq!(
        world.journal(5).await,
        [
            "products create 1",
            "products create 1",
            "orders create 1",
            "lines create 1",
            "lines create 1"
        ]
    );
}

async fn each_item_by_itself(world: World) {
    let used = world.made("categories", r#"{"name":"Used"}"#).await;
    let body = json!({ "name": "p", "categoryId": used }).to_string();
    let product = world.made("products", &body).await;
    let nowhere = world.operations.next_id().to_string();
    let items = json!([
        make("categories", json!({ "name": "A" })),
        make("categories", json!({ "name": "A" })),
        make("categories", json!({ "name": "" })),
        make("products", json!({ "name": "x", "categoryId": "{{result[0].id}}" })),
        make("products", json!({ "name": "y", "categoryId": "{{result[1].id}}" })),
        make("products", json!({ "name": "z", "categoryId": "{{result[2].id}}" })),
        { "operation": "delete", "resourceName": "categories", "id": used },
        { "operation": "patch", "resourceName": "products", "id": nowhere, "data": {} },
        { "operation": "patch", "resourceName": "products", "id": product, "version": 9, "data": {} },
        { "operation": "patch", "resourceName": "products", "id": product, "data": { "stock": 4 } },
        { "operation": "patch", "resourceName": "products", "id": product, "version": 2, "data": { "stock": 5 } },
        { "operation": "fly", "resourceName": "products" },
        { "operation": "delete", "resourceName": "products", "id": product },
    ]);
    let reply = transact(&world, "each", items).await;
    assert_eq!(reply.status, 207, "{}", reply.body);
    let results = reply.body["data"].as_array().unwrap();
    let short: Vec<(i64, &str)> = results
        .iter()
        .map(|one| {
            (
                one["status"].as_i64().unwrap(),
                one["error"]["code"].as_str().unwrap_or(""),
            )
        })
        .collect();
    assert_eq!(
        short,
        [
            (201, ""),
            (409, "UNIQUE_VIOLATION"),
            (400, "VALIDATION_FAILED"),
            (201, ""),
            (400, "REFERENCE_NOT_FOUND"),
            (400, "REFERENCE_NOT_FOUND"),
            (409, "RECORD_IN_USE"),
            (404, "NOT_FOUND"),
            (412, "PRECONDITION_FAILED"),
            (200, ""),
            (200, ""),
            (400, "VALIDATION_FAILED"),
            (200, ""),
        ],
        "{}",
        reply.body
    );
    assert_eq!(reply.body["meta"], json!({ "succeeded": 5, "failed": 8 }));
    assert_eq!(
        results[1]["error"]["details"][0]["field"],
        json!("items[1].name")
    );
    assert_eq!(
        results[2]["error"]["details"][0]["field"],
        json!("items[2].name")
    );
    assert_eq!(results[3]["data"]["categoryId"], results[0]["data"]["id"]);
    assert_eq!(results[12]["data"], Value::Null);
    let journal = world.journal(5).await;
    assert_eq!(
        journal,
        [
            "categories create 1",
            "products create 1",
            "products update 2",
            "products update 3",
            "products delete 4"
        ]
    );
    let good = transact(
        &world,
        "each",
        json!([make("categories", json!({ "name": "B" }))]),
    )
    .await;
    assert_eq!(
        (good.status, &good.body["meta"]),
        (200, &json!({ "succeeded": 1, "failed": 0 }))
    );
}

async fn all_or_none_over_three_resources(world: World) {
    let before = world.journal(10).await;
    let items = json!([
        make("categories", json!({ "name": "C" })),
        make(
            "products",
            json!({ "name": "p", "categoryId": "{{result[0].id}}" })
        ),
        make(
            "lines",
            json!({
                "productId": "{{result[1].id}}", "orderId": world.operations.next_id().to_string(),
            })
        ),
    ]);
    let reply = transact(&world, "atomic", items).await;
    assert_eq!(
        (reply.status, reply.code()),
        (400, "REFERENCE_NOT_FOUND"),
        "{}",
        reply.body
    );
    assert_eq!(
        faults(&reply),
        ["items[2].orderId: `orderId` refers to a record that does not exist"]
    );
    assert_eq!(world.journal(10).await, before);
    for resource in ["categories", "products", "lines"] {
        let (rows, _) = world.list(resource, "").await.unwrap();
        assert!(rows.is_empty(), "{resource}");
    }
}

async fn references_see_what_was_left(world: World) {
    let id = world.made("products", r#"{"name":"one","stock":3}"#).await;
    let items = json!([
        { "operation": "patch", "id": id, "data": { "stock": 4, "details": { "a": [{ "b": "deep" }] } } },
        { "operation": "create", "data": {
            "name": "{{result[0].name}} of {{result[0].stock}}",
            "stock": "{{result[0].stock}}",
            "note": "{{result[0].details.a.0.b}}",
            "details": { "all": "{{result[0].details}}", "list": ["{{result[0].version}}"] },
        } },
        { "operation": "patch", "id": "{{result[1].id}}", "version": "{{result[1].version}}", "data": { "stock": 9 } },
        { "operation": "patch", "id": "{{result[0].id}}", "version": "{{result[0].version}}", "data": { "stock": 5 } },
        { "operation": "create", "data": { "name": "last {{result[3].stock}}", "note": "\\{{result[0].id}}" } },
        { "operation": "delete", "id": "{{result[3].id}}" },
    ]);
    for policy in ["atomic", "each"] {
        let path = "/products/batch?dryRun=true";
        let reply = post(&world, path, &json!({ "policy": policy, "items": items })).await;
        assert_eq!(reply.status, 200, "{policy}: {}", reply.body);
        let of = |at: usize| match policy {
            "each" => &reply.body["data"][at]["data"],
            _ => &reply.body["data"][at],
        };
        assert_eq!(of(1)["name"], json!("one of 4"));
        assert_eq!(of(1)["stock"], json!(4));
        assert_eq!(of(1)["note"], json!("deep"));
        assert_eq!(
            of(1)["details"],
            json!({ "all": { "a": [{ "b": "deep" }] }, "list": [2] })
        );
        assert_eq!((&of(2)["stock"], &of(2)["version"]), (&json!(9), &json!(2)));
        assert_eq!((&of(3)["stock"], &of(3)["version"]), (&json!(5), &json!(3)));
        assert_eq!(of(4)["name"], json!("last 5"));
        assert_eq!(of(4)["note"], json!("{{result[0].id}}"));
        assert_eq!(of(5), &Value::Null);
    }
}

async fn references_that_lead_nowhere(world: World) {
    let id = world.made("products", r#"{"name":"one"}"#).await;
    let items = json!([
        { "operation": "create", "data": { "name": "{{result[1].name}}" } },
        { "operation": "create", "data": { "name": "{{result[1].name}}" } },
        { "operation": "create", "data": { "name": "{{result[99].name}}" } },
        { "operation": "create", "data": { "name": "{{result[0]}}" } },
        { "operation": "delete", "id": id },
        { "operation": "create", "data": { "name": "{{result[4].name}}" } },
        { "operation": "create", "data": { "name": "a" } },
        { "operation": "create", "data": { "name": "{{result[6].nam}}" } },
        { "operation": "create", "data": { "name": "a {{result[6].note}}" } },
    ]);
    let reply = post(&world, "/products/batch", &json!({ "items": items })).await;
    assert_eq!(
        (reply.status, reply.code()),
        (400, "VALIDATION_FAILED"),
        "{}",
        reply.body
    );
    assert_eq!(
        faults(&reply),
        [
            "items[0].name: `{{result[1].name}}` refers to no earlier item; an item sees what stands before it",
            "items[1].name: `{{result[1].name}}` refers to no earlier item; an item sees what stands before it",
            "items[2].name: `{{result[99].name}}` refers to no earlier item; an item sees what stands before it",
            "items[3].name: `{{result[0]}}` is no reference; one is written `{{result[0].id}}`, `\\{{` where none is meant",
            "items[5]: `{{result[4].name}}` refers to a deletion, which leaves no record",
            "items[7].name: `products` has no field `nam` (did you mean `name`?)",
            "items[8].name: `{{result[6].note}}` is no text, number or boolean and cannot stand inside a text",
        ]
    );
    // What is known only in the transaction is refused there, with its item.
    let items = json!([
        { "operation": "patch", "id": id, "data": {} },
        { "operation": "create", "data": { "name": "{{result[0].note}}" } },
    ]);
    let reply = post(&world, "/products/batch", &json!({ "items": items })).await;
    assert_eq!(
        (reply.status, reply.code()),
        (400, "VALIDATION_FAILED"),
        "{}",
        reply.body
    );
    assert!(
        faults(&reply)[0].starts_with("items[1].name: "),
        "{}",
        reply.body
    );
}

async fn bodies_that_are_none(world: World) {
    for (body, code) in [
        ("", "MALFORMED_REQUEST"),
        ("[]", "MALFORMED_REQUEST"),
        ("{}", "VALIDATION_FAILED"),
        (r#"{"items":[]}"#, "VALIDATION_FAILED"),
        (r#"{"items":[1,null,[],{}]}"#, "VALIDATION_FAILED"),
        (r#"{"policy":"some","items":[{}]}"#, "VALIDATION_FAILED"),
        (r#"{"policy":"each","items":[],"x":1}"#, "UNKNOWN_FIELD"),
        (
            r#"{"items":[{"operation":"create","resourceName":"product","data":{}}]}"#,
            "VALIDATION_FAILED",
        ),
        (
            r#"{"items":[{"operation":"create","data":{}}]}"#,
            "VALIDATION_FAILED",
        ),
        (
            r#"{"items":[{"operation":"create","resourceName":"journal","data":{}}]}"#,
            "VALIDATION_FAILED",
        ),
    ] {
        let headers = [("content-type", "application/json")];
        let reply = send(&world, "POST", "/transactions", &headers, body).await;
        assert_eq!(
            (reply.status, reply.code()),
            (400, code),
            "{body}: {}",
            reply.body
        );
    }
    let each = json!({ "policy": "each", "items": [1, {}] });
    let reply = post(&world, "/transactions", &each).await;
    assert_eq!(
        (reply.status, &reply.body["meta"]["failed"]),
        (207, &json!(2)),
        "{}",
        reply.body
    );
    let reply = transact(
        &world,
        "atomic",
        json!([{}, { "resourceName": "products" }]),
    )
    .await;
    assert_eq!(
        faults(&reply),
        [
            "items[0].resourceName: it is required",
            "items[0].operation: it is required",
            "items[1].operation: it is required",
        ]
    );
    let many: Vec<Value> = (0..1_001)
        .map(|_| make("products", json!({ "name": "x" })))
        .collect();
    let reply = transact(&world, "atomic", json!(many)).await;
    assert_eq!((reply.status, reply.code()), (400, "VALIDATION_FAILED"));
    let reply = send(&world, "GET", "/transactions", &[], "").await;
    assert_eq!((reply.status, reply.header("allow")), (405, Some("POST")));
    // Small texts that refer to a large one again and again.
    let mut items = vec![make(
        "products",
        json!({ "name": "x", "note": "n".repeat(1 << 20) }),
    )];
    let all = "{{result[0].note}}".repeat(50);
    items.extend((0..50).map(|_| make("products", json!({ "name": "y", "note": all }))));
    let reply = transact(&world, "atomic", json!(items)).await;
    assert_eq!((reply.status, reply.code()), (400, "VALIDATION_FAILED"));
    assert!(faults(&reply)[0].contains("larger than"), "{}", reply.body);
}

async fn the_platform_stands_apart(world: World) {
    let items = json!([
        make("products", json!({ "name": "x" })),
        make("platformSettings", json!({ "key": "a", "value": 1 })),
    ]);
    for policy in ["atomic", "each"] {
        let reply = transact(&world, policy, items.clone()).await;
        assert_eq!(
            (reply.status, reply.code()),
            (400, "PLACEMENT_MIXED"),
            "{}",
            reply.body
        );
    }
}

async fn many_racing_transactions(world: World) {
    let id = world
        .made("products", r#"{"name":"counter","stock":0}"#)
        .await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..16 {
        let (world, id) = (world.clone(), id.clone());
        tasks.spawn(async move {
            let policy = if number % 2 == 0 { "atomic" } else { "each" };
            let items = json!([
                make("categories", json!({ "name": format!("c{number}") })),
                { "operation": "patch", "resourceName": "products", "id": id, "data": { "categoryId": "{{result[0].id}}" } },
                make("products", json!({ "name": "copy", "categoryId": "{{result[1].categoryId}}", "stock": "{{result[1].version}}" })),
            ]);
            let reply = transact(&world, policy, items).await;
            assert_eq!(reply.status, 200, "{}", reply.body);
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let versions = world
        .names(
            "products",
            "filter[name]=copy&limit=100&sort=stock",
            "stock",
        )
        .await;
    let expected: Vec<String> = (2..18).map(|version| version.to_string()).collect();
    assert_eq!(versions, expected);
}
