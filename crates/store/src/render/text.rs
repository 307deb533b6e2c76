//! What a text predicate asks once its pattern is read: many patterns are ranges or equalities,
//! which an index answers under row-level security as well.

use crate::dialect::{Dialect, Wildcard};
use carnet_expr::TextOp;
use std::borrow::Cow;

/// A text test in its cheapest form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TextTest<'q> {
    /// Any text.
    Present,
    /// This text.
    Equal(Cow<'q, str>),
    /// It starts so.
    Prefix(Cow<'q, str>),
    /// It holds this.
    Contains(Cow<'q, str>),
    /// It ends so.
    Suffix(Cow<'q, str>),
    /// It starts so, and the whole of it matches.
    Pattern(String, Vec<Wildcard>),
}

impl<'q> TextTest<'q> {
    /// Reads a pattern.
    pub(super) fn new(op: TextOp, pattern: &'q str) -> Self {
        if op != TextOp::Like && pattern.is_empty() {
            return Self::Present;
        }
        match op {
            TextOp::Contains => Self::Contains(Cow::Borrowed(pattern)),
            TextOp::StartsWith => Self::Prefix(Cow::Borrowed(pattern)),
            TextOp::EndsWith => Self::Suffix(Cow::Borrowed(pattern)),
            TextOp::Like => like(pattern),
        }
    }

    /// Whether row-level security keeps it from every index: no function over a column and no
    /// pattern operator is leakproof.
    pub(super) fn leaky(&self) -> bool {
        match self {
            Self::Present | Self::Equal(_) | Self::Prefix(_) => false,
            Self::Contains(_) | Self::Suffix(_) | Self::Pattern(..) => true,
        }
    }
}

fn like(pattern: &str) -> TextTest<'static> {
    let pieces = pieces(pattern);
    let literal = |pieces: &[Wildcard]| -> Option<String> {
        pieces
            .iter()
            .map(|piece| match piece {
                Wildcard::Character(one) => Some(*one),
                Wildcard::Any | Wildcard::One => None,
            })
            .collect()
    };
    if let Some(text) = literal(&pieces) {
        return TextTest::Equal(Cow::Owned(text));
    }
    match pieces.as_slice() {
        [Wildcard::Any] => return TextTest::Present,
        [Wildcard::Any, middle @ .., Wildcard::Any] => {
            if let Some(text) = literal(middle) {
                return TextTest::Contains(Cow::Owned(text));
            }
        }
        [Wildcard::Any, rest @ ..] => {
            if let Some(text) = literal(rest) {
                return TextTest::Suffix(Cow::Owned(text));
            }
        }
        [rest @ .., Wildcard::Any] => {
            if let Some(text) = literal(rest) {
                return TextTest::Prefix(Cow::Owned(text));
            }
        }
        _ => {}
    }
    let prefix = pieces.iter().map_while(|piece| match piece {
        Wildcard::Character(one) => Some(*one),
        Wildcard::Any | Wildcard::One => None,
    });
    TextTest::Pattern(prefix.collect(), pieces)
}

/// The pieces of a pattern, as [`carnet_expr::evaluate`] reads it, with repeated `%` as one.
fn pieces(pattern: &str) -> Vec<Wildcard> {
    let mut list = Vec::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        let piece = match character {
            '%' => Wildcard::Any,
            '_' => Wildcard::One,
            '\\' => Wildcard::Character(characters.next().unwrap_or('\\')),
            other => Wildcard::Character(other),
        };
        if piece != Wildcard::Any || list.last() != Some(&Wildcard::Any) {
            list.push(piece);
        }
    }
    list
}

/// The pattern in a database's own words.
pub(super) fn spell(dialect: Dialect, pieces: &[Wildcard]) -> String {
    let mut out = String::with_capacity(pieces.len() + 8);
    for piece in pieces {
        dialect.wildcard(*piece, &mut out);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, expected: &TextTest<'_>) {
        assert_eq!(&TextTest::new(TextOp::Like, pattern), expected, "{pattern}");
    }

    #[test]
    fn patterns_become_the_cheapest_test() {
        let owned = |text: &str| Cow::Owned(text.to_owned());
        check("", &TextTest::Equal(owned("")));
        check("%", &TextTest::Present);
        check("%%", &TextTest::Present);
        check("abc", &TextTest::Equal(owned("abc")));
        check("a\\%", &TextTest::Equal(owned("a%")));
        check("abc\\", &TextTest::Equal(owned("abc\\")));
        check("abc%", &TextTest::Prefix(owned("abc")));
        check("%abc", &TextTest::Suffix(owned("abc")));
        check("%%abc%%", &TextTest::Contains(owned("abc")));
        let letter = Wildcard::Character;
        check(
            "ab%c_",
            &TextTest::Pattern(
                "ab".to_owned(),
                vec![
                    letter('a'),
                    letter('b'),
                    Wildcard::Any,
                    letter('c'),
                    Wildcard::One,
                ],
            ),
        );
        check(
            "_%",
            &TextTest::Pattern(String::new(), vec![Wildcard::One, Wildcard::Any]),
        );
    }

    #[test]
    fn empty_patterns_ask_for_any_text() {
        for op in [TextOp::Contains, TextOp::StartsWith, TextOp::EndsWith] {
            assert_eq!(TextTest::new(op, ""), TextTest::Present);
        }
    }
}
