//! Actions as addresses: what they take, and that nothing is done where no logic is registered.

#![cfg(test)]

use crate::rest::{JSON, Reply as Answered, get, send, send_json};
use crate::world::{DEFINITION, World};
use carnet_kernel::Refusal;
use carnet_records::logic::{Body, Call, Registry, Reply};
use http::header;
use serde::Deserialize;
use serde_json::json;

crate::on_both!(
    inputs_are_checked_before_logic,
    addresses_and_methods,
    an_action_runs_its_logic
);

pub(crate) async fn with_actions(mut world: World) -> World {
    let actions = "  products:
    title: Product
    actions:
      feature:
        input: { isFeatured: { type: boolean, default: true }, reason: { type: text, max: 20, optional: true } }
        output: record
      recount: { on: collection, method: put, input: { since: date }, output: { counted: integer } }
      retire: { method: delete }
";
    let definition = DEFINITION.replace("  products:\n    title: Product\n", actions);
    world.turn_to(&definition).await;
    world
}

/// Everything that a refusal says.
fn messages(reply: &Answered) -> String {
    let refusal = reply.refusal.as_ref().expect("it was refused");
    let details = refusal.details.iter().map(|detail| detail.message.as_str());
    let all: Vec<&str> = std::iter::once(refusal.message.as_str())
        .chain(details)
        .collect();
    all.join("; ")
}

#[track_caller]
fn check(reply: &Answered, status: u16, code: &str) {
    let told = (reply.status, reply.code());
    assert_eq!(told, (status, code), "{}", reply.body);
}

async fn inputs_are_checked_before_logic(world: World) {
    let world = with_actions(world).await;
    let product = world.made("products", r#"{"name":"Pen"}"#).await;
    let path = format!("/products/{product}/feature");
    // Without logic nothing is done, but everything is looked at.
    for body in ["", "{}", r#"{"isFeatured":false,"reason":null}"#] {
        let reply = send_json(&world, "POST", &path, &[], body).await;
        check(&reply, 501, "LOGIC_MISSING");
    }
    check(
        &send(&world, "POST", &path, &[], "").await,
        501,
        "LOGIC_MISSING",
    );
    check(
        &send(&world, "POST", &path, &[], "{}").await,
        415,
        "UNSUPPORTED_MEDIA_TYPE",
    );
    let faults = send_json(
        &world,
        "POST",
        &path,
        &[],
        r#"{"isFeatured":1,"reason":"a long reason beyond it","x":1}"#,
    )
    .await;
    check(&faults, 400, "VALIDATION_FAILED");
    assert_eq!(faults.fields(), ["isFeatured", "reason", "x"]);
    let unknown = send_json(&world, "POST", &path, &[], r#"{"raeson":"a"}"#).await;
    check(&unknown, 400, "UNKNOWN_FIELD");
    let told = messages(&unknown);
    assert!(told.contains("did you mean `reason`"), "{told}");
    check(
        &send_json(&world, "POST", &path, &[], "[]").await,
        400,
        "MALFORMED_REQUEST",
    );
    check(
        &send_json(&world, "POST", &format!("{path}?limit=1"), &[], "").await,
        400,
        "UNKNOWN_PARAMETER",
    );
    check(
        &send_json(&world, "POST", &format!("{path}?dryRun=true"), &[], "").await,
        501,
        "LOGIC_MISSING",
    );
    let missing = send_json(&world, "PUT", "/products/recount", &[], "").await;
    assert_eq!(
        (missing.code(), missing.fields()),
        ("VALIDATION_FAILED", vec!["since".to_owned()])
    );
    let keyed = [JSON, ("idempotency-key", "k-1")];
    check(
        &send(
            &world,
            "PUT",
            "/products/recount",
            &keyed,
            r#"{"since":"2026-01-01"}"#,
        )
        .await,
        501,
        "LOGIC_MISSING",
    );
    assert_eq!(world.names("products", "", "name").await, ["Pen"]);
}

async fn addresses_and_methods(world: World) {
    let world = with_actions(world).await;
    let product = world.made("products", r#"{"name":"Pen"}"#).await;
    for (path, method) in [
        (format!("/products/{product}/feature"), "POST"),
        ("/products/recount".to_owned(), "PUT"),
        (format!("/products/{product}/retire"), "DELETE"),
    ] {
        let reply = get(&world, &path).await;
        assert_eq!(
            (reply.status, reply.header(header::ALLOW)),
            (405, Some(method)),
            "{path}"
        );
    }
    let reply = send(
        &world,
        "DELETE",
        &format!("/products/{product}/retire"),
        &[],
        "",
    )
    .await;
    check(&reply, 501, "LOGIC_MISSING");
    let reply = send_json(
        &world,
        "POST",
        &format!("/products/{product}/featuer"),
        &[],
        "",
    )
    .await;
    check(&reply, 404, "NOT_FOUND");
    let told = messages(&reply);
    assert!(told.contains("did you mean `feature`"), "{told}");
    for (path, status) in [
        ("/products/nothing/feature", 400),
        // For all of them, not for one; and the reverse.
        ("/products/feature", 405),
    ] {
        assert_eq!(
            send_json(&world, "POST", path, &[], "").await.status,
            status,
            "{path}"
        );
    }
    let reply = send_json(
        &world,
        "PUT",
        &format!("/products/{product}/recount"),
        &[],
        "{}",
    )
    .await;
    check(&reply, 404, "NOT_FOUND");
    check(
        &send_json(&world, "POST", "/categories/x/feature", &[], "").await,
        404,
        "NOT_FOUND",
    );
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feature {
    is_featured: bool,
    reason: Option<String>,
}

async fn an_action_runs_its_logic(world: World) {
    async fn feature(call: Call, body: Body<Feature>) -> Result<Reply, Refusal> {
        let id = call.require_id()?;
        let change = json!({ "isFeatured": body.is_featured, "note": body.reason });
        let products = call.repository("products")?;
        Reply::json(&products.patch(id, &change).await?)
    }
    async fn recount(call: Call) -> Result<Reply, Refusal> {
        assert_eq!(call.id(), None);
        let counted = call.repository("products")?.find().count().await?;
        let since = call.input()["since"].clone();
        assert_eq!(since, "2026-01-01");
        Ok(Reply::json(&json!({ "counted": counted }))?
            .status(202)
            .message("it will be counted"))
    }
    async fn retire(call: Call) -> Result<Reply, Refusal> {
        let id = call.require_id()?;
        call.repository("products")?.delete(id).await?;
        Ok(Reply::none().status(204))
    }
    let world = with_actions(world).await;
    let mut registry = Registry::default();
    registry.logic(1, "products", "feature", feature);
    registry.logic(1, "products", "recount", recount);
    registry.logic(1, "products", "retire", retire);
    world
        .operations
        .install(registry.compile(world.operations.view().model()).unwrap());
    let product = world.made("products", r#"{"name":"Pen"}"#).await;
    let path = format!("/products/{product}/feature");
    let bad = send_json(&world, "POST", &path, &[], r#"{"isFeatured":"yes"}"#).await;
    check(&bad, 400, "VALIDATION_FAILED");
    // What the body leaves out has its default.
    let done = send_json(&world, "POST", &path, &[], r#"{"reason":"new"}"#).await;
    assert_eq!(done.status, 200, "{}", done.body);
    let data = &done.body["data"];
    assert_eq!(
        (&data["isFeatured"], &data["note"]),
        (&json!(true), &json!("new"))
    );
    let dry = send_json(
        &world,
        "POST",
        &format!("{path}?dryRun=true"),
        &[],
        r#"{"isFeatured":false}"#,
    )
    .await;
    assert_eq!(
        (dry.status, &dry.body["data"]["isFeatured"]),
        (200, &json!(false))
    );
    assert_eq!(world.names("products", "", "isFeatured").await, ["true"]);
    let keyed = [JSON, ("idempotency-key", "k-1")];
    let body = r#"{"since":"2026-01-01"}"#;
    for replayed in [None, Some("true")] {
        let counted = send(&world, "PUT", "/products/recount", &keyed, body).await;
        assert_eq!(
            (counted.status, counted.header("idempotency-replayed")),
            (202, replayed)
        );
        assert_eq!(counted.body["data"], json!({ "counted": 1 }));
        assert_eq!(counted.body["message"], "it will be counted");
    }
    let gone = send(
        &world,
        "DELETE",
        &format!("/products/{product}/retire"),
        &[],
        "",
    )
    .await;
    assert_eq!((gone.status, gone.bytes.len()), (204, 0));
    assert!(world.names("products", "", "name").await.is_empty());
    // Registering for what is not there is told with the nearest name.
    let mut wrong = Registry::default();
    wrong.logic(1, "products", "featuer", retire);
    let faults = wrong
        .compile(world.operations.view().model())
        .err()
        .unwrap_or_default();
    assert!(faults[0].contains("did you mean `feature`"), "{faults:?}");
}
