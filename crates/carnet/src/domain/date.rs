//! A day of the calendar. Not a moment, which belongs to a time zone.

use super::Invalid;
use carnet_kernel::{Timestamp, Value, time};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

/// A day from 0001-01-01 to 9999-12-31, as a field of type `date` holds it.
///
/// ```
/// use carnet::domain::Date;
/// let day: Date = "2028-02-28".parse().unwrap();
/// assert_eq!(day.plus_days(2).unwrap().to_string(), "2028-03-01");
/// assert_eq!((day.year(), day.month(), day.day()), (2028, 2, 28));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(i32);

impl Date {
    /// 0001-01-01.
    pub const MIN: Self = Self(*time::DAYS.start());
    /// 9999-12-31.
    pub const MAX: Self = Self(*time::DAYS.end());

    /// The day of that year, month (1 to 12) and day of the month, if there is one.
    pub fn new(year: i32, month: u32, day: u32) -> Result<Self, Invalid> {
        format!("{year:04}-{month:02}-{day:02}").parse()
    }

    /// The day that many days after 1970-01-01, if it is within the range.
    pub fn from_days(days: i32) -> Option<Self> {
        time::DAYS.contains(&days).then_some(Self(days))
    }

    /// The day of a moment, in UTC.
    pub fn of(moment: Timestamp) -> Self {
        let days = moment.0.div_euclid(time::DAY_MICROS);
        let days = days.clamp(i64::from(Self::MIN.0), i64::from(Self::MAX.0));
        Self(i32::try_from(days).unwrap_or_default())
    }

    /// Days since 1970-01-01, as [`Value::Date`] counts.
    pub fn days(self) -> i32 {
        self.0
    }

    /// 1 to 9999.
    pub fn year(self) -> i32 {
        time::civil_from_days(self.0).0
    }

    /// 1 to 12.
    pub fn month(self) -> u32 {
        time::civil_from_days(self.0).1
    }

    /// 1 to 31.
    pub fn day(self) -> u32 {
        time::civil_from_days(self.0).2
    }

    /// The day that many days later, or earlier where `days` is below zero; `None` outside the
    /// range.
    pub fn plus_days(self, days: i32) -> Option<Self> {
        self.0.checked_add(days).and_then(Self::from_days)
    }

    /// How many days later `other` is; below zero where it is earlier.
    pub fn days_until(self, other: Self) -> i32 {
        other.0 - self.0
    }
}

impl fmt::Display for Date {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(10);
        time::write_date(self.0, &mut text);
        out.write_str(&text)
    }
}

impl FromStr for Date {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        time::parse_date(text)
            .map(Self)
            .map_err(|_| Invalid::new("format", "it must be a day: `YYYY-MM-DD`"))
    }
}

impl From<Date> for Value {
    fn from(date: Date) -> Self {
        Self::Date(date.0)
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_and_written() {
        let day = Date::new(2026, 11, 27).unwrap();
        assert_eq!(serde_json::to_string(&day).unwrap(), "\"2026-11-27\"");
        assert_eq!(serde_json::from_str::<Date>("\"2026-11-27\"").unwrap(), day);
        assert_eq!(Value::from(day), Value::Date(day.days()));
        for (year, month, day) in [
            (2026, 2, 29),
            (0, 1, 1),
            (10_000, 1, 1),
            (-1, 1, 1),
            (2026, 13, 1),
        ] {
            assert!(Date::new(year, month, day).is_err(), "{year}-{month}-{day}");
        }
        assert!("27.11.2026".parse::<Date>().is_err());
    }

    #[test]
    fn the_calendar_has_ends() {
        assert_eq!(Date::MIN.to_string(), "0001-01-01");
        assert_eq!(Date::MAX.to_string(), "9999-12-31");
        assert_eq!(Date::MAX.plus_days(1), None);
        assert_eq!(Date::MIN.plus_days(i32::MIN), None);
        assert_eq!(Date::of(Timestamp(i64::MAX)), Date::MAX);
        assert_eq!(Date::of(Timestamp(i64::MIN)), Date::MIN);
        assert_eq!(Date::of(Timestamp(-1)).to_string(), "1969-12-31");
        assert_eq!(Date::MIN.days_until(Date::MAX), 3_652_058);
    }
}
