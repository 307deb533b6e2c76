//! What the deletion of a record does to records that refer to it.

#![cfg(test)]

use crate::world::{World, code};
use carnet_kernel::Code;
use serde_json::{Value, json};

crate::on_both!(
    restrict,
    cascade,
    set_null,
    diamonds_and_guards,
    circles,
    bounds,
    across_a_guard_from_outside,
);

async fn restrict(world: World) {
    let category = world.made("categories", r#"{"name":"a"}"#).await;
    world
        .made(
            "products",
            &json!({ "name": "p", "categoryId": category }).to_string(),
        )
        .await;
    let refusal = world
        .delete("categories", &category, None)
        .await
        .unwrap_err();
    assert_eq!(refusal.code, Code::RecordInUse);
    assert_eq!(
        refusal.message,
        "records of `products` refer to this one by `categoryId`"
    );
    assert_eq!(world.journal(1).await, ["products create 1"]);
}

async fn cascade(world: World) {
    let order = world.made("orders", r#"{"number":1}"#).await;
    for number in 0..3 {
        let product = world
            .made("products", &format!(r#"{{"name":"p{number}"}}"#))
            .await;
        let line = json!({ "orderId": order, "productId": product }).to_string();
        world.made("lines", &line).await;
    }
    assert_eq!(
        code(world.delete("orders", &order, None).await),
        Code::PreconditionRequired
    );
    assert_eq!(
        code(world.delete("orders", &order, Some(2)).await),
        Code::PreconditionFailed
    );
    world.delete("orders", &order, Some(1)).await.unwrap();
    assert_eq!(
        world.journal(4).await,
        [
            "lines delete 2",
            "lines delete 2",
            "lines delete 2",
            "orders delete 2"
        ]
    );
    assert_eq!(world.list("lines", "").await.unwrap().1, Some(0));
    assert_eq!(world.list("products", "").await.unwrap().1, Some(3));
}

async fn set_null(world: World) {
    let top = world.made("categories", r#"{"name":"top"}"#).await;
    let mut below = Vec::new();
    for name in ["a", "b"] {
        let body = json!({ "name": name, "parentId": top }).to_string();
        below.push(world.made("categories", &body).await);
    }
    world.delete("categories", &top, None).await.unwrap();
    for id in &below {
        let record = world
            .read("categories", id, "include=parent")
            .await
            .unwrap();
        assert_eq!(record["parentId"], Value::Null);
        assert_eq!(record["parent"], Value::Null);
        assert_eq!(record["version"], 2);
    }
    assert_eq!(
        world.journal(3).await,
        [
            "categories update 2",
            "categories update 2",
            "categories delete 2"
        ]
    );
}

/// A node with references.
async fn node(world: &World, name: &str, references: &[(&str, &String)]) -> String {
    let mut body = json!({ "name": name });
    for (field, id) in references {
        body[*field] = json!(id);
    }
    world.made("nodes", &body.to_string()).await
}

async fn diamonds_and_guards(world: World) {
    let one = node(&world, "1", &[]).await;
    let two = node(&world, "2", &[("parentId", &one)]).await;
    let three = node(&world, "3", &[("parentId", &one), ("guardId", &two)]).await;
    node(
        &world,
        "4",
        &[("parentId", &two), ("secondId", &three), ("guardId", &one)],
    )
    .await;
    let friend = node(&world, "5", &[("friendId", &three)]).await;
    node(&world, "6", &[]).await;
    world.delete("nodes", &one, None).await.unwrap();
    assert_eq!(world.names("nodes", "sort=name", "name").await, ["5", "6"]);
    let friend = world.read("nodes", &friend, "").await.unwrap();
    assert_eq!(
        (&friend["friendId"], &friend["version"]),
        (&Value::Null, &json!(2))
    );
    let itself = node(&world, "7", &[]).await;
    let body = json!({ "parentId": itself, "friendId": itself, "guardId": itself }).to_string();
    world.patch("nodes", &itself, &body, None).await.unwrap();
    world.delete("nodes", &itself, None).await.unwrap();
}

async fn circles(world: World) {
    let one = node(&world, "1", &[]).await;
    let two = node(&world, "2", &[("parentId", &one)]).await;
    let back = json!({ "parentId": two }).to_string();
    world.patch("nodes", &one, &back, None).await.unwrap();
    let refusal = world.delete("nodes", &one, None).await.unwrap_err();
    assert_eq!(refusal.code, Code::RecordInUse);
    assert!(refusal.message.contains("in a circle"), "{refusal}");
    world
        .patch("nodes", &one, r#"{"parentId":null}"#, None)
        .await
        .unwrap();
    world.delete("nodes", &one, None).await.unwrap();
    assert_eq!(world.list("nodes", "").await.unwrap().1, Some(0));
}

async fn bounds(world: World) {
    let top = node(&world, "top", &[]).await;
    let items: Vec<String> = (0..1_000)
        .map(|number| {
            let data = json!({ "name": format!("n{number}"), "parentId": top });
            json!({ "operation": "create", "data": data }).to_string()
        })
        .collect();
    world.batch("nodes", &items).await.unwrap();
    let refusal = world.delete("nodes", &top, None).await.unwrap_err();
    assert_eq!(refusal.code, Code::RecordInUse);
    let (rows, _) = world.list("nodes", "filter[name]=n0").await.unwrap();
    let one = rows[0]["id"].as_str().unwrap();
    world.delete("nodes", one, None).await.unwrap();
    world.delete("nodes", &top, None).await.unwrap();
    assert_eq!(world.list("nodes", "").await.unwrap().1, Some(0));

    let mut last = node(&world, "0", &[]).await;
    let first = last.clone();
    for number in 1..=51 {
        last = node(&world, &number.to_string(), &[("parentId", &last)]).await;
    }
    let refusal = world.delete("nodes", &first, None).await.unwrap_err();
    assert_eq!(refusal.code, Code::RecordInUse);
    world.delete("nodes", &last, None).await.unwrap();
    world.delete("nodes", &first, None).await.unwrap();
}

async fn across_a_guard_from_outside(world: World) {
    let one = node(&world, "1", &[]).await;
    let two = node(&world, "2", &[("parentId", &one)]).await;
    node(&world, "outside", &[("guardId", &two)]).await;
    let before = world.journal(100).await;
    let refusal = world.delete("nodes", &one, None).await.unwrap_err();
    assert_eq!(refusal.code, Code::RecordInUse);
    assert_eq!(
        refusal.message,
        "records of `nodes` refer to this one by `guardId`"
    );
    assert_eq!(world.list("nodes", "").await.unwrap().1, Some(3));
    assert_eq!(world.journal(100).await, before);
}
