//! Compressing answers. Not request bodies: encoded ones are refused.

use crate::config::Config;
use http::{Extensions, HeaderMap, StatusCode, Version, header};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{And, Predicate, SizeAbove};

type Worth = fn(StatusCode, Version, &HeaderMap, &Extensions) -> bool;

/// The layer, for gzip, brotli and zstd at their fast levels: answers are made anew for each
/// request, so time counts more than the last per cent.
pub(crate) fn layer(config: &Config) -> CompressionLayer<And<SizeAbove, Worth>> {
    let minimum = u16::try_from(config.compression_minimum.0).unwrap_or(u16::MAX);
    CompressionLayer::new()
        .quality(CompressionLevel::Fastest)
        .compress_when(SizeAbove::new(minimum).and(worth as Worth))
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
