//! Code inside code: what it did stands or falls as a whole, whoever stops waiting for it and
//! whatever else happens at the same time.

#![cfg(test)]

use crate::logic::{count, post};
use crate::world::World;
use carnet_kernel::{Code, Refusal};
use carnet_model::Operation;
use carnet_records::logic::{Call, Registry, Reply, Request, Response, after_commit};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

crate::on_both!(
    code_that_nobody_waits_for_leaves_nothing,
    joined_calls_stand_or_fall_alone,
    hooks_do_not_hear_of_items_that_were_undone,
);

/// Registers code, and a hook that notes which products were committed.
fn with(world: &World, register: impl FnOnce(&mut Registry)) -> Arc<Mutex<Vec<Value>>> {
    let told: Arc<Mutex<Vec<Value>>> = Arc::default();
    let kept = Arc::clone(&told);
    let note = move |call: Call| {
        let kept = Arc::clone(&kept);
        async move {
            let made = call.reply().map(|reply| reply.data()).transpose()?;
            let mut kept = kept.lock().unwrap();
            kept.push(made.unwrap_or_default()["name"].clone());
            Ok::<(), Refusal>(())
        }
    };
    let mut registry = Registry::default();
    registry.hook("products", after_commit(Operation::Create), note);
    register(&mut registry);
    let logics = registry.compile(world.operations.view().model());
    world.operations.install(logics.unwrap());
    told
}

async fn make(call: &Call, name: &str) -> Result<Response, Refusal> {
    let asked = Request::Create {
        resource: "products".to_owned(),
        body: json!({ "name": name }).to_string(),
    };
    call.perform(asked).await
}

async fn code_that_nobody_waits_for_leaves_nothing(world: World) {
    static BEGUN: AtomicU32 = AtomicU32::new(0);
    async fn slow(call: Call) -> Result<Reply, Refusal> {
        let reply = call.proceed().await?;
        if call.input()["name"] == "slow" {
            BEGUN.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        Ok(reply)
    }
    async fn impatient(call: Call) -> Result<Reply, Refusal> {
        make(&call, "before").await?;
        let waited = tokio::time::timeout(Duration::from_millis(200), make(&call, "slow")).await;
        assert!(waited.is_err());
        make(&call, "after").await?;
        call.proceed().await
    }
    let before = BEGUN.load(Ordering::Relaxed);
    let told = with(&world, |registry| {
        registry.logic(1, "products", Operation::Create, slow);
        registry.logic(1, "categories", Operation::Create, impatient);
    });
    let made = post(&world, "/categories", json!({ "name": "Tools" })).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert!(BEGUN.load(Ordering::Relaxed) > before);
    assert_eq!(count(&world, "products").await, 2);
    assert_eq!(*told.lock().unwrap(), ["before", "after"]);
}

async fn joined_calls_stand_or_fall_alone(world: World) {
    async fn picky(call: Call) -> Result<Reply, Refusal> {
        let reply = call.proceed().await?;
        tokio::task::yield_now().await;
        match call.input()["name"] == "falls" {
            true => Err(Refusal::new(Code::Conflict, "not this one")),
            false => Ok(reply),
        }
    }
    async fn joins(call: Call) -> Result<Reply, Refusal> {
        let (first, second, third) = tokio::join!(
            make(&call, "stands"),
            make(&call, "falls"),
            make(&call, "stands too"),
        );
        first?;
        third?;
        assert_eq!(
            second.err().map(|refusal| refusal.code),
            Some(Code::Conflict)
        );
        call.proceed().await
    }
    let told = with(&world, |registry| {
        registry.logic(1, "products", Operation::Create, picky);
        registry.logic(1, "categories", Operation::Create, joins);
    });
    let made = post(&world, "/categories", json!({ "name": "Tools" })).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(count(&world, "products").await, 2);
    assert_eq!(*told.lock().unwrap(), ["stands", "stands too"]);
}

async fn hooks_do_not_hear_of_items_that_were_undone(world: World) {
    async fn goes_on(call: Call) -> Result<Reply, Refusal> {
        let item = |name: &str| {
            json!({
                "operation": "create", "resourceName": "products", "data": { "name": name },
            })
        };
        let kept = call.transact(&[item("a"), item("b")]).await?;
        assert_eq!(kept.len(), 2);
        let undone = call.transact(&[item("c"), item("")]).await;
        assert_eq!(
            undone.err().map(|refusal| refusal.code),
            Some(Code::ValidationFailed)
        );
        let number = json!({
            "operation": "create", "resourceName": "orders", "data": { "number": 7 },
        });
        let undone = call.transact(&[item("d"), number.clone(), number]).await;
        assert_eq!(
            undone.err().map(|refusal| refusal.code),
            Some(Code::UniqueViolation)
        );
        call.proceed().await
    }
    let told = with(&world, |registry| {
        registry.logic(1, "categories", Operation::Create, goes_on);
    });
    let made = post(&world, "/categories", json!({ "name": "Tools" })).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(count(&world, "products").await, 2);
    assert_eq!(*told.lock().unwrap(), ["a", "b"]);
}
