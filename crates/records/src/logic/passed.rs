//! Writes that would change records without the code that stands round such changes, and their
//! refusal. Not what such code does.

use super::logics::Logics;
use crate::command::Command;
use crate::linking::through;
use crate::write::Work;
use carnet_kernel::{Code, Refusal};
use carnet_model::{Operation, Relation, Resource, ResourceIndex};
use serde_json::Value;

/// What an upsert may turn out to be.
pub(crate) const UPSERT: &[Operation] = &[Operation::Create, Operation::Update, Operation::Patch];

/// What a restoration is like.
pub(crate) const RESTORE: &[Operation] = &[Operation::Create];

/// What may happen to a record in the body of another one.
pub(crate) const NESTED: &[Operation] = &[
    Operation::Create,
    Operation::Update,
    Operation::Patch,
    Operation::Delete,
];

/// Refuses a command that would go round code.
pub(super) fn check(work: &Work<'_>, command: &Command, logics: &Logics) -> Result<(), Refusal> {
    let (resource, operations) = match command {
        Command::Upsert { resource, .. } => (*resource, UPSERT),
        Command::PatchMatching { resource, .. } => (*resource, &[Operation::Patch][..]),
        Command::DeleteMatching { resource, .. } => (*resource, &[Operation::Delete][..]),
        Command::Restore { resource, .. } => (*resource, RESTORE),
        Command::Link {
            resource, relation, ..
        }
        | Command::Unlink {
            resource, relation, ..
        } => {
            let relation = work.view.resource(*resource).relation(*relation);
            return linked(
                work,
                relation,
                matches!(command, Command::Link { .. }),
                logics,
            );
        }
        Command::Create { resource, body }
        | Command::Update { resource, body, .. }
        | Command::Patch { resource, body, .. } => {
            return nested(work, work.view.resource(*resource), body, logics);
        }
        _ => return Ok(()),
    };
    refuse(work, resource, operations, logics)
}

/// Refuses changes of these kinds where code stands round one of them.
pub(super) fn refuse(
    work: &Work<'_>,
    resource: ResourceIndex,
    operations: &[Operation],
    logics: &Logics,
) -> Result<(), Refusal> {
    let version = work.context.version.0;
    let Some(operation) = logics.standing(version, resource, operations) else {
        return Ok(());
    };
    let resource = &work.view.resource(resource).name;
    let message = format!(
        "records of `{resource}` are changed one by one here, because logic stands round `{}`; \
         use that operation for each of them, in a transaction where they belong together",
        operation.as_str()
    );
    Err(Refusal::new(Code::LogicBypassed, message))
}

/// Whether any write of a resource can meet code: its own, that of its links, or that of records in
/// its bodies, which hold others in turn.
pub(super) fn may_meet(work: &Work<'_>, resource: &Resource, logics: &Logics) -> bool {
    let mut reached = vec![resource.index];
    let mut at = 0;
    while let Some(index) = reached.get(at).copied() {
        at += 1;
        if refuse(work, index, NESTED, logics).is_err() {
            return true;
        }
        for relation in &work.view.resource(index).relations {
            let link = through(work.view, relation).map(|through| through.link.index);
            for next in [Some(relation.target), link].into_iter().flatten() {
                if !reached.contains(&next) {
                    reached.push(next);
                }
            }
        }
    }
    false
}

/// Refuses to make or to remove a link, which is a record of its own, where code stands round that.
pub(super) fn linked(
    work: &Work<'_>,
    relation: &Relation,
    makes: bool,
    logics: &Logics,
) -> Result<(), Refusal> {
    let operation = if makes {
        Operation::Create
    } else {
        Operation::Delete
    };
    match through(work.view, relation) {
        Some(through) => refuse(work, through.link.index, &[operation], logics),
        None => Ok(()),
    }
}

/// Records in the body of another one. What cannot be read is told by the operation itself.
pub(super) fn nested(
    work: &Work<'_>,
    resource: &Resource,
    body: &str,
    logics: &Logics,
) -> Result<(), Refusal> {
    // A name may be written with escapes.
    let named = |relation: &Relation| body.contains(&relation.name);
    if !body.contains('\\') && !resource.relations.iter().any(named) {
        return Ok(());
    }
    match serde_json::from_str(body) {
        Ok(body) => inside(work, resource, &body, logics),
        Err(_) => Ok(()),
    }
}

/// Looks at a value and everything in it; bodies are no deeper than their reader allows.
fn inside(
    work: &Work<'_>,
    resource: &Resource,
    value: &Value,
    logics: &Logics,
) -> Result<(), Refusal> {
    match value {
        Value::Array(members) => members
            .iter()
            .try_for_each(|member| inside(work, resource, member, logics)),
        Value::Object(members) => members.iter().try_for_each(|(name, value)| {
            let Some(index) = resource.relation_named(name) else {
                // What a reference makes stands in it: `"category": { "create": { … } }`.
                return match name.as_str() {
                    "create" => inside(work, resource, value, logics),
                    _ => Ok(()),
                };
            };
            let relation = resource.relation(index);
            refuse(work, relation.target, NESTED, logics)?;
            linked(work, relation, true, logics)?;
            linked(work, relation, false, logics)?;
            inside(work, work.view.resource(relation.target), value, logics)
        }),
        _ => Ok(()),
    }
}
