//! Items beyond create, update, patch and delete: upserts, restorations, purges, and writes by
//! filter among others in one transaction.

#![cfg(test)]

use crate::rest::{Reply, send};
use crate::world::World;
use serde_json::{Value, json};

crate::on_both!(
    upserts_make_and_change,
    deletions_are_taken_back_and_purged,
    writes_by_filter_see_what_stands_before,
    bounds_of_writes_by_filter,
    filters_refer_to_earlier_items,
    versions_of_upserts_and_filters,
    purges_find_what_was_deleted,
    links_come_and_go_in_items,
    faults_of_links,
    faults_of_these_items,
    each_of_these_by_itself,
    the_same_key_is_answered_alike,
    racing_upserts_make_one,
);

async fn post(world: &World, path: &str, key: Option<&str>, body: &Value) -> Reply {
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(key.map(|key| ("idempotency-key", key)));
    send(world, "POST", path, &headers, &body.to_string()).await
}

async fn batch(world: &World, resource: &str, items: Value) -> Reply {
    post(
        world,
        &format!("/{resource}/batch"),
        None,
        &json!({ "items": items }),
    )
    .await
}

#[track_caller]
fn done(reply: &Reply) -> &Value {
    assert_eq!(reply.status, 200, "{}", reply.body);
    &reply.body["data"]
}

#[track_caller]
fn refused(reply: &Reply, status: u16, code: &str, expected: &[&str]) {
    assert_eq!(
        (reply.status, reply.code()),
        (status, code),
        "{}",
        reply.body
    );
    let details = reply.refusal.iter().flat_map(|refusal| &refusal.details);
    let told: Vec<String> = details
        .map(|detail| format!("{}: {}", detail.field, detail.message))
        .collect();
    assert_eq!(told, expected, "{}", reply.body);
}

async fn upserts_make_and_change(world: World) {
    let old = world
        .made("products", r#"{"name":"old","sku":"A","stock":3}"#)
        .await;
    let upsert = |data: Value| json!({ "operation": "upsert", "key": ["sku"], "data": data });
    let items = json!([
        upsert(json!({ "name": "new", "sku": "A" })),
        upsert(json!({ "name": "made", "sku": "B" })),
        upsert(json!({ "name": "made again", "sku": "B", "stock": 2 })),
        { "operation": "create", "data": { "name": "{{result[1].id}}" } },
        upsert(json!({ "name": "made again", "sku": "B", "stock": 2 })),
    ]);
    let body = json!({ "policy": "each", "items": items });
    let tried = post(&world, "/products/batch?dryRun=true", None, &body).await;
    let statuses: Vec<&Value> = done(&tried)
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["status"])
        .collect();
    assert_eq!(json!(statuses), json!([200, 201, 200, 201, 200]));
    let reply = batch(&world, "products", items).await;
    let data = done(&reply);
    assert_eq!(data[0]["id"], json!(old));
    // What the body does not name is kept.
    assert_eq!(
        (&data[0]["name"], &data[0]["stock"]),
        (&json!("new"), &json!(3))
    );
    assert_eq!(data[2]["id"], data[1]["id"]);
    assert_eq!(data[3]["name"], data[1]["id"]);
    assert_eq!(
        (&data[2]["version"], &data[4]["version"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(
        world.journal(4).await,
        [
            "products update 2",
            "products create 1",
            "products update 2",
            "products create 1"
        ]
    );
}

async fn deletions_are_taken_back_and_purged(world: World) {
    let shelf = world.made("shelves", r#"{"name":"one"}"#).await;
    let one = |operation: &str| json!({ "operation": operation, "id": shelf });
    let items = json!([
        one("delete"),
        one("restore"),
        one("restore"),
        one("delete"),
        one("purge")
    ]);
    let reply = batch(&world, "shelves", items).await;
    let data = done(&reply);
    assert_eq!(
        (&data[0], &data[3], &data[4]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    assert_eq!(data[1]["deletedAt"], Value::Null);
    assert_eq!(data[1]["version"], data[2]["version"]);
    let (rows, _) = world.list("shelves", "deleted=with").await.unwrap();
    assert!(rows.is_empty());
    let reply = batch(&world, "shelves", json!([one("restore")])).await;
    refused(
        &reply,
        404,
        "NOT_FOUND",
        &["items[0]: there is no such record in `shelves`"],
    );
}

async fn writes_by_filter_see_what_stands_before(world: World) {
    for (name, stock) in [("a", 1), ("b", 2), ("c", 9)] {
        let body = json!({ "name": name, "stock": stock }).to_string();
        world.made("products", &body).await;
    }
    let items = json!([
        { "operation": "create", "resourceName": "products", "data": { "name": "d", "stock": 1 } },
        { "operation": "patch", "resourceName": "products",
          "where": { "stock": { "lt": 5 } }, "data": { "stock": { "$inc": 10 }, "status": "archived" } },
        { "operation": "patch", "resourceName": "products",
          "where": { "status": "archived" }, "data": { "status": "archived" } },
        { "operation": "delete", "resourceName": "products",
          "where": { "or": [{ "stock": 11 }, { "name": "c" }] }, "maxAffected": 3 },
    ]);
    let reply = post(&world, "/transactions", None, &json!({ "items": items })).await;
    let data = done(&reply);
    let counts = |at: usize| {
        let ids = data[at]["ids"].as_array().unwrap().len();
        (
            data[at]["count"].as_u64().unwrap(),
            data[at]["unchanged"].as_u64().unwrap(),
            ids,
        )
    };
    assert_eq!(
        (counts(1), counts(2), counts(3)),
        ((3, 0, 3), (0, 3, 0), (3, 0, 3))
    );
    let left = world.names("products", "", "name").await;
    assert_eq!(left, ["b"]);
}

async fn bounds_of_writes_by_filter(world: World) {
    for name in ["a", "b"] {
        world
            .made("products", &json!({ "name": name }).to_string())
            .await;
    }
    let items = json!([
        { "operation": "create", "data": { "name": "c" } },
        { "operation": "delete", "where": { "name": { "in": ["a", "b", "c"] } }, "maxAffected": 2 },
    ]);
    let reply = batch(&world, "products", items).await;
    refused(
        &reply,
        409,
        "TOO_MANY_MATCHES",
        &[
            "items[1].maxAffected: more than 2 records match and nothing was changed; narrow the filter or raise `maxAffected`",
        ],
    );
    assert_eq!(
        world.names("products", "sort=name", "name").await,
        ["a", "b"]
    );
    let wide =
        |most: u32| json!({ "operation": "delete", "where": { "stock": 7 }, "maxAffected": most });
    let reply = batch(&world, "products", json!([wide(9_950), wide(50)])).await;
    done(&reply);
    let reply = batch(&world, "products", json!([wide(9_950), wide(51)])).await;
    refused(
        &reply,
        400,
        "VALIDATION_FAILED",
        &[
            "items[1].maxAffected: all items together may change at most 10000 records by `where`; state a smaller `maxAffected`",
        ],
    );
}

async fn filters_refer_to_earlier_items(world: World) {
    let product = world.made("products", r#"{"name":"pen","stock":4}"#).await;
    let items = json!([
        { "operation": "create", "data": { "name": "ink", "stock": 4 } },
        { "operation": "patch", "where": { "id": "{{result[0].id}}" }, "data": { "note": "mine" } },
        { "operation": "patch", "id": product, "data": { "stock": 6 } },
        { "operation": "patch", "where": { "stock": { "in": ["{{result[2].stock}}"] } }, "data": { "note": "{{result[0].name}}" } },
        { "operation": "delete", "where": { "name": "{{result[2].name}}", "note": "{{result[0].name}}" } },
    ]);
    for policy in ["atomic", "each"] {
        let body = json!({ "policy": policy, "items": items });
        let reply = post(&world, "/products/batch?dryRun=true", None, &body).await;
        let data = done(&reply);
        for at in [1, 3, 4] {
            let one = match policy {
                "each" => &data[at]["data"],
                _ => &data[at],
            };
            assert_eq!(one["count"], json!(1), "{policy} {at}: {}", reply.body);
        }
    }
    let items = json!([
        { "operation": "delete", "where": { "name": "pen" } },
        { "operation": "create", "data": { "name": "{{result[0].name}}" } },
    ]);
    let reply = batch(&world, "products", items).await;
    refused(
        &reply,
        400,
        "VALIDATION_FAILED",
        &[
            "items[1]: `{{result[0].name}}` refers to a write by `where`, which leaves no one record",
        ],
    );
}

async fn versions_of_upserts_and_filters(world: World) {
    let order = world.made("orders", r#"{"number":1}"#).await;
    let upsert = |version: Value| {
        let mut item = json!({ "operation": "upsert", "key": ["number"], "data": { "number": 1 } });
        if !version.is_null() {
            item["version"] = version;
        }
        json!([item])
    };
    let reply = batch(&world, "orders", upsert(Value::Null)).await;
    assert_eq!((reply.status, reply.code()), (428, "PRECONDITION_REQUIRED"));
    let reply = batch(&world, "orders", upsert(json!(2))).await;
    assert_eq!((reply.status, reply.code()), (412, "PRECONDITION_FAILED"));
    assert_eq!(
        done(&batch(&world, "orders", upsert(json!(1))).await)[0]["id"],
        json!(order)
    );
    let remove = |version: Value| {
        let mut item = json!({ "operation": "delete", "where": { "number": 1 } });
        if !version.is_null() {
            item["version"] = version;
        }
        json!([item])
    };
    refused(
        &batch(&world, "orders", remove(Value::Null)).await,
        400,
        "VALIDATION_FAILED",
        &[
            "items[0].version: writes to `orders` must state the version they are based on; beside `where` say `\"version\": \"*\"`",
        ],
    );
    refused(
        &batch(&world, "orders", remove(json!(1))).await,
        400,
        "VALIDATION_FAILED",
        &["items[0].version: records found by `where` have no one version; say `\"*\"` or nothing"],
    );
    let reply = batch(&world, "orders", remove(json!("*"))).await;
    assert_eq!(done(&reply)[0]["count"], json!(1));
}

async fn purges_find_what_was_deleted(world: World) {
    let mut all = Vec::new();
    for name in ["one", "two"] {
        let body = json!({ "name": name }).to_string();
        all.push(world.made("shelves", &body).await);
    }
    world.delete("shelves", &all[0], None).await.unwrap();
    let purge = |deleted: Option<&str>| {
        let mut item =
            json!({ "operation": "purge", "where": { "name": { "in": ["one", "two"] } } });
        if let Some(word) = deleted {
            item["deleted"] = word.into();
        }
        json!([item])
    };
    let reply = post(
        &world,
        "/shelves/batch?dryRun=true",
        None,
        &json!({ "items": purge(None) }),
    )
    .await;
    assert_eq!(done(&reply)[0]["ids"], json!([all[1]]));
    let reply = batch(&world, "shelves", purge(Some("only"))).await;
    assert_eq!(done(&reply)[0]["ids"], json!([all[0]]));
    let reply = batch(&world, "shelves", purge(Some("with"))).await;
    assert_eq!(done(&reply)[0]["ids"], json!([all[1]]));
    let (rows, _) = world.list("shelves", "deleted=with").await.unwrap();
    assert!(rows.is_empty());
    let items = json!([
        { "operation": "delete", "where": { "name": "x" }, "deleted": "with" },
        { "operation": "purge", "id": all[0], "deleted": "only" },
        { "operation": "purge", "where": { "name": "x" }, "deleted": true },
    ]);
    refused(
        &batch(&world, "shelves", items).await,
        400,
        "VALIDATION_FAILED",
        &[
            "items[0].deleted: it stands beside the `where` of a purge",
            "items[1].deleted: it stands beside the `where` of a purge",
            "items[2].deleted: it must be `with` or `only`",
        ],
    );
}

async fn links_come_and_go_in_items(world: World) {
    let shelf = world.made("shelves", r#"{"name":"s"}"#).await;
    let red = world.made("marks", r#"{"text":"red"}"#).await;
    let link = |operation: &str, target: &str| {
        json!({ "operation": operation, "resourceName": "boxes", "id": "{{result[0].id}}",
            "relation": "marks", "target": target })
    };
    let items = json!([
        { "operation": "create", "resourceName": "boxes", "data": { "label": "b", "shelfId": shelf } },
        { "operation": "create", "resourceName": "marks", "data": { "text": "blue" } },
        link("link", &red),
        link("link", "{{result[1].id}}"),
        link("link", &red),
        { "operation": "delete", "resourceName": "boxMarks", "id": "{{result[3].id}}" },
        link("unlink", &red),
        link("link", "{{result[1].id}}"),
    ]);
    let transaction = json!({ "items": items });
    let tried = post(&world, "/transactions?dryRun=true", None, &transaction).await;
    assert_eq!(done(&tried)[2]["markId"], json!(red));
    let first = post(&world, "/transactions", Some("k"), &transaction).await;
    let data = done(&first);
    assert_eq!(data[2]["boxId"], data[0]["id"]);
    assert_eq!(data[4], data[2]);
    assert_eq!((&data[5], &data[6]), (&Value::Null, &Value::Null));
    let again = post(&world, "/transactions", Some("k"), &transaction).await;
    assert_eq!(done(&again)[7], data[7]);
    let id = data[0]["id"].as_str().unwrap();
    let record = world.read("boxes", id, "include=marks").await.unwrap();
    assert_eq!(record["marks"].as_array().map(Vec::len), Some(1));
    assert_eq!(record["marks"][0]["text"], json!("blue"));
    // Each by itself tells which of them made a link.
    let pair = |operation: &str, target: &str| json!({ "operation": operation, "id": id, "relation": "marks", "target": target });
    let nowhere = "00000000000000000000000001";
    let items = json!([
        pair("link", &red),
        pair("link", &red),
        pair("unlink", &red),
        pair("unlink", &red),
        pair("link", nowhere),
    ]);
    let each = json!({ "policy": "each", "items": items });
    let reply = post(&world, "/boxes/batch", None, &each).await;
    let statuses: Vec<&Value> = reply.body["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["status"])
        .collect();
    assert_eq!(json!(statuses), json!([201, 200, 200, 404, 400]));
    let details = &reply.body["data"][4]["error"]["details"];
    assert_eq!(details[0]["field"], json!("items[4].markId"));
}

async fn faults_of_links(world: World) {
    let id = world.operations.next_id().to_string();
    let items = json!([
        { "operation": "link" },
        { "operation": "link", "id": id, "relation": "mark", "target": id },
        { "operation": "link", "id": id, "relation": "marks", "target": 7 },
        { "operation": "unlink", "id": id, "relation": "marks", "target": id, "version": 1 },
        { "operation": "delete", "id": id, "relation": "marks" },
        { "operation": "unlink", "where": { "label": "x" }, "relation": 1 },
        { "operation": "unlink", "id": id, "relation": "marks", "target": id, "data": {} },
    ]);
    refused(
        &batch(&world, "boxes", items).await,
        400,
        "VALIDATION_FAILED",
        &[
            "items[0].id: it is required",
            "items[0].relation: it is required",
            "items[0].target: it is required",
            "items[1].relation: it must be one of: marks (did you mean `marks`?)",
            "items[2].target: it must be a text",
            "items[3]: an unlink takes no `version`",
            "items[4].relation: a delete takes no `relation`",
            "items[5].relation: it must be a text",
            "items[6].data: an unlink takes no data",
        ],
    );
    let items = json!([{ "operation": "link", "id": id }]);
    refused(
        &batch(&world, "products", items).await,
        400,
        "VALIDATION_FAILED",
        &["items[0].operation: `products` does not offer `link`: it has no relation for it"],
    );
}

async fn faults_of_these_items(world: World) {
    let id = world.operations.next_id().to_string();
    let items = json!([
        { "operation": "restore", "id": id },
        { "operation": "purge", "where": { "stock": 1 } },
        { "operation": "upsert", "data": { "name": "a" } },
        { "operation": "upsert", "key": ["skus"], "data": { "name": "a" } },
        { "operation": "upsert", "key": ["sku"], "data": { "name": "a" } },
        { "operation": "upsert", "key": ["sku"], "id": id, "data": { "name": "a", "sku": "x" } },
        { "operation": "update", "where": { "stock": 1 }, "data": { "name": "a" } },
        { "operation": "patch", "where": {}, "data": {} },
        { "operation": "patch", "where": { "stok": 1 }, "data": { "stock": "x" } },
        { "operation": "delete", "where": { "stock": 1 }, "id": id },
        { "operation": "delete", "id": id, "maxAffected": 1 },
        { "operation": "delete", "where": 7, "maxAffected": 1 },
        { "operation": "delete", "where": { "stock": 1 }, "maxAffected": 10001 },
        { "operation": "delete", "id": id, "key": ["sku"] },
    ]);
    refused(
        &batch(&world, "products", items).await,
        400,
        "VALIDATION_FAILED",
        &[
            "items[0].operation: `products` does not offer `restore`: its deletions are not soft",
            "items[1].operation: `products` does not offer `purge`: its deletions are not soft",
            "items[2].key: it is required: a list with the fields of a unique constraint",
            "items[3].key: `skus` is no unique constraint of `products` (did you mean `sku`?); an upsert takes one of: sku",
            "items[4].sku: it is required: the record is found by it",
            "items[5]: an upsert takes no `id` beside its data",
            "items[6].where: an update takes no `where`: it puts a whole record in place of one; a `patch` changes many",
            "items[7].where: it needs a condition: `{\"field\":{\"operator\":value}}`",
            "items[8].where.stok: `products` has no field `stok` (did you mean `stock`?)",
            "items[8].stock: it must be a whole number, not a text",
            "items[9].where: an item is for an `id` or for a `where`, not for both",
            "items[10].maxAffected: it stands beside a `where`",
            "items[11].where: it must be an object of conditions",
            "items[12].maxAffected: it must be a whole number from 1 to 10000",
            "items[13].key: only an upsert takes a key",
        ],
    );
}

async fn each_of_these_by_itself(world: World) {
    world.made("products", r#"{"name":"a","sku":"A"}"#).await;
    let items = json!([
        { "operation": "patch", "where": { "name": "a" }, "data": { "stock": 5 } },
        { "operation": "patch", "where": { "name": "a" }, "data": { "stock": { "$inc": -9 } } },
        { "operation": "upsert", "key": ["sku"], "data": { "name": "b", "sku": "A" } },
        { "operation": "delete", "where": { "stock": 5 }, "maxAffected": 1 },
        { "operation": "delete", "where": { "stok": 5 } },
        { "operation": "upsert", "key": ["sku"], "data": { "name": "c", "sku": "A" } },
    ]);
    let reply = post(
        &world,
        "/products/batch",
        None,
        &json!({ "policy": "each", "items": items }),
    )
    .await;
    assert_eq!(reply.status, 207, "{}", reply.body);
    let statuses: Vec<&Value> = reply.body["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["status"])
        .collect();
    assert_eq!(
        json!(statuses),
        json!([200, 400, 200, 200, 400, 201]),
        "{}",
        reply.body
    );
    assert_eq!(world.names("products", "", "name").await, ["c"]);
}

async fn the_same_key_is_answered_alike(world: World) {
    world.made("products", r#"{"name":"a","stock":1}"#).await;
    let items = json!([
        { "operation": "upsert", "key": ["sku"], "data": { "name": "b", "sku": "B", "stock": 1 } },
        { "operation": "patch", "where": { "stock": 1 }, "data": { "stock": { "$inc": 1 } } },
    ]);
    for policy in ["atomic", "each"] {
        let body = json!({ "policy": policy, "items": items });
        let first = post(&world, "/products/batch", Some(policy), &body).await;
        let journal = world.journal(20).await;
        let again = post(&world, "/products/batch", Some(policy), &body).await;
        assert_eq!(
            (first.status, &first.body["data"]),
            (again.status, &again.body["data"])
        );
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!(world.journal(20).await, journal);
    }
}

async fn racing_upserts_make_one(world: World) {
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..12 {
        let world = world.clone();
        tasks.spawn(async move {
            let policy = if number % 2 == 0 { "atomic" } else { "each" };
            let items = json!([
                { "operation": "upsert", "key": ["sku"], "data": { "name": format!("n{number}"), "sku": "S" } },
                { "operation": "patch", "where": { "sku": "S" }, "data": { "stock": { "$inc": 1 } } },
            ]);
            let body = json!({ "policy": policy, "items": items });
            let reply = post(&world, "/products/batch", None, &body).await;
            assert_eq!(reply.status, 200, "{}", reply.body);
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(world.names("products", "", "stock").await, ["12"]);
}
