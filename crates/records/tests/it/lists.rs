//! Code round lists: what it answers page by page and line by line, and records that it leaves to
//! the platform.

#![cfg(test)]

use crate::actions::with_actions;
use crate::rest::{JSON, Reply as Answered, get, send, send_json};
use crate::streams::{LINES, lines, products};
use crate::world::World;
use axum::body::Body;
use axum::extract::Request as HttpRequest;
use carnet_kernel::Refusal;
use carnet_model::Operation;
use carnet_records::logic::{Call, Component, Json, Registry, Reply, Request, after, before};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tower::ServiceExt;

crate::on_both!(
    lines_go_through_code,
    code_may_refuse_lines,
    a_streamed_list_is_what_both_want,
    a_streamed_list_is_flat,
    a_streamed_list_of_other_records,
    streams_that_cannot_be,
    rows_are_records,
);

/// How often code ran.
type Ran = AtomicU32;

fn with(world: &World, register: impl FnOnce(&mut Registry)) -> Arc<Ran> {
    let ran = Arc::new(Ran::default());
    let mut registry = Registry::default();
    registry.component(Arc::clone(&ran));
    register(&mut registry);
    let logics = registry.compile(world.operations.view().model());
    world.operations.install(logics.unwrap());
    ran
}

#[track_caller]
fn check(reply: &Answered, status: u16, code: &str) {
    let told = (reply.status, reply.code());
    assert_eq!(told, (status, code), "{}", reply.body);
}

fn texts(records: &Value, field: &str) -> Vec<String> {
    let records = records.as_array().unwrap_or_else(|| panic!("{records}"));
    let text = |record: &Value| record[field].as_str().unwrap_or_default().to_owned();
    records.iter().map(text).collect()
}

async fn lines_go_through_code(world: World) {
    async fn list(call: Call, ran: Component<Ran>) -> Result<Reply, Refusal> {
        ran.fetch_add(1, Ordering::Relaxed);
        let reply = call.proceed().await?;
        reply.map(|record| record["seen"] = json!(true))
    }
    products(&world, 1_203).await;
    let ran = with(&world, |registry| {
        registry.logic(1, "products", Operation::List, list);
    });
    let times = || ran.swap(0, Ordering::Relaxed);
    let all = lines(&world, "/products?sort=name&fields=name").await;
    let names: Vec<String> = (0..1_203).map(|number| format!("p{number:05}")).collect();
    assert_eq!(texts(&json!(all), "name"), names);
    assert!(all.iter().all(|record| record["seen"] == true));
    assert_eq!(times(), 3);
    assert_eq!(lines(&world, "/products?limit=700").await.len(), 700);
    assert_eq!(times(), 2);
    assert_eq!(lines(&world, "/products?filter[stock]=9").await.len(), 0);
    let first = get(&world, "/products?sort=name&limit=1000").await;
    let cursor = first.body["pagination"]["nextCursor"].as_str().unwrap();
    let rest = lines(&world, &format!("/products?sort=name&cursor={cursor}")).await;
    assert_eq!(texts(&json!(rest), "name"), names[1_000..]);
    let groups = lines(&world, "/products?aggregate=count&groupBy=stock").await;
    assert_eq!(groups.len(), 7);
    assert!(groups.iter().all(|group| group["seen"] == true));
    let headers = [LINES, JSON];
    let body = r#"{"filter":{"stock":3},"limit":3}"#;
    let asked = send(&world, "POST", "/products/query", &headers, body).await;
    let text = String::from_utf8(asked.bytes.to_vec()).unwrap();
    assert_eq!(text.matches("\"seen\":true").count(), 3, "{text}");
    // An answer of its own is a page and the end.
    async fn own(_: Call) -> Result<Json<Value>, Refusal> {
        Ok(Json(json!([{ "name": "one" }, { "name": "two" }])))
    }
    with(&world, |registry| {
        registry.logic(1, "products", Operation::List, own);
    });
    let all = lines(&world, "/products").await;
    assert_eq!(texts(&json!(all), "name"), ["one", "two"]);
}

async fn code_may_refuse_lines(world: World) {
    async fn refuse(_: Call) -> Result<(), Refusal> {
        Err(Refusal::forbidden("nobody lists these"))
    }
    products(&world, 3).await;
    with(&world, |registry| {
        registry.hook("products", before(Operation::List), refuse);
    });
    for path in ["/products", "/products?aggregate=count"] {
        check(&get(&world, path).await, 403, "FORBIDDEN");
        let lines = send(&world, "GET", path, &[LINES], "").await;
        check(&lines, 403, "FORBIDDEN");
    }
}

/// Few of them, the last first, each with a label.
async fn few(call: Call, ran: Component<Ran>) -> Result<Reply, Refusal> {
    ran.fetch_add(1, Ordering::Relaxed);
    let few = call.repository("products")?.find();
    let few = few.filter("stock", "lt", 3).sort("-name");
    Ok(Reply::stream(few, |record| {
        record["label"] = format!("{}: {}", record["name"], record["stock"]).into();
    }))
}

async fn a_streamed_list_is_what_both_want(world: World) {
    async fn order(call: Call) -> Result<Reply, Refusal> {
        let query = vec![("limit".to_owned(), "2".to_owned())];
        let resource = "products".to_owned();
        let asked = call.perform(Request::List { resource, query }).await?;
        let seen: Vec<Value> = asked.read()?;
        assert_eq!(
            texts(&json!(seen), "label"),
            ["\"p00016\": 2", "\"p00015\": 1"]
        );
        call.proceed().await
    }
    products(&world, 21).await;
    let ran = with(&world, |registry| {
        registry.logic(1, "products", Operation::List, few);
        registry.logic(1, "orders", Operation::Create, order);
    });
    let page = get(&world, "/products?limit=5&count=exact").await;
    assert_eq!(page.status, 200, "{}", page.body);
    let labels = texts(&page.body["data"], "label");
    assert_eq!(labels[..2], ["\"p00016\": 2", "\"p00015\": 1"]);
    assert_eq!((labels.len(), &page.body["count"]), (5, &json!(5)));
    assert_eq!(page.body["pagination"]["total"], 9);
    let cursor = page.body["pagination"]["nextCursor"].as_str().unwrap();
    let next = get(&world, &format!("/products?limit=5&cursor={cursor}")).await;
    let names = texts(&next.body["data"], "name");
    assert_eq!(names, ["p00007", "p00002", "p00001", "p00000"]);
    assert_eq!(next.body["pagination"]["nextCursor"], Value::Null);
    let second = get(&world, "/products?limit=5&page=2").await;
    assert_eq!(texts(&second.body["data"], "name"), names);
    // A cursor is of the list that it was made for.
    let other = get(
        &world,
        &format!("/products?filter[stock]=2&cursor={cursor}"),
    )
    .await;
    check(&other, 400, "CURSOR_INVALID");
    for (query, expected) in [
        ("filter[stock]=5", &[][..]),
        ("filter[stock]=2", &["p00016", "p00009", "p00002"]),
        ("filter[stock]=2&sort=name", &["p00002", "p00009", "p00016"]),
    ] {
        let page = get(&world, &format!("/products?{query}")).await;
        assert_eq!(texts(&page.body["data"], "name"), expected, "{query}");
        let all = lines(&world, &format!("/products?{query}")).await;
        assert_eq!(texts(&json!(all), "name"), expected, "{query}");
        assert!(all.iter().all(|record| record["label"].is_string()));
    }
    let narrow = get(&world, "/products?fields=name&limit=1").await;
    assert_eq!(narrow.body["data"][0]["label"], "\"p00016\": null");
    // The database would tell what the code hides.
    for headers in [&[][..], &[LINES]] {
        let path = "/products?aggregate=count";
        check(
            &send(&world, "GET", path, headers, "").await,
            400,
            "INVALID_PARAMETER",
        );
    }
    ran.store(0, Ordering::Relaxed);
    let made = send_json(&world, "POST", "/orders", &[], r#"{"number":1}"#).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(ran.load(Ordering::Relaxed), 1);
}

async fn a_streamed_list_is_flat(world: World) {
    async fn every(call: Call, ran: Component<Ran>) -> Result<Reply, Refusal> {
        ran.fetch_add(1, Ordering::Relaxed);
        let all = call.repository("products")?.find().sort("name");
        Ok(Reply::stream(all, |record| {
            *record = json!({ "name": record["name"] })
        }))
    }
    products(&world, 2_100).await;
    let ran = with(&world, |registry| {
        registry.logic(1, "products", Operation::List, every);
    });
    let request = HttpRequest::builder()
        .uri("/api/products")
        .header(LINES.0, LINES.1)
        .extension(world.context.clone())
        .body(Body::empty())
        .unwrap();
    let router = carnet_records::routes::router(world.operations.clone());
    let mut body = router.oneshot(request).await.unwrap().into_body();
    let statements = || world.operations.store().counters().statements;
    let before = statements();
    let mut rows = Vec::new();
    while let Some(frame) = body.frame().await {
        let piece = frame.unwrap().into_data().unwrap();
        rows.push(piece.iter().filter(|byte| **byte == b'\n').count());
    }
    assert_eq!(rows, [500, 500, 500, 500, 100]);
    // The first piece was read with the head of the answer.
    assert_eq!(statements() - before, 4);
    assert_eq!(ran.load(Ordering::Relaxed), 1);
    let some = lines(&world, "/products?limit=2").await;
    assert_eq!(texts(&json!(some), "name"), ["p00000", "p00001"]);
    assert_eq!(some[0], json!({ "name": "p00000" }));
}

async fn a_streamed_list_of_other_records(world: World) {
    async fn list(call: Call) -> Result<Reply, Refusal> {
        let some = call.repository("products")?.find();
        let some = some.filter("stock", "eq", 1).sort("name");
        Ok(Reply::stream(some, |record| {
            *record = json!({ "name": format!("of {}", record["name"].as_str().unwrap()) });
        }))
    }
    products(&world, 30).await;
    with(&world, |registry| {
        registry.logic(1, "categories", Operation::List, list);
    });
    let page = get(&world, "/categories?limit=2&offset=1").await;
    assert_eq!(
        page.body["data"],
        json!([{ "name": "of p00008" }, { "name": "of p00015" }]),
        "{}",
        page.body
    );
    assert_eq!(lines(&world, "/categories").await.len(), 5);
    // What it would pass over it refuses.
    for query in [
        "filter[name]=x",
        "sort=name",
        "fields=name",
        "include=products",
    ] {
        for headers in [&[][..], &[LINES]] {
            let path = format!("/categories?{query}");
            let refused = send(&world, "GET", &path, headers, "").await;
            check(&refused, 400, "INVALID_PARAMETER");
        }
    }
}

async fn streams_that_cannot_be(world: World) {
    async fn thirteen(call: Call) -> Result<Reply, Refusal> {
        let all = call.repository("products")?.find().sort("name");
        Ok(Reply::stream(all, |record| {
            assert_ne!(record["name"], "p00513");
        }))
    }
    async fn limited(call: Call) -> Result<Reply, Refusal> {
        let all = call.repository("products")?.find().limit(3);
        Ok(Reply::stream(all, |_| {}))
    }
    async fn unknown(call: Call) -> Result<Reply, Refusal> {
        let all = call.repository("products")?.find();
        Ok(Reply::stream(all.filter("nmae", "eq", 1), |_| {}))
    }
    async fn accepted(call: Call) -> Result<Reply, Refusal> {
        let all = call.repository("products")?.find();
        Ok(Reply::stream(all, |_| {}).status(202))
    }
    async fn plain(call: Call) -> Result<Reply, Refusal> {
        let all = call.repository("products")?.find();
        Ok(Reply::stream(all, |_| {}))
    }
    async fn look(call: Call) -> Result<(), Refusal> {
        let reply = call.reply().unwrap_or_else(Reply::none);
        reply.data().map(|_| ())
    }
    let world = with_actions(world).await;
    products(&world, 600).await;
    with(&world, |registry| {
        registry.logic(1, "products", Operation::List, thirteen);
        registry.logic(1, "products", "recount", plain);
        registry.logic(1, "orders", Operation::Create, plain);
        registry.logic(1, "lines", Operation::Read, plain);
    });
    let good = get(&world, "/products?limit=500").await;
    assert_eq!(good.body["count"], 500);
    let bad = get(&world, "/products?limit=600").await;
    check(&bad, 500, "LOGIC_PANICKED");
    // The status is out: the last line says what happened, and from where on it can be tried again.
    let all = lines(&world, "/products").await;
    assert_eq!(all.len(), 501);
    let error = &all[500]["error"];
    assert_eq!(error["code"], "LOGIC_PANICKED");
    let cursor = error["cursor"].as_str().unwrap();
    let again = send(
        &world,
        "GET",
        &format!("/products?cursor={cursor}"),
        &[LINES],
        "",
    )
    .await;
    check(&again, 500, "LOGIC_PANICKED");
    let number = r#"{"number":1}"#;
    let made = send_json(&world, "POST", "/orders", &[], number).await;
    check(&made, 500, "LOGIC_MISUSED");
    let since = r#"{"since":"2026-01-01"}"#;
    let made = send_json(&world, "PUT", "/products/recount", &[], since).await;
    check(&made, 500, "LOGIC_MISUSED");
    let read = get(&world, "/lines/01M7YNHEYVEXRVRZ4WVN2HR80A").await;
    check(&read, 500, "LOGIC_MISUSED");
    for place in 0..4 {
        with(&world, |registry| match place {
            0 => registry.logic(1, "products", Operation::List, limited),
            1 => registry.logic(1, "products", Operation::List, unknown),
            2 => registry.logic(1, "products", Operation::List, accepted),
            _ => {
                registry.logic(1, "products", Operation::List, plain);
                registry.hook("products", after(Operation::List), look);
            }
        });
        for headers in [&[][..], &[LINES]] {
            let reply = send(&world, "GET", "/products", headers, "").await;
            check(&reply, 500, "LOGIC_MISUSED");
        }
    }
}

async fn rows_are_records(world: World) {
    async fn texts_after(call: Call) -> Result<Reply, Refusal> {
        let all = call.repository("products")?.find().sort("name");
        Ok(Reply::stream(all, |record| {
            if record["name"] == "p00507" {
                *record = json!("secret");
            }
        }))
    }
    async fn own(_: Call) -> Result<Json<Value>, Refusal> {
        Ok(Json(json!([{ "name": "one" }, "secret"])))
    }
    products(&world, 600).await;
    with(&world, |registry| {
        registry.logic(1, "products", Operation::List, texts_after);
    });
    let good = get(&world, "/products?limit=500").await;
    assert_eq!(good.body["count"], 500, "{}", good.body);
    let bad = get(&world, "/products?limit=600").await;
    check(&bad, 500, "LOGIC_MISUSED");
    let all = lines(&world, "/products").await;
    assert_eq!(all.len(), 501);
    let error = &all[500]["error"];
    assert_eq!(error["code"], "LOGIC_MISUSED");
    assert!(error["cursor"].is_string() && !error.to_string().contains("secret"));
    with(&world, |registry| {
        registry.logic(1, "products", Operation::List, own);
    });
    check(&get(&world, "/products").await, 500, "LOGIC_MISUSED");
    let all = send(&world, "GET", "/products", &[LINES], "").await;
    check(&all, 500, "LOGIC_MISUSED");
}
