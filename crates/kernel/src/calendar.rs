//! Units of the calendar that moments are grouped by, in UTC. Not arithmetic with durations.

use crate::time;

/// A unit of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CalendarUnit {
    /// From 1 January.
    Year,
    /// From the first day.
    Month,
    /// From Monday (ISO 8601).
    Week,
    /// From midnight.
    Day,
    /// From the full hour.
    Hour,
}

impl CalendarUnit {
    /// Every unit, the longest first.
    pub const ALL: [Self; 5] = [Self::Year, Self::Month, Self::Week, Self::Day, Self::Hour];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Month => "month",
            Self::Week => "week",
            Self::Day => "day",
            Self::Hour => "hour",
        }
    }

    /// The unit of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.as_str() == word)
    }

    /// The first day of the unit that a day lies in, both since 1970-01-01.
    pub fn first_day(self, day: i32) -> i32 {
        let (year, month, _) = time::civil_from_days(day);
        match self {
            Self::Year => time::days_from_civil(year, 1, 1),
            Self::Month => time::days_from_civil(year, month, 1),
            // 1970-01-01 was a Thursday.
            Self::Week => day - (day + 3).rem_euclid(7),
            Self::Day | Self::Hour => day,
        }
    }

    /// The first moment of the unit that a moment lies in, both in microseconds since 1970.
    pub fn first_moment(self, micros: i64) -> i64 {
        const HOUR: i64 = 3_600_000_000;
        if self == Self::Hour {
            return micros - micros.rem_euclid(HOUR);
        }
        let day = micros.div_euclid(time::DAY_MICROS);
        let first = self.first_day(i32::try_from(day).unwrap_or_default());
        i64::from(first) * time::DAY_MICROS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(unit: CalendarUnit, moment: &str, expected: &str) {
        let micros = time::parse_date_time(moment).unwrap();
        let mut found = String::new();
        time::write_date_time(unit.first_moment(micros), &mut found);
        assert_eq!(found, expected);
        assert_eq!(CalendarUnit::parse(unit.as_str()), Some(unit));
    }

    #[test]
    fn moments_go_back_to_the_beginning_of_their_unit() {
        let friday = "2026-11-27T10:11:12.345678Z";
        check(CalendarUnit::Hour, friday, "2026-11-27T10:00:00.000000Z");
        check(CalendarUnit::Day, friday, "2026-11-27T00:00:00.000000Z");
        check(CalendarUnit::Week, friday, "2026-11-23T00:00:00.000000Z");
        check(CalendarUnit::Month, friday, "2026-11-01T00:00:00.000000Z");
        check(CalendarUnit::Year, friday, "2026-01-01T00:00:00.000000Z");
        let early = "1969-12-31T23:59:59.999999Z";
        check(CalendarUnit::Hour, early, "1969-12-31T23:00:00.000000Z");
        check(CalendarUnit::Week, early, "1969-12-29T00:00:00.000000Z");
        check(CalendarUnit::Year, early, "1969-01-01T00:00:00.000000Z");
        // The first day of all is a Monday.
        check(
            CalendarUnit::Week,
            "0001-01-01T00:00:00Z",
            "0001-01-01T00:00:00.000000Z",
        );
    }
}
