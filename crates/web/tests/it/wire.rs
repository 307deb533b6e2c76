//! Over real connections: what only shows in bytes.

use super::{LIMIT, edge};
use axum::body::Body;
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The address of a fresh edge that takes one connection.
async fn listen() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let service = TowerToHyperService::new(edge(|_| ()));
        // A connection that ends in an error is what some tests are about.
        Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(stream), service)
            .await
            .unwrap_or_default();
    });
    address
}

/// A connection to a fresh edge.
async fn connect() -> TcpStream {
    TcpStream::connect(listen().await).await.unwrap()
}

/// Reads one answer: its head in lower case, and as much body as `Content-Length` says.
async fn read_answer(stream: &mut TcpStream, has_body: bool) -> (String, String) {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        let mut buffer = [0; 1_024];
        let count = stream.read(&mut buffer).await.unwrap();
        assert!(count > 0, "{}", String::from_utf8_lossy(&bytes));
        bytes.extend_from_slice(&buffer[..count]);
    };
    let mut body = bytes.split_off(head_end);
    let head = String::from_utf8(bytes).unwrap().to_lowercase();
    let length: usize = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    while has_body && body.len() < length {
        let mut buffer = vec![0; length - body.len()];
        let count = stream.read(&mut buffer).await.unwrap();
        assert!(count > 0);
        body.extend_from_slice(&buffer[..count]);
    }
    (head, String::from_utf8(body).unwrap())
}

#[track_caller]
fn check(answer: &(String, String), status: &str, body: &str) {
    assert!(
        answer.0.starts_with(&format!("http/1.1 {status}")),
        "{answer:?}"
    );
    assert!(answer.1.contains(body), "{answer:?}");
}

#[tokio::test]
async fn head_keeps_the_connection_in_step() {
    let mut stream = connect().await;
    for _ in 0..2 {
        stream
            .write_all(b"HEAD /items/1 HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        let head = read_answer(&mut stream, false).await;
        check(&head, "200", "");
        assert!(head.0.contains("content-length: 50\r\n"), "{}", head.0);
        assert_eq!(head.1, "");
        stream
            .write_all(b"GET /items/1 HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        let get = read_answer(&mut stream, true).await;
        assert_eq!(get.1.len(), 50, "{}", get.1);
    }
}

#[tokio::test]
async fn a_compressed_head_has_no_length() {
    let mut stream = connect().await;
    stream
        .write_all(b"HEAD /list HTTP/1.1\r\nhost: x\r\naccept-encoding: gzip\r\n\r\n")
        .await
        .unwrap();
    let (head, body) = read_answer(&mut stream, false).await;
    assert!(head.contains("content-encoding: gzip"), "{head}");
    assert!(!head.contains("content-length"), "{head}");
    assert_eq!(body, "");
}

#[tokio::test]
async fn a_truncated_body() {
    let mut stream = connect().await;
    stream
        .write_all(b"POST /items HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"a\":1")
        .await
        .unwrap();
    stream.shutdown().await.unwrap();
    let answer = read_answer(&mut stream, true).await;
    check(&answer, "400", "MALFORMED_REQUEST");
}

#[tokio::test]
async fn a_broken_chunk() {
    let mut stream = connect().await;
    stream
        .write_all(b"POST /items HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n")
        .await
        .unwrap();
    let answer = read_answer(&mut stream, true).await;
    check(&answer, "400", "MALFORMED_REQUEST");
}

#[tokio::test]
async fn a_chunked_body_over_the_limit_gets_its_answer() {
    let mut stream = connect().await;
    stream
        .write_all(b"POST /items HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n")
        .await
        .unwrap();
    // All of it is sent before the answer is looked at, far over what buffers hold.
    let chunk = [&b"10000\r\n"[..], &vec![b'x'; 65_536], b"\r\n"].concat();
    for _ in 0..256 {
        stream.write_all(&chunk).await.unwrap();
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    let answer = read_answer(&mut stream, true).await;
    check(&answer, "413", "PAYLOAD_TOO_LARGE");
    assert!(answer.0.contains("connection: close"), "{}", answer.0);
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert!(rest.is_empty());
}

#[tokio::test]
async fn a_client_that_waits_is_not_told_to_go_on() {
    let mut stream = connect().await;
    let head = format!(
        "POST /items HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        LIMIT + 1
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = read_answer(&mut stream, true).await;
    check(&answer, "413", "PAYLOAD_TOO_LARGE");
}

#[tokio::test]
async fn a_body_nobody_wanted_does_not_break_the_answer() {
    let mut stream = connect().await;
    let head = b"POST /nowhere HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head).await.unwrap();
    let chunk = [&b"10000\r\n"[..], &vec![b'x'; 65_536], b"\r\n"].concat();
    for _ in 0..128 {
        stream.write_all(&chunk).await.unwrap();
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    check(&read_answer(&mut stream, true).await, "404", "NOT_FOUND");
}

#[tokio::test]
async fn http_2() {
    let address = listen().await;
    let client: Client<_, Body> = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    for (line, status, expected) in [
        ("GET /items/1", 200, "Item found"),
        ("HEAD /items/1", 200, ""),
        ("GET /nowhere", 404, "NOT_FOUND"),
        ("POST /items", 413, "PAYLOAD_TOO_LARGE"),
    ] {
        let (method, path) = line.split_once(' ').unwrap();
        let body = match method {
            "POST" => Body::from(vec![b'x'; LIMIT * 64]),
            _ => Body::empty(),
        };
        let request = http::Request::builder()
            .method(method)
            .uri(format!("http://{address}{path}"))
            .header("content-type", "application/json")
            .body(body)
            .unwrap();
        let response = client.request(request).await.unwrap();
        assert_eq!(response.version(), http::Version::HTTP_2);
        assert_eq!(response.status(), status, "{line}");
        let announced: usize = response.headers()["content-length"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(body.contains(expected), "{line} {body}");
        if method == "HEAD" {
            assert_eq!((announced, body.as_str()), (50, ""));
        } else {
            assert_eq!(announced, body.len());
        }
    }
}
