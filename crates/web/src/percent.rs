//! Strict percent-decoding of parts of an address (RFC 3986 section 2.1). Not a URL parser.

use carnet_kernel::{Code, Detail, Refusal};

/// What `+` stands for in the text that is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plus {
    /// A space, as forms and query strings write it.
    Space,
    /// Itself, as in a path.
    Plus,
}

/// Decodes one segment of a path. `place` names it in the refusal: `path`.
pub fn decode_segment(segment: &str, place: &str) -> Result<String, Refusal> {
    decode(segment, Plus::Plus, place, 0)
}

/// Decodes `text`, which begins at byte `offset` of what `place` names.
///
/// A broken percent sequence, bytes that are not UTF-8 and U+0000 are `MALFORMED_REQUEST` with
/// the byte at which they stand.
pub fn decode(text: &str, plus: Plus, place: &str, offset: usize) -> Result<String, Refusal> {
    let source = text.as_bytes();
    if !source
        .iter()
        .any(|byte| matches!(byte, b'%' | b'+' | b'\0'))
    {
        return Ok(text.to_owned());
    }
    let mut decoded = Vec::with_capacity(source.len());
    // Where in `source` each decoded byte began, to name the place of an error.
    let mut begins = Vec::with_capacity(source.len());
    let mut at = 0;
    while let Some(&byte) = source.get(at) {
        begins.push(at);
        at += 1;
        match byte {
            b'%' => {
                let digits = source.get(at..at + 2).and_then(|pair| {
                    let high = char::from(pair[0]).to_digit(16)?;
                    let low = char::from(pair[1]).to_digit(16)?;
                    u8::try_from(high * 16 + low).ok()
                });
                let Some(value) = digits else {
                    return Err(refusal(
                        place,
                        "percentEncoding",
                        format!(
                            "the percent sequence at byte {} is not `%` and two hexadecimal digits",
                            offset + at - 1
                        ),
                    ));
                };
                decoded.push(value);
                at += 2;
            }
            b'+' if plus == Plus::Space => decoded.push(b' '),
            other => decoded.push(other),
        }
    }
    if let Some(zero) = decoded.iter().position(|byte| *byte == 0) {
        return Err(refusal(
            place,
            "noNul",
            format!(
                "the character U+0000 at byte {} is not allowed",
                offset + begins[zero]
            ),
        ));
    }
    String::from_utf8(decoded).map_err(|error| {
        let bad = begins
            .get(error.utf8_error().valid_up_to())
            .copied()
            .unwrap_or(source.len());
        refusal(
            place,
            "utf8",
            format!("the bytes from byte {} on are not UTF-8", offset + bad),
        )
    })
}

fn refusal(place: &str, rule: &'static str, message: String) -> Refusal {
    Refusal::new(
        Code::MalformedRequest,
        format!("the {place} cannot be read"),
    )
    .with(Detail::new(place, rule, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, (&str, &str)>) {
        let found = decode(text, Plus::Space, "query", 10);
        match (&found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected),
            (Err(refusal), Err((rule, place))) => {
                assert_eq!(refusal.code, Code::MalformedRequest);
                assert_eq!(refusal.details[0].rule, rule, "{refusal:?}");
                assert!(refusal.details[0].message.contains(place), "{refusal:?}");
            }
            _ => panic!("{text}: {found:?}"),
        }
    }

    #[test]
    fn decoding() {
        check("", Ok(""));
        check("plain", Ok("plain"));
        check("a+b%20c", Ok("a b c"));
        check("%C3%A9%2b", Ok("é+"));
        check("é", Ok("é"));
        check("%", Err(("percentEncoding", "byte 10")));
        check("ab%2", Err(("percentEncoding", "byte 12")));
        check("ab%zz", Err(("percentEncoding", "byte 12")));
        check("%+1", Err(("percentEncoding", "byte 10")));
        check("a%00", Err(("noNul", "byte 11")));
        check("a%20%ff", Err(("utf8", "byte 14")));
        check("%C3", Err(("utf8", "byte 10")));
        check("%ED%A0%80", Err(("utf8", "byte 10")));
    }

    #[test]
    fn a_plus_in_a_path_is_a_plus() {
        assert_eq!(decode_segment("a+b", "path"), Ok("a+b".to_owned()));
    }
}
