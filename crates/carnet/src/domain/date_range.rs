//! A range of days with both ends. Not a span of moments.

use super::{Date, Invalid};
use serde::{Deserialize, Deserializer, Serialize, de};
use std::fmt;
use std::str::FromStr;

/// The days from `first` to `last`, **both included**, as people write them: a day is a range of
/// one. There is no empty range; one without an end goes to [`Date::MAX`].
///
/// ```
/// use carnet::domain::DateRange;
/// let spring: DateRange = "2026-03-01/2026-05-31".parse().unwrap();
/// let may: DateRange = "2026-05-01/2026-06-15".parse().unwrap();
/// assert_eq!(spring.days(), 92);
/// assert_eq!(spring.intersect(may).unwrap().to_string(), "2026-05-01/2026-05-31");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct DateRange {
    first: Date,
    last: Date,
}

impl DateRange {
    /// The days from `first` to `last`, if `last` is not earlier.
    pub fn new(first: Date, last: Date) -> Result<Self, Invalid> {
        if first <= last {
            return Ok(Self { first, last });
        }
        Err(Invalid::new(
            "range",
            format!("the last day `{last}` is before the first, `{first}`"),
        ))
    }

    /// One day.
    pub fn day(date: Date) -> Self {
        Self {
            first: date,
            last: date,
        }
    }

    /// From `first` on, without an end.
    pub fn since(first: Date) -> Self {
        Self {
            first,
            last: Date::MAX,
        }
    }

    /// The first day that belongs to it.
    pub fn first(self) -> Date {
        self.first
    }

    /// The last day that belongs to it.
    pub fn last(self) -> Date {
        self.last
    }

    /// How many days it has, at least one.
    pub fn days(self) -> u32 {
        self.first.days_until(self.last).unsigned_abs() + 1
    }

    /// Whether `date` belongs to it.
    pub fn contains(self, date: Date) -> bool {
        self.first <= date && date <= self.last
    }

    /// Whether every day of `other` belongs to it.
    pub fn covers(self, other: Self) -> bool {
        self.first <= other.first && other.last <= self.last
    }

    /// Whether they have a day in common.
    pub fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// The days they have in common.
    pub fn intersect(self, other: Self) -> Option<Self> {
        let first = self.first.max(other.first);
        let last = self.last.min(other.last);
        (first <= last).then_some(Self { first, last })
    }

    /// Each day in order.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = Date> {
        (self.first.days()..=self.last.days()).filter_map(Date::from_days)
    }
}

/// `2026-03-01/2026-05-31` (ISO 8601 interval).
impl fmt::Display for DateRange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.first, self.last)
    }
}

impl FromStr for DateRange {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (first, last) = text.split_once('/').ok_or_else(|| {
            Invalid::new(
                "format",
                "it must be a range of days: `YYYY-MM-DD/YYYY-MM-DD`",
            )
        })?;
        Self::new(first.parse()?, last.parse()?)
    }
}

/// `{ "first": "2026-03-01", "last": "2026-05-31" }`.
impl<'de> Deserialize<'de> for DateRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Raw {
            first: Date,
            last: Date,
        }
        let raw = Raw::deserialize(deserializer)?;
        Self::new(raw.first, raw.last).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn range() -> impl Strategy<Value = DateRange> {
        (-40_i32..40, 0_i32..20).prop_map(|(first, days)| DateRange {
            first: Date::from_days(first).unwrap(),
            last: Date::from_days(first + days).unwrap(),
        })
    }

    #[test]
    fn ranges_are_read_and_written() {
        let text = r#"{"first":"2026-03-01","last":"2026-05-31"}"#;
        let range: DateRange = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&range).unwrap(), text);
        assert_eq!(range.to_string().parse(), Ok(range));
        for broken in [
            r#"{"first":"2026-03-02","last":"2026-03-01"}"#,
            r#"{"first":"2026-03-01"}"#,
            r#"{"first":"2026-03-01","last":"2026-03-01","more":1}"#,
        ] {
            assert!(
                serde_json::from_str::<DateRange>(broken).is_err(),
                "{broken}"
            );
        }
        assert!("2026-03-01".parse::<DateRange>().is_err());
    }

    #[test]
    fn the_longest_range_has_a_length() {
        assert_eq!(DateRange::since(Date::MIN).days(), 3_652_059);
        assert_eq!(
            DateRange::day(Date::MAX).iter().next_back(),
            Some(Date::MAX)
        );
    }

    proptest! {
        #[test]
        fn every_answer_follows_from_the_days(a in range(), b in range()) {
            let common: Vec<Date> = a.iter().filter(|day| b.contains(*day)).collect();
            prop_assert_eq!(a.days() as usize, a.iter().count());
            prop_assert_eq!(a.overlaps(b), !common.is_empty());
            prop_assert_eq!(a.covers(b), common.len() == b.iter().count());
            let met: Vec<Date> = a.intersect(b).into_iter().flat_map(DateRange::iter).collect();
            prop_assert_eq!(met, common);
        }
    }
}
