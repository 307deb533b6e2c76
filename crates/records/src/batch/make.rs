//! One item to what the store carries out. Adding an operation is a row in `VERBS` and an arm here.
//! Pure.

use super::item::{Item, Raw};
use crate::decide::{Change, Create, Delete, Kind, Precondition, fill, missing};
use crate::validate::{Mode, read_entries};
use carnet_kernel::{Detail, Id};
use carnet_model::{FieldType, ModelView, OnDelete, Operation, Resource};
use carnet_store::{Record, Stamp, Unit};
use std::sync::Arc;

/// What an item becomes.
pub(super) enum Made {
    /// A new record, which joins others of its resource.
    Create(Record),
    /// A unit that looks at and changes this record alone, and joins others.
    Joins(Id, Arc<dyn Unit>),
    /// A unit that may reach further records.
    Alone(Arc<dyn Unit>),
}

impl Made {
    /// As a unit by itself.
    pub(super) fn into_unit(self, resource: &Resource) -> Arc<dyn Unit> {
        match self {
            Self::Create(record) => Arc::new(Create {
                resource: resource.index,
                records: vec![record],
            }),
            Self::Joins(_, unit) | Self::Alone(unit) => unit,
        }
    }
}

/// Reads an item without references; `id` is what it is called should it be created. `at` is its
/// place.
pub(super) fn make(
    view: &ModelView,
    raw: Raw<'_>,
    (id, stamp): (Id, &Stamp),
    at: &str,
    faults: &mut Vec<Detail>,
) -> Option<Made> {
    let (verb, resource) = (raw.verb, raw.resource);
    let before = faults.len();
    let item = raw.item(at, faults)?;
    let member = |name: &str| match at {
        "" => name.to_owned(),
        at => format!("{at}.{name}"),
    };
    let prefix = member("");
    let Item {
        id: stated,
        version,
        data,
    } = item;
    if verb.operation == Operation::Create {
        let input = read_entries(resource, &data, Mode::Whole, &prefix, faults);
        let record = fill(resource, &data, input, id, stamp, &prefix, faults);
        return (faults.len() == before).then_some(Made::Create(record));
    }
    let id = stated?;
    let precondition = version.map(|version| Precondition::Versions(vec![version]));
    if Precondition::require(precondition.as_ref(), resource).is_err() {
        let message = format!(
            "writes to `{}` must state the version they are based on",
            resource.name
        );
        faults.push(Detail::new(member("version"), "required", message));
    }
    let made = match verb.operation {
        Operation::Delete => {
            let delete = Arc::new(Delete {
                resource: resource.index,
                id,
                purge: false,
                precondition,
                stamp: stamp.clone(),
            });
            if reaches(view, resource) {
                Made::Alone(delete)
            } else {
                Made::Joins(id, delete)
            }
        }
        operation => {
            let (kind, mode) = match operation {
                Operation::Update => (Kind::Replace, Mode::Whole),
                _ => (Kind::Patch, Mode::Patch),
            };
            let input = read_entries(resource, &data, mode, &prefix, faults);
            if kind == Kind::Replace {
                missing(resource, &data, &prefix, faults);
            }
            Made::Joins(
                id,
                Arc::new(Change {
                    resource: resource.index,
                    id,
                    kind,
                    input,
                    precondition,
                    stamp: stamp.clone(),
                }),
            )
        }
    };
    (faults.len() == before).then_some(made)
}

/// Whether a deletion of `resource` can change further records, or has to look at some.
fn reaches(view: &ModelView, resource: &Resource) -> bool {
    resource.deleted().is_some()
        || view
            .references_to(resource.index)
            .iter()
            .any(|(referring, field)| {
                let kind = &view.resource(*referring).field(*field).kind;
                !matches!(
                    kind,
                    FieldType::Ref {
                        on_delete: OnDelete::Restrict,
                        ..
                    }
                )
            })
}
