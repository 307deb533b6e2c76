//! The checks of single values that no library does for us. Not type conversion.

/// Why a text is not an absolute URL (WHATWG URL), if it is not.
pub(super) fn url_fault(text: &str) -> Option<String> {
    if text
        .chars()
        .any(|character| character.is_control() || character == ' ')
    {
        return Some("it holds a space or a control character".to_owned());
    }
    match url::Url::parse(text) {
        Ok(url) if url.cannot_be_a_base() || url.has_host() => None,
        Ok(_) => Some("it has no host".to_owned()),
        Err(error) => Some(error.to_string()),
    }
}

/// Whether a text has the form of a language tag (BCP 47, RFC 5646 section 2.1, without registry).
pub(super) fn is_language_tag(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let language = parts.next().is_some_and(|part| {
        (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic())
    });
    language
        && tag.len() <= 35
        && parts.all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for good in [
            "https://example.org/01/09506000134352",
            "urn:uuid:0192",
            "did:web:example.org",
            "http://[::1]:80/",
        ] {
            assert_eq!(url_fault(good), None, "{good}");
        }
        for bad in [
            "",
            "example.org",
            "/a",
            "https://",
            "https://a b",
            "http://\u{1}",
        ] {
            assert!(url_fault(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn language_tags() {
        assert!(is_language_tag("de") && is_language_tag("zh-Hant-TW"));
        assert!(
            !is_language_tag("d")
                && !is_language_tag("de_DE")
                && !is_language_tag("")
                && !is_language_tag("de-")
        );
    }
}
