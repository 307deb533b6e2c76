//! A reader over JSON text that a database made. It builds nothing: scalars are slices of the
//! text, values of JSON columns are passed on as they stand. Not a validator.

use super::unexpected;
use crate::Error;

/// A place in a text.
pub(super) struct Cursor<'t> {
    text: &'t str,
    at: usize,
}

/// A scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'t> {
    Null,
    Boolean(bool),
    /// As written.
    Number(&'t str),
    /// What stands between the quotes, and whether it holds escapes.
    Text(&'t str, bool),
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn slice(&self, from: usize, to: usize) -> Result<&'t str, Error> {
        self.text.get(from..to).ok_or_else(unexpected)
    }

    /// Steps over `byte` if it is next.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        self.skip_space();
        let found = self.byte() == Some(byte);
        if found {
            self.at += 1;
        }
        found
    }

    /// Steps over `byte`, which must be next.
    pub(super) fn expect(&mut self, byte: u8) -> Result<(), Error> {
        if self.take(byte) {
            Ok(())
        } else {
            Err(unexpected())
        }
    }

    /// Steps over `null` if it is next.
    pub(super) fn null(&mut self) -> Result<bool, Error> {
        self.skip_space();
        if self.byte() != Some(b'n') {
            return Ok(false);
        }
        self.word("null")?;
        Ok(true)
    }

    fn word(&mut self, word: &str) -> Result<(), Error> {
        let end = self.at + word.len();
        if self.text.as_bytes().get(self.at..end) == Some(word.as_bytes()) {
            self.at = end;
            Ok(())
        } else {
            Err(unexpected())
        }
    }

    /// Only space may be left.
    pub(super) fn end(&mut self) -> Result<(), Error> {
        self.skip_space();
        if self.at == self.text.len() {
            Ok(())
        } else {
            Err(unexpected())
        }
    }

    /// The next scalar.
    pub(super) fn scalar(&mut self) -> Result<Token<'t>, Error> {
        self.skip_space();
        match self.byte() {
            Some(b'"') => self.string(),
            Some(b'n') => self.word("null").map(|()| Token::Null),
            Some(b't') => self.word("true").map(|()| Token::Boolean(true)),
            Some(b'f') => self.word("false").map(|()| Token::Boolean(false)),
            Some(b'-' | b'0'..=b'9') => {
                let start = self.at;
                while matches!(
                    self.byte(),
                    Some(b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')
                ) {
                    self.at += 1;
                }
                self.slice(start, self.at).map(Token::Number)
            }
            _ => Err(unexpected()),
        }
    }

    fn string(&mut self) -> Result<Token<'t>, Error> {
        let start = self.at + 1;
        let mut escaped = false;
        let mut at = start;
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    at += 2;
                }
                Some(_) => at += 1,
                None => return Err(unexpected()),
            }
        }
        self.at = at + 1;
        Ok(Token::Text(self.slice(start, at)?, escaped))
    }

    /// The next value of any kind, as written.
    pub(super) fn raw(&mut self) -> Result<&'t str, Error> {
        self.skip_space();
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match self.byte() {
                Some(b'[' | b'{') => {
                    depth += 1;
                    self.at += 1;
                }
                Some(b']' | b'}') => {
                    depth = depth.checked_sub(1).ok_or_else(unexpected)?;
                    self.at += 1;
                }
                Some(b',' | b':' | b' ' | b'\n' | b'\r' | b'\t') if depth > 0 => {
                    self.at += 1;
                    continue;
                }
                _ => {
                    self.scalar()?;
                }
            }
            if depth == 0 {
                return self.slice(start, self.at);
            }
        }
    }
}

/// The text that a string with escapes stands for.
pub(super) fn unescape(raw: &str) -> Result<String, Error> {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((clean, escaped)) = rest.split_once('\\') {
        out.push_str(clean);
        let mut characters = escaped.chars();
        let character = match characters.next() {
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => {
                let (character, after) = unicode(characters.as_str())?;
                out.push(character);
                rest = after;
                continue;
            }
            Some(itself @ ('"' | '\\' | '/')) => itself,
            _ => return Err(unexpected()),
        };
        out.push(character);
        rest = characters.as_str();
    }
    out.push_str(rest);
    Ok(out)
}

/// The character of four hexadecimal digits, or of a surrogate pair, and what follows.
fn unicode(text: &str) -> Result<(char, &str), Error> {
    let (high, rest) = unit(text)?;
    if let Some(character) = char::from_u32(high) {
        return Ok((character, rest));
    }
    let (low, rest) = unit(rest.strip_prefix("\\u").ok_or_else(unexpected)?)?;
    char::decode_utf16([high as u16, low as u16])
        .next()
        .and_then(Result::ok)
        .map(|character| (character, rest))
        .ok_or_else(unexpected)
}

fn unit(text: &str) -> Result<(u32, &str), Error> {
    let (digits, rest) = text.split_at_checked(4).ok_or_else(unexpected)?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(unexpected());
    }
    let unit = u32::from_str_radix(digits, 16).map_err(|_| unexpected())?;
    Ok((unit, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn raw(text: &str, expected: &str) {
        let mut cursor = Cursor::new(text);
        assert_eq!(cursor.raw().unwrap(), expected);
    }

    #[test]
    fn values_as_written() {
        raw(
            " {\"a\": [1, {\"]\": \"}\"}]}, 2",
            "{\"a\": [1, {\"]\": \"}\"}]}",
        );
        raw("[] ]", "[]");
        raw("-1.5e3]", "-1.5e3");
        raw("\"\\\\\\\"\",", "\"\\\\\\\"\"");
        raw("null,", "null");
    }

    proptest! {
        #[test]
        fn strings_come_back(text in "\\PC{0,12}[\\x00-\\x1f\"\\\\\u{1F600}é]{0,4}") {
            let json = serde_json::to_string(&text).unwrap();
            let mut cursor = Cursor::new(&json);
            match cursor.scalar().unwrap() {
                Token::Text(raw, _) => prop_assert_eq!(unescape(raw).unwrap(), text),
                other => prop_assert!(false, "{:?}", other),
            }
            prop_assert!(cursor.end().is_ok());
        }

        #[test]
        fn no_text_makes_it_panic(text in "[\\[\\]{}\",:\\\\unltrue0-9.\u{e9} -]{0,24}") {
            let mut cursor = Cursor::new(&text);
            while cursor.raw().is_ok() && !cursor.take(b',') && cursor.end().is_err() {
                cursor.skip_space();
                if cursor.scalar().is_err() { break; }
            }
        }
    }
}
