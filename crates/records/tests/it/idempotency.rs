//! Writes that are asked for more than once under one key.

#![cfg(test)]

use crate::rest::{Reply, send};
use crate::world::World;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Duration;
use tokio::task::JoinSet;

crate::on_both!(
    every_write_is_answered_again,
    writes_of_several_records_are_answered_again,
    records_that_moved_on,
    another_request_under_a_key,
    refusals_are_not_kept,
    a_day_later_a_key_is_free,
    keys_that_are_none,
    thirty_two_at_once,
);

async fn write(world: &World, key: &str, method: &str, path: &str, body: &Value) -> Reply {
    let headers = [
        ("content-type", "application/json"),
        ("idempotency-key", key),
    ];
    let text = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    send(world, method, path, &headers, &text).await
}

#[track_caller]
fn same(first: &Reply, again: &Reply) {
    assert_eq!(first.header("idempotency-replayed"), None);
    assert_eq!(
        again.header("idempotency-replayed"),
        Some("true"),
        "{}",
        again.body
    );
    assert_eq!(first.status, again.status);
    assert_eq!(first.body, again.body);
    for name in ["location", "etag"] {
        assert_eq!(first.header(name), again.header(name), "{name}");
    }
}

async fn every_write_is_answered_again(world: World) {
    let id = world.made("products", r#"{"name":"one","stock":3}"#).await;
    let gone = world.made("products", r#"{"name":"gone"}"#).await;
    let batch = json!({ "items": [
        { "operation": "create", "data": { "name": "three", "price": "1.50", "weight": 0.1 } },
        { "operation": "patch", "id": id, "data": { "note": "n" } },
        { "operation": "delete", "id": gone },
    ] });
    let transaction = json!({ "policy": "each", "items": [
        { "operation": "create", "resourceName": "categories", "data": { "name": "C" } },
        { "operation": "create", "resourceName": "categories", "data": { "name": "C" } },
        { "operation": "create", "resourceName": "products", "data": { "name": "" } },
    ] });
    let writes = [
        (
            "POST",
            "/products".to_owned(),
            json!({ "name": "two", "labels": { "en": "a" } }),
            201,
        ),
        (
            "PUT",
            format!("/products/{id}"),
            json!({ "name": "uno" }),
            200,
        ),
        (
            "PATCH",
            format!("/products/{id}"),
            json!({ "stock": 9 }),
            200,
        ),
        ("PATCH", format!("/products/{id}"), json!({}), 200),
        ("POST", "/products/batch".to_owned(), batch, 200),
        ("POST", "/transactions".to_owned(), transaction, 207),
        ("DELETE", format!("/products/{id}"), Value::Null, 200),
    ];
    for (number, (method, path, body, status)) in writes.iter().enumerate() {
        let key = format!("key-{number}");
        let first = write(&world, &key, method, path, body).await;
        assert_eq!(first.status, *status, "{method} {path}: {}", first.body);
        let before = world.journal(50).await;
        let again = write(&world, &key, method, path, body).await;
        same(&first, &again);
        assert_eq!(world.journal(50).await, before, "{method} {path}");
    }
}

/// Upserts, nested writes, links, restorations, purges and writes by filter: at once, and again
/// when what they wrote has moved on.
async fn writes_of_several_records_are_answered_again(world: World) {
    let category = world.made("categories", r#"{"name":"Paper"}"#).await;
    let pen = json!({ "name": "Pen", "sku": "S-1", "categoryId": category });
    let pen = world.made("products", &pen.to_string()).await;
    let shelf = world.made("shelves", r#"{"name":"s"}"#).await;
    let held = json!({ "label": "b", "shelfId": shelf });
    let held = world.made("boxes", &held.to_string()).await;
    let mark = world.made("marks", r#"{"text":"red"}"#).await;
    let spare = world.made("shelves", r#"{"name":"spare"}"#).await;
    world.delete("shelves", &spare, None).await.unwrap();
    let link = format!("/boxes/{held}/marks/{mark}");
    let upsert = "/products?upsert=sku".to_owned();
    let lines = json!([{ "productId": pen }, { "quantity": 3, "product": { "create": { "name": "Pad" } } }]);
    let related = json!({
        "create": [{ "name": "Ruler" }],
        "update": [{ "id": pen, "stock": { "$inc": 2 } }],
    });
    let writes = [
        (
            "POST",
            upsert.clone(),
            json!({ "sku": "S-1", "name": "Pen", "stock": 4 }),
            200,
        ),
        ("POST", upsert, json!({ "sku": "S-2", "name": "Ink" }), 201),
        (
            "POST",
            "/orders".to_owned(),
            json!({ "number": 1, "lines": lines }),
            201,
        ),
        (
            "PATCH",
            format!("/categories/{category}"),
            json!({ "name": "Things", "products": related }),
            200,
        ),
        ("PUT", link.clone(), Value::Null, 201),
        ("DELETE", link.clone(), Value::Null, 200),
        ("PUT", link, Value::Null, 201),
        (
            "PATCH",
            format!("/boxes/{held}"),
            json!({ "label": "c", "marks": { "unlink": [mark] } }),
            200,
        ),
        (
            "POST",
            format!("/shelves/{spare}/restore"),
            Value::Null,
            200,
        ),
        (
            "DELETE",
            format!("/shelves/{spare}?purge=true"),
            Value::Null,
            200,
        ),
        (
            "PATCH",
            "/products?filter[sku][startsWith]=S-".to_owned(),
            json!({ "note": "n" }),
            200,
        ),
        (
            "DELETE",
            "/products?filter[sku]=S-2".to_owned(),
            Value::Null,
            200,
        ),
    ];
    let mut answers = Vec::new();
    for (number, (method, path, body, status)) in writes.iter().enumerate() {
        world.clock.advance(Duration::from_secs(1));
        let key = format!("several-{number}");
        let first = write(&world, &key, method, path, body).await;
        assert_eq!(
            first.status, *status,
            "{method} {path}: {} {:?}",
            first.body, first.refusal
        );
        let before = world.journal(60).await;
        let again = write(&world, &key, method, path, body).await;
        same(&first, &again);
        assert_eq!(world.journal(60).await, before, "{method} {path}");
        answers.push(first);
    }
    let before = world.journal(60).await;
    for (number, (method, path, body, _)) in writes.iter().enumerate() {
        let again = write(&world, &format!("several-{number}"), method, path, body).await;
        same(&answers[number], &again);
    }
    assert_eq!(world.journal(60).await, before);
}

async fn records_that_moved_on(world: World) {
    let body = json!({ "name": "one", "price": "2.00", "details": { "a": [1] } });
    let made = write(&world, "make", "POST", "/products", &body).await;
    let id = made.body["data"]["id"].as_str().unwrap().to_owned();
    let path = format!("/products/{id}");
    world.clock.advance(Duration::from_secs(1));
    let change = json!({ "price": "3.00", "details": { "b": 2 } });
    let changed = write(&world, "change", "PATCH", &path, &change).await;
    world.clock.advance(Duration::from_secs(1));
    for name in ["two", "three"] {
        let body = json!({ "name": name, "details": { "b": 3 } }).to_string();
        world.patch("products", &id, &body, None).await.unwrap();
    }
    same(
        &made,
        &write(&world, "make", "POST", "/products", &body).await,
    );
    same(
        &changed,
        &write(&world, "change", "PATCH", &path, &change).await,
    );
    world.delete("products", &id, None).await.unwrap();
    same(
        &made,
        &write(&world, "make", "POST", "/products", &body).await,
    );
    same(
        &changed,
        &write(&world, "change", "PATCH", &path, &change).await,
    );
}

async fn another_request_under_a_key(world: World) {
    let body = json!({ "name": "one" });
    let first = write(&world, "k", "POST", "/products", &body).await;
    let other = write(&world, "k", "POST", "/products", &json!({ "name": "two" })).await;
    assert_eq!(
        (other.status, other.code()),
        (422, "IDEMPOTENCY_KEY_REUSED")
    );
    // Another operation has keys of its own, and so has another resource.
    let id = first.body["data"]["id"].as_str().unwrap();
    let patched = write(&world, "k", "PATCH", &format!("/products/{id}"), &body).await;
    assert_eq!(patched.status, 200);
    let category = write(&world, "k", "POST", "/categories", &body).await;
    assert_eq!(category.status, 201);
    // A dry run keeps nothing and is not told what was.
    let dry = write(
        &world,
        "k",
        "POST",
        "/products?dryRun=true",
        &json!({ "name": "x" }),
    )
    .await;
    assert_eq!((dry.status, &dry.body["data"]["name"]), (201, &json!("x")));
    let (rows, _) = world.list("products", "").await.unwrap();
    assert_eq!(rows.len(), 1);
}

async fn refusals_are_not_kept(world: World) {
    let taken = world
        .made("products", r#"{"name":"one","sku":"S-1"}"#)
        .await;
    let body = json!({ "name": "two", "sku": "S-1" });
    for _ in 0..2 {
        let refused = write(&world, "k", "POST", "/products", &body).await;
        assert_eq!((refused.status, refused.code()), (409, "UNIQUE_VIOLATION"));
    }
    let each = json!({ "policy": "each", "items": [{ "operation": "create", "data": body }] });
    let refused = write(&world, "b", "POST", "/products/batch", &each).await;
    assert_eq!(refused.status, 207, "{}", refused.body);
    world.delete("products", &taken, None).await.unwrap();
    let made = write(&world, "k", "POST", "/products", &body).await;
    assert_eq!(made.status, 201);
    assert_eq!(made.header("idempotency-replayed"), None);
    let again = write(&world, "b", "POST", "/products/batch", &each).await;
    assert_eq!(again.header("idempotency-replayed"), None);
}

async fn a_day_later_a_key_is_free(world: World) {
    let body = json!({ "name": "one" });
    let first = write(&world, "k", "POST", "/products", &body).await;
    world.clock.advance(Duration::from_secs(24 * 3_600 - 1));
    same(
        &first,
        &write(&world, "k", "POST", "/products", &body).await,
    );
    let system = world.operations.store().system();
    let forget = |most| {
        let now = carnet_kernel::Clock::now(world.clock.as_ref());
        let system = system.clone();
        async move { system.forget_receipts(now, most).await.unwrap() }
    };
    assert_eq!(forget(10).await, 0);
    world.clock.advance(Duration::from_secs(2));
    let other = json!({ "name": "two" });
    let second = write(&world, "k", "POST", "/products", &other).await;
    assert_eq!(
        (second.status, second.header("idempotency-replayed")),
        (201, None)
    );
    for number in 0..3 {
        write(&world, &format!("n{number}"), "POST", "/products", &other).await;
    }
    world.clock.advance(Duration::from_secs(24 * 3_600));
    assert_eq!(forget(3).await, 3);
    assert_eq!(forget(3).await, 1);
    assert_eq!(forget(3).await, 0);
}

async fn keys_that_are_none(world: World) {
    for key in ["", "a b", &"k".repeat(256)] {
        let reply = write(&world, key, "POST", "/products", &json!({ "name": "one" })).await;
        assert_eq!(
            (reply.status, reply.code()),
            (400, "MALFORMED_REQUEST"),
            "{key}"
        );
    }
    let (rows, _) = world.list("products", "").await.unwrap();
    assert!(rows.is_empty());
}

async fn thirty_two_at_once(world: World) {
    for round in 0..4 {
        let mut tasks = JoinSet::new();
        for _ in 0..32 {
            let world = world.clone();
            tasks.spawn(async move {
                let body = json!({ "name": format!("r{round}") });
                write(
                    &world,
                    &format!("round-{round}"),
                    "POST",
                    "/products",
                    &body,
                )
                .await
            });
        }
        let mut counts: HashMap<String, usize> = HashMap::new();
        let mut ids = HashMap::new();
        while let Some(reply) = tasks.join_next().await {
            let reply = reply.unwrap();
            let replayed = reply.header("idempotency-replayed").is_some();
            let word = match (reply.status, replayed) {
                (201, false) => "made",
                (201, true) => "replayed",
                _ => reply.code(),
            };
            *counts.entry(word.to_owned()).or_default() += 1;
            if reply.status == 201 {
                *ids.entry(reply.body["data"]["id"].to_string()).or_insert(0) += 1;
            }
        }
        assert_eq!(counts.get("made"), Some(&1), "{counts:?}");
        assert_eq!(ids.len(), 1, "{ids:?}");
        let known = ["made", "replayed", "IDEMPOTENCY_IN_PROGRESS"];
        assert!(
            counts.keys().all(|word| known.contains(&word.as_str())),
            "{counts:?}"
        );
        let (rows, _) = world
            .list("products", &format!("filter[name]=r{round}"))
            .await
            .unwrap();
        assert_eq!(rows.len(), 1);
    }
}
