//! Linking and unlinking records over a many-to-many relation: a link is a record of the relation's
//! link resource, and is written as one.

use crate::command::{Answer, RecordAnswer};
use crate::decide::{Link, Unlink, fill, records_after};
use crate::operations::Operations;
use crate::replay::{Named, Nested, Note};
use crate::validate::{Mode, read_entries, refuse};
use crate::write::{Done, Work, whole};
use carnet_kernel::{Code, Detail, Id, Refusal, Value};
use carnet_model::{
    FieldIndex, ModelView, Operation, Relation, RelationIndex, RelationKind, Resource,
    ResourceIndex,
};
use carnet_store::{Outcome, Policy, Stamp, Step};
use serde_json::value::RawValue;
use std::sync::Arc;

/// What links records of two resources.
#[derive(Clone, Copy)]
pub(crate) struct Through<'v> {
    pub(crate) link: &'v Resource,
    /// Its reference to the record that is written.
    pub(crate) by: FieldIndex,
    /// Its reference to the other one.
    pub(crate) to: FieldIndex,
}

/// What links records over `relation`, if it is many to many.
pub(crate) fn through<'v>(view: &'v ModelView, relation: &Relation) -> Option<Through<'v>> {
    match relation.kind {
        RelationKind::Through { link, by, to } => Some(Through {
            link: view.resource(link),
            by,
            to,
        }),
        RelationKind::ToOne { .. } | RelationKind::ToMany { .. } => None,
    }
}

/// The relations of `resource` over which something can be done to links, with their methods.
pub(crate) fn linkable<'r>(
    view: &'r ModelView,
    resource: &'r Resource,
) -> impl Iterator<Item = (&'r Relation, Vec<&'static str>)> {
    resource.shown_relations().filter_map(|relation| {
        let methods = link_methods(through(view, relation)?.link);
        (!methods.is_empty()).then_some((relation, methods))
    })
}

/// The methods that the address of a link answers.
pub(crate) fn link_methods(link: &Resource) -> Vec<&'static str> {
    [(Operation::Create, "PUT"), (Operation::Delete, "DELETE")]
        .into_iter()
        .filter(|(operation, _)| link.operations.contains(*operation))
        .map(|(_, method)| method)
        .collect()
}

impl<'v> Through<'v> {
    /// The unit that links `ids`. Faults of the link, such as a field that has to be given, go to
    /// `faults` with `prefix`.
    pub(crate) fn link(
        self,
        [holder, target]: [Id; 2],
        (id, stamp): (Id, &Stamp),
        prefix: &str,
        faults: &mut Vec<Detail>,
    ) -> Link {
        let entries: Vec<(String, Box<RawValue>)> = [(self.by, holder), (self.to, target)]
            .into_iter()
            .filter_map(|(field, id)| {
                let field = self.link.field(field);
                let value = field.kind.to_json(&Value::Id(id)).to_string();
                Some((field.name.clone(), RawValue::from_string(value).ok()?))
            })
            .collect();
        let input = read_entries(self.link, &entries, Mode::Whole, prefix, faults);
        Link {
            resource: self.link.index,
            references: [self.by, self.to],
            record: fill(self.link, &entries, input, id, stamp, prefix, faults),
        }
    }

    /// The unit that unlinks `ids`, which `must` be linked or need not.
    pub(crate) fn unlink(self, ids: [Id; 2], must: bool, stamp: &Stamp) -> Unlink {
        Unlink {
            resource: self.link.index,
            references: [self.by, self.to],
            values: ids.map(Value::Id),
            must,
            stamp: stamp.clone(),
        }
    }
}

impl Operations {
    pub(crate) async fn link(
        &self,
        work: &Work<'_>,
        resource: ResourceIndex,
        (id, relation, target): (Id, RelationIndex, Id),
    ) -> Result<Answer, Refusal> {
        let (resource, relation, through) = found(work.view, resource, relation)?;
        let mut faults = Vec::new();
        let new = (self.next_id(), &work.stamp());
        let unit = through.link([id, target], new, "", &mut faults);
        if let Some(refusal) = refuse(faults) {
            return Err(refusal);
        }
        let index = through.link.index;
        let note = move |view: &ModelView, outcomes: &[Outcome]| {
            let changes = outcomes.first()?.as_ref().ok()?;
            let made = matches!(changes.steps.first(), Some(Step::Insert { .. }));
            let record = records_after(changes).next()?;
            let record = Named::of(view.resource(index), record, made)?;
            let related = Vec::new();
            Some(Note::Nested(Nested { record, related }))
        };
        let options = work.options(Policy::Atomic, Arc::new(note));
        let done = self
            .once(work, through.link, Arc::new(unit), &options)
            .await
            .map_err(|refusal| self.missing(work.view, (resource, relation, through), refusal))?;
        let changes = match done {
            Done::Before(answer) => return Ok(answer),
            Done::Now(changes) => changes.into_iter().next().unwrap_or_default(),
        };
        let record = records_after(&changes)
            .next()
            .ok_or_else(|| Refusal::new(Code::Internal, "the write left no record"))?;
        let made = matches!(changes.steps.first(), Some(Step::Insert { .. }));
        let created = record.id(through.link).filter(|_| made);
        Ok(match whole(through.link, record, created) {
            // The address is not that of the link's own record.
            Answer::Record(answer) => Answer::Record(RecordAnswer {
                version: None,
                ..answer
            }),
            other => other,
        })
    }

    pub(crate) async fn unlink(
        &self,
        work: &Work<'_>,
        resource: ResourceIndex,
        (id, relation, target): (Id, RelationIndex, Id),
    ) -> Result<Answer, Refusal> {
        let (_, _, through) = found(work.view, resource, relation)?;
        let unit = through.unlink([id, target], true, &work.stamp());
        let note = |_: &ModelView, outcomes: &[Outcome]| {
            outcomes.first()?.as_ref().ok()?;
            Some(Note::Deleted)
        };
        let options = work.options(Policy::Atomic, Arc::new(note));
        let done = self
            .once(work, through.link, Arc::new(unit), &options)
            .await?;
        Ok(match done {
            Done::Before(answer) => answer,
            Done::Now(_) => Answer::Deleted,
        })
    }

    /// A link to a record that is not there is at no address.
    fn missing(
        &self,
        view: &ModelView,
        (resource, relation, through): (&Resource, &Relation, Through<'_>),
        refusal: Refusal,
    ) -> Refusal {
        if refusal.code != Code::ReferenceNotFound {
            return refusal;
        }
        let by = &through.link.field(through.by).name;
        let holder = refusal.details.iter().any(|detail| detail.field == *by);
        if holder {
            Refusal::not_found(&resource.name)
        } else {
            Refusal::not_found(&view.resource(relation.target).name)
        }
    }
}

fn found(
    view: &ModelView,
    resource: ResourceIndex,
    relation: RelationIndex,
) -> Result<(&Resource, &Relation, Through<'_>), Refusal> {
    let resource = view.resource(resource);
    let relation = resource.relation(relation);
    through(view, relation)
        .map(|through| (resource, relation, through))
        .ok_or_else(|| {
            let message = format!("`{}` is not a many-to-many relation", relation.name);
            Refusal::new(Code::NotFound, message)
        })
}
