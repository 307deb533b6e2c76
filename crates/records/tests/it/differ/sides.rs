//! The two databases under one definition, and what each answers in a form that can be compared:
//! ids are numbered in the order in which a side first tells them, cursors are only there or not.

use super::request::Request;
use crate::rest::{Reply, send};
use crate::world::World;
use regex::Regex;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;

/// What looks like an id: ULID text and UUID text.
static ID: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"\b(?:[0-7][0-9A-HJKMNP-TV-Z]{25}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\b",
    )
    .unwrap()
});
static TOKEN: LazyLock<Regex> = LazyLock::new(|| Regex::new("⟦([0-9]+)⟧").unwrap());

/// A database, and the ids that it has told.
pub(super) struct Side {
    pub(super) world: World,
    numbers: HashMap<String, usize>,
    texts: Vec<String>,
}

/// What was answered, comparable.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) told: Value,
}

impl Side {
    pub(super) fn new(world: World) -> Self {
        Self {
            world,
            numbers: HashMap::new(),
            texts: Vec::new(),
        }
    }

    /// A text with this side's ids.
    pub(super) fn own(&self, text: &str) -> String {
        let known = |found: &regex::Captures<'_>| {
            let number: usize = found[1].parse().unwrap_or(usize::MAX);
            match self.texts.get(number) {
                Some(id) => id.clone(),
                None => found[0].to_owned(),
            }
        };
        TOKEN.replace_all(text, known).into_owned()
    }

    /// A text with tokens in place of this side's ids.
    fn common(&mut self, text: &str) -> String {
        let number = |found: &regex::Captures<'_>| {
            let next = self.texts.len();
            let number = *self.numbers.entry(found[0].to_owned()).or_insert(next);
            if number == next {
                self.texts.push(found[0].to_owned());
            }
            format!("⟦{number}⟧")
        };
        ID.replace_all(text, number).into_owned()
    }

    pub(super) async fn send(&self, request: &Request) -> Reply {
        let address = request.address(&|text| self.own(text));
        let body = request.text().map(|text| self.own(&text));
        let mut headers: Vec<(&str, &str)> = Vec::new();
        let given = |name: &str| request.headers.iter().any(|(known, _)| *known == name);
        if body.is_some() && !given("content-type") {
            headers.push(("content-type", "application/json"));
        }
        headers.extend(
            request
                .headers
                .iter()
                .map(|(name, value)| (*name, value.as_str())),
        );
        send(
            &self.world,
            request.method,
            &address,
            &headers,
            body.as_deref().unwrap_or(""),
        )
        .await
    }

    /// The answer in the form that is compared.
    pub(super) fn told(&mut self, reply: &Reply) -> Answer {
        let mut told = Map::new();
        match &reply.refusal {
            Some(refusal) => {
                let details: Vec<Value> = refusal
                    .details
                    .iter()
                    .map(|one| json!([one.field, one.rule, one.message]))
                    .collect();
                told.insert("code".to_owned(), json!(refusal.code.as_str()));
                told.insert("message".to_owned(), json!(refusal.message));
                told.insert("details".to_owned(), Value::Array(details));
            }
            None if reply.body.is_null() => {
                // Lines of JSON.
                let text = String::from_utf8_lossy(&reply.bytes);
                let lines = text.lines().map(|line| {
                    serde_json::from_str(line).unwrap_or_else(|_| Value::String(line.to_owned()))
                });
                told.insert("lines".to_owned(), lines.collect());
            }
            None => {
                told.insert("body".to_owned(), reply.body.clone());
            }
        }
        for name in [
            "etag",
            "location",
            "idempotency-replayed",
            "allow",
            "content-type",
        ] {
            if let Some(value) = reply.header(name) {
                told.insert(name.to_owned(), json!(value));
            }
        }
        Answer {
            status: reply.status,
            told: self.canonical(&Value::Object(told)),
        }
    }

    fn canonical(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.common(text)),
            Value::Array(list) => list.iter().map(|one| self.canonical(one)).collect(),
            Value::Object(members) => {
                let mut names: Vec<&String> = members.keys().collect();
                names.sort();
                let mut out = Map::new();
                for name in names {
                    let value = match (name.as_str(), &members[name]) {
                        ("nextCursor" | "prevCursor", Value::String(_)) => json!("there"),
                        // The sequence of a database has gaps where a transaction was undone.
                        ("sequence", Value::Number(_)) => json!("a number"),
                        (_, value) => self.canonical(value),
                    };
                    out.insert(self.common(name), value);
                }
                // What is estimated may differ.
                if out.get("totalIsEstimate") == Some(&Value::Bool(true)) {
                    out.insert("total".to_owned(), json!("about"));
                    out.insert("totalPages".to_owned(), json!("about"));
                }
                Value::Object(out)
            }
            other => other.clone(),
        }
    }
}

/// Both databases.
pub(super) struct Sides {
    pub(super) sqlite: Side,
    pub(super) postgres: Side,
}

/// What both answered.
pub(super) struct Both {
    pub(super) sqlite: Reply,
    pub(super) postgres: Reply,
    pub(super) first: Answer,
    pub(super) second: Answer,
}

impl Both {
    /// What differs, if something does.
    pub(super) fn difference(&self) -> Option<String> {
        let same = self.first == self.second
            || self.first.status == self.second.status
                && blurred(&self.first.told) == blurred(&self.second.told);
        (!same).then(|| {
            format!(
                "SQLite {}:\n{}\nPostgreSQL {}:\n{}",
                self.first.status,
                shown(&self.first.told),
                self.second.status,
                shown(&self.second.told),
            )
        })
    }
}

impl Sides {
    pub(super) async fn send(&mut self, request: &Request) -> Both {
        self.send_each(request, request).await
    }

    /// To each its own.
    pub(super) async fn send_each(&mut self, first: &Request, second: &Request) -> Both {
        let (sqlite, postgres) = tokio::join!(self.sqlite.send(first), self.postgres.send(second));
        Both {
            first: self.sqlite.told(&sqlite),
            second: self.postgres.told(&postgres),
            sqlite,
            postgres,
        }
    }

    /// Moves both clocks.
    pub(super) fn advance(&self, by: Duration) {
        self.sqlite.world.clock.advance(by);
        self.postgres.world.clock.advance(by);
    }
}

/// An answer without what each database chooses: which of several unique constraints that a write
/// breaks is met first. The item of a batch that breaks one stays.
fn blurred(told: &Value) -> Value {
    match told {
        Value::Object(members) if members.get("code") == Some(&json!("UNIQUE_VIOLATION")) => {
            let first = members.get("details").and_then(|details| details.get(0));
            let place = first.and_then(|one| one.get("field").or_else(|| one.get(0)));
            let place = place.and_then(Value::as_str).unwrap_or_default();
            let item = place.starts_with("items[").then(|| place.split('.').next());
            json!({ "code": "UNIQUE_VIOLATION", "item": item })
        }
        Value::Object(members) => {
            let members = members.iter();
            let members = members.map(|(name, value)| (name.clone(), blurred(value)));
            Value::Object(members.collect())
        }
        Value::Array(list) => list.iter().map(blurred).collect(),
        other => other.clone(),
    }
}

/// A value as text that is not too long for a person.
pub(super) fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(4_000) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
