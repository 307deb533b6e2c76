//! The W3C `traceparent` header as far as logs need it: trace and parent ids. Not a tracer.

use http::HeaderMap;

/// The trace a request belongs to (W3C Trace Context, level 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// 32 lower-case hexadecimal digits.
    pub trace: String,
    /// 16 lower-case hexadecimal digits: the caller's span.
    pub parent: String,
    /// Whether the caller records the trace.
    pub sampled: bool,
}

impl TraceContext {
    /// Reads the header. A broken one is passed over, as the standard demands.
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let mut lines = headers.get_all("traceparent").iter();
        let (Some(value), None) = (lines.next(), lines.next()) else {
            return None;
        };
        let mut parts = value.to_str().ok()?.split('-');
        let (version, trace, parent, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let hex = |text: &str, digits: usize| {
            text.len() == digits
                && text
                    .bytes()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let nonzero = |text: &str| text.bytes().any(|byte| byte != b'0');
        // Version ff is reserved; a version above 00 may carry further parts.
        let known = hex(version, 2) && version != "ff";
        let whole = version != "00" || parts.next().is_none();
        if !(known && whole && hex(trace, 32) && hex(parent, 16) && hex(flags, 2)) {
            return None;
        }
        if !(nonzero(trace) && nonzero(parent)) {
            return None;
        }
        Some(Self {
            trace: trace.to_owned(),
            parent: parent.to_owned(),
            sampled: u8::from_str_radix(flags, 16).ok()? & 1 == 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[track_caller]
    fn check(header: &str, expected: bool) {
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", HeaderValue::from_str(header).unwrap());
        let found = TraceContext::from_headers(&headers);
        assert_eq!(found.is_some(), expected, "{header}");
        if let Some(found) = found {
            assert_eq!(found.trace, TRACE);
        }
    }

    #[test]
    fn headers() {
        check(&format!("00-{TRACE}-00f067aa0ba902b7-01"), true);
        check(&format!("cc-{TRACE}-00f067aa0ba902b7-01-extra"), true);
        check(&format!("00-{TRACE}-00f067aa0ba902b7-01-extra"), false);
        check(&format!("ff-{TRACE}-00f067aa0ba902b7-01"), false);
        check(&format!("00-{TRACE}-0000000000000000-01"), false);
        check(
            &format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase()),
            false,
        );
        check(
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            false,
        );
        check("", false);
        check("00-1-2-3", false);
    }
}
