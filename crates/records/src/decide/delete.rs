//! Deleting one record. What a deletion does to records that refer to it is in `reach`.

use super::reach::removal;
use super::{Precondition, living};
use carnet_kernel::{Id, Refusal};
use carnet_model::{ModelView, ResourceIndex};
use carnet_store::{Decision, Load, Loaded, Stamp, Unit};

/// A deletion.
#[derive(Clone, Debug)]
pub struct Delete {
    /// Of which resource.
    pub resource: ResourceIndex,
    /// Which record.
    pub id: Id,
    /// Whether it goes for good, deleted softly already or not.
    pub purge: bool,
    /// The versions it may be based on.
    pub precondition: Option<Precondition>,
    /// The command's moment and caller.
    pub stamp: Stamp,
}

impl Unit for Delete {
    fn decide(&self, view: &ModelView, loaded: &Loaded) -> Result<Decision, Refusal> {
        let load = Load::Record {
            resource: self.resource,
            id: self.id,
        };
        let Some(found) = loaded.get(&load) else {
            return Ok(Decision::Load(vec![load]));
        };
        let resource = view.resource(self.resource);
        let record = found
            .first()
            .filter(|record| self.purge || living(resource, record))
            .ok_or_else(|| Refusal::not_found(&resource.name))?;
        Precondition::check(
            self.precondition.as_ref(),
            record.version(resource).unwrap_or_default(),
        )?;
        let root = ((self.resource, self.id), record.clone());
        removal(view, loaded, vec![root], self.purge, &self.stamp)
    }
}
