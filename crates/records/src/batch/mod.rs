//! Several writes in one transaction, of one resource or of several: joining consecutive items to
//! set-based units, and finding the item that a failure or a record belongs to.

mod answer;
mod item;
mod late;
mod make;
mod reference;

pub(crate) use answer::{Item, answer};
pub(crate) use item::{Doing, VERBS, Verb};

use crate::decide::{Create, Several, left, needs_alive, placed, records_after};
use crate::operations::every_field;
use crate::parse::MAX_MAX_AFFECTED;
use crate::replay::{Named, Note, NotedItem};
use crate::units::matching_json;
use crate::validate::{MAX_FAULTS, refuse};
use carnet_kernel::{Code, Detail, Id, Refusal};
use carnet_model::{ModelView, Resource, ResourceIndex};
use carnet_store::{Changes, Error, Outcome, Policy, Record, Stamp, Unit, WriteFailure, shape};
use item::{Leaves, Raw, envelope};
use late::{After, Find, Late, Source, failed, resolved, unknown, value};
use make::{Made, make};
use reference::{Reference, may_refer, references};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
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
                "key",
            ],
            Self::Any => &[
                "operation",
                "resourceName",
                "id",
                "data",
                "version",
                "where",
                "maxAffected",
                "key",
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

/// One unit with the items it carries out.
enum Planned {
    /// Consecutive creates of a resource, the first of which is this item.
    Creates(usize, Arc<Create>),
    /// Consecutive changes of different records.
    Several(Arc<Several>),
    /// One item by itself.
    One(usize, Arc<dyn Unit>),
}

/// Where to look for what came of an item.
enum Slot {
    /// It was refused before the database was asked.
    Refused(Refusal),
    /// In what came of a unit.
    Of(Source, bool),
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
            plan.add(&step, raw, used, next_id(), &mut own);
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

/// What is known while one item is added.
struct Step<'a> {
    view: &'a ModelView,
    stamp: &'a Stamp,
    place: usize,
    /// At most so many bytes with its references.
    most: usize,
    /// Whether a later item refers to it.
    keeps: bool,
}

/// An item that is decided together with others.
struct Joined {
    place: usize,
    resource: ResourceIndex,
    /// Whether a record is there afterwards.
    leaves: Leaves,
    created: bool,
    unit: Arc<dyn Unit>,
}

/// Units while they are put together: what is open takes further items of its kind.
struct Plan {
    policy: Policy,
    units: Vec<Planned>,
    slots: BTreeMap<usize, Slot>,
    /// Records that are known before the database is asked, by item.
    known: HashMap<usize, (ResourceIndex, Record)>,
    creates: Option<(ResourceIndex, Vec<Record>)>,
    first: usize,
    several: Vec<Joined>,
    ids: HashSet<(ResourceIndex, Id)>,
}

impl Plan {
    fn new(policy: Policy) -> Self {
        Self {
            policy,
            units: Vec::new(),
            slots: BTreeMap::new(),
            known: HashMap::new(),
            creates: None,
            first: 0,
            several: Vec::new(),
            ids: HashSet::new(),
        }
    }

    fn refuse(&mut self, place: usize, faults: Vec<Detail>) {
        if let Some(refusal) = refuse(faults) {
            self.slots.insert(place, Slot::Refused(refusal));
        }
    }

    /// Adds an item: what it refers to is resolved now where it is known.
    fn add(
        &mut self,
        step: &Step<'_>,
        raw: Raw<'_>,
        used: Vec<Reference>,
        id: Id,
        faults: &mut Vec<Detail>,
    ) {
        let place = step.place;
        let items = reference::items(&used);
        let each = self.policy == Policy::Each;
        if items.iter().any(|item| self.is_refused(*item)) {
            // Where all stand or fall together the fault of the other item is told already.
            let refused = items.iter().find(|item| self.is_refused(**item));
            if let Some(item) = refused.filter(|_| each) {
                self.slots.insert(place, Slot::Refused(failed(*item)));
            }
            return;
        }
        let at = at(place);
        if items.iter().all(|item| self.known.contains_key(item)) {
            let raw = if used.is_empty() {
                Some(raw)
            } else {
                resolved(&raw, (&at, step.most), faults, |reference| {
                    let (index, record) = self
                        .known
                        .get(&reference.item)
                        .ok_or_else(|| format!("`{}` leads nowhere", reference.show()))?;
                    value(step.view.resource(*index), record, reference)
                })
            };
            let Some(raw) = raw else { return };
            let (resource, leaves) = (raw.resource, raw.leaves());
            if !used.is_empty() && needs_alive(step.view, resource) {
                // What it refers to must stand before it looks whether it is deleted.
                self.close();
            }
            let made = make(step.view, raw, (id, step.stamp), &at, faults);
            let Some(made) = made else { return };
            if let (true, Made::Create(record)) = (step.keeps, &made) {
                self.known.insert(place, (resource.index, record.clone()));
            }
            if each {
                let needs = items
                    .iter()
                    .filter_map(|item| Some((*item, self.unit(*item)?)));
                let needs: Vec<(usize, usize)> = needs.collect();
                self.alone(place, resource, leaves, made, needs);
            } else {
                self.join(step.view, (place, resource, leaves), made);
            }
            return;
        }
        self.late(step, raw, &used, id, faults);
    }

    /// Adds an item that is read when what it refers to is there.
    fn late(
        &mut self,
        step: &Step<'_>,
        raw: Raw<'_>,
        used: &[Reference],
        id: Id,
        faults: &mut Vec<Detail>,
    ) {
        self.close();
        let mut sources = BTreeMap::new();
        for reference in used {
            let Some(Slot::Of(source, _)) = self.slots.get(&reference.item) else {
                continue;
            };
            let resource = step.view.resource(source.resource);
            let fault = if matches!(source.find, Find::Matches) {
                Some(format!(
                    "`{}` refers to a write by `where`, which leaves no one record",
                    reference.show()
                ))
            } else if matches!(source.find, Find::Nothing) {
                Some(format!(
                    "`{}` refers to a deletion, which leaves no record",
                    reference.show()
                ))
            } else if resource.field_named(reference.field()).is_none() {
                Some(unknown(resource, reference))
            } else {
                None
            };
            if let Some(message) = fault {
                faults.push(Detail::new(at(step.place), "reference", message));
            }
            sources.insert(reference.item, source.clone());
        }
        let created = raw.verb.doing == Doing::Create;
        let slot = Source {
            resource: raw.resource.index,
            unit: self.units.len(),
            find: found_in(raw.leaves()),
        };
        let late = Late {
            operation: raw.verb,
            resource: raw.resource.index,
            parts: raw.parts,
            sources,
            created: id,
            stamp: step.stamp.clone(),
            most: step.most,
        };
        self.slots.insert(step.place, Slot::Of(slot, created));
        self.units.push(Planned::One(step.place, Arc::new(late)));
    }

    fn is_refused(&self, item: usize) -> bool {
        let open = self.creates.is_some() || !self.several.is_empty();
        match self.slots.get(&item) {
            Some(Slot::Refused(_)) => true,
            Some(Slot::Of(..)) => false,
            // Not closed yet, or it had a fault.
            None => !open || !self.is_open(item),
        }
    }

    fn is_open(&self, item: usize) -> bool {
        let created = self
            .creates
            .as_ref()
            .is_some_and(|(_, records)| (self.first..self.first + records.len()).contains(&item));
        created || self.several.iter().any(|one| one.place == item)
    }

    fn unit(&self, item: usize) -> Option<usize> {
        match self.slots.get(&item)? {
            Slot::Of(source, _) => Some(source.unit),
            Slot::Refused(_) => None,
        }
    }

    /// Adds an item that others may be joined with.
    fn join(
        &mut self,
        view: &ModelView,
        (place, resource, leaves): (usize, &Resource, Leaves),
        made: Made,
    ) {
        match made {
            // Each says by itself which of its references is deleted.
            Made::Create(record) if needs_alive(view, resource) => {
                let id = record.id(resource).unwrap_or_else(|| Id::from_u128(0));
                let unit = Create {
                    resource: resource.index,
                    records: vec![record],
                };
                self.with_others(id, (place, resource, leaves, true), Arc::new(unit));
            }
            Made::Create(record) => {
                let fits = |(index, records): &(ResourceIndex, Vec<Record>)| {
                    *index == resource.index && self.first + records.len() == place
                };
                if !self.several.is_empty() || !self.creates.as_ref().is_none_or(fits) {
                    self.close();
                }
                let (_, records) = self.creates.get_or_insert_with(|| {
                    self.first = place;
                    (resource.index, Vec::new())
                });
                records.push(record);
            }
            Made::Joins(id, unit) => {
                self.with_others(id, (place, resource, leaves, false), unit);
            }
            Made::Alone(_) => self.alone(place, resource, leaves, made, Vec::new()),
        }
    }

    fn with_others(
        &mut self,
        id: Id,
        (place, resource, leaves, created): (usize, &Resource, Leaves, bool),
        unit: Arc<dyn Unit>,
    ) {
        // A later item of the same record sees what the earlier one did.
        if self.creates.is_some() || self.ids.contains(&(resource.index, id)) {
            self.close();
        }
        self.ids.insert((resource.index, id));
        self.several.push(Joined {
            place,
            resource: resource.index,
            leaves,
            created,
            unit,
        });
    }

    /// Adds an item that stands by itself, after those it needs.
    fn alone(
        &mut self,
        place: usize,
        resource: &Resource,
        leaves: Leaves,
        made: Made,
        needs: Vec<(usize, usize)>,
    ) {
        self.close();
        let created = matches!(made, Made::Create(_));
        let mut unit = made.into_unit(resource);
        if !needs.is_empty() {
            unit = Arc::new(After { needs, unit });
        }
        let source = Source {
            resource: resource.index,
            unit: self.units.len(),
            find: found_in(leaves),
        };
        self.slots.insert(place, Slot::Of(source, created));
        self.units.push(Planned::One(place, unit));
    }

    fn close(&mut self) {
        if let Some((resource, records)) = self.creates.take() {
            for row in 0..records.len() {
                let source = Source {
                    resource,
                    unit: self.units.len(),
                    find: Find::Row(row),
                };
                self.slots.insert(self.first + row, Slot::Of(source, true));
            }
            let unit = Arc::new(Create { resource, records });
            self.units.push(Planned::Creates(self.first, unit));
        }
        if !self.several.is_empty() {
            self.ids.clear();
            let joined = std::mem::take(&mut self.several);
            let units = joined.iter().map(|one| (one.place, Arc::clone(&one.unit)));
            let several = Arc::new(Several::new(units.collect()));
            for one in joined {
                let source = Source {
                    resource: one.resource,
                    unit: self.units.len(),
                    find: match one.leaves {
                        Leaves::Record => Find::Of(Arc::clone(&several), one.place),
                        leaves => found_in(leaves),
                    },
                };
                self.slots.insert(one.place, Slot::Of(source, one.created));
            }
            self.units.push(Planned::Several(several));
        }
    }
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
                    Planned::One(_, unit) => Arc::clone(unit),
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
                outcome => {
                    let record = match &source.find {
                        Find::Row(row) => rows.get(&source.unit).and_then(|rows| rows.get(*row)),
                        Find::Of(_, place) => {
                            left_by.get(&source.unit).and_then(|left| left.get(place))
                        }
                        Find::Nothing | Find::Matches => None,
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
}

/// Where what one unit by itself leaves is found.
fn found_in(leaves: Leaves) -> Find {
    match leaves {
        Leaves::Record => Find::Row(0),
        Leaves::Nothing => Find::Nothing,
        Leaves::Matches => Find::Matches,
    }
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
