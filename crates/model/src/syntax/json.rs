//! Strict JSON (RFC 8259) to nodes with places. Kept apart from YAML so that an editor and this
//! compiler agree on what a `.json` file is.

use super::{Entry, Kind, MAX_DEPTH, Name, Node, Span};
use crate::report::Report;
use std::collections::HashMap;

pub(super) fn parse(text: &str, file: u32, report: &mut Report) -> Option<Node> {
    let mut reader = Reader {
        rest: text,
        file,
        line: 1,
        column: 1,
        report,
    };
    reader.space();
    let node = reader.value(0).and_then(|node| {
        reader.space();
        match reader.peek() {
            None => Ok(node),
            Some(_) => Err(reader.stop("the file goes on after its value")),
        }
    });
    node.ok()
}

/// Reading has stopped; the reason is in the report.
struct Stopped;

struct Reader<'a> {
    rest: &'a str,
    file: u32,
    line: u32,
    column: u32,
    report: &'a mut Report,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let character = characters.next()?;
        self.rest = characters.as_str();
        let ends_line = match character {
            '\n' => true,
            '\r' => !self.rest.starts_with('\n'),
            _ => false,
        };
        if ends_line {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
        Some(character)
    }

    fn here(&self) -> Span {
        Span {
            file: self.file,
            line: self.line,
            column: self.column,
            length: 1,
        }
    }

    /// `start` stretched to here if that is in the same line.
    fn since(&self, start: Span) -> Span {
        Span {
            length: if self.line == start.line {
                self.column - start.column
            } else {
                0
            },
            ..start
        }
    }

    fn stop(&mut self, reason: &str) -> Stopped {
        let span = self.here();
        match self.peek() {
            None => self.report.error(
                span,
                format!("this is not JSON: {reason}, but the file ends"),
            ),
            Some(_) => self
                .report
                .error(span, format!("this is not JSON: {reason}")),
        }
        Stopped
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\n' | '\r')) {
            self.next();
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node, Stopped> {
        let start = self.here();
        let kind = match self.peek() {
            Some('{' | '[') if depth >= MAX_DEPTH => {
                self.report.error(
                    start,
                    format!("the definition nests deeper than {MAX_DEPTH} levels"),
                );
                return Err(Stopped);
            }
            Some('{') => self.map(depth)?,
            Some('[') => self.list(depth)?,
            Some('"') => Kind::Text(self.string()?),
            Some('-' | '0'..='9') => Kind::Number(self.number()?),
            Some('a'..='z') => self.word()?,
            Some(']') => return Err(self.stop("there is no `,` before `]`")),
            Some('/' | '#') => return Err(self.stop("JSON has no comments")),
            Some('\'') => return Err(self.stop("a text stands in double quotes")),
            _ => return Err(self.stop("a value is expected here")),
        };
        Ok(Node {
            kind,
            span: self.since(start),
        })
    }

    fn word(&mut self) -> Result<Kind, Stopped> {
        for (word, kind) in [
            ("true", Kind::Boolean(true)),
            ("false", Kind::Boolean(false)),
            ("null", Kind::Null),
        ] {
            if self.rest.starts_with(word) {
                for _ in word.chars() {
                    self.next();
                }
                return Ok(kind);
            }
        }
        Err(self.stop("a text stands in double quotes"))
    }

    fn digits(&mut self, out: &mut String) -> Result<(), Stopped> {
        if !matches!(self.peek(), Some('0'..='9')) {
            return Err(self.stop("a digit is expected here"));
        }
        while let Some(digit @ '0'..='9') = self.peek() {
            out.push(digit);
            self.next();
        }
        Ok(())
    }

    fn number(&mut self) -> Result<String, Stopped> {
        let mut out = String::new();
        if self.peek() == Some('-') {
            out.push('-');
            self.next();
        }
        if self.peek() == Some('0') {
            out.push('0');
            self.next();
            if matches!(self.peek(), Some('0'..='9')) {
                return Err(self.stop("a number has no leading zeros"));
            }
        } else {
            self.digits(&mut out)?;
        }
        if self.peek() == Some('.') {
            out.push('.');
            self.next();
            self.digits(&mut out)?;
        }
        if matches!(self.peek(), Some('e' | 'E')) {
            out.push('e');
            self.next();
            if let Some(sign @ ('+' | '-')) = self.peek() {
                out.push(sign);
                self.next();
            }
            self.digits(&mut out)?;
        }
        Ok(out)
    }

    fn string(&mut self) -> Result<String, Stopped> {
        self.next();
        let mut out = String::new();
        loop {
            match self.peek() {
                Some('"') => {
                    self.next();
                    return Ok(out);
                }
                Some('\\') => {
                    self.next();
                    out.push(self.escape()?);
                }
                Some(control) if control < ' ' => {
                    return Err(self.stop("a text holds no line breaks and control characters"));
                }
                Some(character) => {
                    out.push(character);
                    self.next();
                }
                None => return Err(self.stop("a text must be closed by `\"`")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Stopped> {
        let character = match self.peek() {
            Some(plain @ ('"' | '\\' | '/')) => plain,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => {
                self.next();
                return self.unicode();
            }
            _ => return Err(self.stop("this escape is not known")),
        };
        self.next();
        Ok(character)
    }

    fn unicode(&mut self) -> Result<char, Stopped> {
        let first = self.hex()?;
        let code = if (0xD800..0xDC00).contains(&first) && self.rest.starts_with("\\u") {
            self.next();
            self.next();
            let second = self.hex()?;
            if (0xDC00..0xE000).contains(&second) {
                0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00)
            } else {
                first
            }
        } else {
            first
        };
        match char::from_u32(code) {
            Some('\0') => Err(self.stop("the character U+0000 is not allowed")),
            Some(character) => Ok(character),
            None => Err(self.stop("half a surrogate pair is not a character")),
        }
    }

    fn hex(&mut self) -> Result<u32, Stopped> {
        let mut code = 0;
        for _ in 0..4 {
            match self.peek().and_then(|digit| digit.to_digit(16)) {
                Some(digit) => code = code * 16 + digit,
                None => return Err(self.stop("four hexadecimal digits are expected here")),
            }
            self.next();
        }
        Ok(code)
    }

    fn list(&mut self, depth: usize) -> Result<Kind, Stopped> {
        self.next();
        let mut items = Vec::new();
        self.space();
        if self.peek() == Some(']') {
            self.next();
            return Ok(Kind::List(items));
        }
        loop {
            self.space();
            items.push(self.value(depth + 1)?);
            self.space();
            match self.peek() {
                Some(',') => {
                    self.next();
                }
                Some(']') => {
                    self.next();
                    return Ok(Kind::List(items));
                }
                _ => return Err(self.stop("`,` or `]` is expected here")),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Kind, Stopped> {
        self.next();
        let mut entries: Vec<Entry> = Vec::new();
        let mut lines: HashMap<String, u32> = HashMap::new();
        self.space();
        if self.peek() == Some('}') {
            self.next();
            return Ok(Kind::Map(entries));
        }
        loop {
            self.space();
            let start = self.here();
            match self.peek() {
                Some('"') => {}
                Some('}') => return Err(self.stop("there is no `,` before `}`")),
                Some(']') => return Err(self.stop("there is no `,` before `]`")),
                Some('/' | '#') => return Err(self.stop("JSON has no comments")),
                _ => return Err(self.stop("a key in double quotes is expected here")),
            }
            let text = self.string()?;
            let span = self.since(start);
            self.space();
            if self.peek() != Some(':') {
                return Err(self.stop("`:` is expected here"));
            }
            self.next();
            self.space();
            let value = self.value(depth + 1)?;
            match lines.get(&text) {
                Some(line) => self.report.error_hint(
                    span,
                    format!("the key `{text}` stands twice"),
                    format!("it stands first in line {line}"),
                ),
                None => {
                    lines.insert(text.clone(), span.line);
                    entries.push(Entry {
                        key: Name { text, span },
                        value,
                    });
                }
            }
            self.space();
            match self.peek() {
                Some(',') => {
                    self.next();
                }
                Some('}') => {
                    self.next();
                    return Ok(Kind::Map(entries));
                }
                _ => return Err(self.stop("`,` or `}` is expected here")),
            }
        }
    }
}
