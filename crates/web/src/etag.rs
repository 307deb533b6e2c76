//! Entity tags from record versions and the `If-Match` precondition (RFC 9110 sections 8.8.3 and
//! 13.1.1). Not the comparison inside a transaction: that is a guard of the write.

use carnet_kernel::{Code, Detail, Refusal};
use http::{HeaderMap, HeaderValue, header};

/// The strong entity tag of a record's version: `"3"`.
pub fn etag(version: i64) -> HeaderValue {
    HeaderValue::try_from(format!("\"{version}\""))
        .unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

/// What an `If-Match` header demands of the record that is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// `*`: any version, as long as the record exists.
    Any,
    /// One of these versions. Weak tags and tags that are no version match nothing, so they are
    /// left out: the list may be empty, and then nothing matches.
    Versions(Vec<i64>),
}

impl IfMatch {
    /// Reads the header; `None` without one.
    ///
    /// Text that is not a list of entity tags is `MALFORMED_REQUEST`. A weak tag (`W/"3"`) is
    /// well-formed but never equal under the strong comparison that `If-Match` demands.
    pub fn from_headers(headers: &HeaderMap) -> Result<Option<Self>, Refusal> {
        let mut versions = Vec::new();
        let mut seen = false;
        let mut any = false;
        for value in headers.get_all(header::IF_MATCH) {
            let text = value.to_str().map_err(|_| malformed())?;
            seen = true;
            if text.trim() == "*" {
                any = true;
            } else {
                read_list(text, &mut versions)?;
            }
        }
        match (seen, any) {
            (false, _) => Ok(None),
            (true, true) => Ok(Some(Self::Any)),
            (true, false) => Ok(Some(Self::Versions(versions))),
        }
    }

    /// Whether a record of that version may be written.
    pub fn matches(&self, version: i64) -> bool {
        match self {
            Self::Any => true,
            Self::Versions(versions) => versions.contains(&version),
        }
    }

    /// The only version this allows, when it names exactly one.
    pub fn version(&self) -> Option<i64> {
        match self {
            Self::Versions(versions) if versions.len() == 1 => versions.first().copied(),
            _ => None,
        }
    }
}

fn read_list(text: &str, versions: &mut Vec<i64>) -> Result<(), Refusal> {
    let mut rest = text.trim_start();
    let mut tags = 0;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(',') {
            rest = after.trim_start();
            continue;
        }
        let (weak, quoted) = match rest.strip_prefix("W/") {
            Some(after) => (true, after),
            None => (false, rest),
        };
        let (tag, after) = quoted
            .strip_prefix('"')
            .and_then(|inner| inner.split_once('"'))
            .ok_or_else(malformed)?;
        if tag.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return Err(malformed());
        }
        tags += 1;
        // Only the canonical text of a version is equal to it: `"03"` is another tag than `"3"`.
        if let Some(version) = tag.parse::<i64>().ok().filter(|v| v.to_string() == tag)
            && !weak
        {
            versions.push(version);
        }
        rest = after.trim_start();
        if !rest.is_empty() && !rest.starts_with(',') {
            return Err(malformed());
        }
    }
    if tags == 0 { Err(malformed()) } else { Ok(()) }
}

fn malformed() -> Refusal {
    Refusal::new(
        Code::MalformedRequest,
        "the header `If-Match` cannot be read",
    )
    .with(Detail::new(
        "If-Match",
        "entityTag",
        "expected `\"<version>\"` in double quotes, a comma-separated list of them, or `*`",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(lines: &[&str], expected: Result<Option<IfMatch>, Code>) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::IF_MATCH, HeaderValue::from_str(line).unwrap());
        }
        let found = IfMatch::from_headers(&headers).map_err(|refusal| refusal.code);
        assert_eq!(found, expected, "{lines:?}");
    }

    fn versions(versions: &[i64]) -> Result<Option<IfMatch>, Code> {
        Ok(Some(IfMatch::Versions(versions.to_vec())))
    }

    #[test]
    fn reading() {
        check(&[], Ok(None));
        check(&["*"], Ok(Some(IfMatch::Any)));
        check(&["\"3\""], versions(&[3]));
        check(&[" \"3\" ,\"4\",, \"5\""], versions(&[3, 4, 5]));
        check(&["\"3\"", "\"4\""], versions(&[3, 4]));
        check(&["\"3\"", "*"], Ok(Some(IfMatch::Any)));
        check(&["W/\"3\""], versions(&[]));
        check(&["W/\"3\", \"4\""], versions(&[4]));
        check(&["\"abc\""], versions(&[]));
        check(&["\"03\""], versions(&[]));
        check(&["\"99999999999999999999\""], versions(&[]));
        for broken in [
            "",
            " ",
            ",",
            "3",
            "\"3",
            "3\"",
            "\"3\"4",
            "\"3\" \"4\"",
            "w/\"3\"",
            "\"a b\"",
            "*, \"3\"",
        ] {
            check(&[broken], Err(Code::MalformedRequest));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_header_panics(text in "[\"W/ ,*0-9a]{0,24}") {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_MATCH, HeaderValue::from_str(&text).unwrap());
            let _ignored = IfMatch::from_headers(&headers);
        }
    }

    #[test]
    fn comparing() {
        assert!(IfMatch::Any.matches(9));
        assert!(IfMatch::Versions(vec![3, 4]).matches(4));
        assert!(!IfMatch::Versions(vec![]).matches(4));
        assert_eq!(IfMatch::Versions(vec![3]).version(), Some(3));
        assert_eq!(IfMatch::Any.version(), None);
        assert_eq!(etag(3), "\"3\"");
    }
}
