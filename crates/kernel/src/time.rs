//! Reading and writing dates, times and durations: RFC 3339 and ISO 8601, UTC, microseconds.
//! Not time zones, calendars or the present moment.
//!
//! Own code, because the same text must come from both databases and because writing a
//! `dateTime` is on the path of every row.

use crate::Append;
use crate::digits::{self, pair};

/// The first and last day that can be stored: 0001-01-01 and 9999-12-31, as days since 1970-01-01.
pub const DAYS: std::ops::RangeInclusive<i32> = -719_162..=2_932_896;

/// Microseconds of a day.
pub const DAY_MICROS: i64 = 86_400_000_000;

/// Why a text is not a date, a time, a moment or a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeError {
    /// Not of the expected form.
    Syntax,
    /// A month, day, hour, minute or second that does not exist (leap seconds included).
    Range,
    /// More than six fraction digits.
    Precision,
    /// A duration in months or years has no fixed length.
    Calendar,
}

impl std::fmt::Display for TimeError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Syntax => "it has not the expected form",
            Self::Range => {
                "it names a moment that does not exist or lies outside the years 0001 to 9999"
            }
            Self::Precision => "it has more than six fraction digits",
            Self::Calendar => "months and years have no fixed length; use weeks, days or hours",
        })
    }
}

impl std::error::Error for TimeError {}

/// Days since 1970-01-01 of a civil date (Hinnant's algorithm).
pub(crate) fn days_from_civil(year: i32, month: u32, day: u32) -> i32 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_index = (month as i32 + 9) % 12;
    let day_of_year = (153 * month_index + 2) / 5 + day as i32 - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month (1 to 12) and day (1 to 31) of a day since 1970-01-01.
pub fn civil_from_days(days: i32) -> (i32, u32, u32) {
    /// So many times 400 years make every day positive.
    const CYCLES: i64 = 14_700;
    let since = i64::from(days) + DAYS_BEFORE_1970 + CYCLES * 146_097;
    let (year, month, day) = civil(since.unsigned_abs());
    ((i64::from(year) - CYCLES * 400) as i32, month, day)
}

/// The days from 0000-03-01 to 1970-01-01.
const DAYS_BEFORE_1970: i64 = 719_468;

/// Year, month and day of a day since 0000-03-01 (Neri and Schneider, "Euclidean affine functions and
/// their application to calendar algorithms", 2022).
#[inline]
fn civil(days: u64) -> (u32, u32, u32) {
    let of_centuries = 4 * days + 3;
    let century = of_centuries / 146_097;
    let of_years = (of_centuries % 146_097) | 3;
    let product = 2_939_745 * of_years;
    let year_of_century = product >> 32;
    let day_of_year = product as u32 / 2_939_745 / 4;
    let of_months = 2_141 * day_of_year + 197_913;
    let (month, day) = (of_months >> 16, (of_months & 0xFFFF) / 2_141 + 1);
    // The year of the algorithm begins in March.
    let is_next = day_of_year >= 306;
    let year = (100 * century + year_of_century) as u32 + u32::from(is_next);
    (year, if is_next { month - 12 } else { month }, day)
}

fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// A reader over ASCII bytes; a multi-byte character is a syntax error wherever it stands.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            bytes: text.as_bytes(),
            at: 0,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn done(&self) -> bool {
        self.at == self.bytes.len()
    }

    fn expect(&mut self, wanted: &[u8]) -> Result<u8, TimeError> {
        match self.peek() {
            Some(byte) if wanted.contains(&byte) => {
                self.at += 1;
                Ok(byte)
            }
            _ => Err(TimeError::Syntax),
        }
    }

    fn digits(&mut self, count: usize) -> Result<u32, TimeError> {
        let mut number = 0;
        for _ in 0..count {
            let byte = self
                .peek()
                .filter(u8::is_ascii_digit)
                .ok_or(TimeError::Syntax)?;
            number = number * 10 + u32::from(byte - b'0');
            self.at += 1;
        }
        Ok(number)
    }

    /// One to six digits after a point, as microseconds.
    fn fraction(&mut self) -> Result<i64, TimeError> {
        let mut micros = 0;
        let mut count = 0;
        while let Some(byte) = self.peek().filter(u8::is_ascii_digit) {
            count += 1;
            if count > 6 {
                return Err(TimeError::Precision);
            }
            micros = micros * 10 + i64::from(byte - b'0');
            self.at += 1;
        }
        if count == 0 {
            return Err(TimeError::Syntax);
        }
        Ok(micros * 10_i64.pow(6 - count))
    }

    fn date(&mut self) -> Result<i32, TimeError> {
        let year = self.digits(4)? as i32;
        self.expect(b"-")?;
        let month = self.digits(2)?;
        self.expect(b"-")?;
        let day = self.digits(2)?;
        if year == 0 || !(1..=12).contains(&month) || day == 0 || day > days_in_month(year, month) {
            return Err(TimeError::Range);
        }
        Ok(days_from_civil(year, month, day))
    }

    fn time(&mut self) -> Result<i64, TimeError> {
        let hour = self.digits(2)?;
        self.expect(b":")?;
        let minute = self.digits(2)?;
        self.expect(b":")?;
        let second = self.digits(2)?;
        let micros = if self.peek() == Some(b'.') {
            self.at += 1;
            self.fraction()?
        } else {
            0
        };
        if hour > 23 || minute > 59 || second > 59 {
            return Err(TimeError::Range);
        }
        Ok(i64::from(hour * 3_600 + minute * 60 + second) * 1_000_000 + micros)
    }
}

/// Days since 1970-01-01 of `YYYY-MM-DD`.
pub fn parse_date(text: &str) -> Result<i32, TimeError> {
    let mut reader = Reader::new(text);
    let days = reader.date()?;
    if reader.done() {
        Ok(days)
    } else {
        Err(TimeError::Syntax)
    }
}

/// Microseconds of the day of `HH:MM:SS[.ffffff]`.
pub fn parse_time(text: &str) -> Result<i64, TimeError> {
    let mut reader = Reader::new(text);
    let micros = reader.time()?;
    if reader.done() {
        Ok(micros)
    } else {
        Err(TimeError::Syntax)
    }
}

/// Microseconds since the epoch of an RFC 3339 moment in any offset.
///
/// ```
/// use carnet_kernel::time::{format_date_time, parse_date_time};
/// let moment = parse_date_time("2026-11-21T06:32:00.5+01:00");
/// assert_eq!(moment.map(format_date_time), Ok("2026-11-21T05:32:00.500000Z".to_owned()));
/// ```
pub fn parse_date_time(text: &str) -> Result<i64, TimeError> {
    let mut reader = Reader::new(text);
    let days = reader.date()?;
    reader.expect(b"Tt")?;
    let micros = reader.time()?;
    let offset = match reader.expect(b"Zz+-")? {
        b'+' => offset_minutes(&mut reader)?,
        b'-' => -offset_minutes(&mut reader)?,
        _ => 0,
    };
    if !reader.done() {
        return Err(TimeError::Syntax);
    }
    let moment = i64::from(days) * DAY_MICROS + micros - offset * 60_000_000;
    let day = moment.div_euclid(DAY_MICROS);
    if i64::from(*DAYS.start()) <= day && day <= i64::from(*DAYS.end()) {
        Ok(moment)
    } else {
        Err(TimeError::Range)
    }
}

fn offset_minutes(reader: &mut Reader<'_>) -> Result<i64, TimeError> {
    let hours = reader.digits(2)?;
    reader.expect(b":")?;
    let minutes = reader.digits(2)?;
    if hours > 23 || minutes > 59 {
        Err(TimeError::Range)
    } else {
        Ok(i64::from(hours * 60 + minutes))
    }
}

/// Microseconds of an ISO 8601 duration in weeks, days, hours, minutes and seconds.
pub fn parse_duration(text: &str) -> Result<i64, TimeError> {
    let (negative, body) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut reader = Reader::new(body);
    reader.expect(b"P")?;
    let mut in_time = false;
    let mut rank = 0;
    let mut parts = 0;
    let mut total = 0_i64;
    while !reader.done() {
        if !in_time && reader.peek() == Some(b'T') {
            reader.at += 1;
            in_time = true;
            parts = 0;
            rank = 2;
            continue;
        }
        let mut number = 0_i64;
        let start = reader.at;
        while let Some(byte) = reader.peek().filter(u8::is_ascii_digit) {
            number = number
                .checked_mul(10)
                .and_then(|n| n.checked_add(i64::from(byte - b'0')))
                .ok_or(TimeError::Range)?;
            reader.at += 1;
        }
        if start == reader.at {
            return Err(TimeError::Syntax);
        }
        let fraction = if in_time && reader.peek() == Some(b'.') {
            reader.at += 1;
            Some(reader.fraction()?)
        } else {
            None
        };
        let (next, micros) = match (reader.expect(b"YMWDHMS")?, in_time) {
            (b'Y' | b'M', false) => return Err(TimeError::Calendar),
            (b'W', false) => (1, 7 * DAY_MICROS),
            (b'D', false) => (2, DAY_MICROS),
            (b'H', true) => (3, 3_600_000_000),
            (b'M', true) => (4, 60_000_000),
            (b'S', true) => (5, 1_000_000),
            _ => return Err(TimeError::Syntax),
        };
        if next <= rank && rank != 0 || (fraction.is_some() && next != 5) {
            return Err(TimeError::Syntax);
        }
        rank = next;
        parts += 1;
        let part = number.checked_mul(micros).ok_or(TimeError::Range)?;
        total = total
            .checked_add(part)
            .and_then(|sum| sum.checked_add(fraction.unwrap_or(0)))
            .ok_or(TimeError::Range)?;
    }
    if parts == 0 {
        return Err(TimeError::Syntax);
    }
    Ok(if negative { -total } else { total })
}

/// Appends `YYYY-MM-DD`.
pub fn write_date(days: i32, out: &mut impl Append) {
    let (year, month, day) = civil_from_days(days);
    let year = year.unsigned_abs();
    if year > 9_999 {
        out.push_text(&format!("{year}-{month:02}-{day:02}"));
        return;
    }
    let mut text = *b"0000-00-00";
    put_date(&mut text, (year, month, day));
    out.push_ascii(&text);
}

/// Fills `0000-00-00`.
#[inline]
fn put_date(text: &mut [u8; 10], (year, month, day): (u32, u32, u32)) {
    text[..2].copy_from_slice(&pair(year / 100));
    text[2..4].copy_from_slice(&pair(year));
    text[5..7].copy_from_slice(&pair(month));
    text[8..].copy_from_slice(&pair(day));
}

/// Appends `HH:MM:SS`, with six fraction digits when there is a fraction.
pub fn write_time(micros: i64, out: &mut impl Append) {
    let mut text = *b"00:00:00.000000";
    put_time(&mut text, micros.unsigned_abs());
    if micros % 1_000_000 == 0 {
        out.push_ascii(&text[..8]);
    } else {
        out.push_ascii(&text);
    }
}

/// Fills `00:00:00.000000`.
#[inline]
fn put_time(text: &mut [u8; 15], micros: u64) {
    let (second, fraction) = ((micros / 1_000_000) as u32, (micros % 1_000_000) as u32);
    text[..2].copy_from_slice(&pair(second / 3_600));
    text[3..5].copy_from_slice(&pair(second / 60 % 60));
    text[6..8].copy_from_slice(&pair(second % 60));
    text[9..11].copy_from_slice(&pair(fraction / 10_000));
    text[11..13].copy_from_slice(&pair(fraction / 100));
    text[13..].copy_from_slice(&pair(fraction));
}

/// Appends RFC 3339 in UTC, always with six fraction digits.
pub fn write_date_time(micros: i64, out: &mut impl Append) {
    if let Some(text) = date_time(micros) {
        out.push_ascii(&text);
        return;
    }
    write_date(micros.div_euclid(DAY_MICROS) as i32, out);
    let mut text = *b"00:00:00.000000";
    put_time(&mut text, micros.rem_euclid(DAY_MICROS).unsigned_abs());
    out.push_ascii(b"T");
    out.push_ascii(&text);
    out.push_ascii(b"Z");
}

/// RFC 3339 in UTC with six fraction digits, of a moment in the years 0001 to 9999.
#[inline]
pub fn date_time(micros: i64) -> Option<[u8; 27]> {
    const LAST: u64 = (*DAYS.end() as i64 + DAYS_BEFORE_1970).unsigned_abs();
    // What lies before becomes too large.
    let since = micros.wrapping_add(DAYS_BEFORE_1970 * DAY_MICROS) as u64;
    let days = since / DAY_MICROS as u64;
    if days > LAST {
        return None;
    }
    let (mut date, mut time) = (*b"0000-00-00", *b"00:00:00.000000");
    put_date(&mut date, civil(days));
    put_time(&mut time, since % DAY_MICROS as u64);
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    text[..10].copy_from_slice(&date);
    text[11..26].copy_from_slice(&time);
    Some(text)
}

/// RFC 3339 in UTC, always with six fraction digits.
pub fn format_date_time(micros: i64) -> String {
    let mut text = String::with_capacity(27);
    write_date_time(micros, &mut text);
    text
}

/// Appends the canonical ISO 8601 form: days, hours, minutes, seconds; `PT0S` for none.
pub fn write_duration(micros: i64, out: &mut impl Append) {
    write_long_duration(i128::from(micros), out);
}

/// The same for a sum of durations, which may be longer than any of them.
pub fn write_long_duration(micros: i128, out: &mut impl Append) {
    if micros < 0 {
        out.push_ascii(b"-");
    }
    out.push_ascii(b"P");
    let total = micros.unsigned_abs();
    let (days, of_day) = (total / DAY_MICROS as u128, total % DAY_MICROS as u128);
    if days > 0 {
        out.push_text(&format!("{days}D"));
    }
    if of_day == 0 && days > 0 {
        return;
    }
    out.push_ascii(b"T");
    let of_day = of_day as i64;
    let (seconds, fraction) = (of_day / 1_000_000, of_day % 1_000_000);
    for (amount, unit) in [(seconds / 3_600, b"H"), (seconds / 60 % 60, b"M")] {
        if amount > 0 {
            digits::write(amount, out);
            out.push_ascii(unit);
        }
    }
    if seconds % 60 > 0 || fraction > 0 || of_day == 0 {
        digits::write(seconds % 60, out);
        if fraction > 0 {
            out.push_text(format!(".{fraction:06}").trim_end_matches('0'));
        }
        out.push_ascii(b"S");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn moment(text: &str, expected: Result<&str, TimeError>) {
        assert_eq!(
            parse_date_time(text).map(format_date_time),
            expected.map(str::to_owned),
            "{text}"
        );
    }

    #[test]
    fn moments() {
        moment("1970-01-01T00:00:00Z", Ok("1970-01-01T00:00:00.000000Z"));
        moment(
            "1969-12-31T23:59:59.999999z",
            Ok("1969-12-31T23:59:59.999999Z"),
        );
        moment(
            "2024-02-29t12:00:00-00:30",
            Ok("2024-02-29T12:30:00.000000Z"),
        );
        moment(
            "9999-12-31T23:59:59.999999Z",
            Ok("9999-12-31T23:59:59.999999Z"),
        );
        moment("0001-01-01T00:00:00Z", Ok("0001-01-01T00:00:00.000000Z"));
        moment("0001-01-01T00:00:00+00:01", Err(TimeError::Range));
        moment("9999-12-31T23:59:59-00:01", Err(TimeError::Range));
        moment("0000-01-01T00:00:00Z", Err(TimeError::Range));
        moment("2023-02-29T00:00:00Z", Err(TimeError::Range));
        moment("2026-06-30T23:59:60Z", Err(TimeError::Range));
        moment("2026-06-30T23:59:59.1234567Z", Err(TimeError::Precision));
        for broken in [
            "",
            "2026-11-21",
            "2026-11-21T00:00:00",
            "2026-11-21T00:00:00.Z",
            "2026-1-1T00:00:00Z",
            "２026-01-01T00:00:00Z",
        ] {
            moment(broken, Err(TimeError::Syntax));
        }
    }

    #[track_caller]
    fn duration(text: &str, expected: Result<&str, TimeError>) {
        let found = parse_duration(text).map(|micros| {
            let mut out = String::new();
            write_duration(micros, &mut out);
            out
        });
        assert_eq!(found, expected.map(str::to_owned), "{text}");
    }

    #[test]
    fn durations() {
        duration("PT0S", Ok("PT0S"));
        duration("P1W", Ok("P7D"));
        duration("P1DT2H3M4.5S", Ok("P1DT2H3M4.5S"));
        duration("PT36H", Ok("P1DT12H"));
        duration("-PT90M", Ok("-PT1H30M"));
        duration("PT0.000001S", Ok("PT0.000001S"));
        duration("P1M", Err(TimeError::Calendar));
        duration("P1Y", Err(TimeError::Calendar));
        duration("PT0.0000001S", Err(TimeError::Precision));
        duration("P99999999999999999999D", Err(TimeError::Range));
        for broken in [
            "", "P", "PT", "P1DT", "1D", "PT1S1H", "P1D1D", "PT1.5H", "P1H", "PT-1S", "P1D2W",
        ] {
            duration(broken, Err(TimeError::Syntax));
        }
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut text = String::new();
        for days in DAYS {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), days);
            assert!((1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day));
        }
        assert_eq!(civil_from_days(0), (1970, 1, 1));
        assert_eq!(civil_from_days(i32::MAX), (5_881_580, 7, 11));
        assert_eq!(civil_from_days(i32::MIN), (-5_877_641, 6, 23));
        write_date(i32::MAX, &mut text);
        assert_eq!(text, "5881580-07-11");
        assert_eq!(format_date_time(i64::MAX), "294247-01-10T04:00:54.775807Z");
    }

    proptest! {
        #[test]
        fn date_round_trip(days in *DAYS.start()..=*DAYS.end()) {
            let mut text = String::new();
            write_date(days, &mut text);
            prop_assert_eq!(text.len(), 10);
            prop_assert_eq!(parse_date(&text), Ok(days));
        }

        #[test]
        fn time_round_trip(micros in 0..DAY_MICROS) {
            let mut text = String::new();
            write_time(micros, &mut text);
            prop_assert_eq!(parse_time(&text), Ok(micros));
        }

        #[test]
        fn duration_round_trip(micros in -9_007_199_254_740_991_i64..9_007_199_254_740_991) {
            let mut text = String::new();
            write_duration(micros, &mut text);
            prop_assert_eq!(parse_duration(&text), Ok(micros));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ignored = (parse_date(&text), parse_time(&text), parse_date_time(&text), parse_duration(&text));
        }
    }
}
