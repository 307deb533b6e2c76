//! The whole middleware round a small router, by calls in process and over real connections.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod headers;
mod limits;
mod observed;
mod pages;
mod problems;
mod wire;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use carnet_kernel::{ApiVersion, ByteSize, Clock, Code, Detail, IdGenerator, Refusal, Timestamp};
use carnet_web::accept::{self, Media};
use carnet_web::content_type::{self, BodyType};
use carnet_web::{
    Config, Edge, EdgeOptions, Layers, PAGE_POLICY, Problem, RequestInfo, body, envelope,
    query_string,
};
use futures_util::stream;
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt;

/// The body limit of every edge under test.
const LIMIT: usize = 4_096;

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp(43_200_000_000)
    }
}

fn edge(change: impl FnOnce(&mut Config)) -> Edge {
    let mut config = Config {
        body_limit: ByteSize(LIMIT as u64),
        ..Config::default()
    };
    change(&mut config);
    let options = EdgeOptions {
        config,
        clock: Arc::new(Noon),
        ids: Arc::new(IdGenerator::new()),
        probes: &["/health"],
        layers: Layers::default(),
    };
    Edge::new(routes(), options).unwrap()
}

fn routes() -> Router {
    Router::new()
        .route("/health", get(async || "fine"))
        .route(
            "/items/{id}",
            get(show_item).delete(async || StatusCode::NO_CONTENT),
        )
        .route("/items", post(create_item))
        .route("/list", get(list_items))
        .route("/query", get(show_query))
        .route("/refused", get(refuse))
        .route("/panic", get(fail))
        .route("/hang", get(hang))
        .route("/page", get(show_page))
        .route("/events", get(stream_events))
        .route(
            "/broken",
            get(async || (StatusCode::BAD_GATEWAY, "a driver's text")),
        )
        .route(
            "/own",
            get(async || (StatusCode::SERVICE_UNAVAILABLE, json("3".to_owned()))),
        )
        .route("/extracted", post(async |text: String| text))
        .route_layer(axum::middleware::from_fn(carnet_web::label_route))
}

async fn show_item(Path(id): Path<String>, info: RequestInfo) -> Response {
    info.add_stage("plan", Duration::from_micros(1_500));
    let data = serde_json::to_vec(&id).unwrap();
    envelope::respond(
        StatusCode::OK,
        Media::Json,
        envelope::success(&data, "Item found"),
    )
}

async fn create_item(request: Request) -> Result<Response, Problem> {
    let (parts, unread) = request.into_parts();
    let media = accept::negotiate(&parts.headers, ApiVersion::FIRST)?;
    content_type::require(&parts.headers, &[BodyType::Json], ApiVersion::FIRST)?;
    let text = body::read_text(unread).await?;
    serde_json::from_str::<Value>(&text)
        .map_err(|error| Problem::new(Code::MalformedRequest, error.to_string()))?;
    let body = envelope::success(text.as_bytes(), "Item created");
    Ok(envelope::respond(StatusCode::CREATED, media, body))
}

async fn list_items() -> Response {
    let items = format!("[{}]", vec!["\"item\""; 500].join(","));
    let pagination = envelope::Pagination {
        page: Some(1),
        limit: 500,
        total: Some(500),
        ..envelope::Pagination::default()
    };
    let body = envelope::list(items.as_bytes(), 500, &pagination, None, "Items found");
    envelope::respond(StatusCode::OK, Media::Json, body)
}

async fn show_query(request: Request) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    let pairs = query_string::from_parts(&parts)?;
    Ok(json(serde_json::to_string(&pairs).unwrap()))
}

fn json(text: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

async fn refuse() -> Result<Response, Problem> {
    let detail = Detail::new("price", "max", "`9` is above 5");
    let mut refusal = Refusal::validation(vec![detail]);
    refusal.retry_after = Some(7);
    Err(refusal.into())
}

async fn fail() -> Response {
    panic!("the secret of the handler")
}

async fn hang() -> Response {
    std::future::pending().await
}

async fn show_page() -> Response {
    let mut response = axum::response::Html("<p>docs</p>".repeat(500)).into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, PAGE_POLICY);
    response
}

async fn stream_events() -> Response {
    let events = stream::iter(vec![Ok::<_, std::io::Error>(Bytes::from(
        "data: x\n\n".repeat(500),
    ))]);
    let mut response = Body::from_stream(events).into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, "text/event-stream".parse().unwrap());
    response
}

/// An answer read to its end.
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    #[track_caller]
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    /// The envelope's error, checked for what every one has.
    #[track_caller]
    fn error(&self, code: Code) -> Value {
        let body = self.json();
        assert_eq!(body["success"], false, "{body}");
        let error = body["error"].clone();
        assert_eq!(error["code"], code.as_str(), "{body}");
        assert_eq!(self.status, code.status(), "{body}");
        assert_eq!(error["statusCode"], code.status(), "{body}");
        assert_eq!(error["timestamp"], "1970-01-01T12:00:00.000000Z");
        assert_eq!(error["correlationId"], self.header("x-correlation-id"));
        assert_eq!(self.header("content-type"), "application/json");
        assert_eq!(self.header("x-content-type-options"), "nosniff");
        error
    }
}

async fn send(edge: &Edge, request: http::Request<Body>) -> Answer {
    let Ok(response) = edge.clone().oneshot(request).await;
    let (parts, body) = response.into_parts();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: body.collect().await.unwrap().to_bytes(),
    }
}

/// A request from `"GET /items/1"`, header pairs and a body.
fn request(line: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> http::Request<Body> {
    let (method, uri) = line.split_once(' ').unwrap();
    let mut request = http::Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, value.as_bytes());
    }
    request.body(body.into()).unwrap()
}

async fn fetch(edge: &Edge, line: &str, headers: &[(&str, &str)]) -> Answer {
    send(edge, request(line, headers, Body::empty())).await
}
