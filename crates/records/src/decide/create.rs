//! New records: all but whether the records they refer to are deleted softly is known before the
//! database is asked.

use super::image;
use super::references::{alive, needs_alive};
use crate::validate::{Input, Written};
use carnet_kernel::{Detail, Id, Refusal, Value};
use carnet_model::{ModelView, Resource, ResourceIndex, Role};
use carnet_store::{Changes, Decision, InsertRow, Loaded, Record, Stamp, Step, Unit};
use serde_json::value::RawValue;

/// Creates of one resource that become one set-based step.
#[derive(Clone, Debug)]
pub struct Create {
    /// Of which resource.
    pub resource: ResourceIndex,
    /// Filled by [`fill`].
    pub records: Vec<Record>,
}

impl Unit for Create {
    fn foresees(&self, view: &ModelView) -> Vec<carnet_store::Load> {
        // Without anything to see it is decided only once.
        if needs_alive(view, view.resource(self.resource)) {
            match self.decide(view, &Loaded::default()) {
                Ok(Decision::Load(loads)) => loads,
                _ => Vec::new(),
            }
        } else {
            Vec::new()
        }
    }

    fn decide(&self, view: &ModelView, loaded: &Loaded) -> Result<Decision, Refusal> {
        let resource = view.resource(self.resource);
        if needs_alive(view, resource) {
            let mut missing = Vec::new();
            for record in &self.records {
                let all = resource.declared_fields().map(|(index, _)| index);
                missing.extend(alive(view, loaded, resource, record, all)?);
            }
            if !missing.is_empty() {
                return Ok(Decision::Load(missing));
            }
        }
        let rows = self
            .records
            .iter()
            .map(|record| InsertRow {
                record: record.clone(),
                journal: image::created(resource, record),
            })
            .collect();
        let step = Step::Insert {
            resource: self.resource,
            rows,
        };
        Ok(Decision::Apply(Changes {
            steps: vec![step],
            ..Changes::default()
        }))
    }
}

/// The whole record that `input` makes: defaults filled in, standard fields stamped. Missing
/// required fields and written read-only fields go to `faults`, their paths behind `prefix`.
/// `entries` is the body that `input` was read from.
pub fn fill(
    resource: &Resource,
    entries: &[(String, Box<RawValue>)],
    input: Input,
    id: Id,
    stamp: &Stamp,
    prefix: &str,
    faults: &mut Vec<Detail>,
) -> Record {
    for (index, _) in &input.read_only {
        let field = resource.field(*index);
        let message = match field.role {
            Role::Id => "the platform chooses the id; leave it out",
            _ => "the platform sets it; leave it out",
        };
        faults.push(Detail::new(
            format!("{prefix}{}", field.name),
            "readOnly",
            message,
        ));
    }
    missing(resource, entries, prefix, faults);
    let mut values: Vec<Option<Value>> = vec![None; resource.fields.len()];
    for (index, written) in input.fields {
        // A merge has nothing to merge into in a new record, and bodies of creates are not patches.
        if let Written::Value(value) = written {
            values[usize::from(index.0)] = Some(value);
        }
    }
    let who = stamp.principal.map_or(Value::Null, Value::Principal);
    let filled = resource
        .fields
        .iter()
        .zip(values)
        .map(|(field, given)| match field.role {
            Role::Id => given.unwrap_or(Value::Id(id)),
            Role::Version => Value::Integer(1),
            Role::CreatedAt | Role::UpdatedAt => Value::DateTime(stamp.now.0),
            Role::CreatedBy | Role::UpdatedBy => who.clone(),
            Role::DeletedAt | Role::DeletedBy => Value::Null,
            Role::Declared | Role::Platform => given
                .or_else(|| field.default.clone())
                .unwrap_or(Value::Null),
        });
    Record {
        values: filled.collect(),
    }
}

/// Names the required fields that a whole record's body leaves out.
pub fn missing(
    resource: &Resource,
    entries: &[(String, Box<RawValue>)],
    prefix: &str,
    faults: &mut Vec<Detail>,
) {
    let fields = resource.declared_fields().map(|(_, field)| field);
    crate::validate::missing(fields, entries, prefix, faults);
}
