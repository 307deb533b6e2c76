//! Bodies of creates and changes to the units that carry them out: each is read once, for whoever
//! checks it first. Not what a unit decides, and not its effect.

use crate::command::Command;
use crate::decide::{Change, Create, Kind, Precondition, fill, missing};
use crate::nest::{self, Nested, Root, Shown};
use crate::operations::Operations;
use crate::validate::{Mode, read_entries, read_object, refuse};
use crate::write::{Target, Work};
use carnet_kernel::{Id, Refusal};
use carnet_model::{Resource, ResourceIndex};
use carnet_store::{Record, Stamp, Unit};
use serde_json::value::RawValue;
use std::sync::Arc;

/// A create or a change of one record whose body was read and found valid: nothing reads it again.
pub(crate) enum Prepared {
    /// Of the record alone.
    One {
        resource: ResourceIndex,
        unit: Arc<dyn Unit>,
        /// The id of a new one.
        created: Option<Id>,
    },
    /// With related records in its body.
    Nested {
        resource: ResourceIndex,
        unit: Arc<Nested>,
        shown: Arc<Shown>,
        creates: bool,
    },
}

impl Operations {
    /// Reads what a command writes, with every broken rule of its body at once. `None` for commands
    /// that are not for one record, and for those that have no body.
    pub(crate) fn prepare(
        &self,
        work: &Work<'_>,
        command: &Command,
    ) -> Result<Option<Prepared>, Refusal> {
        let target = |resource: &ResourceIndex, id: &Id, stated: &Option<Precondition>| Target {
            resource: *resource,
            id: *id,
            precondition: stated.clone(),
        };
        match command {
            Command::Create { resource, body } => self.read_create(work, *resource, body),
            Command::Update {
                resource,
                id,
                body,
                precondition,
            } => {
                let target = target(resource, id, precondition);
                self.read_change(work, target, body, Kind::Replace)
            }
            Command::Patch {
                resource,
                id,
                body,
                precondition,
            } => {
                let target = target(resource, id, precondition);
                self.read_change(work, target, body, Kind::Patch)
            }
            Command::Delete {
                resource,
                precondition,
                ..
            } => {
                let resource = work.view.resource(*resource);
                Precondition::require(precondition.as_ref(), resource)?;
                return Ok(None);
            }
            _ => return Ok(None),
        }
        .map(Some)
    }

    /// Reads the body of a new record.
    pub(crate) fn read_create(
        &self,
        work: &Work<'_>,
        resource: ResourceIndex,
        body: &str,
    ) -> Result<Prepared, Refusal> {
        let resource = work.view.resource(resource);
        let entries = read_object(body)?;
        if nest::names_relation(resource, &entries) {
            return self.read_nested(work, resource, &entries, Root::Create);
        }
        let record = self.record(resource, &entries, &work.stamp())?;
        let created = record.id(resource);
        let unit = Create {
            resource: resource.index,
            records: vec![record],
        };
        Ok(Prepared::One {
            resource: resource.index,
            unit: Arc::new(unit),
            created,
        })
    }

    /// Reads the body of a change.
    pub(crate) fn read_change(
        &self,
        work: &Work<'_>,
        target: Target,
        body: &str,
        kind: Kind,
    ) -> Result<Prepared, Refusal> {
        let Target {
            resource,
            id,
            precondition,
        } = target;
        let resource = work.view.resource(resource);
        Precondition::require(precondition.as_ref(), resource)?;
        let mode = match kind {
            Kind::Replace => Mode::Whole,
            Kind::Patch => Mode::Patch,
        };
        let entries = read_object(body)?;
        if nest::names_relation(resource, &entries) {
            let root = Root::Change {
                id,
                kind,
                precondition,
            };
            return self.read_nested(work, resource, &entries, root);
        }
        let mut faults = Vec::new();
        let input = read_entries(resource, &entries, mode, "", &mut faults);
        if kind == Kind::Replace {
            missing(resource, &entries, "", &mut faults);
        }
        if let Some(refusal) = refuse(faults) {
            return Err(refusal);
        }
        let unit = Change {
            resource: resource.index,
            id,
            kind,
            input,
            precondition,
            stamp: work.stamp(),
        };
        Ok(Prepared::One {
            resource: resource.index,
            unit: Arc::new(unit),
            created: None,
        })
    }

    fn read_nested(
        &self,
        work: &Work<'_>,
        resource: &Resource,
        entries: &[(String, Box<RawValue>)],
        root: Root,
    ) -> Result<Prepared, Refusal> {
        let creates = matches!(root, Root::Create);
        let (body, mut ids) = ((entries, "body"), || self.next_id());
        let (unit, shown) = nest::read(work.view, resource, body, root, &work.stamp(), &mut ids)?;
        Ok(Prepared::Nested {
            resource: resource.index,
            unit: Arc::new(unit),
            shown: Arc::new(shown),
            creates,
        })
    }

    fn record(
        &self,
        resource: &Resource,
        entries: &[(String, Box<RawValue>)],
        stamp: &Stamp,
    ) -> Result<Record, Refusal> {
        let mut faults = Vec::new();
        let input = read_entries(resource, entries, Mode::Whole, "", &mut faults);
        let record = fill(
            resource,
            entries,
            input,
            self.next_id(),
            stamp,
            "",
            &mut faults,
        );
        refuse(faults).map_or(Ok(record), Err)
    }
}
