//! Which version of the API a request speaks: by its path, else by `Accept`. What a version that
//! ends says of itself. Not what a version shows; that is `carnet_model::ModelView`.

use super::{PREFIX, address};
use crate::Operations;
use axum::extract::Request;
use carnet_kernel::{ApiVersion, Code, Refusal, time};
use carnet_model::{ModelView, Version};
use carnet_web::accept;
use http::{HeaderName, HeaderValue, header};
use std::sync::Arc;

/// Since when clients should leave a version (RFC 9745).
const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");

/// From when a version may no longer be served (RFC 8594).
const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// What a request speaks.
pub(super) struct Spoken {
    pub(super) view: ModelView,
    /// Its path names the version.
    by_path: bool,
    /// Where in the path stands what is behind the version.
    start: usize,
}

/// The version that a request speaks to.
pub(super) fn choose(operations: &Operations, request: &Request) -> Result<Spoken, Refusal> {
    let path = request.uri().path();
    let rest = address::behind_prefix(path).unwrap_or(path);
    let start = path.len() - rest.len();
    let first = rest.split('/').next().unwrap_or_default();
    if ApiVersion::is_meant(first) {
        let named = |views: &Arc<[ModelView]>| {
            let version = ApiVersion::parse(first)?;
            views.iter().find(|view| view.version() == version).cloned()
        };
        let view = operations.with_views(named);
        let view = view.ok_or_else(|| unknown(first, &operations.views()))?;
        // What follows, if anything does, is a slash.
        let start = path.len().min(start + first.len() + 1);
        return Ok(Spoken {
            view,
            by_path: true,
            start,
        });
    }
    let views = operations.views();
    let served: Vec<ApiVersion> = views.iter().map(ModelView::version).collect();
    let asked = accept::version(request.headers(), &served);
    let view = match asked {
        Some(version) => operations.view_of(version),
        None => None,
    };
    Ok(Spoken {
        view: view.unwrap_or_else(|| operations.view()),
        by_path: false,
        start,
    })
}

impl Spoken {
    /// What stands behind the version in the path of the request.
    pub(super) fn rest<'r>(&self, request: &'r Request) -> &'r str {
        request.uri().path().get(self.start..).unwrap_or_default()
    }

    /// The headers that tell of the version.
    pub(super) fn notice(&self) -> Vec<(HeaderName, HeaderValue)> {
        let mut notice = self.view.notice().map(headers).unwrap_or_default();
        if !self.by_path {
            notice.push((header::VARY, HeaderValue::from_static("Accept")));
        }
        notice
    }
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
}
