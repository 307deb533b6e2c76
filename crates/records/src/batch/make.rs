//! One item to what the store carries out. Pure.

use super::item::{Item, Raw, Target};
use super::related::Related;
use super::verb::Doing;
use crate::decide::{
    Change, ChangeMatching, Create, Delete, DeleteMatching, Kind, Restore, fill, missing,
};
use crate::linking::through;
use crate::nest::{self, Nested, Root, Shown};
use crate::parse::where_conditions;
use crate::units;
use crate::validate::{Mode, read_entries};
use carnet_expr::Predicate;
use carnet_kernel::{Detail, Id};
use carnet_model::{FieldType, ModelView, OnDelete, Resource};
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
    /// A record with related ones, and whether it is new.
    Related(Arc<Nested>, Arc<Shown>, bool),
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
            Self::Related(unit, ..) => unit,
        }
    }

    /// Whether it makes a record, as far as that is known beforehand.
    pub(super) fn creates(&self) -> bool {
        matches!(self, Self::Create(_) | Self::Related(_, _, true))
    }

    /// The related records it writes along.
    pub(super) fn related(&self) -> Option<Arc<Related>> {
        match self {
            Self::Related(unit, shown, _) => {
                let related = Related::known(Arc::clone(unit), Arc::clone(shown));
                Some(Arc::new(related))
            }
            Self::Create(_) | Self::Joins(..) | Self::Alone(_) => None,
        }
    }
}

/// Reads an item without references; `id` is what it is called should it be created, `ids` are for
/// records that it writes along. `at` is its place.
pub(super) fn make(
    view: &ModelView,
    raw: Raw<'_>,
    (id, ids, stamp): (Id, &mut dyn FnMut() -> Id, &Stamp),
    at: &str,
    faults: &mut Vec<Detail>,
) -> Option<Made> {
    let (verb, resource) = (raw.verb, raw.resource);
    let before = faults.len();
    let has_related = raw.has_related();
    let item = raw.item(view, at, faults)?;
    let member = |name: &str| match at {
        "" => name.to_owned(),
        at => format!("{at}.{name}"),
    };
    let prefix = member("");
    let Item {
        target,
        precondition,
        data,
        key,
    } = item;
    let index = resource.index;
    let stamp_of = || stamp.clone();
    let made = match (verb.doing, target) {
        (doing, target @ (Target::New | Target::One(_))) if has_related => {
            let root = match target {
                Target::One(id) => Root::Change {
                    id,
                    kind: match doing {
                        Doing::Update => Kind::Replace,
                        _ => Kind::Patch,
                    },
                    precondition,
                },
                _ => Root::Create,
            };
            let creates = matches!(root, Root::Create);
            let mut first = Some(id);
            let mut ids = || first.take().unwrap_or_else(&mut *ids);
            match nest::read(view, resource, (&data, ""), root, stamp, &mut ids) {
                Ok((unit, shown)) => Made::Related(Arc::new(unit), Arc::new(shown), creates),
                Err(refusal) => {
                    let told = refusal.details.into_iter();
                    faults.extend(told.map(|detail| Detail {
                        field: match detail.field.as_str() {
                            "" => at.to_owned(),
                            field => format!("{prefix}{field}"),
                        },
                        ..detail
                    }));
                    return None;
                }
            }
        }
        (Doing::Upsert, _) => {
            let new = (id, stamp);
            Made::Alone(Arc::new(units::upsert_of(
                resource,
                key,
                (&data, &prefix),
                new,
                precondition,
                faults,
            )))
        }
        (_, Target::New) => {
            let input = read_entries(resource, &data, Mode::Whole, &prefix, faults);
            Made::Create(fill(resource, &data, input, id, stamp, &prefix, faults))
        }
        (doing, Target::Pair(one, relation, other)) => {
            let through = through(view, resource.relation(relation))?;
            Made::Alone(match doing {
                Doing::Unlink => Arc::new(through.unlink([one, other], true, stamp)),
                _ => Arc::new(through.link([one, other], (id, stamp), &prefix, faults)),
            })
        }
        (doing, Target::Matching(filter, max_affected, deleted)) => {
            let place = member("where");
            let predicate = match where_conditions(view, resource, filter.get(), &place, stamp.now)
            {
                Ok(predicate) => predicate,
                Err(refusal) => {
                    faults.extend(refusal.details);
                    Predicate::False
                }
            };
            Made::Alone(match doing {
                Doing::Delete | Doing::Purge => Arc::new(DeleteMatching {
                    resource: index,
                    predicate,
                    deleted,
                    max_affected,
                    purge: doing == Doing::Purge,
                    stamp: stamp_of(),
                }),
                _ => Arc::new(ChangeMatching {
                    resource: index,
                    predicate,
                    max_affected,
                    input: read_entries(resource, &data, Mode::Patch, &prefix, faults),
                    stamp: stamp_of(),
                }),
            })
        }
        (Doing::Restore, Target::One(id)) => Made::Alone(Arc::new(Restore {
            resource: index,
            id,
            precondition,
            stamp: stamp_of(),
        })),
        (doing @ (Doing::Delete | Doing::Purge), Target::One(id)) => {
            let delete = Arc::new(Delete {
                resource: index,
                id,
                purge: doing == Doing::Purge,
                precondition,
                stamp: stamp_of(),
            });
            if reaches(view, resource) {
                Made::Alone(delete)
            } else {
                Made::Joins(id, delete)
            }
        }
        (doing, Target::One(id)) => {
            let (kind, mode) = match doing {
                Doing::Update => (Kind::Replace, Mode::Whole),
                _ => (Kind::Patch, Mode::Patch),
            };
            let input = read_entries(resource, &data, mode, &prefix, faults);
            if kind == Kind::Replace {
                missing(resource, &data, &prefix, faults);
            }
            Made::Joins(
                id,
                Arc::new(Change {
                    resource: index,
                    id,
                    kind,
                    input,
                    precondition,
                    stamp: stamp_of(),
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
