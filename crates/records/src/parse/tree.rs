//! Conditions as a tree, however they were written: `filter[a][b]=c` in an address, or
//! `{"a":{"b":"c"}}` in a body. Names and values are not looked at yet.

use super::key::FilterPair;
use super::shorten;
use carnet_kernel::json;
use serde_json::Value;
use std::borrow::Cow;

/// How deep brackets nest at most: beyond anything that a filter can mean.
const MAX_SEGMENTS: usize = 64;

/// A value as it was written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Words<'a> {
    /// In an address: its type follows from the field.
    Text(Cow<'a, str>),
    /// In a body: one JSON value.
    Json(String),
}

/// What stands under one name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Node<'a> {
    /// Where it was written, for faults.
    pub(crate) place: Cow<'a, str>,
    /// Values written directly under the name, each with its place.
    pub(crate) values: Vec<(Words<'a>, Cow<'a, str>)>,
    /// Names under the name, in the order of first appearance.
    pub(crate) children: Vec<(Cow<'a, str>, Node<'a>)>,
}

impl<'a> Node<'a> {
    /// The tree of bracketed pairs of the parameter `name`; the places of faults begin with
    /// `prefix`.
    pub(super) fn from_pairs(
        pairs: &[FilterPair<'a>],
        name: &str,
        prefix: &str,
    ) -> Result<Self, Cow<'a, str>> {
        let mut root = Self {
            place: Cow::Owned(format!("{prefix}{name}")),
            ..Self::default()
        };
        for pair in pairs {
            let place: Cow<'a, str> = Cow::Owned(format!("{prefix}{}", shorten(pair.key)));
            if pair.segments.len() > MAX_SEGMENTS {
                return Err(place);
            }
            let mut node = &mut root;
            for segment in &pair.segments {
                node = node.child(Cow::Borrowed(segment), &place);
            }
            node.values.push((Words::Text(pair.value.clone()), place));
        }
        Ok(root)
    }

    /// The tree of a JSON object; its places are dotted paths that begin with `place`. The error
    /// says what is wrong with the text.
    pub(crate) fn from_json(text: &str, place: &str) -> Result<Node<'static>, String> {
        let value = json::parse(text).map_err(|error| error.to_string())?;
        if !value.is_object() {
            return Err("it must be an object of conditions".to_owned());
        }
        Ok(Self::from_value(&value, place))
    }

    /// The same of a value that is parsed already.
    pub(crate) fn from_value(value: &Value, place: &str) -> Node<'static> {
        let mut node = Node {
            place: Cow::Owned(place.to_owned()),
            ..Node::default()
        };
        let mut below = |name: &str, value: &Value| {
            let child = Self::from_value(value, &format!("{place}.{}", shorten(name)));
            node.children.push((Cow::Owned(name.to_owned()), child));
        };
        match value {
            Value::Object(members) => members.iter().for_each(|(name, value)| below(name, value)),
            Value::Array(list) if !list.is_empty() && list.iter().all(Value::is_object) => {
                for (position, value) in list.iter().enumerate() {
                    below(&position.to_string(), value);
                }
            }
            Value::Array(list) => {
                for (position, value) in list.iter().enumerate() {
                    let at = Cow::Owned(format!("{place}[{position}]"));
                    node.values.push((Words::Json(value.to_string()), at));
                }
            }
            value => {
                let at = node.place.clone();
                node.values.push((Words::Json(value.to_string()), at));
            }
        }
        node
    }

    fn child(&mut self, name: Cow<'a, str>, place: &Cow<'a, str>) -> &mut Self {
        let known = self.children.iter().position(|(known, _)| *known == name);
        let at = known.unwrap_or_else(|| {
            let place = place.clone();
            let node = Self {
                place,
                ..Self::default()
            };
            self.children.push((name, node));
            self.children.len() - 1
        });
        &mut self.children[at].1
    }

    /// How many conditions stand in it: names with values, whatever their number.
    pub(crate) fn conditions(&self) -> usize {
        let below = self.children.iter().map(|(_, node)| node.conditions());
        usize::from(!self.values.is_empty()) + below.sum::<usize>()
    }
}
