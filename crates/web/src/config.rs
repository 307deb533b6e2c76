//! The settings of the HTTP side, section `web`. Not addresses and ports, which are the server's.

use crate::error::Error;
use carnet_kernel::{ByteSize, Period};
use http::HeaderValue;
use serde::{Deserialize, Serialize};

/// Section `web` of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The largest request body; a larger one is `PAYLOAD_TOO_LARGE`. Default `50MB`.
    pub body_limit: ByteSize,
    /// The longest address, path and query together; a longer one is `URI_TOO_LONG`. Default `16KB`.
    pub uri_limit: ByteSize,
    /// The most parameters in one query string. Default 1000.
    pub query_parameters: usize,
    /// How long a request may go without an answer before it ends with `TIMEOUT`. Default `1m`.
    pub timeout: Period,
    /// The most requests worked on at once; further ones wait. Default 1024.
    pub concurrent_requests: usize,
    /// The most requests that may wait; further ones end with `OVERLOADED`. Default 4096.
    pub waiting_requests: usize,
    /// Whether answers are compressed for clients that ask for it. Default true.
    pub compression: bool,
    /// Answers below this size are never compressed. Default `1KB`.
    pub compression_minimum: ByteSize,
    /// When the connection counts as encrypted, for HSTS: `never`, `always` (a proxy before us
    /// ends TLS for all) or `forwarded` (as its `X-Forwarded-Proto` says). Default `never`.
    pub tls: Tls,
    /// The `max-age` of HSTS, sent on encrypted connections; `0s` turns it off. Default `365d`.
    pub hsts: Period,
    /// Whether each request leaves a line in the log. Default true.
    pub access_log: bool,
    /// Whether answers tell in `Server-Timing` how long each stage took. By default in profile
    /// `dev`.
    pub server_timing: Option<bool>,
    /// Which pages of other origins may call the API.
    pub cors: CorsConfig,
}

/// When a connection counts as encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// Never: there is no TLS before us.
    #[default]
    Never,
    /// Always: every client comes through a proxy that ends TLS.
    Always,
    /// When the proxy says so in `X-Forwarded-Proto`.
    Forwarded,
}

/// Section `web.cors`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CorsConfig {
    /// The origins that may call (`https://app.example.org`), or `*` alone for every one.
    /// Default none: only pages of the API's own origin.
    pub origins: Vec<String>,
    /// Whether browsers may send cookies along; not together with `*`. Default false.
    pub credentials: bool,
    /// How long browsers may remember the answer to a preflight. Default `10m`.
    pub max_age: Period,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            body_limit: ByteSize(50 << 20),
            uri_limit: ByteSize(16 << 10),
            query_parameters: 1_000,
            timeout: Period::seconds(60),
            concurrent_requests: 1_024,
            waiting_requests: 4_096,
            compression: true,
            compression_minimum: ByteSize(1 << 10),
            tls: Tls::Never,
            hsts: Period::seconds(365 * 86_400),
            access_log: true,
            server_timing: None,
            cors: CorsConfig::default(),
        }
    }
}

impl Default for CorsConfig {
    fn default() -> Self {
        Self {
            origins: Vec::new(),
            credentials: false,
            max_age: Period::seconds(600),
        }
    }
}

impl Config {
    /// Every setting that cannot be used, all at once.
    pub fn problems(&self) -> Vec<Error> {
        let mut problems = Vec::new();
        let mut note = |key: &str, message: String| {
            problems.push(Error::Setting {
                key: key.to_owned(),
                message,
            });
        };
        let day = Period::seconds(86_400);
        // The HTTP layer below holds no address over 65,534 bytes.
        let (longest, widest) = (ByteSize(65_534), ByteSize(65_535));
        if self.body_limit.0 == 0 {
            note("body_limit", "must be at least 1 byte".to_owned());
        }
        if !(ByteSize(64)..=longest).contains(&self.uri_limit) {
            note(
                "uri_limit",
                format!("must lie between 64 and {longest} bytes"),
            );
        }
        if self.query_parameters == 0 {
            note("query_parameters", "must be at least 1".to_owned());
        }
        if !(Period::millis(1)..=day).contains(&self.timeout) {
            note("timeout", format!("must lie between 1ms and {day}"));
        }
        if !(1..=1_000_000).contains(&self.concurrent_requests) {
            note(
                "concurrent_requests",
                "must lie between 1 and 1000000".to_owned(),
            );
        }
        if self.compression_minimum > widest {
            note(
                "compression_minimum",
                format!("must be at most {widest} bytes"),
            );
        }
        let any = self.cors.origins.iter().any(|origin| origin == "*");
        if any && self.cors.origins.len() > 1 {
            note("cors.origins", "holds `*` beside other origins".to_owned());
        }
        if any && self.cors.credentials {
            note(
                "cors.credentials",
                "cannot be true while every origin may call".to_owned(),
            );
        }
        for origin in self.cors.origins.iter().filter(|origin| *origin != "*") {
            if let Some(message) = origin_problem(origin) {
                note("cors.origins", message);
            }
        }
        problems
    }
}

/// An origin is scheme, host and optional port, as browsers send it (RFC 6454 section 6.1).
fn origin_problem(origin: &str) -> Option<String> {
    let shaped = origin.split_once("://").is_some_and(|(scheme, authority)| {
        matches!(scheme, "http" | "https")
            && !authority.is_empty()
            && !authority.contains(['/', '?', '#', '@', ' ', '*'])
    });
    let plain = HeaderValue::from_str(origin).is_ok() && origin.to_lowercase() == origin;
    (!(shaped && plain)).then(|| {
        format!(
            "holds `{origin}`, which is not an origin such as `https://app.example.org` \
             (scheme, host in lower case, optional port, no path)"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_usable() {
        assert_eq!(Config::default().problems(), Vec::new());
        assert_eq!(
            serde_json::from_str::<Config>("{}").unwrap(),
            Config::default()
        );
    }

    #[test]
    fn unknown_keys_are_refused() {
        assert!(serde_json::from_str::<Config>(r#"{"time_out": "5s"}"#).is_err());
        assert!(serde_json::from_str::<Config>(r#"{"cors": {"origin": []}}"#).is_err());
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Config), expected: &[&str]) {
        let mut config = Config::default();
        change(&mut config);
        let found: Vec<_> = config
            .problems()
            .into_iter()
            .map(|problem| match problem {
                Error::Setting { key, .. } => key,
                other => panic!("{other}"),
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn unusable_settings() {
        check(|config| config.timeout = Period::seconds(0), &["timeout"]);
        check(|config| config.uri_limit = ByteSize(70_000), &["uri_limit"]);
        check(
            |config| config.cors.origins = vec!["https://a.org".into(), "http://b:8080".into()],
            &[],
        );
        check(
            |config| {
                config.cors.origins = vec!["*".into()];
                config.cors.credentials = true;
            },
            &["cors.credentials"],
        );
        for origin in [
            "a.org",
            "https://a.org/",
            "https://A.org",
            "ftp://a.org",
            "https://",
            "null",
            "https://*.a.org",
        ] {
            check(
                |config| config.cors.origins = vec![origin.into()],
                &["cors.origins"],
            );
        }
    }
}
