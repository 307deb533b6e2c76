//! From bodies and parameters to the units of upserts and of writes by filter, and from what these
//! applied to answers. Pure.

use crate::command::Answer;
use crate::decide::{ChangeMatching, DeleteMatching, Precondition, Upsert, fill, records_after};
use crate::parse::MatchingRequest;
use crate::validate::{Mode, read_entries, read_object, refuse};
use crate::write::whole;
use carnet_kernel::{Code, Detail, Id, Refusal};
use carnet_model::{Concurrency, FieldIndex, Resource};
use carnet_store::{Changes, JournalKind, Stamp, Step};
use serde_json::value::RawValue;

/// The most ids in the answer to a write by filter.
pub(crate) const MAX_IDS: usize = 1_000;

/// The unit of an upsert by `key`.
pub(crate) fn upsert(
    resource: &Resource,
    key: Vec<FieldIndex>,
    body: &str,
    new: (Id, &Stamp),
    precondition: Option<Precondition>,
) -> Result<Upsert, Refusal> {
    let entries = read_object(body)?;
    let mut faults = Vec::new();
    let unit = upsert_of(
        resource,
        key,
        (&entries, ""),
        new,
        precondition,
        &mut faults,
    );
    refuse(faults).map_or(Ok(unit), Err)
}

/// The same of members that are taken apart already; the places of faults begin with `prefix`.
pub(crate) fn upsert_of(
    resource: &Resource,
    key: Vec<FieldIndex>,
    (entries, prefix): (&[(String, Box<RawValue>)], &str),
    (id, stamp): (Id, &Stamp),
    precondition: Option<Precondition>,
    faults: &mut Vec<Detail>,
) -> Upsert {
    let input = read_entries(resource, entries, Mode::Whole, prefix, faults);
    let record = fill(resource, entries, input.clone(), id, stamp, prefix, faults);
    for index in &key {
        let name = &resource.field(*index).name;
        let place = format!("{prefix}{name}");
        // An id that the platform drew names nothing that could be there.
        let drawn = *index == resource.key && !entries.iter().any(|(given, _)| given == name);
        let known = faults.iter().any(|fault| fault.field == place);
        if !known && (drawn || record.get(*index).is_null()) {
            let message = "it is required: the record is found by it";
            faults.push(Detail::new(place, "required", message));
        }
    }
    Upsert {
        resource: resource.index,
        key,
        record,
        input,
        precondition,
        stamp: stamp.clone(),
    }
}

/// The answer to an upsert; it tells whether the record is new.
pub(crate) fn upserted(resource: &Resource, changes: Option<&Changes>) -> Result<Answer, Refusal> {
    let record = changes.and_then(|changes| records_after(changes).next());
    let record = record.ok_or_else(|| Refusal::new(Code::Internal, "the write left no record"))?;
    let made =
        changes.is_some_and(|changes| matches!(changes.steps.first(), Some(Step::Insert { .. })));
    let created = record.id(resource).filter(|_| made);
    Ok(whole(resource, record, created))
}

/// The unit of a patch by filter.
pub(crate) fn patch_matching(
    resource: &Resource,
    request: MatchingRequest,
    body: &str,
    stamp: &Stamp,
    precondition: Option<Precondition>,
) -> Result<ChangeMatching, Refusal> {
    any_version(resource, precondition.as_ref())?;
    let entries = read_object(body)?;
    let mut faults = Vec::new();
    let input = read_entries(resource, &entries, Mode::Patch, "", &mut faults);
    refuse(faults).map_or(
        Ok(ChangeMatching {
            resource: resource.index,
            predicate: request.predicate,
            max_affected: request.max_affected,
            input,
            stamp: stamp.clone(),
        }),
        Err,
    )
}

/// The unit of a deletion by filter.
pub(crate) fn delete_matching(
    resource: &Resource,
    request: MatchingRequest,
    stamp: &Stamp,
    precondition: Option<Precondition>,
) -> Result<DeleteMatching, Refusal> {
    any_version(resource, precondition.as_ref())?;
    Ok(DeleteMatching {
        resource: resource.index,
        predicate: request.predicate,
        deleted: request.deleted,
        max_affected: request.max_affected,
        purge: request.purge,
        stamp: stamp.clone(),
    })
}

/// Records that a filter finds have no one version to state: where one must be stated, `*` says
/// that any will do.
fn any_version(resource: &Resource, stated: Option<&Precondition>) -> Result<(), Refusal> {
    match (stated, resource.concurrency) {
        (Some(Precondition::Any), _) | (None, Concurrency::None) => Ok(()),
        (None, Concurrency::Optimistic) => Err(Refusal::new(
            Code::PreconditionRequired,
            format!(
                "writes to `{}` must state the version they are based on; a write by filter says with `If-Match: *` that any will do",
                resource.name
            ),
        )),
        (Some(Precondition::Versions(_)), _) => Err(Refusal::new(
            Code::PreconditionFailed,
            "a write by filter is based on no single version; send `If-Match: *` or none",
        )),
    }
}

/// `{"count","unchanged","ids"}` of a write by filter: the records of the resource that were
/// changed or deleted, those that were so already, and the ids of the former as far as they fit.
pub(crate) fn matching_answer(resource: &Resource, changes: Option<&Changes>) -> Answer {
    let (json, count) = matching_json(resource, changes);
    Answer::Matching {
        json: json.into_bytes(),
        count,
    }
}

/// That object, and the count.
pub(crate) fn matching_json(resource: &Resource, changes: Option<&Changes>) -> (String, usize) {
    let mut ids = Vec::new();
    let mut count = 0;
    let deletes = changes.is_some_and(|changes| changes.steps.iter().any(is_removal));
    let mut add = |id: Id| {
        count += 1;
        if ids.len() < MAX_IDS {
            let value = carnet_kernel::Value::Id(id);
            ids.push(resource.field(resource.key).kind.to_json(&value));
        }
    };
    for step in changes.iter().flat_map(|changes| &changes.steps) {
        match step {
            Step::Update { resource: of, rows } if *of == resource.index => rows
                .iter()
                .filter(|row| !deletes || row.journal.kind == JournalKind::Delete)
                .for_each(|row| add(row.id)),
            Step::Delete { resource: of, rows } if *of == resource.index => {
                rows.iter().for_each(|row| add(row.id));
            }
            _ => {}
        }
    }
    let unchanged = changes.map_or(0, |changes| changes.kept.len());
    let json = serde_json::json!({ "count": count, "unchanged": unchanged, "ids": ids });
    (json.to_string(), count)
}

/// Whether a step takes records away.
fn is_removal(step: &Step) -> bool {
    match step {
        Step::Insert { .. } => false,
        Step::Update { rows, .. } => rows
            .iter()
            .any(|row| row.journal.kind == JournalKind::Delete),
        Step::Delete { .. } => true,
    }
}
