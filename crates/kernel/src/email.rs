//! What an e-mail address is, for fields, value objects and adapters alike. Not whether anybody
//! reads what is sent there.

/// Why a text is not an e-mail address, if it is not: an addr-spec of RFC 5322 without comments,
/// quoted parts or address literals, as HTML's input type reads it.
pub fn fault(text: &str) -> Option<&'static str> {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return Some("it has no `@`");
    };
    let atom =
        |character: char| character.is_alphanumeric() || "!#$%&'*+/=?^_`{|}~-.".contains(character);
    if local.is_empty() || local.len() > 64 || !local.chars().all(atom) || local.contains("..") {
        return Some("the part before `@` is not a mailbox name");
    }
    if local.starts_with('.') || local.ends_with('.') {
        return Some("the part before `@` starts or ends with a dot");
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .chars()
                .all(|character| character.is_alphanumeric() || character == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if domain.len() > 253 || !domain.split('.').all(label) {
        return Some("the part after `@` is not a domain name");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emails() {
        for good in [
            "a@b.eu",
            "first.last+tag@sub.example.org",
            "x@localhost",
            "用户@例え.jp",
        ] {
            assert_eq!(fault(good), None, "{good}");
        }
        for bad in [
            "",
            "a",
            "@b.eu",
            "a@",
            "a..b@c.eu",
            ".a@b.eu",
            "a@-b.eu",
            "a@b..eu",
            "a b@c.eu",
            "a@b@c d",
        ] {
            assert!(fault(bad).is_some(), "{bad}");
        }
    }
}
