//! Random reads: lists, groups, single records, streams, in an address or a body, and broken ones.

use super::conditions::{Maker, Node, Subject};
use super::request::Request;
use carnet_model::{FieldType, Resource};
use serde_json::{Map, Value, json};

/// What a read is, beside its request.
pub(super) struct Read<'a> {
    pub(super) resource: &'a Resource,
    pub(super) request: Request,
    /// The same as a body of `POST …/query`, when the read is a list.
    pub(super) twin: Option<Request>,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A list or groups, whose answer is checked with the evaluator.
    List,
    /// A list whose order is the database's: a search.
    Ranked,
    /// A list to be walked by its cursors.
    Walk,
    /// A single record.
    Single,
    /// Lines.
    Stream,
    /// Anything that is broken.
    Broken,
}

/// A parameter of a list, as both forms have it.
enum Part {
    Text(&'static str, String),
    Search(bool, String),
    Conditions(&'static str, Node),
}

impl<'a> Maker<'a, '_> {
    /// A read of a random resource.
    pub(super) fn read(&mut self) -> Read<'a> {
        let view = self.view;
        let all: Vec<&Resource> = view
            .model()
            .resources
            .iter()
            .map(AsRef::as_ref)
            .filter(|one: &&Resource| one.standard.is_some())
            .collect();
        let resource = *self.chance.pick(&all);
        match self.chance.below(20) {
            0 | 1 => self.single(resource),
            2 | 3 => self.walk(resource),
            4 => self.stream(resource),
            5 | 6 => self.broken(resource),
            7..=9 => self.grouped(resource),
            _ => self.list(resource),
        }
    }

    fn finish(&mut self, resource: &'a Resource, parts: Vec<Part>, kind: Kind) -> Read<'a> {
        let mut request = Request::new("GET", format!("/{}", resource.name));
        let mut body = Map::new();
        for part in parts {
            match part {
                Part::Text(key, text) => {
                    let number = text
                        .parse::<u32>()
                        .ok()
                        .filter(|_| ["limit", "offset", "page"].contains(&key));
                    body.insert(
                        key.to_owned(),
                        number.map_or(json!(text), |number| json!(number)),
                    );
                    request.pairs.push((key.to_owned(), text));
                }
                Part::Search(fuzzy, text) => {
                    let (key, value) = match fuzzy {
                        true => ("search[fuzzy]", json!({ "fuzzy": text })),
                        false => ("search", json!(text)),
                    };
                    body.insert("search".to_owned(), value);
                    request.pairs.push((key.to_owned(), text));
                }
                Part::Conditions(key, node) => {
                    body.insert(key.to_owned(), node.json());
                    node.pairs(key, &mut request.pairs);
                }
            }
        }
        let twin =
            Request::new("POST", format!("/{}/query", resource.name)).body(Value::Object(body));
        Read {
            resource,
            request,
            twin: Some(twin),
            kind,
        }
    }

    fn filter(&mut self, resource: &'a Resource, parts: &mut Vec<Part>) {
        if self.chance.percent(75) {
            let node = self.conditions(resource, 3);
            if !node.is_empty() {
                parts.push(Part::Conditions("filter", node));
            }
        }
        if resource.deleted().is_some() && self.chance.one_in(3) {
            let word = *self
                .chance
                .pick(&["with", "only", "with", "only", "without"]);
            parts.push(Part::Text("deleted", word.to_owned()));
        }
    }

    fn list(&mut self, resource: &'a Resource) -> Read<'a> {
        let mut parts = Vec::new();
        self.filter(resource, &mut parts);
        let searched = resource.search.is_some() && self.chance.one_in(3);
        if searched {
            let fuzzy = self.chance.one_in(4);
            let text = *self.chance.pick(&[
                "solar",
                "panel solar",
                "\"solar panel\"",
                "pan*",
                "-panel",
                "a",
                "creme",
                "strasse",
                "池",
                "οδος",
                "ab",
                "x y",
                "istanbul",
                "brul* -solar",
                "example",
                "ada",
                "300w",
                "a b",
                "note",
            ]);
            parts.push(Part::Search(fuzzy, text.to_owned()));
        }
        let sorted = if searched {
            self.chance.one_in(2)
        } else {
            self.chance.percent(60)
        };
        if sorted {
            parts.push(Part::Text("sort", self.sort(resource)));
        }
        if self.chance.one_in(3) {
            parts.push(Part::Text("fields", self.fields(resource)));
        }
        if self.chance.one_in(2) {
            let include = self.include(resource);
            if !include.is_empty() {
                parts.push(Part::Text("include", include));
            }
        }
        let ranked = searched && !sorted;
        if ranked {
            parts.push(Part::Text("limit", "1000".to_owned()));
        } else {
            self.window(&mut parts);
        }
        if self.chance.one_in(3) {
            let word = *self.chance.pick(&["auto", "exact", "estimated", "none"]);
            parts.push(Part::Text("count", word.to_owned()));
        }
        let kind = if ranked { Kind::Ranked } else { Kind::List };
        self.finish(resource, parts, kind)
    }

    fn window(&mut self, parts: &mut Vec<Part>) {
        if self.chance.one_in(2) {
            let limit = self.chance.between(1, 12);
            parts.push(Part::Text("limit", limit.to_string()));
        }
        match self.chance.below(5) {
            0 => parts.push(Part::Text("offset", self.chance.below(25).to_string())),
            1 => parts.push(Part::Text("page", self.chance.between(1, 4).to_string())),
            _ => {}
        }
    }

    /// Sort keys; not by json as a whole.
    fn sort(&mut self, resource: &'a Resource) -> String {
        let mut keys = Vec::new();
        for _ in 0..self.chance.between(1, 3) {
            let (path, subject, _) = self.subject(resource);
            if let Subject::Field(field) = subject
                && !field.kind.is_ordered()
            {
                continue;
            }
            keys.push(match self.chance.below(7) {
                0 | 1 => format!("-{path}"),
                2 => format!("{path}:desc"),
                3 => format!("{path}:asc:nullsLast"),
                4 => format!("-{path}:nullsFirst"),
                _ => path,
            });
        }
        if keys.is_empty() {
            keys.push("-createdAt".to_owned());
        }
        keys.join(",")
    }

    fn fields(&mut self, resource: &Resource) -> String {
        let names: Vec<&str> = resource
            .fields
            .iter()
            .map(|field| field.name.as_str())
            .collect();
        let some = self.chance.some(&names, 5);
        if some.is_empty() {
            "id".to_owned()
        } else {
            some.join(",")
        }
    }

    fn include(&mut self, resource: &'a Resource) -> String {
        let mut paths = Vec::new();
        for _ in 0..self.chance.between(1, 2) {
            if let Some(path) = self.included(resource, 2) {
                paths.push(path);
            }
        }
        paths.join(",")
    }

    fn included(&mut self, resource: &'a Resource, depth: usize) -> Option<String> {
        let relation = self.chance.any(&resource.relations)?;
        let target = self.view.resource(relation.target);
        let many = relation.kind.is_many();
        if many && self.chance.one_in(4) {
            let chosen = if self.chance.one_in(2) {
                self.chosen(target)
                    .map(|chosen| format!("({chosen};as:some)"))
            } else {
                None
            };
            return Some(format!(
                "{}.count{}",
                relation.name,
                chosen.unwrap_or_default()
            ));
        }
        let mut options = Vec::new();
        if many && self.chance.one_in(3) {
            options.push(format!("limit:{}", self.chance.between(1, 4)));
        }
        if many && self.chance.one_in(5) {
            options.push(format!("offset:{}", self.chance.below(3)));
        }
        if many && self.chance.one_in(3) {
            options.push(format!("sort:{}", escaped(&self.sort(target))));
        }
        if self.chance.one_in(4) {
            options.push(format!("fields:{}", self.fields(target)));
        }
        if self.chance.one_in(3) {
            options.extend(self.chosen(target));
        }
        let mut text = relation.name.clone();
        if !options.is_empty() {
            text = format!("{text}({})", options.join(";"));
        }
        if depth > 0
            && self.chance.one_in(2)
            && let Some(next) = self.included(target, depth - 1)
        {
            text = format!("{text}.{next}");
        }
        Some(text)
    }

    /// A condition as an option.
    fn chosen(&mut self, target: &'a Resource) -> Option<String> {
        let (path, subject, holder) = self.subject(target);
        let (word, node) = self.test(&subject, holder);
        match node {
            Node::Leaf(_, text) => Some(format!("filter[{path}][{word}]:{}", escaped(&text))),
            _ => None,
        }
    }

    fn walk(&mut self, resource: &'a Resource) -> Read<'a> {
        let limit = self.chance.between(2, 9).to_string();
        if self.chance.one_in(4) {
            let mut read = self.grouped(resource);
            read.request
                .pairs
                .retain(|(key, _)| !["limit", "page", "offset"].contains(&key.as_str()));
            read.request = read.request.with("limit", limit);
            return Read {
                twin: None,
                kind: Kind::Walk,
                ..read
            };
        }
        let mut parts = Vec::new();
        self.filter(resource, &mut parts);
        if self.chance.percent(80) {
            parts.push(Part::Text("sort", self.sort(resource)));
        }
        if self.chance.one_in(3) {
            parts.push(Part::Text("fields", self.fields(resource)));
        }
        parts.push(Part::Text("limit", limit));
        Read {
            twin: None,
            ..self.finish(resource, parts, Kind::Walk)
        }
    }

    fn stream(&mut self, resource: &'a Resource) -> Read<'a> {
        let mut parts = Vec::new();
        self.filter(resource, &mut parts);
        if self.chance.one_in(2) {
            parts.push(Part::Text("sort", self.sort(resource)));
        }
        if self.chance.one_in(3) {
            parts.push(Part::Text("limit", self.chance.between(1, 30).to_string()));
        }
        let mut read = self.finish(resource, parts, Kind::Stream);
        read.twin = None;
        read.request = read.request.header("accept", "application/x-ndjson");
        read
    }

    fn single(&mut self, resource: &'a Resource) -> Read<'a> {
        let rows = self.rows.get(&resource.name).map_or(&[][..], Vec::as_slice);
        let id = match self.chance.any(rows) {
            Some(row) if self.chance.percent(90) => row["id"].as_str().unwrap_or("x").to_owned(),
            _ => "00000000000000000000000001".to_owned(),
        };
        let mut request = Request::new("GET", format!("/{}/{id}", resource.name));
        if self.chance.one_in(3) {
            request = request.with("fields", self.fields(resource));
        }
        if self.chance.one_in(2) {
            let include = self.include(resource);
            if !include.is_empty() {
                request = request.with("include", include);
            }
        }
        if self.chance.one_in(5) {
            request = request.with("deleted", *self.chance.pick(&["with", "only"]));
        }
        Read {
            resource,
            request,
            twin: None,
            kind: Kind::Single,
        }
    }

    /// What groups can be told by, over to-one relations.
    fn key(&mut self, resource: &'a Resource) -> Option<String> {
        let (path, subject, _) = self.subject(resource);
        let Subject::Field(field) = subject else {
            return None;
        };
        if matches!(field.kind, FieldType::Date | FieldType::DateTime) && self.chance.percent(70) {
            let unit = *self.chance.pick(&["year", "month", "week", "day", "hour"]);
            return Some(format!("{path}.{unit}"));
        }
        field.kind.is_ordered().then_some(path)
    }

    fn aggregate(&mut self, resource: &'a Resource) -> (String, Option<&'a carnet_model::Field>) {
        let (path, subject, _) = self.subject(resource);
        let Subject::Field(field) = subject else {
            return ("count".to_owned(), None);
        };
        let exact = matches!(
            field.kind,
            FieldType::Integer { .. }
                | FieldType::Decimal { .. }
                | FieldType::Float { .. }
                | FieldType::Duration
        );
        let ordered = field.kind.is_ordered()
            && !field.kind.is_id()
            && !matches!(field.kind, FieldType::Boolean);
        let mut words = vec!["count"];
        if exact {
            words.extend(["sum", "avg", "sum", "avg"]);
        }
        if ordered {
            words.extend(["min", "max"]);
        }
        let word = *self.chance.pick(&words);
        let counted = matches!(word, "count").then_some(None);
        (format!("{word}({path})"), counted.unwrap_or(Some(field)))
    }

    fn grouped(&mut self, resource: &'a Resource) -> Read<'a> {
        let mut parts = Vec::new();
        self.filter(resource, &mut parts);
        let mut keys: Vec<String> = (0..self.chance.below(3))
            .filter_map(|_| self.key(resource))
            .collect();
        keys.dedup();
        let mut told = keys.clone();
        if self.chance.one_in(4) && !keys.is_empty() {
            parts.push(Part::Text("distinct", keys.join(",")));
        } else {
            let mut made: Vec<(String, Option<&carnet_model::Field>)> =
                (0..self.chance.between(1, 3))
                    .map(|_| self.aggregate(resource))
                    .collect();
            made.dedup_by(|one, other| one.0 == other.0);
            if !keys.is_empty() {
                parts.push(Part::Text("groupBy", keys.join(",")));
            }
            let names: Vec<&str> = made.iter().map(|(name, _)| name.as_str()).collect();
            parts.push(Part::Text("aggregate", names.join(",")));
            told.extend(names.iter().map(|name| (*name).to_owned()));
            if self.chance.one_in(3) {
                let (name, field) = made[0].clone();
                let subject = Subject::Number(field);
                let (mut word, mut node) = self.test(&subject, resource);
                if ["in", "nin"].contains(&word.as_str()) {
                    (word, node) = (
                        "isNull".to_owned(),
                        Node::Leaf(json!(false), "false".to_owned()),
                    );
                }
                let having = Node::Map(vec![(name, Node::Map(vec![(word, node)]))]);
                parts.push(Part::Conditions("having", having));
            }
        }
        if self.chance.one_in(2)
            && let Some(key) = self.chance.any(&told)
        {
            let sign = if self.chance.one_in(2) { "-" } else { "" };
            parts.push(Part::Text("sort", format!("{sign}{key}")));
        }
        self.window(&mut parts);
        self.finish(resource, parts, Kind::List)
    }

    /// A list or groups with something broken in it.
    fn broken(&mut self, resource: &'a Resource) -> Read<'a> {
        let mut read = if self.chance.one_in(3) {
            self.grouped(resource)
        } else {
            self.list(resource)
        };
        read.kind = Kind::Broken;
        let junk = *self.chance.pick(&[
            "",
            "0",
            "-1",
            "99999999999999999999",
            "nul\u{0}",
            "a,b,,c",
            "\"",
            "(((",
            "\u{10FFFF}",
            "null",
            "1e400",
            "%",
            "'; drop table acres; --",
            "[]",
            "now-",
            "00000000000000000000000001",
            "Infinity",
        ]);
        let key = *self.chance.pick(&[
            "limit",
            "offset",
            "page",
            "cursor",
            "sort",
            "fields",
            "include",
            "count",
            "filter",
            "filter[",
            "filter[label]",
            "filter[or][0]",
            "filter[not]",
            "filter[labell][eq]",
            "filter[label][eqq]",
            "filter[or][x][label]",
            "search",
            "search[x]",
            "groupBy",
            "aggregate",
            "having[count][gt]",
            "distinct",
            "deleted",
            "explain",
            "asOf",
            "lable",
            "filter[version][in]",
            "filter[createdAt]",
            "filter[label.x]",
            "filter[createdBy]",
            "filter[label][isNull]",
        ]);
        match self.chance.below(3) {
            0 if !read.request.pairs.is_empty() => {
                let at = self.chance.below(read.request.pairs.len());
                read.request.pairs[at].1 = junk.to_owned();
                read.twin = None;
            }
            1 => {
                let mut body = read
                    .twin
                    .take()
                    .and_then(|twin| twin.body)
                    .unwrap_or(json!({}));
                body[key] = self
                    .chance
                    .pick(&[
                        json!(junk),
                        json!([junk]),
                        json!({ "a": junk }),
                        json!(1.5),
                        Value::Null,
                    ])
                    .clone();
                read.request = Request::new("POST", format!("/{}/query", resource.name)).body(body);
            }
            _ => {
                read.request = read.request.with(key, junk);
                read.twin = None;
            }
        }
        read
    }
}

/// A value as an option of an include has it.
fn escaped(text: &str) -> String {
    text.replace(';', "\\;")
        .replace('(', "\\(")
        .replace(')', "\\)")
}
