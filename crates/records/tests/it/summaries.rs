//! `journal: summary`: one row for a set of records, with their ids.

#![cfg(test)]

use crate::rest::send_json;
use crate::world::World;
use carnet_store::JournalCursor;
use serde_json::json;

crate::on_both!(a_set_has_one_row, one_record_has_one_as_well);

async fn a_set_has_one_row(world: World) {
    let items: Vec<String> = (0..300)
        .map(|value| json!({ "operation": "create", "data": { "value": value } }).to_string())
        .collect();
    let made = world.batch("readings", &items).await.unwrap();
    let path = "/readings?filter[value][lt]=100";
    let reply = send_json(&world, "PATCH", path, &[], r#"{"value":{"$inc":1000}}"#).await;
    assert_eq!(reply.body["data"]["count"], 100, "{}", reply.body);
    let path = "/readings?filter[value][gte]=1000";
    let reply = send_json(&world, "DELETE", path, &[], "").await;
    assert_eq!(reply.body["data"]["count"], 100, "{}", reply.body);
    let (rows, total) = world
        .list("journal", "sort=sequence&count=exact")
        .await
        .unwrap();
    assert_eq!(total, Some(3));
    let kinds: Vec<&str> = rows.iter().filter_map(|row| row["kind"].as_str()).collect();
    assert_eq!(kinds, ["create", "update", "delete"]);
    let ids: Vec<_> = made.iter().map(|record| record["id"].clone()).collect();
    assert_eq!(
        rows[0]["body"],
        json!({ "summary": { "count": 300, "ids": ids } })
    );
    assert_eq!(rows[0]["record"], ids[0]);
    assert_eq!(rows[2]["body"]["summary"]["count"], 100);
    // The tail tells the same.
    let store = world.operations.store();
    let (tail, _) = store
        .system()
        .tail(&JournalCursor::Start, 10)
        .await
        .unwrap();
    assert_eq!(tail.len(), 3);
    let ids = tail[1].records();
    assert_eq!(
        (ids.len(), ids.first().copied()),
        (100, Some(tail[1].record))
    );
}

async fn one_record_has_one_as_well(world: World) {
    let id = world.made("readings", r#"{"value":1}"#).await;
    world
        .patch("readings", &id, r#"{"value":2}"#, None)
        .await
        .unwrap();
    let body = r#"{"value":{"$inc":-9}}"#;
    assert!(world.patch("readings", &id, body, None).await.is_err());
    world.delete("readings", &id, None).await.unwrap();
    assert_eq!(
        world.journal(9).await,
        [
            "readings create 1",
            "readings update 2",
            "readings delete 3"
        ]
    );
    let (rows, _) = world.list("journal", "").await.unwrap();
    assert_eq!(
        rows[0]["body"],
        json!({ "summary": { "count": 1, "ids": [id] } })
    );
}
