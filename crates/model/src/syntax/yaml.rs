//! YAML events to nodes. Anchors, aliases, tags, merge keys, duplicate keys and further documents
//! are refused with their place.

use super::{Entry, Kind, MAX_DEPTH, Name, Node, Span, scalar};
use crate::report::Report;
use saphyr_parser::{Event, Parser, ScalarStyle, Span as Marks};
use std::collections::HashMap;

pub(super) fn parse(text: &str, file: u32, report: &mut Report) -> Option<Node> {
    let mut builder = Builder {
        file,
        report,
        open: Vec::new(),
        root: None,
    };
    let mut parser = Parser::new_from_str(text);
    let mut documents = 0;
    while let Some(next) = parser.next_event() {
        let (event, marks) = match next {
            Ok(event) => event,
            Err(error) => {
                let mark = error.marker();
                let span = Span {
                    file,
                    line: mark.line() as u32,
                    column: mark.col() as u32 + 1,
                    length: 0,
                };
                builder.scan_error(span, error.info(), text);
                return None;
            }
        };
        match event {
            Event::DocumentStart(_) => {
                documents += 1;
                if documents > 1 {
                    let span = builder.span(marks);
                    builder.report.error_hint(
                        span,
                        "a second document begins here; a file holds one",
                        "put it into a file of its own",
                    );
                    return builder.root;
                }
            }
            Event::StreamEnd => break,
            other => {
                if !builder.take(other, marks) {
                    return None;
                }
            }
        }
    }
    builder.root.or(Some(Node {
        kind: Kind::Null,
        span: Span::start_of(file),
    }))
}

/// A collection whose end has not come yet.
enum Open {
    List(Vec<Node>, Span),
    Map {
        entries: Vec<Entry>,
        lines: HashMap<String, u32>,
        key: Option<Name>,
        /// Whether the key was refused, so that its value is passed over.
        refused: bool,
        span: Span,
    },
}

struct Builder<'a> {
    file: u32,
    report: &'a mut Report,
    open: Vec<Open>,
    root: Option<Node>,
}

impl Builder<'_> {
    fn span(&self, marks: Marks) -> Span {
        let one_line = marks.start.line() == marks.end.line();
        Span {
            file: self.file,
            line: marks.start.line() as u32,
            column: marks.start.col() as u32 + 1,
            length: if one_line {
                marks.end.col().saturating_sub(marks.start.col()) as u32
            } else {
                0
            },
        }
    }

    fn scan_error(&mut self, span: Span, info: &str, text: &str) {
        let line = text.lines().nth(span.line.saturating_sub(1) as usize);
        let indent = line.unwrap_or_default().trim_start_matches(' ');
        let message = format!("this is not YAML: {info}");
        if indent.starts_with('\t') {
            self.report.error_hint(
                span,
                message,
                "indent with spaces; YAML allows no tabs there",
            );
        } else {
            self.report.error(span, message);
        }
    }

    /// Takes one event; `false` when reading on makes no sense.
    fn take(&mut self, event: Event<'_>, marks: Marks) -> bool {
        let span = self.span(marks);
        match event {
            Event::Alias(_) => {
                self.report.error_hint(
                    span,
                    "aliases are not part of the definition language",
                    "write the value out",
                );
                self.place(Node {
                    kind: Kind::Broken,
                    span,
                });
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_anchor(anchor, span);
                let tagged = self.refuse_tag(tag.is_some(), span);
                self.scalar(&text, style, tagged, span);
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_anchor(anchor, span);
                self.refuse_tag(tag.is_some(), span);
                return self.begin(Open::List(Vec::new(), span), span);
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_anchor(anchor, span);
                self.refuse_tag(tag.is_some(), span);
                let map = Open::Map {
                    entries: Vec::new(),
                    lines: HashMap::new(),
                    key: None,
                    refused: false,
                    span,
                };
                return self.begin(map, span);
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => {}
        }
        true
    }

    fn refuse_anchor(&mut self, anchor: usize, span: Span) {
        if anchor != 0 {
            self.report.error_hint(
                span,
                "anchors are not part of the definition language",
                "write the value out where it is needed",
            );
        }
    }

    fn refuse_tag(&mut self, tagged: bool, span: Span) -> bool {
        if tagged {
            self.report.error_hint(
                span,
                "tags are not part of the definition language",
                "quote a scalar to make it a text",
            );
        }
        tagged
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tagged: bool, span: Span) {
        if text.contains('\0') {
            self.report
                .error(span, "the character U+0000 is not allowed");
            return self.place(Node {
                kind: Kind::Broken,
                span,
            });
        }
        let plain = style == ScalarStyle::Plain;
        if self.wants_key() {
            return self.key(text, plain, span);
        }
        let kind = if tagged {
            Kind::Broken
        } else if plain {
            match scalar::resolve(text) {
                Ok(kind) => kind,
                Err(reason) => {
                    self.report.error(span, reason);
                    Kind::Broken
                }
            }
        } else {
            Kind::Text(text.to_owned())
        };
        self.place(Node { kind, span });
    }

    fn wants_key(&self) -> bool {
        matches!(self.open.last(), Some(Open::Map { key: None, .. }))
    }

    fn key(&mut self, text: &str, plain: bool, span: Span) {
        let merge = plain && text == "<<";
        let nothing = plain && matches!(text, "" | "~" | "null" | "Null" | "NULL");
        if merge {
            self.report.error_hint(
                span,
                "merge keys are not part of the definition language",
                "write the keys out",
            );
        } else if nothing {
            self.report.error(span, "a key must be a text, not nothing");
        }
        if let Some(Open::Map { key, refused, .. }) = self.open.last_mut() {
            *refused = merge || nothing;
            *key = Some(Name {
                text: text.to_owned(),
                span,
            });
        }
    }

    fn begin(&mut self, open: Open, span: Span) -> bool {
        if self.wants_key() {
            self.report
                .error(span, "a key must be a text, not a list or a map");
            return false;
        }
        if self.open.len() >= MAX_DEPTH {
            self.report.error(
                span,
                format!("the definition nests deeper than {MAX_DEPTH} levels"),
            );
            return false;
        }
        self.open.push(open);
        true
    }

    fn end(&mut self) {
        let node = match self.open.pop() {
            Some(Open::List(items, span)) => Node {
                kind: Kind::List(items),
                span,
            },
            Some(Open::Map { entries, span, .. }) => Node {
                kind: Kind::Map(entries),
                span,
            },
            None => return,
        };
        self.place(node);
    }

    /// Puts a finished node where it belongs.
    fn place(&mut self, mut node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List(items, _)) => items.push(node),
            Some(Open::Map {
                entries,
                lines,
                key,
                refused,
                ..
            }) => {
                let Some(name) = key.take() else {
                    // An alias where a key should stand; already reported.
                    *refused = true;
                    *key = Some(Name {
                        text: String::new(),
                        span: node.span,
                    });
                    return;
                };
                if matches!(node.kind, Kind::Null) && node.span.length == 0 {
                    // An empty value has no place of its own: show its key.
                    node.span = name.span;
                }
                if std::mem::take(refused) {
                    return;
                }
                match lines.get(&name.text) {
                    Some(line) => self.report.error_hint(
                        name.span,
                        format!("the key `{}` stands twice", name.text),
                        format!("it stands first in line {line}"),
                    ),
                    None => {
                        lines.insert(name.text.clone(), name.span.line);
                        entries.push(Entry {
                            key: name,
                            value: node,
                        });
                    }
                }
            }
        }
    }
}
