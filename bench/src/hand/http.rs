//! The handlers: one page, as somebody would write them who needs no more than this.

use super::product::{self, Body, Product, now};
use super::{Engine, Fault, List, json};
use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use std::sync::Arc;
use tokio::net::TcpListener;

type Shared = State<Arc<Engine>>;

/// Serves until the process is ended.
pub(super) async fn serve(listener: TcpListener, engine: Arc<Engine>) -> Result<()> {
    let routes = Router::new()
        .route("/api/v1/products", get(list_products).post(create_product))
        .route("/api/v1/products/batch", post(create_products))
        .route("/api/v1/products/{id}", get(read_product))
        .with_state(engine);
    use axum::serve::ListenerExt as _;
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            eprintln!("TCP_NODELAY could not be set: {error}");
        }
    });
    axum::serve(listener, routes).await?;
    Ok(())
}

async fn read_product(State(engine): Shared, Path(id): Path<String>) -> Result<Response, Fault> {
    let id = json::parse_id(&id).ok_or(Fault::Invalid("id"))?;
    let (data, version) = engine.get(id).await?.ok_or(Fault::NotFound)?;
    let mut response = answer(StatusCode::OK, record(&data, "Product found"));
    response.headers_mut().insert(header::ETAG, etag(version));
    Ok(response)
}

/// What a list may be asked with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    limit: Option<i64>,
    #[serde(rename = "filter[category.region][eq]")]
    region: Option<String>,
    include: Option<String>,
    count: Option<String>,
}

async fn list_products(
    State(engine): Shared,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    let limit = asked.limit.unwrap_or(20);
    if !(1..=1_000).contains(&limit) {
        return Err(Fault::Invalid("limit"));
    }
    let reviews = match asked.include.as_deref() {
        None => false,
        Some(crate::workload::REVIEWS) => true,
        Some(_) => return Err(Fault::Invalid("include")),
    };
    if asked.count.as_deref() != Some("none") {
        return Err(Fault::Invalid("count"));
    }
    let list = List {
        limit,
        region: asked.region,
        reviews,
    };
    let (data, rows) = engine.list(list).await?;
    let mut body = Vec::with_capacity(data.len() + 192);
    body.extend_from_slice(b"{\"success\":true,\"data\":");
    body.extend_from_slice(&data);
    body.extend_from_slice(b",\"message\":\"");
    json::number(&mut body, rows as i64);
    body.extend_from_slice(if rows == 1 { b" record" } else { b" records" });
    body.extend_from_slice(b"\",\"count\":");
    json::number(&mut body, rows as i64);
    body.extend_from_slice(b",\"pagination\":{\"page\":1,\"limit\":");
    json::number(&mut body, limit);
    body.extend_from_slice(b",\"total\":null,\"totalPages\":null}}");
    Ok(answer(StatusCode::OK, body))
}

async fn create_product(State(engine): Shared, body: Bytes) -> Result<Response, Fault> {
    let body: Body = serde_json::from_slice(&body).map_err(|_| Fault::Invalid("body"))?;
    let product = Product::new(body, now())?;
    let created = engine.create(vec![product]).await?;
    let product = created
        .first()
        .ok_or_else(|| Fault::Internal("nothing was created".to_owned()))?;
    let mut data = Vec::with_capacity(512);
    product.row().write(&mut data);
    let mut response = answer(StatusCode::CREATED, record(&data, "Product created"));
    let headers = response.headers_mut();
    headers.insert(header::ETAG, etag(1));
    let mut location = b"/api/v1/products/".to_vec();
    location.extend_from_slice(&json::ulid(product.id));
    if let Ok(location) = HeaderValue::from_bytes(&location) {
        headers.insert(header::LOCATION, location);
    }
    Ok(response)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    items: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    operation: String,
    data: Body,
}

async fn create_products(State(engine): Shared, body: Bytes) -> Result<Response, Fault> {
    let batch: Batch = serde_json::from_slice(&body).map_err(|_| Fault::Invalid("body"))?;
    if !(1..=1_000).contains(&batch.items.len()) {
        return Err(Fault::Invalid("items"));
    }
    let now = now();
    let mut products = Vec::with_capacity(batch.items.len());
    for item in batch.items {
        if item.operation != "create" {
            return Err(Fault::Invalid("operation"));
        }
        products.push(Product::new(item.data, now)?);
    }
    let created = engine.create(products).await?;
    let mut data = Vec::with_capacity(512 * created.len());
    data.push(b'[');
    for (place, product) in created.iter().enumerate() {
        if place > 0 {
            data.push(b',');
        }
        product.row().write(&mut data);
    }
    data.push(b']');
    let message = match created.len() {
        1 => "1 item applied".to_owned(),
        items => format!("{items} items applied"),
    };
    Ok(answer(StatusCode::OK, record(&data, &message)))
}

fn record(data: &[u8], message: &str) -> Vec<u8> {
    let mut body = Vec::with_capacity(data.len() + 64);
    body.extend_from_slice(b"{\"success\":true,\"data\":");
    body.extend_from_slice(data);
    body.extend_from_slice(b",\"message\":");
    json::text(&mut body, message);
    body.push(b'}');
    body
}

/// The answer with the same headers that the platform sends.
fn answer(status: StatusCode, body: Vec<u8>) -> Response {
    // Larger ones would be compressed for a client that asks for it.
    let large = body.len() >= 1_024;
    let mut response = Response::new(axum::body::Body::from(body));
    *response.status_mut() = status;
    fill(response.headers_mut());
    if large {
        let also = HeaderValue::from_static("accept-encoding");
        response.headers_mut().append(header::VARY, also);
    }
    response
}

fn fill(headers: &mut HeaderMap) {
    const FIXED: [(HeaderName, &str); 7] = [
        (header::CONTENT_TYPE, "application/json"),
        (header::VARY, "accept"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let id = json::ulid(product::next_id(now()));
    if let Ok(id) = HeaderValue::from_bytes(&id) {
        headers.insert(HeaderName::from_static("x-request-id"), id.clone());
        headers.insert(HeaderName::from_static("x-correlation-id"), id);
    }
}

fn etag(version: i64) -> HeaderValue {
    let mut text = vec![b'"'];
    json::number(&mut text, version);
    text.push(b'"');
    HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("\"0\""))
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let (status, message) = match self {
            Self::NotFound => (StatusCode::NOT_FOUND, "not found".to_owned()),
            Self::Invalid(what) => (StatusCode::BAD_REQUEST, format!("invalid {what}")),
            Self::Taken => (StatusCode::CONFLICT, "taken".to_owned()),
            Self::Internal(why) => (StatusCode::INTERNAL_SERVER_ERROR, why),
        };
        (status, message).into_response()
    }
}
