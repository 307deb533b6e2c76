//! `include=category,items(limit:5;sort:-quantity).product,items.count`, or the same with objects in
//! a body, to a tree of relations with their options, and relations whose records are counted. A path may come back to a resource, but
//! a to-many relation follows only itself again (`children.children`): on any other way back
//! every record would bring all its siblings once more, and a short address the whole table squared.

use super::key::{FilterPair, segments, split_list};
use super::scan::{self, Options, Step};
use super::tree::Node;
use super::window::{MAX_LIMIT, MAX_OFFSET, read_number};
use super::{Faults, IncludeRequest, Included, fields, filter, shorten, unknown_relation};
use carnet_expr::Predicate;
use carnet_kernel::{Code, Timestamp, suggest};
use carnet_model::{ModelView, RelationIndex, Resource, ResourceIndex};
use carnet_store::Counted;
use serde_json::Value;
use std::borrow::Cow;

/// The most relations of one request, at all depths together.
const MAX_INCLUDES: usize = 32;
/// The deepest nesting.
const MAX_DEPTH: usize = 8;
/// The options of an included relation.
const OPTIONS: &[&str] = &["limit", "offset", "sort", "fields", "filter"];

/// The options of a count.
const COUNT_OPTIONS: &[&str] = &["filter", "as"];
/// The longest name of a count.
const MAX_NAME: usize = 64;

/// Reads the values of `include`, or what a body holds in their place; `now` is what relative dates
/// count from.
pub(crate) fn parse(
    view: &ModelView,
    resource: &Resource,
    (texts, tree): (&[&str], Option<&Value>),
    now: Timestamp,
    faults: &mut Faults,
) -> Included {
    let mut reader = Reader {
        view,
        now,
        faults,
        count: 0,
    };
    let at = At {
        resource,
        place: "include".to_owned(),
        followed: Vec::new(),
    };
    let mut included = Included::default();
    for text in texts {
        reader.text(&at, text, &mut included);
    }
    if let Some(tree) = tree {
        reader.tree(&at, tree, "include", &mut included);
    }
    if reader.count > MAX_INCLUDES {
        let message = format!("a request includes at most {MAX_INCLUDES} relations");
        faults.push(Code::InvalidParameter, "include", "max", message);
    }
    included
}

struct Reader<'r> {
    view: &'r ModelView,
    now: Timestamp,
    faults: &'r mut Faults,
    count: usize,
}

/// How far a path has come.
#[derive(Clone)]
struct At<'r> {
    resource: &'r Resource,
    place: String,
    followed: Vec<(ResourceIndex, RelationIndex)>,
}

impl<'r> Reader<'r> {
    fn fault(&mut self, place: &str, rule: &'static str, message: impl Into<String>) {
        self.faults
            .push(Code::InvalidParameter, shorten(place), rule, message);
    }

    /// Paths separated by commas.
    fn text(&mut self, at: &At<'r>, text: &str, tree: &mut Included) {
        match scan::paths(text) {
            Ok(paths) => {
                for path in &paths {
                    self.add(at.clone(), path, tree);
                }
            }
            Err(message) => self.fault(&at.place, "syntax", message),
        }
    }

    /// Paths as texts, or as names of objects with their options: `{"items":{"limit":5}}`.
    fn tree(&mut self, at: &At<'r>, value: &Value, place: &str, tree: &mut Included) {
        match value {
            Value::String(text) => self.text(at, text, tree),
            Value::Array(list) => {
                for (position, member) in list.iter().enumerate() {
                    match member {
                        Value::Array(_) => {
                            let message = "members of `include` are texts and objects";
                            self.fault(&format!("{place}[{position}]"), "type", message);
                        }
                        member => self.tree(at, member, &format!("{place}[{position}]"), tree),
                    }
                }
            }
            Value::Object(members) => {
                for (name, options) in members {
                    let place = format!("{place}.{}", shorten(name));
                    let mut paths = match scan::paths(name) {
                        Ok(paths) => paths,
                        Err(message) => {
                            self.fault(&place, "syntax", message);
                            continue;
                        }
                    };
                    let options = match options {
                        Value::Bool(true) => None,
                        Value::Object(options) => Some(Options::Json(options)),
                        _ => {
                            let message =
                                "it is `true`, or an object of options such as `{\"limit\":5}`";
                            self.fault(&place, "type", message);
                            continue;
                        }
                    };
                    let last = paths.iter_mut().flatten().last();
                    if let (Some(last), Some(options)) = (last, options)
                        && last.options.replace(options).is_some()
                    {
                        self.fault(&place, "repeated", "its options stand in the object");
                        continue;
                    }
                    for path in &paths {
                        self.add(at.clone(), path, tree);
                    }
                }
            }
            _ => {
                let message =
                    "`include` takes texts, and objects such as `{\"items\":{\"limit\":5}}`";
                self.fault(place, "type", message);
            }
        }
    }

    fn add(&mut self, mut at: At<'r>, path: &[Step<'_>], tree: &mut Included) {
        let mut level = tree;
        for (position, step) in path.iter().enumerate() {
            // Beyond the bound nothing is looked at; it is told once.
            if self.count > MAX_INCLUDES {
                return;
            }
            let holder = at.resource;
            at.place.push('.');
            at.place.push_str(step.name);
            if at.followed.len() == MAX_DEPTH {
                let message = format!("it nests deeper than {MAX_DEPTH} relations");
                return self.fault(&at.place, "depth", message);
            }
            let Some(relation) = holder.relation_named(step.name) else {
                let message = match step.name {
                    "count" => format!(
                        "`count` stands behind a to-many relation: `include={}.count`",
                        holder
                            .shown_relations()
                            .find(|relation| relation.kind.is_many())
                            .map_or("items", |relation| &relation.name)
                    ),
                    name => unknown_relation(holder, name),
                };
                self.faults
                    .push(Code::UnknownField, shorten(&at.place), "unknown", message);
                return;
            };
            let held = holder.relation(relation);
            let target = self.view.resource(held.target);
            if let Some([last]) = path.get(position + 1..)
                && last.name == "count"
                && target.relation_named("count").is_none()
            {
                return self.counted((holder, relation), (step, last), &at.place, level);
            }
            let taken = (holder.index, relation);
            let again = at.followed.contains(&taken) && at.followed.last() != Some(&taken);
            if held.kind.is_many() && again {
                let message = format!(
                    "`{}` stands twice in the path; each time would multiply the records",
                    step.name
                );
                return self.fault(&at.place, "repeated", message);
            }
            at.followed.push(taken);
            at.resource = target;
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
                    self.fault(&at.place, "repeated", message);
                } else {
                    self.options(&at, held.kind.is_many(), options, include);
                }
            }
            level = &mut include.included;
        }
    }

    fn counted(
        &mut self,
        (holder, relation): (&'r Resource, RelationIndex),
        (step, last): (&Step<'_>, &Step<'_>),
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
        if step.options.is_some() {
            let message = format!(
                "options of a count stand behind it: `{}.count(filter[field]:value)`",
                held.name
            );
            return self.fault(place, "syntax", message);
        }
        let target = self.view.resource(held.target);
        let mut counted = Counted {
            name: held.name.clone(),
            relation,
            predicate: Predicate::True,
        };
        let mut given = match &last.options {
            None => Given::default(),
            Some(options) => self.given(options, COUNT_OPTIONS, place),
        };
        for (name, at, words) in std::mem::take(&mut given.plain) {
            match words.as_slice() {
                [word] if name == "as" && is_name(word) => counted.name = word.clone(),
                _ => {
                    let message = format!(
                        "a count is named by a letter and up to {MAX_NAME} letters, digits and underscores"
                    );
                    self.fault(&at, "syntax", message);
                }
            }
        }
        counted.predicate = self.predicate(target, &given, place);
        match level.counts.iter().find(|one| one.name == counted.name) {
            Some(known) if *known == counted => {}
            Some(known) => {
                let message = format!(
                    "`{}` is counted already; name this count, as in `{}.count(filter[field]:value;as:name)`",
                    known.name, held.name
                );
                self.fault(place, "repeated", message);
            }
            None => {
                self.count += 1;
                level.counts.push(counted);
            }
        }
    }

    fn options(
        &mut self,
        at: &At<'r>,
        many: bool,
        options: &Options<'_>,
        include: &mut IncludeRequest,
    ) {
        let target = at.resource;
        let mut given = self.given(options, OPTIONS, &at.place);
        for (name, place, words) in std::mem::take(&mut given.plain) {
            if !many && name != "fields" {
                let message =
                    format!("`{name}` is for to-many relations; this one leads to one record");
                self.fault(&place, "relation", message);
                continue;
            }
            let given = (name.as_str(), words.as_slice());
            self.option(target, given, &shorten(&place), include);
        }
        include.predicate = self.predicate(target, &given, &at.place);
        if let Some(inner) = given.include {
            let place = format!("{}.include", at.place);
            self.tree(at, inner, &place, &mut include.included);
        }
    }

    /// Takes options apart, as long as they are among `known`.
    fn given<'g>(
        &mut self,
        options: &'g Options<'_>,
        known: &[&'static str],
        place: &str,
    ) -> Given<'g> {
        let mut given = Given::default();
        match options {
            Options::Text(options) => {
                for (key, value) in options {
                    let (name, brackets) = match key.find('[') {
                        Some(at) => key.split_at(at),
                        None => (*key, ""),
                    };
                    let at = format!("{place}.{}", shorten(key));
                    if !self.knows(name, known, &at) {
                        continue;
                    }
                    if name == "filter" {
                        match segments(brackets) {
                            Some(segments) if !segments.is_empty() => {
                                given.pairs.push(FilterPair {
                                    segments,
                                    key,
                                    value: Cow::Borrowed(value),
                                });
                            }
                            _ => self.fault(
                                &at,
                                "syntax",
                                "a filter is written `filter[field][operator]:value`",
                            ),
                        }
                    } else if !brackets.is_empty() {
                        self.fault(&at, "syntax", format!("`{name}` takes no brackets"));
                    } else if given.plain.iter().any(|(known, ..)| known == name) {
                        self.fault(&at, "repeated", format!("`{name}` stands twice"));
                    } else {
                        let words = match name {
                            "sort" => fields::keys(value),
                            "fields" => split_list(value),
                            _ => vec![value.clone()],
                        };
                        given.plain.push((name.to_owned(), at, words));
                    }
                }
            }
            Options::Json(members) => {
                for (name, value) in *members {
                    let at = format!("{place}.{}", shorten(name));
                    let nests = known.contains(&"sort");
                    match (name.as_str(), value) {
                        (_, Value::Null) if known.contains(&name.as_str()) => {}
                        ("filter", Value::Object(_)) => given.tree = Some(value),
                        ("include", value) if nests => given.include = Some(value),
                        ("filter", _) => {
                            self.fault(&at, "type", "it must be an object of conditions");
                        }
                        (name, value) if self.knows(name, known, &at) => match words(name, value) {
                            Some(words) => given.plain.push((name.to_owned(), at, words)),
                            None => {
                                let what = match name {
                                    "limit" | "offset" => "a number",
                                    "as" => "a text",
                                    _ => "a text or texts",
                                };
                                let message = format!("`{name}` takes {what}");
                                self.fault(&at, "type", message);
                            }
                        },
                        _ => {}
                    }
                }
            }
        }
        given
    }

    fn knows(&mut self, name: &str, known: &[&'static str], place: &str) -> bool {
        let knows = known.contains(&name);
        if !knows {
            let hint = suggest::hint(name, known.iter().copied());
            let message = format!("there is no option `{}`{hint}", shorten(name));
            self.faults
                .push(Code::UnknownParameter, shorten(place), "unknown", message);
        }
        knows
    }

    fn predicate(&mut self, target: &'r Resource, given: &Given<'_>, place: &str) -> Predicate {
        let tree = match given.tree {
            Some(tree) => Node::from_value(tree, &format!("{place}.filter")),
            None if given.pairs.is_empty() => return Predicate::True,
            None => match Node::from_pairs(&given.pairs, "filter", &format!("{place}.")) {
                Ok(tree) => tree,
                Err(at) => {
                    self.fault(&at, "depth", "the brackets nest too deep");
                    return Predicate::False;
                }
            },
        };
        filter::parse(self.view, target, &tree, self.now, self.faults)
    }

    fn option(
        &mut self,
        target: &Resource,
        (name, words): (&str, &[String]),
        at: &str,
        include: &mut IncludeRequest,
    ) {
        let only = words.first().map_or("", String::as_str);
        match name {
            "limit" => {
                let bounds = (1, u64::from(MAX_LIMIT));
                include.limit =
                    read_number(only, name, bounds, at, self.faults).map(|limit| limit as u32);
            }
            "offset" => {
                include.offset =
                    read_number(only, name, (0, MAX_OFFSET), at, self.faults).unwrap_or_default();
            }
            "sort" => {
                include.sort = fields::sort(self.view, target, (words, at), self.now, self.faults);
            }
            _ => include.fields = fields::fields(target, words, at, self.faults),
        }
    }
}

/// Options, taken apart.
#[derive(Default)]
struct Given<'g> {
    /// Conditions of an address.
    pairs: Vec<FilterPair<'g>>,
    /// Conditions of a body.
    tree: Option<&'g Value>,
    /// What comes along further, in a body.
    include: Option<&'g Value>,
    /// The rest: name, place, words.
    plain: Vec<(String, String, Vec<String>)>,
}

/// The words of an option of a body.
fn words(name: &str, value: &Value) -> Option<Vec<String>> {
    match (name, value) {
        ("sort", Value::String(text)) => Some(fields::keys(text)),
        ("fields", Value::String(text)) => Some(split_list(text)),
        ("sort" | "fields", Value::Array(list)) => list
            .iter()
            .map(|member| member.as_str().map(str::to_owned))
            .collect(),
        ("limit" | "offset", Value::Number(number)) => Some(vec![number.to_string()]),
        ("as", Value::String(text)) => Some(vec![text.clone()]),
        _ => None,
    }
}

fn is_name(text: &str) -> bool {
    text.len() <= MAX_NAME
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
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
