//! The media type of a request body: what is read here, what is refused with 415.

use crate::accept::of_version;
use carnet_kernel::{ApiVersion, Code, Detail, Refusal};
use http::{HeaderMap, header};

/// A kind of body that operations read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyType {
    /// `application/json`, or the type that names the version of the API.
    Json,
    /// `application/merge-patch+json` (RFC 7396).
    MergePatch,
}

impl BodyType {
    /// The media type as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::MergePatch => "application/merge-patch+json",
        }
    }
}

/// The kind of the body, if it is one of `allowed`; else `UNSUPPORTED_MEDIA_TYPE`. A body that names
/// another `version` of the API than its address is refused too.
///
/// A charset other than UTF-8 and a `Content-Encoding` are refused as well: bodies are read as
/// they stand. A missing `Content-Type` is refused, because a browser sends such bodies across
/// origins without asking.
pub fn require(
    headers: &HeaderMap,
    allowed: &[BodyType],
    version: ApiVersion,
) -> Result<BodyType, Refusal> {
    let refuse = |message: String| {
        let offered: Vec<_> = allowed
            .iter()
            .map(|kind| format!("`{}`", kind.as_str()))
            .collect();
        Err(
            Refusal::new(Code::UnsupportedMediaType, message).with(Detail::new(
                "Content-Type",
                "allowed",
                format!("expected {}", offered.join(" or ")),
            )),
        )
    };
    if let Some(encoding) = headers.get(header::CONTENT_ENCODING)
        && !encoding.as_bytes().eq_ignore_ascii_case(b"identity")
    {
        return Err(Refusal::new(
            Code::UnsupportedMediaType,
            "encoded bodies are not read here",
        )
        .with(Detail::new(
            "Content-Encoding",
            "allowed",
            "send the body without `Content-Encoding`",
        )));
    }
    let mut lines = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (lines.next(), lines.next()) else {
        return refuse("the body needs exactly one `Content-Type`".to_owned());
    };
    let Ok(text) = value.to_str() else {
        return refuse("the header `Content-Type` cannot be read".to_owned());
    };
    let mut parts = text.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default().to_ascii_lowercase();
    let kind = match media.as_str() {
        "application/json" => BodyType::Json,
        "application/merge-patch+json" => BodyType::MergePatch,
        named if named == of_version(version) => BodyType::Json,
        _ => {
            let shown: String = media.chars().take(100).collect();
            return refuse(format!("a body of type `{shown}` is not read here"));
        }
    };
    if !allowed.contains(&kind) {
        return refuse(format!("a body of type `{media}` is not read here"));
    }
    for parameter in parts {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = value.trim().trim_matches('"');
        if name.trim().eq_ignore_ascii_case("charset") && !value.eq_ignore_ascii_case("utf-8") {
            return refuse("a body in another charset than UTF-8 is not read here".to_owned());
        }
    }
    Ok(kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    const V1: ApiVersion = ApiVersion(1);

    #[track_caller]
    fn check(content_type: &str, expected: Option<BodyType>) {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_bytes(content_type.as_bytes()).unwrap(),
        );
        let found = require(&headers, &[BodyType::Json, BodyType::MergePatch], V1);
        if let Err(refusal) = &found {
            assert_eq!(refusal.code, Code::UnsupportedMediaType);
        }
        assert_eq!(found.ok(), expected, "{content_type}");
    }

    #[test]
    fn types() {
        check("application/json", Some(BodyType::Json));
        check("Application/JSON; Charset=UTF-8", Some(BodyType::Json));
        check("application/json;charset=\"utf-8\"", Some(BodyType::Json));
        check("application/vnd.carnet.v1+json", Some(BodyType::Json));
        check("application/merge-patch+json", Some(BodyType::MergePatch));
        for refused in [
            "text/plain",
            "application/jsonp",
            "application/json; charset=latin1",
            "application/json, text/plain",
            "application/jsoné",
            "",
        ] {
            check(refused, None);
        }
    }

    #[test]
    fn a_merge_patch_only_where_it_is_allowed() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/merge-patch+json"),
        );
        let refusal = require(&headers, &[BodyType::Json], V1).unwrap_err();
        assert!(
            refusal.message.contains("`application/merge-patch+json`"),
            "{refusal:?}"
        );
        assert_eq!(refusal.details[0].message, "expected `application/json`");
    }

    #[test]
    fn missing_twice_or_encoded() {
        let mut headers = HeaderMap::new();
        assert!(require(&headers, &[BodyType::Json], V1).is_err());
        headers.append(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        headers.insert(
            header::CONTENT_ENCODING,
            HeaderValue::from_static("identity"),
        );
        assert!(require(&headers, &[BodyType::Json], V1).is_ok());
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        assert!(require(&headers, &[BodyType::Json], V1).is_err());
        headers.remove(header::CONTENT_ENCODING);
        headers.append(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        assert!(require(&headers, &[BodyType::Json], V1).is_err());
    }
}
