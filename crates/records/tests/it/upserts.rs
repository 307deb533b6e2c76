//! Creating a record or changing the one with the same key.

#![cfg(test)]

use crate::rest::send_json as send;
use crate::world::World;
use serde_json::{Value, json};
use tokio::task::JoinSet;

crate::on_both!(
    creates_then_changes,
    the_key_knows_no_case_where_its_constraint_knows_none,
    versions_are_respected,
    one_record_whoever_comes_first,
);

async fn creates_then_changes(world: World) {
    let made = send(
        &world,
        "POST",
        "/products?upsert=sku",
        &[],
        r#"{"name":"Pen","sku":"S-1","stock":4,"note":"old"}"#,
    )
    .await;
    assert_eq!(made.status, 201, "{}", made.body);
    let id = made.body["data"]["id"].as_str().unwrap().to_owned();
    assert_eq!(
        made.header("location"),
        Some(format!("/api/v1/products/{id}").as_str())
    );
    // What the body does not name stays.
    let body = r#"{"name":"Pencil","sku":"S-1","stock":5}"#;
    let changed = send(&world, "POST", "/products?upsert=sku", &[], body).await;
    assert_eq!((changed.status, changed.header("location")), (200, None));
    assert_eq!(changed.header("etag"), Some("\"2\""));
    let data = &changed.body["data"];
    assert_eq!(data["id"].as_str(), Some(id.as_str()));
    assert_eq!((&data["note"], &data["stock"]), (&json!("old"), &json!(5)));
    // The same again changes nothing.
    let same = send(&world, "POST", "/products?upsert=sku", &[], body).await;
    assert_eq!((same.status, same.header("etag")), (200, Some("\"2\"")));
    assert_eq!(
        world.journal(10).await,
        ["products create 1", "products update 2"]
    );
    let missing = send(
        &world,
        "POST",
        "/products?upsert=sku",
        &[],
        r#"{"name":"Pen"}"#,
    )
    .await;
    assert_eq!(missing.code(), "VALIDATION_FAILED");
    let unknown = send(&world, "POST", "/products?upsert=name", &[], body).await;
    assert_eq!(unknown.code(), "INVALID_PARAMETER");
    // A violation of another constraint is told as ever.
    let token = r#"{"id":"00000000-0000-0000-0000-000000000007","name":"a"}"#;
    for (status, name) in [(201, "a"), (200, "b")] {
        let body = token.replace("\"a\"", &format!("\"{name}\""));
        let reply = send(&world, "POST", "/tokens?upsert=id", &[], &body).await;
        assert_eq!(
            (reply.status, &reply.body["data"]["name"]),
            (status, &json!(name))
        );
    }
}

async fn the_key_knows_no_case_where_its_constraint_knows_none(world: World) {
    let first = world.made("categories", r#"{"name":"Stra\u00dfe"}"#).await;
    let reply = send(
        &world,
        "POST",
        "/categories?upsert=name",
        &[],
        r#"{"name":"STRASSE"}"#,
    )
    .await;
    assert_eq!(
        (reply.status, reply.body["data"]["id"].as_str()),
        (200, Some(first.as_str()))
    );
    assert_eq!(reply.body["data"]["name"], "STRASSE");
}

async fn versions_are_respected(world: World) {
    let path = "/orders?upsert=number";
    let post = async |headers: &[(&str, &str)], body: &str| {
        send(&world, "POST", path, headers, body).await
    };
    assert_eq!(
        post(&[("if-match", "*")], r#"{"number":1}"#).await.status,
        412
    );
    assert_eq!(post(&[], r#"{"number":1}"#).await.status, 201);
    assert_eq!(post(&[], r#"{"number":1}"#).await.status, 428);
    assert_eq!(
        post(&[("if-match", "\"7\"")], r#"{"number":1}"#)
            .await
            .status,
        412
    );
    assert_eq!(
        post(&[("if-match", "\"1\"")], r#"{"number":1}"#)
            .await
            .status,
        200
    );
}

async fn one_record_whoever_comes_first(world: World) {
    for round in 0..3 {
        let mut tasks = JoinSet::new();
        for number in 0..32 {
            let world = world.clone();
            tasks.spawn(async move {
                let body = json!({ "name": number.to_string(), "sku": format!("R-{round}"), "stock": number });
                let reply = send(&world, "POST", "/products?upsert=sku", &[], &body.to_string()).await;
                (reply.status, reply.body)
            });
        }
        let replies: Vec<(u16, Value)> = tasks.join_all().await;
        let made = replies.iter().filter(|(status, _)| *status == 201).count();
        let changed = replies.iter().filter(|(status, _)| *status == 200).count();
        assert_eq!((made, changed), (1, 31), "{replies:?}");
    }
    assert_eq!(world.list("products", "").await.unwrap().1, Some(3));
    assert_eq!(world.journal(1_000).await.len(), 96);
}
