//! The journal as a resource, and its tail under writers.

#![cfg(test)]

use crate::world::{World, code, key};
use carnet_kernel::Code;
use carnet_store::JournalCursor;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::JoinSet;

crate::on_both!(listed_and_filtered, nothing_is_lost_and_nothing_comes_twice);

async fn listed_and_filtered(mut world: World) {
    let pen = world.made("products", r#"{"name":"Pen"}"#).await;
    world.made("categories", r#"{"name":"a"}"#).await;
    let who = carnet_kernel::PrincipalRef {
        kind: carnet_kernel::PrincipalKind::User,
        id: Some(world.operations.next_id()),
    };
    world.context.principal.kind = who.kind;
    world.context.principal.id = who.id;
    world.context.causation = Some(world.operations.next_id());
    world.context.correlation = world.operations.next_id();
    world
        .patch("products", &pen, r#"{"stock":1}"#, None)
        .await
        .unwrap();
    let query = format!("filter[resource]=products&filter[record]={pen}&filter[kind]=update");
    let (rows, total) = world.list("journal", &query).await.unwrap();
    assert_eq!(total, Some(1));
    let row = &rows[0];
    let names: Vec<&String> = row.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        [
            "sequence",
            "resource",
            "record",
            "version",
            "kind",
            "principal",
            "correlation",
            "causation",
            "at",
            "schemaVersion",
            "body"
        ]
    );
    assert_eq!(row["record"], pen.as_str());
    assert_eq!(row["version"], 2);
    assert_eq!(
        row["principal"],
        json!({ "kind": "user", "id": who.id.map(|id| id.to_string()) })
    );
    assert_eq!(row["correlation"], world.context.correlation.to_string());
    assert_eq!(
        row["causation"],
        world.context.causation.map(|id| id.to_string()).unwrap()
    );
    assert_eq!(row["at"], crate::world::NOON.to_string());
    assert_eq!(
        row["body"],
        json!({ "before": { "stock": 0 }, "after": { "stock": 1 } })
    );
    assert_eq!(
        world
            .names(
                "journal",
                "filter[principal][isNull]=true&sort=sequence",
                "kind"
            )
            .await,
        ["create", "create"]
    );
    assert_eq!(
        world
            .list("journal", "filter[version][gte]=2")
            .await
            .unwrap()
            .1,
        Some(1)
    );
    let newest = world.names("journal", "limit=1", "kind").await;
    assert_eq!(newest, ["update"]);
    let sparse = world
        .list("journal", "fields=kind&limit=1")
        .await
        .unwrap()
        .0;
    assert_eq!(sparse[0].as_object().unwrap().len(), 2);
    assert_eq!(
        code(world.list("journal", "filter[body][eq]=1").await),
        Code::UnknownOperator
    );
    let token = world.made("tokens", r#"{"name":"a"}"#).await;
    let query = format!("filter[record]={token}&filter[kind][in]=create,update");
    assert_eq!(world.names("journal", &query, "resource").await, ["tokens"]);
    let record = world.read("products", &pen, "").await.unwrap();
    assert_eq!(record["createdBy"], Value::Null);
    assert_eq!(record["updatedBy"]["kind"], "user");
}

async fn nothing_is_lost_and_nothing_comes_twice(world: World) {
    let done = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn(tail(world.clone(), Arc::clone(&done)));
    let mut writers = JoinSet::new();
    for writer in 0..8 {
        let world = world.clone();
        writers.spawn(async move {
            let mut written = HashSet::new();
            for number in 0..25 {
                let name = json!({ "name": format!("{writer}-{number}") }).to_string();
                let id = world.made("products", &name).await;
                written.insert((key(&id), 1));
                let items: Vec<String> = (1..=3)
                    .map(|stock| {
                        json!({ "operation": "patch", "id": id, "data": { "stock": stock } })
                            .to_string()
                    })
                    .collect();
                world.batch("products", &items).await.unwrap();
                written.extend((2..=4).map(|version| (key(&id), version)));
            }
            written
        });
    }
    let written: HashSet<_> = writers.join_all().await.into_iter().flatten().collect();
    done.store(true, Ordering::SeqCst);
    let seen = reader.await.unwrap();
    assert_eq!(written.len(), 800);
    assert_eq!(seen.len(), written.len());
    let seen: HashSet<_> = seen.into_iter().collect();
    assert_eq!(seen, written);
}

/// Follows the journal in small steps, the cursor through its text, until the writers are done.
async fn tail(world: World, done: Arc<AtomicBool>) -> Vec<(carnet_kernel::Id, i64)> {
    let system = world.operations.store().system();
    let mut cursor = JournalCursor::Start;
    let mut seen = Vec::new();
    let mut last: std::collections::HashMap<carnet_kernel::Id, i64> =
        std::collections::HashMap::new();
    loop {
        let finishing = done.load(Ordering::SeqCst);
        let (rows, next) = system.tail(&cursor, 17).await.unwrap();
        for row in &rows {
            seen.push((row.record, row.version));
            let before = last.insert(row.record, row.version).unwrap_or(0);
            assert_eq!(row.version, before + 1, "in the order of the record");
        }
        cursor = next.to_string().parse().unwrap();
        if rows.is_empty() {
            if finishing {
                return seen;
            }
            tokio::task::yield_now().await;
        }
    }
}
