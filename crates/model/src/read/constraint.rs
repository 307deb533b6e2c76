//! `many`, `unique` and `indexes`: lists of names. Whether the names exist is looked up later.

use super::{Reader, get};
use crate::declared::{ByDecl, IndexDecl, ManyDecl, SearchDecl, UniqueDecl};
use crate::syntax::{Kind, Name, Node};
use crate::words;
use carnet_kernel::search::Accents;
use carnet_kernel::stem::Language;

/// How many fields a unique constraint or an index may have.
const MAX_MEMBERS: usize = 16;

/// How much a searched field may count.
const MAX_WEIGHT: u8 = 100;

impl Reader<'_> {
    pub(super) fn many(&mut self, node: &Node) -> Vec<ManyDecl> {
        let mut relations = Vec::new();
        for entry in self.map(node, "`many`").unwrap_or_default() {
            let name = &entry.key;
            if self.camel_case(name, "the relation name") {
                self.filter_word(name, "the relation name");
            }
            let what = format!("the relation `{}`", name.text);
            let Some(entries) = self.map(&entry.value, &what) else {
                continue;
            };
            for entry in entries {
                if words::names(words::MANY).all(|known| known != entry.key.text) {
                    let known = words::names(words::MANY);
                    self.unknown(&entry.key, &what, known, words::MANY_LATER);
                }
            }
            let mut part =
                |key: &str| get(entries, key).and_then(|node| self.name(node, &format!("`{key}`")));
            let (of, by, to) = (part("of"), part("by"), part("to"));
            let through = part("through");
            let mut missing = |key: &str, meaning: &str| {
                if get(entries, key).is_none() {
                    self.report
                        .error(name.span, format!("{what} needs `{key}`: {meaning}"));
                }
            };
            missing("of", "the resource whose records it leads to");
            let linked = get(entries, "through").is_some();
            if !linked {
                missing(
                    "by",
                    "the reference field of that resource, or `through` with a link resource",
                );
            }
            if let (Some(to), false) = (&to, linked) {
                self.report.error_hint(
                    to.span,
                    "`to` belongs to a relation with `through`",
                    "leave it out, or name the link resource with `through`",
                );
            }
            let by = match (through, by) {
                (Some(link), by) => Some(ByDecl::Through { link, by, to }),
                (None, Some(by)) if !linked => Some(ByDecl::Field(by)),
                (None, _) => None,
            };
            if let (Some(of), Some(by)) = (of, by) {
                relations.push(ManyDecl {
                    name: name.clone(),
                    of,
                    by,
                });
            }
        }
        relations
    }

    pub(super) fn uniques(&mut self, node: &Node) -> Vec<UniqueDecl> {
        let Kind::List(items) = &node.kind else {
            self.wrong(node, "`unique`", "a list of lists of field names");
            return Vec::new();
        };
        let mut uniques = Vec::new();
        for item in items {
            let fields = self.members(item, "`unique`");
            if !fields.is_empty() {
                uniques.push(UniqueDecl {
                    fields,
                    span: item.span,
                });
            }
        }
        uniques
    }

    pub(super) fn indexes(&mut self, node: &Node) -> Vec<IndexDecl> {
        let Kind::List(items) = &node.kind else {
            self.wrong(node, "`indexes`", "a list of lists of field names");
            return Vec::new();
        };
        items.iter().filter_map(|item| self.index(item)).collect()
    }

    fn index(&mut self, node: &Node) -> Option<IndexDecl> {
        let members = match &node.kind {
            Kind::Map(entries) => {
                for entry in entries {
                    match entry.key.text.as_str() {
                        "on" => {}
                        "using" => self.using(&entry.value),
                        _ => self.unknown(
                            &entry.key,
                            "an index",
                            words::names(words::INDEX),
                            &["where", "include"],
                        ),
                    }
                }
                match get(entries, "on") {
                    Some(on) => self.members(on, "`on`"),
                    None => {
                        self.report
                            .error(node.span, "an index needs `on`: its fields in order");
                        Vec::new()
                    }
                }
            }
            _ => self.members(node, "an index"),
        };
        let columns: Vec<(Name, bool)> = members
            .into_iter()
            .map(|member| match member.text.strip_prefix('-') {
                Some(field) => (
                    Name {
                        text: field.to_owned(),
                        span: member.span,
                    },
                    true,
                ),
                None => (member, false),
            })
            .collect();
        (!columns.is_empty()).then_some(IndexDecl {
            columns,
            span: node.span,
        })
    }

    fn using(&mut self, node: &Node) {
        match self.word(node, "`using`") {
            Some("btree") | None => {}
            Some(kind) if words::INDEX_LATER.contains(&kind) => {
                self.report.error_hint(
                    node.span,
                    format!("`using: {kind}` comes with a later release"),
                    "`btree` is the kind that works now",
                );
            }
            Some(kind) => {
                let message = format!("unknown kind of index `{kind}`");
                self.report.error_near(node.span, message, kind, ["btree"]);
            }
        }
    }

    /// What is searched: a name, a list, or a map with the list under `fields` and how. Only the
    /// keys of `allowed` may stand there, all of them when it is empty.
    pub(super) fn search(&mut self, node: &Node, allowed: &[&str]) -> SearchDecl {
        let mut search = SearchDecl::default();
        let Kind::Map(entries) = &node.kind else {
            search.fields = self.members(node, "`search`");
            return search;
        };
        if get(entries, "fields").is_none() {
            let message = "`search` needs `fields`: the fields it looks in";
            self.report.error(node.span, message);
        }
        for entry in entries {
            let key = entry.key.text.as_str();
            let known = words::names(words::SEARCH);
            if !allowed.is_empty() && !allowed.contains(&key) && known.clone().any(|one| one == key)
            {
                self.report.error_hint(
                    entry.key.span,
                    format!("an extension cannot change `{key}` of a search"),
                    "it adds fields, and `weights` for them",
                );
                continue;
            }
            let value = &entry.value;
            match key {
                "fields" => search.fields = self.members(value, "`fields`"),
                "fuzzy" => search.fuzzy = self.boolean(value, "`fuzzy`").unwrap_or_default(),
                "language" => search.analysis.language = self.language(value),
                "accents" => {
                    if let Some(word) = self.word(value, "`accents`") {
                        let known = Accents::ALL.map(Accents::as_str);
                        match Accents::parse(word) {
                            Some(accents) => search.analysis.accents = accents,
                            None => self.report.error_near(
                                value.span,
                                format!("`accents` is `fold` or `keep`, not `{word}`"),
                                word,
                                known,
                            ),
                        }
                    }
                }
                "weights" => search.weights = self.weights(value),
                _ => self.unknown(&entry.key, "`search`", known, &[]),
            }
        }
        search
    }

    fn language(&mut self, node: &Node) -> Option<Language> {
        let word = self.word(node, "`language`")?;
        let found = Language::parse(word);
        if found.is_none() && word != "none" {
            let known = Language::all().map(|(_, known)| known).chain(["none"]);
            let message = format!("the language `{word}` is not one that search knows");
            self.report.error_near(node.span, message, word, known);
        }
        found
    }

    fn weights(&mut self, node: &Node) -> Vec<(Name, u8)> {
        let entries = self.map(node, "`weights`").unwrap_or_default();
        let mut weights = Vec::new();
        for entry in entries {
            let what = format!("the weight of `{}`", entry.key.text);
            let number = match &entry.value.kind {
                Kind::Number(text) => text.parse::<u8>().ok(),
                _ => None,
            };
            match number.filter(|number| (1..=MAX_WEIGHT).contains(number)) {
                Some(number) => weights.push((entry.key.clone(), number)),
                None if matches!(entry.value.kind, Kind::Number(_)) => self.report.error(
                    entry.value.span,
                    format!("{what} must be a whole number from 1 to {MAX_WEIGHT}"),
                ),
                None => self.wrong(&entry.value, &what, "a whole number from 1 to 100"),
            }
        }
        weights
    }

    /// Field names: one, or a list of them.
    fn members(&mut self, node: &Node, what: &str) -> Vec<Name> {
        match &node.kind {
            Kind::Text(text) => vec![Name {
                text: text.clone(),
                span: node.span,
            }],
            Kind::List(items) if items.is_empty() => {
                self.report
                    .error(node.span, format!("{what} names no field"));
                Vec::new()
            }
            Kind::List(items) if items.len() > MAX_MEMBERS => {
                self.report.error(
                    node.span,
                    format!(
                        "{what} names {} fields; {MAX_MEMBERS} is the most",
                        items.len()
                    ),
                );
                Vec::new()
            }
            Kind::List(items) => {
                let names: Vec<Name> = items
                    .iter()
                    .filter_map(|item| self.name(item, "a field name"))
                    .collect();
                // A member that could not be read must not make a shorter constraint.
                if names.len() == items.len() {
                    names
                } else {
                    Vec::new()
                }
            }
            _ => {
                self.wrong(node, what, "a field name or a list of field names");
                Vec::new()
            }
        }
    }
}
