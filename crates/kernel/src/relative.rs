//! Moments relative to the present one: `now`, `now-7d`, `now+1M/d`. UTC; not time zones.

use crate::Timestamp;
use crate::time::{self, TimeError};
use std::fmt;

/// Why a text is not a relative moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelativeError {
    /// Not of the form.
    Syntax,
    /// Outside the years 0001 to 9999.
    Range,
}

impl fmt::Display for RelativeError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax => out.write_str(
                "it must be `now`, or `now` with steps such as `-7d`, `+1M` and `/d` behind it \
                 (units: s m h d w M y)",
            ),
            Self::Range => TimeError::Range.fmt(out),
        }
    }
}

impl std::error::Error for RelativeError {}

/// Reads `now` and the steps behind it, from left to right: `+3h` and `-3h` move, `/d` goes back to
/// the beginning of the day. Weeks begin on Monday; a month's end stays within the month
/// (31 January `+1M` is the last of February). A `+` that an address made a space is a plus.
///
/// ```
/// use carnet_kernel::{Timestamp, relative};
/// let now = Timestamp(1_764_000_000_000_000); // 2025-11-24T16:00:00Z
/// let moment = |text| relative::moment(text, now).map(|moment| moment.to_string());
/// assert_eq!(moment("now/d").as_deref(), Ok("2025-11-24T00:00:00.000000Z"));
/// assert_eq!(moment("now-1M/M").as_deref(), Ok("2025-10-01T00:00:00.000000Z"));
/// ```
pub fn moment(text: &str, now: Timestamp) -> Result<Timestamp, RelativeError> {
    let mut rest = text.strip_prefix("now").ok_or(RelativeError::Syntax)?;
    let mut micros = now.0;
    let mut steps = 0;
    while let Some(sign) = rest.chars().next() {
        steps += 1;
        if steps > 8 {
            return Err(RelativeError::Syntax);
        }
        let after = rest.get(sign.len_utf8()..).ok_or(RelativeError::Syntax)?;
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        let (amount, behind) = after.split_at(digits);
        let unit = behind.chars().next().ok_or(RelativeError::Syntax)?;
        rest = behind.get(unit.len_utf8()..).ok_or(RelativeError::Syntax)?;
        micros = match (sign, amount) {
            ('/', "") => floor(micros, unit)?,
            ('+' | ' ' | '-', amount) if (1..=9).contains(&amount.len()) => {
                let amount: i64 = amount.parse().map_err(|_| RelativeError::Syntax)?;
                moved(micros, if sign == '-' { -amount } else { amount }, unit)?
            }
            _ => return Err(RelativeError::Syntax),
        };
    }
    Ok(Timestamp(within(micros)?))
}

const SECOND: i64 = 1_000_000;

/// The length of a unit that has one.
fn length(unit: char) -> Option<i64> {
    Some(match unit {
        's' => SECOND,
        'm' => 60 * SECOND,
        'h' => 3_600 * SECOND,
        'd' => time::DAY_MICROS,
        'w' => 7 * time::DAY_MICROS,
        _ => return None,
    })
}

fn within(micros: i64) -> Result<i64, RelativeError> {
    let day = i32::try_from(micros.div_euclid(time::DAY_MICROS));
    day.ok()
        .filter(|day| time::DAYS.contains(day))
        .map(|_| micros)
        .ok_or(RelativeError::Range)
}

fn moved(micros: i64, amount: i64, unit: char) -> Result<i64, RelativeError> {
    if let Some(length) = length(unit) {
        let sum = length
            .checked_mul(amount)
            .and_then(|by| micros.checked_add(by));
        return within(sum.ok_or(RelativeError::Range)?);
    }
    let months = match unit {
        'M' => amount,
        'y' => amount * 12,
        _ => return Err(RelativeError::Syntax),
    };
    let day = micros.div_euclid(time::DAY_MICROS);
    let (year, month, date) = time::civil_from_days(day as i32);
    let month = i64::from(year) * 12 + i64::from(month) - 1 + months;
    let year = i32::try_from(month.div_euclid(12)).map_err(|_| RelativeError::Range)?;
    if !(1..=9_999).contains(&year) {
        return Err(RelativeError::Range);
    }
    let month = month.rem_euclid(12) as u32 + 1;
    let first = time::days_from_civil(year, month, 1);
    let next = match month {
        12 => time::days_from_civil(year + 1, 1, 1),
        _ => time::days_from_civil(year, month + 1, 1),
    };
    let day = (first + date as i32 - 1).min(next - 1);
    within(i64::from(day) * time::DAY_MICROS + micros.rem_euclid(time::DAY_MICROS))
}

fn floor(micros: i64, unit: char) -> Result<i64, RelativeError> {
    let day = micros.div_euclid(time::DAY_MICROS) as i32;
    let (year, month, _) = time::civil_from_days(day);
    let start = match unit {
        // 1970-01-01 was a Thursday.
        'w' => day - (day + 3).rem_euclid(7),
        'M' => time::days_from_civil(year, month, 1),
        'y' => time::days_from_civil(year, 1, 1),
        unit => {
            let length = length(unit).ok_or(RelativeError::Syntax)?;
            return within(micros - micros.rem_euclid(length));
        }
    };
    within(i64::from(start) * time::DAY_MICROS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, RelativeError>) {
        // 2026-11-27T10:11:12.345678Z, a Friday.
        let now = Timestamp(time::parse_date_time("2026-11-27T10:11:12.345678Z").unwrap());
        let found = moment(text, now).map(|moment| moment.to_string());
        assert_eq!(found, expected.map(str::to_owned), "{text}");
    }

    #[test]
    fn steps_from_left_to_right() {
        check("now", Ok("2026-11-27T10:11:12.345678Z"));
        check("now-7d", Ok("2026-11-20T10:11:12.345678Z"));
        check("now 2h", Ok("2026-11-27T12:11:12.345678Z"));
        check("now+90s/m", Ok("2026-11-27T10:12:00.000000Z"));
        check("now/d", Ok("2026-11-27T00:00:00.000000Z"));
        check("now/w", Ok("2026-11-23T00:00:00.000000Z"));
        check("now-1y/y", Ok("2025-01-01T00:00:00.000000Z"));
        check("now/M-1d", Ok("2026-10-31T00:00:00.000000Z"));
        check("now/M+2M+30d-1M", Ok("2026-12-31T00:00:00.000000Z"));
        check("now/y+1M+30d", Ok("2026-03-03T00:00:00.000000Z"));
        check("now/y+30d+1M", Ok("2026-02-28T00:00:00.000000Z"));
    }

    #[test]
    fn what_is_refused() {
        for text in [
            "",
            "no",
            "now+",
            "now+d",
            "now+1",
            "now+1x",
            "now/1d",
            "now*1d",
            "now-1234567890d",
            "nowadays",
            "now/é",
        ] {
            check(text, Err(RelativeError::Syntax));
        }
        check("now-9999y", Err(RelativeError::Range));
        check("now+999999999w", Err(RelativeError::Range));
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(
            text in "now[-+/ ]?[0-9]{0,10}[smhdwMyé]?([-+/][0-9]{0,9}[smhdwMy]){0,3}",
            micros in -62_135_596_800_000_000_i64..=253_402_300_799_999_999,
        ) {
            if let Ok(moment) = moment(&text, Timestamp(micros)) {
                prop_assert!(within(moment.0).is_ok());
            }
        }
    }
}
