//! Two versions of the API side by side: one database, one journal, names of their own.

#![cfg(test)]

use crate::rest::{JSON, Reply as Answered, get, send, send_json};
use crate::world::{DEFINITION, World};
use carnet_kernel::{ApiVersion, Refusal};
use carnet_model::Operation;
use carnet_records::logic::{Call, Fits, Record, RecordField, Registry, Reply, Repo, before};
use http::header;
use serde::Deserialize;
use serde_json::{Value, json};

crate::on_both!(
    each_version_has_its_own_names,
    hidden_fields_are_not_there,
    faults_have_the_names_of_the_version,
    several_at_once,
    the_journal_has_one_form,
    cursors_belong_to_a_version,
    a_version_is_chosen,
    versions_that_end_say_so,
    keys_of_writes_belong_to_a_version,
    each_version_has_its_own_logic,
    typed_records_have_the_names_of_their_version,
    what_a_version_hides_is_not_searched,
    what_a_version_hides_is_not_told,
);

/// The tables of the other tests under two versions.
async fn versioned(mut world: World) -> World {
    let overlay = "  products:
    title: Product
    versions:
      v1:
        rename: { name: title, category: group, lines: rows }
        hide: [stock, weight]
        default: { status: published, stock: 7 }
";
    let definition = DEFINITION
        .replace("  products:\n    title: Product\n", overlay)
        .replace(
            "  tokens:\n    title: Token\n",
            "  tokens:\n    title: Token\n    versions: { v1: { hide: true } }\n",
        );
    let versions = "versions:
  v1: { deprecated: 2026-10-01, sunset: 2027-04-01, link: https://example.com/v1 }
  v2:
";
    world.turn_to(&format!("{definition}{versions}")).await;
    assert_eq!(world.view.version(), ApiVersion(2));
    world
}

fn id(reply: &Answered) -> String {
    let id = reply.body["data"]["id"].as_str();
    id.unwrap_or_else(|| panic!("{}", reply.body)).to_owned()
}

async fn post(world: &World, path: &str, body: &Value) -> Answered {
    send_json(world, "POST", path, &[], &body.to_string()).await
}

fn keys(value: &Value) -> Vec<&str> {
    let object = value.as_object().unwrap_or_else(|| panic!("{value}"));
    object.keys().map(String::as_str).collect()
}

async fn each_version_has_its_own_names(world: World) {
    let world = versioned(world).await;
    let category = post(&world, "/v1/categories", &json!({ "name": "Tools" })).await;
    let category = id(&category);
    let made = post(
        &world,
        "/v1/products",
        &json!({ "title": "Pen", "groupId": category }),
    )
    .await;
    assert_eq!(made.status, 201, "{}", made.body);
    let data = &made.body["data"];
    assert_eq!(
        (&data["title"], &data["groupId"], &data["status"]),
        (&json!("Pen"), &json!(category), &json!("published"))
    );
    for hidden in ["name", "category", "categoryId", "stock", "weight"] {
        assert!(!keys(data).contains(&hidden), "{data}");
    }
    let product = id(&made);
    let address = format!("/api/v1/products/{product}");
    assert_eq!(made.header(header::LOCATION), Some(address.as_str()));

    let new = get(&world, &format!("/v2/products/{product}")).await;
    let data = &new.body["data"];
    assert_eq!(
        (&data["name"], &data["categoryId"], &data["stock"]),
        (&json!("Pen"), &json!(category), &json!(7))
    );
    assert!(data.get("title").is_none());
    assert_eq!(new.header(header::ETAG), Some("\"1\""));
    let old = get(
        &world,
        &format!("/v1/products/{product}?include=group,rows"),
    )
    .await;
    assert_eq!(old.body["data"]["group"]["name"], "Tools");
    assert_eq!(old.body["data"]["rows"], json!([]));

    for query in [
        "filter[title]=Pen",
        "filter[group.name]=Tools",
        "sort=title,group.name&fields=title",
        "filter[rows][none][quantity]=1",
        "filter[title][startsWith]=P&include=group",
    ] {
        let list = get(&world, &format!("/v1/products?{query}")).await;
        assert_eq!(
            (list.status, &list.body["count"]),
            (200, &json!(1)),
            "{query}"
        );
        assert_eq!(list.body["data"][0]["title"], "Pen", "{query}");
    }
    let groups = get(&world, "/v1/products?groupBy=title,groupId&aggregate=count").await;
    let expected = json!([{ "title": "Pen", "groupId": category, "count": 1 }]);
    assert_eq!(groups.body["data"], expected);
    let query = json!({ "filter": { "group.name": { "eq": "Tools" } }, "sort": ["-title"] });
    let found = post(&world, "/v1/products/query", &query).await;
    assert_eq!(found.body["data"][0]["title"], "Pen", "{}", found.body);
}

async fn hidden_fields_are_not_there(world: World) {
    let world = versioned(world).await;
    let made = post(
        &world,
        "/v2/products",
        &json!({ "name": "Pen", "stock": 3, "weight": 1.5 }),
    )
    .await;
    let product = id(&made);
    let path = format!("/v1/products/{product}");
    for query in [
        "filter[stock]=3",
        "filter[name]=Pen",
        "sort=stock",
        "fields=weight",
        "include=category",
        "include=lines",
        "groupBy=stock&aggregate=count",
        "aggregate=sum(stock)",
        "filter[category.name]=x",
        "filter[lines.count][gte]=1",
    ] {
        let list = get(&world, &format!("/v1/products?{query}")).await;
        assert_eq!(list.status, 400, "{query}: {}", list.body);
        let told = list.body["error"]["details"].to_string();
        for hidden in [
            "(did you mean `stock`",
            "(did you mean `weight`",
            "(did you mean `name`",
        ] {
            assert!(!told.contains(hidden), "{query}: {told}");
        }
    }
    let patched = send_json(&world, "PATCH", &path, &[], r#"{"stock":{"$inc":1}}"#).await;
    assert_eq!((patched.status, patched.code()), (400, "UNKNOWN_FIELD"));
    // A client does not take back what it cannot see.
    let put = send_json(&world, "PUT", &path, &[], r#"{"title":"Ink"}"#).await;
    assert_eq!(
        (put.status, &put.body["data"]["title"]),
        (200, &json!("Ink"))
    );
    let now = get(&world, &format!("/v2/products/{product}")).await;
    let data = &now.body["data"];
    assert_eq!(
        (
            &data["name"],
            &data["stock"],
            &data["weight"],
            &data["status"]
        ),
        (&json!("Ink"), &json!(3), &json!(1.5), &json!("published"))
    );
    let missing = get(&world, "/v1/tokens").await;
    assert_eq!((missing.status, missing.code()), (404, "NOT_FOUND"));
    assert_eq!(get(&world, "/v2/tokens").await.status, 200);
    let item = json!({ "items": [{ "operation": "create", "resourceName": "tokens", "data": { "name": "a" } }] });
    let refused = post(&world, "/v1/transactions", &item).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    assert_eq!(post(&world, "/v2/transactions", &item).await.status, 200);
}

async fn faults_have_the_names_of_the_version(world: World) {
    let world = versioned(world).await;
    let body = json!({ "title": "", "groupId": "nothing", "nam": 1, "titel": 2 });
    let faults = post(&world, "/v1/products", &body).await;
    assert_eq!(faults.code(), "VALIDATION_FAILED");
    let mut fields = faults.fields();
    fields.sort();
    assert_eq!(fields, ["groupId", "nam", "titel", "title"]);
    let refusal = faults.refusal.as_ref().expect("it was refused");
    let told: String = refusal
        .details
        .iter()
        .map(|one| one.message.as_str())
        .collect();
    assert!(told.contains("did you mean `title`"), "{told}");
    let missing = post(&world, "/v1/products", &json!({})).await;
    assert_eq!(missing.fields(), ["title"]);
    let nobody = "01HZY2VC5N0000000000000000";
    let lost = post(
        &world,
        "/v1/products",
        &json!({ "title": "a", "groupId": nobody }),
    )
    .await;
    assert_eq!(lost.code(), "REFERENCE_NOT_FOUND");
    assert_eq!(lost.fields(), ["groupId"]);
    let lost = post(
        &world,
        "/v2/products",
        &json!({ "name": "a", "categoryId": nobody }),
    )
    .await;
    assert_eq!(lost.fields(), ["categoryId"]);
}

async fn several_at_once(world: World) {
    let world = versioned(world).await;
    let batch = json!({ "items": [
        { "operation": "create", "data": { "title": "a" } },
        { "operation": "patch", "id": "{{result[0].id}}", "data": { "sku": "{{result[0].title}}" } },
    ] });
    let done = post(&world, "/v1/products/batch", &batch).await;
    assert_eq!(done.status, 200, "{}", done.body);
    assert_eq!(done.body["data"][1]["title"], "a");
    assert_eq!(done.body["data"][1]["sku"], "a");
    let wrong = post(&world, "/v2/products/batch", &batch).await;
    assert_eq!(wrong.status, 400, "{}", wrong.body);
    let nested = json!({ "title": "b", "group": { "create": { "name": "New" } } });
    let made = post(&world, "/v1/products", &nested).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.body["data"]["group"]["name"], "New");
    let matching = send_json(
        &world,
        "PATCH",
        "/v1/products?filter[title]=b",
        &[],
        r#"{"title":"c"}"#,
    )
    .await;
    assert_eq!(
        (matching.status, &matching.body["data"]["count"]),
        (200, &json!(1))
    );
    let lines = ("accept", "application/x-ndjson");
    let stream = send(&world, "GET", "/v1/products?sort=title", &[lines], "").await;
    let text = String::from_utf8(stream.bytes.to_vec()).unwrap();
    let titles: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["title"].clone())
        .collect();
    assert_eq!(titles, [json!("a"), json!("c")]);
    let upsert = send_json(
        &world,
        "POST",
        "/v1/products?upsert=sku",
        &[],
        r#"{"sku":"a","title":"d"}"#,
    )
    .await;
    assert_eq!(
        (upsert.status, &upsert.body["data"]["title"]),
        (200, &json!("d"))
    );
}

async fn the_journal_has_one_form(world: World) {
    let world = versioned(world).await;
    let made = post(&world, "/v1/products", &json!({ "title": "Pen" })).await;
    let product = id(&made);
    let patch = r#"{"title":"Ink"}"#;
    let path = format!("/v1/products/{product}");
    assert_eq!(
        send_json(&world, "PATCH", &path, &[], patch).await.status,
        200
    );
    assert_eq!(
        send_json(&world, "DELETE", &path, &[], "").await.status,
        200
    );
    let journal = get(
        &world,
        &format!("/v1/journal?filter[record]={product}&sort=sequence"),
    )
    .await;
    let rows = journal.body["data"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    let after = &rows[0]["body"]["after"];
    assert_eq!(
        (&after["name"], &after["stock"], after.get("title")),
        (&json!("Pen"), &json!(7), None)
    );
    assert_eq!(
        rows[1]["body"],
        json!({ "before": { "name": "Pen" }, "after": { "name": "Ink" } })
    );
    assert_eq!(rows[2]["body"]["before"]["name"], "Ink");
    let schemas: Vec<&Value> = rows.iter().map(|row| &row["schemaVersion"]).collect();
    let two = post(&world, "/v2/products", &json!({ "name": "Two" })).await;
    let journal = get(&world, &format!("/v2/journal?filter[record]={}", id(&two))).await;
    let of_two = &journal.body["data"][0]["schemaVersion"];
    assert!(
        schemas.iter().all(|one| *one == of_two),
        "{schemas:?} {of_two}"
    );
}

async fn cursors_belong_to_a_version(world: World) {
    let world = versioned(world).await;
    for title in ["a", "b", "c"] {
        post(&world, "/v1/products", &json!({ "title": title })).await;
    }
    let page = get(&world, "/v1/products?limit=2&sort=sku").await;
    let cursor = page.body["pagination"]["nextCursor"].as_str().unwrap();
    let next = get(
        &world,
        &format!("/v1/products?limit=2&sort=sku&cursor={cursor}"),
    )
    .await;
    assert_eq!((next.status, &next.body["count"]), (200, &json!(1)));
    let other = get(
        &world,
        &format!("/v2/products?limit=2&sort=sku&cursor={cursor}"),
    )
    .await;
    assert_eq!((other.status, other.code()), (400, "CURSOR_INVALID"));
}

async fn a_version_is_chosen(world: World) {
    let world = versioned(world).await;
    let made = post(&world, "/v2/products", &json!({ "name": "Pen" })).await;
    let path = format!("/products/{}", id(&made));
    let accept = |text: &'static str| [("accept", text)];
    let v1 = "application/vnd.carnet.v1+json";
    let v2 = "application/vnd.carnet.v2+json";
    let ask = async |path: &str, text: &'static str| {
        let reply = send(&world, "GET", path, &accept(text), "").await;
        let kind = reply
            .header(header::CONTENT_TYPE)
            .unwrap_or_default()
            .to_owned();
        let data = &reply.body["data"];
        let seen = if data.get("title").is_some() { 1 } else { 2 };
        (reply.status, kind, seen)
    };
    let json = "application/json";
    assert_eq!(ask(&path, v1).await, (200, v1.to_owned(), 1));
    assert_eq!(ask(&path, v2).await, (200, v2.to_owned(), 2));
    assert_eq!(ask(&path, json).await, (200, json.to_owned(), 2));
    let unknown = "application/vnd.carnet.v9+json, application/json;q=0.5";
    assert_eq!(ask(&path, unknown).await, (200, json.to_owned(), 2));
    assert_eq!(
        ask(&format!("/v1{path}"), json).await,
        (200, json.to_owned(), 1)
    );
    assert_eq!(
        ask(&format!("/v1{path}"), v1).await,
        (200, v1.to_owned(), 1)
    );
    // What the path and the header say must not contradict.
    assert_eq!(ask(&format!("/v1{path}"), v2).await.0, 406);
    let either = "application/vnd.carnet.v2+json, */*;q=0.1";
    assert_eq!(
        ask(&format!("/v1{path}"), either).await,
        (200, json.to_owned(), 1)
    );
    assert_eq!(ask(&path, "application/vnd.carnet.v9+json").await.0, 406);
    let chosen = send(&world, "GET", &path, &accept(v1), "").await;
    assert_eq!(chosen.header(header::VARY), Some("accept"));
    for (path, text) in [
        (
            "/v3/products",
            "there is no version `v3` of this API; served: v1, v2",
        ),
        (
            "/v01/products",
            "there is no version `v01` of this API; served: v1, v2",
        ),
        (
            "/v99999999",
            "there is no version `v99999999` of this API; served: v1, v2",
        ),
        ("/v1", "there is nothing at `/api/v1/`"),
        ("/v1/a/b/c/d/e", "there is nothing at `/api/v1/a/b/c/d/e`"),
    ] {
        let reply = get(&world, path).await;
        assert_eq!((reply.status, reply.code()), (404, "NOT_FOUND"), "{path}");
        let told = reply.refusal.map(|refusal| refusal.message);
        assert_eq!(told.as_deref(), Some(text));
    }
    let typed = [("content-type", v1)];
    let body = r#"{"title":"a"}"#;
    let reply = send(&world, "POST", "/v1/products", &typed, body).await;
    assert_eq!(reply.status, 201, "{}", reply.body);
    let reply = send(&world, "POST", "/v2/products", &typed, r#"{"name":"a"}"#).await;
    assert_eq!(
        (reply.status, reply.code()),
        (415, "UNSUPPORTED_MEDIA_TYPE")
    );
}

async fn versions_that_end_say_so(world: World) {
    let world = versioned(world).await;
    for path in ["/v1/products", "/v1/products?limit=x", "/v1/nothing"] {
        let reply = get(&world, path).await;
        assert_eq!(reply.header("deprecation"), Some("@1790812800"), "{path}");
        assert_eq!(
            reply.header("sunset"),
            Some("Thu, 01 Apr 2027 00:00:00 GMT")
        );
        let links: Vec<&str> = reply
            .headers
            .get_all(header::LINK)
            .iter()
            .map(|link| link.to_str().unwrap())
            .collect();
        assert_eq!(
            links,
            [
                "<https://example.com/v1>; rel=\"deprecation\"; type=\"text/html\"",
                "<https://example.com/v1>; rel=\"sunset\"; type=\"text/html\"",
            ]
        );
    }
    let reply = get(&world, "/v2/products").await;
    assert_eq!(
        (reply.header("deprecation"), reply.header("sunset")),
        (None, None)
    );
}

async fn keys_of_writes_belong_to_a_version(world: World) {
    let world = versioned(world).await;
    let headers = [JSON, ("idempotency-key", "k-1")];
    let body = r#"{"title":"Pen"}"#;
    let made = send(&world, "POST", "/v1/products", &headers, body).await;
    let product = id(&made);
    let change = r#"{"name":"Ink","stock":1}"#;
    let path = format!("/v2/products/{product}");
    assert_eq!(
        send_json(&world, "PATCH", &path, &[], change).await.status,
        200
    );
    let again = send(&world, "POST", "/v1/products", &headers, body).await;
    assert_eq!(
        again.header("idempotency-replayed"),
        Some("true"),
        "{}",
        again.body
    );
    assert_eq!(again.body["data"], made.body["data"]);
    // The same key in another version is another key.
    let other = send(
        &world,
        "POST",
        "/v2/products",
        &headers,
        r#"{"name":"Pen"}"#,
    )
    .await;
    assert_eq!(
        (other.status, other.header("idempotency-replayed")),
        (201, None)
    );
}

#[derive(Deserialize)]
struct Old {
    title: String,
}

impl Record for Old {
    const RESOURCE: &'static str = "products";

    fn fields() -> Vec<RecordField> {
        vec![RecordField {
            name: "title",
            fits: <String as Fits>::fits,
        }]
    }
}

#[derive(Deserialize)]
struct New {
    name: String,
}

impl Record for New {
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
        &[&["stock"]]
    }
}

async fn typed_records_have_the_names_of_their_version(world: World) {
    async fn old(call: Call, products: Repo<Old>) -> Result<Reply, Refusal> {
        let made = products.create(&json!({ "title": "Pen" })).await?;
        assert_eq!(made.title, "Pen");
        call.proceed().await
    }
    async fn new(call: Call, products: Repo<New>) -> Result<Reply, Refusal> {
        let made = products.create(&json!({ "name": "Pen" })).await?;
        assert_eq!(made.name, "Pen");
        call.proceed().await
    }
    let world = versioned(world).await;
    let view = world.operations.view();
    let mut registry = Registry::default();
    registry.logic(1, "products", Operation::Create, old);
    registry.logic(2, "products", Operation::Create, new);
    let logics = registry.compile(view.model()).unwrap();
    assert_eq!(logics.warnings().len(), 1, "{:?}", logics.warnings());
    world.operations.install(logics);
    for (path, body) in [
        ("/v1/products", json!({ "title": "Ink" })),
        ("/v2/products", json!({ "name": "Ink" })),
    ] {
        let made = post(&world, path, &body).await;
        assert_eq!(made.status, 201, "{}", made.body);
    }
    // The other way round nothing fits, and nothing that is hidden is suggested.
    let mut registry = Registry::default();
    registry.logic(1, "products", Operation::Create, new);
    registry.logic(2, "products", Operation::Create, old);
    let faults = registry.compile(view.model()).err().unwrap();
    let told = faults.join("\n");
    assert_eq!(faults.len(), 3, "{told}");
    for (of, why) in [
        ("in v1: ", "field `name`: there is no such field"),
        ("in v1: ", "field `stock`: there is no such field"),
        ("in v2: ", "field `title`: there is no such field"),
    ] {
        let found = faults
            .iter()
            .any(|one| one.contains(of) && one.contains(why));
        assert!(found, "{of}{why}: {told}");
    }
    assert!(!told.contains("did you mean `stock`"), "{told}");
    // A hook runs in every version in which its resource is there.
    let mut registry = Registry::default();
    registry.hook("categories", before(Operation::Create), old);
    registry.hook("tokens", before(Operation::Create), new);
    let faults = registry.compile(view.model()).err().unwrap();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].contains("of `categories` in v2: "), "{faults:?}");
}

async fn each_version_has_its_own_logic(world: World) {
    async fn old(call: Call) -> Result<Reply, Refusal> {
        assert_eq!(call.version(), 1);
        call.change_input(|input| input["title"] = json!("by old logic"))?;
        call.proceed().await
    }
    async fn new(call: Call) -> Result<Reply, Refusal> {
        assert_eq!(call.version(), 2);
        call.change_input(|input| input["name"] = json!("by new logic"))?;
        call.proceed().await
    }
    let world = versioned(world).await;
    let mut registry = Registry::default();
    registry.logic(1, "products", Operation::Create, old);
    registry.logic(2, "products", Operation::Create, new);
    let logics = registry.compile(world.operations.view().model()).unwrap();
    world.operations.install(logics);
    let made = post(&world, "/v1/products", &json!({ "title": "Pen" })).await;
    assert_eq!(made.body["data"]["title"], "by old logic", "{}", made.body);
    let made = post(&world, "/v2/products", &json!({ "name": "Pen" })).await;
    assert_eq!(made.body["data"]["name"], "by new logic", "{}", made.body);
}

/// The tables of the other tests under two versions of which the first hides some of them.
async fn hiding(mut world: World) -> World {
    let mut definition = DEFINITION.to_owned();
    for (title, hidden) in [
        ("Article", "hide: [contact]"),
        ("Manual", "hide: [body]"),
        ("Notice", "hide: [name, body], default: { name: unseen }"),
        ("Order", "hide: [number], default: { number: 5 }"),
        ("Line", "hide: true"),
        ("Box", "hide: [label], default: { label: unseen }"),
    ] {
        let title = format!("    title: {title}\n");
        assert_eq!(definition.matches(&title).count(), 1, "{title}");
        let overlay = format!("{title}    versions: {{ v1: {{ {hidden} }} }}\n");
        definition = definition.replace(&title, &overlay);
    }
    let versions = "versions: { v1: {}, v2: {} }\n";
    world.turn_to(&format!("{definition}{versions}")).await;
    world
}

async fn what_a_version_hides_is_not_searched(world: World) {
    let world = hiding(world).await;
    for (path, body) in [
        (
            "/v2/articles",
            json!({ "title": "Lamp", "body": "It shines", "contact": "ann@example.com" }),
        ),
        ("/v2/articles", json!({ "title": "Ann", "body": "A name" })),
        ("/v2/manuals", json!({ "name": "Lamp", "body": "shining" })),
        ("/v2/manuals", json!({ "name": "Shade", "body": "lamps" })),
    ] {
        assert_eq!(post(&world, path, &body).await.status, 201);
    }
    world.settle();
    let found = async |version: &str, resource: &str, query: &str| -> String {
        let path = format!("/{version}/{resource}?{query}");
        let reply = get(&world, &path).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        let records = reply.body["data"].as_array().unwrap().iter();
        let names = records.map(|record| {
            let name = record.get("title").or_else(|| record.get("name"));
            name.and_then(Value::as_str).unwrap_or_default()
        });
        names.collect::<Vec<_>>().join(" ")
    };
    for (resource, query, first, second) in [
        ("articles", "search=ann&sort=title", "Ann", "Ann Lamp"),
        ("articles", "search=ann", "Ann", "Ann Lamp"),
        ("articles", "search=%22ann%20example%22", "", "Lamp"),
        ("articles", "search=exam*", "", "Lamp"),
        ("articles", "search=-ann", "Lamp", ""),
        ("articles", "search=lamp%20example", "", "Lamp"),
        ("articles", "search[fuzzy]=exampel", "", "Lamp"),
        ("articles", "search[fuzzy]=lampe", "Lamp", "Lamp"),
        ("manuals", "search=lamp", "Lamp", "Lamp Shade"),
        ("manuals", "search=shining&sort=name", "", "Lamp"),
        ("manuals", "search=shade%20lamp", "", "Shade"),
    ] {
        let seen = (
            found("v1", resource, query).await,
            found("v2", resource, query).await,
        );
        let sorted = |text: &str| {
            let mut words: Vec<&str> = text.split(' ').collect();
            // How well each matches is another thing than which do.
            if !query.contains("sort") {
                words.sort_unstable();
            }
            words.join(" ")
        };
        let seen = (sorted(&seen.0), sorted(&seen.1));
        assert_eq!(seen, (first.to_owned(), second.to_owned()), "{query}");
    }
    let count = "/articles?search=example&aggregate=count";
    for (version, expected) in [("v1", 0), ("v2", 1)] {
        let reply = get(&world, &format!("/{version}{count}")).await;
        assert_eq!(reply.body["data"][0]["count"], expected, "{}", reply.body);
    }
    // Where nothing of it is shown there is no search.
    let reply = get(&world, "/v1/notices?search=unseen").await;
    assert_eq!((reply.status, reply.code()), (400, "UNKNOWN_PARAMETER"));
    assert_eq!(get(&world, "/v2/notices?search=unseen").await.status, 200);
}

async fn what_a_version_hides_is_not_told(world: World) {
    async fn create(call: Call) -> Result<Reply, Refusal> {
        let names: Vec<&str> = call.repositories().collect();
        let told = ["lines", "orders"].map(|name| names.contains(&name));
        assert_eq!(told, [call.version() == 2, true]);
        assert_eq!(call.has_repository("lines"), call.version() == 2);
        call.proceed().await
    }
    let world = hiding(world).await;
    let mut registry = Registry::default();
    registry.logic(1, "products", Operation::Create, create);
    registry.logic(2, "products", Operation::Create, create);
    let logics = registry.compile(world.operations.view().model()).unwrap();
    world.operations.install(logics);
    let message = |reply: &Answered| reply.refusal.as_ref().unwrap().message.clone();

    let order = id(&post(&world, "/v1/orders", &json!({})).await);
    let same = post(&world, "/v1/orders", &json!({})).await;
    assert_eq!((same.status, same.code()), (409, "UNIQUE_VIOLATION"));
    assert_eq!(same.fields(), Vec::<String>::new());
    assert_eq!(message(&same), "another record has the same values");
    let same = post(&world, "/v2/orders", &json!({ "number": 5 })).await;
    assert_eq!(same.fields(), ["number"]);

    let shelf = id(&post(&world, "/v1/shelves", &json!({ "name": "top" })).await);
    let of_shelf = json!({ "shelfId": shelf });
    assert_eq!(post(&world, "/v1/boxes", &of_shelf).await.status, 201);
    let same = post(&world, "/v1/boxes", &of_shelf).await;
    assert_eq!(
        (same.code(), same.fields()),
        ("UNIQUE_VIOLATION", vec!["shelfId".to_owned()])
    );
    assert!(!same.body.to_string().contains("label"), "{}", same.body);

    let product = id(&post(&world, "/v1/products", &json!({ "name": "Pen" })).await);
    assert_eq!(
        post(&world, "/v2/products", &json!({ "name": "Ink" }))
            .await
            .status,
        201
    );
    let line = json!({ "orderId": order, "productId": product });
    assert_eq!(post(&world, "/v2/lines", &line).await.status, 201);
    for (version, expected) in [
        ("v1", "other records refer to this one"),
        ("v2", "records of `lines` refer to this one by `productId`"),
    ] {
        let path = format!("/{version}/products/{product}");
        let held = send(&world, "DELETE", &path, &[], "").await;
        assert_eq!((held.status, held.code()), (409, "RECORD_IN_USE"));
        assert_eq!(message(&held), expected);
    }
}
