//! Related records in the data of items: of batches and of transactions.

#![cfg(test)]

use crate::rest::{Reply, send};
use crate::world::World;
use serde_json::{Value, json};

crate::on_both!(
    related_records_in_a_transaction,
    items_that_refer_to_what_is_left,
    faults_have_the_path_of_the_record,
    what_the_database_refuses_has_that_path_too,
    each_item_by_itself,
    the_same_key_is_answered_alike,
    bounds_of_related_records,
    upserts_and_filters_take_none,
    a_dry_run_leaves_nothing,
);

async fn post(world: &World, path: &str, headers: &[(&str, &str)], body: &Value) -> Reply {
    let mut all = vec![("content-type", "application/json")];
    all.extend(headers);
    send(world, "POST", path, &all, &body.to_string()).await
}

async fn transact(world: &World, policy: &str, items: &Value) -> Reply {
    let body = json!({ "policy": policy, "items": items });
    post(world, "/transactions", &[], &body).await
}

#[track_caller]
fn done(reply: &Reply) -> &Value {
    assert_eq!(reply.status, 200, "{}", reply.body);
    &reply.body["data"]
}

/// The places and rules of a refusal.
fn told(reply: &Reply) -> Vec<String> {
    let details = reply.refusal.iter().flat_map(|refusal| &refusal.details);
    details
        .map(|detail| format!("{}: {}", detail.field, detail.rule))
        .collect()
}

async fn product(world: &World, name: &str) -> String {
    let body = json!({ "name": name }).to_string();
    world.made("products", &body).await
}

async fn related_records_in_a_transaction(world: World) {
    let ink = product(&world, "ink").await;
    let items = json!([
        { "operation": "create", "resourceName": "products",
          "data": { "name": "pen", "category": { "create": { "name": "pens" } } } },
        { "operation": "create", "resourceName": "orders", "data": { "number": 1, "lines": [
            { "productId": "{{result[0].id}}", "quantity": 2 },
            { "productId": ink },
        ] } },
        { "operation": "create", "resourceName": "orders", "data": { "number": 2, "lines": [
            { "productId": "{{result[0].id}}", "quantity": "{{result[1].number}}" },
        ] } },
        { "operation": "patch", "resourceName": "products", "id": ink,
          "data": { "categoryId": "{{result[0].categoryId}}" } },
    ]);
    let reply = transact(&world, "atomic", &items).await;
    let data = done(&reply);
    assert_eq!(data[0]["category"]["name"], "pens");
    assert_eq!(data[0]["categoryId"], data[0]["category"]["id"]);
    assert_eq!(data[1]["lines"][0]["productId"], data[0]["id"]);
    assert_eq!(data[1]["lines"][0]["orderId"], data[1]["id"]);
    assert_eq!(data[1]["lines"][1]["quantity"], 1);
    assert_eq!(data[2]["lines"][0]["quantity"], 1);
    assert_eq!(data[3]["categoryId"], data[0]["categoryId"]);
    // The answer is what is stored.
    for place in [1, 2] {
        let id = data[place]["id"].as_str().unwrap();
        let include = "include=lines(sort:id)";
        let stored = world.read("orders", id, include).await.unwrap();
        assert_eq!(data[place], stored);
    }
    assert_eq!(world.list("lines", "").await.unwrap().1, Some(3));

    // A batch of one resource, with changes of what is there.
    let (first, second) = (&data[1], &data[2]);
    let items = json!([
        { "operation": "patch", "id": first["id"], "version": 1, "data": { "lines": {
            "create": [{ "product": { "create": { "name": "pad" } } }],
            "update": [{ "id": first["lines"][0]["id"], "quantity": { "$inc": 5 } }],
            "delete": [first["lines"][1]["id"]],
        } } },
        { "operation": "update", "id": second["id"], "version": 1,
          "data": { "number": 3, "lines": { "delete": [second["lines"][0]["id"]] } } },
        { "operation": "delete", "id": second["id"], "version": 2 },
    ]);
    let reply = post(&world, "/orders/batch", &[], &json!({ "items": items })).await;
    let data = done(&reply);
    assert_eq!(data[0]["version"], 1, "only related records changed");
    assert_eq!(data[0]["lines"][0]["product"]["name"], "pad");
    assert_eq!(data[0]["lines"][1]["quantity"], 7);
    assert_eq!(
        (&data[1]["version"], &data[1]["lines"]),
        (&json!(2), &json!([]))
    );
    assert_eq!(data[2], Value::Null);
    assert_eq!(world.list("lines", "").await.unwrap().1, Some(2));
}

async fn items_that_refer_to_what_is_left(world: World) {
    let (pen, ink) = (product(&world, "pen").await, product(&world, "ink").await);
    let items = json!([
        // What a change leaves is known when it is done.
        { "operation": "patch", "resourceName": "products", "id": pen, "data": { "stock": { "$inc": 4 } } },
        { "operation": "create", "resourceName": "orders", "data": { "number": "{{result[0].stock}}", "lines": [
            { "productId": "{{result[0].id}}", "quantity": "{{result[0].version}}" },
            { "productId": ink, "quantity": 9 },
        ] } },
        { "operation": "patch", "resourceName": "orders", "id": "{{result[1].id}}", "version": "{{result[1].version}}",
          "data": { "number": 5, "lines": { "create": [
            { "product": { "create": { "name": "pad {{result[1].number}}" } } },
        ] } } },
        { "operation": "create", "resourceName": "orders", "data": { "number": 7, "lines": [
            { "productId": "{{result[2].id}}" },
        ] } },
    ]);
    let failed = transact(&world, "atomic", &items).await;
    assert_eq!(failed.code(), "REFERENCE_NOT_FOUND", "{}", failed.body);
    assert_eq!(told(&failed), ["items[3].lines[0].productId: reference"]);
    assert_eq!(world.list("orders", "").await.unwrap().1, Some(0));

    let items = json!(items.as_array().unwrap()[..3]);
    let reply = transact(&world, "atomic", &items).await;
    let data = done(&reply);
    assert_eq!(
        (&data[1]["number"], &data[2]["number"]),
        (&json!(4), &json!(5))
    );
    assert_eq!(data[1]["lines"][0]["productId"], json!(pen));
    assert_eq!(data[1]["lines"][0]["quantity"], 2);
    assert_eq!(data[2]["id"], data[1]["id"]);
    assert_eq!(data[2]["lines"][0]["product"]["name"], "pad 4");
    let id = data[1]["id"].as_str().unwrap();
    let stored = world.read("orders", id, "include=lines(sort:id)").await;
    let stored = stored.unwrap();
    assert_eq!(stored["lines"].as_array().unwrap().len(), 3);
    assert_eq!(stored["lines"][0], data[1]["lines"][0]);

    // A relation is no field, and a reference stands for a value, not for records.
    for (data, place) in [
        (
            json!({ "number": 8, "lines": [{ "productId": "{{result[0].lines.0.id}}" }] }),
            "items[1]: reference",
        ),
        (
            json!({ "number": 8, "lines": "{{result[0].details.lines}}" }),
            "items[1]: reference",
        ),
    ] {
        let details =
            json!({ "lines": [{ "productId": pen }, { "productId": ink }, { "productId": ink }] });
        let items = json!([
            { "operation": "patch", "resourceName": "products", "id": pen, "data": { "details": details } },
            { "operation": "create", "resourceName": "orders", "data": data },
        ]);
        let reply = transact(&world, "atomic", &items).await;
        assert_eq!(reply.status, 400, "{}", reply.body);
        assert_eq!(told(&reply)[0], place);
    }
}

async fn faults_have_the_path_of_the_record(world: World) {
    let pen = product(&world, "pen").await;
    let items = json!([
        { "operation": "create", "data": { "number": "x", "lines": [{ "productId": pen, "quantity": "many" }] } },
        { "operation": "create", "data": { "number": 1, "lines": [{ "productId": pen, "orderId": pen }] } },
        { "operation": "create", "data": { "lines": { "update": [] } } },
        { "operation": "update", "id": pen, "version": 1, "data": { "number": 1, "lines": [{}] } },
        { "operation": "patch", "id": pen, "version": 1, "data": { "lines": { "update": [{ "quantity": 1 }], "make": [] } } },
        { "operation": "patch", "id": pen, "data": { "lines": {} } },
    ]);
    let reply = post(&world, "/orders/batch", &[], &json!({ "items": items })).await;
    assert_eq!(reply.code(), "VALIDATION_FAILED");
    assert_eq!(
        told(&reply),
        [
            "items[0].number: type",
            "items[0].lines[0].quantity: type",
            "items[1].lines[0].orderId: conflict",
            "items[2].number: required",
            "items[2].lines.update: unknown",
            "items[3].lines: type",
            "items[4].lines.update[0].id: required",
            "items[4].lines.make: unknown",
            "items[5].version: required",
        ]
    );
    assert_eq!(world.journal(9).await, ["products create 1"]);
}

async fn what_the_database_refuses_has_that_path_too(world: World) {
    let pen = product(&world, "pen").await;
    let made = json!({ "number": 1, "lines": [{ "productId": pen }] }).to_string();
    let order = world.create("orders", &made).await.unwrap();
    let other = world.create("orders", r#"{"number":2}"#).await.unwrap();
    let before = world.journal(20).await;
    let nowhere = world.operations.next_id().to_string();
    let create = |data: Value| json!({ "operation": "create", "data": data });
    let patch = |id: &Value, lines: Value| json!({ "operation": "patch", "id": id, "version": 1, "data": { "lines": lines } });
    let cases = [
        (
            create(json!({ "number": 9, "lines": [{ "productId": pen }, { "productId": pen }] })),
            "UNIQUE_VIOLATION",
            vec![
                "items[1].lines[1].orderId: unique",
                "items[1].lines[1].productId: unique",
            ],
        ),
        (
            create(json!({ "number": 1, "lines": [{ "productId": pen }] })),
            "UNIQUE_VIOLATION",
            vec!["items[1].number: unique"],
        ),
        (
            create(json!({ "number": 9, "lines": [{ "productId": nowhere }] })),
            "REFERENCE_NOT_FOUND",
            vec!["items[1].lines[0].productId: reference"],
        ),
        (
            patch(
                &other["id"],
                json!({ "update": [{ "id": order["lines"][0]["id"], "quantity": 3 }] }),
            ),
            "NOT_FOUND",
            vec!["items[1].lines.update[0].id: related"],
        ),
        (
            patch(
                &order["id"],
                json!({ "update": [{ "id": order["lines"][0]["id"], "version": 7, "quantity": 3 }] }),
            ),
            "PRECONDITION_FAILED",
            vec!["items[1].lines.update[0]: failed"],
        ),
    ];
    for (item, code, places) in cases {
        let items = json!([create(json!({ "number": 8 })), item]);
        let reply = post(&world, "/orders/batch", &[], &json!({ "items": items })).await;
        assert_eq!(reply.code(), code, "{item}: {}", reply.body);
        assert_eq!(told(&reply), places, "{item}");
        assert_eq!(world.journal(20).await, before, "{item}");
    }
}

async fn each_item_by_itself(world: World) {
    let pen = product(&world, "pen").await;
    let items = json!([
        { "operation": "create", "resourceName": "orders", "data": { "number": 1, "lines": [{ "productId": pen }] } },
        { "operation": "create", "resourceName": "orders", "data": { "number": 2, "lines": [{ "productId": pen }, { "productId": pen }] } },
        { "operation": "create", "resourceName": "orders", "data": { "number": 3, "lines": [{ "quantity": 1 }] } },
        { "operation": "patch", "resourceName": "orders", "id": "{{result[0].id}}", "version": 1,
          "data": { "lines": { "create": [{ "product": { "create": { "name": "ink" } } }] } } },
        { "operation": "create", "resourceName": "orders", "data": { "number": 4, "lines": [{ "productId": "{{result[1].id}}" }] } },
    ]);
    let reply = transact(&world, "each", &items).await;
    assert_eq!(reply.status, 207, "{}", reply.body);
    let results = reply.body["data"].as_array().unwrap();
    let statuses: Vec<&Value> = results.iter().map(|one| &one["status"]).collect();
    assert_eq!(
        json!(statuses),
        json!([201, 409, 400, 200, 400]),
        "{}",
        reply.body
    );
    let place = |at: usize| results[at]["error"]["details"][0]["field"].clone();
    assert_eq!(place(1), "items[1].lines[1].orderId");
    assert_eq!(place(2), "items[2].lines[0].productId");
    assert_eq!(results[0]["data"]["lines"][0]["productId"], json!(pen));
    assert_eq!(results[3]["data"]["lines"][0]["product"]["name"], "ink");
    assert_eq!(world.names("orders", "", "number").await, ["1"]);
    assert_eq!(world.list("lines", "").await.unwrap().1, Some(2));
}

async fn the_same_key_is_answered_alike(world: World) {
    let pen = product(&world, "pen").await;
    for policy in ["atomic", "each"] {
        let number = if policy == "atomic" { 1 } else { 2 };
        let body = json!({ "policy": policy, "items": [
            { "operation": "create", "resourceName": "orders", "data": { "number": number, "lines": [{ "productId": pen }] } },
            { "operation": "patch", "resourceName": "orders", "id": "{{result[0].id}}", "version": 1,
              "data": { "lines": { "create": [{ "product": { "create": { "name": "ink" } } }] } } },
        ] });
        let key = [("idempotency-key", policy)];
        let first = post(&world, "/transactions", &key, &body).await;
        assert_eq!(first.status, 200, "{}", first.body);
        // What was written moves on.
        let change = json!({ "policy": "atomic", "items": [
            { "operation": "patch", "resourceName": "lines", "where": { "quantity": 1 }, "data": { "quantity": 6 } },
        ] });
        done(&post(&world, "/transactions", &[], &change).await);
        let journal = world.journal(50).await;
        let again = post(&world, "/transactions", &key, &body).await;
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!(first.body, again.body);
        assert_eq!(world.journal(50).await, journal);
    }
}

async fn bounds_of_related_records(world: World) {
    let pen = product(&world, "pen").await;
    let order = |number: usize, lines: usize| {
        let lines = vec![json!({ "product": { "create": { "name": "p" } } }); lines];
        json!({ "operation": "create", "data": { "number": number, "lines": lines } })
    };
    let many = json!({ "items": [order(1, 200), order(2, 301)] });
    let reply = post(&world, "/orders/batch", &[], &many).await;
    assert_eq!(told(&reply), ["items[1]: max"], "{}", reply.body);
    let alone = json!({ "items": [order(1, 1_001)] });
    let reply = post(&world, "/orders/batch", &[], &alone).await;
    assert!(
        told(&reply).contains(&"items[0]: max".to_owned()),
        "{}",
        reply.body
    );
    let fits = json!({ "items": [order(1, 20), order(2, 30)] });
    let reply = post(&world, "/orders/batch", &[], &fits).await;
    assert_eq!(done(&reply)[1]["lines"].as_array().unwrap().len(), 30);
    assert_eq!(world.list("lines", "").await.unwrap().1, Some(50));
    // Related records nest three deep, as in a body by itself.
    let deep = json!({ "items": [{ "operation": "create", "data": { "number": 3, "lines": [
        { "product": { "create": { "name": "p", "category": { "create": { "name": "c", "parent": { "create": {} } } } } } },
    ] } }] });
    let reply = post(&world, "/orders/batch", &[], &deep).await;
    assert_eq!(
        told(&reply),
        ["items[0].lines[0].product.create.category.create.parent: depth"]
    );
    assert_eq!(
        world.read("products", &pen, "").await.unwrap()["version"],
        1
    );
}

async fn upserts_and_filters_take_none(world: World) {
    product(&world, "pen").await;
    let items = json!([
        { "operation": "upsert", "key": ["sku"], "data": { "name": "p", "sku": "A", "category": { "create": { "name": "c" } } } },
        { "operation": "patch", "where": { "name": "pen" }, "data": { "category": { "create": { "name": "c" } } } },
    ]);
    let reply = post(&world, "/products/batch", &[], &json!({ "items": items })).await;
    assert_eq!(
        told(&reply),
        ["items[0].category: unknown", "items[1].category: unknown"]
    );
    assert_eq!(world.list("categories", "").await.unwrap().1, Some(0));
}

async fn a_dry_run_leaves_nothing(world: World) {
    let body = json!({ "items": [{ "operation": "create", "data": { "number": 1, "lines": [
        { "product": { "create": { "name": "p" } } },
    ] } }] });
    let reply = post(&world, "/orders/batch?dryRun=true", &[], &body).await;
    assert_eq!(done(&reply)[0]["lines"][0]["product"]["name"], "p");
    for resource in ["orders", "lines", "products"] {
        assert_eq!(world.list(resource, "").await.unwrap().1, Some(0));
    }
    assert!(world.journal(9).await.is_empty());
}
