//! SQL text to single statements, with the line each begins in. Knows quotes, comments, dollar
//! quotes and trigger bodies; not the meaning of any statement.

use crate::Dialect;

/// A part of a script, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// One statement, without its semicolon.
    Statement {
        /// The line it begins in, from 1.
        line: usize,
        /// Its text.
        text: String,
    },
    /// A comment `-- carnet: …`: work that SQL cannot do.
    Directive {
        /// Its line, from 1.
        line: usize,
        /// What follows `carnet:`.
        text: String,
    },
}

/// What a directive comment begins with.
pub(crate) const DIRECTIVE: &str = "-- carnet:";

/// Splits a script. Comments between statements are left out; an unfinished quote or comment takes
/// the rest of the text, and the database says what is wrong with it.
pub(crate) fn split(dialect: Dialect, script: &str) -> Vec<Item> {
    let mut items = Vec::new();
    let mut rest = script;
    let mut statement = String::new();
    let mut line = 1;
    let mut begun = 1;
    while let Some(token) = next_token(dialect, rest) {
        let (text, after) = rest.split_at(token.length);
        match token.kind {
            TokenKind::End if !inside_trigger(&statement) => {
                push(&mut items, begun, &mut statement);
            }
            TokenKind::Comment if statement.trim().is_empty() => {
                if let Some(directive) = text.strip_prefix(DIRECTIVE) {
                    items.push(Item::Directive {
                        line,
                        text: directive.trim().to_owned(),
                    });
                }
            }
            TokenKind::Space if statement.is_empty() => {}
            _ => {
                if statement.is_empty() {
                    begun = line;
                }
                statement.push_str(text);
            }
        }
        line += text.matches('\n').count();
        rest = after;
    }
    push(&mut items, begun, &mut statement);
    items
}

/// The statements of a script of ours, which holds no directive.
pub(crate) fn statements(dialect: Dialect, script: &str) -> Vec<String> {
    split(dialect, script)
        .into_iter()
        .filter_map(|item| match item {
            Item::Statement { text, .. } => Some(text),
            Item::Directive { .. } => None,
        })
        .collect()
}

fn push(items: &mut Vec<Item>, line: usize, statement: &mut String) {
    let text = statement.trim();
    if !text.is_empty() {
        items.push(Item::Statement {
            line,
            text: text.to_owned(),
        });
    }
    statement.clear();
}

struct Token {
    length: usize,
    kind: TokenKind,
}

#[derive(PartialEq, Eq)]
enum TokenKind {
    Space,
    Comment,
    End,
    Other,
}

fn next_token(dialect: Dialect, text: &str) -> Option<Token> {
    let first = text.chars().next()?;
    let token = |length, kind| Some(Token { length, kind });
    match first {
        ';' => token(1, TokenKind::End),
        '-' if text.starts_with("--") => {
            token(text.find('\n').unwrap_or(text.len()), TokenKind::Comment)
        }
        '/' if text.starts_with("/*") => token(block_comment(dialect, text), TokenKind::Comment),
        '\'' | '"' => token(quoted(text, first, false), TokenKind::Other),
        '`' if dialect == Dialect::Sqlite => token(quoted(text, first, false), TokenKind::Other),
        '$' if dialect == Dialect::Postgres => token(dollar_quoted(text), TokenKind::Other),
        _ if first.is_whitespace() => token(
            text.find(|other: char| !other.is_whitespace())
                .unwrap_or(text.len()),
            TokenKind::Space,
        ),
        _ if is_word(first) => {
            let length = text.find(|other| !is_word(other)).unwrap_or(text.len());
            let (word, after) = text.split_at(length);
            let escapes = dialect == Dialect::Postgres && word.eq_ignore_ascii_case("e");
            if escapes && after.starts_with('\'') {
                token(length + quoted(after, '\'', true), TokenKind::Other)
            } else {
                token(length, TokenKind::Other)
            }
        }
        _ => token(first.len_utf8(), TokenKind::Other),
    }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The length of a quoted text; a doubled quote ends one and begins the next, which is the same.
fn quoted(text: &str, quote: char, backslash: bool) -> usize {
    let mut escaped = false;
    for (place, character) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if backslash && character == '\\' {
            escaped = true;
        } else if character == quote {
            return place + 1;
        }
    }
    text.len()
}

/// `$$…$$` or `$tag$…$tag$`; a lone `$` is one character.
fn dollar_quoted(text: &str) -> usize {
    let Some(end) = text.char_indices().skip(1).find(|(_, c)| !is_word(*c)) else {
        return 1;
    };
    let tag_end = match end {
        (place, '$') => place + 1,
        _ => return 1,
    };
    let (tag, body) = text.split_at(tag_end);
    match body.find(tag) {
        Some(place) => tag_end + place + tag.len(),
        None => text.len(),
    }
}

/// PostgreSQL's comments nest, SQLite's do not.
fn block_comment(dialect: Dialect, text: &str) -> usize {
    let mut depth = 0_usize;
    let mut previous = ' ';
    for (place, character) in text.char_indices() {
        match (previous, character) {
            ('/', '*') if depth == 0 || dialect == Dialect::Postgres => {
                depth += 1;
                previous = ' ';
            }
            ('*', '/') => {
                depth = depth.saturating_sub(1);
                previous = ' ';
                if depth == 0 {
                    return place + 1;
                }
            }
            _ => previous = character,
        }
    }
    text.len()
}

/// Whether the text so far is a `create trigger … begin` that has not reached its `end`.
fn inside_trigger(statement: &str) -> bool {
    let mut words = statement
        .split(|character: char| !is_word(character))
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase);
    if words.next().as_deref() != Some("create") {
        return false;
    }
    let head: Vec<String> = words.by_ref().take(2).collect();
    let is_trigger = match head.first().map(String::as_str) {
        Some("temp" | "temporary") => head.get(1).is_some_and(|word| word == "trigger"),
        Some("trigger") => true,
        _ => false,
    };
    let rest: Vec<String> = words.collect();
    is_trigger
        && rest.iter().any(|word| word == "begin")
        && rest.last().is_none_or(|word| word != "end")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(dialect: Dialect, script: &str, expected: &[(usize, &str)]) {
        let found: Vec<(usize, String)> = split(dialect, script)
            .into_iter()
            .map(|item| match item {
                Item::Statement { line, text } => (line, text),
                Item::Directive { line, text } => (line, format!("!{text}")),
            })
            .collect();
        let expected: Vec<(usize, String)> = expected
            .iter()
            .map(|(line, text)| (*line, (*text).to_owned()))
            .collect();
        assert_eq!(found, expected, "{script}");
    }

    #[test]
    fn statements_end_at_semicolons_outside_quotes() {
        check(
            Dialect::Sqlite,
            "-- first\nselect 'a;b''c;' ;\n\n/* two; */ select \"x;\"\n;;",
            &[(2, "select 'a;b''c;'"), (4, "select \"x;\"")],
        );
        check(
            Dialect::Sqlite,
            "select 1 -- one; not two\n;select 2",
            &[(1, "select 1 -- one; not two"), (2, "select 2")],
        );
    }

    #[test]
    fn function_and_trigger_bodies_stay_whole() {
        check(
            Dialect::Postgres,
            "do $a$ begin; $$;$$ end $a$; select E'\\';', $1; /* /* ; */ ; */ select 3",
            &[
                (1, "do $a$ begin; $$;$$ end $a$"),
                (1, "select E'\\';', $1"),
                (1, "select 3"),
            ],
        );
        check(
            Dialect::Sqlite,
            "create temp trigger t after insert on a begin select 1; select 2; end; select 3",
            &[
                (
                    1,
                    "create temp trigger t after insert on a begin select 1; select 2; end",
                ),
                (1, "select 3"),
            ],
        );
    }

    #[test]
    fn directives_are_told_from_comments() {
        check(
            Dialect::Postgres,
            "select 1;\n-- carnet: fold a b\n-- other\nselect 2;",
            &[(1, "select 1"), (2, "!fold a b"), (4, "select 2")],
        );
    }

    #[test]
    fn unfinished_text_never_panics() {
        for text in ["'", "\"é", "/*", "$a$", "$", "select $é$ 'x", "e'\\", "--"] {
            for dialect in [Dialect::Sqlite, Dialect::Postgres] {
                assert!(split(dialect, text).len() <= 1, "{text}");
            }
        }
    }
}
