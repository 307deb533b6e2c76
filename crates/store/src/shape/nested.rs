//! Positional JSON arrays made by the database, to JSON objects in one pass over their text.

use super::cell::{
    close_principal, open_principal, write_boolean, write_date, write_date_time, write_decimal,
    write_duration, write_id, write_time,
};
use super::cursor::{Cursor, Token};
use super::row::{Column, Source, enclose};
use super::{Bound, Kind, unexpected};
use crate::Error;
use carnet_kernel::{Append, Decimal, Id, json};

/// How many cells one array of the database holds; a longer row is an array of arrays.
pub(crate) const CHUNK: usize = 96;

/// Related records within a row.
#[derive(Clone, Debug)]
pub(crate) struct Nested {
    pub(crate) columns: Vec<Column>,
    /// A list of rows, or one row or null.
    pub(crate) many: bool,
    /// Whether a row's cells stand in arrays of [`CHUNK`].
    pub(crate) chunked: bool,
}

impl Nested {
    /// Appends what the database made, or what no row means.
    pub(super) fn write(
        &self,
        text: Option<&str>,
        bound: Bound,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        match text {
            Some(text) => {
                let mut cursor = Cursor::new(text);
                self.transcribe(&mut cursor, bound, out)?;
                cursor.end()
            }
            None if self.many => Err(bound.exceeded()),
            None => {
                out.push_text("null");
                Ok(())
            }
        }
    }

    fn transcribe(
        &self,
        cursor: &mut Cursor<'_>,
        bound: Bound,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        if cursor.null()? {
            if self.many {
                // A list is never null, unless the database held it back for its size.
                return Err(bound.exceeded());
            }
            out.push_text("null");
            return Ok(());
        }
        if !self.many {
            return self.row(cursor, bound, out);
        }
        cursor.expect(b'[')?;
        out.push(b'[');
        if !cursor.take(b']') {
            loop {
                self.row(cursor, bound, out)?;
                if !cursor.take(b',') {
                    break;
                }
                out.push(b',');
            }
            cursor.expect(b']')?;
        }
        out.push(b']');
        Ok(())
    }

    fn row(&self, cursor: &mut Cursor<'_>, bound: Bound, out: &mut Vec<u8>) -> Result<(), Error> {
        cursor.expect(b'[')?;
        if self.chunked {
            cursor.expect(b'[')?;
        }
        let mut place = Place {
            cell: 0,
            chunked: self.chunked,
        };
        members(&self.columns, &mut place, cursor, bound, out)?;
        if self.chunked {
            cursor.expect(b']')?;
        }
        cursor.expect(b']')?;
        bound.check(out.len())
    }
}

fn members(
    columns: &[Column],
    place: &mut Place,
    cursor: &mut Cursor<'_>,
    bound: Bound,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let start = out.len();
    for column in columns {
        column.write_key(out);
        if let Source::Group(inner) = &column.source {
            members(inner, place, cursor, bound, out)?;
            continue;
        }
        place.next(cursor)?;
        match &column.source {
            Source::Cell(Kind::Principal) => {
                let kind = cursor.scalar()?;
                place.next(cursor)?;
                principal(kind, cursor.scalar()?, out)?;
            }
            Source::Cell(Kind::Json) => out.push_text(cursor.raw()?),
            Source::Cell(kind) => write_token(*kind, cursor.scalar()?, out)?,
            Source::Nested(nested) => nested.transcribe(cursor, bound, out)?,
            Source::Written { .. } => return Err(unexpected()),
            Source::Group(_) => {}
        }
    }
    enclose(start, out);
    Ok(())
}

/// Which cell of a row is next.
struct Place {
    cell: usize,
    chunked: bool,
}

impl Place {
    /// Steps over what separates the next cell from the one before.
    fn next(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Error> {
        if self.cell > 0 {
            let broken = self.chunked && self.cell.is_multiple_of(CHUNK);
            if broken {
                cursor.expect(b']')?;
            }
            cursor.expect(b',')?;
            if broken {
                cursor.expect(b'[')?;
            }
        }
        self.cell += 1;
        Ok(())
    }
}

fn write_token(kind: Kind, token: Token<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
    match (kind, token) {
        (_, Token::Null) => out.push_text("null"),
        (Kind::Boolean, Token::Boolean(boolean)) => write_boolean(boolean, out),
        (Kind::Boolean, token) => write_boolean(integer(token)? != 0, out),
        (Kind::Integer, token) => json::write_integer(integer(token)?, out),
        (Kind::Decimal(scale), token) => {
            let unscaled = integer(token)?;
            write_decimal(Decimal { unscaled, scale }, out);
        }
        (Kind::Float, Token::Number(number)) => {
            json::write_float(number.parse().map_err(|_| unexpected())?, out);
        }
        (Kind::Text, Token::Text(raw, false)) => {
            out.push(b'"');
            out.push_text(raw);
            out.push(b'"');
        }
        (Kind::Text, Token::Text(raw, true)) => {
            json::write_string(&super::cursor::unescape(raw)?, out);
        }
        (Kind::Id(form), token) => write_id(form, id(token)?, out),
        (Kind::Date, token) => {
            write_date(
                i32::try_from(integer(token)?).map_err(|_| unexpected())?,
                out,
            );
        }
        (Kind::Time, token) => write_time(integer(token)?, out),
        (Kind::DateTime, token) => write_date_time(integer(token)?, out),
        (Kind::Duration, token) => write_duration(integer(token)?, out),
        _ => return Err(unexpected()),
    }
    Ok(())
}

fn principal(kind: Token<'_>, id_token: Token<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
    match kind {
        Token::Null => out.push_text("null"),
        Token::Text(name, false) => {
            open_principal(name, out);
            let id = match id_token {
                Token::Null => None,
                token => Some(id(token)?),
            };
            close_principal(id, out);
        }
        _ => return Err(unexpected()),
    }
    Ok(())
}

fn integer(token: Token<'_>) -> Result<i64, Error> {
    match token {
        Token::Number(number) => number.parse().map_err(|_| unexpected()),
        _ => Err(unexpected()),
    }
}

/// 32 hexadecimal digits, with the hyphens of a `uuid` or without.
fn id(token: Token<'_>) -> Result<Id, Error> {
    let Token::Text(text, false) = token else {
        return Err(unexpected());
    };
    let mut bits = 0_u128;
    let mut digits = 0;
    for byte in text.bytes() {
        let value = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'A'..=b'F' => byte - b'A' + 10,
            b'-' => continue,
            _ => return Err(unexpected()),
        };
        bits = bits << 4 | u128::from(value);
        digits += 1;
    }
    if digits == 32 {
        Ok(Id::from_u128(bits))
    } else {
        Err(unexpected())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use carnet_model::IdForm;

    fn nested(columns: &[(&str, Kind)], many: bool) -> Nested {
        Nested {
            columns: columns
                .iter()
                .map(|(name, kind)| Column::new(name, Source::Cell(*kind)))
                .collect(),
            many,
            chunked: false,
        }
    }

    fn bound() -> Bound {
        Bound::of(1 << 20)
    }

    #[track_caller]
    fn check(nested: &Nested, text: &str, expected: &str) {
        let mut out = Vec::new();
        nested.write(Some(text), bound(), &mut out).unwrap();
        assert_eq!(std::str::from_utf8(&out), Ok(expected));
    }

    #[test]
    fn every_kind_of_cell() {
        let shape = nested(
            &[
                ("id", Kind::Id(IdForm::Uuid)),
                ("i", Kind::Integer),
                ("f", Kind::Float),
                ("b", Kind::Boolean),
                ("d", Kind::Decimal(2)),
                ("t", Kind::Text),
                ("day", Kind::Date),
                ("at", Kind::DateTime),
                ("time", Kind::Time),
                ("span", Kind::Duration),
                ("j", Kind::Json),
                ("by", Kind::Principal),
            ],
            false,
        );
        check(
            &shape,
            "[\"01928F3E7C007ABC9DEF0123456789AB\",-5,1.0e+21,1,-5,\"a\\u0022\\ud83d\\ude00\\/é\",\
             1,1000000,1,0,{\"a\":[1,\"]}\\\"\"]},\"user\",\"01928f3e-7c00-7abc-9def-0123456789ab\"]",
            "{\"id\":\"01928f3e-7c00-7abc-9def-0123456789ab\",\"i\":-5,\"f\":1e+21,\"b\":true,\
             \"d\":\"-0.05\",\"t\":\"a\\\"😀/é\",\"day\":\"1970-01-02\",\
             \"at\":\"1970-01-01T00:00:01.000000Z\",\"time\":\"00:00:00.000001\",\"span\":\"PT0S\",\
             \"j\":{\"a\":[1,\"]}\\\"\"]},\"by\":{\"kind\":\"user\",\
             \"id\":\"01JA7KWZ00FAY9VVR14D2PF2DB\"}}",
        );
        check(
            &shape,
            " [ null , null, null, false, null, null, null, null, null, null, null, null, null]",
            "{\"id\":null,\"i\":null,\"f\":null,\"b\":false,\"d\":null,\"t\":null,\"day\":null,\
             \"at\":null,\"time\":null,\"span\":null,\"j\":null,\"by\":null}",
        );
    }

    #[test]
    fn lists_and_absent_records() {
        let one = nested(&[("a", Kind::Integer)], false);
        check(&one, "null", "null");
        let mut out = Vec::new();
        one.write(None, bound(), &mut out).unwrap();
        let many = nested(&[("a", Kind::Integer)], true);
        assert_eq!(out, b"null");
        for held_back in [None, Some("null")] {
            let error = many.write(held_back, bound(), &mut out);
            assert!(matches!(error, Err(Error::AnswerTooLarge { .. })));
        }
        check(&many, "[]", "[]");
        check(&many, "[[1], [2]]", "[{\"a\":1},{\"a\":2}]");
        check(&nested(&[], true), "[[],[]]", "[{},{}]");
    }

    #[test]
    fn long_rows_stand_in_chunks() {
        let names: Vec<String> = (0..CHUNK * 2 + 1)
            .map(|place| format!("c{place}"))
            .collect();
        let columns: Vec<(&str, Kind)> = names
            .iter()
            .map(|name| (name.as_str(), Kind::Integer))
            .collect();
        let mut shape = nested(&columns, false);
        shape.chunked = true;
        let numbers: Vec<String> = (0..names.len()).map(|number| number.to_string()).collect();
        let text: Vec<String> = numbers
            .chunks(CHUNK)
            .map(|chunk| format!("[{}]", chunk.join(",")))
            .collect();
        let members: Vec<String> = numbers
            .iter()
            .map(|number| format!("\"c{number}\":{number}"))
            .collect();
        check(
            &shape,
            &format!("[{}]", text.join(", ")),
            &format!("{{{}}}", members.join(",")),
        );
    }

    #[test]
    fn nothing_is_written_far_beyond_the_bound() {
        let shape = nested(&[("a", Kind::Integer)], true);
        let rows = vec!["[1]"; 1_000].join(",");
        let mut out = Vec::new();
        let error = shape.write(Some(&format!("[{rows}]")), Bound::of(100), &mut out);
        assert!(matches!(error, Err(Error::AnswerTooLarge { .. })));
        assert!(out.len() < 120, "{}", out.len());
    }

    #[test]
    fn unexpected_texts_are_errors() {
        let shape = nested(&[("a", Kind::Integer), ("b", Kind::Text)], true);
        for text in [
            "",
            "[",
            "[[1]]",
            "[[1,2]]",
            "[[1,\"a\"]",
            "[[\"1\",\"a\"]]",
            "[[1,\"a\"]] x",
            "[[1,\"a]]",
            "[[1,\"\\u12\"]]",
            "[[1,\"\\ud800\"]]",
            "[[1.5,\"a\"]]",
            "[[1,\"a\",2]]",
            "\"[[1,2]]\"",
        ] {
            let error = shape.write(Some(text), bound(), &mut Vec::new());
            assert!(matches!(error, Err(Error::Internal(_))), "{text}");
        }
    }
}
