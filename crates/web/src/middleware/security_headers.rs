//! Headers that tell browsers to be strict with an answer. A handler's own header stays.

use crate::config::{Config, Tls};
use http::{HeaderMap, HeaderName, HeaderValue, header};

/// The policy of answers that are data: nothing in them is loaded, run or framed.
const DATA_POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// The policy of the documentation page, which loads its scripts and styles from here.
pub const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'",
);

/// What does not change from answer to answer.
#[derive(Clone, Debug)]
pub(crate) struct SecurityHeaders {
    tls: Tls,
    hsts: Option<HeaderValue>,
}

impl SecurityHeaders {
    pub(crate) fn new(config: &Config) -> Self {
        let seconds = config.hsts.0.as_secs();
        Self {
            tls: config.tls,
            hsts: (seconds > 0)
                .then(|| {
                    HeaderValue::try_from(format!("max-age={seconds}; includeSubDomains")).ok()
                })
                .flatten(),
        }
    }

    /// Whether the client's connection is encrypted, as far as the settings let us know.
    pub(crate) fn encrypted(&self, request: &HeaderMap) -> bool {
        match self.tls {
            Tls::Never => false,
            Tls::Always => true,
            Tls::Forwarded => request
                .get("x-forwarded-proto")
                .and_then(|value| value.to_str().ok())
                .is_some_and(|value| value.trim().eq_ignore_ascii_case("https")),
        }
    }

    pub(crate) fn apply(&self, encrypted: bool, headers: &mut HeaderMap) {
        let fixed: [(HeaderName, HeaderValue); 5] = [
            (
                header::X_CONTENT_TYPE_OPTIONS,
                HeaderValue::from_static("nosniff"),
            ),
            (header::CONTENT_SECURITY_POLICY, DATA_POLICY),
            (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
            (
                header::REFERRER_POLICY,
                HeaderValue::from_static("no-referrer"),
            ),
            // Answers depend on the caller; what may be kept says so itself.
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        for (name, value) in fixed {
            headers.entry(name).or_insert(value);
        }
        if encrypted && let Some(value) = &self.hsts {
            headers
                .entry(header::STRICT_TRANSPORT_SECURITY)
                .or_insert_with(|| value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(tls: Tls, forwarded: Option<&'static str>, expected: bool) {
        let config = Config {
            tls,
            ..Config::default()
        };
        let headers = SecurityHeaders::new(&config);
        let mut request = HeaderMap::new();
        if let Some(proto) = forwarded {
            request.insert("x-forwarded-proto", HeaderValue::from_static(proto));
        }
        let mut response = HeaderMap::new();
        headers.apply(headers.encrypted(&request), &mut response);
        let hsts = response.get(header::STRICT_TRANSPORT_SECURITY);
        assert_eq!(hsts.is_some(), expected, "{tls:?} {forwarded:?}");
        if let Some(hsts) = hsts {
            assert_eq!(hsts, "max-age=31536000; includeSubDomains");
        }
    }

    #[test]
    fn hsts_only_where_tls_is_known() {
        check(Tls::Never, Some("https"), false);
        check(Tls::Always, None, true);
        check(Tls::Forwarded, Some("https"), true);
        check(Tls::Forwarded, Some("http"), false);
        check(Tls::Forwarded, None, false);
    }

    #[test]
    fn a_page_keeps_its_own_policy() {
        let mut response = HeaderMap::new();
        response.insert(header::CONTENT_SECURITY_POLICY, PAGE_POLICY);
        SecurityHeaders::new(&Config::default()).apply(false, &mut response);
        assert_eq!(response[header::CONTENT_SECURITY_POLICY], PAGE_POLICY);
        assert_eq!(response[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    }
}
