//! What a deletion reaches: cascades and cleared references are steps of their own, each with its
//! journal row, within a bound. A record of a resource whose deletions are soft is marked; it is
//! removed when it is purged, and when a record goes for good that it hangs on by a cascade.

use super::change::touch;
use super::image;
use super::matching::{CHUNK, update};
use carnet_expr::{Operand, Path, Predicate};
use carnet_kernel::{Code, Id, Refusal, Value};
use carnet_model::{FieldIndex, FieldType, ModelView, OnDelete, Resource, ResourceIndex};
use carnet_store::{
    Changes, Condition, Decision, DeleteRow, Error, JournalKind, Load, Loaded, Record, Stamp, Step,
    UpdateRow,
};
use std::collections::{BTreeMap, HashMap};

/// The most records one delete may touch beyond those that are named.
pub const MAX_AFFECTED: u32 = 1_000;

/// The longest chain of cascades: each link is a round of loading.
const MAX_LINKS: usize = 50;

pub(super) type Key = (ResourceIndex, Id);

/// What becomes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    /// It is marked as deleted.
    Mark,
    /// Its row goes.
    Remove,
}

/// References of one record that become null, each with what becomes of the record it names.
struct Cleared {
    key: Key,
    record: Record,
    fields: Vec<(FieldIndex, Fate)>,
}

/// What a deletion reaches, as far as it is loaded.
#[derive(Default)]
struct Reach {
    /// To be deleted, in the order of discovery.
    deleted: Vec<(Key, Record)>,
    fates: HashMap<Key, Fate>,
    cleared: Vec<Cleared>,
    /// Where a record stands in `cleared`.
    places: HashMap<Key, usize>,
}

/// The records that a resource shows when nothing else is asked for.
pub(super) fn living_only(resource: &Resource) -> Predicate {
    match resource.deleted() {
        Some(fields) => Predicate::IsNull(Operand::Path(Path::own(fields.at))),
        None => Predicate::True,
    }
}

fn fate(resource: &Resource, purge: bool) -> Fate {
    if resource.deleted().is_some() && !purge {
        Fate::Mark
    } else {
        Fate::Remove
    }
}

/// The deletion of `roots` with all it reaches, or what has to be seen first.
pub(super) fn removal(
    view: &ModelView,
    loaded: &Loaded,
    roots: Vec<(Key, Record)>,
    purge: bool,
    stamp: &Stamp,
) -> Result<Decision, Refusal> {
    // What a filter may name, its own bound has let through already.
    let bound = roots.len().max(MAX_AFFECTED as usize);
    let mut reach = Reach::default();
    let mut level: Vec<(Key, Fate)> = Vec::with_capacity(roots.len());
    for (key, record) in roots {
        let fate = fate(view.resource(key.0), purge);
        reach.fates.insert(key, fate);
        reach.deleted.push((key, record));
        level.push((key, fate));
    }
    for _ in 0..=MAX_LINKS + 1 {
        if level.is_empty() {
            return match reach.held(view, loaded)? {
                Some(missing) => Ok(Decision::Load(missing)),
                None => changes(view, reach, stamp).map(Decision::Apply),
            };
        }
        let mut missing = Vec::new();
        level = reach.next(view, loaded, &level, bound, &mut missing);
        if reach.deleted.len() + reach.cleared.len() > bound {
            let message = format!(
                "deleting it would touch more than {bound} records; delete some of them first"
            );
            return Err(Refusal::new(Code::RecordInUse, message));
        }
        if !missing.is_empty() {
            return Ok(Decision::Load(missing));
        }
    }
    let message = format!(
        "deleting it would cascade over more than {MAX_LINKS} links; delete from the other end first"
    );
    Err(Refusal::new(Code::RecordInUse, message))
}

fn one_of(field: FieldIndex, ids: Vec<Value>) -> Predicate {
    Predicate::In {
        operand: Operand::Path(Path::own(field)),
        list: ids,
    }
}

impl Reach {
    /// What the references to `level` cascade to; what is not loaded yet goes to `missing`.
    fn next(
        &mut self,
        view: &ModelView,
        loaded: &Loaded,
        level: &[(Key, Fate)],
        bound: usize,
        missing: &mut Vec<Load>,
    ) -> Vec<(Key, Fate)> {
        let mut groups: BTreeMap<(ResourceIndex, Fate), Vec<Value>> = BTreeMap::new();
        for ((resource, id), fate) in level {
            groups
                .entry((*resource, *fate))
                .or_default()
                .push(Value::Id(*id));
        }
        let mut next = Vec::new();
        for ((resource, parent), ids) in groups {
            for (index, field) in view.references_to(resource) {
                let referring = view.resource(*index);
                let FieldType::Ref { on_delete, .. } = referring.field(*field).kind else {
                    continue;
                };
                if on_delete == OnDelete::Restrict {
                    continue;
                }
                let mut which = one_of(*field, ids.clone());
                if parent == Fate::Mark {
                    which = which.and(living_only(referring));
                }
                let load = Load::Matching {
                    resource: *index,
                    which: Condition(which),
                    limit: u32::try_from(bound).unwrap_or(u32::MAX).saturating_add(1),
                };
                let Some(found) = loaded.get(&load) else {
                    missing.push(load);
                    continue;
                };
                for record in found {
                    let Some(child) = record.id(referring) else {
                        continue;
                    };
                    let key = (*index, child);
                    if on_delete == OnDelete::SetNull {
                        self.clear(key, record, (*field, parent));
                        continue;
                    }
                    let fate = fate(referring, parent == Fate::Remove);
                    match self.fates.get(&key) {
                        Some(known) if *known >= fate => continue,
                        Some(_) => {}
                        None => self.deleted.push((key, record.clone())),
                    }
                    self.fates.insert(key, fate);
                    next.push((key, fate));
                }
            }
        }
        next
    }

    fn clear(&mut self, key: Key, record: &Record, field: (FieldIndex, Fate)) {
        match self.places.get(&key) {
            Some(place) => self.cleared[*place].fields.push(field),
            None => {
                self.places.insert(key, self.cleared.len());
                self.cleared.push(Cleared {
                    key,
                    record: record.clone(),
                    fields: vec![field],
                });
            }
        }
    }

    /// Refuses when a record that stays restricts the marking of one that goes: the row stays, so
    /// the database has nothing against it. Answers what has to be seen first.
    fn held(&self, view: &ModelView, loaded: &Loaded) -> Result<Option<Vec<Load>>, Refusal> {
        let mut marked: BTreeMap<ResourceIndex, Vec<Value>> = BTreeMap::new();
        let mut going: BTreeMap<ResourceIndex, Vec<Value>> = BTreeMap::new();
        for (key, _) in &self.deleted {
            going.entry(key.0).or_default().push(Value::Id(key.1));
            if self.fates.get(key) == Some(&Fate::Mark) {
                marked.entry(key.0).or_default().push(Value::Id(key.1));
            }
        }
        let mut missing = Vec::new();
        for (resource, ids) in marked {
            for (index, field) in view.references_to(resource) {
                let referring = view.resource(*index);
                let restricts = matches!(
                    referring.field(*field).kind,
                    FieldType::Ref {
                        on_delete: OnDelete::Restrict,
                        ..
                    }
                );
                // A shared platform record is held by tenants this write does not see.
                if !restricts || (referring.is_tenant() && !view.resource(resource).is_tenant()) {
                    continue;
                }
                let mut which = one_of(*field, ids.clone()).and(living_only(referring));
                if let Some(going) = going.get(index) {
                    let gone = one_of(referring.key, going.clone());
                    which = which.and(Predicate::Not(Box::new(gone)));
                }
                let load = Load::Matching {
                    resource: *index,
                    which: Condition(which),
                    limit: 1,
                };
                match loaded.get(&load) {
                    None => missing.push(load),
                    Some([]) => {}
                    Some(_) => {
                        let by = Some((*index, *field));
                        return Err(Error::InUse { resource, by }.refusal(view));
                    }
                }
            }
        }
        Ok((!missing.is_empty()).then_some(missing))
    }
}

fn changes(view: &ModelView, reach: Reach, stamp: &Stamp) -> Result<Changes, Refusal> {
    let Reach {
        deleted,
        fates,
        cleared,
        ..
    } = reach;
    let mut steps = Vec::new();
    // References of a marked record to rows that go have to go first.
    let mut loose: HashMap<Key, Vec<FieldIndex>> = HashMap::new();
    for Cleared {
        key,
        record: before,
        fields,
    } in cleared
    {
        let removed =
            |(field, fate): &(FieldIndex, Fate)| (*fate == Fate::Remove).then_some(*field);
        match fates.get(&key) {
            Some(Fate::Remove) => continue,
            Some(Fate::Mark) => {
                loose.insert(key, fields.iter().filter_map(removed).collect());
                continue;
            }
            None => {}
        }
        let resource = view.resource(key.0);
        let version = before.version(resource).unwrap_or_default();
        let mut after = before.clone();
        let mut changed: Vec<FieldIndex> = fields.into_iter().map(|(field, _)| field).collect();
        for field in &changed {
            after.set(*field, Value::Null);
        }
        changed.extend(touch(resource, &mut after, version + 1, stamp));
        let journal = image::updated(resource, &before, &after, &changed, version + 1);
        let row = UpdateRow {
            id: key.1,
            version,
            changed,
            record: after,
            journal,
        };
        update(&mut steps, key.0, row);
    }
    let is_marked = |key: &Key| fates.get(key) == Some(&Fate::Mark);
    let (marked, removed): (Vec<_>, Vec<_>) =
        deleted.into_iter().partition(|(key, _)| is_marked(key));
    for (key, before) in marked {
        let resource = view.resource(key.0);
        let loose = loose.remove(&key).unwrap_or_default();
        update(
            &mut steps,
            key.0,
            mark(resource, key.1, &before, loose, stamp),
        );
    }
    for ((index, id), record) in referrers_first(view, removed)? {
        let resource = view.resource(index);
        let version = record.version(resource).unwrap_or_default();
        let kind = match resource.deleted() {
            Some(_) => JournalKind::Purge,
            None => JournalKind::Delete,
        };
        let row = DeleteRow {
            id,
            version,
            journal: image::deleted(resource, &record, kind, version + 1),
        };
        match steps.last_mut() {
            Some(Step::Delete { resource, rows }) if *resource == index && rows.len() < CHUNK => {
                rows.push(row);
            }
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

/// The record as it is once it is deleted softly.
fn mark(
    resource: &Resource,
    id: Id,
    before: &Record,
    loose: Vec<FieldIndex>,
    stamp: &Stamp,
) -> UpdateRow {
    let version = before.version(resource).unwrap_or_default();
    let mut after = before.clone();
    let mut changed = loose;
    for field in &changed {
        after.set(*field, Value::Null);
    }
    if let Some(fields) = resource.deleted() {
        let who = stamp.principal.map_or(Value::Null, Value::Principal);
        after.set(fields.at, Value::DateTime(stamp.now.0));
        after.set(fields.by, who);
        changed.extend([fields.at, fields.by]);
    }
    changed.extend(touch(resource, &mut after, version + 1, stamp));
    UpdateRow {
        id,
        version,
        changed,
        record: after,
        journal: image::deleted(resource, before, JournalKind::Delete, version + 1),
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
        .filter(|place| referrers[*place] == 0)
        .collect();
    let mut order = Vec::with_capacity(deleted.len());
    // All that can go at once goes by resources, so that there are few sets.
    while !ready.is_empty() {
        ready.sort_unstable_by_key(|place| (deleted[*place].0.0, *place));
        let mut next = Vec::new();
        for place in ready {
            order.push(place);
            for target in &targets[place] {
                referrers[*target] -= 1;
                if referrers[*target] == 0 {
                    next.push(*target);
                }
            }
        }
        ready = next;
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
