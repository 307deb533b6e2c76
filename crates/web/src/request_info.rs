//! What the edge knows of a request and every handler may ask: ids, trace, time, deadline, and
//! the places where a handler leaves its route and its stages. Not the tenant or the caller.

use crate::problem::Problem;
use crate::trace_context::TraceContext;
use axum::extract::FromRequestParts;
use carnet_kernel::{Code, Id, Timestamp};
use http::Extensions;
use http::request::Parts;
use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The other end of the connection; `server` puts it into the request extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// One request as the edge sees it. Cheap to clone; found in the request extensions and usable
/// as an axum extractor.
#[derive(Clone, Debug)]
pub struct RequestInfo(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    origin: Origin,
    route: OnceLock<Cow<'static, str>>,
    stages: Mutex<Vec<(&'static str, Duration)>>,
}

/// What is fixed when the request arrives.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The id of this request.
    pub request: Id,
    /// The request id as the client wrote it, when it was well-formed.
    pub request_text: Option<String>,
    /// Joins everything that one outside request set in motion.
    pub correlation: Id,
    /// The correlation id as the client wrote it, when it was well-formed.
    pub correlation_text: Option<String>,
    /// The W3C trace the request belongs to.
    pub trace: Option<TraceContext>,
    /// When it arrived.
    pub received: Timestamp,
    /// The same moment on the monotonic clock.
    pub started: Instant,
    /// When the answer is given up.
    pub deadline: Option<Instant>,
}

impl RequestInfo {
    /// From what the edge found.
    pub fn new(origin: Origin) -> Self {
        Self(Arc::new(Inner {
            origin,
            route: OnceLock::new(),
            stages: Mutex::new(Vec::new()),
        }))
    }

    /// For a call without an outside request, such as a test: every id is `id`.
    pub fn detached(id: Id, received: Timestamp) -> Self {
        Self::new(Origin {
            request: id,
            request_text: None,
            correlation: id,
            correlation_text: None,
            trace: None,
            received,
            started: Instant::now(),
            deadline: None,
        })
    }

    /// The one the edge put into the request extensions.
    pub fn find(extensions: &Extensions) -> Option<&Self> {
        extensions.get()
    }

    /// The id of this request.
    pub fn request(&self) -> Id {
        self.0.origin.request
    }

    /// The request id as it is echoed: the client's text, else the id's.
    pub fn request_text(&self) -> Cow<'_, str> {
        echo(self.0.origin.request_text.as_deref(), self.request())
    }

    /// The correlation id for `kernel::Context`. A client's ULID or UUID is taken over bit by
    /// bit; any other text stands for itself in echo and log only, beside a fresh id here.
    pub fn correlation(&self) -> Id {
        self.0.origin.correlation
    }

    /// The correlation id as it is echoed: the client's text, else the id's.
    pub fn correlation_text(&self) -> Cow<'_, str> {
        echo(
            self.0.origin.correlation_text.as_deref(),
            self.correlation(),
        )
    }

    /// The client's own request text, if it sent one.
    pub(crate) fn foreign_request(&self) -> Option<&str> {
        self.0.origin.request_text.as_deref()
    }

    /// The client's own correlation text, if it sent one.
    pub fn foreign_correlation(&self) -> Option<&str> {
        self.0.origin.correlation_text.as_deref()
    }

    /// The W3C trace the request belongs to.
    pub fn trace(&self) -> Option<&TraceContext> {
        self.0.origin.trace.as_ref()
    }

    /// When the request arrived.
    pub fn received(&self) -> Timestamp {
        self.0.origin.received
    }

    /// How long ago it arrived.
    pub fn elapsed(&self) -> Duration {
        self.0.origin.started.elapsed()
    }

    /// When the answer is given up, for `kernel::Context`.
    pub fn deadline(&self) -> Option<std::time::Instant> {
        self.0.origin.deadline.map(Instant::into_std)
    }

    pub(crate) fn give_up_at(&self) -> Option<Instant> {
        self.0.origin.deadline
    }

    /// Names the route for metrics and logs: its template (`/api/v1/products/{id}`), never the
    /// address itself. The first call stands.
    pub fn set_route(&self, template: impl Into<Cow<'static, str>>) {
        self.0.route.get_or_init(|| template.into());
    }

    /// The template of the route, or `unmatched`.
    pub fn route(&self) -> &str {
        self.0.route.get().map_or("unmatched", |route| route)
    }

    /// Notes how long a stage took, for `Server-Timing`.
    pub fn add_stage(&self, name: &'static str, took: Duration) {
        let mut stages = self.0.stages.lock().unwrap_or_else(PoisonError::into_inner);
        // A loop that notes its rounds must not grow the header without end.
        if stages.len() < 32 {
            stages.push((name, took));
        }
    }

    /// The stages noted so far.
    pub fn stages(&self) -> Vec<(&'static str, Duration)> {
        self.0
            .stages
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn echo(text: Option<&str>, id: Id) -> Cow<'_, str> {
    match text {
        Some(text) => Cow::Borrowed(text),
        None => Cow::Owned(id.to_string()),
    }
}

impl<S: Sync> FromRequestParts<S> for RequestInfo {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Self::find(&parts.extensions).cloned().ok_or_else(|| {
            Problem::new(Code::Internal, "the request did not come through the edge")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_route_stands() {
        let info = RequestInfo::detached(Id::from_u128(1), Timestamp(0));
        assert_eq!(info.route(), "unmatched");
        info.set_route("/api/v1/products/{id}");
        info.set_route(String::from("/other"));
        assert_eq!(info.route(), "/api/v1/products/{id}");
    }

    #[test]
    fn a_foreign_text_is_echoed() {
        let info = RequestInfo::detached(Id::from_u128(1), Timestamp(0));
        assert_eq!(info.correlation_text(), Id::from_u128(1).to_string());
        let mut origin = info.0.origin.clone();
        origin.correlation_text = Some("order-7".to_owned());
        let info = RequestInfo::new(origin);
        assert_eq!(info.correlation_text(), "order-7");
        assert_eq!(info.correlation(), Id::from_u128(1));
    }

    #[test]
    fn stages_are_bounded() {
        let info = RequestInfo::detached(Id::from_u128(1), Timestamp(0));
        for _ in 0..100 {
            info.add_stage("plan", Duration::from_millis(1));
        }
        assert_eq!(info.stages().len(), 32);
    }
}
