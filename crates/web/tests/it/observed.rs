//! What log and metrics tell of requests.

use super::{edge, fetch, request, send};
use axum::body::Body;
use carnet_telemetry::{Format, logs, metrics};
use futures_util::FutureExt;
use serde_json::Value;
use std::io::Write;
use std::sync::{Arc, Mutex};

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Kept {
    /// Logs of this thread go here until the guard is dropped.
    fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let config = carnet_telemetry::Config {
            format: Format::Json,
            ..carnet_telemetry::Config::default()
        };
        let writer = self.clone();
        let subscriber = logs::subscriber(&config, false, move || writer.clone()).unwrap();
        tracing::subscriber::set_default(subscriber)
    }

    fn lines(&self) -> Vec<Value> {
        let bytes = self.0.lock().unwrap().clone();
        String::from_utf8(bytes)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

#[tokio::test]
async fn a_line_per_request() {
    let kept = Kept::default();
    let _guard = kept.listen();
    let edge = edge(|_| ());
    let headers = [
        ("x-correlation-id", "order-7"),
        (
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ),
    ];
    let answer = fetch(&edge, "GET /items/1?secret=1", &headers).await;
    fetch(&edge, "GET /refused", &[]).await;
    fetch(&edge, "GET /health", &[]).await;

    let lines = kept.lines();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    let line = &lines[0];
    assert_eq!(line["message"], "request");
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["http.method"], "GET");
    assert_eq!(line["http.path"], "/items/1");
    assert_eq!(line["http.route"], "/items/{id}");
    assert_eq!(line["http.status"], 200);
    assert_eq!(line["request.id"], answer.header("x-request-id"));
    assert_eq!(line["correlation.text"], "order-7");
    assert_eq!(line["correlation.id"], answer.header("x-request-id"));
    assert_eq!(line["trace.id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert!(line["http.duration_ms"].is_number());
    assert!(!line.to_string().contains("secret"));
    assert_eq!(lines[1]["error.code"], "VALIDATION_FAILED");
    assert_eq!(lines[1]["http.status"], 400);
}

#[tokio::test]
async fn a_panic_leaves_one_entry_with_its_ids() {
    let kept = Kept::default();
    let _guard = kept.listen();
    let answer = fetch(&edge(|_| ()), "GET /panic", &[]).await;
    let lines = kept.lines();
    let panics: Vec<_> = lines
        .iter()
        .filter(|line| line.get("panic.message").is_some())
        .collect();
    assert_eq!(panics.len(), 1, "{lines:#?}");
    assert_eq!(panics[0]["level"], "ERROR");
    assert_eq!(panics[0]["panic.message"], "the secret of the handler");
    assert_eq!(
        panics[0]["correlation.id"],
        answer.header("x-correlation-id")
    );
    let access = lines.last().unwrap();
    assert_eq!(access["http.status"], 500);
    assert_eq!(access["http.route"], "/panic");
    assert_eq!(access["error.code"], "INTERNAL");
    assert_eq!(access["level"], "WARN");
}

#[tokio::test]
async fn a_client_that_went_away() {
    let kept = Kept::default();
    let _guard = kept.listen();
    let edge = edge(|_| ());
    assert!(fetch(&edge, "GET /hang", &[]).now_or_never().is_none());
    let lines = kept.lines();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["http.status"], 499);
    assert_eq!(lines[0]["http.route"], "/hang");
    assert!(lines[0]["request.id"].is_string());
}

#[tokio::test]
async fn the_access_log_can_be_off() {
    let kept = Kept::default();
    let _guard = kept.listen();
    fetch(&edge(|config| config.access_log = false), "GET /list", &[]).await;
    assert_eq!(kept.lines(), Vec::<Value>::new());
}

#[tokio::test]
async fn requests_are_counted_by_their_template() {
    let registry = metrics::install().unwrap();
    metrics::describe(carnet_web::METRICS);
    let edge = edge(|_| ());
    for id in 0..3 {
        fetch(&edge, &format!("GET /items/{id}"), &[]).await;
    }
    fetch(&edge, "GET /no/such/place", &[]).await;
    fetch(&edge, "INVENTED /items/1", &[]).await;
    send(&edge, request("HEAD /list", &[], Body::empty())).await;
    fetch(&edge, "GET /panic", &[]).await;
    let text = registry.render();
    for expected in [
        "http_requests_total{method=\"GET\",route=\"/items/{id}\",status=\"200\"} 3",
        "http_requests_total{method=\"GET\",route=\"unmatched\",status=\"404\"} 1",
        "http_requests_total{method=\"OTHER\",route=\"/items/{id}\",status=\"405\"} 1",
        "http_requests_total{method=\"HEAD\",route=\"/list\",status=\"200\"} 1",
        "http_requests_total{method=\"GET\",route=\"/panic\",status=\"500\"} 1",
        "http_request_duration_seconds_count{method=\"GET\",route=\"/items/{id}\"} 3",
        "http_requests_in_flight 0",
        "carnet_web_panics_total 1",
        "# HELP http_requests_total ",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    assert!(!text.contains("such"));
}
