//! Random conditions, in the two forms that they have: brackets of an address and a tree of JSON.

use super::chance::Chance;
use super::values::{value, wrong};
use carnet_model::{Field, FieldType, ModelView, RelationKind, Resource};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// Conditions as they are written.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Map(Vec<(String, Node)>),
    List(Vec<Node>),
    /// A value, as JSON and as an address has it.
    Leaf(Value, String),
}

impl Node {
    fn leaf(value: Value) -> Self {
        let text = match &value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Self::Leaf(value, text)
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Map(members) if members.is_empty())
    }

    /// As a body has it.
    pub(super) fn json(&self) -> Value {
        match self {
            Self::Leaf(value, _) => value.clone(),
            Self::List(list) => list.iter().map(Self::json).collect(),
            Self::Map(members) => {
                let members = members
                    .iter()
                    .map(|(name, node)| (name.clone(), node.json()));
                Value::Object(members.collect::<Map<_, _>>())
            }
        }
    }

    /// As an address has it.
    pub(super) fn pairs(&self, key: &str, out: &mut Vec<(String, String)>) {
        match self {
            Self::Leaf(_, text) => out.push((key.to_owned(), text.clone())),
            Self::List(list) => {
                for (position, node) in list.iter().enumerate() {
                    node.pairs(&format!("{key}[{position}]"), out);
                }
            }
            Self::Map(members) => {
                for (name, node) in members {
                    node.pairs(&format!("{key}[{name}]"), out);
                }
            }
        }
    }
}

/// Makes conditions and paths over a model.
pub(super) struct Maker<'a, 's> {
    pub(super) view: &'a ModelView,
    /// The records as they were answered last, by resource.
    pub(super) rows: &'s HashMap<String, Vec<Value>>,
    pub(super) chance: &'s mut Chance,
}

/// What a path leads to.
pub(super) enum Subject<'v> {
    Field(&'v Field),
    Inside,
    Number(Option<&'v Field>),
}

impl<'a> Maker<'a, '_> {
    /// The relations of a resource that lead to one record, or to many.
    fn ways(&self, resource: &'a Resource, many: bool) -> Vec<(&'a str, &'a Resource)> {
        let all = resource.relations.iter();
        all.filter(|relation| matches!(relation.kind, RelationKind::ToOne { .. }) != many)
            .map(|relation| (relation.name.as_str(), self.view.resource(relation.target)))
            .collect()
    }

    /// Some to-one steps, each with its dot.
    fn steps(&mut self, resource: &'a Resource) -> (String, &'a Resource) {
        let (mut prefix, mut holder) = (String::new(), resource);
        while self.chance.one_in(4) && prefix.len() < 40 {
            let ways = self.ways(holder, false);
            let Some((name, target)) = self.chance.any(&ways).copied() else {
                break;
            };
            prefix = format!("{prefix}{name}.");
            holder = target;
        }
        (prefix, holder)
    }

    /// A path to something that conditions are about.
    pub(super) fn subject(
        &mut self,
        resource: &'a Resource,
    ) -> (String, Subject<'a>, &'a Resource) {
        let (prefix, holder) = self.steps(resource);
        let ways = self.ways(holder, true);
        if self.chance.one_in(8)
            && let Some((name, target)) = self.chance.any(&ways).copied()
        {
            let numbers: Vec<&Field> = target
                .fields
                .iter()
                .filter(|field| {
                    matches!(
                        field.kind,
                        FieldType::Integer { .. }
                            | FieldType::Decimal { .. }
                            | FieldType::Float { .. }
                            | FieldType::Duration
                    )
                })
                .collect();
            let ordered: Vec<&Field> = target
                .fields
                .iter()
                .filter(|field| {
                    field.kind.is_ordered()
                        && !field.kind.is_id()
                        && !matches!(field.kind, FieldType::Boolean)
                })
                .collect();
            let (word, field) = match self.chance.below(5) {
                0 => ("sum", self.chance.any(&numbers).copied()),
                1 => ("avg", self.chance.any(&numbers).copied()),
                2 => ("min", self.chance.any(&ordered).copied()),
                3 => ("max", self.chance.any(&ordered).copied()),
                _ => ("count", None),
            };
            let text = match field {
                Some(field) => format!("{prefix}{name}.{word}({})", field.name),
                None => format!("{prefix}{name}.count"),
            };
            return (text, Subject::Number(field), target);
        }
        let field = self.chance.pick(&holder.fields);
        let nested = matches!(field.kind, FieldType::Json { .. } | FieldType::I18n { .. });
        if nested && self.chance.percent(85) {
            let place = *self.chance.pick(&[
                "a", "b", "a.0", "a.1", "a.2", "a.b", "a.b.0.c", "\"x.y\"", "\"0\"", "c.d", "en",
                "de", "é", "3.0",
            ]);
            return (
                format!("{prefix}{}.{place}", field.name),
                Subject::Inside,
                holder,
            );
        }
        (
            format!("{prefix}{}", field.name),
            Subject::Field(field),
            holder,
        )
    }

    /// A value to compare with: one that is there, or one that may be.
    fn literal(&mut self, subject: &Subject<'_>, holder: &Resource) -> Node {
        if self.chance.percent(2) {
            let text = FieldType::Text {
                min: None,
                max: None,
                pattern: None,
            };
            let kind = match subject {
                Subject::Field(field) | Subject::Number(Some(field)) => &field.kind,
                _ => &text,
            };
            let value = wrong(kind, self.chance);
            return if value.is_array() || value.is_object() {
                Node::leaf(json!("wrong"))
            } else {
                Node::leaf(value)
            };
        }
        match subject {
            Subject::Inside => {
                let value = self
                    .chance
                    .pick(&[
                        json!(1),
                        json!(2.5),
                        json!(true),
                        json!("text"),
                        json!("1"),
                        json!("é\"\\\u{1}"),
                        json!(1e21),
                        json!(1e-7),
                        json!("Hay"),
                        json!("Heu"),
                        json!(false),
                        json!(""),
                        json!(-0.0),
                        json!(9_007_199_254_740_991_i64),
                    ])
                    .clone();
                // In an address a text that looks like something else stands in quotes.
                let text = value.to_string();
                Node::Leaf(value, text)
            }
            Subject::Number(None) => Node::leaf(json!(self.chance.below(4))),
            Subject::Field(field) | Subject::Number(Some(field)) => {
                if matches!(field.kind, FieldType::Date | FieldType::DateTime)
                    && self.chance.one_in(6)
                {
                    return Node::leaf(json!(*self.chance.pick(&[
                        "now",
                        "now-1d/d",
                        "now/M",
                        "now+1M-1d",
                        "now-1y/y",
                        "now/w",
                        "now-90m",
                        "now+1000y",
                    ])));
                }
                let known: Vec<&Value> = self
                    .rows
                    .get(&holder.name)
                    .into_iter()
                    .flatten()
                    .filter_map(|row| row.get(&field.name))
                    .filter(|value| value.is_string() || value.is_number() || value.is_boolean())
                    .collect();
                if self.chance.percent(70)
                    && let Some(value) = self.chance.any(&known)
                {
                    return Node::leaf((*value).clone());
                }
                match &field.kind {
                    FieldType::Id(_) | FieldType::Ref { .. } => self.an_id(holder),
                    kind => Node::leaf(value(kind, false, self.chance)),
                }
            }
        }
    }

    fn an_id(&mut self, holder: &Resource) -> Node {
        let rows = self.rows.get(&holder.name).map_or(&[][..], Vec::as_slice);
        match self.chance.any(rows) {
            Some(row) => Node::leaf(row["id"].clone()),
            None => Node::leaf(json!("00000000000000000000000007")),
        }
    }

    /// The test of a subject: an operator with its value.
    pub(super) fn test(&mut self, subject: &Subject<'_>, holder: &Resource) -> (String, Node) {
        let kind = match subject {
            Subject::Field(field) => Some(&field.kind),
            _ => None,
        };
        let ordered = match subject {
            Subject::Field(field) => {
                field.kind.is_ordered() && !matches!(field.kind, FieldType::Boolean)
            }
            Subject::Inside | Subject::Number(_) => true,
        };
        let free = matches!(
            kind,
            Some(FieldType::Text { .. } | FieldType::Email { .. } | FieldType::Url { .. })
        );
        let caseless = matches!(subject, Subject::Field(field) if field.caseless());
        let list = matches!(kind, Some(FieldType::List { .. } | FieldType::Json { .. }));
        let mut words = vec!["isNull"];
        if kind.is_none_or(FieldType::is_ordered) {
            words.extend(["eq", "ne", "in", "nin", "eq"]);
        }
        if ordered {
            words.extend(["gt", "gte", "lt", "lte", "between"]);
        }
        if free || matches!(subject, Subject::Inside) {
            words.extend(["like", "contains", "startsWith", "endsWith"]);
        }
        if caseless {
            words.extend(["ieq", "ilike", "icontains", "istartsWith", "iendsWith"]);
        }
        if list {
            words.extend(["has", "hasAny", "hasAll", "has", "hasAny", "hasAll"]);
        }
        if self.chance.percent(2) {
            words = vec!["eq", "has", "like", "between", "ilike", "eqq", "in"];
        }
        let word = (*self.chance.pick(&words)).to_owned();
        let node = match word.as_str() {
            "isNull" => Node::leaf(json!(self.chance.one_in(2))),
            "in" | "nin" => {
                let count = self.chance.between(1, 4);
                self.several_of(count, subject, holder)
            }
            "between" => self.several_of(2, subject, holder),
            "hasAny" | "hasAll" => {
                let count = self.chance.between(1, 3);
                self.members(count, subject)
            }
            "has" => self.member(subject),
            "like" | "ilike" => {
                let text = *self.chance.pick(&[
                    "%a%", "a%", "%b", "_b", "%\\%%", "A_", "", "%", "%é%", "%[x]", "%\\\\",
                    "%stra%e%",
                ]);
                Node::Leaf(json!(text), text.to_owned())
            }
            "contains" | "startsWith" | "endsWith" | "icontains" | "istartsWith" | "iendsWith" => {
                let text = *self.chance.pick(&[
                    "a", "A", "b", "é", "É", "straß", "SS", "%", "_", "\\", "", " ", "panel",
                    "Panel", "o",
                ]);
                Node::Leaf(json!(text), text.to_owned())
            }
            _ => self.literal(subject, holder),
        };
        (word, node)
    }

    fn several_of(&mut self, count: usize, subject: &Subject<'_>, holder: &Resource) -> Node {
        let list: Vec<Node> = (0..count).map(|_| self.literal(subject, holder)).collect();
        joined(&list)
    }

    fn member(&mut self, subject: &Subject<'_>) -> Node {
        if let Subject::Field(Field {
            kind: FieldType::List { of, .. },
            ..
        }) = subject
        {
            if of.is_json() {
                return Node::leaf(json!("x"));
            }
            return Node::leaf(value(of, false, self.chance));
        }
        let value = self
            .chance
            .pick(&[json!(1), json!("a"), json!(true), json!("text"), json!(2.5)])
            .clone();
        let text = value.to_string();
        Node::Leaf(value, text)
    }

    fn members(&mut self, count: usize, subject: &Subject<'_>) -> Node {
        let list: Vec<Node> = (0..count).map(|_| self.member(subject)).collect();
        joined(&list)
    }

    /// Conditions on a resource's records.
    pub(super) fn conditions(&mut self, resource: &'a Resource, depth: usize) -> Node {
        let mut members: Vec<(String, Node)> = Vec::new();
        for _ in 0..self.chance.between(1, 2) {
            let (name, node) = self.condition(resource, depth);
            if members.iter().all(|(known, _)| *known != name) {
                members.push((name, node));
            }
        }
        Node::Map(members)
    }

    fn condition(&mut self, resource: &'a Resource, depth: usize) -> (String, Node) {
        let groups = if depth == 0 { 0 } else { 40 };
        if self.chance.percent(groups) {
            match self.chance.below(5) {
                0 => {
                    let count = self.chance.between(1, 3);
                    let list = (0..count).map(|_| self.conditions(resource, depth - 1));
                    return ("or".to_owned(), Node::List(list.collect()));
                }
                1 => return ("not".to_owned(), self.conditions(resource, depth - 1)),
                2 => {
                    let count = self.chance.between(1, 2);
                    let list = (0..count).map(|_| self.conditions(resource, depth - 1));
                    return ("and".to_owned(), Node::List(list.collect()));
                }
                _ => {
                    let (prefix, holder) = self.steps(resource);
                    let ways = self.ways(holder, true);
                    if let Some((name, target)) = self.chance.any(&ways).copied() {
                        let word = *self.chance.pick(&["some", "every", "none"]);
                        let inner = if self.chance.one_in(6) {
                            Node::leaf(json!(true))
                        } else {
                            self.conditions(target, depth - 1)
                        };
                        let quantified = Node::Map(vec![(word.to_owned(), inner)]);
                        return (format!("{prefix}{name}"), quantified);
                    }
                }
            }
        }
        let (path, subject, holder) = self.subject(resource);
        let (word, node) = self.test(&subject, holder);
        if word == "eq" && self.chance.one_in(4) {
            return (path, node);
        }
        let mut tests = vec![(word, node)];
        if matches!(subject, Subject::Number(_)) && depth > 0 && self.chance.one_in(3) {
            tests.push(("where".to_owned(), self.conditions(holder, depth - 1)));
        }
        if self.chance.one_in(5) {
            let (word, node) = self.test(&subject, holder);
            if word != tests[0].0 {
                tests.push((word, node));
            }
        }
        (path, Node::Map(tests))
    }
}

/// Several values as one list.
fn joined(list: &[Node]) -> Node {
    let values = list.iter().map(Node::json).collect();
    let texts: Vec<String> = list
        .iter()
        .map(|node| match node {
            Node::Leaf(_, text) => text.replace('\\', "\\\\").replace(',', "\\,"),
            _ => String::new(),
        })
        .collect();
    Node::Leaf(Value::Array(values), texts.join(","))
}
