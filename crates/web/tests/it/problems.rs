//! Failures of every layer have the same body.

use super::{Answer, edge, fetch, request, send};
use axum::body::Body;
use carnet_kernel::Code;
use serde_json::{Value, json};

async fn asked(line: &str, headers: &[(&str, &str)]) -> Answer {
    fetch(&edge(|_| ()), line, headers).await
}

#[tokio::test]
async fn a_refusal_of_a_handler() {
    let answer = asked("GET /refused", &[("x-correlation-id", "order-7")]).await;
    let error = answer.error(Code::ValidationFailed);
    assert_eq!(error["message"], "one rule is broken");
    assert_eq!(
        error["details"],
        json!([{"field": "price", "rule": "max", "message": "`9` is above 5"}])
    );
    assert_eq!(error["correlationId"], "order-7");
    assert_eq!(answer.header("retry-after"), "7");
    assert_eq!(answer.header("vary"), "accept");
}

#[tokio::test]
async fn the_same_as_problem_json() {
    let plain = asked("GET /refused", &[("x-correlation-id", "c")]).await;
    let headers = [
        ("x-correlation-id", "c"),
        ("accept", "application/problem+json"),
    ];
    let problem = asked("GET /refused", &headers).await;
    assert_eq!(problem.header("content-type"), "application/problem+json");
    assert_eq!(problem.status, 400);
    let body = problem.json();
    assert_eq!(body["type"], "/docs/errors/VALIDATION_FAILED");
    assert_eq!(body["status"], 400);
    assert_eq!(body["detail"], "one rule is broken");
    for (name, value) in plain.json()["error"].as_object().unwrap() {
        assert_eq!(&body[name], value, "{name}");
    }
}

#[tokio::test]
async fn nothing_there() {
    let answer = asked("GET /nowhere", &[]).await;
    let error = answer.error(Code::NotFound);
    assert_eq!(error["message"], "there is nothing at `/nowhere`");
    let long = format!("GET /{}", "a".repeat(5_000));
    assert!(asked(&long, &[]).await.body.len() < 600);
}

#[tokio::test]
async fn methods_that_are_not_offered() {
    for method in ["POST", "PUT", "BREW"] {
        let answer = asked(&format!("{method} /items/1"), &[]).await;
        let error = answer.error(Code::MethodNotAllowed);
        assert_eq!(answer.header("allow"), "GET,HEAD,DELETE");
        assert_eq!(
            error["message"],
            format!("`{method}` is not offered at `/items/1`; offered are GET, HEAD, DELETE")
        );
    }
    // An OPTIONS that is no preflight is a plain request.
    asked("OPTIONS /items/1", &[("origin", "https://a.org")])
        .await
        .error(Code::MethodNotAllowed);
}

#[tokio::test]
async fn a_panic() {
    let answer = asked("GET /panic", &[]).await;
    let error = answer.error(Code::Internal);
    assert!(!error.to_string().contains("secret"), "{error}");
    asked("GET /items/1", &[]).await;
}

#[tokio::test]
async fn texts_of_drivers_and_extractors_do_not_get_out() {
    let answer = asked("GET /broken", &[]).await;
    let error = answer.error(Code::Internal);
    assert!(!error.to_string().contains("driver"), "{error}");
    let bad_path = asked("GET /items/%ff", &[]).await;
    bad_path.error(Code::MalformedRequest);
    let rejected = request("POST /extracted", &[], &b"\xff"[..]);
    send(&edge(|_| ()), rejected)
        .await
        .error(Code::MalformedRequest);
}

#[tokio::test]
async fn a_body_that_is_meant_stays() {
    let answer = asked("GET /own", &[]).await;
    assert_eq!((answer.status, answer.json()), (503, json!(3)));
}

#[tokio::test(start_paused = true)]
async fn no_answer_in_time() {
    let answer = asked("GET /hang", &[]).await;
    answer.error(Code::Timeout);
}

#[tokio::test]
async fn bodies_that_cannot_be_read() {
    #[track_caller]
    fn check(answer: &Answer, message: &str) {
        let error = answer.error(Code::MalformedRequest);
        let found = error["message"].as_str().unwrap();
        assert!(found.contains(message), "{found}");
    }
    let edge = edge(|_| ());
    let json = [("content-type", "application/json")];
    for (body, message) in [
        (&b"{\"a\":\"\xff\"}"[..], "byte 6"),
        (b"", "the body is empty"),
        (b"{\"a\":", "EOF"),
        (b"\xef\xbb\xbf{}", "line 1 column 1"),
    ] {
        let answer = send(&edge, request("POST /items", &json, body.to_vec())).await;
        check(&answer, message);
    }
    let broken = futures_util::stream::iter([
        Ok("{"),
        Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof)),
    ]);
    let broken = request("POST /items", &json, Body::from_stream(broken));
    check(&send(&edge, broken).await, "broke off");
    let other = request("POST /items", &[("content-type", "text/plain")], "{}");
    send(&edge, other).await.error(Code::UnsupportedMediaType);
    let typeless = request("POST /items", &[], "{}");
    send(&edge, typeless)
        .await
        .error(Code::UnsupportedMediaType);
}

#[tokio::test]
async fn types_that_are_not_offered() {
    let headers = [
        ("content-type", "application/json"),
        ("accept", "text/html"),
    ];
    let answer = send(&edge(|_| ()), request("POST /items", &headers, "{}")).await;
    answer.error(Code::NotAcceptable);
}

#[tokio::test]
async fn queries() {
    let good = asked("GET /query?a=1&b%5Bc%5D=x+y", &[]).await;
    assert_eq!(good.json(), json!([["a", "1"], ["b[c]", "x y"]]));
    for bad in ["%", "a=%zz", "a=%ff", "a=%00"] {
        let answer = asked(&format!("GET /query?{bad}"), &[]).await;
        let error = answer.error(Code::MalformedRequest);
        assert_eq!(error["details"][0]["field"], "query", "{bad}");
    }
}

#[tokio::test]
async fn hostile_text_stays_text() {
    let answer = asked("GET /%22%7D%3Cscript%3E%0A", &[]).await;
    let error = answer.error(Code::NotFound);
    assert_eq!(
        error["message"],
        "there is nothing at `/%22%7D%3Cscript%3E%0A`"
    );
    assert!(matches!(answer.json(), Value::Object(_)));
}
