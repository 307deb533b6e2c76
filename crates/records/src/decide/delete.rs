//! Deleting one record with what its deletion does to records that refer to it: cascades and
//! cleared references are steps of their own, each with its journal row, within a bound.

use super::change::touch;
use super::{Precondition, image};
use carnet_kernel::{Code, Id, Refusal, Value};
use carnet_model::{FieldIndex, FieldType, ModelView, OnDelete, ResourceIndex};
use carnet_store::{
    Changes, Decision, DeleteRow, Load, Loaded, Record, Stamp, Step, Unit, UpdateRow,
};
use std::collections::{HashMap, HashSet};

/// The most records one delete may touch.
pub const MAX_AFFECTED: u32 = 1_000;

/// The longest chain of cascades: each link is a round of loading.
const MAX_LINKS: usize = 50;

/// A deletion.
#[derive(Clone, Debug)]
pub struct Delete {
    /// Of which resource.
    pub resource: ResourceIndex,
    /// Which record.
    pub id: Id,
    /// The versions it may be based on.
    pub precondition: Option<Precondition>,
    /// The command's moment and caller.
    pub stamp: Stamp,
}

type Key = (ResourceIndex, Id);

/// What a deletion reaches, as far as it is loaded.
#[derive(Default)]
struct Reach {
    /// To be deleted, in the order of discovery.
    deleted: Vec<(Key, Record)>,
    /// How many cascades lead to each of them.
    links: Vec<usize>,
    seen: HashSet<Key>,
    /// To be cleared: the references of one record.
    cleared: Vec<(Key, Record, Vec<FieldIndex>)>,
    /// Where a record stands in `cleared`.
    places: HashMap<Key, usize>,
    missing: Vec<Load>,
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
            .ok_or_else(|| Refusal::not_found(&resource.name))?;
        Precondition::check(
            self.precondition.as_ref(),
            record.version(resource).unwrap_or_default(),
        )?;
        let reach = reach(view, loaded, ((self.resource, self.id), record.clone()))?;
        if !reach.missing.is_empty() {
            return Ok(Decision::Load(reach.missing));
        }
        self.changes(view, reach).map(Decision::Apply)
    }
}

/// Follows cascading and clearing references from `root` as far as loaded records tell.
fn reach(view: &ModelView, loaded: &Loaded, root: (Key, Record)) -> Result<Reach, Refusal> {
    let mut reach = Reach::default();
    reach.seen.insert(root.0);
    reach.deleted.push(root);
    reach.links.push(0);
    let mut at = 0;
    while at < reach.deleted.len() {
        let (resource, id) = reach.deleted[at].0;
        let links = reach.links[at] + 1;
        at += 1;
        for (referring, field) in view.references_to(resource) {
            let FieldType::Ref { on_delete, .. } = view.resource(*referring).field(*field).kind
            else {
                continue;
            };
            if on_delete == OnDelete::Restrict {
                continue;
            }
            let load = Load::Referencing {
                resource: *referring,
                field: *field,
                id,
                limit: MAX_AFFECTED + 1,
            };
            let Some(found) = loaded.get(&load) else {
                reach.missing.push(load);
                continue;
            };
            for record in found {
                let Some(child) = record.id(view.resource(*referring)) else {
                    continue;
                };
                let key = (*referring, child);
                match on_delete {
                    OnDelete::Cascade if reach.seen.insert(key) => {
                        reach.deleted.push((key, record.clone()));
                        reach.links.push(links);
                    }
                    OnDelete::SetNull => match reach.places.get(&key) {
                        Some(place) => reach.cleared[*place].2.push(*field),
                        None => {
                            reach.places.insert(key, reach.cleared.len());
                            reach.cleared.push((key, record.clone(), vec![*field]));
                        }
                    },
                    _ => {}
                }
            }
            if reach.links.last().is_some_and(|links| *links > MAX_LINKS) {
                let message = format!(
                    "deleting it would cascade over more than {MAX_LINKS} links; delete from the other end first"
                );
                return Err(Refusal::new(Code::RecordInUse, message));
            }
            if reach.deleted.len() + reach.cleared.len() > MAX_AFFECTED as usize {
                let message = format!(
                    "deleting it would touch more than {MAX_AFFECTED} records; delete some of them first"
                );
                return Err(Refusal::new(Code::RecordInUse, message));
            }
        }
    }
    let Reach { seen, cleared, .. } = &mut reach;
    cleared.retain(|(key, ..)| !seen.contains(key));
    Ok(reach)
}

impl Delete {
    fn changes(&self, view: &ModelView, reach: Reach) -> Result<Changes, Refusal> {
        let mut steps = Vec::new();
        for ((index, id), before, fields) in reach.cleared {
            let resource = view.resource(index);
            let version = before.version(resource).unwrap_or_default();
            let mut after = before.clone();
            for field in &fields {
                after.set(*field, Value::Null);
            }
            let mut changed = fields;
            changed.extend(touch(resource, &mut after, version + 1, &self.stamp));
            let journal = image::updated(resource, &before, &after, &changed, version + 1);
            let row = UpdateRow {
                id,
                version,
                changed,
                record: after,
                journal,
            };
            match steps.last_mut() {
                Some(Step::Update { resource, rows }) if *resource == index => rows.push(row),
                _ => steps.push(Step::Update {
                    resource: index,
                    rows: vec![row],
                }),
            }
        }
        for ((index, id), record) in referrers_first(view, reach.deleted)? {
            let resource = view.resource(index);
            let version = record.version(resource).unwrap_or_default();
            let row = DeleteRow {
                id,
                version,
                journal: image::deleted(resource, &record, version + 1),
            };
            match steps.last_mut() {
                Some(Step::Delete { resource, rows }) if *resource == index => rows.push(row),
                _ => steps.push(Step::Delete {
                    resource: index,
                    rows: vec![row],
                }),
            }
        }
        Ok(Changes {
            steps,
            ..Changes::default()
        })
    }
}

/// Orders deletions so that no record goes while one that is still there refers to it.
fn referrers_first(
    view: &ModelView,
    deleted: Vec<(Key, Record)>,
) -> Result<Vec<(Key, Record)>, Refusal> {
    let places: HashMap<Key, usize> = deleted
        .iter()
        .enumerate()
        .map(|(place, (key, _))| (*key, place))
        .collect();
    // For each record: how many of the others refer to it, and to which of the others it refers.
    let mut referrers = vec![0_usize; deleted.len()];
    let mut targets = vec![Vec::new(); deleted.len()];
    for (place, ((index, _), record)) in deleted.iter().enumerate() {
        for (field, declared) in view.resource(*index).declared_fields() {
            let FieldType::Ref { to, .. } = declared.kind else {
                continue;
            };
            let target = record
                .get(field)
                .as_id()
                .and_then(|id| places.get(&(to, id)));
            if let Some(target) = target.filter(|target| **target != place) {
                referrers[*target] += 1;
                targets[place].push(*target);
            }
        }
    }
    let mut ready: Vec<usize> = (0..deleted.len())
        .rev()
        .filter(|place| referrers[*place] == 0)
        .collect();
    let mut order = Vec::with_capacity(deleted.len());
    while let Some(place) = ready.pop() {
        order.push(place);
        for target in &targets[place] {
            referrers[*target] -= 1;
            if referrers[*target] == 0 {
                ready.push(*target);
            }
        }
    }
    if order.len() < deleted.len() {
        return Err(Refusal::new(
            Code::RecordInUse,
            "the records to delete refer to each other in a circle; clear one of the references first",
        ));
    }
    let mut deleted: Vec<Option<(Key, Record)>> = deleted.into_iter().map(Some).collect();
    Ok(order
        .into_iter()
        .filter_map(|place| deleted[place].take())
        .collect())
}
