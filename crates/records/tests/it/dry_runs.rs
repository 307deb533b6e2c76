//! Writes that are done and undone.

#![cfg(test)]

use crate::rest::send;
use crate::world::World;
use serde_json::{Value, json};

crate::on_both!(nothing_is_kept, refusals_are_the_same, beside_real_writes);

async fn nothing_is_kept(world: World) {
    let id = world
        .made("products", r#"{"name":"one","sku":"S-1","stock":3}"#)
        .await;
    let before = world.journal(5).await;
    let record = format!("/products/{id}?dryRun=true");
    let batch = json!({ "items": [
        { "operation": "create", "data": { "name": "two" } },
        { "operation": "patch", "id": id, "data": { "stock": 4 } },
        { "operation": "patch", "id": id, "version": 2, "data": { "stock": 5 } },
        { "operation": "delete", "id": id },
        // Free again once the other is gone.
        { "operation": "create", "data": { "name": "three", "sku": "S-1" } },
    ] });
    let writes = [
        (
            "POST",
            "/products?dryRun=true".to_owned(),
            json!({ "name": "new" }),
            201,
        ),
        ("PUT", record.clone(), json!({ "name": "uno" }), 200),
        ("PATCH", record.clone(), json!({ "stock": 9 }), 200),
        ("PATCH", record.clone(), json!({}), 200),
        ("DELETE", record, Value::Null, 200),
        ("POST", "/products/batch?dryRun=true".to_owned(), batch, 200),
    ];
    let json_type = [("content-type", "application/json")];
    for (method, path, body, status) in writes {
        let text = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let reply = send(&world, method, &path, &json_type, &text).await;
        assert_eq!(reply.status, status, "{method} {path}: {}", reply.body);
        assert_eq!(
            reply.body["meta"],
            json!({ "dryRun": true }),
            "{method} {path}"
        );
        assert_eq!(reply.header("location"), None, "{method} {path}");
        assert_eq!(reply.header("etag"), None, "{method} {path}");
        match method {
            "PATCH" if body != json!({}) => assert_eq!(reply.body["data"]["stock"], json!(9)),
            "PUT" => assert_eq!(reply.body["data"]["version"], json!(2)),
            _ => {}
        }
    }
    assert_eq!(world.journal(5).await, before);
    let (rows, _) = world.list("products", "").await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (&rows[0]["stock"], &rows[0]["version"]),
        (&json!(3), &json!(1))
    );
}

async fn refusals_are_the_same(world: World) {
    let category = world.made("categories", r#"{"name":"Full"}"#).await;
    world
        .made(
            "products",
            &json!({ "name": "one", "sku": "S-1", "categoryId": category }).to_string(),
        )
        .await;
    let order = world.made("orders", r#"{"number":1}"#).await;
    let nowhere = world.operations.next_id().to_string();
    let line = json!({ "orderId": order, "productId": nowhere });
    let cases = [
        (
            "POST",
            "/products".to_owned(),
            json!({ "name": "two", "sku": "S-1" }).to_string(),
        ),
        (
            "POST",
            "/products".to_owned(),
            json!({ "name": "" }).to_string(),
        ),
        ("POST", "/lines".to_owned(), line.to_string()),
        ("DELETE", format!("/categories/{category}"), String::new()),
        ("PATCH", format!("/products/{nowhere}"), "{}".to_owned()),
        ("DELETE", format!("/orders/{order}"), String::new()),
    ];
    let json_type = [("content-type", "application/json")];
    for (method, path, body) in cases {
        let dry = send(
            &world,
            method,
            &format!("{path}?dryRun=true"),
            &json_type,
            &body,
        )
        .await;
        let wet = send(&world, method, &path, &json_type, &body).await;
        assert!(wet.status >= 400, "{method} {path}: {}", wet.body);
        assert_eq!(dry.status, wet.status, "{method} {path}");
        assert_eq!(dry.code(), wet.code(), "{method} {path}");
    }
    let reply = send(&world, "POST", "/products?dryRun=yes", &json_type, "{}").await;
    assert_eq!((reply.status, reply.code()), (400, "INVALID_PARAMETER"));
}

async fn beside_real_writes(world: World) {
    let world = std::sync::Arc::new(world);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..32 {
        let world = std::sync::Arc::clone(&world);
        tasks.spawn(async move {
            let dry = number % 2 == 0;
            let path = format!("/products?dryRun={dry}");
            let body = json!({ "name": format!("p{number}"), "sku": format!("S-{}", number / 2) });
            let json_type = [("content-type", "application/json")];
            let reply = send(&world, "POST", &path, &json_type, &body.to_string()).await;
            // A real write may have taken the value first; a dry one takes it from nobody.
            assert!(
                reply.status == 201 || (dry && reply.code() == "UNIQUE_VIOLATION"),
                "{}",
                reply.body
            );
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let (rows, _) = world.list("products", "limit=100").await.unwrap();
    assert_eq!(rows.len(), 16);
    let journal = world.journal(100).await;
    let created = journal
        .iter()
        .filter(|row| row.starts_with("products create"));
    assert_eq!(created.count(), 16);
}
