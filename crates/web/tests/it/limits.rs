//! Limits of body, address, query and load.

use super::{LIMIT, edge, fetch, request, send};
use axum::body::{Body, Bytes};
use carnet_kernel::{Code, Period};
use futures_util::{FutureExt, stream};

const JSON: (&str, &str) = ("content-type", "application/json");

fn json_of(size: usize) -> String {
    format!("\"{}\"", "x".repeat(size - 2))
}

/// A body whose size nobody announces.
fn chunked(text: String) -> Body {
    let chunks: Vec<_> = text
        .into_bytes()
        .chunks(100)
        .map(|chunk| Ok::<_, std::io::Error>(Bytes::copy_from_slice(chunk)))
        .collect();
    Body::from_stream(stream::iter(chunks))
}

#[tokio::test]
async fn bodies_announced_and_chunked() {
    let edge = edge(|_| ());
    for size in [LIMIT, LIMIT + 1] {
        for body in [Body::from(json_of(size)), chunked(json_of(size))] {
            let answer = send(&edge, request("POST /items", &[JSON], body)).await;
            if size == LIMIT {
                assert_eq!(answer.status, 201);
                assert!(!answer.headers.contains_key("connection"));
            } else {
                let error = answer.error(Code::PayloadTooLarge);
                assert_eq!(error["message"], "the body is larger than 4096 bytes");
                assert_eq!(answer.header("connection"), "close");
            }
        }
    }
}

#[tokio::test]
async fn extractors_are_under_the_same_limit() {
    let body = chunked(json_of(LIMIT + 1));
    let answer = send(&edge(|_| ()), request("POST /extracted", &[JSON], body)).await;
    assert!((400..500).contains(&answer.status), "{}", answer.status);
    assert_eq!(answer.json()["success"], false);
}

#[tokio::test]
async fn no_connection_header_in_http_2() {
    let mut request = request("POST /items", &[JSON], json_of(LIMIT + 1));
    *request.version_mut() = http::Version::HTTP_2;
    let answer = send(&edge(|_| ()), request).await;
    answer.error(Code::PayloadTooLarge);
    assert!(!answer.headers.contains_key("connection"));
}

#[tokio::test]
async fn addresses_and_queries() {
    let edge = edge(|config| {
        config.uri_limit = carnet_kernel::ByteSize(100);
        config.query_parameters = 3;
    });
    let fits = format!("GET /items/{}", "a".repeat(93));
    assert_eq!(fetch(&edge, &fits, &[]).await.status, 200);
    let long = format!("{fits}b");
    fetch(&edge, &long, &[]).await.error(Code::UriTooLong);
    assert_eq!(fetch(&edge, "GET /query?a&b&c", &[]).await.status, 200);
    fetch(&edge, "GET /query?a&b&c&d", &[])
        .await
        .error(Code::UriTooLong);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends() {
    let edge = edge(|config| config.timeout = Period::seconds(5));
    let stalled = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
    let answer = send(&edge, request("POST /items", &[JSON], stalled)).await;
    answer.error(Code::Timeout);
}

#[tokio::test(start_paused = true)]
async fn load() {
    let edge = edge(|config| {
        config.concurrent_requests = 1;
        config.waiting_requests = 1;
        config.timeout = Period::seconds(5);
    });
    let mut working = Box::pin(fetch(&edge, "GET /hang", &[]));
    assert!(working.as_mut().now_or_never().is_none());
    let mut waiting = Box::pin(fetch(&edge, "GET /items/1", &[]));
    assert!(waiting.as_mut().now_or_never().is_none());

    let refused = fetch(&edge, "GET /items/1", &[]).await;
    refused.error(Code::Overloaded);
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(fetch(&edge, "GET /health", &[]).await.status, 200);
    assert_eq!(fetch(&edge, "HEAD /health", &[]).await.status, 200);
    fetch(&edge, "GET /healthy", &[])
        .await
        .error(Code::Overloaded);

    drop(working);
    assert_eq!(waiting.await.status, 200);
}
