//! One record after the other: create, read, replace, patch, with uniques and references.

#![cfg(test)]

use crate::world::{NOON, World, code, told};
use carnet_kernel::{Clock, Code};
use serde_json::{Value, json};
use std::time::Duration;

crate::on_both!(
    every_type_comes_back,
    a_life,
    defaults_return_on_replace,
    what_changes_nothing_writes_nothing,
    uniques,
    references,
    ids_of_clients,
    platform_records,
    null_and_order_of_keys,
);

async fn every_type_comes_back(world: World) {
    let body = json!({
        "name": "Grüße 👋", "sku": "A-1", "note": "a\nb\\\"c", "price": "99.90", "stock": 9_007_199_254_740_991_i64,
        "weight": 1.5e-7, "status": "published", "isFeatured": true, "releasedOn": "0001-01-01",
        "seenAt": "9999-12-31T23:59:59.999999Z", "opensAt": "05:32:00.000001", "lasts": "PT1H30M",
        "token": "01890c2e-7f1a-7a4b-8c3d-0123456789ab",
        "details": { "a": [1, 2.5, { "b": null }], "ä": "\u{1F600}" },
        "labels": { "en": "Hello", "de-AT": "Servus" }, "tags": ["x", "y"]
    });
    let made = world.create("products", &body.to_string()).await.unwrap();
    let id = made["id"].as_str().unwrap();
    let read = world.read("products", id, "").await.unwrap();
    assert_eq!(made, read);
    for (name, value) in body.as_object().unwrap() {
        match name.as_str() {
            "opensAt" | "lasts" => assert!(read[name].is_string()),
            _ => assert_eq!(&read[name], value, "{name}"),
        }
    }
    assert_eq!(read["version"], 1);
    assert_eq!(read["createdBy"], Value::Null);
    // What came out goes in and changes nothing.
    let same = world
        .update("products", id, &read.to_string())
        .await
        .unwrap();
    assert_eq!(same, read);
    let (rows, total) = world.list("products", "").await.unwrap();
    assert_eq!((rows, total), (vec![read], Some(1)));
}

async fn a_life(world: World) {
    let id = world.made("products", r#"{"name":"Pen"}"#).await;
    world.clock.advance(Duration::from_secs(60));
    let patched = world
        .patch("products", &id, r#"{"stock":3,"details":{"a":1}}"#, None)
        .await
        .unwrap();
    assert_eq!(patched["version"], 2);
    assert_eq!(patched["createdAt"], NOON.to_string());
    assert_eq!(patched["updatedAt"], world.clock.now().to_string());
    let patched = world
        .patch("products", &id, r#"{"details":{"b":2}}"#, Some(2))
        .await
        .unwrap();
    assert_eq!(patched["details"], json!({ "a": 1, "b": 2 }));
    let stale = world
        .patch("products", &id, r#"{"stock":4}"#, Some(2))
        .await;
    assert_eq!(code(stale), Code::PreconditionFailed);
    world.delete("products", &id, Some(3)).await.unwrap();
    assert_eq!(code(world.read("products", &id, "").await), Code::NotFound);
    assert_eq!(
        code(world.patch("products", &id, "{}", None).await),
        Code::NotFound
    );
    assert_eq!(
        code(world.delete("products", &id, None).await),
        Code::NotFound
    );
    assert_eq!(
        world.journal(10).await,
        [
            "products create 1",
            "products update 2",
            "products update 3",
            "products delete 4"
        ]
    );
}

async fn defaults_return_on_replace(world: World) {
    let id = world
        .made(
            "products",
            r#"{"name":"Pen","stock":5,"note":"a","status":"archived","tags":["x"]}"#,
        )
        .await;
    let replaced = world
        .update("products", &id, r#"{"name":"Ink"}"#)
        .await
        .unwrap();
    assert_eq!(replaced["stock"], 0);
    assert_eq!(replaced["note"], Value::Null);
    assert_eq!(replaced["status"], "draft");
    assert_eq!(replaced["tags"], json!([]));
    let missing = world.update("products", &id, "{}").await.unwrap_err();
    assert_eq!(
        told(&missing),
        "VALIDATION_FAILED\nname: required: it is required"
    );
    let (rows, _) = world.list("journal", "limit=1").await.unwrap();
    assert_eq!(
        rows[0]["body"],
        json!({
            "before": { "name": "Pen", "stock": 5, "note": "a", "status": "archived", "tags": ["x"] },
            "after": { "name": "Ink", "stock": 0, "note": null, "status": "draft", "tags": [] }
        })
    );
}

async fn what_changes_nothing_writes_nothing(world: World) {
    let id = world
        .made(
            "products",
            r#"{"name":"Pen","price":"1.5","details":{"b":1.0,"a":2}}"#,
        )
        .await;
    let same = r#"{"price":1.50,"details":{"a":2,"b":1},"version":1}"#;
    let kept = world.patch("products", &id, same, Some(1)).await.unwrap();
    assert_eq!(kept["version"], 1);
    assert_eq!(world.journal(10).await, ["products create 1"]);
    let refusal = world.patch("products", &id, r#"{"version":2}"#, None).await;
    assert_eq!(code(refusal), Code::ReadOnlyField);
}

async fn uniques(world: World) {
    world.made("categories", r#"{"name":"Straße"}"#).await;
    let other = world.made("categories", r#"{"name":"Weg"}"#).await;
    let message = "another record has the same name";
    let expected = format!("UNIQUE_VIOLATION\nname: unique: {message}");
    for taken in ["STRASSE", "straße", "Straße"] {
        let refusal = world
            .create("categories", &json!({ "name": taken }).to_string())
            .await
            .unwrap_err();
        assert_eq!(told(&refusal), expected, "{taken}");
    }
    let refusal = world
        .patch("categories", &other, r#"{"name":"strasse"}"#, None)
        .await
        .unwrap_err();
    assert_eq!(told(&refusal), expected);
    // Null is no value.
    world.made("products", r#"{"name":"a"}"#).await;
    world.made("products", r#"{"name":"b"}"#).await;
    let order = world.made("orders", r#"{"number":1}"#).await;
    let product = world.made("products", r#"{"name":"c"}"#).await;
    let line = json!({ "orderId": order, "productId": product }).to_string();
    world.made("lines", &line).await;
    let refusal = world.create("lines", &line).await.unwrap_err();
    assert_eq!(
        told(&refusal),
        "UNIQUE_VIOLATION
orderId: unique: another record has the same orderId and productId
productId: unique: another record has the same orderId and productId"
    );
}

async fn references(world: World) {
    let nowhere = "00000000000000000000000001";
    let refusal = world
        .create(
            "products",
            &json!({ "name": "a", "categoryId": nowhere }).to_string(),
        )
        .await
        .unwrap_err();
    let expected = "REFERENCE_NOT_FOUND\ncategoryId: reference: `categoryId` refers to a record that does not exist";
    assert_eq!(told(&refusal), expected);
    let id = world.made("products", r#"{"name":"a"}"#).await;
    let refusal = world
        .patch(
            "products",
            &id,
            &json!({ "categoryId": nowhere }).to_string(),
            None,
        )
        .await
        .unwrap_err();
    assert_eq!(told(&refusal), expected);
    let unit = world.made("units", r#"{"code":"kg"}"#).await;
    let shared = json!({ "name": "a", "unitId": unit }).to_string();
    let category = world.create("categories", &shared).await.unwrap();
    assert_eq!(category["unitId"], unit.as_str());
    let refusal = world
        .create(
            "categories",
            &json!({ "name": "b", "unitId": nowhere }).to_string(),
        )
        .await;
    assert_eq!(code(refusal), Code::ReferenceNotFound);
}

async fn ids_of_clients(world: World) {
    let id = "01890c2e-7f1a-7a4b-8c3d-0123456789ab";
    let made = world
        .create(
            "tokens",
            &json!({ "id": id.to_uppercase(), "name": "a" }).to_string(),
        )
        .await
        .unwrap();
    assert_eq!(made["id"], id);
    let refusal = world
        .create("tokens", &json!({ "id": id, "name": "b" }).to_string())
        .await
        .unwrap_err();
    assert_eq!(
        told(&refusal),
        "UNIQUE_VIOLATION\nid: unique: another record has the same id"
    );
    // Without one the platform chooses.
    let chosen = world.create("tokens", r#"{"name":"c"}"#).await.unwrap();
    assert_eq!(chosen["id"].as_str().map(str::len), Some(36));
    let next = json!({ "nextId": id }).to_string();
    let chosen = chosen["id"].as_str().unwrap();
    let linked = world.patch("tokens", chosen, &next, None).await.unwrap();
    assert_eq!(linked["nextId"], id);
    let read = world.read("tokens", chosen, "include=next").await.unwrap();
    assert_eq!(read["next"]["id"], id);
    let query = format!("filter[next.name]=a&filter[nextId][in]={id}");
    assert_eq!(world.names("tokens", &query, "id").await, [chosen]);
    let replaced = world
        .update("tokens", id, &json!({ "id": id, "name": "z" }).to_string())
        .await
        .unwrap();
    assert_eq!(replaced["name"], "z");
    let moved = world
        .update(
            "tokens",
            id,
            &json!({ "id": chosen, "name": "z" }).to_string(),
        )
        .await;
    assert_eq!(code(moved), Code::ReadOnlyField);
}

async fn platform_records(world: World) {
    let id = world.made("units", r#"{"code":"kg"}"#).await;
    world
        .patch("units", &id, r#"{"code":"g"}"#, None)
        .await
        .unwrap();
    let refusal = world.create("units", r#"{"code":"g"}"#).await;
    assert_eq!(code(refusal), Code::UniqueViolation);
    let category = json!({ "name": "a", "unitId": id }).to_string();
    let category = world.made("categories", &category).await;
    let read = world
        .read("categories", &category, "include=unit")
        .await
        .unwrap();
    assert_eq!(read["unit"]["code"], "g");
    let refusal = world.delete("units", &id, None).await.unwrap_err();
    assert_eq!(refusal.code, Code::RecordInUse);
    assert_eq!(
        refusal.message,
        "records of `categories` refer to this one by `unitId`"
    );
    // The platform's own rows are not in the tenant's journal.
    assert_eq!(world.journal(10).await, ["categories create 1"]);
    let key = r#"{"key":"mail.sender","value":{"a":1}}"#;
    world.made("settings", key).await;
    world.made("platformSettings", key).await;
    assert_eq!(
        code(world.create("settings", key).await),
        Code::UniqueViolation
    );
}

async fn null_and_order_of_keys(world: World) {
    let body = r#"{"name":"a","details":{"z":null,"a":{"y":1,"b":2}},"labels":null,"price":null}"#;
    let made = world.create("products", body).await.unwrap();
    assert_eq!(
        made["details"],
        json!({ "z": null, "a": { "y": 1, "b": 2 } })
    );
    let id = made["id"].as_str().unwrap();
    let cleared = world
        .patch("products", id, r#"{"details":{"z":1,"a":null}}"#, None)
        .await
        .unwrap();
    assert_eq!(cleared["details"], json!({ "z": 1 }));
    let replaced = world
        .patch("products", id, r#"{"details":[1,null]}"#, None)
        .await
        .unwrap();
    assert_eq!(replaced["details"], json!([1, null]));
}
