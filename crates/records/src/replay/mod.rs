//! Answering again: from what a receipt names to the answer that was given. A record that has moved
//! on is taken back over the journal's images.

mod note;
mod rebuild;

pub(crate) use note::{Named, Nested, NestedRelation, Note, NotedItem};
use rebuild::{Members, Row, rebuild};

use crate::batch::{self, Item};
use crate::command::{Answer, RecordAnswer};
use crate::operations::{Operations, told};
use crate::parse::{CountMode, ListRequest};
use crate::plan;
use crate::write::Work;
use carnet_expr::{CompareOp, Path, Predicate};
use carnet_kernel::json::write_string;
use carnet_kernel::{Code, Id, Refusal, Value};
use carnet_model::{ModelView, Resource};
use carnet_store::{Order, Query};
use std::collections::HashMap;

/// How many changes of a record are followed back.
const MOST_CHANGES: u32 = 1_000;

impl Operations {
    /// The answer that a receipt names.
    pub(crate) async fn replay(&self, work: &Work<'_>, text: &str) -> Result<Answer, Refusal> {
        let answer = match Note::read(text, &self.codes()).ok_or_else(unavailable)? {
            Note::Deleted => Answer::Deleted,
            Note::Record(named) => {
                let json = self.as_it_was(work, &named).await?;
                Answer::Record(RecordAnswer {
                    json: json.into_bytes(),
                    created: named.created.then_some(named.id),
                    version: Some(named.version),
                })
            }
            Note::Matching { json, count } => Answer::Matching {
                json: json.into_bytes(),
                count,
            },
            Note::Nested(nested) => {
                let json = self.nested_as_it_was(work, &nested).await?;
                Answer::Record(RecordAnswer {
                    json: json.into_bytes(),
                    created: nested.record.created.then_some(nested.record.id),
                    version: None,
                })
            }
            Note::Items { each, items: noted } => {
                let mut items = Vec::with_capacity(noted.len());
                for item in noted {
                    items.push(match item {
                        NotedItem::Nothing => Item::Nothing,
                        NotedItem::Matches(json) => Item::Matches(json),
                        NotedItem::Refused(refusal) => Item::Refused(refusal),
                        NotedItem::Record(named) => Item::Record {
                            json: self.as_it_was(work, &named).await?,
                            created: named.created,
                        },
                        NotedItem::Nested(nested) => Item::Record {
                            json: self.nested_as_it_was(work, &nested).await?,
                            created: nested.record.created,
                        },
                    });
                }
                batch::answer(&items, each)
            }
        };
        Ok(Answer::Replayed(Box::new(answer)))
    }

    /// A record with those written with it, each in the version that was answered.
    async fn nested_as_it_was(&self, work: &Work<'_>, nested: &Nested) -> Result<String, Refusal> {
        let mut all = Vec::new();
        nested.each(&mut all);
        let mut texts = HashMap::new();
        for named in all {
            let text = self.as_it_was(work, named).await?;
            texts.insert((named.resource.as_str(), named.id), text);
        }
        let mut json = String::with_capacity(512);
        write_nested(nested, &texts, &mut json);
        Ok(json)
    }

    /// A record in the version that was answered, as JSON.
    async fn as_it_was(&self, work: &Work<'_>, named: &Named) -> Result<String, Refusal> {
        // What is stored and the journal's images have the names of the newest version.
        let canonical = work.view.canonical();
        let resource = canonical.resource_named(&named.resource);
        let resource = resource.ok_or_else(unavailable)?;
        let query = plan::whole(&canonical, resource, named.id);
        let now = self.first(work, (&canonical, resource), &query).await?;
        let found = if now.as_ref().and_then(rebuild::version) == Some(named.version) {
            now
        } else {
            let rows = self.history(work, named).await?;
            rebuild(named.version, now, &rows)
        };
        let found = found.ok_or_else(unavailable)?;
        let shown = work.view.resource(resource.index);
        write(shown, &found).ok_or_else(unavailable)
    }

    /// The changes since a version and the one that made it, the newest first.
    async fn history(&self, work: &Work<'_>, named: &Named) -> Result<Vec<Row>, Refusal> {
        let journal = work
            .view
            .resource_named("journal")
            .ok_or_else(unavailable)?;
        let field = |name: &str| journal.field_named(name).ok_or_else(unavailable);
        let is = |name: &str, op, value| Ok(Predicate::compare(field(name)?, op, value));
        let predicate = is(
            "resource",
            CompareOp::Eq,
            Value::Text(named.resource.clone()),
        )?
        .and(is("record", CompareOp::Eq, Value::Id(named.id))?)
        .and(is(
            "version",
            CompareOp::Gte,
            Value::Integer(named.version),
        )?);
        let request = ListRequest {
            predicate,
            sort: vec![Order::path(Path::own(journal.key), true)],
            limit: MOST_CHANGES,
            count: CountMode::None,
            ..ListRequest::default()
        };
        let query = plan::list(work.view, journal, request);
        // Platform records are journalled where they live.
        let resource = work.view.resource_named(&named.resource);
        let owner = resource.filter(|resource| !resource.is_tenant());
        let scope = match owner {
            Some(_) => Ok(self.store().platform(work.context)),
            None => self.store().scope(work.context).await,
        };
        let scope = scope.map_err(|error| told(&error, work.view))?;
        let listing = scope
            .list(work.view, &query)
            .await
            .map_err(|error| told(&error, work.view))?;
        let rows: Vec<Members> =
            serde_json::from_slice(&listing.json).map_err(|_| unavailable())?;
        // A row without images tells nothing about what was before it.
        Ok(rows.iter().map_while(Row::read).collect())
    }

    async fn first(
        &self,
        work: &Work<'_>,
        (view, resource): (&ModelView, &Resource),
        query: &Query,
    ) -> Result<Option<Members>, Refusal> {
        let failed = |error| told(&error, view);
        let scope = self.scope(work.context, resource).await.map_err(failed)?;
        let found = scope.find(view, query).await.map_err(failed)?;
        found
            .map(|document| serde_json::from_slice(&document.json).map_err(|_| unavailable()))
            .transpose()
    }
}

/// The members in the order of the resource's fields.
fn write(resource: &Resource, members: &Members) -> Option<String> {
    let mut out = String::with_capacity(256);
    for (_, field) in resource.shown_fields() {
        out.push(if out.is_empty() { '{' } else { ',' });
        out.push('"');
        out.push_str(&field.name);
        out.push_str("\":");
        out.push_str(members.get(field.canonical())?.get());
    }
    out.push('}');
    Some(out)
}

/// A record with its related ones, as they were shown.
fn write_nested(nested: &Nested, texts: &HashMap<(&str, Id), String>, out: &mut String) {
    let named = &nested.record;
    let text = texts.get(&(named.resource.as_str(), named.id));
    let text = text.map_or("{}", String::as_str);
    if nested.related.is_empty() {
        out.push_str(text);
        return;
    }
    out.push_str(text.strip_suffix('}').unwrap_or(text));
    for relation in &nested.related {
        out.push(',');
        write_string(&relation.name, out);
        out.push(':');
        if relation.to_one {
            match relation.records.first() {
                Some(record) => write_nested(record, texts, out),
                None => out.push_str("null"),
            }
            continue;
        }
        out.push('[');
        for (at, record) in relation.records.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            write_nested(record, texts, out);
        }
        out.push(']');
    }
    out.push('}');
}

fn unavailable() -> Refusal {
    Refusal::new(
        Code::ReplayUnavailable,
        "this write took effect before, but its answer cannot be given again; read the record",
    )
}
