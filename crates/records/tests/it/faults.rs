//! What code does wrong ends with a code, leaves nothing, and is in the log once: with the
//! correlation id, the resource, the code's name and what the client is not told.

#![cfg(test)]

use crate::actions::with_actions;
use crate::rest::{Reply as Answered, get, send_json};
use crate::world::World;
use carnet_kernel::{Code, Refusal};
use carnet_model::Operation;
use carnet_records::logic::{Call, Json, Registry, Reply, Request, after_commit};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

crate::on_both!(
    each_is_told_once,
    actions_and_reads_are_told_once,
    rows_that_do_not_fit_are_told_once,
    what_code_swallows_is_told_once,
    nothing_stands_half,
);

/// The log of this process: code may run on threads of the database.
static LOG: LazyLock<Kept> = LazyLock::new(|| {
    let kept = Kept::default();
    let config = carnet_telemetry::Config {
        level: "warn".to_owned(),
        format: carnet_telemetry::Format::Json,
        ..carnet_telemetry::Config::default()
    };
    let writer = kept.clone();
    let subscriber = carnet_telemetry::logs::subscriber(&config, false, move || writer.clone());
    tracing::subscriber::set_global_default(subscriber.unwrap()).unwrap();
    kept
});

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The world with a request of its own, to know its lines by.
fn anew(mut world: World) -> World {
    world.context.correlation = world.operations.next_id();
    world
}

/// What `running` answers, and the lines that the log has of its request.
async fn logged<T>(world: &World, running: impl Future<Output = T>) -> (T, Vec<Value>) {
    let begin = LOG.0.lock().unwrap().len();
    let answer = running.await;
    let bytes = LOG.0.lock().unwrap()[begin..].to_vec();
    let text = String::from_utf8(bytes).unwrap();
    let correlation = world.context.correlation.to_string();
    let lines = text
        .lines()
        .filter(|line| line.contains(&correlation))
        .map(|line| serde_json::from_str(line).unwrap());
    (answer, lines.collect())
}

fn with(world: &World, register: impl FnOnce(&mut Registry)) {
    let mut registry = Registry::default();
    register(&mut registry);
    let logics = registry.compile(world.operations.view().model());
    world.operations.install(logics.unwrap());
}

/// The one line, of whatever `point` of products is done by `logic`, whose cause says `cause`.
#[track_caller]
fn check(
    world: &World,
    lines: &[Value],
    (point, logic): (&str, &str),
    (code, cause): (&str, &str),
) {
    assert_eq!(lines.len(), 1, "{code}: {lines:#?}");
    let line = &lines[0];
    let correlation = world.context.correlation.to_string();
    assert_eq!(line["level"], "ERROR", "{line}");
    assert_eq!(line["correlation.id"], correlation, "{line}");
    assert_eq!(
        (&line["resource"], &line["point"]),
        (&json!("products"), &json!(point)),
        "{line}"
    );
    assert_eq!(line["code"], code, "{line}");
    let name = line["logic"].as_str().unwrap_or_default();
    assert!(name.ends_with(logic), "{line}");
    let told = line["cause"].as_str().unwrap_or_default();
    assert!(told.contains(cause), "{cause}: {line}");
}

async fn create(world: &World, name: &str) -> Answered {
    let body = json!({ "name": name }).to_string();
    send_json(world, "POST", "/products", &[], &body).await
}

async fn breaks(call: Call) -> Result<Reply, Refusal> {
    let name = call.input()["name"].as_str().unwrap_or_default().to_owned();
    let reply = call.proceed().await?;
    match name.as_str() {
        "panics" => panic!("a secret"),
        "unserialisable" => Reply::json(&HashMap::from([((1, 2), 3)])),
        "misfits" => Reply::json(&json!(["a secret"])),
        "circle" => {
            let request = Request::Create {
                resource: "products".to_owned(),
                body: json!({ "name": "circle" }).to_string(),
            };
            call.perform(request).await.map(|_| reply)
        }
        _ => {
            tokio::time::sleep(Duration::from_secs(30)).await;
            Ok(reply)
        }
    }
}

async fn each_is_told_once(world: World) {
    let world = anew(world);
    with(&world, |registry| {
        registry.logic(1, "products", Operation::Create, breaks);
    });
    for (name, code, message, cause) in [
        (
            "panics",
            Code::LogicPanicked,
            "the code of this operation failed",
            "a secret",
        ),
        (
            "unserialisable",
            Code::LogicMisused,
            "the code of this operation uses the platform wrongly",
            "key must be a string",
        ),
        (
            "misfits",
            Code::LogicMisused,
            "the code of this operation uses the platform wrongly",
            "it is not an object",
        ),
        (
            "circle",
            Code::LogicCycle,
            "the code of operations calls itself in a circle",
            "8 times deep",
        ),
        (
            "sleeps",
            Code::TransactionTooLong,
            "a write took longer than its budget",
            "budget",
        ),
    ] {
        let (answered, lines) = logged(&world, create(&world, name)).await;
        assert_eq!(answered.code(), code.as_str(), "{name}: {}", answered.body);
        assert_eq!(answered.status, code.status());
        let refusal = answered.refusal.as_ref().unwrap();
        assert_eq!(refusal.message, message);
        check(
            &world,
            &lines,
            ("create", "::breaks"),
            (code.as_str(), cause),
        );
    }
    let left = get(&world, "/products").await;
    assert_eq!(left.body["data"], json!([]));
    let (fine, lines) = logged(&world, get(&world, "/products")).await;
    assert_eq!((fine.status, lines.len()), (200, 0));
}

async fn actions_and_reads_are_told_once(world: World) {
    async fn recount(_: Call) -> Result<Json<Value>, Refusal> {
        Ok(Json(json!({ "counted": "secret", "more": "secret" })))
    }
    async fn list(_: Call) -> Result<(), Refusal> {
        std::future::pending().await
    }
    /// What it makes of the failure is its own affair; the log has it.
    async fn careless(call: Call) -> Result<Reply, Refusal> {
        let body = json!({ "name": "panics" }).to_string();
        let resource = "products".to_owned();
        let inner = call.perform(Request::Create { resource, body }).await;
        assert_eq!(
            inner.err().map(|refusal| refusal.code),
            Some(Code::LogicPanicked)
        );
        call.proceed().await
    }
    async fn late(_: Call) -> Result<(), Refusal> {
        panic!("after the commit")
    }
    let mut world = anew(with_actions(world).await);
    with(&world, |registry| {
        registry.logic(1, "products", "recount", recount);
        registry.logic(1, "products", Operation::List, list);
        registry.logic(1, "products", Operation::Create, breaks);
        registry.logic(1, "categories", Operation::Create, careless);
        registry.hook("categories", after_commit(Operation::Create), late);
    });
    let since = r#"{"since":"2026-01-01"}"#;
    let misfit = send_json(&world, "PUT", "/products/recount", &[], since);
    let (_, lines) = logged(&world, misfit).await;
    let expected = ("LOGIC_MISUSED", "`counted` (type), `more` (unknown)");
    check(&world, &lines, ("recount", "::recount"), expected);
    assert!(!lines[0].to_string().contains("secret"), "{}", lines[0]);

    let body = r#"{"name":"Tools"}"#;
    let made = send_json(&world, "POST", "/categories", &[], body);
    let (made, lines) = logged(&world, made).await;
    assert_eq!(made.status, 201, "{}", made.body);
    check(
        &world,
        &lines[..1],
        ("create", "::breaks"),
        ("LOGIC_PANICKED", "a secret"),
    );
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert_eq!(
        (&lines[1]["level"], &lines[1]["code"]),
        (&json!("WARN"), &json!("LOGIC_PANICKED"))
    );
    assert!(lines[1]["cause"].to_string().contains("after the commit"));

    world.context.deadline = Some(Instant::now() + Duration::from_millis(50));
    let (slow, lines) = logged(&world, get(&world, "/products")).await;
    assert_eq!(slow.code(), "TIMEOUT");
    check(&world, &lines, ("list", "::list"), ("TIMEOUT", ""));
}

async fn rows_that_do_not_fit_are_told_once(world: World) {
    async fn list(call: Call) -> Result<Reply, Refusal> {
        let all = call.repository("products")?.find().sort("name");
        Ok(Reply::stream(all, |record| {
            if record["name"] == "p00501" {
                *record = json!("secret");
            }
        }))
    }
    let world = anew(world);
    crate::streams::products(&world, 502).await;
    with(&world, |registry| {
        registry.logic(1, "products", Operation::List, list);
    });
    let asked = crate::streams::lines(&world, "/products");
    let (all, lines) = logged(&world, asked).await;
    assert_eq!(all.len(), 501);
    assert_eq!(all[500]["error"]["code"], "LOGIC_MISUSED");
    let correlation = world.context.correlation.to_string();
    assert_eq!(all[500]["error"]["correlationId"], correlation);
    let cause = "a member of the list is not an object";
    check(&world, &lines, ("list", "::list"), ("LOGIC_MISUSED", cause));
    assert!(!lines[0].to_string().contains("secret"), "{}", lines[0]);
}

async fn what_code_swallows_is_told_once(world: World) {
    /// Answers as if nothing had been.
    async fn list(call: Call) -> Result<Json<Value>, Refusal> {
        let found = call.repository("articles")?.find().all().await;
        assert_eq!(
            found.err().map(|refusal| refusal.code),
            Some(Code::SchemaPending)
        );
        Ok(Json(json!([])))
    }
    /// Says something else instead.
    async fn read(call: Call) -> Result<(), Refusal> {
        let found = call.repository("articles")?.find().all().await;
        found.map(|_| ()).map_err(|_| Refusal::conflict("not now"))
    }
    /// Says what it was.
    async fn passes_on(call: Call) -> Result<(), Refusal> {
        call.repository("articles")?.find().all().await.map(|_| ())
    }
    let world = anew(world);
    let table = if world.is_postgres() {
        "app.articles"
    } else {
        "articles"
    };
    let lost = format!("alter table {table} rename to elsewhere");
    world.alter(&[&lost]).await;
    with(&world, |registry| {
        registry.logic(1, "products", Operation::List, list);
        registry.logic(1, "products", Operation::Read, read);
    });
    let (listed, lines) = logged(&world, get(&world, "/products")).await;
    assert_eq!((listed.status, &listed.body["data"]), (200, &json!([])));
    check(&world, &lines, ("list", "::list"), ("SCHEMA_PENDING", ""));
    let path = "/products/01M7YNHEYVEXRVRZ4WVN2HR80A";
    let (refused, lines) = logged(&world, get(&world, path)).await;
    assert_eq!((refused.status, refused.code()), (409, "CONFLICT"));
    check(&world, &lines, ("read", "::read"), ("SCHEMA_PENDING", ""));
    with(&world, |registry| {
        registry.logic(1, "products", Operation::List, passes_on);
    });
    let (failed, lines) = logged(&world, get(&world, "/products")).await;
    assert_eq!((failed.status, failed.code()), (503, "SCHEMA_PENDING"));
    check(
        &world,
        &lines,
        ("list", "::passes_on"),
        ("SCHEMA_PENDING", ""),
    );
}

/// Lets the database fail where a product is called `broken`.
async fn break_products(world: &World) {
    if world.is_postgres() {
        let raise = "create function fails() returns trigger language plpgsql as \
                     $$ begin raise exception 'on purpose'; end $$";
        let watch = "create trigger fails before insert or update on app.products for each row \
                     when (new.name = 'broken') execute function fails()";
        world.alter(&[raise, watch]).await;
    } else {
        let raise = |event: &str| {
            format!(
                "create trigger fails_{event} before {event} on products when new.name = 'broken' \
                 begin select raise(abort, 'on purpose'); end"
            )
        };
        world.alter(&[&raise("insert"), &raise("update")]).await;
    }
}

/// A write that fails in the middle of code that goes on as if it had not: it leaves nothing of its
/// own, and what is answered with success stands as a whole.
async fn nothing_stands_half(world: World) {
    async fn careless(call: Call) -> Result<Reply, Refusal> {
        let products = call.repository("products")?;
        products.create(&json!({ "name": "before" })).await?;
        let way = call.input()["number"].as_i64().unwrap_or_default();
        let nowhere = "01M7YNHEYVEXRVRZ4WVN2HR80A";
        let change = json!({ "note": "x" });
        let failed = match way {
            0 => products.create(&json!({ "name": "broken" })).await.err(),
            1 => {
                let items = ["inside", "broken"].map(|name| {
                    json!({ "operation": "create", "resourceName": "products", "data": { "name": name } })
                });
                call.transact(&items).await.err()
            }
            2 => products.patch(nowhere, &change).await.err(),
            3 => products.delete(nowhere).await.err(),
            _ => {
                let product = json!({ "name": "before", "categoryId": nowhere });
                products.create(&product).await.err()
            }
        };
        let failed = failed.map(|refusal| refusal.code);
        let expected = match way {
            0 | 1 => Code::Internal,
            2 | 3 => Code::NotFound,
            _ => Code::ReferenceNotFound,
        };
        assert_eq!(failed, Some(expected));
        products.create(&json!({ "name": "after" })).await?;
        call.proceed().await
    }
    let world = anew(world);
    break_products(&world).await;
    with(&world, |registry| {
        registry.logic(1, "orders", Operation::Create, careless);
    });
    for way in 0..5 {
        let body = json!({ "number": way }).to_string();
        let asked = send_json(&world, "POST", "/orders", &[], &body);
        let (reply, lines) = logged(&world, asked).await;
        let is_fault = way < 2;
        assert_eq!(lines.len(), usize::from(is_fault), "{way}: {lines:#?}");
        let names = world.names("products", "sort=id", "name").await;
        let orders = world.names("orders", "", "number").await;
        if is_fault && world.is_postgres() {
            // The failure took the transaction, and so the request, with it.
            assert_eq!((reply.status, reply.code()), (500, "INTERNAL"), "{way}");
            assert_eq!((names.len(), orders.len()), (0, 0), "{way}");
        } else {
            assert_eq!(reply.status, 201, "{way}: {}", reply.body);
            assert_eq!(names, ["before", "after"], "{way}");
            assert_eq!(orders, [way.to_string()]);
        }
        if is_fault {
            let line = &lines[0];
            assert_eq!(
                (&line["level"], &line["code"]),
                (&json!("ERROR"), &json!("INTERNAL"))
            );
            let cause = line["cause"].as_str().unwrap_or_default();
            assert!(cause.contains("on purpose"), "{line}");
        }
        for resource in ["products", "orders"] {
            for id in world.names(resource, "", "id").await {
                world.delete(resource, &id, Some(1)).await.unwrap();
            }
        }
    }
}
