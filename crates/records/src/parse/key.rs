//! Parameter keys: known names, brackets, repeats. Not their values.

use super::{Faults, LATER, LIST_PARAMETERS, shorten};
use carnet_kernel::{Code, suggest};
use std::borrow::Cow;

/// The pairs of one query, sorted by parameter.
#[derive(Default)]
pub(crate) struct Groups<'a> {
    /// `filter[…]…=value`: bracket segments, whole key, value.
    pub(super) filter: Vec<FilterPair<'a>>,
    /// `search` and `search[fuzzy]`.
    pub(super) search: Vec<SearchPair<'a>>,
    /// `having[…]…=value`, the same.
    pub(super) having: Vec<FilterPair<'a>>,
    /// Each other parameter that is there, with its values; a list may stand several times.
    lists: Vec<(&'a str, Vec<&'a str>)>,
}

pub(super) struct FilterPair<'a> {
    pub(super) segments: Vec<&'a str>,
    pub(super) key: &'a str,
    pub(super) value: Cow<'a, str>,
}

pub(super) struct SearchPair<'a> {
    pub(super) fuzzy: bool,
    pub(super) key: &'a str,
    pub(super) value: &'a str,
}

impl<'a> Groups<'a> {
    /// The values of a list parameter.
    pub(super) fn values(&self, name: &str) -> &[&'a str] {
        self.lists
            .iter()
            .find(|(known, _)| *known == name)
            .map_or(&[], |(_, values)| values.as_slice())
    }

    /// The members of a list parameter, of comma-separated values.
    pub(super) fn members(&self, name: &str) -> Vec<String> {
        let values = self.values(name).iter();
        values.flat_map(|value| split_list(value)).collect()
    }

    /// The value of a scalar parameter.
    pub(super) fn value(&self, name: &str) -> Option<&'a str> {
        self.values(name).first().copied()
    }
}

/// Parameters that may stand several times, each value adding to the list.
pub(super) const LISTS: &[&str] = &[
    "include",
    "fields",
    "sort",
    "aggregate",
    "groupBy",
    "distinct",
];

/// Sorts `pairs` into groups; keys that are not in `known` are faults.
pub(super) fn group<'a>(
    pairs: &'a [(String, String)],
    known: &[&'static str],
    faults: &mut Faults,
) -> Groups<'a> {
    let mut groups = Groups::default();
    for (key, value) in pairs {
        let (name, brackets) = match key.find('[') {
            Some(at) => key.split_at(at),
            None => (key.as_str(), ""),
        };
        if !known.contains(&name) {
            let message = if LATER.contains(&name) {
                format!("the parameter `{name}` comes with a later release")
            } else if LIST_PARAMETERS.contains(&name) {
                format!("the parameter `{name}` is not offered here")
            } else {
                let hint = suggest::hint(name, known.iter().copied());
                format!("there is no parameter `{}`{hint}", shorten(name))
            };
            faults.push(Code::UnknownParameter, shorten(key), "unknown", message);
            continue;
        }
        if name == "filter" || name == "having" {
            match segments(brackets) {
                Some(segments) if !segments.is_empty() => {
                    let pair = FilterPair {
                        segments,
                        key,
                        value: Cow::Borrowed(value),
                    };
                    if name == "filter" {
                        groups.filter.push(pair);
                    } else {
                        groups.having.push(pair);
                    }
                }
                _ => {
                    let message = if name == "filter" {
                        "a filter is written `filter[field][operator]=value`"
                    } else {
                        "a condition on groups is written `having[count][gt]=5`"
                    };
                    faults.push(Code::InvalidParameter, shorten(key), "syntax", message);
                }
            }
            continue;
        }
        if name == "search" {
            let fuzzy = brackets == "[fuzzy]";
            if !fuzzy && !brackets.is_empty() {
                let message = "a search is written `search=…` or `search[fuzzy]=…`";
                faults.push(Code::UnknownParameter, shorten(key), "syntax", message);
            } else if groups.search.iter().any(|known| known.fuzzy == fuzzy) {
                let message = format!("`{key}` stands twice");
                faults.push(Code::InvalidParameter, key, "repeated", message);
            } else {
                groups.search.push(SearchPair { fuzzy, key, value });
            }
            continue;
        }
        let list = LISTS.contains(&name);
        if !(brackets.is_empty() || (list && brackets == "[]")) {
            let message = format!("`{name}` takes no brackets");
            faults.push(Code::UnknownParameter, shorten(key), "syntax", message);
            continue;
        }
        match groups.lists.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) if list => values.push(value),
            Some(_) => {
                let message = format!("`{name}` stands twice");
                faults.push(Code::InvalidParameter, name, "repeated", message);
            }
            None => groups.lists.push((name, vec![value])),
        }
    }
    groups
}

/// `[a][b]` as `a`, `b`; `None` when the brackets do not match or one is empty.
pub(super) fn segments(brackets: &str) -> Option<Vec<&str>> {
    let mut rest = brackets;
    let mut segments = Vec::new();
    while !rest.is_empty() {
        let (segment, tail) = rest.strip_prefix('[')?.split_once(']')?;
        if segment.is_empty() || segment.contains('[') {
            return None;
        }
        segments.push(segment);
        rest = tail;
    }
    Some(segments)
}

/// Splits a comma-separated list; `\,` is a comma and `\\` a backslash in a member.
pub(super) fn split_list(text: &str) -> Vec<String> {
    let mut members = vec![String::new()];
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let next = match character {
            '\\' => match characters.next() {
                Some(escaped @ (',' | '\\')) => escaped,
                Some(other) => {
                    push(&mut members, '\\');
                    other
                }
                None => '\\',
            },
            ',' => {
                members.push(String::new());
                continue;
            }
            other => other,
        };
        push(&mut members, next);
    }
    members
}

fn push(members: &mut [String], character: char) {
    if let Some(last) = members.last_mut() {
        last.push(character);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        assert_eq!(split_list("a,b\\,c,\\\\d,"), ["a", "b,c", "\\d", ""]);
        assert_eq!(split_list("\\x\\"), ["\\x\\"]);
    }

    #[test]
    fn brackets() {
        assert_eq!(segments("[a][b.c]"), Some(vec!["a", "b.c"]));
        for broken in ["[a", "a]", "[]", "[a][", "[a]b", "[[a]]"] {
            assert_eq!(segments(broken), None, "{broken}");
        }
    }
}
