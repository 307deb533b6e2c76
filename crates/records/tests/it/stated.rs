//! The version that a request states, where logic does what it likes: it is held against the record
//! before anything is written, and read at no cost where the default operation reads it anyway.

#![cfg(test)]

use crate::actions::with_actions;
use crate::rest::{Reply as Answered, send, send_json};
use crate::world::World;
use carnet_kernel::{Code, Refusal};
use carnet_model::Operation;
use carnet_records::logic::{Call, Registry, Reply, before};
use serde_json::{Value, json};

crate::on_both!(
    logic_that_never_proceeds,
    a_version_has_to_be_stated,
    what_code_writes_itself_is_no_other_version,
    a_refusal_cannot_be_swallowed,
    items_state_versions_too,
    deleted_records_have_a_version,
    records_with_uuids,
    nothing_is_read_twice,
);

fn with(world: &World, register: impl FnOnce(&mut Registry)) {
    let mut registry = Registry::default();
    register(&mut registry);
    let logics = registry.compile(world.operations.view().model());
    world.operations.install(logics.unwrap());
}

/// Code round every change of a record.
fn round(world: &World, register: impl Fn(&mut Registry, Operation)) {
    with(world, |registry| {
        for operation in [Operation::Update, Operation::Patch, Operation::Delete] {
            register(registry, operation);
        }
    });
}

#[track_caller]
fn check(reply: &Answered, status: u16, code: &str) {
    let told = (reply.status, reply.code());
    assert_eq!(told, (status, code), "{}", reply.body);
}

async fn change(world: &World, method: &str, path: &str, version: Option<&str>) -> Answered {
    let headers: Vec<(&str, &str)> = version.map(|tag| ("if-match", tag)).into_iter().collect();
    match method {
        "DELETE" => send(world, method, path, &headers, "").await,
        _ => {
            let body = r#"{"name":"changed"}"#;
            send_json(world, method, path, &headers, body).await
        }
    }
}

const METHODS: [&str; 3] = ["PUT", "PATCH", "DELETE"];

async fn says_so(_: Call) -> Result<Value, Refusal> {
    Ok(json!({ "done": true }))
}

async fn logic_that_never_proceeds(world: World) {
    let product = world.made("products", r#"{"name":"pen"}"#).await;
    let path = format!("/products/{product}");
    round(&world, |registry, operation| {
        registry.logic(1, "products", operation, says_so);
    });
    for method in METHODS {
        for (version, status) in [
            (Some("\"7\""), 412),
            (Some("\"1\""), 200),
            (Some("\"7\", \"1\""), 200),
            (Some("*"), 200),
            (None, 200),
        ] {
            let reply = change(&world, method, &path, version).await;
            assert_eq!(reply.status, status, "{method} {version:?} {}", reply.body);
        }
        // A record that is not there has no version.
        let nowhere = "/products/01M7YNHEYVEXRVRZ4WVN2HR80A";
        let reply = change(&world, method, nowhere, Some("\"1\"")).await;
        check(&reply, 404, "NOT_FOUND");
    }
    assert_eq!(world.journal(9).await, ["products create 1"]);
}

async fn a_version_has_to_be_stated(world: World) {
    let order = world.made("orders", r#"{"number":1}"#).await;
    let path = format!("/orders/{order}");
    round(&world, |registry, operation| {
        registry.logic(1, "orders", operation, says_so);
    });
    for method in METHODS {
        let body = if method == "DELETE" {
            ""
        } else {
            r#"{"number":2}"#
        };
        let missing = send_json(&world, method, &path, &[], body).await;
        check(&missing, 428, "PRECONDITION_REQUIRED");
        let stale = send_json(&world, method, &path, &[("if-match", "\"3\"")], body).await;
        check(&stale, 412, "PRECONDITION_FAILED");
        let fresh = send_json(&world, method, &path, &[("if-match", "\"1\"")], body).await;
        assert_eq!(fresh.status, 200, "{}", fresh.body);
    }
}

async fn what_code_writes_itself_is_no_other_version(world: World) {
    /// Changes the record by a repository and answers that.
    async fn by_repository(call: Call) -> Result<Reply, Refusal> {
        let products = call.repository("products")?;
        let id = call.require_id()?;
        products.patch(id, &json!({ "note": "by code" })).await?;
        Reply::json(&products.patch(id, &json!({ "stock": 9 })).await?)
    }
    async fn other(call: Call) -> Result<(), Refusal> {
        let categories = call.repository("categories")?;
        categories.create(&json!({ "name": "by a hook" })).await?;
        Ok(())
    }
    let product = world.made("products", r#"{"name":"pen"}"#).await;
    let path = format!("/products/{product}");
    with(&world, |registry| {
        registry.logic(1, "products", Operation::Patch, by_repository);
        registry.hook("products", before(Operation::Update), other);
    });
    let stale = change(&world, "PATCH", &path, Some("\"4\"")).await;
    check(&stale, 412, "PRECONDITION_FAILED");
    let fresh = change(&world, "PATCH", &path, Some("\"1\"")).await;
    assert_eq!(fresh.status, 200, "{}", fresh.body);
    assert_eq!(fresh.body["data"]["version"], 3);
    // A hook that writes elsewhere does not before the version is known to be good.
    let stale = change(&world, "PUT", &path, Some("\"1\"")).await;
    check(&stale, 412, "PRECONDITION_FAILED");
    assert!(world.names("categories", "", "name").await.is_empty());
    let fresh = change(&world, "PUT", &path, Some("\"3\"")).await;
    assert_eq!(fresh.body["data"]["version"], 4, "{}", fresh.body);
}

async fn a_refusal_cannot_be_swallowed(world: World) {
    async fn careless(call: Call) -> Result<Value, Refusal> {
        let refused = call.proceed().await.err().map(|refusal| refusal.code);
        assert_eq!(refused, Some(Code::PreconditionFailed));
        Ok(json!({ "done": true }))
    }
    async fn more_careless(call: Call) -> Result<Value, Refusal> {
        let products = call.repository("products")?;
        let made = products.create(&json!({ "name": "other" })).await;
        let refused = made.err().map(|refusal| refusal.code);
        assert_eq!(refused, Some(Code::PreconditionFailed));
        Ok(json!({ "done": true }))
    }
    let product = world.made("products", r#"{"name":"pen"}"#).await;
    let path = format!("/products/{product}");
    for careful in [true, false] {
        round(&world, |registry, operation| match careful {
            true => registry.logic(1, "products", operation, careless),
            false => registry.logic(1, "products", operation, more_careless),
        });
        for method in METHODS {
            let stale = change(&world, method, &path, Some("\"2\"")).await;
            check(&stale, 412, "PRECONDITION_FAILED");
        }
    }
    assert_eq!(world.journal(9).await, ["products create 1"]);
}

async fn items_state_versions_too(world: World) {
    let product = world.made("products", r#"{"name":"pen"}"#).await;
    round(&world, |registry, operation| {
        registry.logic(1, "products", operation, says_so);
    });
    for (version, status) in [(2, 412), (1, 200)] {
        let item = json!({ "operation": "delete", "id": product, "version": version });
        let body = json!({ "items": [item] }).to_string();
        let reply = send_json(&world, "POST", "/products/batch", &[], &body).await;
        assert_eq!(reply.status, status, "{}", reply.body);
    }
}

async fn deleted_records_have_a_version(world: World) {
    let shelf = world.made("shelves", r#"{"name":"s"}"#).await;
    world.delete("shelves", &shelf, None).await.unwrap();
    with(&world, |registry| {
        registry.logic(1, "shelves", Operation::Delete, says_so);
    });
    let path = format!("/shelves/{shelf}?purge=true");
    let stale = change(&world, "DELETE", &path, Some("\"1\"")).await;
    check(&stale, 412, "PRECONDITION_FAILED");
    let fresh = change(&world, "DELETE", &path, Some("\"2\"")).await;
    assert_eq!(fresh.status, 200, "{}", fresh.body);
    // Without it a deleted record is not there.
    let path = format!("/shelves/{shelf}");
    let hidden = change(&world, "DELETE", &path, Some("\"2\"")).await;
    check(&hidden, 404, "NOT_FOUND");
}

async fn records_with_uuids(world: World) {
    async fn own(call: Call) -> Result<Value, Refusal> {
        call.record().await
    }
    let id = "0192f3e7-7c00-7abc-9def-0123456789ab";
    let body = json!({ "id": id, "name": "a" }).to_string();
    world.made("tokens", &body).await;
    with(&world, |registry| {
        registry.logic(1, "tokens", Operation::Patch, own);
    });
    let path = format!("/tokens/{id}");
    let stale = change(&world, "PATCH", &path, Some("\"2\"")).await;
    check(&stale, 412, "PRECONDITION_FAILED");
    let fresh = change(&world, "PATCH", &path, Some("\"1\"")).await;
    assert_eq!(fresh.body["data"]["id"], id, "{}", fresh.body);
}

async fn nothing_is_read_twice(world: World) {
    async fn proceeds(call: Call) -> Result<Reply, Refusal> {
        let found = call.repository("categories")?.find().count().await?;
        assert_eq!(found, 0);
        call.proceed().await
    }
    let world = with_actions(world).await;
    with(&world, |registry| {
        registry.logic(1, "products", Operation::Patch, proceeds);
    });
    let counted = async |version: Option<&str>| {
        let id = world.made("products", r#"{"name":"pen"}"#).await;
        let before = world.operations.store().counters();
        let path = format!("/products/{id}");
        let reply = change(&world, "PATCH", &path, version).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let after = world.operations.store().counters();
        (
            after.statements - before.statements,
            after.round_trips - before.round_trips,
        )
    };
    // The first run prepares.
    counted(None).await;
    assert_eq!(counted(Some("\"1\"")).await, counted(None).await);
}
