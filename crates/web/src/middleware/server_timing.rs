//! The `Server-Timing` header (W3C Server Timing): each noted stage and the whole.

use crate::request_info::RequestInfo;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::fmt::Write as _;

/// Puts the header on the answer, durations in milliseconds.
pub(crate) fn apply(info: &RequestInfo, headers: &mut HeaderMap) {
    let mut text = String::new();
    let whole = ("total", info.elapsed());
    for (name, took) in info.stages().into_iter().chain([whole]) {
        if !text.is_empty() {
            text.push_str(", ");
        }
        // INVARIANT: writing to a string cannot fail.
        let written = write!(text, "{name};dur={:.3}", took.as_secs_f64() * 1_000.0);
        debug_assert!(written.is_ok());
    }
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.insert(HeaderName::from_static("server-timing"), value);
    }
}
