//! The version of an API that a request speaks. Not the version of a record or of the language.

use std::fmt;

/// A version of the API: 1 is `v1` in addresses and definitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiVersion(pub u16);

impl ApiVersion {
    /// The version of a deployment that declares none.
    pub const FIRST: Self = Self(1);

    /// Reads `v1`: no other letters, no leading zero, from 1 to 65,535.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('v')?;
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
        let number = digits.parse().ok().filter(|_| plain)?;
        Some(Self(number))
    }

    /// Whether a text is meant as a version: a `v` before digits alone.
    pub fn is_meant(text: &str) -> bool {
        text.strip_prefix('v').is_some_and(|digits| {
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
        })
    }
}

impl Default for ApiVersion {
    fn default() -> Self {
        Self::FIRST
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "v{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_as_text() {
        for (text, expected) in [
            ("v1", Some(1)),
            ("v65535", Some(65_535)),
            ("v65536", None),
            ("v0", None),
            ("v01", None),
            ("v+1", None),
            ("V1", None),
            ("v", None),
            ("1", None),
            ("v1a", None),
            ("", None),
        ] {
            assert_eq!(ApiVersion::parse(text), expected.map(ApiVersion), "{text}");
        }
        assert_eq!(ApiVersion(12).to_string(), "v12");
        assert!(ApiVersion::is_meant("v99999999") && ApiVersion::is_meant("v01"));
        assert!(!ApiVersion::is_meant("v") && !ApiVersion::is_meant("values"));
    }
}
