//! Compressing answers. Not request bodies: encoded ones are refused.

use crate::config::Config;
use axum::body::Body;
use axum::response::Response;
use http::{Extensions, HeaderMap, HeaderValue, Request, StatusCode, Version, header};
use tower_http::CompressionLevel;
use tower_http::compression::predicate::{And, Predicate, SizeAbove};
use tower_http::compression::{Compression, CompressionLayer};

type Worth = fn(StatusCode, Version, &HeaderMap, &Extensions) -> bool;

/// What is compressed.
type Chosen = And<SizeAbove, Worth>;

/// A service whose answers are compressed.
pub(crate) type Compressed<S> = Compression<S, Chosen>;

/// The layer, for gzip, brotli and zstd at their fast levels: answers are made anew for each
/// request, so time counts more than the last per cent.
pub(crate) fn layer(config: &Config) -> CompressionLayer<Chosen> {
    CompressionLayer::new()
        .quality(CompressionLevel::Fastest)
        .compress_when(chosen(config))
}

fn chosen(config: &Config) -> Chosen {
    let minimum = u16::try_from(config.compression_minimum.0).unwrap_or(u16::MAX);
    SizeAbove::new(minimum).and(worth as Worth)
}

/// Whether a client asks for an encoding at all.
pub(crate) fn is_asked(request: &Request<Body>) -> bool {
    request.headers().contains_key(header::ACCEPT_ENCODING)
}

/// What the layer does for a client that does not ask: it says that others could.
pub(crate) fn tell(mut response: Response, config: &Config) -> Response {
    let headers = response.headers();
    let encoded = [header::CONTENT_ENCODING, header::CONTENT_RANGE]
        .iter()
        .any(|name| headers.contains_key(name));
    if !encoded && chosen(config).should_compress(&response) {
        response
            .headers_mut()
            .append(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    response
}

/// Texts are worth it; events must leave at once; images and archives are compressed already.
fn worth(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    let Some(media) = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    let media = media.split(';').next().unwrap_or_default().trim();
    let text = media.starts_with("text/") && media != "text/event-stream";
    text || media.ends_with("+json")
        || media.ends_with("+xml")
        || matches!(
            media,
            "application/json"
                | "application/javascript"
                | "application/xml"
                | "application/yaml"
                | "application/x-ndjson"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(media: &'static str, expected: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, media.parse().unwrap());
        let found = worth(
            StatusCode::OK,
            Version::HTTP_11,
            &headers,
            &Extensions::new(),
        );
        assert_eq!(found, expected, "{media}");
    }

    #[test]
    fn worth_compressing() {
        for media in [
            "application/json",
            "application/json; charset=utf-8",
            "application/problem+json",
            "text/html",
            "image/svg+xml",
        ] {
            check(media, true);
        }
        for media in ["text/event-stream", "image/png", "application/zip"] {
            check(media, false);
        }
    }
}
