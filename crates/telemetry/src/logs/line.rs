//! One log line from its parts: JSON or for people. Escapes whatever could forge a second line
//! or move a terminal's cursor.

use std::fmt::Write as _;
use tracing::Level;

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Pretty { color: bool },
}

/// A field's value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Text(String),
}

/// What a line says.
pub(super) struct Line<'a> {
    pub(super) time: &'a str,
    pub(super) level: Level,
    pub(super) target: &'a str,
    pub(super) message: &'a str,
    /// Event fields first, then those of the spans from the inside out; a name stands once.
    pub(super) fields: &'a [(&'static str, Value)],
}

/// The longest text of one field, in bytes.
const LONGEST: usize = 8 * 1024;

/// The line with its line feed.
pub(super) fn write(form: Form, line: &Line<'_>) -> String {
    let mut out = String::with_capacity(256);
    match form {
        Form::Json => write_json(line, &mut out),
        Form::Pretty { color } => write_pretty(line, color, &mut out),
    }
    out.push('\n');
    out
}

fn write_json(line: &Line<'_>, out: &mut String) {
    out.push_str("{\"time\":");
    push_quoted(line.time, out);
    out.push_str(",\"level\":\"");
    out.push_str(name(line.level));
    out.push_str("\",\"message\":");
    push_quoted(line.message, out);
    out.push_str(",\"target\":");
    push_quoted(line.target, out);
    for (field, value) in line.fields {
        out.push(',');
        match *field {
            "time" | "level" | "message" | "target" => push_quoted(&format!("field.{field}"), out),
            name => push_quoted(name, out),
        }
        out.push(':');
        match value {
            Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Value::Text(text) => push_quoted(text, out),
            Value::Float(number) if !number.is_finite() => out.push_str("null"),
            number => push_plain(number, out),
        }
    }
    out.push('}');
}

fn write_pretty(line: &Line<'_>, color: bool, out: &mut String) {
    let paint = |out: &mut String, code: &str, text: &str| {
        if color {
            out.push_str("\u{1b}[");
            out.push_str(code);
            out.push('m');
        }
        push_escaped(text, out);
        if color {
            out.push_str("\u{1b}[0m");
        }
    };
    // The date is of no use on a terminal.
    let clock = line
        .time
        .split_once('T')
        .map_or(line.time, |(_, clock)| clock)
        .trim_end_matches('Z');
    paint(out, "2", clock);
    out.push(' ');
    let code = match line.level {
        Level::ERROR => "31",
        Level::WARN => "33",
        Level::INFO => "32",
        Level::DEBUG => "34",
        Level::TRACE => "35",
    };
    paint(out, code, &format!("{:5}", name(line.level)));
    out.push(' ');
    push_escaped(line.message, out);
    for (field, value) in line.fields {
        out.push(' ');
        paint(out, "2", &format!("{field}="));
        match value {
            Value::Text(text)
                if text.is_empty() || text.contains([' ', '"', '=', '\n', '\r', '\t']) =>
            {
                out.push('"');
                push_escaped(&text.replace('"', "\\\""), out);
                out.push('"');
            }
            Value::Text(text) => push_escaped(text, out),
            plain => push_plain(plain, out),
        }
    }
    out.push(' ');
    paint(out, "2", line.target);
}

fn name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARN",
        Level::INFO => "INFO",
        Level::DEBUG => "DEBUG",
        Level::TRACE => "TRACE",
    }
}

fn push_plain(value: &Value, out: &mut String) {
    // INVARIANT: writing to a string cannot fail.
    let written = match value {
        Value::Bool(value) => write!(out, "{value}"),
        Value::Signed(value) => write!(out, "{value}"),
        Value::Unsigned(value) => write!(out, "{value}"),
        Value::Float(value) => write!(out, "{value:?}"),
        Value::Text(value) => out.write_str(value),
    };
    debug_assert!(written.is_ok());
}

/// Characters that end a line, steer a terminal or turn the reading direction.
fn dangerous(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn bounded(text: &str) -> (&str, bool) {
    let end = text.floor_char_boundary(LONGEST);
    (text.get(..end).unwrap_or_default(), end < text.len())
}

fn push_quoted(text: &str, out: &mut String) {
    let (text, cut) = bounded(text);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            other if dangerous(other) => push_unicode_escape(other, out),
            other => out.push(other),
        }
    }
    out.push_str(if cut { "…\"" } else { "\"" });
}

fn push_escaped(text: &str, out: &mut String) {
    let (text, cut) = bounded(text);
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            other if dangerous(other) => push_unicode_escape(other, out),
            other => out.push(other),
        }
    }
    if cut {
        out.push('…');
    }
}

/// Every dangerous character lies in the basic plane, so that four digits hold it.
fn push_unicode_escape(character: char, out: &mut String) {
    out.push_str("\\u");
    for shift in [12, 8, 4, 0] {
        let digit = u32::from(character) >> shift & 0xF;
        out.push(char::from_digit(digit, 16).unwrap_or('0'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(message: &str, fields: &[(&'static str, Value)], form: Form) -> String {
        write(
            form,
            &Line {
                time: "2026-11-21T05:32:00.123456Z",
                level: Level::WARN,
                target: "carnet_web",
                message,
                fields,
            },
        )
    }

    #[test]
    fn json() {
        let fields = [
            ("tenant.id", Value::Signed(-1)),
            ("count", Value::Unsigned(3)),
            ("ratio", Value::Float(0.5)),
            ("odd", Value::Float(f64::NAN)),
            ("ok", Value::Bool(true)),
            ("time", Value::Text("noon".to_owned())),
        ];
        assert_eq!(
            line("slow", &fields, Form::Json),
            "{\"time\":\"2026-11-21T05:32:00.123456Z\",\"level\":\"WARN\",\"message\":\"slow\",\
             \"target\":\"carnet_web\",\"tenant.id\":-1,\"count\":3,\"ratio\":0.5,\"odd\":null,\
             \"ok\":true,\"field.time\":\"noon\"}\n"
        );
    }

    const EVIL: &str = "a\r\n{\"forged\":1}\u{1b}[2J\u{85}\u{2028}\u{202e}\"\\\0";

    #[test]
    fn nothing_forges_a_second_line() {
        let fields = [("path", Value::Text(EVIL.to_owned()))];
        for form in [Form::Json, Form::Pretty { color: false }] {
            let text = line(EVIL, &fields, form);
            let body = text.strip_suffix('\n').unwrap();
            assert!(!body.chars().any(dangerous), "{body}");
        }
        let json = line(EVIL, &fields, Form::Json);
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["message"], EVIL);
        assert_eq!(value["path"], EVIL);
        assert!(value.get("forged").is_none());
    }

    #[test]
    fn pretty() {
        let fields = [
            ("query", Value::Text("a b".to_owned())),
            ("id", Value::Text("X".to_owned())),
        ];
        assert_eq!(
            line("slow", &fields, Form::Pretty { color: false }),
            "05:32:00.123456 WARN  slow query=\"a b\" id=X carnet_web\n"
        );
        assert!(line("slow", &[], Form::Pretty { color: true }).contains("\u{1b}[33mWARN"));
    }

    #[test]
    fn a_long_text_is_cut() {
        let text = "é".repeat(LONGEST);
        let cut = line(&text, &[], Form::Json);
        assert!(cut.len() < LONGEST + 300 && cut.contains("…\""));
    }
}
