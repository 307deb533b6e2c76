//! Which pages of other origins may call (the CORS protocol of the Fetch standard). Not a guard
//! of the API itself: only browsers obey it.

use crate::config::CorsConfig;
use crate::middleware::request_id::{CORRELATION_ID, REQUEST_ID};
use http::{HeaderName, HeaderValue, Method, Request, header};
use tower_http::cors::{Any, CorsLayer};

/// The layer, or `None` when no other origin may call.
pub(crate) fn layer(config: &CorsConfig) -> Option<CorsLayer> {
    if config.origins.is_empty() {
        return None;
    }
    let layer = CorsLayer::new()
        .allow_methods([
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers([
            header::ACCEPT,
            header::ACCEPT_LANGUAGE,
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            crate::idempotency::KEY,
            HeaderName::from_static("last-event-id"),
            HeaderName::from_static("traceparent"),
            REQUEST_ID,
            CORRELATION_ID,
        ])
        .expose_headers([
            header::ALLOW,
            header::ETAG,
            header::LOCATION,
            header::RETRY_AFTER,
            crate::idempotency::REPLAYED,
            HeaderName::from_static("server-timing"),
            REQUEST_ID,
            CORRELATION_ID,
        ])
        .max_age(config.max_age.0);
    Some(if config.origins.iter().any(|origin| origin == "*") {
        layer.allow_origin(Any)
    } else {
        let origins: Vec<_> = config
            .origins
            .iter()
            .filter_map(|origin| HeaderValue::from_str(origin).ok())
            .collect();
        layer
            .allow_origin(origins)
            .allow_credentials(config.credentials)
    })
}

/// Whether the request is for the layer: the layer answers every `OPTIONS` itself, but one that
/// is no preflight is a plain request to the address.
pub(crate) fn concerns<B>(request: &Request<B>) -> bool {
    request.method() != Method::OPTIONS
        || (request.headers().contains_key(header::ORIGIN)
            && request
                .headers()
                .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD))
}
