//! Atomic field operations: what many callers add is the sum of what each adds.

#![cfg(test)]

use crate::world::{World, code, told};
use carnet_kernel::Code;
use serde_json::json;
use tokio::task::JoinSet;

crate::on_both!(
    no_increment_is_lost,
    lists_grow_and_shrink,
    rules_bind_the_sum
);

async fn no_increment_is_lost(world: World) {
    let id = world
        .made("products", r#"{"name":"a","stock":10,"price":"1.00"}"#)
        .await;
    let mut tasks = JoinSet::new();
    for _ in 0..32 {
        let (world, id) = (world.clone(), id.clone());
        tasks.spawn(async move {
            let body = r#"{"stock":{"$inc":2},"price":{"$inc":"0.01"},"weight":{"$inc":0.5}}"#;
            world.patch("products", &id, body, None).await
        });
    }
    for result in tasks.join_all().await {
        assert!(result.is_ok(), "{}", told(&result.unwrap_err()));
    }
    let record = world.read("products", &id, "").await.unwrap();
    assert_eq!(record["stock"], 74);
    assert_eq!(record["price"], "1.32");
    assert_eq!(record["weight"], json!(16));
    assert_eq!(record["version"], 33);
}

async fn lists_grow_and_shrink(world: World) {
    let id = world.made("products", r#"{"name":"a"}"#).await;
    let tags = async |body: &str| {
        let record = world.patch("products", &id, body, None).await;
        record.map(|record| record["tags"].clone())
    };
    assert_eq!(
        tags(r#"{"tags":{"$append":["b"]}}"#).await.unwrap(),
        json!(["b"])
    );
    assert_eq!(
        tags(r#"{"tags":{"$prepend":["a"]}}"#).await.unwrap(),
        json!(["a", "b"])
    );
    assert_eq!(
        tags(r#"{"tags":{"$remove":["b"]}}"#).await.unwrap(),
        json!(["a"])
    );
    assert_eq!(tags(r#"{"tags":["z"]}"#).await.unwrap(), json!(["z"]));
    for body in [
        r#"{"tags":{"$append":"b"}}"#,
        r#"{"tags":{"$append":["0123456789"]}}"#,
        r#"{"tags":{"$append":["a"],"$remove":["b"]}}"#,
        r#"{"tags":{"$add":["b"]}}"#,
        r#"{"tags":{}}"#,
        r#"{"stock":{"$append":[1]}}"#,
        r#"{"stock":{"$inc":"1"}}"#,
        r#"{"stock":{"$inc":null}}"#,
        r#"{"name":{"$inc":1}}"#,
        r#"{"stock":{"$inc":1,"$inc":2}}"#,
    ] {
        assert_eq!(code(tags(body).await), Code::ValidationFailed, "{body}");
    }
    // Where an object is a value it is one.
    let body = r#"{"details":{"$inc":1}}"#;
    let record = world.patch("products", &id, body, None).await.unwrap();
    assert_eq!(record["details"], json!({ "$inc": 1 }));
}

async fn rules_bind_the_sum(world: World) {
    let id = world.made("products", r#"{"name":"a","stock":3}"#).await;
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let (world, id) = (world.clone(), id.clone());
        tasks.spawn(async move {
            let body = r#"{"stock":{"$inc":-1}}"#;
            world
                .patch("products", &id, body, None)
                .await
                .map_err(|refusal| refusal.code)
        });
    }
    let results = tasks.join_all().await;
    let good = results.iter().filter(|result| result.is_ok()).count();
    let refused = results
        .iter()
        .filter(|result| **result == Err(Code::ValidationFailed))
        .count();
    assert_eq!((good, refused), (3, 5), "{results:?}");
    assert_eq!(world.read("products", &id, "").await.unwrap()["stock"], 0);
    // Only a patch changes what is there.
    let refused = world
        .update("products", &id, r#"{"name":"a","stock":{"$inc":1}}"#)
        .await;
    assert_eq!(code(refused), Code::ValidationFailed);
}
