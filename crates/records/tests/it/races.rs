//! Writers that meet on one record.

#![cfg(test)]

use crate::world::{World, code, told};
use carnet_kernel::{Code, Refusal};
use serde_json::{Value, json};
use std::collections::HashMap;
use tokio::task::JoinSet;

crate::on_both!(
    one_wins_for_each_version,
    without_a_version_all_succeed,
    one_value_has_one_owner,
    a_reference_never_dangles,
    a_cascade_leaves_no_line,
    opposite_batches,
);

const WRITERS: usize = 32;

/// Runs `work` for each number at once.
async fn at_once<F, W>(world: &World, work: W) -> Vec<Result<Value, Refusal>>
where
    W: Fn(World, usize) -> F,
    F: Future<Output = Result<Value, Refusal>> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for number in 0..WRITERS {
        tasks.spawn(work(world.clone(), number));
    }
    tasks.join_all().await
}

fn codes(results: &[Result<Value, Refusal>]) -> HashMap<&'static str, usize> {
    let mut counts = HashMap::new();
    for result in results {
        let word = match result {
            Ok(_) => "ok",
            Err(refusal) => refusal.code.as_str(),
        };
        *counts.entry(word).or_insert(0) += 1;
    }
    counts
}

async fn one_wins_for_each_version(world: World) {
    let id = world.made("products", r#"{"name":"a"}"#).await;
    for version in 1..=4 {
        let results = at_once(&world, |world, number| {
            let id = id.clone();
            async move {
                let body = json!({ "note": format!("{version} {number}") }).to_string();
                world.patch("products", &id, &body, Some(version)).await
            }
        })
        .await;
        let expected = HashMap::from([("ok", 1), ("PRECONDITION_FAILED", WRITERS - 1)]);
        assert_eq!(codes(&results), expected, "version {version}");
        let won = results.iter().flatten().next().unwrap();
        assert_eq!(won["version"], version + 1);
        assert_eq!(&world.read("products", &id, "").await.unwrap(), won);
    }
    assert_eq!(world.journal(10).await.len(), 5);
}

async fn without_a_version_all_succeed(world: World) {
    let id = world.made("products", r#"{"name":"a"}"#).await;
    let results = at_once(&world, |world, number| {
        let id = id.clone();
        async move {
            let body = json!({ "note": number.to_string() }).to_string();
            world.patch("products", &id, &body, None).await
        }
    })
    .await;
    assert_eq!(codes(&results), HashMap::from([("ok", WRITERS)]));
    let mut versions: Vec<i64> = results
        .iter()
        .flatten()
        .filter_map(|record| record["version"].as_i64())
        .collect();
    versions.sort_unstable();
    let expected: Vec<i64> = (2..).take(WRITERS).collect();
    assert_eq!(versions, expected);
    // Each image begins where the one before ended.
    let (rows, _) = world
        .list("journal", "sort=version&limit=100")
        .await
        .unwrap();
    for pair in rows.windows(2).skip(1) {
        assert_eq!(pair[0]["body"]["after"], pair[1]["body"]["before"]);
    }
}

async fn one_value_has_one_owner(world: World) {
    let results = at_once(&world, |world, number| async move {
        let body = json!({ "name": number.to_string(), "sku": "S-1" }).to_string();
        world.create("products", &body).await
    })
    .await;
    let expected = HashMap::from([("ok", 1), ("UNIQUE_VIOLATION", WRITERS - 1)]);
    assert_eq!(codes(&results), expected);
    assert_eq!(world.list("products", "").await.unwrap().1, Some(1));
    assert_eq!(world.journal(10).await.len(), 1);
}

async fn a_reference_never_dangles(world: World) {
    for round in 0..4 {
        let category = world
            .made(
                "categories",
                &json!({ "name": round.to_string() }).to_string(),
            )
            .await;
        let results = at_once(&world, |world, number| {
            let category = category.clone();
            async move {
                if number == 7 {
                    return world
                        .delete("categories", &category, None)
                        .await
                        .map(|()| Value::Null);
                }
                let body = json!({ "name": "p", "categoryId": category }).to_string();
                world.create("products", &body).await
            }
        })
        .await;
        for result in &results {
            if let Err(refusal) = result {
                assert!(
                    matches!(
                        refusal.code,
                        Code::ReferenceNotFound | Code::RecordInUse | Code::VersionConflict
                    ),
                    "{}",
                    told(refusal)
                );
            }
        }
        let there = world.read("categories", &category, "").await.is_ok();
        let query = format!("filter[categoryId]={category}&count=exact");
        let products = world.list("products", &query).await.unwrap().1;
        assert_eq!(products == Some(0), !there, "{:?}", codes(&results));
    }
}

async fn a_cascade_leaves_no_line(world: World) {
    let mut products = Vec::new();
    for number in 0..WRITERS {
        products.push(
            world
                .made(
                    "products",
                    &json!({ "name": number.to_string() }).to_string(),
                )
                .await,
        );
    }
    let order = world.made("orders", r#"{"number":1}"#).await;
    let results = at_once(&world, |world, number| {
        let (order, product) = (order.clone(), products[number].clone());
        async move {
            if number % 8 == 7 {
                return world
                    .delete("orders", &order, Some(1))
                    .await
                    .map(|()| Value::Null);
            }
            let body = json!({ "orderId": order, "productId": product }).to_string();
            world.create("lines", &body).await
        }
    })
    .await;
    for result in &results {
        if let Err(refusal) = result {
            assert!(refusal.code.status() < 500, "{}", told(refusal));
        }
    }
    let order = world.read("orders", &order, "").await;
    let lines = world.list("lines", "count=exact").await.unwrap().1;
    assert_eq!(code(order), Code::NotFound);
    assert_eq!(lines, Some(0), "{:?}", codes(&results));
}

async fn opposite_batches(world: World) {
    let one = world.made("products", r#"{"name":"a"}"#).await;
    let two = world.made("products", r#"{"name":"b"}"#).await;
    let results = at_once(&world, |world, number| {
        let mut items: Vec<String> = [&one, &two]
            .iter()
            .map(|id| {
                json!({ "operation": "patch", "id": id, "data": { "stock": number + 1 } })
                    .to_string()
            })
            .collect();
        if number % 2 == 0 {
            items.reverse();
        }
        async move { world.batch("products", &items).await.map(Value::Array) }
    })
    .await;
    for result in &results {
        if let Err(refusal) = result {
            assert_eq!(refusal.code, Code::VersionConflict, "{}", told(refusal));
        }
    }
    let succeeded = results.iter().flatten().count();
    assert!(succeeded > 0);
    for id in [&one, &two] {
        let record = world.read("products", id, "").await.unwrap();
        assert_eq!(record["version"], 1 + succeeded, "{:?}", codes(&results));
    }
    let stocks = world.names("products", "", "stock").await;
    assert_eq!(stocks[0], stocks[1]);
}
