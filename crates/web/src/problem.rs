//! Failures as answers: a [`Problem`] carries a refusal through axum, and two writers give its
//! body. Not the choice between them, which needs the request: see `middleware::render_problems`.

use crate::envelope::{push_number, push_string};
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use carnet_kernel::{Code, Detail, Refusal, Timestamp};
use http::{HeaderValue, StatusCode, header};

/// A refusal on its way to the client. As a response it has the status, `Retry-After`, with 401
/// `WWW-Authenticate` (RFC 9110 section 15.5.2) and, in the extensions, the refusal; the edge
/// writes the body that fits the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem(pub Refusal);

impl Problem {
    /// A problem without details.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Refusal::new(code, message))
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status(self.0.code);
        if let Some(seconds) = self.0.retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.0.code.status() == 401 {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(self.0);
        response
    }
}

/// `METHOD_NOT_ALLOWED` with the `Allow` header, a comma-separated list of methods, which is empty
/// where none is allowed (RFC 9110 section 10.2.1).
pub fn method_not_allowed(method: &http::Method, allow: &str, why: Option<&str>) -> Response {
    let method: String = method.as_str().chars().take(20).collect();
    let why = why.map_or_else(String::new, |why| format!(": {why}"));
    let offered = match allow {
        "" => "nothing else is",
        allow => &format!("offered are {allow}"),
    };
    let message = format!("`{method}` is not offered at this address{why}; {offered}");
    let problem = Problem::new(Code::MethodNotAllowed, message);
    let mut response = problem.into_response();
    if let Ok(value) = HeaderValue::from_str(allow) {
        response.headers_mut().insert(header::ALLOW, value);
    }
    response
}

/// The HTTP status of a code.
pub fn status(code: Code) -> StatusCode {
    StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The body of a refusal as `application/json`: `{"success":false,"error":{…}}`.
pub fn write_envelope(refusal: &Refusal, correlation: &str, at: Timestamp) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    out.extend_from_slice(br#"{"success":false,"error":{"#);
    push_members(&mut out, refusal, correlation, at);
    out.extend_from_slice(b"}}");
    out
}

/// The body of a refusal as `application/problem+json` (RFC 9457). The extension members are
/// those of the envelope's `error`.
pub fn write_problem_json(refusal: &Refusal, correlation: &str, at: Timestamp) -> Vec<u8> {
    let mut out = Vec::with_capacity(384);
    out.extend_from_slice(br#"{"type":"#);
    push_string(&mut out, &page(refusal.code));
    out.extend_from_slice(br#","title":"#);
    push_string(&mut out, refusal.code.title());
    out.extend_from_slice(br#","status":"#);
    push_number(&mut out, refusal.code.status().into());
    out.extend_from_slice(br#","detail":"#);
    push_string(&mut out, &refusal.message);
    out.push(b',');
    push_members(&mut out, refusal, correlation, at);
    out.push(b'}');
    out
}

/// Where the page of a code is served: `/docs/errors/NOT_FOUND`.
pub fn page(code: Code) -> String {
    format!("/docs/errors/{code}")
}

fn push_members(out: &mut Vec<u8>, refusal: &Refusal, correlation: &str, at: Timestamp) {
    out.extend_from_slice(br#""statusCode":"#);
    push_number(out, refusal.code.status().into());
    out.extend_from_slice(br#","code":"#);
    push_string(out, refusal.code.as_str());
    out.extend_from_slice(br#","message":"#);
    push_string(out, &refusal.message);
    out.extend_from_slice(br#","details":["#);
    for (index, detail) in refusal.details.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        push_detail(out, detail);
    }
    out.extend_from_slice(br#"],"correlationId":"#);
    push_string(out, correlation);
    out.extend_from_slice(br#","timestamp":"#);
    push_string(out, &at.to_string());
}

fn push_detail(out: &mut Vec<u8>, detail: &Detail) {
    out.extend_from_slice(br#"{"field":"#);
    push_string(out, &detail.field);
    out.extend_from_slice(br#","rule":"#);
    push_string(out, &detail.rule);
    out.extend_from_slice(br#","message":"#);
    push_string(out, &detail.message);
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use carnet_kernel::ApplicationCode;
    use serde_json::{Value, json};

    fn refusal() -> Refusal {
        let mut refusal = Refusal::validation(vec![
            Detail::new("items[3].price", "max", "`9\"` is above 5"),
            Detail::new("name", "required", "it must be given"),
        ]);
        refusal.retry_after = Some(3);
        refusal
    }

    #[test]
    fn both_bodies_have_the_same_members() {
        let error = json!({
            "statusCode": 400,
            "code": "VALIDATION_FAILED",
            "message": "2 rules are broken",
            "details": [
                {"field": "items[3].price", "rule": "max", "message": "`9\"` is above 5"},
                {"field": "name", "rule": "required", "message": "it must be given"},
            ],
            "correlationId": "abc",
            "timestamp": "1970-01-01T00:00:00.000000Z",
        });
        let envelope = write_envelope(&refusal(), "abc", Timestamp(0));
        let envelope: Value = serde_json::from_slice(&envelope).unwrap();
        assert_eq!(envelope, json!({"success": false, "error": error}));

        let problem = write_problem_json(&refusal(), "abc", Timestamp(0));
        let problem: Value = serde_json::from_slice(&problem).unwrap();
        let mut expected = json!({
            "type": "/docs/errors/VALIDATION_FAILED",
            "title": Code::ValidationFailed.title(),
            "status": 400,
            "detail": "2 rules are broken",
        });
        for (name, value) in error.as_object().unwrap() {
            expected[name] = value.clone();
        }
        assert_eq!(problem, expected);
    }

    #[test]
    fn a_problem_as_a_response_carries_its_refusal() {
        let response = Problem(refusal()).into_response();
        assert_eq!(response.status(), 400);
        assert_eq!(response.headers()[header::RETRY_AFTER], "3");
        assert_eq!(response.extensions().get::<Refusal>(), Some(&refusal()));
    }

    #[test]
    fn who_is_not_known_is_told_how_to_say_it() {
        let response = Problem(Refusal::unauthenticated("sign in first")).into_response();
        assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
        assert_eq!(response.status(), 401);
    }

    #[test]
    fn a_code_of_an_application_is_answered_like_any_other() {
        const LIMIT: ApplicationCode = ApplicationCode::new("FEATURED_LIMIT", 409, "Too many");
        let refusal = LIMIT.refuse("ten are featured already");
        let problem = write_problem_json(&refusal, "abc", Timestamp(0));
        let problem: Value = serde_json::from_slice(&problem).unwrap();
        assert_eq!(problem["type"], "/docs/errors/FEATURED_LIMIT");
        assert_eq!(problem["title"], "Too many");
        assert_eq!(problem["status"], 409);
        assert_eq!(problem["code"], "FEATURED_LIMIT");
        assert_eq!(Problem(refusal).into_response().status(), 409);
    }

    #[test]
    fn every_code_has_a_usable_status() {
        for code in Code::ALL {
            assert_eq!(status(*code).as_u16(), code.status(), "{code}");
        }
    }
}
