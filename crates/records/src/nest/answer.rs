//! The record with those written with it, as an include would show them, from what was applied.

use super::read::Shown;
use crate::command::{Answer, RecordAnswer};
use crate::operations::every_field;
use crate::replay::{Named, Nested, NestedRelation};
use carnet_kernel::{Code, Id, Refusal, json};
use carnet_model::{ModelView, ResourceIndex};
use carnet_store::{Changes, JournalKind, Record, Step, shape};
use std::collections::HashMap;

type Records<'c> = HashMap<(ResourceIndex, Id), &'c Record>;

/// The answer to a nested write that applied `changes`. It has no version of its own: an ETag is
/// for the record alone.
pub(crate) fn answer(
    view: &ModelView,
    shown: &Shown,
    changes: &[Changes],
    created: bool,
) -> Result<Answer, Refusal> {
    let json = text(view, shown, changes)
        .ok_or_else(|| Refusal::new(Code::Internal, "the write left no record"))?;
    Ok(Answer::Record(RecordAnswer {
        json: json.into_bytes(),
        created: created.then_some(shown.id),
        version: None,
    }))
}

/// The record with those written with it, as JSON.
pub(crate) fn text(view: &ModelView, shown: &Shown, changes: &[Changes]) -> Option<String> {
    let records = records(view, shown, changes);
    let mut json = String::with_capacity(512);
    write(view, shown, &records, &mut json).then_some(json)
}

/// The record alone.
pub(crate) fn record<'c>(
    view: &ModelView,
    shown: &Shown,
    changes: &'c Changes,
) -> Option<&'c Record> {
    let records = records(view, shown, std::slice::from_ref(changes));
    records.get(&(shown.resource, shown.id)).copied()
}

/// What a receipt keeps of the answer.
pub(crate) fn note(
    view: &ModelView,
    shown: &Shown,
    changes: &Changes,
    created: bool,
) -> Option<Nested> {
    let records = records(view, shown, std::slice::from_ref(changes));
    named(view, shown, &records, created)
}

fn named(view: &ModelView, shown: &Shown, records: &Records<'_>, created: bool) -> Option<Nested> {
    let resource = view.resource(shown.resource);
    let record = records.get(&(shown.resource, shown.id))?;
    let related = shown.related.iter().map(|relation| NestedRelation {
        name: relation.name.clone(),
        to_one: relation.to_one,
        records: relation
            .records
            .iter()
            .filter_map(|related| named(view, related, records, false))
            .collect(),
    });
    Some(Nested {
        record: Named::of(resource, record, created)?,
        related: related.collect(),
    })
}

/// The records that changes leave.
fn records<'c>(view: &ModelView, shown: &Shown, changes: &'c [Changes]) -> Records<'c> {
    let mut records = Records::new();
    for changes in changes {
        for step in &changes.steps {
            match step {
                Step::Insert { resource, rows } => {
                    let owner = view.resource(*resource);
                    for row in rows {
                        if let Some(id) = row.record.id(owner) {
                            records.insert((*resource, id), &row.record);
                        }
                    }
                }
                Step::Update { resource, rows } => {
                    for row in rows {
                        if row.journal.kind != JournalKind::Delete {
                            records.insert((*resource, row.id), &row.record);
                        }
                    }
                }
                Step::Delete { .. } => {}
            }
        }
        for (resource, record) in kept(view, shown, changes) {
            if let Some(id) = record.id(view.resource(resource)) {
                records.entry((resource, id)).or_insert(record);
            }
        }
    }
    records
}

/// Kept records with their resources, which a list of changes does not tell: they are found by
/// what the body named.
fn kept<'c>(
    view: &ModelView,
    shown: &Shown,
    changes: &'c Changes,
) -> Vec<(ResourceIndex, &'c Record)> {
    let mut named = HashMap::new();
    collect(shown, &mut named);
    let owner = |record: &Record| {
        named.iter().find_map(|(id, resources)| {
            resources.iter().copied().find(|index| {
                let resource = view.resource(*index);
                record.values.len() == resource.fields.len() && record.id(resource) == Some(*id)
            })
        })
    };
    changes
        .kept
        .iter()
        .filter_map(|record| Some((owner(record)?, record)))
        .collect()
}

fn collect(shown: &Shown, named: &mut HashMap<Id, Vec<ResourceIndex>>) {
    named.entry(shown.id).or_default().push(shown.resource);
    for relation in &shown.related {
        relation
            .records
            .iter()
            .for_each(|record| collect(record, named));
    }
}

fn write(view: &ModelView, shown: &Shown, records: &Records<'_>, out: &mut String) -> bool {
    let resource = view.resource(shown.resource);
    let Some(record) = records.get(&(shown.resource, shown.id)) else {
        return false;
    };
    shape::write_record(resource, record, &every_field(resource), out);
    if shown.related.is_empty() || !out.ends_with('}') {
        return true;
    }
    out.pop();
    for relation in &shown.related {
        out.push(',');
        json::write_string(&relation.name, out);
        out.push(':');
        if !relation.to_one {
            out.push('[');
        }
        let mut first = true;
        for related in &relation.records {
            let start = out.len();
            if !first {
                out.push(',');
            }
            if write(view, related, records, out) {
                first = false;
            } else {
                out.truncate(start);
            }
        }
        if !relation.to_one {
            out.push(']');
        } else if first {
            out.push_str("null");
        }
    }
    out.push('}');
    true
}
