//! Which version of the API a request speaks: by its path, else by `Accept`. What a version that
//! ends says of itself. Not what a version shows; that is `carnet_model::ModelView`.

use super::PREFIX;
use crate::Operations;
use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use carnet_kernel::{ApiVersion, Code, Context, Refusal, time};
use carnet_model::{ModelView, Version};
use carnet_web::accept;
use carnet_web::problem::Problem;
use futures_util::future::{BoxFuture, Either};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use std::convert::Infallible;
use std::task::{self, Poll};
use tower::Service;

/// Since when clients should leave a version (RFC 9745).
const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");

/// From when a version may no longer be served (RFC 8594).
const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// The routes of all versions, to be mounted under [`PREFIX`]: each request is given the view of
/// its version and goes on to routes that know none.
#[derive(Clone)]
pub struct Versioned {
    operations: Operations,
    routes: Router,
}

impl Versioned {
    pub(super) fn new(operations: Operations, routes: Router) -> Self {
        Self { operations, routes }
    }
}

type RouterFuture = <Router as Service<Request>>::Future;

impl Service<Request> for Versioned {
    type Response = Response;
    type Error = Infallible;
    type Future = Either<RouterFuture, BoxFuture<'static, Result<Response, Infallible>>>;

    fn poll_ready(&mut self, context: &mut task::Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request>::poll_ready(&mut self.routes, context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let (view, by_path) = match choose(&self.operations, &mut request) {
            Ok(chosen) => chosen,
            Err(refusal) => {
                let response = Problem::from(refusal).into_response();
                return Either::Right(Box::pin(async move { Ok(response) }));
            }
        };
        let mut notice = view.notice().map(headers).unwrap_or_default();
        if !by_path {
            notice.push((header::VARY, HeaderValue::from_static("Accept")));
        }
        if let Some(context) = request.extensions_mut().get_mut::<Context>() {
            context.version = view.version();
        }
        request.extensions_mut().insert(view);
        let answer = self.routes.call(request);
        if notice.is_empty() {
            return Either::Left(answer);
        }
        Either::Right(Box::pin(async move {
            let mut response = answer.await?;
            let headers: &mut HeaderMap = response.headers_mut();
            for (name, value) in notice {
                headers.append(name, value);
            }
            Ok(response)
        }))
    }
}

/// The view that a request speaks to, and whether its path names it; the path then goes on without
/// the version.
fn choose(operations: &Operations, request: &mut Request) -> Result<(ModelView, bool), Refusal> {
    let views = operations.views();
    let path = request.uri().path().trim_start_matches('/');
    let first = path.split('/').next().unwrap_or_default();
    if ApiVersion::is_meant(first) {
        let view = ApiVersion::parse(first)
            .and_then(|version| views.iter().find(|view| view.version() == version));
        let view = view.ok_or_else(|| unknown(first, &views))?.clone();
        let uri = behind(request.uri(), first.len())?;
        *request.uri_mut() = uri;
        return Ok((view, true));
    }
    let served: Vec<ApiVersion> = views.iter().map(ModelView::version).collect();
    let asked = accept::version(request.headers(), &served);
    let view = match asked {
        Some(version) => operations.view_of(version),
        None => None,
    };
    Ok((view.unwrap_or_else(|| operations.view()), false))
}

fn unknown(text: &str, views: &[ModelView]) -> Refusal {
    let short: String = text.chars().take(16).collect();
    let known: Vec<String> = views
        .iter()
        .map(|view| view.version().to_string())
        .collect();
    let message = format!(
        "there is no version `{short}` of this API; served: {}",
        known.join(", ")
    );
    Refusal::new(Code::NotFound, message)
}

/// The address without its first segment, which has `length` bytes.
fn behind(uri: &Uri, length: usize) -> Result<Uri, Refusal> {
    let whole = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let rest = whole.get(1 + length..).unwrap_or_default();
    let rest = if rest.starts_with('/') {
        rest.to_owned()
    } else {
        format!("/{rest}")
    };
    let failed = |_| Refusal::new(Code::MalformedRequest, "the address cannot be read");
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(rest).map_err(failed)?);
    Uri::from_parts(parts)
        .map_err(|_| Refusal::new(Code::MalformedRequest, "the address cannot be read"))
}

/// What a version says of its end.
fn headers(version: &Version) -> Vec<(HeaderName, HeaderValue)> {
    let mut all = Vec::new();
    let mut put = |name: HeaderName, value: String| {
        if let Ok(value) = HeaderValue::try_from(value) {
            all.push((name, value));
        }
    };
    if let Some(day) = version.deprecated {
        put(DEPRECATION, format!("@{}", seconds(day)));
    }
    if let Some(day) = version.sunset {
        put(SUNSET, http_date(day));
    }
    if let Some(link) = &version.link {
        let relations = [
            ("deprecation", version.deprecated),
            ("sunset", version.sunset),
        ];
        for (relation, _) in relations.iter().filter(|(_, day)| day.is_some()) {
            put(
                header::LINK,
                format!("<{link}>; rel=\"{relation}\"; type=\"text/html\""),
            );
        }
    }
    all
}

fn seconds(day: i32) -> i64 {
    i64::from(day) * 86_400
}

/// Midnight of a day as HTTP writes it (RFC 9110 section 5.6.7).
fn http_date(day: i32) -> String {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (year, month, date) = time::civil_from_days(day);
    // 1970-01-01 was a Thursday.
    let weekday = usize::try_from((day + 3).rem_euclid(7)).unwrap_or_default();
    let month = usize::try_from(month).unwrap_or(1).saturating_sub(1);
    format!(
        "{}, {date:02} {} {year:04} 00:00:00 GMT",
        DAYS[weekday % 7],
        MONTHS[month % 12]
    )
}

/// The view of a request's version.
pub(super) fn view(operations: &Operations, request: &Request) -> ModelView {
    let view = request.extensions().get::<ModelView>();
    view.cloned().unwrap_or_else(|| operations.view())
}

/// Where the routes of a version are: `/api/v1`.
pub fn prefix(version: ApiVersion) -> String {
    format!("{PREFIX}/{version}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_version_says_of_its_end() {
        let mut version = Version::new(ApiVersion(1));
        assert_eq!(headers(&version), []);
        version.deprecated = Some(20_727);
        version.sunset = Some(20_909);
        version.link = Some("https://example.com/v1".to_owned());
        let told: Vec<String> = headers(&version)
            .into_iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        assert_eq!(
            told,
            [
                "deprecation: @1790812800",
                "sunset: Thu, 01 Apr 2027 00:00:00 GMT",
                "link: <https://example.com/v1>; rel=\"deprecation\"; type=\"text/html\"",
                "link: <https://example.com/v1>; rel=\"sunset\"; type=\"text/html\"",
            ]
        );
        assert_eq!(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
    }

    #[test]
    fn the_address_behind_a_version() {
        for (uri, expected) in [
            ("/v1/products?limit=1", "/products?limit=1"),
            ("/v1", "/"),
            ("/v1?x=1", "/?x=1"),
            ("/v1/", "/"),
            ("/v1//a", "//a"),
        ] {
            let uri: Uri = uri.parse().unwrap();
            assert_eq!(behind(&uri, 2).unwrap().to_string(), expected);
        }
    }
}
