//! The settings of the HTTP side, section `web`. Not addresses and ports, which are the server's.

use crate::error::Error;
use http::HeaderValue;
use serde::{Deserialize, Serialize};

/// Section `web` of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The largest request body in bytes; a larger one is `PAYLOAD_TOO_LARGE`. Default 52428800 (50 MB).
    pub body_limit_bytes: u64,
    /// The longest address (path and query) in bytes; a longer one is `URI_TOO_LONG`. Default 16384.
    pub uri_limit_bytes: usize,
    /// The most parameters in one query string. Default 1000.
    pub query_parameters: usize,
    /// Seconds until a request without an answer ends with `TIMEOUT`. Default 60.
    pub timeout_seconds: u64,
    /// The most requests worked on at once; further ones wait. Default 1024.
    pub concurrent_requests: usize,
    /// The most requests that may wait; further ones end with `OVERLOADED`. Default 4096.
    pub waiting_requests: usize,
    /// Whether answers are compressed for clients that ask for it. Default true.
    pub compression: bool,
    /// Answers below this size in bytes are never compressed. Default 1024.
    pub compression_min_bytes: u16,
    /// When the connection counts as encrypted, for HSTS: `never`, `always` (a proxy before us
    /// ends TLS for all) or `forwarded` (as its `X-Forwarded-Proto` says). Default `never`.
    pub tls: Tls,
    /// The `max-age` of HSTS in seconds, sent on encrypted connections; 0 turns it off. Default 31536000 (a year).
    pub hsts_seconds: u64,
    /// Whether each request leaves a line in the log. Default true.
    pub access_log: bool,
    /// Whether answers tell in `Server-Timing` how long each stage took. Default false.
    pub server_timing: bool,
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
    /// For how many seconds browsers may remember the answer to a preflight. Default 600.
    pub max_age_seconds: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            body_limit_bytes: 50 * 1024 * 1024,
            uri_limit_bytes: 16 * 1024,
            query_parameters: 1_000,
            timeout_seconds: 60,
            concurrent_requests: 1_024,
            waiting_requests: 4_096,
            compression: true,
            compression_min_bytes: 1_024,
            tls: Tls::Never,
            hsts_seconds: 31_536_000,
            access_log: true,
            server_timing: false,
            cors: CorsConfig::default(),
        }
    }
}

impl Default for CorsConfig {
    fn default() -> Self {
        Self {
            origins: Vec::new(),
            credentials: false,
            max_age_seconds: 600,
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
        let counts = [
            ("body_limit_bytes", self.body_limit_bytes),
            ("uri_limit_bytes", self.uri_limit_bytes as u64),
            ("query_parameters", self.query_parameters as u64),
            ("timeout_seconds", self.timeout_seconds),
            ("concurrent_requests", self.concurrent_requests as u64),
        ];
        for (key, value) in counts {
            if value == 0 {
                note(key, "must be at least 1".to_owned());
            }
        }
        // The HTTP layer below cannot hold more.
        for (key, value, most) in [
            ("uri_limit_bytes", self.uri_limit_bytes as u64, 65_534),
            ("timeout_seconds", self.timeout_seconds, 86_400),
            (
                "concurrent_requests",
                self.concurrent_requests as u64,
                1_000_000,
            ),
        ] {
            if value > most {
                note(key, format!("must be at most {most}"));
            }
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
        assert!(serde_json::from_str::<Config>(r#"{"timeout": 5}"#).is_err());
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
        check(|config| config.timeout_seconds = 0, &["timeout_seconds"]);
        check(
            |config| config.uri_limit_bytes = 70_000,
            &["uri_limit_bytes"],
        );
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
