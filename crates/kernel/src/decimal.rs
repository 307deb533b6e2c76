//! Exact decimals as scaled integers. Not arbitrary precision: 18 digits, as both databases store.

use crate::{Append, digits};
use std::fmt;
use std::str::FromStr;

/// The most significant digits a decimal can have now.
pub const MAX_PRECISION: u8 = 18;

/// `unscaled / 10^scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    /// The digits as an integer.
    pub unscaled: i64,
    /// How many of them stand after the point.
    pub scale: u8,
}

/// Why a text is not a decimal of the asked scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalError {
    /// Not a JSON number.
    Syntax,
    /// More digits after the point than the scale allows.
    Fraction,
    /// More digits than the precision allows.
    Range,
}

impl Decimal {
    /// Reads the text of a JSON number (RFC 8259, exponents included) exactly.
    ///
    /// ```
    /// use carnet_kernel::{Decimal, DecimalError};
    /// assert_eq!(Decimal::parse("12.5", 12, 2).map(|d| d.to_string()), Ok("12.50".to_owned()));
    /// assert_eq!(Decimal::parse("1e2", 12, 2).map(|d| d.unscaled), Ok(10_000));
    /// assert_eq!(Decimal::parse("0.001", 12, 2), Err(DecimalError::Fraction));
    /// ```
    pub fn parse(text: &str, precision: u8, scale: u8) -> Result<Self, DecimalError> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (digits, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((_, "")) => return Err(DecimalError::Syntax),
            Some(parts) => parts,
            None => (mantissa, ""),
        };
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        if whole.is_empty() || leading_zero || !all_digits(whole) || !all_digits(fraction) {
            return Err(DecimalError::Syntax);
        }
        let digits = format!("{whole}{fraction}");
        let significant = digits.trim_start_matches('0');
        let trimmed = significant.trim_end_matches('0');
        if trimmed.is_empty() {
            return Ok(Self { unscaled: 0, scale });
        }
        let dropped = (significant.len() - trimmed.len()) as i64;
        // value = trimmed × 10^shift
        let shift = exponent - fraction.len() as i64 + dropped;
        let places = shift + i64::from(scale);
        if places < 0 {
            return Err(DecimalError::Fraction);
        }
        if trimmed.len() as i64 + places > i64::from(precision.min(MAX_PRECISION)) {
            return Err(DecimalError::Range);
        }
        let mut unscaled: i64 = trimmed.parse().map_err(|_| DecimalError::Range)?;
        for _ in 0..places {
            unscaled *= 10;
        }
        Ok(Self {
            unscaled: if negative { -unscaled } else { unscaled },
            scale,
        })
    }

    /// Appends the text with exactly `scale` fraction digits.
    pub fn write(self, out: &mut impl Append) {
        let mut room = [0_u8; 20];
        let at = digits::fill(self.unscaled.unsigned_abs(), &mut room);
        let digits = room.get(at..).unwrap_or_default();
        let scale = usize::from(self.scale);
        if self.unscaled < 0 {
            out.push_ascii(b"-");
        }
        if scale == 0 {
            out.push_ascii(digits);
        } else if let Some((whole, fraction)) = digits
            .len()
            .checked_sub(scale)
            .filter(|whole| *whole > 0)
            .and_then(|whole| digits.split_at_checked(whole))
        {
            out.push_ascii(whole);
            out.push_ascii(b".");
            out.push_ascii(fraction);
        } else {
            out.push_ascii(b"0.");
            for _ in digits.len()..scale {
                out.push_ascii(b"0");
            }
            out.push_ascii(digits);
        }
    }
}

/// An exponent beyond four digits cannot fit any precision, so it saturates instead of overflowing.
fn parse_exponent(text: &str) -> Result<i64, DecimalError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(DecimalError::Syntax);
    }
    let size: i64 = digits.trim_start_matches('0').parse().map_or_else(
        |_| {
            if digits.trim_start_matches('0').is_empty() {
                0
            } else {
                99_999
            }
        },
        |size: i64| size.min(99_999),
    );
    Ok(if text.starts_with('-') { -size } else { size })
}

/// With as many digits after the point as are written: `0.19` has a scale of 2. No exponents.
impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        if text.contains(['e', 'E']) {
            return Err(DecimalError::Syntax);
        }
        let digits = text
            .split_once('.')
            .map_or(0, |(_, fraction)| fraction.len());
        let scale = u8::try_from(digits).map_err(|_| DecimalError::Range)?;
        Self::parse(text, MAX_PRECISION, scale)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(24);
        self.write(&mut text);
        out.write_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, DecimalError>) {
        let found = Decimal::parse(text, 18, 4).map(|value| value.to_string());
        assert_eq!(found, expected.map(str::to_owned), "{text}");
    }

    #[test]
    fn texts() {
        check("0", Ok("0.0000"));
        check("-0.0", Ok("0.0000"));
        check("-0.05", Ok("-0.0500"));
        check("1E+3", Ok("1000.0000"));
        check("1200e-2", Ok("12.0000"));
        check("99999999999999.9999", Ok("99999999999999.9999"));
        check("100000000000000", Err(DecimalError::Range));
        check("1e99999999999999999999", Err(DecimalError::Range));
        check("1e-99999999999999999999", Err(DecimalError::Fraction));
        check("0e999999999999", Ok("0.0000"));
        for broken in [
            "", "-", "+1", "01", ".5", "1.", "1e", "1e+", "NaN", "1 ", "٣", "1.2.3", "0x1",
        ] {
            check(broken, Err(DecimalError::Syntax));
        }
    }

    #[test]
    fn the_scale_may_be_read_from_the_text() {
        assert_eq!(
            "0.19".parse(),
            Ok(Decimal {
                unscaled: 19,
                scale: 2
            })
        );
        assert_eq!(
            "-7".parse(),
            Ok(Decimal {
                unscaled: -7,
                scale: 0
            })
        );
        for broken in ["", "1.", "1e2", ".5", "a"] {
            assert_eq!(
                broken.parse::<Decimal>(),
                Err(DecimalError::Syntax),
                "{broken}"
            );
        }
        let long = format!("0.{}1", "0".repeat(300));
        assert_eq!(long.parse::<Decimal>(), Err(DecimalError::Range));
    }

    proptest! {
        #[test]
        fn round_trip(unscaled in -999_999_999_999_999_999_i64..=999_999_999_999_999_999, scale in 0_u8..=18) {
            let value = Decimal { unscaled, scale };
            prop_assert_eq!(Decimal::parse(&value.to_string(), 18, scale), Ok(value));
        }
    }
}
