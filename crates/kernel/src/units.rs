//! Values with units, as configuration files write them. Not the definition language's durations.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A length of time in a configuration file: `250ms`, `10s`, `5m`, `1h`, `365d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(pub Duration);

impl Period {
    /// Whole milliseconds.
    pub const fn millis(count: u64) -> Self {
        Self(Duration::from_millis(count))
    }

    /// Whole seconds.
    pub const fn seconds(count: u64) -> Self {
        Self(Duration::from_secs(count))
    }
}

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = split(text);
        let factor = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => {
                return Err(format!(
                    "`{text}` is not a period such as `250ms`, `10s`, `5m`, `1h` or `365d`"
                ));
            }
        };
        number
            .and_then(|number| number.checked_mul(factor))
            .map(Self::millis)
            .ok_or_else(|| format!("`{text}` is not a period such as `250ms` or `10s`"))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        for (factor, unit) in [
            (86_400_000, "d"),
            (3_600_000, "h"),
            (60_000, "m"),
            (1_000, "s"),
        ] {
            if millis > 0 && millis.is_multiple_of(factor) {
                return write!(out, "{}{unit}", millis / factor);
            }
        }
        write!(out, "{millis}ms")
    }
}

/// A number of bytes in a configuration file: `512`, `64KB`, `50MB`, `2GB` (powers of 1024).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = split(text);
        let factor = match unit.to_ascii_uppercase().as_str() {
            "" | "B" => 1,
            "KB" => 1 << 10,
            "MB" => 1 << 20,
            "GB" => 1 << 30,
            _ => return Err(format!("`{text}` is not a size such as `64KB` or `50MB`")),
        };
        number
            .and_then(|number| number.checked_mul(factor))
            .map(Self)
            .ok_or_else(|| format!("`{text}` is not a size such as `64KB` or `50MB`"))
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (factor, unit) in [(1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB")] {
            if self.0 > 0 && self.0.is_multiple_of(factor) {
                return write!(out, "{}{unit}", self.0 / factor);
            }
        }
        write!(out, "{}", self.0)
    }
}

fn split(text: &str) -> (Option<u64>, &str) {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    (number.parse().ok(), unit.trim())
}

macro_rules! as_text {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                out.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
                String::deserialize(reader)?
                    .parse()
                    .map_err(serde::de::Error::custom)
            }
        }
    };
}

as_text!(Period);
as_text!(ByteSize);

/// A text that no log, error or printed configuration shows.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text` from being shown.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("[redacted]")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn period(text: &str, expected: Option<&str>) {
        assert_eq!(
            text.parse::<Period>()
                .ok()
                .map(|period| period.to_string())
                .as_deref(),
            expected,
            "{text}"
        );
    }

    #[test]
    fn periods_and_sizes() {
        period("250ms", Some("250ms"));
        period("60s", Some("1m"));
        period("1h", Some("1h"));
        period("10", None);
        period("-1s", None);
        period("99999999999999999999d", None);
        assert_eq!(
            "50MB".parse::<ByteSize>().map(|size| size.0),
            Ok(52_428_800)
        );
        assert_eq!(ByteSize(52_428_800).to_string(), "50MB");
    }

    #[test]
    fn a_secret_is_not_shown() {
        let secret = Secret::new("hunter2");
        assert_eq!(
            format!("{secret:?} {}", serde_json::json!(secret)),
            "[redacted] \"[redacted]\""
        );
    }
}
