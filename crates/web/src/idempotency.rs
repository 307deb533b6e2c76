//! The `Idempotency-Key` header of writes and the header of answers that are given again. Not what
//! makes a write happen once: that is part of its transaction.

use carnet_kernel::{Code, Detail, Refusal};
use http::{HeaderMap, HeaderName};

/// The caller's key of one write.
pub const KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// On an answer that was given before: `true`.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The longest key.
const LONGEST: usize = 255;

/// Reads the header; `None` without one.
///
/// `MALFORMED_REQUEST` for anything but one value of 1 to 255 visible ASCII characters.
pub fn key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let mut values = headers.get_all(KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default();
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    if values.next().is_some() || !visible || text.is_empty() || text.len() > LONGEST {
        let message =
            format!("an `Idempotency-Key` is one value of 1 to {LONGEST} visible ASCII characters");
        return Err(
            Refusal::new(Code::MalformedRequest, message.clone()).with(Detail::new(
                "Idempotency-Key",
                "format",
                message,
            )),
        );
    }
    Ok(Some(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[track_caller]
    fn check(values: &[&str], expected: Result<Option<&str>, Code>) {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(KEY, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let found = key(&headers).map_err(|refusal| refusal.code);
        assert_eq!(
            found,
            expected.map(|key| key.map(str::to_owned)),
            "{values:?}"
        );
    }

    #[test]
    fn keys() {
        check(&[], Ok(None));
        check(&["a"], Ok(Some("a")));
        check(
            &["\"8e03978e-40d5-43dd\""],
            Ok(Some("\"8e03978e-40d5-43dd\"")),
        );
        let long = "k".repeat(255);
        check(&[&long], Ok(Some(&long)));
        for bad in ["", "a b", "\u{e9}", &"k".repeat(256)] {
            check(&[bad], Err(Code::MalformedRequest));
        }
        check(&["a", "a"], Err(Code::MalformedRequest));
    }
}
