//! Lists that code leaves to the platform: which records, and what becomes of each. They are read
//! when the code has returned, page by page, so that no cursor is held open for it. Not the reading.

use super::port::named;
use super::{Search, output};
use crate::fault::{misused, panicked};
use crate::parse::{ListRequest, parse_list};
use carnet_expr::Predicate;
use carnet_kernel::{Code, Refusal, Timestamp};
use carnet_model::{ModelView, Resource, ResourceIndex};
use carnet_store::Deleted;
use carnet_telemetry::logs::catch;
use serde_json::Value;
use serde_json::value::RawValue;
use std::fmt;
use std::sync::Arc;

/// Records that are read when the code has returned; made by [`Reply::stream`](super::Reply::stream).
#[derive(Clone)]
pub struct Streamed {
    resource: String,
    query: Vec<(String, String)>,
    map: Arc<dyn Fn(&mut Value) + Send + Sync>,
}

impl Streamed {
    pub(super) fn new(search: Search, map: impl Fn(&mut Value) + Send + Sync + 'static) -> Self {
        let (resource, query) = search.into_parts();
        Self {
            resource,
            query,
            map: Arc::new(map),
        }
    }

    /// What is read of which resource for a caller who asked for a list of `listed`. Of the same
    /// resource it is what both want; of another one the caller chooses the page alone.
    pub(crate) fn request(
        &self,
        view: &ModelView,
        listed: &Resource,
        asked: ListRequest,
        now: Timestamp,
    ) -> Result<(ResourceIndex, ListRequest), Refusal> {
        let resource = named(view, &self.resource)?;
        let of_page =
            |name: &str| ["limit", "offset", "page", "cursor", "count", "explain"].contains(&name);
        if let Some((name, _)) = self.query.iter().find(|(name, _)| of_page(name)) {
            let message = format!("a streamed list has no `{name}` of its own: its caller says it");
            return Err(misused(message));
        }
        let own = parse_list(view, resource, &self.query, now).map_err(|refusal| {
            misused(format!(
                "a streamed list cannot be read: {}",
                refusal.message
            ))
        })?;
        let binding = asked.binding.with(&own.binding);
        let request = if resource.index == listed.index {
            ListRequest {
                predicate: own.predicate.and(asked.predicate),
                sort: match asked.sort.is_empty() && !asked.ranked {
                    true => own.sort,
                    false => asked.sort,
                },
                fields: asked.fields.or(own.fields),
                included: match asked.included.is_empty() {
                    true => own.included,
                    false => asked.included,
                },
                binding,
                ..asked
            }
        } else {
            refuse_narrowing(listed, &asked)?;
            ListRequest {
                ranked: false,
                limit: asked.limit,
                offset: asked.offset,
                count: asked.count,
                cursor: asked.cursor,
                explain: asked.explain,
                binding,
                ..own
            }
        };
        Ok((resource.index, request))
    }

    /// The records of a JSON array as the code wants them, in a list of `listed`.
    pub(crate) fn array(&self, listed: &Resource, json: &[u8]) -> Result<Vec<u8>, Refusal> {
        let records: Vec<&RawValue> = serde_json::from_slice(json).map_err(|_| unreadable())?;
        let records = records.into_iter().map(RawValue::get);
        let mut made = self.records(listed, records, b',')?;
        // Each ends with a comma, the last one with the bracket.
        made.pop();
        made.insert(0, b'[');
        made.push(b']');
        Ok(made)
    }

    /// The same for one record a line.
    pub(crate) fn lines(&self, listed: &Resource, lines: &[u8]) -> Result<Vec<u8>, Refusal> {
        let lines = std::str::from_utf8(lines).map_err(|_| unreadable())?;
        self.records(listed, lines.lines(), b'\n')
    }

    fn records<'r>(
        &self,
        listed: &Resource,
        records: impl Iterator<Item = &'r str>,
        end: u8,
    ) -> Result<Vec<u8>, Refusal> {
        let mut made = String::new();
        for record in records {
            let mut record: Value = serde_json::from_str(record).map_err(|_| unreadable())?;
            catch(|| (self.map)(&mut record)).map_err(|panic| panicked(&panic))?;
            let text = record.to_string();
            output::of_row(listed, &text).map_err(output::misfit)?;
            made.push_str(&text);
            made.push(char::from(end));
        }
        Ok(made.into_bytes())
    }
}

/// What a caller says of records that are not those of the list would be passed over.
fn refuse_narrowing(listed: &Resource, asked: &ListRequest) -> Result<(), Refusal> {
    let plain = asked.predicate == Predicate::True
        && asked.sort.is_empty()
        && asked.fields.is_none()
        && asked.included.is_empty()
        && asked.deleted == Deleted::Hidden;
    if plain {
        return Ok(());
    }
    let message = format!(
        "the list of `{}` is made of other records: it takes `limit`, `offset`, `page`, `cursor` \
         and `count` alone",
        listed.name
    );
    Err(Refusal::new(Code::InvalidParameter, message))
}

/// Groups are made by the database, which knows nothing of what code makes of records.
pub(crate) fn ungrouped() -> Refusal {
    let message = "this list is not grouped: its records are made by code";
    Refusal::new(Code::InvalidParameter, message)
}

fn unreadable() -> Refusal {
    Refusal::new(Code::Internal, "a record of a list cannot be read")
}

impl PartialEq for Streamed {
    fn eq(&self, other: &Self) -> bool {
        self.resource == other.resource
            && self.query == other.query
            && Arc::ptr_eq(&self.map, &other.map)
    }
}

impl fmt::Debug for Streamed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Streamed")
            .field("resource", &self.resource)
            .field("query", &self.query)
            .finish_non_exhaustive()
    }
}
