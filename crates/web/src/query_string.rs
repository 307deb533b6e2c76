//! The raw query of an address as ordered pairs, strictly decoded. What a key means (brackets,
//! operators, repeats) is for its reader.

use crate::percent::{self, Plus};
use carnet_kernel::{Code, Detail, Refusal};
use http::request::Parts;

/// How much of a query is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest raw query, in bytes.
    pub bytes: usize,
    /// The most pairs.
    pub pairs: usize,
}

impl Default for Limits {
    /// 16 KiB and 1,000 pairs.
    fn default() -> Self {
        Self {
            bytes: 16 * 1024,
            pairs: 1_000,
        }
    }
}

/// The pairs of a request's query, under the limits that the edge set.
pub fn from_parts(parts: &Parts) -> Result<Vec<(String, String)>, Refusal> {
    let limits = parts.extensions.get().copied().unwrap_or_default();
    parse(parts.uri.query(), limits)
}

/// Splits and decodes a raw query into (key, value) pairs in the order they stand.
///
/// `+` is a space, a key without `=` has the empty value, empty pairs (`&&`) are passed over.
/// A query over the limits is `URI_TOO_LONG`; broken percent sequences, bytes that are not UTF-8
/// and U+0000 are `MALFORMED_REQUEST` with their place.
///
/// ```
/// use carnet_web::query_string::{Limits, parse};
/// let pairs = parse(Some("filter%5Bname%5D=a+b&sort"), Limits::default());
/// let expected = vec![
///     ("filter[name]".to_owned(), "a b".to_owned()),
///     ("sort".to_owned(), String::new()),
/// ];
/// assert_eq!(pairs, Ok(expected));
/// ```
pub fn parse(raw: Option<&str>, limits: Limits) -> Result<Vec<(String, String)>, Refusal> {
    let Some(raw) = raw.filter(|raw| !raw.is_empty()) else {
        return Ok(Vec::new());
    };
    if raw.len() > limits.bytes {
        return Err(too_long(format!(
            "the query has {} bytes, the limit is {}",
            raw.len(),
            limits.bytes
        )));
    }
    let mut pairs = Vec::new();
    let mut offset = 0;
    for part in raw.split('&') {
        let start = offset;
        offset += part.len() + 1;
        if part.is_empty() {
            continue;
        }
        if pairs.len() == limits.pairs {
            return Err(too_long(format!(
                "the query has more than {} parameters",
                limits.pairs
            )));
        }
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        pairs.push((
            percent::decode(key, Plus::Space, "query", start)?,
            percent::decode(value, Plus::Space, "query", start + key.len() + 1)?,
        ));
    }
    Ok(pairs)
}

fn too_long(message: String) -> Refusal {
    Refusal::new(Code::UriTooLong, message.clone()).with(Detail::new("query", "max", message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(raw: &str, expected: &[(&str, &str)]) {
        let expected: Vec<_> = expected
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        assert_eq!(parse(Some(raw), Limits::default()), Ok(expected));
    }

    #[test]
    fn pairs_in_order() {
        check("", &[]);
        check("a=1&b=2&a=3", &[("a", "1"), ("b", "2"), ("a", "3")]);
        check("&&a=&=b&c", &[("a", ""), ("", "b"), ("c", "")]);
        check("a=b=c", &[("a", "b=c")]);
        check("filter[or][0][x]=%26", &[("filter[or][0][x]", "&")]);
    }

    #[test]
    fn the_place_counts_from_the_start_of_the_query() {
        let refusal = parse(Some("a=1&bb=x%2"), Limits::default()).unwrap_err();
        assert!(
            refusal.details[0].message.contains("at byte 8 "),
            "{refusal:?}"
        );
    }

    #[test]
    fn limits() {
        let limits = Limits {
            bytes: 10,
            pairs: 2,
        };
        assert_eq!(
            parse(Some("a&b"), limits).map(|pairs| pairs.len()),
            Ok(2_usize)
        );
        for long in ["a&b&c", "aaaaaaaaaaa"] {
            let refusal = parse(Some(long), limits).unwrap_err();
            assert_eq!(refusal.code, Code::UriTooLong, "{long}");
        }
    }

    proptest! {
        #[test]
        fn encoded_text_comes_back(key in "\\PC{1,12}", value in "\\PC{0,12}") {
            let encode = |text: &str| -> String {
                text.bytes().map(|byte| format!("%{byte:02X}")).collect()
            };
            let raw = format!("{}={}", encode(&key), encode(&value));
            prop_assert_eq!(parse(Some(&raw), Limits::default()), Ok(vec![(key, value)]));
        }

        #[test]
        fn no_text_panics(raw in "[a-f0-9%+&=é]{0,40}") {
            let _ignored = parse(Some(&raw), Limits { bytes: 60, pairs: 3 });
        }
    }
}
