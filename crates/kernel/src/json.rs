//! JSON as it is stored and compared: I-JSON in (RFC 7493), canonical text out (RFC 8785).
//! Not for writing responses: those go from rows to bytes.

use crate::{Append, MAX_SAFE_INTEGER, digits};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;
use std::str::Utf8Error;
use std::sync::Arc;

/// How deep a JSON value may nest.
pub const MAX_DEPTH: usize = 64;

/// Canonical JSON text: sorted keys, RFC 8785 numbers. Equal values have equal texts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JsonText(Arc<str>);

impl JsonText {
    /// Reads strict JSON: no duplicate keys, no U+0000, no integer beyond 2^53 − 1, bounded depth.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        parse(text).map(|value| Self::from_value(&value))
    }

    /// The canonical text of a value that is already strict, such as one from [`parse`].
    pub fn from_value(value: &Value) -> Self {
        let mut out = String::new();
        write_canonical(value, &mut out);
        Self(out.into())
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value tree.
    pub fn to_value(&self) -> Value {
        // INVARIANT: the text was written by `write_canonical`.
        serde_json::from_str(&self.0).unwrap_or(Value::Null)
    }
}

/// Reads strict JSON (I-JSON, RFC 7493): duplicate keys, U+0000, integers beyond 2^53 − 1 and
/// nesting over [`MAX_DEPTH`] are errors with line and column.
pub fn parse(text: &str) -> Result<Value, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Strict { depth: 0 }.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn inner<E: Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom(format!(
                "JSON nests deeper than {MAX_DEPTH} levels"
            )));
        }
        Ok(Self {
            depth: self.depth + 1,
        })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

fn text<E: Error>(value: &str) -> Result<&str, E> {
    if value.contains('\0') {
        Err(E::custom("the character U+0000 is not allowed"))
    } else {
        Ok(value)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        if value.unsigned_abs() > MAX_SAFE_INTEGER.unsigned_abs() {
            return Err(E::custom("an integer lies beyond ±(2^53 − 1)"));
        }
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        self.visit_i64(i64::try_from(value).unwrap_or(i64::MAX))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        // The canonical text of a whole number is an integer literal, which must be readable again.
        if value.fract() == 0.0 && value.abs() > MAX_SAFE_INTEGER as f64 {
            return Err(E::custom("a whole number lies beyond ±(2^53 − 1)"));
        }
        if value.fract() == 0.0 {
            return Ok(Value::Number((value as i64).into()));
        }
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("a number is not finite"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        text(value).map(|value| Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(inner)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            text::<A::Error>(&key)?;
            let value = entries.next_value_seed(inner)?;
            if map.insert(key.clone(), value).is_some() {
                return Err(A::Error::custom(format!("the key `{key}` stands twice")));
            }
        }
        Ok(Value::Object(map))
    }
}

/// Appends the canonical form (RFC 8785): keys by UTF-16 code units, ECMAScript numbers.
pub fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => out.push_str(&integer.to_string()),
            None => write_float(number.as_f64().unwrap_or(0.0), out),
        },
        Value::String(text) => write_string(text, out),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_by(|left, right| left.0.encode_utf16().cmp(right.0.encode_utf16()));
            out.push('{');
            for (index, (key, item)) in entries.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_string(key, out);
                out.push(':');
                write_canonical(item, out);
            }
            out.push('}');
        }
    }
}

/// Appends a JSON string with the shortest escapes (RFC 8785 section 3.2.2.2).
pub fn write_string(text: &str, out: &mut impl Append) {
    out.push_ascii(b"\"");
    let mut rest = text;
    loop {
        let (clean, tail) = rest.split_at(clean_length::<false>(rest.as_bytes()));
        out.push_text(clean);
        let mut characters = tail.chars();
        match characters.next() {
            Some('"') => out.push_ascii(b"\\\""),
            Some('\\') => out.push_ascii(b"\\\\"),
            Some('\u{8}') => out.push_ascii(b"\\b"),
            Some('\t') => out.push_ascii(b"\\t"),
            Some('\n') => out.push_ascii(b"\\n"),
            Some('\u{c}') => out.push_ascii(b"\\f"),
            Some('\r') => out.push_ascii(b"\\r"),
            Some(other) => out.push_text(&format!("\\u{:04x}", other as u32)),
            None => break,
        }
        rest = characters.as_str();
    }
    out.push_ascii(b"\"");
}

/// Appends the JSON string of a text that is still to be checked. Most texts are ASCII without
/// escapes, which is seen by looking at them once.
#[inline]
pub fn write_bytes(text: &[u8], out: &mut Vec<u8>) -> Result<(), Utf8Error> {
    if clean_length::<true>(text) == text.len() {
        out.reserve(text.len() + 2);
        out.push(b'"');
        out.extend_from_slice(text);
        out.push(b'"');
    } else {
        write_string(std::str::from_utf8(text)?, out);
    }
    Ok(())
}

/// How many bytes at the start of `text` stand in a JSON string as they are, or as they are and
/// are ASCII. Looks at eight at a time, because most texts have nothing to escape.
#[inline]
fn clean_length<const ASCII: bool>(text: &[u8]) -> usize {
    let (words, rest) = text.as_chunks::<8>();
    let special = words.iter().position(|word| any_special::<ASCII>(*word));
    let looked_at = match special {
        Some(place) => place * 8,
        None => {
            // What is left, together with bytes before it that were seen already.
            let last = text.last_chunk().copied().unwrap_or_else(|| {
                let mut word = [b' '; 8];
                word[..rest.len()].copy_from_slice(rest);
                word
            });
            if !any_special::<ASCII>(last) {
                return text.len();
            }
            words.len() * 8
        }
    };
    let unseen = text.get(looked_at..).unwrap_or_default();
    let special =
        |byte: &u8| *byte < b' ' || *byte == b'"' || *byte == b'\\' || ASCII && !byte.is_ascii();
    looked_at + unseen.iter().position(special).unwrap_or(unseen.len())
}

/// Whether any of the bytes has to be escaped, or is not ASCII where that matters.
#[inline]
fn any_special<const ASCII: bool>(word: [u8; 8]) -> bool {
    /// The byte in each place.
    const fn each(byte: u8) -> u64 {
        u64::from_ne_bytes([byte; 8])
    }
    let word = u64::from_ne_bytes(word);
    // Taking a number from smaller ones, and one from noughts, sets their highest bits. A place
    // that borrows from the next is special itself.
    let below = |word: u64, least: u8| word.wrapping_sub(each(least));
    let special = below(word, b' ') | below(word ^ each(b'"'), 1) | below(word ^ each(b'\\'), 1);
    let special = if ASCII {
        special | word
    } else {
        special & !word
    };
    special & each(0x80) != 0
}

/// Appends a whole number.
pub fn write_integer(integer: i64, out: &mut impl Append) {
    digits::write(integer, out);
}

/// Appends a finite number as ECMAScript's `Number::toString` does (ECMA-262 section 6.1.6.1.20).
pub fn write_float(value: f64, out: &mut impl Append) {
    fn noughts(out: &mut impl Append, count: i32) {
        for _ in 0..count {
            out.push_ascii(b"0");
        }
    }
    if value == 0.0 {
        out.push_ascii(b"0");
        return;
    }
    if value < 0.0 {
        out.push_ascii(b"-");
    }
    let scientific = format!("{:e}", value.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let count = digits.len() as i32;
    let point = exponent.parse::<i32>().unwrap_or(0) + 1;
    if (count..=21).contains(&point) {
        out.push_text(&digits);
        noughts(out, point - count);
    } else if (1..=21).contains(&point) {
        let (whole, fraction) = digits.split_at(point as usize);
        out.push_text(whole);
        out.push_ascii(b".");
        out.push_text(fraction);
    } else if (-5..=0).contains(&point) {
        out.push_ascii(b"0.");
        noughts(out, -point);
        out.push_text(&digits);
    } else {
        let (first, rest) = digits.split_at(1);
        out.push_text(first);
        if !rest.is_empty() {
            out.push_ascii(b".");
            out.push_text(rest);
        }
        let exponent = point - 1;
        out.push_ascii(if exponent < 0 { b"e-" } else { b"e+" });
        digits::write(exponent.abs().into(), out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn float(value: f64, expected: &str) {
        let mut out = String::new();
        write_float(value, &mut out);
        assert_eq!(out, expected);
    }

    #[test]
    fn floats_of_rfc_8785_appendix_b() {
        float(0.0, "0");
        float(-0.0, "0");
        float(5e-324, "5e-324");
        float(-1.797_693_134_862_315_7e308, "-1.7976931348623157e+308");
        float(9_007_199_254_740_992.0, "9007199254740992");
        float(1e21, "1e+21");
        float(9.999_999_999_999_997e22, "9.999999999999997e+22");
        float(333_333_333.333_333_3, "333333333.3333333");
        float(0.000_001, "0.000001");
        float(1e-7, "1e-7");
        float(4.35, "4.35");
    }

    #[track_caller]
    fn check(text: &str, expected: Result<&str, &str>) {
        match (JsonText::parse(text), expected) {
            (Ok(found), Ok(wanted)) => assert_eq!(found.as_str(), wanted),
            (Err(error), Err(wanted)) => {
                assert!(error.to_string().contains(wanted), "{text}: {error}")
            }
            (found, wanted) => panic!("{text}: {found:?}, not {wanted:?}"),
        }
    }

    #[test]
    fn canonical_texts() {
        check(
            r#" {"b": [1.0, 2.50, 1e2], "a": "\u00e9\/"} "#,
            Ok(r#"{"a":"é/","b":[1,2.5,100]}"#),
        );
        check(
            "{\"\u{1F600}\":1,\"\u{FFFD}\":2}",
            Ok("{\"\u{1F600}\":1,\"\u{FFFD}\":2}"),
        );
        check(r#""\u0001\n""#, Ok(r#""\u0001\n""#));
    }

    #[test]
    fn refused_texts() {
        check(r#"{"a":1,"a":2}"#, Err("the key `a` stands twice"));
        check(r#""\u0000""#, Err("U+0000"));
        check(r#""\ud800""#, Err("hex escape"));
        check("9007199254740992", Err("2^53"));
        check("-123456789012345678901234567890", Err("2^53"));
        check("1e400", Err("out of range"));
        check("[1,]", Err("trailing comma"));
        check(&"[".repeat(100), Err("deeper than 64"));
        check("1 2", Err("trailing"));
    }

    #[test]
    fn strings_are_escaped_wherever_it_is_needed() {
        let plain = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJK";
        for length in 0..plain.len() {
            let plain = plain.get(..length).unwrap();
            for (special, written) in [
                ("", ""),
                ("\"", "\\\""),
                ("\\", "\\\\"),
                ("\n", "\\n"),
                ("\u{1}", "\\u0001"),
                ("\u{1f}", "\\u001f"),
                ("é", "é"),
                ("\u{7f}", "\u{7f}"),
                ("\n\"😀", "\\n\\\"😀"),
            ] {
                for place in 0..=length {
                    let (before, after) = plain.split_at(place);
                    let text = format!("{before}{special}{after}");
                    let expected = format!("\"{before}{written}{after}\"");
                    let (mut string, mut bytes) = (String::new(), Vec::new());
                    write_string(&text, &mut string);
                    assert_eq!(string, expected);
                    write_bytes(text.as_bytes(), &mut bytes).unwrap();
                    assert_eq!(bytes, expected.as_bytes());
                }
                let broken = [plain.as_bytes(), special.as_bytes(), b"\xff"].concat();
                assert!(write_bytes(&broken, &mut Vec::new()).is_err());
            }
        }
    }

    proptest! {
        #[test]
        fn canonical_text_is_a_fixed_point(text in "[\\[\\]{}:,\"a-c0-9.eE+-]{0,40}") {
            if let Ok(first) = JsonText::parse(&text) {
                prop_assert_eq!(JsonText::parse(first.as_str()).ok(), Some(first));
            }
        }
    }
}
