//! `include=category,items(limit:5;sort:-quantity).product,items.count` to a tree of relations with
//! their options, and relations whose records are counted. A path may come back to a resource, but
//! a to-many relation follows only itself again (`children.children`): on any other way back
//! every record would bring all its siblings once more, and a short address the whole table squared.

use super::key::{FilterPair, segments, split_list};
use super::scan::{self, Step};
use super::tree::Node;
use super::window::{MAX_LIMIT, MAX_OFFSET, read_number};
use super::{Faults, IncludeRequest, Included, fields, filter, shorten, unknown_relation};
use carnet_expr::Predicate;
use carnet_kernel::{Code, Timestamp, suggest};
use carnet_model::{ModelView, RelationIndex, Resource, ResourceIndex};
use std::borrow::Cow;

/// The most relations of one request, at all depths together.
const MAX_INCLUDES: usize = 32;
/// The deepest nesting.
const MAX_DEPTH: usize = 8;
/// The options of an included relation.
const OPTIONS: &[&str] = &["limit", "offset", "sort", "fields", "filter"];

/// Reads the values of `include`; `now` is what relative dates count from.
pub(crate) fn parse(
    view: &ModelView,
    resource: &Resource,
    texts: &[&str],
    now: Timestamp,
    faults: &mut Faults,
) -> Included {
    let mut reader = Reader {
        view,
        now,
        faults,
        count: 0,
    };
    let mut tree = Included::default();
    for text in texts {
        let paths = match scan::paths(text) {
            Ok(paths) => paths,
            Err(message) => {
                reader
                    .faults
                    .push(Code::InvalidParameter, "include", "syntax", message);
                continue;
            }
        };
        for path in &paths {
            reader.add(resource, path, &mut tree);
            if reader.count > MAX_INCLUDES {
                let message = format!("a request includes at most {MAX_INCLUDES} relations");
                faults.push(Code::InvalidParameter, "include", "max", message);
                return tree;
            }
        }
    }
    tree
}

struct Reader<'r> {
    view: &'r ModelView,
    now: Timestamp,
    faults: &'r mut Faults,
    count: usize,
}

impl<'r> Reader<'r> {
    fn fault(&mut self, place: &str, rule: &'static str, message: impl Into<String>) {
        self.faults
            .push(Code::InvalidParameter, shorten(place), rule, message);
    }

    fn add(&mut self, resource: &'r Resource, path: &[Step<'_>], tree: &mut Included) {
        let mut level = tree;
        let mut at = resource;
        let mut place = String::from("include");
        let mut followed: Vec<(ResourceIndex, RelationIndex)> = Vec::new();
        for (depth, step) in path.iter().enumerate() {
            place.push('.');
            place.push_str(step.name);
            if depth == MAX_DEPTH {
                let message = format!("it nests deeper than {MAX_DEPTH} relations");
                return self.fault(&place, "depth", message);
            }
            let Some(relation) = at.relation_named(step.name) else {
                let message = match step.name {
                    "count" => format!(
                        "`count` stands behind a to-many relation: `include={}.count`",
                        at.relations
                            .iter()
                            .find(|relation| relation.kind.is_many())
                            .map_or("items", |relation| &relation.name)
                    ),
                    name => unknown_relation(at, name),
                };
                self.faults
                    .push(Code::UnknownField, shorten(&place), "unknown", message);
                return;
            };
            let held = at.relation(relation);
            let target = self.view.resource(held.target);
            if let Some([last]) = path.get(depth + 1..)
                && last.name == "count"
                && target.relation_named("count").is_none()
            {
                return self.counted(at, relation, step, last, &place, level);
            }
            let taken = (at.index, relation);
            let again = followed.contains(&taken) && followed.last() != Some(&taken);
            if held.kind.is_many() && again {
                let message = format!(
                    "`{}` stands twice in the path; each time would multiply the records",
                    step.name
                );
                return self.fault(&place, "repeated", message);
            }
            followed.push(taken);
            let known = level
                .relations
                .iter()
                .position(|include| include.relation == relation);
            let index = known.unwrap_or_else(|| {
                self.count += 1;
                level.relations.push(IncludeRequest::new(relation));
                level.relations.len() - 1
            });
            let include = &mut level.relations[index];
            if let Some(options) = &step.options {
                if std::mem::replace(&mut include.configured, true) {
                    let message = format!("`{}` has its options already", step.name);
                    self.fault(&place, "repeated", message);
                } else {
                    self.options(target, held.kind.is_many(), options, &place, include);
                }
            }
            at = target;
            level = &mut include.included;
        }
    }

    fn counted(
        &mut self,
        holder: &Resource,
        relation: RelationIndex,
        step: &Step<'_>,
        last: &Step<'_>,
        place: &str,
        level: &mut Included,
    ) {
        let held = holder.relation(relation);
        if !held.kind.is_many() {
            let message = format!(
                "`{}` leads to one record; only to-many relations are counted",
                held.name
            );
            return self.fault(place, "relation", message);
        }
        if step.options.is_some() || last.options.is_some() {
            return self.fault(place, "syntax", "a count takes no options");
        }
        if !level.counts.contains(&relation) {
            self.count += 1;
            level.counts.push(relation);
        }
    }

    fn options(
        &mut self,
        target: &Resource,
        many: bool,
        options: &[(&str, String)],
        place: &str,
        include: &mut IncludeRequest,
    ) {
        let mut conditions: Vec<FilterPair<'_>> = Vec::new();
        let mut seen: Vec<&str> = Vec::new();
        for (key, value) in options {
            let (name, brackets) = match key.find('[') {
                Some(at) => key.split_at(at),
                None => (*key, ""),
            };
            let at = format!("{place}.{}", shorten(key));
            if !OPTIONS.contains(&name) {
                let hint = suggest::hint(name, OPTIONS.iter().copied());
                let message = format!("there is no option `{}`{hint}", shorten(name));
                self.faults
                    .push(Code::UnknownParameter, shorten(&at), "unknown", message);
                continue;
            }
            if name == "filter" {
                match segments(brackets) {
                    Some(segments) if !segments.is_empty() => conditions.push(FilterPair {
                        segments,
                        key,
                        value: Cow::Borrowed(value),
                    }),
                    _ => self.fault(
                        &at,
                        "syntax",
                        "a filter is written `filter[field][operator]:value`",
                    ),
                }
                continue;
            }
            if !brackets.is_empty() {
                self.fault(&at, "syntax", format!("`{name}` takes no brackets"));
            } else if seen.contains(&name) {
                self.fault(&at, "repeated", format!("`{name}` stands twice"));
            } else if !many && name != "fields" {
                let message =
                    format!("`{name}` is for to-many relations; this one leads to one record");
                self.fault(&at, "relation", message);
            } else {
                seen.push(name);
                self.option(target, name, value, &shorten(&at), include);
            }
        }
        if !conditions.is_empty() {
            match Node::from_pairs(&conditions, &format!("{place}.")) {
                Ok(tree) => {
                    include.predicate =
                        filter::parse(self.view, target, &tree, self.now, self.faults);
                }
                Err(at) => self.fault(&at, "depth", "the brackets nest too deep"),
            }
        }
    }

    fn option(
        &mut self,
        target: &Resource,
        name: &str,
        value: &str,
        at: &str,
        include: &mut IncludeRequest,
    ) {
        match name {
            "limit" => {
                let bounds = (1, u64::from(MAX_LIMIT));
                include.limit =
                    read_number(value, name, bounds, at, self.faults).map(|limit| limit as u32);
            }
            "offset" => {
                include.offset =
                    read_number(value, name, (0, MAX_OFFSET), at, self.faults).unwrap_or_default();
            }
            "sort" => {
                include.sort = fields::sort(self.view, target, &split_list(value), at, self.faults);
            }
            _ => include.fields = fields::fields(target, &split_list(value), at, self.faults),
        }
    }
}

impl IncludeRequest {
    fn new(relation: RelationIndex) -> Self {
        Self {
            relation,
            configured: false,
            predicate: Predicate::True,
            sort: Vec::new(),
            fields: None,
            limit: None,
            offset: 0,
            included: Included::default(),
        }
    }
}
