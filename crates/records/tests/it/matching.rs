//! Writes by filter.

#![cfg(test)]

use crate::rest::send_json as send;
use crate::world::World;
use serde_json::{Value, json};
use tokio::task::JoinSet;

crate::on_both!(
    a_patch_of_what_matches,
    a_bound_refuses_all,
    filters_reach_over_relations,
    deletions_keep_their_rules,
    a_fault_names_its_record,
    many_rows_in_sets,
    two_writers_count_every_row,
);

async fn products(world: &World, count: usize) {
    let items: Vec<String> = (0..count)
        .map(|number| {
            let data = json!({ "name": format!("p{number}"), "stock": number, "note": "a_%" });
            json!({ "operation": "create", "data": data }).to_string()
        })
        .collect();
    for chunk in items.chunks(1_000) {
        world.batch("products", chunk).await.unwrap();
    }
}

async fn a_patch_of_what_matches(world: World) {
    products(&world, 6).await;
    let path = "/products?filter[stock][gte]=2";
    let reply = send(
        &world,
        "PATCH",
        path,
        &[],
        r#"{"stock":{"$inc":-1},"status":"published"}"#,
    )
    .await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let data = &reply.body["data"];
    assert_eq!((&data["count"], &data["unchanged"]), (&json!(4), &json!(0)));
    assert_eq!(data["ids"].as_array().unwrap().len(), 4);
    let stocks = world.names("products", "sort=name", "stock").await;
    assert_eq!(stocks, ["0", "1", "1", "2", "3", "4"]);
    let again = send(
        &world,
        "PATCH",
        "/products?filter[stock][lt]=3",
        &[],
        r#"{"status":"published"}"#,
    )
    .await;
    let data = &again.body["data"];
    assert_eq!((&data["count"], &data["unchanged"]), (&json!(2), &json!(2)));
    // Every row has its images.
    let (rows, _) = world
        .list("journal", "filter[kind]=update&limit=100")
        .await
        .unwrap();
    assert_eq!(rows.len(), 6);
    assert!(
        rows.iter()
            .all(|row| row["body"]["before"]["status"] == "draft")
    );
    let none = send(
        &world,
        "PATCH",
        "/products?filter[stock][gt]=900",
        &[],
        r#"{"stock":1}"#,
    )
    .await;
    assert_eq!(
        none.body["data"],
        json!({ "count": 0, "unchanged": 0, "ids": [] })
    );
}

async fn a_bound_refuses_all(world: World) {
    products(&world, 101).await;
    for path in [
        "/products?filter[stock][gte]=0",
        "/products?filter[stock][gte]=99&maxAffected=1",
    ] {
        let reply = send(&world, "DELETE", path, &[], "").await;
        assert_eq!(
            (reply.status, reply.code()),
            (409, "TOO_MANY_MATCHES"),
            "{path}"
        );
    }
    for path in ["/products", "/products?maxAffected=5", "/products?limit=5"] {
        assert_eq!(
            send(&world, "DELETE", path, &[], "").await.status,
            400,
            "{path}"
        );
        assert_eq!(
            send(&world, "PATCH", path, &[], "{}").await.status,
            400,
            "{path}"
        );
    }
    assert_eq!(world.list("products", "").await.unwrap().1, Some(101));
    assert_eq!(
        send(&world, "PATCH", "/orders?filter[number]=1", &[], "{}")
            .await
            .status,
        428
    );
    let any = send(
        &world,
        "PATCH",
        "/orders?filter[number]=1",
        &[("if-match", "*")],
        "{}",
    )
    .await;
    assert_eq!(any.status, 200);
    let one = send(
        &world,
        "PATCH",
        "/orders?filter[number]=1",
        &[("if-match", "\"1\"")],
        "{}",
    )
    .await;
    assert_eq!(one.status, 412);
}

async fn filters_reach_over_relations(world: World) {
    let pens = world.made("categories", r#"{"name":"Pens"}"#).await;
    for (name, category) in [("a_%", Some(&pens)), ("b", Some(&pens)), ("c", None)] {
        let body = json!({ "name": name, "categoryId": category }).to_string();
        world.made("products", &body).await;
    }
    // Suffixes are read from a find view on PostgreSQL, whose rows cannot be locked.
    for (filter, count) in [
        ("filter[category.name][ieq]=PENS", 2),
        ("filter[name][endsWith]=%25", 1),
        ("filter[category.name][endsWith]=ns", 2),
        (
            "filter[or][0][name]=c&filter[or][1][category.name][contains]=en",
            3,
        ),
    ] {
        let path = format!("/products?{filter}");
        let reply = send(&world, "PATCH", &path, &[], r#"{"stock":{"$inc":1}}"#).await;
        assert_eq!(
            reply.body["data"]["count"], count,
            "{filter}: {}",
            reply.body
        );
    }
}

async fn deletions_keep_their_rules(world: World) {
    let product = world.made("products", r#"{"name":"a"}"#).await;
    let free = world.made("products", r#"{"name":"b"}"#).await;
    let mut orders = Vec::new();
    for number in 1..=3 {
        let order = world
            .made("orders", &json!({ "number": number }).to_string())
            .await;
        let line = json!({ "orderId": order, "productId": product }).to_string();
        world.made("lines", &line).await;
        orders.push(order);
    }
    // Restricted: nothing goes, not even what is free.
    let reply = send(&world, "DELETE", "/products?filter[stock]=0", &[], "").await;
    assert_eq!(
        (reply.status, reply.code()),
        (409, "RECORD_IN_USE"),
        "{}",
        reply.body
    );
    assert!(world.read("products", &free, "").await.is_ok());
    // Cascading: the lines of two orders in one step.
    let reply = send(
        &world,
        "DELETE",
        "/orders?filter[number][lte]=2",
        &[("if-match", "*")],
        "",
    )
    .await;
    assert_eq!(reply.body["data"]["count"], 2, "{}", reply.body);
    assert_eq!(reply.body["data"]["ids"], json!(orders[..2]));
    assert_eq!(
        world.journal(4).await,
        [
            "lines delete 2",
            "lines delete 2",
            "orders delete 2",
            "orders delete 2"
        ]
    );
    // Cleared, also where both sides go.
    let top = world.made("categories", r#"{"name":"top"}"#).await;
    for name in ["x", "y"] {
        let body = json!({ "name": name, "parentId": top }).to_string();
        world.made("categories", &body).await;
    }
    let reply = send(
        &world,
        "DELETE",
        "/categories?filter[name][in]=top,x",
        &[],
        "",
    )
    .await;
    assert_eq!(reply.body["data"]["count"], 2, "{}", reply.body);
    let (rest, _) = world.list("categories", "").await.unwrap();
    assert_eq!((rest.len(), &rest[0]["parentId"]), (1, &Value::Null));
}

async fn a_fault_names_its_record(world: World) {
    products(&world, 3).await;
    let reply = send(
        &world,
        "PATCH",
        "/products?filter[stock][gte]=0",
        &[],
        r#"{"stock":{"$inc":-1}}"#,
    )
    .await;
    assert_eq!((reply.status, reply.code()), (400, "VALIDATION_FAILED"));
    let (rows, _) = world.list("products", "filter[name]=p0").await.unwrap();
    let id = rows[0]["id"].as_str().unwrap();
    let fields = reply.body["error"]["details"][0]["field"]
        .as_str()
        .map(str::to_owned);
    if let Some(field) = fields {
        assert_eq!(field, format!("records[{id}].stock"));
    }
    assert_eq!(rows[0]["version"], 1);
}

async fn many_rows_in_sets(world: World) {
    products(&world, 2_500).await;
    let path = "/products?filter[stock][gte]=0&maxAffected=2500";
    let reply = send(&world, "PATCH", path, &[], r#"{"stock":{"$inc":1}}"#).await;
    assert_eq!(reply.body["data"]["count"], 2_500, "{}", reply.body);
    assert_eq!(reply.body["data"]["ids"].as_array().unwrap().len(), 1_000);
    let reply = send(&world, "DELETE", path, &[], "").await;
    assert_eq!(reply.body["data"]["count"], 2_500, "{}", reply.body);
    assert_eq!(world.list("products", "").await.unwrap().1, Some(0));
    let (_, total) = world.list("journal", "count=exact").await.unwrap();
    assert_eq!(total, Some(7_500));
}

async fn two_writers_count_every_row(world: World) {
    products(&world, 20).await;
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let world = world.clone();
        tasks.spawn(async move {
            let path = "/products?filter[name][startsWith]=p";
            send(&world, "PATCH", path, &[], r#"{"stock":{"$inc":1}}"#)
                .await
                .status
        });
    }
    assert_eq!(tasks.join_all().await, [200; 8]);
    let stocks = world
        .names("products", "sort=stock&limit=100", "stock")
        .await;
    let expected: Vec<String> = (8..28).map(|number: i32| number.to_string()).collect();
    assert_eq!(stocks, expected);
}
