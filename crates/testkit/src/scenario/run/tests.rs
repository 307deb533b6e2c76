//! Scenarios against a small server made for the purpose: what passes, what fails, and how a
//! failure reads.

use super::*;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;

/// A server that answers a POST with what was sent, the journal with two rows, anything else
/// with 404.
async fn echo() -> Client {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let served = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service_fn(answer));
            tokio::spawn(served);
        }
    });
    Client::new(&base)
}

async fn answer(
    request: http::Request<hyper::body::Incoming>,
) -> Result<http::Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let is_post = request.method() == http::Method::POST;
    let sent = request.into_body().collect().await.unwrap().to_bytes();
    let (status, body) = if path == "/api/v1/journal" {
        (200, json!({"data": [{"n": 2, "query": query}, {"n": 1}]}))
    } else if is_post {
        let sent: Value = serde_json::from_slice(&sent).unwrap_or(Value::Null);
        (
            201,
            json!({"data": {"id": 7, "path": path, "query": query, "sent": sent}}),
        )
    } else {
        (404, json!({"error": {"code": "NOT_FOUND"}}))
    };
    let response = http::Response::builder()
        .status(status)
        .header("etag", "\"1\"")
        .body(Full::new(Bytes::from(body.to_string())))
        .unwrap();
    Ok(response)
}

async fn run(text: &str) -> Result<()> {
    let scenario = Scenario::parse("test", text)?;
    run_scenario(&echo().await, &scenario).await
}

#[tokio::test]
async fn steps_pass_values_on() {
    run("
- name: create
  request: { method: POST, path: /things, body: { name: pen } }
  expect:
    status: 201
    headers: { etag: '\"1\"', x-none: null }
    body: { data: { id: $any, sent: { name: pen } } }
    journal: [{ n: 1 }, { n: 2, query: 'sort=-sequence&limit=2' }]
  save: { id: /data/id }
- name: use it
  request: { method: POST, path: '/things/{{id}}?filter[name]=a b', body: { of: '{{id}}' } }
  expect:
    body: { data: { path: /things/7, query: 'filter[name]=a%20b', sent: { of: 7 } } }
")
    .await
    .unwrap();
}

#[tokio::test]
async fn a_failure_tells_step_differences_request_and_answer() {
    let error = run("
- name: fine
  request: { method: POST, path: /things, body: {} }
- name: wrong
  request: { path: /nowhere }
  expect: { status: 200, headers: { etag: '2' }, body: { error: { code: OTHER } }, text: [FOUND, LOST] }
- name: never reached
  request: { path: /nowhere }
")
    .await
    .unwrap_err();
    assert_eq!(
        format!("{error:#}"),
        "step 2 `wrong`: \
         \n    - status: expected 200, got 404\
         \n    - header etag: expected `2`, got `\"1\"`\
         \n    - body.error.code: expected \"OTHER\", got \"NOT_FOUND\"\
         \n    - body: `LOST` is not in it\
         \n    sent: GET /nowhere\
         \n    got: 404 {\"error\":{\"code\":\"NOT_FOUND\"}}"
    );
}

#[tokio::test]
async fn journal_rows_and_saved_pointers_are_checked() {
    let error = run("
- name: journal
  request: { method: POST, path: /things }
  expect: { journal: [{ n: 2 }, { n: 1 }] }
")
    .await
    .unwrap_err();
    let text = format!("{error:#}");
    assert!(text.contains("journal[0].n: expected 2, got 1"), "{text}");

    let error = run("
- name: save
  request: { method: POST, path: /things }
  save: { id: /data/nothing }
")
    .await
    .unwrap_err();
    assert!(format!("{error:#}").contains("nothing at `/data/nothing`"));
}
