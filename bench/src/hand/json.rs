//! Values as the API writes them, straight to bytes.

/// Crockford's digits.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Appends a text as a JSON string.
pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    // INVARIANT: writing a string to a vector cannot fail.
    let _ = serde_json::to_writer(out, text);
}

/// Appends a number.
pub(super) fn number(out: &mut Vec<u8>, number: i64) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut left = number.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    if number < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
}

/// The 26 characters of an id.
pub(super) fn ulid(id: u128) -> [u8; 26] {
    let mut digits = [0_u8; 26];
    let mut left = id;
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(left & 31) as usize];
        left >>= 5;
    }
    digits
}

/// Appends an id as a JSON string.
pub(super) fn id(out: &mut Vec<u8>, id: u128) {
    out.push(b'"');
    out.extend_from_slice(&ulid(id));
    out.push(b'"');
}

/// The id that a text means.
pub(super) fn parse_id(text: &str) -> Option<u128> {
    if text.len() != 26 {
        return None;
    }
    let mut id = 0_u128;
    for byte in text.bytes() {
        let digit = DIGITS
            .iter()
            .position(|digit| *digit == byte.to_ascii_uppercase())?;
        id = (id << 5) | digit as u128;
    }
    Some(id)
}

/// Appends hundredths as a decimal with two digits, a JSON string.
pub(super) fn hundredths(out: &mut Vec<u8>, value: i64) {
    out.push(b'"');
    number(out, value / 100);
    out.push(b'.');
    digits(out, value.unsigned_abs() % 100, 2);
    out.push(b'"');
}

/// The hundredths that a decimal text means.
pub(super) fn parse_hundredths(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction: i64 = match fraction.len() {
        0 => 0,
        1 => fraction.parse::<i64>().ok()? * 10,
        2 => fraction.parse().ok()?,
        _ => return None,
    };
    Some(whole.parse::<i64>().ok()? * 100 + fraction)
}

/// Appends microseconds since 1970 as a moment, a JSON string.
pub(super) fn moment(out: &mut Vec<u8>, micros: i64) {
    let (days, rest) = (
        micros.div_euclid(86_400_000_000),
        micros.rem_euclid(86_400_000_000) as u64,
    );
    // Days to a date, after Howard Hinnant's "chrono-compatible low-level date algorithms".
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097) as u64;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let part = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * part + 2) / 5 + 1;
    let month = if part < 10 { part + 3 } else { part - 9 };
    let year = year_of_era as i64 + era * 400 + i64::from(month <= 2);
    let seconds = rest / 1_000_000;
    out.push(b'"');
    digits(out, year as u64, 4);
    out.push(b'-');
    digits(out, month, 2);
    out.push(b'-');
    digits(out, day, 2);
    out.push(b'T');
    digits(out, seconds / 3_600, 2);
    out.push(b':');
    digits(out, seconds / 60 % 60, 2);
    out.push(b':');
    digits(out, seconds % 60, 2);
    out.push(b'.');
    digits(out, rest % 1_000_000, 6);
    out.extend_from_slice(b"Z\"");
}

fn digits(out: &mut Vec<u8>, mut number: u64, width: usize) {
    let start = out.len();
    out.resize(start + width, b'0');
    for slot in out[start..].iter_mut().rev() {
        *slot = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(write: impl FnOnce(&mut Vec<u8>), expected: &str) {
        let mut out = Vec::new();
        write(&mut out);
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }

    #[test]
    fn values() {
        check(|out| number(out, -120), "-120");
        check(|out| hundredths(out, 100_005), "\"1000.05\"");
        check(|out| moment(out, 0), "\"1970-01-01T00:00:00.000000Z\"");
        check(
            |out| moment(out, 1_795_239_123_000_456),
            "\"2026-11-21T05:32:03.000456Z\"",
        );
        assert_eq!(parse_hundredths("12.5"), Some(1_250));
        let id = 0x0192_8f3e_7c00_7abc_9def_0123_4567_89ab;
        let text = String::from_utf8_lossy(&ulid(id)).into_owned();
        assert_eq!(text, "01JA7KWZ00FAY9VVR14D2PF2DB");
        assert_eq!(parse_id(&text), Some(id));
    }
}
