//! Code round operations: what it may do, what it may not, and that nothing of it stays half done.

#![cfg(test)]

use crate::rest::{Reply as Answered, send};
use crate::world::World;
use carnet_kernel::{Code, Refusal};
use carnet_model::Operation;
use carnet_records::logic::{
    Body, Call, Component, Fits, Record, RecordField, Registry, Reply, Repo, Request, after,
    after_commit, before, before_validate, late,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

crate::on_both!(
    logic_stands_round_a_create,
    several_resources_or_none,
    at_most_ten_are_featured,
    hooks_run_in_their_order,
    what_goes_round_logic_is_refused,
    escapes_hide_nothing_from_logic,
    broken_logic_harms_nothing_else,
    a_logic_under_a_key_has_one_effect,
    a_dry_run_of_logic_leaves_nothing,
    reads_may_be_changed,
    components_and_bodies_are_arguments,
    a_locked_parent_keeps_its_count,
    items_run_their_code,
    nested_calls_are_undone_alone,
    typed_records_are_read_and_written,
    items_inside_code_are_all_or_none,
);

/// The same world with code round its operations.
fn with(world: &World, register: impl FnOnce(&mut Registry)) {
    let mut registry = Registry::default();
    register(&mut registry);
    let logics = registry.compile(world.operations.view().model());
    world.operations.install(logics.unwrap());
}

pub(crate) async fn post(world: &World, path: &str, body: Value) -> Answered {
    let headers = [("content-type", "application/json")];
    send(world, "POST", path, &headers, &body.to_string()).await
}

#[track_caller]
fn code(answered: &Answered) -> Code {
    let refusal = answered.refusal.as_ref();
    refusal
        .unwrap_or_else(|| panic!("{} {:?}", answered.status, answered.bytes))
        .code
}

pub(crate) async fn count(world: &World, resource: &str) -> u64 {
    let (_, total) = world.list(resource, "count=exact").await.unwrap();
    total.unwrap()
}

async fn logic_stands_round_a_create(world: World) {
    async fn create(call: Call) -> Result<Reply, Refusal> {
        assert_eq!(call.resource(), "products");
        assert_eq!(call.version(), 1);
        assert_eq!(call.input()["name"], "pen");
        call.change_input(|input| input["note"] = json!("made by logic"))?;
        let reply = call.proceed().await?;
        reply.map(|record| record["extra"] = json!(1))
    }
    with(&world, |registry| {
        registry.logic(1, "products", Operation::Create, create);
    });
    let made = post(&world, "/products", json!({ "name": "pen" })).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.body["data"]["note"], "made by logic");
    assert_eq!(made.body["data"]["extra"], 1);
    assert!(made.headers.contains_key("location"));
    // The body is validated before any code sees it.
    let bad = post(&world, "/products", json!({ "name": "" })).await;
    assert_eq!(code(&bad), Code::ValidationFailed);
    assert_eq!(world.journal(1).await, ["products create 1"]);
}

async fn several_resources_or_none(world: World) {
    async fn order(call: Call) -> Result<Reply, Refusal> {
        let category = call.repository("categories")?;
        let made = category.create(&json!({ "name": "inside" })).await?;
        let products = call.repository("products")?;
        let id = made["id"].as_str().unwrap_or_default().to_owned();
        products
            .create(&json!({ "name": "of it", "categoryId": id }))
            .await?;
        let seen = products.find().filter("category.name", "eq", "inside");
        assert_eq!(seen.count().await?, 1);
        let reply = call.proceed().await?;
        if reply.data()?["number"] == 13 {
            return Err(Refusal::new(Code::ValidationFailed, "not thirteen"));
        }
        // A write that fails leaves the rest alone.
        let again = category.create(&json!({ "name": "Inside" })).await;
        assert_eq!(
            again.err().map(|refusal| refusal.code),
            Some(Code::UniqueViolation)
        );
        Ok(reply)
    }
    with(&world, |registry| {
        registry.logic(1, "orders", Operation::Create, order);
    });
    let bad = post(&world, "/orders", json!({ "number": 13 })).await;
    assert_eq!(code(&bad), Code::ValidationFailed);
    for resource in ["orders", "products", "categories", "journal"] {
        assert_eq!(count(&world, resource).await, 0, "{resource}");
    }
    let good = post(&world, "/orders", json!({ "number": 7 })).await;
    assert_eq!(good.status, 201, "{}", good.body);
    assert_eq!(
        world.journal(3).await,
        [
            "categories create 1",
            "products create 1",
            "orders create 1"
        ]
    );
}

async fn at_most_ten_are_featured(world: World) {
    async fn create(call: Call) -> Result<Reply, Refusal> {
        let products = call.repository("products")?;
        let featured = products.find().filter("isFeatured", "eq", true);
        if featured.count().await? >= 10 {
            return Err(Refusal::new(Code::ValidationFailed, "ten are featured"));
        }
        call.proceed().await
    }
    for is_late in [false, true] {
        with(&world, |registry| match is_late {
            false => registry.logic(1, "products", Operation::Create, create),
            true => registry.logic(1, "products", Operation::Create, late(create)),
        });
        let callers = (0..32).map(|number| {
            let world = world.clone();
            tokio::spawn(async move {
                let body = json!({ "name": format!("p{number}"), "isFeatured": true });
                post(&world, "/products", body).await
            })
        });
        let mut made = 0;
        for answered in futures_util::future::join_all(callers).await {
            let answered = answered.unwrap();
            match answered.status {
                201 => made += 1,
                _ => assert!(
                    matches!(
                        code(&answered),
                        Code::ValidationFailed | Code::VersionConflict
                    ),
                    "late: {is_late}: {:?}",
                    answered.refusal
                ),
            }
        }
        assert_eq!(made, 10, "late: {is_late}");
        assert_eq!(count(&world, "products").await, 10);
        for id in world.names("products", "", "id").await {
            world.delete("products", &id, None).await.unwrap();
        }
    }
}

async fn hooks_run_in_their_order(world: World) {
    type Log = Mutex<Vec<String>>;
    fn say(log: &Log, word: &str) {
        log.lock().unwrap().push(word.to_owned());
    }
    async fn first(call: Call, log: Component<Log>) -> Result<(), Refusal> {
        say(&log, "before validate");
        call.change_input(|input| input["name"] = json!("named by a hook"))
    }
    async fn second(_: Call, log: Component<Log>) -> Result<(), Refusal> {
        say(&log, "before, late");
        Ok(())
    }
    async fn third(_: Call, log: Component<Log>) -> Result<(), Refusal> {
        say(&log, "before, early");
        Ok(())
    }
    async fn fourth(call: Call, log: Component<Log>) -> Result<(), Refusal> {
        say(&log, "after");
        if let Some(reply) = call.reply() {
            call.set_reply(reply.map(|record| record["seen"] = json!(true))?);
        }
        Ok(())
    }
    async fn fifth(call: Call, log: Component<Log>) -> Result<(), Refusal> {
        let products = call.repository("products")?.find().count().await?;
        say(&log, &format!("after commit of {products}"));
        Ok(())
    }
    async fn refuse(call: Call) -> Result<(), Refusal> {
        match call.input()["note"].as_str() {
            Some("no") => Err(Refusal::new(Code::ValidationFailed, "a hook says no")),
            _ => Ok(()),
        }
    }
    let log: Arc<Log> = Arc::default();
    let create = Operation::Create;
    with(&world, |registry| {
        registry.component(Arc::clone(&log));
        registry.hook("products", after_commit(create), fifth);
        registry.hook("products", before(create).order(5), second);
        registry.hook("products", before(create), third);
        registry.hook("products", after(create), fourth);
        registry.hook("products", after(create), refuse);
        registry.hook("products", before_validate(create), first);
    });
    let made = post(&world, "/products", json!({ "name": "" })).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.body["data"]["name"], "named by a hook");
    assert_eq!(made.body["data"]["seen"], true);
    let expected = [
        "before validate",
        "before, early",
        "before, late",
        "after",
        "after commit of 1",
    ];
    assert_eq!(*log.lock().unwrap(), expected);
    let refused = post(&world, "/products", json!({ "name": "", "note": "no" })).await;
    assert_eq!(code(&refused), Code::ValidationFailed);
    assert_eq!(
        log.lock().unwrap().len(),
        9,
        "nothing after a commit that was not"
    );
    assert_eq!(count(&world, "products").await, 1);
}

async fn what_goes_round_logic_is_refused(world: World) {
    async fn guard(call: Call) -> Result<Reply, Refusal> {
        call.proceed().await
    }
    with(&world, |registry| {
        registry.logic(1, "products", Operation::Create, guard);
        registry.logic(1, "products", Operation::Patch, guard);
    });
    let upsert = post(
        &world,
        "/products?upsert=sku",
        json!({ "name": "a", "sku": "1" }),
    )
    .await;
    assert_eq!(code(&upsert), Code::LogicBypassed);
    let headers = [("content-type", "application/json")];
    let path = "/products?filter[name][eq]=a&maxAffected=5";
    let matching = send(&world, "PATCH", path, &headers, r#"{"note":"x"}"#).await;
    assert_eq!(code(&matching), Code::MethodNotAllowed);
    assert_eq!(matching.header("allow"), Some("GET, HEAD, POST, DELETE"));
    let told = matching.refusal.as_ref().unwrap();
    assert!(told.message.contains("logic that stands round"), "{told}");
    let item = json!({ "operation": "patch", "where": { "name": "a" }, "data": { "note": "x" } });
    let items = json!({ "items": [item] });
    assert_eq!(
        code(&post(&world, "/products/batch", items).await),
        Code::LogicBypassed
    );
    // In the body of another record, however deep.
    let many = json!({ "name": "c", "products": [{ "name": "a" }] });
    assert_eq!(
        code(&post(&world, "/categories", many).await),
        Code::LogicBypassed
    );
    let deep = json!({ "name": "c", "children": [{ "name": "d", "products": [{ "name": "a" }] }] });
    assert_eq!(
        code(&post(&world, "/categories", deep).await),
        Code::LogicBypassed
    );
    let line = json!({ "number": 1, "lines": [{ "product": { "create": { "name": "a" } } }] });
    assert_eq!(
        code(&post(&world, "/orders", line).await),
        Code::LogicBypassed
    );
    let inside =
        json!({ "name": "c", "children": [{ "name": "d", "products": [{ "name": "a" }] }] });
    let items = json!({ "items": [{ "operation": "create", "data": inside }] });
    let batch = post(&world, "/categories/batch", items).await;
    assert_eq!(code(&batch), Code::LogicBypassed);
    let item = json!({ "operation": "create", "resourceName": "orders", "data": {
        "number": 1, "lines": [{ "product": { "create": { "name": "a" } } }],
    } });
    let transaction = post(&world, "/transactions", json!({ "items": [item] })).await;
    assert_eq!(code(&transaction), Code::LogicBypassed);
    // A link is a record of its own.
    let shelf = world.made("shelves", r#"{"name":"s"}"#).await;
    let body = json!({ "label": "b", "shelfId": shelf }).to_string();
    let (holder, mark) = (
        world.made("boxes", &body).await,
        world.made("marks", r#"{"text":"m"}"#).await,
    );
    with(&world, |registry| {
        registry.logic(1, "boxMarks", Operation::Create, guard);
    });
    let link = format!("/boxes/{holder}/marks/{mark}");
    let linked = send(&world, "PUT", &link, &[], "").await;
    assert_eq!(code(&linked), Code::MethodNotAllowed);
    assert_eq!(linked.header("allow"), Some("DELETE"));
    let item = json!({ "operation": "link", "id": holder, "relation": "marks", "target": mark });
    let batch = post(&world, "/boxes/batch", json!({ "items": [item] })).await;
    assert_eq!(code(&batch), Code::LogicBypassed);
    // A restoration is like a creation.
    let shelf = world.made("shelves", r#"{"name":"gone"}"#).await;
    world.delete("shelves", &shelf, None).await.unwrap();
    with(&world, |registry| {
        registry.logic(1, "products", Operation::Create, guard);
        registry.logic(1, "shelves", Operation::Create, guard);
        registry.logic(1, "boxMarks", Operation::Create, guard);
    });
    let path = format!("/shelves/{shelf}/restore");
    let restored = send(&world, "POST", &path, &[], "").await;
    assert_eq!(code(&restored), Code::MethodNotAllowed);
    assert_eq!(restored.header("allow"), Some(""));
    assert_eq!(count(&world, "boxMarks").await, 0);
    assert_eq!(count(&world, "products").await, 0);
}

/// JSON may write any letter of a name as an escape.
async fn escapes_hide_nothing_from_logic(world: World) {
    async fn deny(_: Call) -> Result<Reply, Refusal> {
        Err(Refusal::new(Code::Locked, "nobody makes one"))
    }
    with(&world, |registry| {
        registry.logic(1, "products", Operation::Create, deny);
    });
    for (path, body, expected) in [
        (
            "/transactions",
            r#"{"items":[{"operation":"create","resourceName":"prod\u0075cts","data":{"name":"a"}}]}"#,
            Code::Locked,
        ),
        (
            "/transactions",
            r#"{"items":[{"oper\u0061tion":"cre\u0061te","resourceName":"products","data":{"name":"a"}}]}"#,
            Code::Locked,
        ),
        (
            "/products/batch",
            r#"{"items":[{"operation":"\u0063reate","data":{"name":"a"}}]}"#,
            Code::Locked,
        ),
        (
            "/categories",
            r#"{"name":"c","prod\u0075cts":[{"name":"a"}]}"#,
            Code::LogicBypassed,
        ),
        (
            "/categories/batch",
            r#"{"items":[{"operation":"create","data":{"name":"c","\u0070roducts":[{"name":"a"}]}}]}"#,
            Code::LogicBypassed,
        ),
    ] {
        let answered = send(
            &world,
            "POST",
            path,
            &[("content-type", "application/json")],
            body,
        )
        .await;
        assert_eq!(code(&answered), expected, "{body}");
    }
    assert_eq!(count(&world, "products").await, 0);
    assert_eq!(count(&world, "categories").await, 0);
}

async fn broken_logic_harms_nothing_else(world: World) {
    async fn create(call: Call) -> Result<Reply, Refusal> {
        let name = call.input()["name"].as_str().unwrap_or_default().to_owned();
        let reply = call.proceed().await?;
        match name.as_str() {
            "panics" => panic!("on purpose"),
            "twice" => call.proceed().await,
            "status" => Ok(reply.status(404)),
            "unserializable" => Reply::json(&std::collections::HashMap::from([((1, 2), 3)])),
            "unknown" => call.repository("prodcts").map(|_| reply),
            "circle" => {
                let request = Request::Create {
                    resource: "products".to_owned(),
                    body: json!({ "name": "circle" }).to_string(),
                };
                call.perform(request).await.map(|_| reply)
            }
            "kept" => {
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    drop(call.repository("products").map(|products| async move {
                        products.create(&json!({ "name": "late" })).await
                    }));
                });
                Ok(reply)
            }
            _ => Ok(reply),
        }
    }
    with(&world, |registry| {
        registry.logic(1, "products", Operation::Create, create);
    });
    for (name, expected) in [
        ("panics", Code::LogicPanicked),
        ("twice", Code::LogicMisused),
        ("status", Code::LogicMisused),
        ("unserializable", Code::LogicMisused),
        ("unknown", Code::LogicMisused),
        ("circle", Code::LogicCycle),
    ] {
        let answered = post(&world, "/products", json!({ "name": name })).await;
        assert_eq!(code(&answered), expected, "{name}");
        assert_eq!(answered.status, 500, "{name}");
        assert_eq!(count(&world, "products").await, 0, "{name}");
    }
    let kept = post(&world, "/products", json!({ "name": "kept" })).await;
    assert_eq!(kept.status, 201);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(count(&world, "products").await, 1);
}

async fn a_logic_under_a_key_has_one_effect(world: World) {
    async fn create(call: Call, runs: Component<AtomicU32>) -> Result<Reply, Refusal> {
        runs.fetch_add(1, Ordering::Relaxed);
        let reply = call.proceed().await?;
        Ok(reply
            .map(|record| record["answer"] = json!(42))?
            .message("made once"))
    }
    let runs = Arc::new(AtomicU32::new(0));
    with(&world, |registry| {
        registry.component(Arc::clone(&runs));
        registry.logic(1, "products", Operation::Create, create);
    });
    let headers = [
        ("content-type", "application/json"),
        ("idempotency-key", "k1"),
    ];
    let body = r#"{"name":"pen"}"#;
    let first = send(&world, "POST", "/products", &headers, body).await;
    let second = send(&world, "POST", "/products", &headers, body).await;
    assert_eq!(first.status, 201, "{}", first.body);
    assert_eq!(first.body, second.body);
    assert_eq!(first.body["message"], "made once");
    assert_eq!(second.status, 201);
    assert_eq!(runs.load(Ordering::Relaxed), 1);
    let other = send(&world, "POST", "/products", &headers, r#"{"name":"ink"}"#).await;
    assert_eq!(code(&other), Code::IdempotencyKeyReused);
    assert_eq!(count(&world, "products").await, 1);
}

async fn a_dry_run_of_logic_leaves_nothing(world: World) {
    async fn create(call: Call) -> Result<Reply, Refusal> {
        call.repository("categories")?
            .create(&json!({ "name": "c" }))
            .await?;
        call.proceed().await
    }
    async fn told(_: Call) -> Result<(), Refusal> {
        panic!("nothing was committed")
    }
    with(&world, |registry| {
        registry.logic(1, "products", Operation::Create, create);
        registry.hook("products", after_commit(Operation::Create), told);
    });
    let answered = post(&world, "/products?dryRun=true", json!({ "name": "pen" })).await;
    assert_eq!(answered.status, 201, "{}", answered.body);
    for resource in ["categories", "products", "journal"] {
        assert_eq!(count(&world, resource).await, 0, "{resource}");
    }
}

async fn reads_may_be_changed(world: World) {
    async fn list(call: Call) -> Result<Reply, Refusal> {
        let reply = call.proceed().await?;
        reply.map(|record| record["shown"] = json!(true))
    }
    async fn read(call: Call) -> Result<Value, Refusal> {
        Ok(json!({ "id": call.require_id()?.to_string() }))
    }
    let id = world.made("products", r#"{"name":"pen"}"#).await;
    with(&world, |registry| {
        registry.logic(1, "products", Operation::List, list);
        registry.logic(1, "products", Operation::Read, read);
    });
    let listed = send(&world, "GET", "/products", &[], "").await;
    assert_eq!(listed.body["data"][0]["shown"], true, "{}", listed.body);
    assert_eq!(listed.body["count"], 1);
    let read = send(&world, "GET", &format!("/products/{id}"), &[], "").await;
    assert_eq!(read.body["data"], json!({ "id": id }));
}

async fn components_and_bodies_are_arguments(world: World) {
    #[derive(Deserialize)]
    struct New {
        name: String,
    }
    struct Prefix(&'static str);
    async fn create(
        call: Call,
        prefix: Component<Prefix>,
        new: Body<New>,
    ) -> Result<Reply, Refusal> {
        let name = format!("{}{}", prefix.0.0, new.name);
        call.proceed_with(&json!({ "name": name })).await
    }
    with(&world, |registry| {
        registry.component(Arc::new(Prefix("the ")));
        registry.logic(1, "products", Operation::Create, create);
    });
    let made = post(&world, "/products", json!({ "name": "pen" })).await;
    assert_eq!(made.body["data"]["name"], "the pen");
}

async fn a_locked_parent_keeps_its_count(world: World) {
    async fn create(call: Call) -> Result<Reply, Refusal> {
        let order = call.input()["orderId"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let lines = call.repository("lines")?;
        let there = lines.find().filter("orderId", "eq", order).count().await?;
        if there >= 10 {
            return Err(Refusal::new(Code::ValidationFailed, "ten are there"));
        }
        call.proceed().await
    }
    let order = world.made("orders", r#"{"number":1}"#).await;
    let mut products = Vec::new();
    for number in 0..32 {
        let body = json!({ "name": format!("p{number}") }).to_string();
        products.push(world.made("products", &body).await);
    }
    with(&world, |registry| {
        registry.logic(1, "lines", Operation::Create, create);
    });
    let callers = products.into_iter().map(|product| {
        let (world, order) = (world.clone(), order.clone());
        tokio::spawn(async move {
            let body = json!({ "orderId": order, "productId": product });
            post(&world, "/lines", body).await
        })
    });
    let mut made = 0;
    for answered in futures_util::future::join_all(callers).await {
        let answered = answered.unwrap();
        match answered.status {
            201 => made += 1,
            // Nobody loses a race: each waits for its turn.
            _ => assert_eq!(code(&answered), Code::ValidationFailed),
        }
    }
    assert_eq!(made, 10);
    assert_eq!(count(&world, "lines").await, 10);
}

async fn items_run_their_code(world: World) {
    async fn create(call: Call) -> Result<Reply, Refusal> {
        call.change_input(|input| input["note"] = json!("by logic"))?;
        let reply = call.proceed().await?;
        match reply.data()?["name"].as_str() {
            Some("bad") => Err(Refusal::new(Code::ValidationFailed, "it is bad")),
            _ => Ok(reply),
        }
    }
    with(&world, |registry| {
        registry.logic(1, "products", Operation::Create, create);
    });
    let item = |resource: &str, data: Value| json!({ "operation": "create", "resourceName": resource, "data": data });
    let transact = |policy: &str, name: &str| {
        json!({ "policy": policy, "items": [
            item("categories", json!({ "name": format!("c {name} {policy}") })),
            item("products", json!({ "name": name, "categoryId": "{{result[0].id}}" })),
            item("orders", json!({ "number": name.len() })),
        ]})
    };
    let good = post(&world, "/transactions", transact("atomic", "pen")).await;
    assert_eq!(good.status, 200, "{}", good.body);
    assert_eq!(good.body["data"][1]["note"], "by logic");
    assert_eq!(
        good.body["data"][1]["categoryId"],
        good.body["data"][0]["id"]
    );
    let bad = post(&world, "/transactions", transact("atomic", "bad")).await;
    assert_eq!(code(&bad), Code::ValidationFailed);
    assert_eq!(bad.fields(), ["items[1]"]);
    assert_eq!(count(&world, "categories").await, 1);
    // Those that can stand alone do.
    let mut each = transact("each", "bad");
    each["items"][2]["data"]["number"] = json!(77);
    let each = post(&world, "/transactions", each).await;
    assert_eq!(each.status, 207, "{}", each.body);
    let statuses: Vec<&Value> = (0..3).map(|at| &each.body["data"][at]["status"]).collect();
    assert_eq!(statuses, [&json!(201), &json!(400), &json!(201)]);
    assert_eq!(count(&world, "products").await, 1);
    let batch = json!({ "items": [{ "operation": "create", "data": { "name": "ink" } }] });
    let batch = post(&world, "/products/batch", batch).await;
    assert_eq!(batch.body["data"][0]["note"], "by logic", "{}", batch.body);
}

async fn nested_calls_are_undone_alone(world: World) {
    async fn product(call: Call) -> Result<Reply, Refusal> {
        call.repository("categories")?
            .create(&json!({ "name": "of a product" }))
            .await?;
        call.proceed().await?;
        Err(Refusal::new(Code::ValidationFailed, "never a product"))
    }
    async fn order(call: Call) -> Result<Reply, Refusal> {
        let request = Request::Create {
            resource: "products".to_owned(),
            body: json!({ "name": "pen" }).to_string(),
        };
        let refused = call.perform(request).await.err();
        assert_eq!(
            refused.map(|refusal| refusal.code),
            Some(Code::ValidationFailed)
        );
        call.proceed().await
    }
    with(&world, |registry| {
        registry.logic(1, "products", Operation::Create, product);
        registry.logic(1, "orders", Operation::Create, order);
    });
    let made = post(&world, "/orders", json!({ "number": 1 })).await;
    assert_eq!(made.status, 201, "{}", made.body);
    for (resource, expected) in [("orders", 1), ("products", 0), ("categories", 0)] {
        assert_eq!(count(&world, resource).await, expected, "{resource}");
    }
    assert_eq!(world.journal(5).await, ["orders create 1"]);
}

async fn items_inside_code_are_all_or_none(world: World) {
    async fn create(call: Call) -> Result<Reply, Refusal> {
        call.proceed().await
    }
    async fn order(call: Call) -> Result<Reply, Refusal> {
        let item = |name: &str| json!({ "operation": "create", "resourceName": "categories", "data": { "name": name } });
        let failed = call.transact(&[item("a"), item("A")]).await;
        assert_eq!(
            failed.err().map(|refusal| refusal.code),
            Some(Code::UniqueViolation)
        );
        call.proceed().await
    }
    with(&world, |registry| {
        registry.logic(1, "categories", Operation::Create, create);
        registry.logic(1, "orders", Operation::Create, order);
    });
    let made = post(&world, "/orders", json!({ "number": 1 })).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(count(&world, "categories").await, 0);
    assert_eq!(world.journal(5).await, ["orders create 1"]);
}

#[derive(Deserialize)]
struct Product {
    name: String,
    stock: i64,
}

impl Record for Product {
    const RESOURCE: &'static str = "products";

    fn fields() -> Vec<RecordField> {
        vec![
            RecordField {
                name: "name",
                fits: <String as Fits>::fits,
            },
            RecordField {
                name: "stock",
                fits: <i64 as Fits>::fits,
            },
        ]
    }

    fn searches() -> &'static [&'static [&'static str]] {
        &[&["isFeatured"], &["categoryId"], &["sku"]]
    }
}

async fn typed_records_are_read_and_written(world: World) {
    async fn order(call: Call, products: Repo<Product>) -> Result<Reply, Refusal> {
        let pen = products
            .create(&json!({ "name": "pen", "stock": 3 }))
            .await?;
        assert_eq!((pen.name.as_str(), pen.stock), ("pen", 3));
        let found = products.find().filter("stock", "gte", 3).sort("name");
        let names: Vec<String> = found.all().await?.into_iter().map(|one| one.name).collect();
        assert_eq!(names, ["pen"]);
        assert!(products.get(call.next_id()).await?.is_none());
        call.proceed().await
    }
    let mut registry = Registry::default();
    registry.logic(1, "orders", Operation::Create, order);
    let logics = registry.compile(world.operations.view().model()).unwrap();
    let warned = logics.warnings().join(" | ");
    assert!(
        warned.contains("`products` is searched by isFeatured"),
        "{warned}"
    );
    assert_eq!(logics.warnings().len(), 1, "{warned}");
    world.operations.install(logics);
    let made = post(&world, "/orders", json!({ "number": 1 })).await;
    assert_eq!(made.status, 201, "{}", made.body);
}

#[test]
fn every_mistake_of_a_registration_is_told() {
    async fn any(_: Call, _: Component<String>) -> Result<(), Refusal> {
        Ok(())
    }
    let source = carnet_model::Source::application(
        "a.yaml",
        "carnet: 1\nversions: { v1: {}, v2: {} }\nresources:\n  pens:\n    operations: [list, create]\n    fields: { name: { type: text } }\n",
    );
    let model = carnet_model::compile(&[source]).unwrap().model;
    let mut registry = Registry::default();
    registry.logic(1, "pns", Operation::Create, any);
    registry.logic(3, "pens", Operation::Create, any);
    registry.logic(1, "pens", Operation::Delete, any);
    registry.logic(1, "pens", "feature", any);
    registry.hook("pens", after_commit(Operation::List), any);
    let faults = registry.compile(&Arc::new(model)).err().unwrap();
    for expected in [
        "there is no such resource (did you mean `pens`?)",
        "there is no such version; the definition has v1, v2",
        "the resource does not offer `delete`",
        "there is no such action",
        "a read commits nothing",
        "it takes `alloc::string::String`, and no component of that type was added",
    ] {
        assert!(
            faults.iter().any(|fault| fault.contains(expected)),
            "{expected}: {faults:#?}"
        );
    }
}
