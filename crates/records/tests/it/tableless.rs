//! Resources without a table: logic alone says what there is, and everything round it is as ever.

#![cfg(test)]

use crate::rest::{JSON, Reply as Answered, get, send, send_json};
use crate::streams::{LINES, lines};
use crate::world::{DEFINITION, World};
use carnet_kernel::Refusal;
use carnet_model::Operation;
use carnet_records::logic::{Call, Json, Registry, Reply, Request, after, before, before_validate};
use http::header;
use serde_json::{Value, json};

crate::on_both!(
    logic_is_all_there_is,
    what_is_asked_is_checked,
    what_is_answered_is_checked,
    lists_of_other_records,
    rows_of_lists_are_checked,
    it_is_nowhere_in_the_database,
);

const QUOTES: &str = "  quotes:
    title: Quote
    storage: none
    fields:
      product: { type: ulid }
      amount: { type: decimal, precision: 12, scale: 2, min: 0 }
      currency: { type: enum, values: [eur, usd], default: eur }
      note: { type: text, max: 20, optional: true }
    actions: { accept: { output: record } }
";

const ID: &str = "01M7YNHEYVEXRVRZ4WVN2HR80A";

async fn with_quotes(mut world: World) -> World {
    world.turn_to(&format!("{DEFINITION}{QUOTES}")).await;
    world
}

fn quote() -> Value {
    json!({ "id": ID, "product": ID, "amount": "2.50", "currency": "eur", "note": null })
}

async fn any(call: Call) -> Result<Json<Value>, Refusal> {
    let mut answer = quote();
    if let Value::Object(input) = call.input() {
        for (name, value) in input {
            answer[name] = value;
        }
    }
    Ok(Json(answer))
}

async fn list(call: Call) -> Result<Json<Value>, Refusal> {
    let (limit, offset) = call.page().unwrap_or_default();
    let mut quote = quote();
    quote["note"] = format!("{limit} after {offset}").into();
    Ok(Json(json!([quote])))
}

async fn read(call: Call) -> Result<Json<Value>, Refusal> {
    match call.require_id()?.to_string() == ID {
        true => Ok(Json(quote())),
        false => Err(Refusal::not_found("quotes")),
    }
}

async fn delete(_: Call) -> Result<(), Refusal> {
    Ok(())
}

/// Logic for every operation; `more` adds to it.
fn serve(world: &World, more: impl FnOnce(&mut Registry)) {
    let mut registry = Registry::default();
    registry.logic(1, "quotes", Operation::List, list);
    registry.logic(1, "quotes", Operation::Read, read);
    registry.logic(1, "quotes", Operation::Update, any);
    registry.logic(1, "quotes", Operation::Patch, any);
    registry.logic(1, "quotes", Operation::Delete, delete);
    registry.logic(1, "quotes", "accept", read);
    more(&mut registry);
    let logics = registry.compile(world.operations.view().model());
    world.operations.install(logics.unwrap());
}

#[track_caller]
fn check(reply: &Answered, status: u16, code: &str) {
    let told = (reply.status, reply.code());
    assert_eq!(told, (status, code), "{}", reply.body);
}

async fn logic_is_all_there_is(world: World) {
    async fn note(call: Call) -> Result<(), Refusal> {
        call.change_input(|input| input["note"] = json!("by a hook"))
    }
    async fn keep(call: Call) -> Result<(), Refusal> {
        let products = call.repository("products")?;
        products.create(&json!({ "name": "kept" })).await?;
        Ok(())
    }
    let world = with_quotes(world).await;
    // Without logic nothing starts, and every operation that lacks it is named.
    let nothing = Registry::default()
        .compile(world.operations.view().model())
        .err()
        .unwrap();
    assert_eq!(nothing.len(), 6, "{nothing:?}");
    assert!(nothing[0].contains("of `quotes` in v1: the resource has no table"));
    for path in ["/quotes", &format!("/quotes/{ID}")] {
        check(&get(&world, path).await, 501, "LOGIC_MISSING");
    }
    serve(&world, |registry| {
        registry.logic(1, "quotes", Operation::Create, any);
        registry.hook("quotes", before_validate(Operation::Create), note);
        registry.hook("quotes", after(Operation::Create), keep);
    });
    let body = json!({ "product": ID, "amount": 2.5 }).to_string();
    let keyed = [JSON, ("idempotency-key", "k-1")];
    for replayed in [None, Some("true")] {
        let made = send(&world, "POST", "/quotes", &keyed, &body).await;
        assert_eq!(
            (made.status, made.header("idempotency-replayed")),
            (201, replayed)
        );
        let address = format!("/api/v1/quotes/{ID}");
        assert_eq!(made.header(header::LOCATION), Some(address.as_str()));
        assert_eq!(made.header(header::ETAG), None);
        // What the body leaves out has its default.
        let data = &made.body["data"];
        assert_eq!(
            (&data["currency"], &data["note"]),
            (&json!("eur"), &json!("by a hook"))
        );
    }
    // What a hook wrote elsewhere stands, once, and in the journal.
    assert_eq!(world.journal(9).await, ["products create 1"]);
    let dry = send(&world, "POST", "/quotes?dryRun=true", &[JSON], &body).await;
    assert_eq!(dry.status, 201, "{}", dry.body);
    assert_eq!(world.journal(9).await.len(), 1);
    let page = get(&world, "/quotes?limit=5&page=3").await;
    assert_eq!(page.body["data"][0]["note"], "5 after 10", "{}", page.body);
    assert_eq!(lines(&world, "/quotes").await.len(), 1);
    let path = format!("/quotes/{ID}");
    assert_eq!(get(&world, &path).await.body["data"], quote());
    let other = get(&world, "/quotes/01M7YNHEYVEXRVRZ4WVN2HR80B").await;
    check(&other, 404, "NOT_FOUND");
    let patch = send_json(&world, "PATCH", &path, &[], r#"{"currency":"usd"}"#).await;
    assert_eq!(patch.body["data"]["currency"], "usd", "{}", patch.body);
    let gone = send(&world, "DELETE", &path, &[], "").await;
    assert_eq!((gone.status, &gone.body["data"]), (200, &Value::Null));
    let accepted = send_json(&world, "POST", &format!("{path}/accept"), &[], "").await;
    assert_eq!(accepted.body["data"], quote());
}

async fn what_is_asked_is_checked(world: World) {
    let world = with_quotes(world).await;
    serve(&world, |registry| {
        registry.logic(1, "quotes", Operation::Create, any);
    });
    let body = json!({ "amount": -1, "currency": "yen", "ntoe": "x" }).to_string();
    let faults = send_json(&world, "POST", "/quotes", &[], &body).await;
    check(&faults, 400, "VALIDATION_FAILED");
    assert_eq!(faults.fields(), ["amount", "currency", "ntoe", "product"]);
    let path = format!("/quotes/{ID}");
    let faults = send_json(&world, "PUT", &path, &[], "{}").await;
    assert_eq!(faults.fields(), ["product", "amount"]);
    for query in [
        "filter[note]=x",
        "sort=note",
        "search=x",
        "fields=note",
        "include=x",
        "aggregate=count",
    ] {
        for headers in [&[][..], &[LINES]] {
            let refused = send(&world, "GET", &format!("/quotes?{query}"), headers, "").await;
            check(&refused, 400, "UNKNOWN_PARAMETER");
        }
    }
    check(
        &get(&world, &format!("{path}?fields=note")).await,
        400,
        "UNKNOWN_PARAMETER",
    );
    // There is no version to be based on.
    for version in ["\"1\"", "\"7\""] {
        let stated = [JSON, ("if-match", version)];
        let refused = send(&world, "PATCH", &path, &stated, "{}").await;
        check(&refused, 412, "PRECONDITION_FAILED");
        let accept = send(&world, "POST", &format!("{path}/accept"), &stated, "{}").await;
        check(&accept, 412, "PRECONDITION_FAILED");
    }
    let any = [JSON, ("if-match", "*")];
    assert_eq!(send(&world, "PATCH", &path, &any, "{}").await.status, 200);
    // What the database alone could do.
    for (method, path, status) in [
        ("PATCH", "/quotes?filter[note]=x".to_owned(), 405),
        ("DELETE", "/quotes?filter[note]=x".to_owned(), 405),
        ("POST", "/quotes/query".to_owned(), 404),
        ("POST", "/quotes/batch".to_owned(), 404),
        ("POST", format!("{path}/restore"), 404),
        ("PUT", format!("{path}/products/{ID}"), 404),
    ] {
        let reply = send_json(&world, method, &path, &[], "{}").await;
        assert_eq!(reply.status, status, "{method} {path}: {}", reply.body);
    }
    let item = json!({ "operation": "create", "resourceName": "quotes", "data": {} });
    let body = json!({ "items": [item] }).to_string();
    let refused = send_json(&world, "POST", "/transactions", &[], &body).await;
    assert_eq!(
        (refused.status, refused.fields()),
        (400, vec!["items[0].operation".to_owned()])
    );
}

async fn what_is_answered_is_checked(world: World) {
    async fn part(_: Call) -> Result<Json<Value>, Refusal> {
        Ok(Json(json!({ "id": ID, "amount": "1.00" })))
    }
    async fn parts(call: Call) -> Result<Json<Value>, Refusal> {
        part(call).await.map(|Json(part)| Json(json!([part])))
    }
    async fn proceed(call: Call) -> Result<Reply, Refusal> {
        call.proceed().await
    }
    async fn repository(call: Call) -> Result<(), Refusal> {
        assert!(!call.has_repository("quotes"));
        assert!(call.repositories().all(|name| name != "quotes"));
        call.repository("quotes").map(|_| ())
    }
    async fn perform(call: Call) -> Result<Reply, Refusal> {
        let asked = Request::Read {
            resource: "quotes".to_owned(),
            id: ID.to_owned(),
            query: Vec::new(),
        };
        let seen: Value = call.perform(asked.clone()).await?.read()?;
        assert_eq!(seen, quote());
        // By default nobody does it.
        let missing = call.request(asked).await.err().map(|refusal| refusal.code);
        assert_eq!(missing.map(|code| code.as_str()), Some("LOGIC_MISUSED"));
        call.proceed().await
    }
    let world = with_quotes(world).await;
    let body = json!({ "product": ID, "amount": 1 }).to_string();
    for place in 0..3 {
        serve(&world, |registry| match place {
            0 => registry.logic(1, "quotes", Operation::Create, part),
            1 => registry.logic(1, "quotes", Operation::Create, proceed),
            _ => {
                registry.logic(1, "quotes", Operation::Create, any);
                registry.hook("quotes", before(Operation::Create), repository);
            }
        });
        let made = send_json(&world, "POST", "/quotes", &[], &body).await;
        check(&made, 500, "LOGIC_MISUSED");
    }
    let mut registry = Registry::default();
    for operation in [
        Operation::Create,
        Operation::Read,
        Operation::Update,
        Operation::Patch,
        Operation::Delete,
    ] {
        registry.logic(1, "quotes", operation, part);
    }
    registry.logic(1, "quotes", Operation::List, parts);
    let logics = registry.compile(world.operations.view().model());
    world.operations.install(logics.unwrap());
    for path in ["/quotes", &format!("/quotes/{ID}")] {
        check(&get(&world, path).await, 500, "LOGIC_MISUSED");
    }
    serve(&world, |registry| {
        registry.logic(1, "quotes", Operation::Create, any);
        registry.logic(1, "orders", Operation::Create, perform);
    });
    let made = send_json(&world, "POST", "/orders", &[], r#"{"number":1}"#).await;
    assert_eq!(made.status, 201, "{}", made.body);
}

async fn lists_of_other_records(world: World) {
    async fn of_products(call: Call) -> Result<Reply, Refusal> {
        let products = call.repository("products")?.find();
        Ok(Reply::stream(products.sort("name"), |product| {
            *product = json!({
                "id": product["id"], "product": product["id"], "amount": product["price"],
                "currency": "eur", "note": product["name"],
            });
        }))
    }
    let world = with_quotes(world).await;
    for name in ["a", "b", "c"] {
        let body = json!({ "name": name, "price": "2.00" });
        world.made("products", &body.to_string()).await;
    }
    let mut registry = Registry::default();
    registry.logic(1, "quotes", Operation::List, of_products);
    registry.logic(1, "quotes", Operation::Create, any);
    registry.logic(1, "quotes", Operation::Read, read);
    registry.logic(1, "quotes", Operation::Update, any);
    registry.logic(1, "quotes", Operation::Patch, any);
    registry.logic(1, "quotes", Operation::Delete, delete);
    let logics = registry.compile(world.operations.view().model());
    world.operations.install(logics.unwrap());
    let page = get(&world, "/quotes?limit=2&count=exact").await;
    assert_eq!(page.body["pagination"]["total"], 3, "{}", page.body);
    let cursor = page.body["pagination"]["nextCursor"].as_str().unwrap();
    let next = get(&world, &format!("/quotes?limit=2&cursor={cursor}")).await;
    assert_eq!(next.body["data"][0]["note"], "c");
    assert_eq!(lines(&world, "/quotes").await.len(), 3);
}

async fn rows_of_lists_are_checked(world: World) {
    /// What becomes of the second one is no quote.
    async fn of_products(call: Call) -> Result<Reply, Refusal> {
        let products = call.repository("products")?.find();
        Ok(Reply::stream(products.sort("name"), |product| {
            let mut quote = quote();
            if product["name"] == "b" {
                quote["amount"] = json!("secret");
            }
            *product = quote;
        }))
    }
    let world = with_quotes(world).await;
    for name in ["a", "b"] {
        world
            .made("products", &json!({ "name": name }).to_string())
            .await;
    }
    let mut registry = Registry::default();
    registry.logic(1, "quotes", Operation::List, of_products);
    for operation in [Operation::Create, Operation::Update, Operation::Patch] {
        registry.logic(1, "quotes", operation, any);
    }
    registry.logic(1, "quotes", Operation::Read, read);
    registry.logic(1, "quotes", Operation::Delete, delete);
    let logics = registry.compile(world.operations.view().model());
    world.operations.install(logics.unwrap());
    let first = get(&world, "/quotes?limit=1").await;
    assert_eq!(first.body["data"], json!([quote()]), "{}", first.body);
    for headers in [&[][..], &[LINES]] {
        let bad = send(&world, "GET", "/quotes", headers, "").await;
        check(&bad, 500, "LOGIC_MISUSED");
        let told = bad.refusal.as_ref().unwrap();
        let cause = told.cause.as_deref().unwrap_or_default();
        assert!(cause.contains("`amount` (type)"), "{cause}");
        assert!(told.logged && !bad.body.to_string().contains("secret"));
    }
}

async fn it_is_nowhere_in_the_database(world: World) {
    let world = with_quotes(world).await;
    let schema = world.operations.store().schema();
    let status = schema.status(world.view.model()).await.unwrap();
    assert!(
        status.pending.is_empty() && status.drift.is_empty(),
        "{status:?}"
    );
    assert!(status.current && status.losses.is_empty());
    let document = carnet_records::openapi::fragment(&world.view, &Default::default());
    let paths: Vec<&str> = document
        .paths
        .keys()
        .filter_map(|path| path.strip_prefix("/api/v1/quotes"))
        .collect();
    assert_eq!(paths, ["", "/{id}", "/{id}/accept"]);
    let list = &document.paths["/api/v1/quotes"];
    let names: Vec<&str> = list["get"]["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["name"].as_str())
        .collect();
    assert_eq!(names, ["limit", "offset", "page", "cursor", "count"]);
    assert!(list.get("patch").is_none() && list.get("delete").is_none());
    let record = &document.schemas["Quotes"]["properties"];
    assert!(record["id"].is_object() && record.get("version").is_none());
    assert!(!document.schemas.contains_key("Quotes.Item"));
}
