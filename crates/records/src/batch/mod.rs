//! Several writes of one resource in one transaction: joining consecutive items to set-based units,
//! and finding the item that a failure belongs to.

mod item;

use crate::command::Answer;
use crate::decide::{
    Change, Create, Delete, Kind, Origin, Precondition, Several, fill, left, missing, needs_alive,
    placed, records_after,
};
use crate::operations::every_field;
use crate::validate::{MAX_FAULTS, Mode, read_entries, refuse};
use carnet_kernel::{Detail, Id, Refusal};
use carnet_model::{FieldType, ModelView, OnDelete, Operation, Resource};
use carnet_store::{Changes, Error, Record, Stamp, Unit, WriteFailure, shape};
use item::{Item, items};
use std::collections::HashSet;
use std::sync::Arc;

/// The most items of one batch.
pub const MAX_ITEMS: usize = 1_000;

/// A batch that is valid as far as can be known without the database.
pub(crate) struct Batch {
    units: Vec<Planned>,
    items: usize,
}

/// One unit with the items it carries out.
enum Planned {
    /// Consecutive creates, the first of which is this item.
    Creates(usize, Arc<Create>),
    /// Consecutive changes of different records.
    Several(Arc<Several>),
    /// A deletion that may reach further records.
    Delete(usize, Arc<Delete>),
}

/// Reads the body of a batch. All faults of all items are found at once.
pub(crate) fn read(
    view: &ModelView,
    resource: &Resource,
    body: &str,
    stamp: &Stamp,
    mut next_id: impl FnMut() -> Id,
) -> Result<Batch, Refusal> {
    let mut faults = Vec::new();
    let items = items(body, &mut faults)?;
    let mut plan = Plan::default();
    for (place, raw) in items.iter().enumerate() {
        if faults.len() >= MAX_FAULTS {
            break;
        }
        let Some(item) = Item::read(resource, raw, place, &mut faults) else {
            continue;
        };
        let prefix = format!("items[{place}].");
        if item.operation == Operation::Create {
            let input = read_entries(resource, &item.data, Mode::Whole, &prefix, &mut faults);
            let record = fill(
                resource,
                &item.data,
                input,
                next_id(),
                stamp,
                &prefix,
                &mut faults,
            );
            if needs_alive(view, resource) {
                // Each says by itself which of its references is deleted.
                let id = record.id(resource).unwrap_or_else(&mut next_id);
                let unit = Create {
                    resource: resource.index,
                    records: vec![record],
                };
                plan.join(resource, place, id, Arc::new(unit));
            } else {
                plan.create(resource, place, record);
            }
            continue;
        }
        let Some(id) = item.id else { continue };
        let precondition = item
            .version
            .map(|version| Precondition::Versions(vec![version]));
        if Precondition::require(precondition.as_ref(), resource).is_err() {
            let message = format!(
                "writes to `{}` must state the version they are based on",
                resource.name
            );
            faults.push(Detail::new(
                format!("items[{place}].version"),
                "required",
                message,
            ));
        }
        let stamp = stamp.clone();
        if item.operation == Operation::Delete {
            let delete = Delete {
                resource: resource.index,
                id,
                purge: false,
                precondition,
                stamp,
            };
            if reaches(view, resource) {
                plan.delete(resource, place, delete);
            } else {
                plan.join(resource, place, id, Arc::new(delete));
            }
            continue;
        }
        let (kind, mode) = match item.operation {
            Operation::Update => (Kind::Replace, Mode::Whole),
            _ => (Kind::Patch, Mode::Patch),
        };
        let input = read_entries(resource, &item.data, mode, &prefix, &mut faults);
        if kind == Kind::Replace {
            missing(resource, &item.data, &prefix, &mut faults);
        }
        let change = Change {
            resource: resource.index,
            id,
            kind,
            input,
            precondition,
            stamp,
        };
        plan.join(resource, place, id, Arc::new(change));
    }
    plan.close(resource);
    let batch = Batch {
        units: plan.units,
        items: items.len(),
    };
    refuse(faults).map_or(Ok(batch), Err)
}

/// Whether a deletion of `resource` can change further records, or has to look at some.
fn reaches(view: &ModelView, resource: &Resource) -> bool {
    let soft = resource.deleted().is_some();
    view.references_to(resource.index)
        .iter()
        .any(|(referring, field)| {
            let kind = &view.resource(*referring).field(*field).kind;
            soft || !matches!(
                kind,
                FieldType::Ref {
                    on_delete: OnDelete::Restrict,
                    ..
                }
            )
        })
}

/// Units while they are put together: what is open takes further items of its kind.
#[derive(Default)]
struct Plan {
    units: Vec<Planned>,
    creates: Vec<Record>,
    first: usize,
    several: Vec<(usize, Arc<dyn Unit>)>,
    ids: HashSet<Id>,
}

impl Plan {
    fn create(&mut self, resource: &Resource, place: usize, record: Record) {
        if !self.several.is_empty() {
            self.close(resource);
        }
        if self.creates.is_empty() {
            self.first = place;
        }
        self.creates.push(record);
    }

    fn join(&mut self, resource: &Resource, place: usize, id: Id, unit: Arc<dyn Unit>) {
        // A later item of the same record sees what the earlier one did.
        if !self.creates.is_empty() || self.ids.contains(&id) {
            self.close(resource);
        }
        self.ids.insert(id);
        self.several.push((place, unit));
    }

    fn delete(&mut self, resource: &Resource, place: usize, delete: Delete) {
        self.close(resource);
        self.units.push(Planned::Delete(place, Arc::new(delete)));
    }

    fn close(&mut self, resource: &Resource) {
        if !self.creates.is_empty() {
            let unit = Create {
                resource: resource.index,
                records: std::mem::take(&mut self.creates),
            };
            self.units
                .push(Planned::Creates(self.first, Arc::new(unit)));
        }
        if !self.several.is_empty() {
            self.ids.clear();
            let units = std::mem::take(&mut self.several);
            self.units
                .push(Planned::Several(Arc::new(Several::new(units))));
        }
    }
}

impl Batch {
    pub(crate) fn units(&self) -> Vec<Arc<dyn Unit>> {
        self.units
            .iter()
            .map(|planned| -> Arc<dyn Unit> {
                match planned {
                    Planned::Creates(_, unit) => Arc::clone(unit) as _,
                    Planned::Several(unit) => Arc::clone(unit) as _,
                    Planned::Delete(_, unit) => Arc::clone(unit) as _,
                }
            })
            .collect()
    }

    /// The refusal of a failed write with the item it belongs to.
    pub(crate) fn place(&self, failure: &WriteFailure, refusal: Refusal) -> Refusal {
        let refused = matches!(failure.error, Error::Refused(_));
        let place = match self.units.get(failure.unit) {
            Some(Planned::Creates(first, unit)) => {
                first + failure.row.min(unit.records.len().saturating_sub(1))
            }
            Some(Planned::Delete(place, _)) => *place,
            // What one of several refuses says itself where it stands.
            Some(Planned::Several(_)) if refused => return refusal,
            Some(Planned::Several(unit)) => {
                let origin = unit.origin();
                let rows = origin.steps.get(failure.step);
                match rows.and_then(|rows| rows.get(failure.row)) {
                    Some(place) => *place,
                    None => return refusal,
                }
            }
            None => return refusal,
        };
        placed(place, refusal)
    }

    /// A JSON array with the record after each item, null for a deleted one.
    pub(crate) fn answer(&self, resource: &Resource, changes: &[Changes]) -> Answer {
        let origins: Vec<Origin> = self
            .units
            .iter()
            .map(|planned| match planned {
                Planned::Several(unit) => unit.origin(),
                Planned::Creates(..) | Planned::Delete(..) => Origin::default(),
            })
            .collect();
        let mut records: Vec<Option<&Record>> = vec![None; self.items];
        for ((planned, changes), origin) in self.units.iter().zip(changes).zip(&origins) {
            match planned {
                Planned::Creates(first, _) => {
                    for (slot, record) in
                        records.iter_mut().skip(*first).zip(records_after(changes))
                    {
                        *slot = Some(record);
                    }
                }
                Planned::Several(_) => {
                    for (place, record) in left(changes, origin) {
                        if let Some(slot) = records.get_mut(place) {
                            *slot = Some(record);
                        }
                    }
                }
                // Records that a deletion cleared belong to no item of their own.
                Planned::Delete(..) => {}
            }
        }
        let fields = every_field(resource);
        let mut json = String::from("[");
        for (place, record) in records.iter().enumerate() {
            if place > 0 {
                json.push(',');
            }
            match record {
                Some(record) => shape::write_record(resource, record, &fields, &mut json),
                None => json.push_str("null"),
            }
        }
        json.push(']');
        Answer::Batch {
            json: json.into_bytes(),
            items: self.items,
        }
    }
}

#[cfg(test)]
mod tests;
