//! What code answers and what it puts in the place of a body, held to what the definition says.

#![cfg(test)]

use crate::actions::with_actions;
use crate::rest::{JSON, Reply as Answered, get, send, send_json};
use crate::world::World;
use carnet_kernel::Refusal;
use carnet_model::Operation;
use carnet_records::logic::{
    Body, Call, Component, Json, Registry, Reply, after, before, before_validate,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

crate::on_both!(
    outputs_are_what_is_declared,
    a_reply_beside_its_output_leaves_nothing,
    operations_answer_records_and_lists,
    changed_inputs_are_held_to_the_rules,
    changed_inputs_of_actions_are_whole,
    bodies_are_read_once,
);

fn with(world: &World, register: impl FnOnce(&mut Registry)) {
    let mut registry = Registry::default();
    register(&mut registry);
    let logics = registry.compile(world.operations.view().model());
    world.operations.install(logics.unwrap());
}

async fn post(world: &World, path: &str, body: Value) -> Answered {
    send_json(world, "POST", path, &[], &body.to_string()).await
}

#[track_caller]
fn misused(answered: &Answered, secret: &str) {
    assert_eq!(
        (answered.status, answered.code()),
        (500, "LOGIC_MISUSED"),
        "{}",
        answered.body
    );
    let text = String::from_utf8_lossy(&answered.bytes);
    let refusal = format!("{:?}", answered.refusal);
    assert!(
        !text.contains(secret) && !refusal.contains(secret),
        "{text}"
    );
}

async fn outputs_are_what_is_declared(world: World) {
    async fn feature(call: Call) -> Result<Reply, Refusal> {
        let products = call.repository("products")?;
        // With what belongs to it it is a record still.
        let id = call.require_id()?;
        let found = products.find().filter("id", "eq", id).include("category");
        let record = found.first().await?;
        Reply::json(&record.unwrap_or_default())
    }
    async fn recount(_: Call) -> Result<Json<Value>, Refusal> {
        Ok(Json(json!({ "counted": 3.0 })))
    }
    async fn retire(_: Call) -> Result<(), Refusal> {
        Ok(())
    }
    let world = with_actions(world).await;
    with(&world, |registry| {
        registry.logic(1, "products", "feature", feature);
        registry.logic(1, "products", "recount", recount);
        registry.logic(1, "products", "retire", retire);
    });
    let product = world.made("products", r#"{"name":"Pen"}"#).await;
    let reply = post(&world, &format!("/products/{product}/feature"), json!({})).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(reply.body["data"]["category"], Value::Null);
    let body = r#"{"since":"2026-01-01"}"#;
    let reply = send_json(&world, "PUT", "/products/recount", &[], body).await;
    // In the form that is declared.
    assert_eq!(reply.body["data"].to_string(), r#"{"counted":3}"#);
    let path = format!("/products/{product}/retire");
    let reply = send(&world, "DELETE", &path, &[], "").await;
    assert_eq!((reply.status, &reply.body["data"]), (200, &Value::Null));
}

async fn a_reply_beside_its_output_leaves_nothing(world: World) {
    /// Writes, and answers a part of what it should.
    async fn feature(call: Call) -> Result<Reply, Refusal> {
        let products = call.repository("products")?;
        let change = json!({ "note": "secret" });
        let record = products.patch(call.require_id()?, &change).await?;
        Reply::json(&json!({ "id": record["id"], "note": record["note"] }))
    }
    async fn recount(call: Call) -> Result<Reply, Refusal> {
        let products = call.repository("products")?;
        products.create(&json!({ "name": "secret" })).await?;
        Reply::json(&json!({ "counted": "secret" }))
    }
    async fn retire(call: Call) -> Result<Json<&'static str>, Refusal> {
        let products = call.repository("products")?;
        products.delete(call.require_id()?).await?;
        Ok(Json("secret"))
    }
    /// A hook answers last, and is held to the same.
    async fn blank(call: Call) -> Result<(), Refusal> {
        call.set_reply(Reply::json(&json!({ "counted": null, "why": "secret" }))?);
        Ok(())
    }
    let world = with_actions(world).await;
    let product = world.made("products", r#"{"name":"Pen"}"#).await;
    for hooked in [false, true] {
        with(&world, |registry| {
            registry.logic(1, "products", "feature", feature);
            registry.logic(1, "products", "recount", recount);
            registry.logic(1, "products", "retire", retire);
            if hooked {
                registry.hook("products", after("recount"), blank);
            }
        });
        let path = format!("/products/{product}");
        misused(
            &post(&world, &format!("{path}/feature"), json!({})).await,
            "secret",
        );
        let keyed = [JSON, ("idempotency-key", "k-1")];
        let body = r#"{"since":"2026-01-01"}"#;
        let reply = send(&world, "PUT", "/products/recount", &keyed, body).await;
        misused(&reply, "secret");
        let reply = send(&world, "DELETE", &format!("{path}/retire"), &[], "").await;
        misused(&reply, "secret");
        let left = get(&world, "/products").await;
        let left: Vec<&Value> = left.body["data"].as_array().unwrap().iter().collect();
        assert_eq!(left.len(), 1);
        assert_eq!(
            (&left[0]["name"], &left[0]["note"]),
            (&json!("Pen"), &Value::Null)
        );
        assert_eq!(world.journal(9).await, ["products create 1"]);
    }
}

async fn operations_answer_records_and_lists(world: World) {
    async fn list(_: Call) -> Result<Json<Value>, Refusal> {
        Ok(Json(json!({ "secret": 1 })))
    }
    async fn create(call: Call) -> Result<Json<Value>, Refusal> {
        call.proceed().await?;
        Ok(Json(json!(["secret"])))
    }
    async fn patch(call: Call) -> Result<(), Refusal> {
        call.proceed().await?;
        Ok(())
    }
    let product = world.made("products", r#"{"name":"Pen"}"#).await;
    with(&world, |registry| {
        registry.logic(1, "products", Operation::List, list);
        registry.logic(1, "products", Operation::Create, create);
        registry.logic(1, "products", Operation::Patch, patch);
    });
    misused(&get(&world, "/products").await, "secret");
    misused(
        &post(&world, "/products", json!({ "name": "Ink" })).await,
        "secret",
    );
    // Nothing may be said of a record that was changed.
    let path = format!("/products/{product}");
    let reply = send_json(&world, "PATCH", &path, &[], r#"{"note":"new"}"#).await;
    assert_eq!((reply.status, &reply.body["data"]), (200, &Value::Null));
    assert_eq!(
        world.journal(9).await,
        ["products create 1", "products update 2"]
    );
}

/// How often code ran that must not.
type Ran = AtomicU32;

async fn changed_inputs_are_held_to_the_rules(world: World) {
    async fn spoil(call: Call) -> Result<(), Refusal> {
        call.change_input(|input| input["stock"] = json!(-1))
    }
    async fn create(call: Call, ran: Component<Ran>) -> Result<Reply, Refusal> {
        ran.fetch_add(1, Ordering::Relaxed);
        call.proceed().await
    }
    /// A change that is refused is none.
    async fn mend(call: Call) -> Result<Reply, Refusal> {
        let refused = call.change_input(|input| input["nmae"] = json!("x"));
        let code = refused.err().map(|refusal| refusal.code.as_str());
        assert_eq!(code, Some("UNKNOWN_FIELD"));
        assert_eq!(call.input(), json!({ "name": "pen" }));
        call.change_input(|input| input["stock"] = json!(3))?;
        call.proceed().await
    }
    let ran = Arc::new(Ran::default());
    for hook in [
        before_validate(Operation::Create),
        before(Operation::Create),
    ] {
        with(&world, |registry| {
            registry.component(Arc::clone(&ran));
            registry.hook("products", hook, spoil);
            registry.logic(1, "products", Operation::Create, create);
        });
        let reply = post(&world, "/products", json!({ "name": "pen" })).await;
        assert_eq!((reply.status, reply.code()), (400, "VALIDATION_FAILED"));
        assert_eq!(reply.fields(), ["stock"]);
    }
    assert_eq!(ran.load(Ordering::Relaxed), 0);
    with(&world, |registry| {
        registry.logic(1, "products", Operation::Create, mend);
    });
    let reply = post(&world, "/products", json!({ "name": "pen" })).await;
    assert_eq!(reply.body["data"]["stock"], 3, "{}", reply.body);
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feature {
    is_featured: bool,
    reason: Option<String>,
}

async fn changed_inputs_of_actions_are_whole(world: World) {
    async fn shorten(call: Call) -> Result<(), Refusal> {
        let reason = call.input()["reason"].clone();
        call.set_input(&json!({ "reason": reason }))
    }
    async fn lengthen(call: Call) -> Result<(), Refusal> {
        call.change_input(|input| input["reason"] = json!("much longer than twenty characters"))
    }
    async fn feature(call: Call, asked: Body<Feature>) -> Result<Reply, Refusal> {
        let change = json!({ "isFeatured": asked.is_featured, "note": asked.reason });
        let products = call.repository("products")?;
        Reply::json(&products.patch(call.require_id()?, &change).await?)
    }
    let world = with_actions(world).await;
    let product = world.made("products", r#"{"name":"Pen"}"#).await;
    let path = format!("/products/{product}/feature");
    with(&world, |registry| {
        registry.hook("products", before_validate("feature"), shorten);
        registry.logic(1, "products", "feature", feature);
    });
    // What the hook left out has its default again.
    let reply = post(
        &world,
        &path,
        json!({ "isFeatured": false, "reason": "new" }),
    )
    .await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let data = &reply.body["data"];
    assert_eq!(
        (&data["isFeatured"], &data["note"]),
        (&json!(true), &json!("new"))
    );
    for hook in [before_validate("feature"), before("feature")] {
        with(&world, |registry| {
            registry.hook("products", hook, lengthen);
            registry.logic(1, "products", "feature", feature);
        });
        let reply = post(&world, &path, json!({})).await;
        assert_eq!((reply.status, reply.code()), (400, "VALIDATION_FAILED"));
        assert_eq!(reply.fields(), ["reason"]);
    }
    assert_eq!(world.journal(9).await.len(), 2);
}

/// A new record has the moment at which its body was read in its id.
async fn bodies_are_read_once(world: World) {
    async fn create(call: Call) -> Result<Reply, Refusal> {
        let replaces = call.input()["name"] == "replaced";
        let first = call.next_id();
        if replaces {
            call.change_input(|input| input["note"] = json!("new"))?;
        }
        let second = call.next_id();
        let reply = call.proceed().await?;
        let made = reply.created().unwrap_or(second);
        match replaces {
            true => assert!(first < made && made < second),
            false => assert!(made < first),
        }
        Ok(reply)
    }
    with(&world, |registry| {
        registry.logic(1, "products", Operation::Create, create);
        registry.logic(1, "orders", Operation::Create, create);
    });
    for body in [json!({ "name": "plain" }), json!({ "name": "replaced" })] {
        let reply = post(&world, "/products", body.clone()).await;
        assert_eq!(reply.status, 201, "{}", reply.body);
        assert_eq!(reply.body["data"]["name"], body["name"]);
    }
    // With others in it as well.
    let product = world.names("products", "limit=1", "id").await.remove(0);
    let order = json!({ "number": 1, "lines": [{ "productId": product }] });
    let reply = post(&world, "/orders", order).await;
    assert_eq!(reply.status, 201, "{}", reply.body);
    assert_eq!(reply.body["data"]["lines"][0]["productId"], product);
    // What only the database knows is found as ever.
    let again = post(&world, "/orders", json!({ "number": 1 })).await;
    assert_eq!((again.status, again.code()), (409, "UNIQUE_VIOLATION"));
    let lost = json!({ "name": "lost", "categoryId": "01M7YNHEYVEXRVRZ4WVN2HR80A" });
    let reply = post(&world, "/products", lost).await;
    assert_eq!((reply.status, reply.code()), (400, "REFERENCE_NOT_FOUND"));
}
