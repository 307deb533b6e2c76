//! The tree: maps in written order, lists, scalars, each with its place.

use serde_json::{Map, Value};

/// A place in one of the files that are compiled together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    /// Which file.
    pub(crate) file: u32,
    /// The line, from 1.
    pub(crate) line: u32,
    /// The column in characters, from 1.
    pub(crate) column: u32,
    /// How many characters, within the line.
    pub(crate) length: u32,
}

impl Span {
    /// The first character of a file.
    pub(crate) fn start_of(file: u32) -> Self {
        Self {
            file,
            line: 1,
            column: 1,
            length: 0,
        }
    }
}

/// A text with its place.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) span: Span,
}

/// A value with its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Null,
    Boolean(bool),
    /// The text of a JSON number, so that decimals stay exact.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// Already reported; whoever meets it says nothing more.
    Broken,
}

/// A key of a map with its value. Keys of one map differ.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: Name,
    pub(crate) value: Node,
}

impl Node {
    /// What it is, for a message: `a list`.
    pub(crate) fn what(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "nothing",
            Kind::Boolean(_) => "true or false",
            Kind::Number(_) => "a number",
            Kind::Text(_) => "a text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
            Kind::Broken => "unreadable",
        }
    }

    pub(crate) fn is_broken(&self) -> bool {
        matches!(self.kind, Kind::Broken)
    }

    pub(crate) fn entries(&self) -> Option<&[Entry]> {
        match &self.kind {
            Kind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value as JSON under the rules of `carnet_kernel::json`, or the place and the reason
    /// why it is none.
    pub(crate) fn to_json(&self) -> Result<Value, (Span, String)> {
        Ok(match &self.kind {
            Kind::Null | Kind::Broken => Value::Null,
            Kind::Boolean(value) => Value::Bool(*value),
            Kind::Number(text) => {
                carnet_kernel::json::parse(text).map_err(|error| (self.span, reason(&error)))?
            }
            Kind::Text(text) => Value::String(text.clone()),
            Kind::List(items) => {
                Value::Array(items.iter().map(Self::to_json).collect::<Result<_, _>>()?)
            }
            Kind::Map(entries) => {
                let mut map = Map::new();
                for entry in entries {
                    map.insert(entry.key.text.clone(), entry.value.to_json()?);
                }
                Value::Object(map)
            }
        })
    }
}

/// The reason without the position, which is that of a lone number.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((reason, _)) => reason.to_owned(),
        None => text,
    }
}
