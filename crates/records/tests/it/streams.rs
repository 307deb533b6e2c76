//! Lists as lines: complete, bounded in memory, ended by a client that goes away.

#![cfg(test)]

use crate::rest::{JSON, Reply, send};
use crate::world::World;
use axum::body::Body;
use axum::extract::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

crate::on_both!(every_record, pieces, refused);

pub(crate) const LINES: (&str, &str) = ("accept", "application/x-ndjson");

/// Many products, in batches.
pub(crate) async fn products(world: &World, count: usize) {
    for start in (0..count).step_by(1_000) {
        let items: Vec<Value> = (start..count.min(start + 1_000))
            .map(|number| json!({ "operation": "create", "data": { "name": format!("p{number:05}"), "stock": number % 7 } }))
            .collect();
        let body = json!({ "items": items }).to_string();
        let reply = send(world, "POST", "/products/batch", &[JSON], &body).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
    }
}

pub(crate) async fn lines(world: &World, path: &str) -> Vec<Value> {
    let reply: Reply = send(world, "GET", path, &[LINES], "").await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), Some("application/x-ndjson"));
    let text = String::from_utf8(reply.bytes.to_vec()).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

async fn every_record(world: World) {
    assert_eq!(lines(&world, "/products").await.len(), 0);
    products(&world, 1_203).await;
    let all = lines(&world, "/products?sort=name&fields=name").await;
    let names: Vec<String> = all
        .iter()
        .map(|row| row["name"].as_str().unwrap().to_owned())
        .collect();
    let expected: Vec<String> = (0..1_203).map(|number| format!("p{number:05}")).collect();
    assert_eq!(names, expected);
    let filtered = lines(
        &world,
        "/products?filter[stock]=3&sort=-stock,name&include=category",
    )
    .await;
    assert_eq!(filtered.len(), 172);
    assert!(
        filtered
            .iter()
            .all(|row| row["stock"] == 3 && row["category"].is_null())
    );
    assert_eq!(lines(&world, "/products?limit=700").await.len(), 700);
    // From a cursor on.
    let first = crate::rest::get(&world, "/products?sort=name&limit=1000").await;
    let cursor = first.body["pagination"]["nextCursor"].as_str().unwrap();
    let rest = lines(&world, &format!("/products?sort=name&cursor={cursor}")).await;
    assert_eq!(rest.len(), 203);
}

async fn pieces(world: World) {
    products(&world, 3_000).await;
    let request = Request::builder()
        .uri("/api/products")
        .header(LINES.0, LINES.1)
        .extension(world.context.clone())
        .body(Body::empty())
        .unwrap();
    let router = carnet_records::routes::router(world.operations.clone());
    let mut body = router.oneshot(request).await.unwrap().into_body();
    let statements = || world.operations.store().counters().statements;
    // One piece is made when it is asked for, and none before.
    let before = statements();
    let (mut largest, mut rows, mut count) = (0, 0, 0);
    for _ in 0..3 {
        let piece = body.frame().await.unwrap().unwrap().into_data().unwrap();
        largest = largest.max(piece.len());
        rows += piece.iter().filter(|byte| **byte == b'\n').count();
        count += 1;
    }
    assert_eq!((count, rows), (3, 1_500));
    assert_eq!(statements() - before, 2);
    // A piece is as large whatever follows: six of them make the table.
    assert!(largest < 500 * 1_500, "{largest}");
    drop(body);
    tokio::task::yield_now().await;
    assert_eq!(statements() - before, 2);
}

async fn refused(world: World) {
    for (path, code) in [
        ("/products?offset=3", "INVALID_PARAMETER"),
        ("/products?count=exact", "INVALID_PARAMETER"),
        ("/products?limit=0", "INVALID_PARAMETER"),
        ("/products?filter[nme]=3", "UNKNOWN_FIELD"),
        ("/products?cursor=x", "CURSOR_INVALID"),
    ] {
        let reply = send(&world, "GET", path, &[LINES], "").await;
        assert_eq!((reply.status, reply.code()), (400, code), "{path}");
    }
    let reply = send(
        &world,
        "GET",
        "/products/01M7YNHEYVEXRVRZ4WVN2HR80A",
        &[LINES],
        "",
    )
    .await;
    assert_eq!((reply.status, reply.code()), (406, "NOT_ACCEPTABLE"));
}
