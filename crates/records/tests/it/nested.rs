//! Related records in one body and one transaction.

#![cfg(test)]

use crate::rest::send_json;
use crate::world::World;
use serde_json::{Value, json};

crate::on_both!(
    an_order_with_its_lines,
    a_change_of_all_kinds,
    all_or_nothing,
    only_what_is_related,
    a_new_record_to_refer_to,
);

async fn product(world: &World, name: &str) -> String {
    world
        .made("products", &json!({ "name": name }).to_string())
        .await
}

async fn an_order_with_its_lines(world: World) {
    let (pen, ink) = (product(&world, "pen").await, product(&world, "ink").await);
    let body = json!({ "number": 1, "lines": [
        { "productId": pen, "quantity": 2 },
        { "productId": ink },
    ] });
    let reply = send_json(&world, "POST", "/orders", &[], &body.to_string()).await;
    assert_eq!(reply.status, 201, "{}", reply.body);
    let data = &reply.body["data"];
    let id = data["id"].as_str().unwrap();
    assert_eq!(
        reply.header("location"),
        Some(format!("/api/v1/orders/{id}").as_str())
    );
    let included = world.read("orders", id, "include=lines").await.unwrap();
    let sorted = |value: &Value| {
        let mut lines = value["lines"].as_array().unwrap().clone();
        lines.sort_by_key(|line| line["id"].to_string());
        lines
    };
    assert_eq!(sorted(data), sorted(&included));
    assert_eq!(data["lines"][0]["orderId"], id);
    assert_eq!(data["lines"][1]["quantity"], 1);
    assert_eq!(
        world.journal(3).await,
        ["orders create 1", "lines create 1", "lines create 1"]
    );
}

async fn a_change_of_all_kinds(world: World) {
    let mut products = Vec::new();
    for name in ["a", "b", "c"] {
        products.push(product(&world, name).await);
    }
    let body = json!({ "number": 1, "lines": [{ "productId": products[0] }, { "productId": products[1] }] });
    let made = world.create("orders", &body.to_string()).await.unwrap();
    let id = made["id"].as_str().unwrap();
    let line = |place: usize| made["lines"][place]["id"].clone();
    let body = json!({ "number": 2, "lines": {
        "create": [{ "productId": products[2], "quantity": 7 }, { "productId": products[1] }],
        "update": [{ "id": line(0), "version": 1, "quantity": { "$inc": 4 } }],
        "delete": [line(1)],
    } });
    let path = format!("/orders/{id}");
    let stale = send_json(
        &world,
        "PATCH",
        &path,
        &[("if-match", "\"9\"")],
        &body.to_string(),
    )
    .await;
    assert_eq!(stale.status, 412);
    let reply = send_json(
        &world,
        "PATCH",
        &path,
        &[("if-match", "\"1\"")],
        &body.to_string(),
    )
    .await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let data = &reply.body["data"];
    assert_eq!((&data["number"], &data["version"]), (&json!(2), &json!(2)));
    let written = data["lines"].as_array().unwrap();
    assert_eq!(written.len(), 3);
    assert!(
        written
            .iter()
            .any(|line| line["quantity"] == 5 && line["version"] == 2)
    );
    let (lines, _) = world
        .list("lines", &format!("filter[orderId]={id}&sort=quantity"))
        .await
        .unwrap();
    let quantities: Vec<_> = lines.iter().map(|line| line["quantity"].clone()).collect();
    assert_eq!(quantities, [1, 5, 7]);
    // What only related records change keeps the version of the record.
    let body = json!({ "lines": { "update": [{ "id": line(0), "quantity": 6 }] } });
    let reply = send_json(
        &world,
        "PATCH",
        &path,
        &[("if-match", "\"2\"")],
        &body.to_string(),
    )
    .await;
    assert_eq!(reply.body["data"]["version"], 2, "{}", reply.body);
    assert_eq!(reply.body["data"]["lines"][0]["quantity"], 6);
    assert_eq!(world.journal(1).await, ["lines update 3"]);
    let body = json!({ "number": 3, "lines": { "delete": [line(0)] } });
    let reply = send_json(
        &world,
        "PUT",
        &path,
        &[("if-match", "\"2\"")],
        &body.to_string(),
    )
    .await;
    assert_eq!(
        (reply.status, &reply.body["data"]["lines"]),
        (200, &json!([]))
    );
}

async fn all_or_nothing(world: World) {
    let pen = product(&world, "pen").await;
    let body = json!({ "number": 1, "lines": [{ "productId": pen }, { "productId": pen }] });
    let reply = send_json(&world, "POST", "/orders", &[], &body.to_string()).await;
    assert_eq!((reply.status, reply.code()), (409, "UNIQUE_VIOLATION"));
    assert_eq!(reply.fields(), ["lines[1].orderId", "lines[1].productId"]);
    let nowhere = "00000000000000000000000001";
    let body = json!({ "number": 1, "lines": [{ "productId": pen }, { "productId": nowhere }] });
    let reply = send_json(&world, "POST", "/orders", &[], &body.to_string()).await;
    assert_eq!(
        (reply.code(), reply.fields()),
        ("REFERENCE_NOT_FOUND", vec!["lines[1].productId".to_owned()])
    );
    assert_eq!(world.list("orders", "").await.unwrap().1, Some(0));
    assert_eq!(world.journal(9).await, ["products create 1"]);
}

async fn only_what_is_related(world: World) {
    let pen = product(&world, "pen").await;
    let mut ids = Vec::new();
    for number in 1..=2 {
        let body = json!({ "number": number, "lines": [{ "productId": pen }] });
        let made = world.create("orders", &body.to_string()).await.unwrap();
        ids.push((made["id"].clone(), made["lines"][0]["id"].clone()));
    }
    let path = format!("/orders/{}", ids[0].0.as_str().unwrap());
    for (words, field) in [
        (
            json!({ "update": [{ "id": ids[1].1, "quantity": 9 }] }),
            "lines.update[0].id",
        ),
        (json!({ "delete": [ids[1].1] }), "lines.delete[0].id"),
    ] {
        let body = json!({ "lines": words }).to_string();
        let reply = send_json(&world, "PATCH", &path, &[("if-match", "*")], &body).await;
        assert_eq!((reply.status, reply.code()), (404, "NOT_FOUND"), "{body}");
        assert_eq!(reply.fields(), [field]);
    }
    assert_eq!(world.list("lines", "").await.unwrap().1, Some(2));
}

async fn a_new_record_to_refer_to(world: World) {
    let body = json!({ "name": "pen", "category": { "create": { "name": "pens" } } });
    let made = world.create("products", &body.to_string()).await.unwrap();
    assert_eq!(made["category"]["name"], "pens");
    assert_eq!(made["categoryId"], made["category"]["id"]);
    let id = made["id"].as_str().unwrap();
    let body = json!({ "stock": { "$inc": 3 }, "category": { "create": { "name": "inks" } } });
    let changed = world
        .patch("products", id, &body.to_string(), None)
        .await
        .unwrap();
    assert_eq!(
        (&changed["stock"], &changed["category"]["name"]),
        (&json!(3), &json!("inks"))
    );
    assert_eq!(world.list("categories", "").await.unwrap().1, Some(2));
    let body = json!({ "name": "x", "category": { "create": { "name": "INKS" } } });
    let reply = send_json(&world, "POST", "/products", &[], &body.to_string()).await;
    assert_eq!(reply.fields(), ["category.create.name"]);
}
