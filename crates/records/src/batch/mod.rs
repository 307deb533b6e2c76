//! Several writes in one transaction, of one resource or of several: reading their items, and finding
//! the item that a failure or a record belongs to. Not how items join units: `plan`.

mod answer;
mod envelope;
mod item;
mod late;
mod make;
mod plan;
mod reference;
mod related;
mod verb;

pub(crate) use answer::{Item, answer};
pub(crate) use verb::{Doing, VERBS, Verb};

use crate::decide::{Several, left, placed, records_after};
use crate::operations::every_field;
use crate::parse::MAX_MAX_AFFECTED;
use crate::replay::{Named, Note, NotedItem};
use crate::units::matching_json;
use crate::validate::{MAX_FAULTS, refuse};
use carnet_kernel::{Code, Detail, Id, Refusal};
use carnet_model::{ModelView, Resource, ResourceIndex};
use carnet_store::{Changes, Error, Outcome, Policy, Record, Stamp, Unit, WriteFailure, shape};
use envelope::envelope;
use item::Raw;
use late::Find;
use plan::{Plan, Planned, Slot, Step};
use reference::{Reference, may_refer, references};
use related::Related;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// The same JSON with each reference replaced by what `resolve` finds for an item and a field, as
/// JSON. Errors in words.
pub(crate) fn substitute(
    json: &str,
    most: usize,
    mut resolve: impl FnMut(usize, &str) -> Result<String, String>,
) -> Result<String, String> {
    reference::substitute(json, most, |reference| {
        let field = resolve(reference.item, reference.field())?;
        reference.of(&field)
    })
}

/// The most items of one batch.
pub const MAX_ITEMS: usize = 1_000;

/// The most bytes that all items together may grow to by their references.
const MAX_RESOLVED: usize = 16 << 20;

/// Whose records a batch writes.
#[derive(Clone, Copy)]
pub(crate) enum Whose<'v> {
    /// Of one resource.
    One(&'v Resource),
    /// Each item names its resource.
    Any,
}

impl<'v> Whose<'v> {
    fn resource(self) -> Option<&'v Resource> {
        match self {
            Self::One(resource) => Some(resource),
            Self::Any => None,
        }
    }

    /// The members of an item.
    fn members(self) -> &'static [&'static str] {
        match self {
            Self::One(_) => &[
                "operation",
                "id",
                "data",
                "version",
                "where",
                "maxAffected",
                "deleted",
                "key",
                "relation",
                "target",
            ],
            Self::Any => &[
                "operation",
                "resourceName",
                "id",
                "data",
                "version",
                "where",
                "maxAffected",
                "deleted",
                "key",
                "relation",
                "target",
            ],
        }
    }
}

/// A batch that is valid as far as can be known without the database.
pub(crate) struct Batch {
    policy: Policy,
    units: Vec<Planned>,
    slots: Vec<Slot>,
}

/// Reads the body of a batch. All faults of all items are found at once; where each item stands by
/// itself they are its own.
pub(crate) fn read(
    view: &ModelView,
    whose: Whose<'_>,
    body: &str,
    stamp: &Stamp,
    mut next_id: impl FnMut() -> Id,
) -> Result<Batch, Refusal> {
    let mut faults = Vec::new();
    let around = envelope(body, &mut faults)?;
    let each = around.policy == Policy::Each;
    let count = around.items.len();
    let mut raws = Vec::with_capacity(count);
    let mut by_filter = MAX_MAX_AFFECTED;
    for (place, raw) in around.items.iter().enumerate() {
        if faults.len() >= MAX_FAULTS && !each {
            break;
        }
        let mut own = Vec::new();
        let raw = Raw::read((view, whose), raw, &at(place), &mut own);
        if let Some(raw) = &raw {
            match by_filter.checked_sub(raw.most()) {
                Some(rest) => by_filter = rest,
                None => own.push(Detail::new(
                    format!("{}.maxAffected", at(place)),
                    "max",
                    format!(
                        "all items together may change at most {MAX_MAX_AFFECTED} records by `where`; state a smaller `maxAffected`"
                    ),
                )),
            }
        }
        raws.push((raw, own));
    }
    mixed(&raws)?;
    let mut plan = Plan::new(around.policy);
    let mut uses = Vec::with_capacity(raws.len());
    for (place, (raw, own)) in raws.iter_mut().enumerate() {
        let found = raw.as_ref().map(|raw| used(raw, place, own));
        uses.push(found.unwrap_or_default());
    }
    let wanted: BTreeSet<usize> = uses.iter().flatten().map(|used| used.item).collect();
    let referring = uses.iter().filter(|used| !used.is_empty()).count().max(1);
    let most = MAX_RESOLVED / referring;
    for (place, ((raw, mut own), used)) in raws.into_iter().zip(uses).enumerate() {
        if faults.len() >= MAX_FAULTS && !each {
            break;
        }
        let before = own.len();
        if let Some(raw) = raw.filter(|_| before == 0) {
            let keeps = wanted.contains(&place);
            let step = Step {
                view,
                stamp,
                place,
                most,
                keeps,
            };
            plan.add(&step, raw, used, &mut next_id, &mut own);
        }
        if own.is_empty() {
            continue;
        }
        if each {
            plan.refuse(place, own);
        } else {
            faults.append(&mut own);
        }
    }
    plan.close();
    refuse(faults).map_or(
        Ok(Batch {
            policy: plan.policy,
            units: plan.units,
            slots: plan.slots.into_values().collect(),
        }),
        Err,
    )
}

fn at(place: usize) -> String {
    format!("items[{place}]")
}

/// One transaction is of a tenant or of the platform.
fn mixed(raws: &[(Option<Raw<'_>>, Vec<Detail>)]) -> Result<(), Refusal> {
    let mut resources = raws
        .iter()
        .enumerate()
        .filter_map(|(place, (raw, _))| Some((place, raw.as_ref()?.resource)));
    let Some((_, first)) = resources.next() else {
        return Ok(());
    };
    let details: Vec<Detail> = resources
        .filter(|(_, resource)| resource.is_tenant() != first.is_tenant())
        .take(MAX_FAULTS)
        .map(|(place, resource)| {
            let message = format!(
                "`{}` and `{}` cannot be written together: one belongs to tenants, the other to the platform",
                resource.name, first.name
            );
            Detail::new(format!("{}.resourceName", at(place)), "conflict", message)
        })
        .collect();
    let Some(detail) = details.first() else {
        return Ok(());
    };
    let message = detail.message.clone();
    Err(Refusal {
        details,
        ..Refusal::new(Code::PlacementMixed, message)
    })
}

/// What an item refers to; references that no earlier item can answer are faults.
fn used(raw: &Raw<'_>, place: usize, faults: &mut Vec<Detail>) -> Vec<Reference> {
    let mut all = Vec::new();
    for (name, member) in raw.members() {
        if !may_refer(member.get()) {
            continue;
        }
        let path = format!("{}.{name}", at(place));
        match references(member.get()) {
            Err(message) => faults.push(Detail::new(path, "reference", message)),
            Ok(found) => {
                for reference in found {
                    if reference.item >= place {
                        let message = format!(
                            "`{}` refers to no earlier item; an item sees what stands before it",
                            reference.show()
                        );
                        faults.push(Detail::new(path.clone(), "reference", message));
                    } else {
                        all.push(reference);
                    }
                }
            }
        }
    }
    all
}

impl Batch {
    pub(crate) fn policy(&self) -> Policy {
        self.policy
    }

    /// A resource that it writes.
    pub(crate) fn resource(&self) -> Option<ResourceIndex> {
        self.slots.iter().find_map(|slot| match slot {
            Slot::Of(source, _) => Some(source.resource),
            Slot::Refused(_) => None,
        })
    }

    pub(crate) fn units(&self) -> Vec<Arc<dyn Unit>> {
        self.units
            .iter()
            .map(|planned| -> Arc<dyn Unit> {
                match planned {
                    Planned::Creates(_, unit) => Arc::clone(unit) as _,
                    Planned::Several(unit) => Arc::clone(unit) as _,
                    Planned::One(_, unit) | Planned::Related(_, unit, _) => Arc::clone(unit),
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
            Some(Planned::One(place, _)) => *place,
            Some(Planned::Related(place, _, related)) => {
                return placed(*place, related.place(failure, refusal));
            }
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

    /// What came of each item.
    fn results<'c>(&'c self, outcomes: &'c [Outcome]) -> Vec<Found<'c>> {
        let mut left_by: HashMap<usize, HashMap<usize, &Record>> = HashMap::new();
        let mut rows: HashMap<usize, Vec<&Record>> = HashMap::new();
        for (unit, (planned, outcome)) in self.units.iter().zip(outcomes).enumerate() {
            let Ok(changes) = outcome else { continue };
            match planned {
                Planned::Several(several) => {
                    left_by.insert(unit, left_in(changes, several));
                }
                _ => {
                    rows.insert(unit, records_after(changes).collect());
                }
            }
        }
        let found = self.slots.iter().map(|slot| match slot {
            Slot::Refused(refusal) => Found::Refused(refusal),
            Slot::Of(source, created) => match outcomes.get(source.unit) {
                Some(Err(failure)) => Found::Failed(failure),
                Some(Ok(changes)) if matches!(source.find, Find::Matches) => {
                    Found::Matches(source.resource, changes)
                }
                Some(Ok(changes)) if let Find::Related(related) = &source.find => {
                    Found::Related(related, changes, *created)
                }
                outcome => {
                    let record = match &source.find {
                        Find::Row(row) => rows.get(&source.unit).and_then(|rows| rows.get(*row)),
                        Find::Of(_, place) => {
                            left_by.get(&source.unit).and_then(|left| left.get(place))
                        }
                        Find::Nothing | Find::Matches | Find::Related(_) => None,
                    };
                    let alone = matches!(self.units.get(source.unit), Some(Planned::One(..)));
                    let created = *created || alone && outcome.is_some_and(makes);
                    Found::Done(source.resource, record.copied(), created)
                }
            },
        });
        found.collect()
    }

    /// The answer to what came of the units; `told` says what a failure is called.
    pub(crate) fn answer(
        &self,
        view: &ModelView,
        outcomes: &[Outcome],
        told: impl Fn(&WriteFailure) -> Refusal,
    ) -> crate::command::Answer {
        let items: Vec<Item> = self
            .results(outcomes)
            .into_iter()
            .map(|found| match found {
                Found::Refused(refusal) => Item::Refused(refusal.clone()),
                Found::Failed(failure) => Item::Refused(self.place(failure, told(failure))),
                Found::Matches(resource, changes) => {
                    Item::Matches(matching_json(view.resource(resource), Some(changes)).0)
                }
                Found::Related(related, changes, created) => {
                    let json = related.text(view, changes);
                    json.map_or(Item::Nothing, |json| Item::Record { json, created })
                }
                Found::Done(_, None, _) => Item::Nothing,
                Found::Done(resource, Some(record), created) => {
                    let resource = view.resource(resource);
                    let mut json = String::with_capacity(256);
                    shape::write_record(resource, record, &every_field(resource), &mut json);
                    Item::Record { json, created }
                }
            })
            .collect();
        answer(&items, self.policy == Policy::Each)
    }

    /// What a receipt keeps; nothing when nothing took effect.
    pub(crate) fn note(&self, view: &ModelView, outcomes: &[Outcome]) -> Option<Note> {
        if !outcomes.iter().any(Result::is_ok) {
            return None;
        }
        let items = self
            .results(outcomes)
            .into_iter()
            .map(|found| match found {
                Found::Refused(refusal) => NotedItem::Refused(refusal.clone()),
                Found::Failed(failure) => {
                    NotedItem::Refused(self.place(failure, failure.error.refusal(view)))
                }
                Found::Matches(resource, changes) => {
                    NotedItem::Matches(matching_json(view.resource(resource), Some(changes)).0)
                }
                Found::Related(related, changes, created) => related
                    .note(view, changes, created)
                    .map_or(NotedItem::Nothing, NotedItem::Nested),
                Found::Done(resource, Some(record), created) => {
                    Named::of(view.resource(resource), record, created)
                        .map_or(NotedItem::Nothing, NotedItem::Record)
                }
                Found::Done(_, None, _) => NotedItem::Nothing,
            })
            .collect();
        Some(Note::Items {
            each: self.policy == Policy::Each,
            items,
        })
    }
}

/// What came of one item.
enum Found<'c> {
    Refused(&'c Refusal),
    Failed(&'c WriteFailure),
    Done(ResourceIndex, Option<&'c Record>, bool),
    /// By conditions.
    Matches(ResourceIndex, &'c Changes),
    /// A record with related ones, and whether it is new.
    Related(&'c Related, &'c Changes, bool),
}

/// Whether a unit made the record that it left.
fn makes(outcome: &Outcome) -> bool {
    let changes = outcome.as_ref().ok();
    let first = changes.and_then(|changes| changes.steps.first());
    matches!(first, Some(carnet_store::Step::Insert { .. }))
}

/// What several units left, by place.
fn left_in<'c>(changes: &'c Changes, several: &Several) -> HashMap<usize, &'c Record> {
    let origin = several.origin();
    left(changes, &origin).into_iter().collect()
}

#[cfg(test)]
mod tests;
