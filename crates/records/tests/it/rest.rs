//! The REST adapter without a server: addresses, methods, headers, envelopes.

#![cfg(test)]

use crate::world::World;
use axum::body::Body;
use axum::extract::Request;
use carnet_kernel::Refusal;
use carnet_records::routes::PREFIX;
use carnet_web::query_string::Limits;
use http::{HeaderMap, Method, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

crate::on_both!(
    a_life_over_http,
    methods_and_addresses,
    preconditions,
    preconditions_of_creates,
    bodies_and_types,
);

/// What a request was answered.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    pub(crate) bytes: axum::body::Bytes,
    pub(crate) refusal: Option<Refusal>,
}

impl Reply {
    /// The places of what is wrong.
    pub(crate) fn fields(&self) -> Vec<String> {
        let details = self.refusal.iter().flat_map(|refusal| &refusal.details);
        details.map(|detail| detail.field.clone()).collect()
    }

    pub(crate) fn code(&self) -> &str {
        self.refusal
            .as_ref()
            .map_or("", |refusal| refusal.code.as_str())
    }

    pub(crate) fn header(&self, name: impl header::AsHeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// The same with a JSON body.
pub(crate) async fn send_json(
    world: &World,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Reply {
    let mut all = vec![("content-type", "application/json")];
    all.extend(headers);
    send(world, method, path, &all, body).await
}

/// Sends a request to the routes.
pub(crate) async fn send(
    world: &World,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Reply {
    let mut request = Request::builder()
        .method(Method::from_bytes(method.as_bytes()).unwrap())
        .uri(format!("{PREFIX}{path}"))
        .extension(world.context.clone());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let router = carnet_records::routes::router(world.operations.clone());
    let response = router.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Reply {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        bytes,
        refusal: parts.extensions.get().cloned(),
    }
}

pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");

pub(crate) async fn get(world: &World, path: &str) -> Reply {
    send(world, "GET", path, &[], "").await
}

async fn a_life_over_http(world: World) {
    let made = send(&world, "POST", "/products", &[JSON], r#"{"name":"Pen"}"#).await;
    assert_eq!(made.status, 201);
    let id = made.body["data"]["id"].as_str().unwrap();
    let address = format!("/api/v1/products/{id}");
    assert_eq!(made.header(header::LOCATION), Some(address.as_str()));
    assert_eq!(made.header(header::ETAG), Some("\"1\""));
    assert_eq!(made.body["message"], "Product created");
    let path = format!("/products/{id}");
    let read = get(&world, &path).await;
    assert_eq!(
        (read.status, read.header(header::ETAG)),
        (200, Some("\"1\""))
    );
    assert_eq!(
        read.body,
        json!({ "success": true, "data": made.body["data"], "message": "Product found" })
    );
    for part in ["?fields=name", "?include=category"] {
        assert_eq!(
            get(&world, &format!("{path}{part}"))
                .await
                .header(header::ETAG),
            None
        );
    }
    let patch = ("content-type", "application/merge-patch+json");
    let patched = send(&world, "PATCH", &path, &[patch], r#"{"stock":2}"#).await;
    assert_eq!(
        (patched.status, patched.header(header::ETAG)),
        (200, Some("\"2\""))
    );
    let put = send(&world, "PUT", &path, &[JSON], r#"{"name":"Ink"}"#).await;
    assert_eq!((put.status, &put.body["data"]["stock"]), (200, &json!(0)));
    let list = get(&world, "/products?limit=1").await;
    assert_eq!(list.body["message"], "1 record");
    assert_eq!(list.body["count"], 1);
    assert_eq!(
        list.body["pagination"],
        json!({ "page": 1, "limit": 1, "total": 1, "totalPages": 1 })
    );
    let deleted = send(&world, "DELETE", &path, &[], "").await;
    assert_eq!(deleted.status, 200);
    assert_eq!(
        deleted.body,
        json!({ "success": true, "data": null, "message": "Product deleted" })
    );
    assert_eq!(
        (
            get(&world, &path).await.status,
            get(&world, &path).await.code()
        ),
        (404, "NOT_FOUND")
    );
    let batch = send(
        &world,
        "POST",
        "/products/batch",
        &[JSON],
        r#"{"items":[{"operation":"create","data":{"name":"a"}}]}"#,
    )
    .await;
    assert_eq!(
        (batch.status, &batch.body["message"]),
        (200, &json!("1 item applied"))
    );
    let journal = get(&world, "/journal?limit=1").await;
    let sequence = journal.body["data"][0]["sequence"].as_i64().unwrap();
    let row = get(&world, &format!("/journal/{sequence}")).await;
    assert_eq!(row.body["data"]["kind"], "create");
    assert_eq!(row.header(header::ETAG), None);
}

async fn methods_and_addresses(world: World) {
    let nowhere = "/products/00000000000000000000000001";
    for (method, path, status, code, allow) in [
        (
            "PUT",
            "/products",
            405,
            "METHOD_NOT_ALLOWED",
            Some("GET, HEAD, POST, PATCH, DELETE"),
        ),
        (
            "POST",
            nowhere,
            405,
            "METHOD_NOT_ALLOWED",
            Some("GET, HEAD, PUT, PATCH, DELETE"),
        ),
        (
            "GET",
            "/products/batch",
            405,
            "METHOD_NOT_ALLOWED",
            Some("POST"),
        ),
        (
            "POST",
            "/journal",
            405,
            "METHOD_NOT_ALLOWED",
            Some("GET, HEAD"),
        ),
        (
            "DELETE",
            "/journal/1",
            405,
            "METHOD_NOT_ALLOWED",
            Some("GET, HEAD"),
        ),
        (
            "BREW",
            "/products",
            405,
            "METHOD_NOT_ALLOWED",
            Some("GET, HEAD, POST, PATCH, DELETE"),
        ),
        ("POST", "/journal/batch", 404, "NOT_FOUND", None),
        ("GET", "/product", 404, "NOT_FOUND", None),
        ("GET", nowhere, 404, "NOT_FOUND", None),
        ("GET", "/journal/99", 404, "NOT_FOUND", None),
        ("GET", "/journal/-1", 404, "NOT_FOUND", None),
        (
            "GET",
            "/journal/99999999999999999999",
            400,
            "INVALID_PARAMETER",
            None,
        ),
        ("GET", "/products/7", 400, "INVALID_PARAMETER", None),
        ("GET", "/products/b%61tch", 400, "INVALID_PARAMETER", None),
        ("GET", "/products/%2F", 400, "INVALID_PARAMETER", None),
        ("GET", "/products/%ff", 400, "MALFORMED_REQUEST", None),
        ("GET", "/products/%zz", 400, "MALFORMED_REQUEST", None),
        ("GET", "/products?filter[a", 400, "INVALID_PARAMETER", None),
        (
            "GET",
            "/tokens/00000000000000000000000001",
            400,
            "INVALID_PARAMETER",
            None,
        ),
        (
            "DELETE",
            "/products/x?include=a",
            400,
            "INVALID_PARAMETER",
            None,
        ),
    ] {
        let reply = send(&world, method, path, &[], "").await;
        assert_eq!(
            (reply.status, reply.code()),
            (status, code),
            "{method} {path}"
        );
        assert_eq!(reply.header(header::ALLOW), allow, "{method} {path}");
    }
    let head = send(&world, "HEAD", "/products", &[], "").await;
    assert_eq!(head.status, 200);
    let near = get(&world, "/product").await;
    assert_eq!(
        near.refusal.unwrap().message,
        "there is no resource `product` (did you mean `products`?)"
    );
    let pdf = send(
        &world,
        "GET",
        "/products",
        &[("accept", "application/pdf")],
        "",
    )
    .await;
    assert_eq!(pdf.code(), "NOT_ACCEPTABLE");
    // The edge's limits hold for the query.
    let mut narrow = world.clone();
    narrow.context.locale = "de".into();
    let request = Request::builder()
        .uri("/api/products?limit=1&count=none")
        .extension(narrow.context)
        .extension(Limits {
            bytes: 100,
            pairs: 1,
        })
        .body(Body::empty())
        .unwrap();
    let router = carnet_records::routes::router(world.operations.clone());
    let response = router.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::URI_TOO_LONG);
}

async fn preconditions(world: World) {
    let made = send(&world, "POST", "/orders", &[JSON], r#"{"number":1}"#).await;
    let path = format!("/orders/{}", made.body["data"]["id"].as_str().unwrap());
    let body = r#"{"number":2}"#;
    for (method, tag, status, code) in [
        ("PATCH", None, 428, "PRECONDITION_REQUIRED"),
        ("PUT", None, 428, "PRECONDITION_REQUIRED"),
        ("DELETE", None, 428, "PRECONDITION_REQUIRED"),
        ("PATCH", Some("\"2\""), 412, "PRECONDITION_FAILED"),
        // A weak tag is never equal under the strong comparison.
        ("PATCH", Some("W/\"1\""), 412, "PRECONDITION_FAILED"),
        ("DELETE", Some("\"abc\""), 412, "PRECONDITION_FAILED"),
        ("PATCH", Some("1"), 400, "MALFORMED_REQUEST"),
        ("PATCH", Some("\"7\", \"1\""), 200, ""),
        ("PUT", Some("*"), 200, ""),
        ("PATCH", Some("\"2\""), 200, ""),
        ("DELETE", Some("\"2\""), 200, ""),
        ("DELETE", Some("\"2\""), 404, "NOT_FOUND"),
    ] {
        let mut headers = vec![JSON];
        headers.extend(tag.map(|tag| ("if-match", tag)));
        let body = if method == "DELETE" { "" } else { body };
        let reply = send(&world, method, &path, &headers, body).await;
        assert_eq!(
            (reply.status, reply.code()),
            (status, code),
            "{method} {tag:?}"
        );
    }
}

/// A create is based on no version: what `If-Match` says does not matter, but it has to be readable.
async fn preconditions_of_creates(world: World) {
    for (number, (tag, status, code)) in [
        (None, 201, ""),
        (Some("*"), 201, ""),
        (Some("\"7\""), 201, ""),
        (Some("\"1\", W/\"2\""), 201, ""),
        (Some("7"), 400, "MALFORMED_REQUEST"),
        (Some("\"7"), 400, "MALFORMED_REQUEST"),
        (Some(""), 400, "MALFORMED_REQUEST"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut headers = vec![JSON];
        headers.extend(tag.map(|tag| ("if-match", tag)));
        // Of a resource whose changes have to state a version, and of one whose changes need not.
        let order = format!("{{\"number\":{number}}}");
        for (path, body) in [("/orders", &*order), ("/products", r#"{"name":"Pen"}"#)] {
            let reply = send(&world, "POST", path, &headers, body).await;
            let told = (reply.status, reply.code());
            assert_eq!(told, (status, code), "{path} {tag:?}: {}", reply.body);
            if status == 201 {
                assert_eq!(reply.header(header::ETAG), Some("\"1\""));
            }
        }
    }
    assert_eq!(world.list("orders", "").await.unwrap().1, Some(4));
    assert_eq!(world.list("products", "").await.unwrap().1, Some(4));
}

async fn bodies_and_types(world: World) {
    for (headers, body, status, code) in [
        (&[][..], "{}", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (
            &[("content-type", "text/plain")][..],
            "{}",
            415,
            "UNSUPPORTED_MEDIA_TYPE",
        ),
        (
            &[("content-type", "application/merge-patch+json")][..],
            "{}",
            415,
            "UNSUPPORTED_MEDIA_TYPE",
        ),
        (&[JSON][..], "", 400, "MALFORMED_REQUEST"),
        (&[JSON][..], "{", 400, "MALFORMED_REQUEST"),
        (&[JSON][..], "\u{feff}{}", 400, "MALFORMED_REQUEST"),
        (&[JSON][..], "null", 400, "MALFORMED_REQUEST"),
        (
            &[JSON][..],
            r#"{"name":"a","name":"b"}"#,
            400,
            "MALFORMED_REQUEST",
        ),
        (&[JSON][..], r#"{"nam":"a"}"#, 400, "VALIDATION_FAILED"),
        (
            &[JSON][..],
            r#"{"name":"a","nam":"a"}"#,
            400,
            "UNKNOWN_FIELD",
        ),
    ] {
        let reply = send(&world, "POST", "/products", headers, body).await;
        assert_eq!(
            (reply.status, reply.code()),
            (status, code),
            "{headers:?} {body}"
        );
    }
    let deep = format!(
        r#"{{"items":{}1{}}}"#,
        "[".repeat(50_000),
        "]".repeat(50_000)
    );
    let reply = send(&world, "POST", "/products/batch", &[JSON], &deep).await;
    assert_eq!((reply.status, reply.code()), (400, "VALIDATION_FAILED"));
    let reply = send(&world, "POST", "/products?limit=1", &[JSON], "{}").await;
    assert_eq!(reply.code(), "UNKNOWN_PARAMETER");
    assert_eq!(get(&world, "/products").await.body["count"], 0);
}
