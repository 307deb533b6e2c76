//! Nodes to declarations, key by key: shapes, words, bounds. Not what needs more than one
//! resource to be known; that is `compile`.

mod action;
mod constraint;
mod document;
mod field;
mod kind;
mod resource;
mod value;
mod version;

use crate::declared::Grammar;
use crate::report::Report;
use crate::syntax::{Entry, Kind, Name, Node, Span};
use crate::words;

pub(crate) use document::document;
pub(crate) use kind::ENUM_WORD_PATTERN;

/// Reads nodes of one file.
pub(crate) struct Reader<'r> {
    pub(crate) report: &'r mut Report,
    pub(crate) grammar: Grammar,
}

impl Reader<'_> {
    /// Says that `what` is of another kind than it must be, unless that was reported before.
    fn wrong(&mut self, node: &Node, what: &str, expected: &str) {
        if !node.is_broken() {
            let message = format!("{what} must be {expected}, not {}", node.what());
            self.report.error(node.span, message);
        }
    }

    fn map<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Entry]> {
        let entries = node.entries();
        if entries.is_none() {
            self.wrong(node, what, "a map");
        }
        entries
    }

    /// A text of the author's own.
    fn text<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        if matches!(node.kind, Kind::Boolean(_) | Kind::Number(_)) {
            self.report.error_hint(
                node.span,
                format!("{what} must be a text, not {}", node.what()),
                "put it in quotes to make it a text",
            );
            return None;
        }
        self.word(node, what)
    }

    /// A text that is a word of the language or a name of the definition.
    fn word<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        match &node.kind {
            Kind::Text(text) => Some(text),
            _ => {
                self.wrong(node, what, "a text");
                None
            }
        }
    }

    fn name(&mut self, node: &Node, what: &str) -> Option<Name> {
        self.word(node, what).map(|text| Name {
            text: text.to_owned(),
            span: node.span,
        })
    }

    fn boolean(&mut self, node: &Node, what: &str) -> Option<bool> {
        match node.kind {
            Kind::Boolean(value) => Some(value),
            _ => {
                self.wrong(node, what, "true or false");
                None
            }
        }
    }

    /// A whole number from 0 to 2^32 − 1.
    fn count(&mut self, node: &Node, what: &str) -> Option<u32> {
        match &node.kind {
            Kind::Number(text) => match text.parse() {
                Ok(count) => Some(count),
                Err(_) => {
                    self.report.error(
                        node.span,
                        format!("{what} must be a whole number from 0 to {}", u32::MAX),
                    );
                    None
                }
            },
            _ => {
                self.wrong(node, what, "a whole number");
                None
            }
        }
    }

    /// One of a few words.
    fn choice<T: Copy>(&mut self, node: &Node, what: &str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.word(node, what)?;
        let found = choices.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let words: Vec<String> = choices
                .iter()
                .map(|(word, _)| format!("`{word}`"))
                .collect();
            self.report.error_near(
                node.span,
                format!("{what} is {}, not `{text}`", words.join(" or ")),
                text,
                choices.iter().map(|(word, _)| *word),
            );
        }
        found.map(|(_, value)| *value)
    }

    /// Reports a key that does not belong where it stands.
    fn unknown<'a>(
        &mut self,
        key: &Name,
        place: &str,
        known: impl IntoIterator<Item = &'a str>,
        later: &[&str],
    ) {
        if later.contains(&key.text.as_str()) {
            self.later(key.span, &key.text);
        } else {
            self.report.error_near(
                key.span,
                format!("unknown key `{}` in {place}", key.text),
                &key.text,
                known,
            );
        }
    }

    /// Reports a word of the language that does not work yet.
    fn later(&mut self, span: Span, word: &str) {
        self.report.error_hint(
            span,
            format!("`{word}` comes with a later release"),
            "leave it out until then",
        );
    }

    /// Checks that filters can tell a name from their own words.
    fn filter_word(&mut self, name: &Name, what: &str) {
        if words::FILTER_WORDS.contains(&name.text.as_str()) {
            self.report.error_hint(
                name.span,
                format!(
                    "{what} `{}` is reserved: filters join conditions with it",
                    name.text
                ),
                "choose another name",
            );
        }
    }

    /// Checks a camelCase name of the definition.
    fn camel_case(&mut self, name: &Name, what: &str) -> bool {
        let mut characters = name.text.chars();
        let fits = characters
            .next()
            .is_some_and(|first| first.is_ascii_lowercase())
            && characters.all(|other| other.is_ascii_alphanumeric())
            && name.text.len() <= 48;
        if !fits {
            let message = format!(
                "{what} `{}` must be camelCase: a lower-case letter, then at most 47 letters and digits",
                name.text
            );
            match camel_form(&name.text) {
                Some(form) => self
                    .report
                    .error_hint(name.span, message, format!("write `{form}`")),
                None => self.report.error(name.span, message),
            }
        }
        fits
    }
}

/// What a name in another style would be in camelCase.
fn camel_form(text: &str) -> Option<String> {
    let mut form = String::new();
    let mut upper = false;
    for character in text.chars() {
        match character {
            '_' | '-' | ' ' | '.' => upper = !form.is_empty(),
            letter if letter.is_ascii_alphanumeric() => {
                if form.is_empty() {
                    form.push(letter.to_ascii_lowercase());
                } else if upper {
                    form.push(letter.to_ascii_uppercase());
                } else {
                    form.push(letter);
                }
                upper = false;
            }
            _ => return None,
        }
    }
    let fits = form.starts_with(|first: char| first.is_ascii_lowercase()) && form.len() <= 48;
    fits.then_some(form)
}

/// The value of `key`.
fn get<'n>(entries: &'n [Entry], key: &str) -> Option<&'n Node> {
    entries
        .iter()
        .find(|entry| entry.key.text == key)
        .map(|entry| &entry.value)
}
