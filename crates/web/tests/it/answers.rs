//! Successes: envelope, negotiation, compression, `HEAD`.

use super::{edge, fetch, request, send};
use serde_json::json;

#[tokio::test]
async fn envelopes() {
    let edge = edge(|_| ());
    let answer = fetch(&edge, "GET /items/a%20b", &[]).await;
    assert_eq!(
        answer.json(),
        json!({"success": true, "data": "a b", "message": "Item found"})
    );
    assert_eq!(answer.header("content-type"), "application/json");
    let list = fetch(&edge, "GET /list", &[]).await.json();
    assert_eq!(list["count"], 500);
    assert_eq!(
        list["pagination"],
        json!({"page": 1, "limit": 500, "total": 500, "totalPages": 1})
    );
}

#[tokio::test]
async fn the_versioned_type_answers_whoever_asks_for_it() {
    let headers = [
        ("content-type", "application/json"),
        ("accept", "application/vnd.carnet.v1+json"),
    ];
    let answer = send(&edge(|_| ()), request("POST /items", &headers, "{}")).await;
    assert_eq!(answer.status, 201);
    assert_eq!(
        answer.header("content-type"),
        "application/vnd.carnet.v1+json"
    );
}

#[tokio::test]
async fn compression() {
    let edge = edge(|_| ());
    for (encoding, magic) in [
        ("gzip", &[0x1f, 0x8b][..]),
        ("zstd", &[0x28, 0xb5, 0x2f, 0xfd]),
        ("br", &[]),
    ] {
        for line in ["GET /list", "GET /page"] {
            let answer = fetch(&edge, line, &[("accept-encoding", encoding)]).await;
            assert_eq!(answer.header("content-encoding"), encoding);
            assert!(!answer.headers.contains_key("content-length"));
            assert!(answer.body.starts_with(magic) && answer.body.len() < 1_000);
            let vary: Vec<_> = answer.headers.get_all("vary").iter().collect();
            assert!(
                vary.iter().any(|value| *value == "accept-encoding"),
                "{vary:?}"
            );
        }
        for line in ["GET /items/1", "GET /events"] {
            let answer = fetch(&edge, line, &[("accept-encoding", encoding)]).await;
            assert!(!answer.headers.contains_key("content-encoding"), "{line}");
        }
    }
    let plain = fetch(&edge, "GET /list", &[]).await;
    assert!(!plain.headers.contains_key("content-encoding"));
    let off = super::edge(|config| config.compression = false);
    let answer = fetch(&off, "GET /list", &[("accept-encoding", "gzip")]).await;
    assert!(!answer.headers.contains_key("content-encoding"));
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let edge = edge(|_| ());
    for address in ["/list", "/items/1", "/page", "/nowhere", "/refused"] {
        let get = fetch(&edge, &format!("GET {address}"), &[]).await;
        let head = fetch(&edge, &format!("HEAD {address}"), &[]).await;
        assert_eq!(head.status, get.status);
        assert!(head.body.is_empty(), "{address}");
        assert_eq!(
            head.header("content-length"),
            get.body.len().to_string(),
            "{address}"
        );
        assert_eq!(head.header("content-type"), get.header("content-type"));
    }
    let packed = fetch(&edge, "HEAD /list", &[("accept-encoding", "gzip")]).await;
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert!(!packed.headers.contains_key("content-length"));
    let not_offered = fetch(&edge, "HEAD /items", &[]).await;
    assert_eq!(not_offered.status, 405);
}

#[tokio::test]
async fn no_content_has_none() {
    let answer = fetch(&edge(|_| ()), "DELETE /items/1", &[]).await;
    assert_eq!(answer.status, 204);
    assert!(answer.body.is_empty());
}
