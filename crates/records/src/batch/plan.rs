//! The units of a batch while they are put together: consecutive items join set-based units, an item
//! that refers to an earlier one stands behind it. Pure.

use super::at;
use super::item::{Leaves, Raw};
use super::late::{After, Find, Late, Source, failed, resolved, unknown, value};
use super::make::{Made, make};
use super::reference::{self, Reference};
use super::related::{MAX_DRAWN, Related, draw};
use super::verb::Doing;
use crate::decide::{Create, Several, needs_alive};
use crate::nest::MAX_NESTED;
use crate::validate::refuse;
use carnet_kernel::{Detail, Id, Refusal};
use carnet_model::{ModelView, Resource, ResourceIndex};
use carnet_store::{Policy, Record, Stamp, Unit};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// One unit with the items it carries out.
pub(super) enum Planned {
    /// Consecutive creates of a resource, the first of which is this item.
    Creates(usize, Arc<Create>),
    /// Consecutive changes of different records.
    Several(Arc<Several>),
    /// One item by itself.
    One(usize, Arc<dyn Unit>),
    /// One item with related records.
    Related(usize, Arc<dyn Unit>, Arc<Related>),
}

/// Where to look for what came of an item.
pub(super) enum Slot {
    /// It was refused before the database was asked.
    Refused(Refusal),
    /// In what came of a unit.
    Of(Source, bool),
}

/// What is known while one item is added.
pub(super) struct Step<'a> {
    pub(super) view: &'a ModelView,
    pub(super) stamp: &'a Stamp,
    pub(super) place: usize,
    /// At most so many bytes with its references.
    pub(super) most: usize,
    /// Whether a later item refers to it.
    pub(super) keeps: bool,
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
pub(super) struct Plan {
    pub(super) policy: Policy,
    pub(super) units: Vec<Planned>,
    pub(super) slots: BTreeMap<usize, Slot>,
    /// Records that are known before the database is asked, by item.
    known: HashMap<usize, (ResourceIndex, Record)>,
    creates: Option<(ResourceIndex, Vec<Record>)>,
    first: usize,
    several: Vec<Joined>,
    ids: HashSet<(ResourceIndex, Id)>,
    /// How many related records all items write.
    related: usize,
    /// How many ids were drawn for those of items that are read late.
    drawn: usize,
}

impl Plan {
    pub(super) fn new(policy: Policy) -> Self {
        Self {
            policy,
            units: Vec::new(),
            slots: BTreeMap::new(),
            known: HashMap::new(),
            creates: None,
            first: 0,
            several: Vec::new(),
            ids: HashSet::new(),
            related: 0,
            drawn: 0,
        }
    }

    pub(super) fn refuse(&mut self, place: usize, faults: Vec<Detail>) {
        if let Some(refusal) = refuse(faults) {
            self.slots.insert(place, Slot::Refused(refusal));
        }
    }

    /// Adds an item: what it refers to is resolved now where it is known.
    pub(super) fn add(
        &mut self,
        step: &Step<'_>,
        raw: Raw<'_>,
        used: Vec<Reference>,
        ids: &mut dyn FnMut() -> Id,
        faults: &mut Vec<Detail>,
    ) {
        let place = step.place;
        let id = ids();
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
            let (resource, leaves) = (raw.left_in(step.view), raw.leaves());
            if !used.is_empty() && needs_alive(step.view, resource) {
                // What it refers to must stand before it looks whether it is deleted.
                self.close();
            }
            let made = make(step.view, raw, (id, ids, step.stamp), &at, faults);
            let Some(made) = made else { return };
            if let Made::Related(unit, ..) = &made {
                self.related += unit.related();
                if self.related > MAX_NESTED {
                    let message =
                        format!("all items together write at most {MAX_NESTED} related records");
                    faults.push(Detail::new(at, "max", message));
                    return;
                }
            }
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
        self.late(step, raw, &used, (id, ids), faults);
    }

    /// Adds an item that is read when what it refers to is there.
    fn late(
        &mut self,
        step: &Step<'_>,
        raw: Raw<'_>,
        used: &[Reference],
        (id, ids): (Id, &mut dyn FnMut() -> Id),
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
        let related = raw.has_related().then(Arc::<Related>::default);
        let slot = Source {
            resource: raw.left_in(step.view).index,
            unit: self.units.len(),
            find: found_in(raw.leaves(), related.as_ref()),
        };
        let data = raw.parts.data.as_deref().filter(|_| related.is_some());
        let ids = data.map_or_else(Vec::new, |data| draw(data, MAX_DRAWN - self.drawn, ids));
        self.drawn += ids.len();
        let late = Late {
            operation: raw.verb,
            resource: raw.resource.index,
            parts: raw.parts,
            sources,
            created: id,
            ids,
            related: related.clone(),
            stamp: step.stamp.clone(),
            most: step.most,
        };
        self.slots.insert(step.place, Slot::Of(slot, created));
        self.push(step.place, Arc::new(late), related);
    }

    fn push(&mut self, place: usize, unit: Arc<dyn Unit>, related: Option<Arc<Related>>) {
        self.units.push(match related {
            Some(related) => Planned::Related(place, unit, related),
            None => Planned::One(place, unit),
        });
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
            Made::Alone(_) | Made::Related(..) => {
                self.alone(place, resource, leaves, made, Vec::new());
            }
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
        let (created, related) = (made.creates(), made.related());
        let mut unit = made.into_unit(resource);
        if !needs.is_empty() {
            unit = Arc::new(After { needs, unit });
        }
        let source = Source {
            resource: resource.index,
            unit: self.units.len(),
            find: found_in(leaves, related.as_ref()),
        };
        self.slots.insert(place, Slot::Of(source, created));
        self.push(place, unit, related);
    }

    pub(super) fn close(&mut self) {
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
                        leaves => found_in(leaves, None),
                    },
                };
                self.slots.insert(one.place, Slot::Of(source, one.created));
            }
            self.units.push(Planned::Several(several));
        }
    }
}

/// Where what one unit by itself leaves is found.
fn found_in(leaves: Leaves, related: Option<&Arc<Related>>) -> Find {
    if let Some(related) = related {
        return Find::Related(Arc::clone(related));
    }
    match leaves {
        Leaves::Record => Find::Row(0),
        Leaves::Nothing => Find::Nothing,
        Leaves::Matches => Find::Matches,
    }
}
