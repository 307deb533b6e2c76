//! A small HTTP/1.1 client for tests: loopback addresses, whole bodies, kept connections. Not a
//! client for anything outside the machine: it knows no TLS, no redirects and no cookies.

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::time::Duration;

/// How long a request may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client of one server; cheap to clone, clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    base: String,
    pool: Pool<HttpConnector, Full<Bytes>>,
}

/// An answer, read whole.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers as they came.
    pub headers: http::HeaderMap,
    /// The body as it came.
    pub body: Bytes,
}

impl Client {
    /// A client of the server at `base`, such as `http://127.0.0.1:3000`.
    pub fn new(base: &str) -> Self {
        Self {
            base: base.trim_end_matches('/').to_owned(),
            pool: Pool::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// Sends a request; `path` begins with `/` and may carry a query.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Response> {
        let address = format!("{}{path}", self.base);
        let mut request = http::Request::builder().method(method).uri(&address);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(Full::new(body.into()))
            .with_context(|| format!("`{method} {path}` is not a request"))?;
        let exchange = async {
            let (head, body) = self.pool.request(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            anyhow::Ok(Response {
                status: head.status.as_u16(),
                headers: head.headers,
                body,
            })
        };
        tokio::time::timeout(PATIENCE, exchange)
            .await
            .with_context(|| format!("`{method} {address}` took longer than {PATIENCE:?}"))?
            .with_context(|| format!("`{method} {address}` failed"))
    }

    /// `GET path`.
    pub async fn get(&self, path: &str) -> Result<Response> {
        self.send("GET", path, &[], Bytes::new()).await
    }

    /// `DELETE path`.
    pub async fn delete(&self, path: &str) -> Result<Response> {
        self.send("DELETE", path, &[], Bytes::new()).await
    }

    /// A request with a JSON body: `json("POST", "/api/v1/products", &body)`.
    pub async fn json(&self, method: &str, path: &str, body: &Value) -> Result<Response> {
        let headers = [("content-type", "application/json")];
        self.send(method, path, &headers, body.to_string()).await
    }
}

impl Response {
    /// The value of a header, when it is there and text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("status {}, not JSON: {}", self.status, self.text()))
    }

    /// The body as JSON, provided that the status is `expected`.
    pub fn expect(&self, expected: u16) -> Result<Value> {
        if self.status != expected {
            bail!(
                "expected status {expected}, got {}: {}",
                self.status,
                self.text()
            );
        }
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        self.json()
    }
}
