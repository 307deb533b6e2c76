//! Plain YAML scalars under the core schema (YAML 1.2.2, section 10.3.2). Not quoted ones: those
//! are always text.

use super::Kind;

/// What an unquoted scalar is. `Err` for a number that JSON has no word for.
pub(super) fn resolve(text: &str) -> Result<Kind, &'static str> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
        "true" | "True" | "TRUE" => Kind::Boolean(true),
        "false" | "False" | "FALSE" => Kind::Boolean(false),
        _ => match number(text) {
            Some(number) => Kind::Number(number),
            None if is_special(text) => return Err("a number must be finite"),
            None if is_based(text) => return Err("the number is too large"),
            None => Kind::Text(text.to_owned()),
        },
    })
}

fn is_special(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN")
}

fn is_based(text: &str) -> bool {
    let digits = |rest: &str, radix| !rest.is_empty() && rest.chars().all(|c| c.is_digit(radix));
    text.strip_prefix("0o").is_some_and(|rest| digits(rest, 8))
        || text.strip_prefix("0x").is_some_and(|rest| digits(rest, 16))
}

/// The JSON text of a number of the core schema.
fn number(text: &str) -> Option<String> {
    if is_based(text) {
        let (prefix, digits) = text.split_at(2);
        let radix = if prefix == "0o" { 8 } else { 16 };
        return u64::from_str_radix(digits, radix)
            .ok()
            .map(|value| value.to_string());
    }
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let fraction_digits = fraction.unwrap_or_default();
    if !digits(whole) || !digits(fraction_digits) || whole.len() + fraction_digits.len() == 0 {
        return None;
    }
    if let Some(exponent) = exponent {
        let size = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if size.is_empty() || !digits(size) {
            return None;
        }
    }
    let mut out = String::with_capacity(text.len() + 1);
    if negative {
        out.push('-');
    }
    let whole = whole.trim_start_matches('0');
    out.push_str(if whole.is_empty() { "0" } else { whole });
    if !fraction_digits.is_empty() {
        out.push('.');
        out.push_str(fraction_digits);
    }
    if let Some(exponent) = exponent {
        out.push('e');
        out.push_str(exponent);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found = match resolve(text) {
            Ok(Kind::Null) => "null".to_owned(),
            Ok(Kind::Boolean(value)) => value.to_string(),
            Ok(Kind::Number(number)) => number,
            Ok(Kind::Text(text)) => format!("'{text}'"),
            Ok(other) => format!("{other:?}"),
            Err(reason) => reason.to_owned(),
        };
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn the_core_schema() {
        for text in ["", "~", "null", "Null", "NULL"] {
            check(text, "null");
        }
        check("True", "true");
        check("FALSE", "false");
        for text in [
            "yes",
            "no",
            "on",
            "off",
            "nULL",
            "1_000",
            "0b1",
            "1.2.3",
            "2026-01-01",
            "-",
            "+",
            ".",
            "e5",
            "1e",
            "--1",
            "0x",
            "-0x1",
        ] {
            check(text, &format!("'{text}'"));
        }
        check("0", "0");
        check("-12", "-12");
        check("+12", "12");
        check("007", "7");
        check("0o17", "15");
        check("0xFF", "255");
        check("1.50", "1.50");
        check(".5", "0.5");
        check("-.5", "-0.5");
        check("1.", "1");
        check("1e3", "1e3");
        check("1.5E-3", "1.5e-3");
        check(".inf", "a number must be finite");
        check("-.INF", "a number must be finite");
        check(".NaN", "a number must be finite");
        check("0xFFFFFFFFFFFFFFFFFF", "the number is too large");
    }
}
