//! The parts of a nested write decided as one: one transaction, one set of changes.

use crate::decide::{Origin, Several, living};
use carnet_kernel::{Detail, Id, Refusal};
use carnet_model::{FieldIndex, ModelView, ResourceIndex};
use carnet_store::{Decision, Load, Loaded, Unit, WriteFailure};
use std::fmt;
use std::sync::Arc;

/// Parts in the order in which they are applied, each with the path of its faults.
#[derive(Debug)]
pub(crate) struct Nested {
    paths: Vec<String>,
    parts: Several,
}

impl Nested {
    pub(super) fn new(parts: Vec<(String, Arc<dyn Unit>)>) -> Self {
        let (paths, units): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        Self {
            paths,
            parts: Several::new(units.into_iter().enumerate().collect()),
        }
    }

    /// How many records it writes beside its own.
    pub(crate) fn related(&self) -> usize {
        self.paths.len().saturating_sub(1)
    }

    /// The refusal of a failed write with the path of the part it belongs to.
    pub(crate) fn place(&self, failure: &WriteFailure, refusal: Refusal) -> Refusal {
        if matches!(failure.error, carnet_store::Error::Refused(_)) {
            return refusal;
        }
        let Origin { steps, .. } = self.parts.origin();
        let rows = steps.get(failure.step);
        match rows.and_then(|rows| rows.get(failure.row)) {
            Some(part) => self.at(*part, refusal),
            None => refusal,
        }
    }

    fn at(&self, part: usize, mut refusal: Refusal) -> Refusal {
        let path = self.paths.get(part).map(String::as_str).unwrap_or_default();
        if refusal.code.status() >= 500 || path.is_empty() {
            return refusal;
        }
        for detail in &mut refusal.details {
            detail.field = match detail.field.as_str() {
                "" => path.trim_end_matches('.').to_owned(),
                field => format!("{path}{field}"),
            };
        }
        if refusal.details.is_empty() {
            let message = refusal.message.clone();
            let place = path.trim_end_matches('.');
            refusal.details.push(Detail::new(place, "failed", message));
        }
        refusal
    }
}

impl Unit for Nested {
    fn decide(&self, view: &ModelView, loaded: &Loaded) -> Result<Decision, Refusal> {
        self.parts
            .decide_parts(view, loaded)
            .map_err(|(part, refusal)| self.at(part, refusal))
    }
}

/// A change or deletion of a record that hangs on another one; one that does not is not found.
pub(super) struct Related {
    pub(super) resource: ResourceIndex,
    pub(super) id: Id,
    /// Its reference.
    pub(super) by: FieldIndex,
    /// What it must refer to.
    pub(super) holder: Id,
    pub(super) unit: Arc<dyn Unit>,
}

impl fmt::Debug for Related {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Related({} of {})", self.id, self.holder)
    }
}

impl Unit for Related {
    fn decide(&self, view: &ModelView, loaded: &Loaded) -> Result<Decision, Refusal> {
        let load = Load::Record {
            resource: self.resource,
            id: self.id,
        };
        let Some(found) = loaded.get(&load) else {
            return Ok(Decision::Load(vec![load]));
        };
        let resource = view.resource(self.resource);
        let hangs = found.first().is_some_and(|record| {
            living(resource, record) && record.get(self.by).as_id() == Some(self.holder)
        });
        if !hangs {
            let message = "there is no such record among those related to this one";
            return Err(
                Refusal::not_found(&resource.name).with(Detail::new("id", "related", message))
            );
        }
        self.unit.decide(view, loaded)
    }
}
