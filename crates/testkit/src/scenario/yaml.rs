//! YAML text to a JSON value: the core schema without anchors, tags and merge keys, as in
//! definitions. Marks are kept for errors only.

use anyhow::{Result, bail};
use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use serde_json::{Map, Number, Value};
use std::borrow::Cow;

/// The value of a YAML text with one document; nothing at all is `null`.
pub fn parse(text: &str) -> Result<Value> {
    let mut events = Events {
        parser: Parser::new_from_str(text),
    };
    let mut root = None;
    loop {
        let (event, span) = events.next()?;
        match event {
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            Event::StreamEnd => return Ok(root.unwrap_or(Value::Null)),
            first if root.is_none() => root = Some(events.value(first, span)?),
            _ => bail!("{}: a second document is not allowed", place(span)),
        }
    }
}

struct Events<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
}

impl<'a> Events<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span)> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => bail!("line {}: {}", error.marker().line(), error.info()),
            None => bail!("the text ends in the middle of a value"),
        }
    }

    fn value(&mut self, event: Event<'a>, span: Span) -> Result<Value> {
        match event {
            Event::Scalar(text, style, 0, None) => Ok(scalar(text, style)),
            Event::SequenceStart(0, None) => {
                let mut items = Vec::new();
                loop {
                    let (event, span) = self.next()?;
                    if event == Event::SequenceEnd {
                        return Ok(Value::Array(items));
                    }
                    items.push(self.value(event, span)?);
                }
            }
            Event::MappingStart(0, None) => self.mapping(),
            _ => bail!("{}: anchors, aliases and tags are not allowed", place(span)),
        }
    }

    fn mapping(&mut self) -> Result<Value> {
        let mut members = Map::new();
        loop {
            let (event, span) = self.next()?;
            let key = match event {
                Event::MappingEnd => return Ok(Value::Object(members)),
                Event::Scalar(text, _, 0, None) => text.into_owned(),
                _ => bail!("{}: a key must be a plain text", place(span)),
            };
            let (event, value_span) = self.next()?;
            let value = self.value(event, value_span)?;
            if members.insert(key.clone(), value).is_some() {
                bail!("{}: `{key}` is there twice", place(span));
            }
        }
    }
}

/// A plain scalar by the core schema; quoted ones are always text.
fn scalar(text: Cow<'_, str>, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::String(text.into_owned());
    }
    match text.as_ref() {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => number(&text).map_or_else(|| Value::String(text.into_owned()), Value::Number),
    }
}

fn number(text: &str) -> Option<Number> {
    if let Ok(number) = text.parse::<i64>() {
        return Some(number.into());
    }
    let looks_like_one = text
        .starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first))
        && text.contains(|letter: char| letter.is_ascii_digit())
        && text
            .chars()
            .all(|letter| letter.is_ascii_digit() || "+-.eE".contains(letter));
    if looks_like_one {
        text.parse::<f64>().ok().and_then(Number::from_f64)
    } else {
        None
    }
}

fn place(span: Span) -> String {
    format!(
        "line {}, column {}",
        span.start.line(),
        span.start.col() + 1
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(text: &str, expected: Value) {
        assert_eq!(parse(text).unwrap(), expected);
    }

    #[track_caller]
    fn check_error(text: &str, expected: &str) {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn values_follow_the_core_schema() {
        check("", Value::Null);
        check(
            "a: 1\nb: [true, ~, 'x', 1.5, -2e3, 2026-11-21, '1']\nc: {d: \"e\\nf\"}",
            json!({"a": 1, "b": [true, null, "x", 1.5, -2000.0, "2026-11-21", "1"], "c": {"d": "e\nf"}}),
        );
        check(
            "- |\n  two\n  lines\n- 1.2.3\n- +\n- $any",
            json!(["two\nlines\n", "1.2.3", "+", "$any"]),
        );
        check(
            "{\"json\": [1, {\"too\": null}]}",
            json!({"json": [1, {"too": null}]}),
        );
    }

    #[test]
    fn what_definitions_refuse_is_refused() {
        check_error("a: &x 1", "anchors");
        check_error("a: !!str 1", "anchors");
        check_error("a: 1\na: 2", "line 2, column 1: `a` is there twice");
        check_error("--- 1\n--- 2", "second document");
        check_error("a: [1", "line");
    }
}
