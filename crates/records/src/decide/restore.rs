//! Taking a soft deletion back.

use super::change::touch;
use super::{Precondition, image, living, references};
use carnet_kernel::{Id, Refusal, Value};
use carnet_model::{ModelView, ResourceIndex};
use carnet_store::{Changes, Decision, Load, Loaded, Stamp, Step, Unit, UpdateRow};

/// A restoration. A record that is not deleted stays as it is.
#[derive(Clone, Debug)]
pub struct Restore {
    /// Of which resource; its deletions are soft.
    pub resource: ResourceIndex,
    /// Which record.
    pub id: Id,
    /// The versions it may be based on.
    pub precondition: Option<Precondition>,
    /// The command's moment and caller.
    pub stamp: Stamp,
}

impl Unit for Restore {
    fn decide(&self, view: &ModelView, loaded: &Loaded) -> Result<Decision, Refusal> {
        let load = Load::Record {
            resource: self.resource,
            id: self.id,
        };
        let Some(found) = loaded.get(&load) else {
            return Ok(Decision::Load(vec![load]));
        };
        let resource = view.resource(self.resource);
        let before = found
            .first()
            .ok_or_else(|| Refusal::not_found(&resource.name))?;
        let version = before.version(resource).unwrap_or_default();
        Precondition::check(self.precondition.as_ref(), version)?;
        let fields = resource.deleted().filter(|_| !living(resource, before));
        let Some(fields) = fields else {
            return Ok(Decision::Apply(Changes {
                kept: vec![before.clone()],
                ..Changes::default()
            }));
        };
        // What it refers to may be deleted by now.
        let all = resource.declared_fields().map(|(index, _)| index);
        let missing = references::alive(view, loaded, resource, before, all)?;
        if !missing.is_empty() {
            return Ok(Decision::Load(missing));
        }
        let mut after = before.clone();
        after.set(fields.at, Value::Null);
        after.set(fields.by, Value::Null);
        let mut changed = vec![fields.at, fields.by];
        changed.extend(touch(resource, &mut after, version + 1, &self.stamp));
        let row = UpdateRow {
            id: self.id,
            version,
            changed,
            journal: image::restored(resource, &after, version + 1),
            record: after,
        };
        Ok(Decision::Apply(Changes {
            steps: vec![Step::Update {
                resource: self.resource,
                rows: vec![row],
            }],
            ..Changes::default()
        }))
    }
}
