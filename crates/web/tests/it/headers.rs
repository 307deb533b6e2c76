//! Headers in and out: ids, security, CORS, HSTS, timing.

use super::{edge, fetch};
use carnet_kernel::Id;
use carnet_web::{PAGE_POLICY, Tls};

#[tokio::test]
async fn ids_are_made_and_echoed() {
    let edge = edge(|_| ());
    let answer = fetch(&edge, "GET /items/1", &[]).await;
    let made: Id = answer.header("x-request-id").parse().unwrap();
    assert_eq!(answer.header("x-correlation-id"), made.to_string());

    let sent = [("x-request-id", "edge-1"), ("x-correlation-id", "order:7")];
    let answer = fetch(&edge, "GET /items/1", &sent).await;
    assert_eq!(answer.header("x-request-id"), "edge-1");
    assert_eq!(answer.header("x-correlation-id"), "order:7");
}

#[tokio::test]
async fn tricks_with_ids_get_a_fresh_one() {
    let edge = edge(|_| ());
    for trick in ["a b", "é", "<b>", "a\tb", &"9".repeat(1_000)] {
        let answer = fetch(&edge, "GET /nowhere", &[("x-correlation-id", trick)]).await;
        let found = answer.header("x-correlation-id");
        assert!(found.parse::<Id>().is_ok(), "{trick} {found}");
        assert_eq!(answer.json()["error"]["correlationId"], found);
    }
}

#[tokio::test]
async fn browsers_are_told_to_be_strict() {
    let edge = edge(|_| ());
    for line in [
        "GET /items/1",
        "GET /nowhere",
        "GET /panic",
        "DELETE /items/1",
    ] {
        let answer = fetch(&edge, line, &[]).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(
            answer.header("content-security-policy"),
            "default-src 'none'; frame-ancestors 'none'"
        );
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(!answer.headers.contains_key("strict-transport-security"));
    }
    let page = fetch(&edge, "GET /page", &[]).await;
    assert_eq!(page.headers["content-security-policy"], PAGE_POLICY);
}

#[tokio::test]
async fn hsts_behind_a_proxy() {
    let edge = edge(|config| config.tls = Tls::Forwarded);
    let answer = fetch(&edge, "GET /items/1", &[("x-forwarded-proto", "https")]).await;
    assert!(
        answer
            .header("strict-transport-security")
            .starts_with("max-age=31536000")
    );
    let answer = fetch(&edge, "GET /items/1", &[]).await;
    assert!(!answer.headers.contains_key("strict-transport-security"));
}

const PREFLIGHT: [(&str, &str); 3] = [
    ("origin", "https://app.example.org"),
    ("access-control-request-method", "PATCH"),
    ("access-control-request-headers", "if-match,content-type"),
];

#[tokio::test]
async fn another_origin_may_call_when_it_is_listed() {
    let edge = edge(|config| {
        config.cors.origins = vec!["https://app.example.org".into(), "http://b".into()];
    });
    let answer = fetch(&edge, "OPTIONS /items/1", &PREFLIGHT).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("access-control-allow-origin"),
        "https://app.example.org"
    );
    assert!(
        answer
            .header("access-control-allow-methods")
            .contains("PATCH")
    );
    assert!(
        answer
            .header("access-control-allow-headers")
            .contains("if-match")
    );
    assert_eq!(answer.header("access-control-max-age"), "600");
    assert!(answer.headers.contains_key("x-request-id"));

    // A failure must be readable to the page as well.
    for line in ["GET /items/1", "GET /nowhere", "GET /panic"] {
        let answer = fetch(&edge, line, &PREFLIGHT[..1]).await;
        assert_eq!(
            answer.header("access-control-allow-origin"),
            "https://app.example.org"
        );
        assert!(
            answer
                .header("access-control-expose-headers")
                .contains("etag")
        );
    }
    let other = [("origin", "https://evil.example.org")];
    let answer = fetch(&edge, "GET /items/1", &other).await;
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn no_other_origin_without_settings_and_every_one_with_a_star() {
    let answer = fetch(&edge(|_| ()), "GET /items/1", &PREFLIGHT[..1]).await;
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
    let any = edge(|config| config.cors.origins = vec!["*".into()]);
    let answer = fetch(&any, "GET /items/1", &PREFLIGHT[..1]).await;
    assert_eq!(answer.header("access-control-allow-origin"), "*");
}

#[tokio::test(start_paused = true)]
async fn a_timeout_is_readable_to_the_page() {
    let edge = edge(|config| config.cors.origins = vec!["*".into()]);
    let answer = fetch(&edge, "GET /hang", &PREFLIGHT[..1]).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
}

#[tokio::test]
async fn timing_when_asked_for() {
    let edge = edge(|config| config.server_timing = Some(true));
    let answer = fetch(&edge, "GET /items/1", &[]).await;
    let timing = answer.header("server-timing");
    assert!(timing.starts_with("plan;dur=1.500, total;dur="), "{timing}");
}
