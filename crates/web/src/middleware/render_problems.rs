//! Writes the body of every failure, whichever layer it comes from: handlers, limits, timeout,
//! panic, and the bare answers of the router and of extractors.

use crate::accept::{self, ProblemForm};
use crate::problem::{status, write_envelope, write_problem_json};
use crate::request_info::RequestInfo;
use axum::body::Body;
use axum::response::Response;
use carnet_kernel::{Code, Refusal, Timestamp};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, Version, header};

/// The longest piece of a client's own text that a message repeats.
const LONGEST_ECHO: usize = 100;

/// What of the request the body of its failure depends on.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    form: ProblemForm,
    method: Method,
    address: Uri,
    version: Version,
}

impl Asked {
    pub(crate) fn of<B>(request: &Request<B>) -> Self {
        Self {
            form: accept::problem_form(request.headers()),
            method: request.method().clone(),
            address: request.uri().clone(),
            version: request.version(),
        }
    }
}

/// Gives a failure its body; a success passes untouched. The code stays in the extensions for
/// the access log.
pub(crate) fn render(
    mut response: Response,
    asked: &Asked,
    info: &RequestInfo,
    now: impl FnOnce() -> Timestamp,
) -> Response {
    let failed = response.status().is_client_error() || response.status().is_server_error();
    if !failed {
        return response;
    }
    let refusal = match response.extensions_mut().remove::<Refusal>() {
        Some(refusal) => refusal,
        None => match bare(&response, asked) {
            Some(refusal) => refusal,
            None => return response,
        },
    };
    let correlation = info.correlation_text();
    let (media, body) = match asked.form {
        ProblemForm::Envelope => (
            "application/json",
            write_envelope(&refusal, &correlation, now()),
        ),
        ProblemForm::ProblemJson => (
            "application/problem+json",
            write_problem_json(&refusal, &correlation, now()),
        ),
    };
    *response.status_mut() = status(refusal.code);
    response.extensions_mut().insert(refusal.code);
    let headers = response.headers_mut();
    for stale in [
        header::CONTENT_LENGTH,
        header::CONTENT_ENCODING,
        header::TRANSFER_ENCODING,
    ] {
        headers.remove(stale);
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    headers.append(header::VARY, HeaderValue::from_static("accept"));
    // The rest of the body may still be on the wire, so the connection cannot serve on.
    if refusal.code == Code::PayloadTooLarge && asked.version <= Version::HTTP_11 {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    *response.body_mut() = Body::from(body);
    response
}

/// The refusal for a failure that axum made itself. One with a body of its own that is meant to
/// be seen (JSON, HTML) is left as it is.
fn bare(response: &Response, asked: &Asked) -> Option<Refusal> {
    let plain = match response.headers().get(header::CONTENT_TYPE) {
        None => true,
        Some(media) => media.as_bytes().starts_with(b"text/plain"),
    };
    if !plain {
        return None;
    }
    let method = &asked.method;
    let path = asked.address.path();
    let path = path
        .get(..path.floor_char_boundary(LONGEST_ECHO))
        .unwrap_or_default();
    let (code, message) = match response.status() {
        StatusCode::NOT_FOUND => (Code::NotFound, format!("there is nothing at `{path}`")),
        StatusCode::METHOD_NOT_ALLOWED => (
            Code::MethodNotAllowed,
            method_message(method, path, response.headers()),
        ),
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => (
            Code::MalformedRequest,
            "the request cannot be read".to_owned(),
        ),
        StatusCode::PAYLOAD_TOO_LARGE => (
            Code::PayloadTooLarge,
            "the body is larger than allowed".to_owned(),
        ),
        StatusCode::URI_TOO_LONG => (
            Code::UriTooLong,
            "the address is longer than allowed".to_owned(),
        ),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => (
            Code::UnsupportedMediaType,
            "a body of this type is not read here".to_owned(),
        ),
        StatusCode::NOT_ACCEPTABLE => (
            Code::NotAcceptable,
            "none of the types in `Accept` is offered here".to_owned(),
        ),
        status if status.is_server_error() => (
            Code::Internal,
            "something failed inside the platform".to_owned(),
        ),
        _ => return None,
    };
    Some(Refusal::new(code, message))
}

fn method_message(method: &Method, path: &str, headers: &HeaderMap) -> String {
    let method: String = method.as_str().chars().take(20).collect();
    let offered = headers
        .get(header::ALLOW)
        .and_then(|value| value.to_str().ok())
        .map(|allow| format!("; offered are {}", allow.replace(',', ", ")))
        .unwrap_or_default();
    format!("`{method}` is not offered at `{path}`{offered}")
}
