//! From one body to the parts of a nested write, with every fault of every part and its path.

use crate::decide::{Change, Create, Kind, Precondition, fill, missing};
use crate::validate::{MAX_FAULTS, Mode, read_entries, read_object, refuse};
use carnet_kernel::{Detail, Id, Refusal, Value};
use carnet_model::{
    FieldIndex, ModelView, Operation, Relation, RelationKind, Resource, ResourceIndex,
};
use carnet_store::{Stamp, Unit};
use serde_json::value::RawValue;
use std::collections::HashSet;
use std::sync::Arc;

use super::unit::{Nested, Related};

/// How deep records nest below the one that is written.
const MAX_DEPTH: usize = 3;

/// How many records one body writes beside its own.
pub(crate) const MAX_NESTED: usize = 1_000;

type Entry = (String, Box<RawValue>);

type Entries = [Entry];

/// A relation and what stands under its name.
type Named<'m, 'e> = (&'m Relation, &'e RawValue);

/// What is written itself.
pub(crate) enum Root {
    /// A new record.
    Create,
    /// One that is there.
    Change {
        id: Id,
        kind: Kind,
        precondition: Option<Precondition>,
    },
}

/// What the answer shows: a record, and those written with it by relation.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) resource: ResourceIndex,
    pub(crate) id: Id,
    pub(crate) related: Vec<ShownRelation>,
}

/// The records written over one relation.
#[derive(Clone, Debug)]
pub(crate) struct ShownRelation {
    pub(crate) name: String,
    pub(crate) to_one: bool,
    pub(crate) records: Vec<Shown>,
}

/// A record that refers to the one it hangs on.
#[derive(Clone, Copy)]
pub(super) struct Parent {
    by: FieldIndex,
    id: Id,
}

pub(super) struct Reader<'r> {
    pub(super) view: &'r ModelView,
    pub(super) stamp: &'r Stamp,
    pub(super) next_id: &'r mut dyn FnMut() -> Id,
    pub(super) faults: Vec<Detail>,
    /// New records by the order in which they can stand: what is referred to first.
    creates: Vec<(i32, ResourceIndex, String, Arc<dyn Unit>)>,
    changes: Vec<(String, Arc<dyn Unit>)>,
    pub(super) deletes: Vec<(String, Arc<dyn Unit>)>,
    pub(super) links: Vec<(String, Arc<dyn Unit>)>,
    pub(super) seen: HashSet<(ResourceIndex, Id)>,
    pub(super) count: usize,
}

/// Reads `entries`, the body of a write of `resource`, which faults call `whole`. All faults are
/// found at once.
pub(crate) fn read(
    view: &ModelView,
    resource: &Resource,
    (entries, whole): (&Entries, &str),
    root: Root,
    stamp: &Stamp,
    next_id: &mut dyn FnMut() -> Id,
) -> Result<(Nested, Shown), Refusal> {
    let mut reader = Reader {
        view,
        stamp,
        next_id,
        faults: Vec::new(),
        creates: Vec::new(),
        changes: Vec::new(),
        deletes: Vec::new(),
        links: Vec::new(),
        seen: HashSet::new(),
        count: 0,
    };
    let shown = match root {
        Root::Create => reader.create(resource, entries, "", 0, 0, None),
        Root::Change {
            id,
            kind,
            precondition,
        } => reader.change(resource, (id, kind, precondition), entries, "", 0, None),
    };
    if reader.count > MAX_NESTED {
        let message = format!(
            "a body writes at most {MAX_NESTED} related records, not {}",
            reader.count
        );
        reader.faults.push(Detail::new(whole, "max", message));
    }
    if let Some(refusal) = refuse(reader.faults) {
        return Err(refusal);
    }
    reader
        .creates
        .sort_by_key(|(level, resource, ..)| (*level, *resource));
    let creates = reader
        .creates
        .into_iter()
        .map(|(_, _, path, unit)| (path, unit));
    // What goes makes room for what comes, and what is referred to is there before.
    let parts = reader
        .deletes
        .into_iter()
        .chain(creates)
        .chain(reader.changes)
        .chain(reader.links);
    Ok((Nested::new(parts.collect()), shown))
}

impl Reader<'_> {
    pub(super) fn fault(
        &mut self,
        path: impl Into<String>,
        rule: &'static str,
        message: impl Into<String>,
    ) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(Detail::new(path, rule, message));
        }
    }

    /// A new record with all that hangs on it.
    pub(super) fn create(
        &mut self,
        resource: &Resource,
        entries: &Entries,
        prefix: &str,
        level: i32,
        depth: usize,
        parent: Option<Parent>,
    ) -> Shown {
        let id = (self.next_id)();
        let (mut own, nested) = self.split(resource, entries, prefix, depth);
        let mut related = Vec::new();
        self.referred(
            resource,
            &nested,
            (&mut own, &mut related),
            (prefix, level, depth),
        );
        if let Some(Parent { by, id }) = parent {
            self.set_reference(resource, by, id, &mut own, prefix);
        }
        let input = read_entries(resource, &own, Mode::Whole, prefix, &mut self.faults);
        let record = fill(
            resource,
            &own,
            input,
            id,
            self.stamp,
            prefix,
            &mut self.faults,
        );
        let id = record.id(resource).unwrap_or(id);
        let unit = Create {
            resource: resource.index,
            records: vec![record],
        };
        self.creates
            .push((level, resource.index, prefix.to_owned(), Arc::new(unit)));
        for (relation, raw) in nested {
            let by = match relation.kind {
                RelationKind::ToMany { by } => by,
                RelationKind::ToOne { .. } => continue,
                RelationKind::Through { .. } => {
                    let path = format!("{prefix}{}", relation.name);
                    self.linked(relation, id, raw, (&path, true));
                    continue;
                }
            };
            let path = format!("{prefix}{}", relation.name);
            let hangs = Parent { by, id };
            let records = self.new_children(relation, hangs, raw, &path, (level, depth));
            related.push(ShownRelation {
                name: relation.name.clone(),
                to_one: false,
                records,
            });
        }
        Shown {
            resource: resource.index,
            id,
            related,
        }
    }

    /// A change of a record that is there, with all that hangs on it.
    pub(super) fn change(
        &mut self,
        resource: &Resource,
        (id, kind, precondition): (Id, Kind, Option<Precondition>),
        entries: &Entries,
        prefix: &str,
        depth: usize,
        parent: Option<Parent>,
    ) -> Shown {
        let (mut own, nested) = self.split(resource, entries, prefix, depth);
        let mut related = Vec::new();
        self.referred(
            resource,
            &nested,
            (&mut own, &mut related),
            (prefix, 0, depth),
        );
        let mode = match kind {
            Kind::Replace => Mode::Whole,
            Kind::Patch => Mode::Patch,
        };
        let input = read_entries(resource, &own, mode, prefix, &mut self.faults);
        if kind == Kind::Replace {
            missing(resource, &own, prefix, &mut self.faults);
        }
        let unit: Arc<dyn Unit> = Arc::new(Change {
            resource: resource.index,
            id,
            kind,
            input,
            precondition,
            stamp: self.stamp.clone(),
        });
        let unit = hung(resource, id, parent, unit);
        self.changes.push((prefix.to_owned(), unit));
        for (relation, raw) in nested {
            let by = match relation.kind {
                RelationKind::ToMany { by } => by,
                RelationKind::ToOne { .. } => continue,
                RelationKind::Through { .. } => {
                    let path = format!("{prefix}{}", relation.name);
                    self.linked(relation, id, raw, (&path, false));
                    continue;
                }
            };
            let path = format!("{prefix}{}", relation.name);
            let records = self.children(relation, Parent { by, id }, raw, &path, depth);
            related.push(ShownRelation {
                name: relation.name.clone(),
                to_one: false,
                records,
            });
        }
        Shown {
            resource: resource.index,
            id,
            related,
        }
    }

    /// The entries of the record itself, and those that name relations.
    fn split<'e, 'm>(
        &mut self,
        resource: &'m Resource,
        entries: &'e Entries,
        prefix: &str,
        depth: usize,
    ) -> (Vec<Entry>, Vec<Named<'m, 'e>>) {
        let mut own = Vec::with_capacity(entries.len());
        let mut nested = Vec::new();
        for (name, raw) in entries {
            let Some(index) = resource.relation_named(name) else {
                own.push((name.clone(), raw.clone()));
                continue;
            };
            if depth == MAX_DEPTH {
                let message = format!("related records nest at most {MAX_DEPTH} deep");
                self.fault(format!("{prefix}{name}"), "depth", message);
                continue;
            }
            nested.push((resource.relation(index), &**raw));
        }
        (own, nested)
    }

    /// New records that this one refers to: `"category":{"create":{…}}`.
    fn referred(
        &mut self,
        resource: &Resource,
        nested: &[(&Relation, &RawValue)],
        (own, related): (&mut Vec<(String, Box<RawValue>)>, &mut Vec<ShownRelation>),
        (prefix, level, depth): (&str, i32, usize),
    ) {
        for (relation, raw) in nested {
            let RelationKind::ToOne { field } = relation.kind else {
                continue;
            };
            let path = format!("{prefix}{}", relation.name);
            let reference = &resource.field(field).name;
            let entries = match read_object(raw.get()) {
                Ok(entries) if entries.len() == 1 && entries[0].0 == "create" => entries,
                _ => {
                    let message = format!(
                        "a new record is written as `{{\"create\":{{…}}}}`, one that is there as `{reference}`"
                    );
                    self.fault(path, "type", message);
                    continue;
                }
            };
            let target = self.view.resource(relation.target);
            let path = format!("{path}.create");
            if !self.offers(target, Operation::Create, &path) {
                continue;
            }
            let Some(inner) = self.object(&entries[0].1, &path) else {
                continue;
            };
            self.count += 1;
            let shown = self.create(
                target,
                &inner,
                &format!("{path}."),
                level - 1,
                depth + 1,
                None,
            );
            self.set_reference(resource, field, shown.id, own, prefix);
            related.push(ShownRelation {
                name: relation.name.clone(),
                to_one: true,
                records: vec![shown],
            });
        }
    }

    /// Sets a reference as if the body had said it.
    fn set_reference(
        &mut self,
        resource: &Resource,
        field: FieldIndex,
        id: Id,
        own: &mut Vec<(String, Box<RawValue>)>,
        prefix: &str,
    ) {
        let declared = resource.field(field);
        let name = &declared.name;
        if own.iter().any(|(given, _)| given == name) {
            let message = "where it is nested it is set already; leave it out";
            self.fault(format!("{prefix}{name}"), "conflict", message);
            return;
        }
        let value = declared.kind.to_json(&Value::Id(id)).to_string();
        if let Ok(raw) = RawValue::from_string(value) {
            own.push((name.clone(), raw));
        }
    }
}

/// The unit of a record that has to hang on another, if it has to.
pub(super) fn hung(
    resource: &Resource,
    id: Id,
    parent: Option<Parent>,
    unit: Arc<dyn Unit>,
) -> Arc<dyn Unit> {
    match parent {
        None => unit,
        Some(Parent { by, id: holder }) => Arc::new(Related {
            resource: resource.index,
            id,
            by,
            holder,
            unit,
        }),
    }
}
