//! Several writes in one transaction.

#![cfg(test)]

use crate::world::{World, told};
use serde_json::{Value, json};

crate::on_both!(
    all_kinds_in_order,
    all_or_none_with_the_item,
    a_thousand_items,
    what_a_failure_names,
);

fn create(data: &Value) -> String {
    json!({ "operation": "create", "data": data }).to_string()
}

async fn all_kinds_in_order(world: World) {
    let one = world.made("products", r#"{"name":"one","stock":1}"#).await;
    let two = world
        .made("products", r#"{"name":"two","sku":"S-2"}"#)
        .await;
    let items = [
        create(&json!({ "name": "three" })),
        create(&json!({ "name": "four" })),
        json!({ "operation": "patch", "id": one, "data": { "stock": 2 } }).to_string(),
        json!({ "operation": "patch", "id": one, "version": 2, "data": { "stock": 3 } })
            .to_string(),
        json!({ "operation": "patch", "id": one, "data": {} }).to_string(),
        json!({ "operation": "delete", "id": two }).to_string(),
        // The value is free again.
        create(&json!({ "name": "five", "sku": "S-2" })),
        json!({ "operation": "update", "id": one, "data": { "name": "uno" } }).to_string(),
    ];
    let rows = world.batch("products", &items).await.unwrap();
    let short: Vec<(Value, Value)> = rows
        .iter()
        .map(|row| (row["name"].clone(), row["version"].clone()))
        .collect();
    assert_eq!(
        json!(short),
        json!([
            ["three", 1],
            ["four", 1],
            ["one", 2],
            ["one", 3],
            ["one", 3],
            [null, null],
            ["five", 1],
            ["uno", 4]
        ])
    );
    assert_eq!(rows[5], Value::Null);
    assert_eq!(
        world.journal(7).await,
        [
            "products create 1",
            "products create 1",
            "products update 2",
            "products update 3",
            "products delete 2",
            "products create 1",
            "products update 4",
        ]
    );
    let (journal, _) = world
        .list("journal", "limit=7&fields=correlation")
        .await
        .unwrap();
    assert!(
        journal
            .iter()
            .all(|row| row["correlation"] == journal[0]["correlation"])
    );
}

async fn all_or_none_with_the_item(world: World) {
    world
        .made("products", r#"{"name":"one","sku":"S-1"}"#)
        .await;
    let before = world.journal(100).await;
    let items = [
        create(&json!({ "name": "a", "sku": "S-2" })),
        create(&json!({ "name": "b", "sku": "S-3" })),
        create(&json!({ "name": "c", "sku": "S-1" })),
        create(&json!({ "name": "d", "sku": "S-4" })),
    ];
    let refusal = world.batch("products", &items).await.unwrap_err();
    assert_eq!(
        told(&refusal),
        "UNIQUE_VIOLATION\nitems[2].sku: unique: another record has the same sku"
    );
    // Two of one batch.
    let items = [
        create(&json!({ "name": "a", "sku": "S-2" })),
        create(&json!({ "name": "b", "sku": "S-2" })),
    ];
    let refusal = world.batch("products", &items).await.unwrap_err();
    assert_eq!(
        told(&refusal),
        "UNIQUE_VIOLATION\nitems[1].sku: unique: another record has the same sku"
    );
    assert_eq!(world.journal(100).await, before);
    assert_eq!(world.list("products", "").await.unwrap().1, Some(1));
}

async fn what_a_failure_names(world: World) {
    let nowhere = "00000000000000000000000001";
    let one = world.made("products", r#"{"name":"one"}"#).await;
    let fine = create(&json!({ "name": "a" }));
    let cases = [
        (
            create(&json!({ "name": "b", "categoryId": nowhere })),
            "REFERENCE_NOT_FOUND\nitems[1].categoryId: reference: `categoryId` refers to a record that does not exist",
        ),
        (
            json!({ "operation": "patch", "id": nowhere, "data": {} }).to_string(),
            "NOT_FOUND\nitems[1]: failed: there is no such record in `products`",
        ),
        (
            json!({ "operation": "patch", "id": one, "version": 7, "data": {} }).to_string(),
            "PRECONDITION_FAILED\nitems[1]: failed: the record has version 1 now; read it again before you write",
        ),
        (
            json!({ "operation": "patch", "id": one, "data": { "version": 7 } }).to_string(),
            "READ_ONLY_FIELD\nitems[1].version: readOnly: it cannot be written; leave it out or send the stored value",
        ),
        (
            json!({ "operation": "patch", "id": one, "data": { "categoryId": nowhere } })
                .to_string(),
            "REFERENCE_NOT_FOUND\nitems[1].categoryId: reference: `categoryId` refers to a record that does not exist",
        ),
    ];
    for (item, expected) in cases {
        let refusal = world
            .batch("products", &[fine.clone(), item])
            .await
            .unwrap_err();
        assert_eq!(told(&refusal), expected);
    }
    assert_eq!(world.list("products", "").await.unwrap().1, Some(1));
    let order = world.made("orders", r#"{"number":1}"#).await;
    let line = json!({ "orderId": order, "productId": one }).to_string();
    world.made("lines", &line).await;
    let items = [
        fine,
        json!({ "operation": "delete", "id": one }).to_string(),
    ];
    let refusal = world.batch("products", &items).await.unwrap_err();
    assert_eq!(
        told(&refusal),
        "RECORD_IN_USE\nitems[1]: failed: records of `lines` refer to this one by `productId`"
    );
}

async fn a_thousand_items(world: World) {
    let items: Vec<String> = (0..1_000)
        .map(|number| {
            create(&json!({ "name": format!("p{number}"), "sku": format!("S-{number}") }))
        })
        .collect();
    let before = world.operations.store().counters();
    let rows = world.batch("products", &items).await.unwrap();
    let after = world.operations.store().counters();
    assert_eq!(rows.len(), 1_000);
    assert_eq!(rows[999]["name"], "p999");
    assert_eq!(after.commits - before.commits, 1);
    if world.is_postgres() {
        assert!(
            after.round_trips - before.round_trips <= 4,
            "{before:?} {after:?}"
        );
    }
    // One that fails names its item among a thousand.
    let mut items: Vec<String> = (1_000..2_000)
        .map(|number| {
            create(&json!({ "name": format!("p{number}"), "sku": format!("S-{number}") }))
        })
        .collect();
    items[731] = create(&json!({ "name": "x", "sku": "S-5" }));
    let refusal = world.batch("products", &items).await.unwrap_err();
    assert_eq!(
        told(&refusal),
        "UNIQUE_VIOLATION\nitems[731].sku: unique: another record has the same sku"
    );
    let patches: Vec<String> = rows
        .iter()
        .map(|row| {
            json!({ "operation": "patch", "id": row["id"], "data": { "stock": 1 } }).to_string()
        })
        .collect();
    let rows = world.batch("products", &patches).await.unwrap();
    assert!(
        rows.iter()
            .all(|row| row["version"] == 2 && row["stock"] == 1)
    );
    let deletes: Vec<String> = rows
        .iter()
        .map(|row| json!({ "operation": "delete", "id": row["id"] }).to_string())
        .collect();
    let rows = world.batch("products", &deletes).await.unwrap();
    assert!(rows.iter().all(Value::is_null));
    assert_eq!(world.list("products", "").await.unwrap().1, Some(0));
    assert_eq!(
        world
            .list("journal", "count=exact&limit=1")
            .await
            .unwrap()
            .1,
        Some(3_000)
    );
}
