//! The client and the requests that it sends.

use crate::{Answer, Config, Error, metrics};
use bytes::{Bytes, BytesMut};
use carnet_kernel::Id;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use reqwest::{Url, redirect};
use serde::Serialize;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");

/// A client of services outside. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    shared: Arc<Shared>,
    correlation: Option<HeaderValue>,
    deadline: Option<Instant>,
}

#[derive(Debug)]
struct Shared {
    config: Config,
    agent: String,
    /// Made at the first request: reading the roots of trust takes longer than starting.
    inner: OnceLock<Result<reqwest::Client, String>>,
}

impl Client {
    /// A client that calls itself `agent`: `shop/1.2.0`.
    pub fn new(config: Config, agent: impl Into<String>) -> Self {
        Self {
            shared: Arc::new(Shared {
                config,
                agent: agent.into(),
                inner: OnceLock::new(),
            }),
            correlation: None,
            deadline: None,
        }
    }

    /// The same on behalf of a request: its correlation id goes along, and nothing takes longer
    /// than until its deadline.
    #[must_use]
    pub fn on_behalf(&self, correlation: Id, deadline: Option<Instant>) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            correlation: HeaderValue::from_str(&correlation.to_string()).ok(),
            deadline,
        }
    }

    /// `GET url`.
    pub fn get(&self, url: &str) -> Outgoing {
        self.request(Method::GET, url)
    }

    /// `POST url`.
    pub fn post(&self, url: &str) -> Outgoing {
        self.request(Method::POST, url)
    }

    /// `PUT url`.
    pub fn put(&self, url: &str) -> Outgoing {
        self.request(Method::PUT, url)
    }

    /// `PATCH url`.
    pub fn patch(&self, url: &str) -> Outgoing {
        self.request(Method::PATCH, url)
    }

    /// `DELETE url`.
    pub fn delete(&self, url: &str) -> Outgoing {
        self.request(Method::DELETE, url)
    }

    /// A request of any method.
    pub fn request(&self, method: Method, url: &str) -> Outgoing {
        let mut problem = None;
        let url = address(url).map_err(|why| problem = Some(why)).ok();
        let mut headers = HeaderMap::new();
        if let Some(correlation) = &self.correlation {
            headers.insert(CORRELATION_ID, correlation.clone());
        }
        Outgoing {
            client: self.clone(),
            method,
            url,
            headers,
            body: Bytes::new(),
            timeout: self.shared.config.timeout.0,
            problem,
        }
    }

    fn inner(&self) -> Result<&reqwest::Client, Error> {
        let made = self.shared.inner.get_or_init(|| {
            // Fails only when there is a provider already, which is as good.
            drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
            let config = &self.shared.config;
            reqwest::Client::builder()
                .user_agent(&self.shared.agent)
                .connect_timeout(config.connect_timeout.0)
                .redirect(redirects(config.redirects))
                .no_proxy()
                .build()
                .map_err(|error| whole(&error))
        });
        made.as_ref().map_err(|why| Error::Request(why.clone()))
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new(Config::default(), "carnet")
    }
}

/// A request that is being put together.
#[derive(Clone, Debug)]
#[must_use = "it is not sent until `send`"]
pub struct Outgoing {
    client: Client,
    method: Method,
    url: Option<Url>,
    headers: HeaderMap,
    body: Bytes,
    timeout: Duration,
    /// The first mistake; told by `send`.
    problem: Option<String>,
}

impl Outgoing {
    /// With a header; one of that name is replaced.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes());
        match (name, HeaderValue::from_str(value)) {
            (Ok(name), Ok(value)) => {
                self.headers.insert(name, value);
                self
            }
            (Err(_), _) => self.mistaken("a header has an unusable name"),
            (_, Err(_)) => self.mistaken("a header has an unusable value"),
        }
    }

    /// With a token in `Authorization`. It is not shown in logs and not sent to another host.
    pub fn bearer(mut self, token: &str) -> Self {
        match HeaderValue::from_str(&format!("Bearer {token}")) {
            Ok(mut value) => {
                value.set_sensitive(true);
                self.headers.insert(AUTHORIZATION, value);
                self
            }
            Err(_) => self.mistaken("the token cannot stand in a header"),
        }
    }

    /// With one more parameter of the query.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        if let Some(url) = &mut self.url {
            url.query_pairs_mut().append_pair(name, value);
        }
        self
    }

    /// With a value as its body in JSON.
    pub fn json(mut self, value: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(value) {
            Ok(text) => {
                self.headers
                    .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                self.body = text.into();
                self
            }
            Err(error) => self.mistaken(&format!("the body cannot be JSON: {error}")),
        }
    }

    /// With a body of a media type.
    pub fn body(self, kind: &str, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self {
            body,
            ..self.header("content-type", kind)
        }
    }

    /// Takes at most so long, instead of what the configuration says.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sends it and reads the whole answer, whatever its status is.
    ///
    /// Errors: every one but [`Error::Status`] and [`Error::Unreadable`].
    pub async fn send(self) -> Result<Answer, Error> {
        let started = Instant::now();
        let host = self.host();
        let method = self.method.clone();
        let outcome = self.exchange(&host).await;
        let told = match &outcome {
            Ok(answer) => match answer.status / 100 {
                2 => "2xx",
                3 => "3xx",
                4 => "4xx",
                _ => "5xx",
            },
            Err(Error::Timeout(_)) => "timeout",
            Err(Error::Request(_)) => "unsent",
            Err(_) => "failed",
        };
        let took = started.elapsed();
        metrics::record(told, took);
        tracing::debug!(%method, host, outcome = told, took = ?took, "asked a service outside");
        outcome
    }

    async fn exchange(self, host: &str) -> Result<Answer, Error> {
        let url = match (self.problem, self.url) {
            (None, Some(url)) => url,
            (problem, _) => return Err(Error::Request(problem.unwrap_or_default())),
        };
        let left = self.client.deadline.map_or(self.timeout, |deadline| {
            let left = deadline.saturating_duration_since(Instant::now());
            self.timeout.min(left)
        });
        if left.is_zero() {
            return Err(Error::Timeout(host.to_owned()));
        }
        let request = self
            .client
            .inner()?
            .request(self.method, url)
            .headers(self.headers)
            .timeout(left)
            .body(self.body);
        let limit = self.client.shared.config.answer_limit.0;
        let failed = |error: reqwest::Error| failure(&error, host);
        let too_large = || Error::TooLarge {
            host: host.to_owned(),
            limit,
        };
        let mut response = request.send().await.map_err(failed)?;
        if response
            .content_length()
            .is_some_and(|length| length > limit)
        {
            return Err(too_large());
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if (body.len() + chunk.len()) as u64 > limit {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            host: host.to_owned(),
            status: response.status().as_u16(),
            headers: std::mem::take(response.headers_mut()),
            body: body.freeze(),
        })
    }

    fn host(&self) -> String {
        let host = self.url.as_ref().and_then(Url::host_str);
        host.unwrap_or_default().to_owned()
    }

    fn mistaken(mut self, why: &str) -> Self {
        self.problem.get_or_insert_with(|| why.to_owned());
        self
    }
}

/// An absolute address of the web.
fn address(text: &str) -> Result<Url, String> {
    // The text may hold secrets, so no message repeats it.
    let url = Url::parse(text).map_err(|error| format!("its address is none: {error}"))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        other => Err(format!(
            "its address begins with `{other}:`, not with `https:`"
        )),
    }
}

/// Follows so many redirects, and none that would leave encryption.
fn redirects(most: u8) -> redirect::Policy {
    redirect::Policy::custom(move |attempt| {
        let leaves_encryption = attempt
            .previous()
            .last()
            .is_some_and(|from| from.scheme() == "https" && attempt.url().scheme() != "https");
        if leaves_encryption {
            return attempt.error("a redirect leads from https to http");
        }
        match attempt.previous().len() > usize::from(most) {
            true => attempt.error("there are too many redirects"),
            false => attempt.follow(),
        }
    })
}

fn failure(error: &reqwest::Error, host: &str) -> Error {
    let host = host.to_owned();
    if error.is_timeout() {
        return Error::Timeout(host);
    }
    if error.is_builder() {
        return Error::Request(whole(error));
    }
    Error::Unreachable {
        host,
        why: whole(error),
    }
}

/// An error with its causes; the outermost text would repeat the address with its query.
fn whole(error: &reqwest::Error) -> String {
    let mut causes = Vec::new();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        causes.push(cause.to_string());
        source = cause.source();
    }
    match causes.is_empty() {
        true => "it failed".to_owned(),
        false => causes.join(": "),
    }
}
