//! `HEAD` is answered as `GET` would be, without the body (RFC 9110 section 9.3.2).

use axum::body::Body;
use http::request::Parts;
use http::{HeaderValue, Method, Response, header};
use http_body::Body as HttpBody;

/// Turns a `HEAD` into the `GET` it asks about; says whether it was one.
pub(crate) fn to_get(parts: &mut Parts) -> bool {
    let head = parts.method == Method::HEAD;
    if head {
        parts.method = Method::GET;
    }
    head
}

/// Takes the body away and states its length where it is known.
pub(crate) fn strip(response: Response<Body>) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact()
        && !parts.headers.contains_key(header::CONTENT_LENGTH)
    {
        parts
            .headers
            .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    Response::from_parts(parts, Body::empty())
}
