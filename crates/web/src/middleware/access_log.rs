//! The span of a request, its line in the log and its metrics. Not the log lines of handlers.

use crate::metrics;
use crate::request_info::{Peer, RequestInfo};
use carnet_kernel::Code;
use http::request::Parts;
use http::{Method, Response, StatusCode};
use tracing::Span;
use tracing::field::Empty;

/// The longest path that a line shows.
const LONGEST_PATH: usize = 256;

/// The span of the request; `server` records the tenant and the principal once they are known.
pub(crate) fn span(parts: &Parts, info: &RequestInfo) -> Span {
    let span = tracing::info_span!(
        "http.request",
        http.method = method_name(&parts.method),
        http.path = shown(parts.uri.path()),
        request.id = %info.request_text(),
        correlation.id = %info.correlation(),
        correlation.text = Empty,
        trace.id = Empty,
        client.address = Empty,
        tenant.id = Empty,
        principal.kind = Empty,
        principal.id = Empty,
    );
    if let Some(text) = info.foreign_correlation() {
        span.record("correlation.text", text);
    }
    if let Some(trace) = info.trace() {
        span.record("trace.id", trace.trace.as_str());
    }
    if let Some(Peer(address)) = parts.extensions.get::<Peer>() {
        span.record("client.address", tracing::field::display(address.ip()));
    }
    span
}

/// One request under observation. Dropped before [`Observation::finish`], it tells that the
/// client went away.
pub(crate) struct Observation {
    info: RequestInfo,
    method: &'static str,
    line: Line,
    finished: bool,
}

/// Whether the request leaves a line in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Yes.
    Shown,
    /// Only when everything is logged: probes and scrapes come every few seconds.
    Quiet,
    /// No: the access log is off.
    Off,
}

impl Observation {
    pub(crate) fn begin(method: &Method, info: RequestInfo, line: Line) -> Self {
        metrics::began();
        Self {
            info,
            method: method_name(method),
            line,
            finished: false,
        }
    }

    /// The answer is there; its body may still be on its way.
    pub(crate) fn finish<B>(mut self, response: &Response<B>) {
        self.finished = true;
        let code = response.extensions().get::<Code>().copied();
        self.tell(response.status().as_u16(), code);
    }

    fn tell(&self, status: u16, code: Option<Code>) {
        let took = self.info.elapsed();
        let route = self.info.route();
        metrics::ended(self.method, route, status, took);
        let duration = (took.as_secs_f64() * 1_000_000.0).round() / 1_000.0;
        let code = code.map(Code::as_str);
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    http.route = route,
                    http.status = status,
                    http.duration_ms = duration,
                    error.code = code,
                    "request"
                )
            };
        }
        match self.line {
            Line::Shown if status >= StatusCode::INTERNAL_SERVER_ERROR.as_u16() => line!(warn),
            Line::Shown => line!(info),
            Line::Quiet => line!(debug),
            Line::Off => {}
        }
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        if !self.finished {
            self.tell(metrics::CLIENT_WENT_AWAY, None);
        }
    }
}

/// A name from a closed set: clients may invent methods, metrics and logs may not grow by them.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::CONNECT => "CONNECT",
        Method::TRACE => "TRACE",
        _ => "OTHER",
    }
}

fn shown(path: &str) -> &str {
    path.get(..path.floor_char_boundary(LONGEST_PATH))
        .unwrap_or_default()
}
