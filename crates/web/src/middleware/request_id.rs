//! Request and correlation ids, in and out. Not traces: those are only read.

use crate::request_info::{Origin, RequestInfo};
use crate::trace_context::TraceContext;
use carnet_kernel::{Id, Timestamp};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::time::Duration;
use tokio::time::Instant;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub(crate) const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");

/// The longest id that is taken over from a client.
const LONGEST: usize = 128;

/// Gives the request its ids. `fresh` is a new id, `received` the moment it was made.
///
/// A client's id is taken over when it stands once and is well-formed: a ULID, a UUID, or up to
/// 128 letters, digits and `-_.:`. ULIDs and UUIDs keep their bits; another text is only echoed
/// and logged. Without a correlation id the request id joins what follows.
pub(crate) fn identify(
    headers: &HeaderMap,
    fresh: Id,
    received: Timestamp,
    timeout: Duration,
) -> RequestInfo {
    let (request, request_text) = taken(headers, &REQUEST_ID, fresh);
    let (correlation, correlation_text) = match taken(headers, &CORRELATION_ID, fresh) {
        (_, None) => (request, request_text.clone()),
        given => given,
    };
    let started = Instant::now();
    RequestInfo::new(Origin {
        request,
        request_text,
        correlation,
        correlation_text,
        trace: TraceContext::from_headers(headers),
        received,
        started,
        deadline: started.checked_add(timeout),
    })
}

/// Puts the ids on the answer.
pub(crate) fn echo(info: &RequestInfo, headers: &mut HeaderMap) {
    let value = |foreign: Option<&str>, id: Id| match foreign {
        Some(text) => HeaderValue::from_str(text),
        None => HeaderValue::from_bytes(&id.encode()),
    };
    let request = value(info.foreign_request(), info.request());
    // Without an id of the client's own both are one.
    let same = info.request() == info.correlation() && info.foreign_correlation().is_none();
    let correlation = match &request {
        Ok(value) if same => Ok(value.clone()),
        _ => value(info.foreign_correlation(), info.correlation()),
    };
    for (name, value) in [(REQUEST_ID, request), (CORRELATION_ID, correlation)] {
        if let Ok(value) = value {
            headers.insert(name, value);
        }
    }
}

fn taken(headers: &HeaderMap, name: &HeaderName, fresh: Id) -> (Id, Option<String>) {
    let mut lines = headers.get_all(name).iter();
    let (Some(value), None) = (lines.next(), lines.next()) else {
        return (fresh, None);
    };
    let Some(text) = value.to_str().ok().filter(|text| well_formed(text)) else {
        return (fresh, None);
    };
    let id = text
        .parse()
        .or_else(|_| Id::parse_uuid(text))
        .unwrap_or(fresh);
    (id, Some(text.to_owned()))
}

fn well_formed(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRESH: Id = Id::from_u128(7);

    fn identified(headers: &[(&'static str, &str)]) -> RequestInfo {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        identify(&map, FRESH, Timestamp(0), Duration::from_secs(1))
    }

    #[track_caller]
    fn check(correlation: &str, id: u128, echoed: &str) {
        let info = identified(&[("x-correlation-id", correlation)]);
        assert_eq!(info.correlation(), Id::from_u128(id), "{correlation}");
        assert_eq!(info.correlation_text(), echoed, "{correlation}");
        assert_eq!(info.request(), FRESH);
    }

    #[test]
    fn ids_of_clients() {
        let fresh = FRESH.to_string();
        check(
            "0000000000000000000000000A",
            10,
            "0000000000000000000000000A",
        );
        check(
            "0000000000000000000000000a",
            10,
            "0000000000000000000000000a",
        );
        let uuid = "00000000-0000-0000-0000-00000000000a";
        check(uuid, 10, uuid);
        check("order:4711_a.b-c", 7, "order:4711_a.b-c");
        for refused in ["", "a b", "a\tb", "é", "<script>", "a,b", &"x".repeat(129)] {
            check(refused, 7, &fresh);
        }
    }

    #[test]
    fn two_headers_are_none() {
        let info = identified(&[("x-request-id", "a"), ("x-request-id", "b")]);
        assert_eq!(info.request_text(), FRESH.to_string());
    }

    #[test]
    fn the_request_id_stands_in_for_a_missing_correlation_id() {
        let info = identified(&[("x-request-id", "0000000000000000000000000A")]);
        assert_eq!(info.correlation(), Id::from_u128(10));
        let info = identified(&[("x-request-id", "edge-7")]);
        assert_eq!(info.correlation_text(), "edge-7");
        let mut headers = HeaderMap::new();
        echo(&info, &mut headers);
        assert_eq!(headers["x-request-id"], "edge-7");
        assert_eq!(headers["x-correlation-id"], "edge-7");
    }
}
