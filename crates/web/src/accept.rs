//! Content negotiation of the API: which media type answers, and how a failure is written
//! (RFC 9110 section 12.5.1). Not for pages and assets, which have one type each.

use carnet_kernel::{ApiVersion, Code, Detail, Refusal};
use http::{HeaderMap, HeaderValue, header};

/// The body that a failure has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProblemForm {
    /// `{"success":false,"error":{…}}` as `application/json`.
    #[default]
    Envelope,
    /// RFC 9457 as `application/problem+json`.
    ProblemJson,
}

/// The media type of a success.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Media {
    /// `application/json`, whichever version it is.
    #[default]
    Json,
    /// `application/vnd.carnet.v<N>+json`.
    Versioned(ApiVersion),
    /// `application/x-ndjson`: one record a line. Of lists alone.
    Lines,
}

impl Media {
    /// The value of `Content-Type`.
    pub fn content_type(self) -> HeaderValue {
        match self {
            Self::Json => HeaderValue::from_static("application/json"),
            Self::Lines => HeaderValue::from_static("application/x-ndjson"),
            Self::Versioned(version) => HeaderValue::try_from(of_version(version))
                .unwrap_or_else(|_| HeaderValue::from_static("application/json")),
        }
    }
}

/// The media type that names a version of the API.
pub(crate) fn of_version(version: ApiVersion) -> String {
    format!("application/vnd.carnet.{version}+json")
}

/// The version of the API that a client asks for by `Accept`, if it names one that is served: the
/// one it likes best, and of equals the newest.
pub fn version(headers: &HeaderMap, served: &[ApiVersion]) -> Option<ApiVersion> {
    if is_usual(headers) {
        return None;
    }
    let ranges = ranges(headers);
    let named = served.iter().filter_map(|version| {
        let quality = named(&ranges, &of_version(*version))?;
        (quality > 0).then_some((quality, *version))
    });
    named.max().map(|(_, version)| version)
}

/// Chooses the media type of a success in `version` of the API, or refuses with `NOT_ACCEPTABLE`.
///
/// Without the header, and when nothing in it can be read, the answer is `application/json`.
/// A client that lists only `application/problem+json` speaks of failures: its successes are
/// `application/json`.
pub fn negotiate(headers: &HeaderMap, version: ApiVersion) -> Result<Media, Refusal> {
    choose(headers, version, false)
}

/// The same where records can also be answered one a line.
pub fn negotiate_list(headers: &HeaderMap, version: ApiVersion) -> Result<Media, Refusal> {
    choose(headers, version, true)
}

/// The names of the media type of lines: the usual one, and those that others use.
const LINES: &[&str] = &[
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
];

fn choose(headers: &HeaderMap, version: ApiVersion, lines: bool) -> Result<Media, Refusal> {
    if is_usual(headers) {
        return Ok(Media::Json);
    }
    let ranges = ranges(headers);
    if ranges.is_empty() {
        return Ok(Media::Json);
    }
    let mut best: Option<(u16, Media)> = None;
    let plain = quality(&ranges, "application/json").max(
        // Only as a named range: the wildcards already speak of `application/json`.
        named(&ranges, "application/problem+json").unwrap_or(0),
    );
    let own = of_version(version);
    let versioned = (named(&ranges, &own).unwrap_or(0), Media::Versioned(version));
    let lined = LINES
        .iter()
        .filter(|_| lines)
        .map(|media| (named(&ranges, media).unwrap_or(0), Media::Lines));
    let offered = std::iter::once((plain, Media::Json))
        .chain(std::iter::once(versioned))
        .chain(lined);
    for (quality, media) in offered {
        // A tie goes to the later type: it is only ever there because the client named it.
        if quality > 0 && best.is_none_or(|(highest, _)| quality >= highest) {
            best = Some((quality, media));
        }
    }
    best.map(|(_, media)| media).ok_or_else(|| {
        Refusal::new(
            Code::NotAcceptable,
            "none of the types in `Accept` is offered here",
        )
        .with(Detail::new(
            "Accept",
            "offered",
            if lines {
                format!("offered are `application/json`, `{own}` and `application/x-ndjson`")
            } else {
                format!("offered are `application/json` and `{own}`")
            },
        ))
    })
}

/// Whether the client asks for what nearly every client asks for, which needs no weighing.
fn is_usual(headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(header::ACCEPT).iter();
    match (lines.next(), lines.next()) {
        (None, _) => true,
        (Some(line), None) => line == "application/json" || line == "*/*",
        _ => false,
    }
}

/// How a failure of this request is written: RFC 9457 when the client names
/// `application/problem+json` and does not prefer `application/json` to it.
pub fn problem_form(headers: &HeaderMap) -> ProblemForm {
    if is_usual(headers) {
        return ProblemForm::Envelope;
    }
    let ranges = ranges(headers);
    match named(&ranges, "application/problem+json") {
        Some(quality) if quality > 0 => {
            if named(&ranges, "application/json").is_some_and(|plain| plain > quality) {
                ProblemForm::Envelope
            } else {
                ProblemForm::ProblemJson
            }
        }
        _ => ProblemForm::Envelope,
    }
}

/// One element of `Accept`; quality in thousandths.
struct Range {
    media: String,
    quality: u16,
}

fn ranges(headers: &HeaderMap) -> Vec<Range> {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(','))
        // Far more than any client sends; a longer list is not worth the time.
        .take(64)
        .filter_map(range)
        .collect()
}

fn range(element: &str) -> Option<Range> {
    let mut parts = element.split(';').map(str::trim);
    let media = parts.next()?.to_ascii_lowercase();
    let (kind, subtype) = media.split_once('/')?;
    if kind.is_empty() || subtype.is_empty() || (kind == "*" && subtype != "*") {
        return None;
    }
    let mut quality = 1_000;
    for parameter in parts {
        if let Some((name, value)) = parameter.split_once('=')
            && name.trim().eq_ignore_ascii_case("q")
        {
            quality = thousandths(value.trim())?;
        }
    }
    Some(Range { media, quality })
}

/// `qvalue` of RFC 9110 section 12.4.2: `0`, `1`, and up to three digits after a point.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: u16 = match whole {
        "0" => 0,
        "1" => 1_000,
        _ => return None,
    };
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part: u16 = format!("{fraction:0<3}").parse().ok()?;
    (whole + part <= 1_000).then_some(whole + part)
}

fn named(ranges: &[Range], media: &str) -> Option<u16> {
    ranges
        .iter()
        .filter(|range| range.media == media)
        .map(|range| range.quality)
        .max()
}

/// The quality of a media type by its most specific range.
fn quality(ranges: &[Range], media: &str) -> u16 {
    named(ranges, media)
        .or_else(|| {
            let (kind, _) = media.split_once('/')?;
            named(ranges, &format!("{kind}/*"))
        })
        .or_else(|| named(ranges, "*/*"))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(accept: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_str(accept).unwrap());
        headers
    }

    #[track_caller]
    fn check(accept: &str, expected: Option<Media>) {
        let found = negotiate(&headers(accept), ApiVersion(1));
        if let Err(refusal) = &found {
            assert_eq!(refusal.code, Code::NotAcceptable);
        }
        assert_eq!(found.ok(), expected, "{accept}");
    }

    #[test]
    fn media_types() {
        assert_eq!(negotiate(&HeaderMap::new(), ApiVersion(1)), Ok(Media::Json));
        for plain in [
            "*/*",
            "application/*",
            "application/json",
            "APPLICATION/JSON; charset=utf-8",
            "text/html, application/json;q=0.1",
            "text/html,application/xhtml+xml,*/*;q=0.8",
            "application/problem+json",
            "application/vnd.carnet.v1+json;q=0.5, application/json",
            "",
            "nonsense",
        ] {
            check(plain, Some(Media::Json));
        }
        for versioned in [
            "application/vnd.carnet.v1+json",
            "application/vnd.carnet.v1+json, application/json",
            "application/vnd.carnet.v1+json, */*;q=0.1",
        ] {
            check(versioned, Some(Media::Versioned(ApiVersion(1))));
        }
        for refused in [
            "text/html",
            "application/xml, text/*",
            "application/json;q=0",
            "application/json;q=0, */*",
            "*/*;q=0",
            "application/vnd.carnet.v9+json",
        ] {
            check(refused, None);
        }
    }

    #[test]
    fn lines_are_for_lists() {
        for accept in ["application/x-ndjson", "application/jsonl, */*;q=0.1"] {
            let found = negotiate_list(&headers(accept), ApiVersion(1));
            assert_eq!(found, Ok(Media::Lines));
        }
        let found = negotiate_list(&headers("*/*"), ApiVersion(1));
        assert_eq!(found, Ok(Media::Json));
        check("application/x-ndjson", None);
    }

    #[test]
    fn a_version_by_what_is_accepted() {
        let served = [1, 2, 4].map(ApiVersion);
        let check = |accept: &str, expected: Option<u16>| {
            let found = version(&headers(accept), &served);
            assert_eq!(found, expected.map(ApiVersion), "{accept}");
        };
        check("application/vnd.carnet.v2+json", Some(2));
        check("APPLICATION/VND.CARNET.V1+JSON; q=0.3", Some(1));
        check(
            "application/vnd.carnet.v1+json;q=0.9, application/vnd.carnet.v2+json;q=0.8",
            Some(1),
        );
        check(
            "application/vnd.carnet.v1+json, application/vnd.carnet.v4+json",
            Some(4),
        );
        check("application/vnd.carnet.v3+json, */*", None);
        check("application/vnd.carnet.v1+json;q=0", None);
        check("application/json", None);
        assert_eq!(version(&HeaderMap::new(), &served), None);
        // A path that names another version than the header is a contradiction.
        let other = headers("application/vnd.carnet.v2+json");
        assert!(negotiate(&other, ApiVersion(1)).is_err());
        assert_eq!(
            negotiate(&other, ApiVersion(2)),
            Ok(Media::Versioned(ApiVersion(2)))
        );
    }

    #[test]
    fn a_broken_quality_drops_its_element_only() {
        check("application/json;q=2, text/html", None);
        check("application/json;q=0.1234, */*", Some(Media::Json));
    }

    proptest::proptest! {
        #[test]
        fn no_header_panics(text in "[a-z*/;,= .+01q-]{0,40}") {
            let headers = headers(&text);
            let _ignored = (
                negotiate(&headers, ApiVersion(1)),
                version(&headers, &[ApiVersion(1)]),
                problem_form(&headers),
            );
        }
    }

    #[test]
    fn failures() {
        let form = |accept| problem_form(&headers(accept));
        assert_eq!(problem_form(&HeaderMap::new()), ProblemForm::Envelope);
        assert_eq!(form("application/json"), ProblemForm::Envelope);
        assert_eq!(form("*/*"), ProblemForm::Envelope);
        assert_eq!(form("application/problem+json"), ProblemForm::ProblemJson);
        assert_eq!(
            form("application/json, application/problem+json"),
            ProblemForm::ProblemJson
        );
        assert_eq!(
            form("application/json, application/problem+json;q=0.5"),
            ProblemForm::Envelope
        );
        assert_eq!(form("application/problem+json;q=0"), ProblemForm::Envelope);
    }

    #[test]
    fn content_types() {
        assert_eq!(Media::Json.content_type(), "application/json");
        assert_eq!(
            Media::Versioned(ApiVersion(1)).content_type(),
            "application/vnd.carnet.v1+json"
        );
    }
}
