//! Routes of an application: what handlers have, and that they answer as the platform does.

use crate::{application, start, start_with};
use axum::extract::Path;
use axum::http::StatusCode;
use carnet_kernel::{Principal, TenantKey};
use carnet_records::logic::Request;
use carnet_server::{Application, Http, Module, Routes};
use carnet_web::Problem;
use serde_json::{Value, json};

/// A component.
struct Greeting(&'static str);

async fn greet(http: Http, Path(name): Path<String>) -> Result<String, Problem> {
    let greeting = http.component::<Greeting>()?;
    Ok(format!("{} {name}", greeting.0))
}

async fn count(http: Http) -> Result<String, Problem> {
    http.require_role("admin")?;
    let query = vec![("count".to_owned(), "exact".to_owned())];
    let request = Request::List {
        resource: "notes".to_owned(),
        query,
    };
    let total = http.perform(request).await?.total.unwrap_or_default();
    let name = http.principal().name().unwrap_or("nobody");
    Ok(format!("{name} counts {total}"))
}

async fn create(http: Http, body: String) -> Result<(StatusCode, String), Problem> {
    let body = json!({ "title": body }).to_string();
    let resource = "notes".to_owned();
    let made: Value = http
        .perform(Request::Create { resource, body })
        .await?
        .read()?;
    Ok((StatusCode::CREATED, made["createdBy"].to_string()))
}

async fn number(Path(number): Path<u8>) -> String {
    number.to_string()
}

async fn fail() {
    panic!("a bug");
}

fn with_routes() -> Application {
    let mut application = application();
    let greetings = Routes::new()
        .get("/greetings/{name}", greet)
        .openapi(json!({
            "paths": { "/greetings/{name}": { "get": {
                "operationId": "readGreeting",
                "parameters": [{ "name": "name", "in": "path", "required": true, "schema": { "type": "string" } }],
                "responses": { "200": { "description": "The greeting.", "content": { "text/plain": {
                    "schema": { "$ref": "#/components/schemas/Greeting" },
                } } } },
            } } },
            "components": { "schemas": { "Greeting": { "type": "string" } } },
        }));
    application.add_module(
        Module::new("greetings")
            .component(Greeting("Hello"))
            .routes(greetings),
    );
    let below = axum::Router::new().route("/a/{b}", axum::routing::get(number));
    application.routes.extend(
        Routes::new()
            .get("/api/v1/counts", count)
            .post("/api/v1/counts", create)
            .get("/numbers/{number}", number)
            .any("/fail", fail)
            .nest("/below", below),
    );
    application
}

#[tokio::test]
async fn a_page_from_elsewhere_is_nobody_where_a_user_is_assumed() {
    let ada = Principal::user_named(TenantKey::DEFAULT, "ada");
    let foreign = [
        ("host", "evil.example"),
        ("content-type", "application/json"),
    ];
    let body = r#"{"title":"by a page"}"#;
    for (principal, status) in [(Some(ada), 403), (None, 201)] {
        // Nothing of the application stands before the API.
        let server = start_with(application(), &[], principal).await.unwrap();
        let path = "/api/v1/notes";
        let asked = server.client.send("POST", path, &foreign, body).await;
        assert_eq!(asked.unwrap().status, status);
        let health = server.client.send("GET", "/health", &foreign, "").await;
        assert_eq!(health.unwrap().status, 200);
        server.stop().await;
    }
}

#[tokio::test]
async fn handlers_have_the_platform() {
    let ada = Principal::user_named(TenantKey::DEFAULT, "ada").with_roles(["admin"]);
    let server = start_with(with_routes(), &[], Some(ada.clone()))
        .await
        .unwrap();
    let client = &server.client;
    let greeted = client.get("/greetings/Eve").await.unwrap();
    assert_eq!(
        (greeted.status, greeted.text().as_str()),
        (200, "Hello Eve")
    );
    assert!(greeted.header("x-correlation-id").is_some());
    let made = client
        .send("POST", "/api/v1/counts", &[], "A note")
        .await
        .unwrap();
    assert_eq!(made.status, 201);
    assert!(
        made.text().contains(&ada.id.unwrap().to_string()),
        "{}",
        made.text()
    );
    let counted = client.get("/api/v1/counts").await.unwrap();
    assert_eq!(counted.text(), "ada counts 1");
    let below = client.get("/below/a/7").await.unwrap();
    assert_eq!(below.text(), "7");
    // A page from elsewhere is not that user, by whatever name it comes.
    for (name, value) in [("host", "evil.example"), ("origin", "https://evil.example")] {
        for path in ["/api/v1/notes", "/api/v1/counts", "/below/a/7"] {
            let refused = client
                .send("GET", path, &[(name, value)], "")
                .await
                .unwrap();
            let refused = refused.expect(403).unwrap();
            assert_eq!(refused["error"]["code"], "FORBIDDEN", "{path}");
            assert_eq!(refused["error"]["details"][0]["field"], name);
        }
    }
    let here = [("host", "localhost:1"), ("origin", "http://localhost:5173")];
    let passed = client
        .send("GET", "/api/v1/counts", &here, "")
        .await
        .unwrap();
    assert_eq!(passed.text(), "ada counts 1");
    // Resources and pages of the platform are where they were.
    let notes = client.get("/api/v1/notes").await.unwrap();
    assert_eq!(notes.expect(200).unwrap()["count"], 1);
    let document = client.get("/openapi.json").await.unwrap();
    let document = document.expect(200).unwrap();
    assert_eq!(
        document["paths"]["/greetings/{name}"]["get"]["operationId"],
        "readGreeting"
    );
    assert!(document["components"]["schemas"]["Greeting"].is_object());
    let metrics = client.get("/metrics").await.unwrap().text();
    assert!(metrics.contains("route=\"/greetings/{name}\""), "{metrics}");
    assert!(metrics.contains("route=\"/below/{*rest}\""), "{metrics}");
    server.stop().await;
}

#[tokio::test]
async fn their_failures_are_problems() {
    let server = start(with_routes()).await.unwrap();
    let client = &server.client;
    for (method, path, status, code) in [
        ("GET", "/api/v1/counts", 401, "UNAUTHENTICATED"),
        ("DELETE", "/api/v1/counts", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/numbers/300", 400, "MALFORMED_REQUEST"),
        ("GET", "/fail", 500, "INTERNAL"),
        ("GET", "/below/none", 404, "NOT_FOUND"),
        ("GET", "/api/v1/none", 404, "NOT_FOUND"),
    ] {
        let answer = client.send(method, path, &[], "").await.unwrap();
        let body = answer.expect(status).unwrap();
        assert_eq!(body["error"]["code"], code, "{path}");
        assert!(body["error"]["correlationId"].is_string(), "{path}: {body}");
        if status == 405 {
            assert_eq!(answer.header("allow"), Some("GET, HEAD, POST"));
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn parts_of_the_document_must_not_collide() {
    let mut application = application();
    let routes = Routes::new().get("/a", number_of_nothing).openapi(json!({
        "components": { "schemas": { "Health": { "type": "string" } } },
    }));
    application.routes.extend(routes);
    let failure = start(application).await.err().unwrap();
    assert!(failure.to_string().contains("Health"), "{failure}");
}

async fn number_of_nothing() -> &'static str {
    "0"
}
