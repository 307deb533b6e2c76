//! From one body to the parts of a nested write, with every fault of every part and its path.

use crate::decide::{Change, Create, Delete, Kind, Precondition, fill, missing};
use crate::parse::shorten;
use crate::validate::{MAX_FAULTS, Mode, parse_id, read_entries, read_object, refuse};
use carnet_kernel::{Detail, Id, MAX_SAFE_INTEGER, Refusal, Value, suggest};
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

type Entries = [(String, Box<RawValue>)];

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
struct Parent {
    by: FieldIndex,
    id: Id,
}

struct Reader<'r> {
    view: &'r ModelView,
    stamp: &'r Stamp,
    next_id: &'r mut dyn FnMut() -> Id,
    faults: Vec<Detail>,
    /// New records by the order in which they can stand: what is referred to first.
    creates: Vec<(i32, ResourceIndex, String, Arc<dyn Unit>)>,
    changes: Vec<(String, Arc<dyn Unit>)>,
    deletes: Vec<(String, Arc<dyn Unit>)>,
    seen: HashSet<(ResourceIndex, Id)>,
    count: usize,
}

/// Reads `entries`, the body of a write of `resource`. All faults are found at once.
pub(crate) fn read(
    view: &ModelView,
    resource: &Resource,
    entries: &Entries,
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
        reader.faults.push(Detail::new("", "max", message));
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
        .chain(reader.changes);
    Ok((Nested::new(parts.collect()), shown))
}

impl Reader<'_> {
    fn fault(&mut self, path: impl Into<String>, rule: &'static str, message: impl Into<String>) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(Detail::new(path, rule, message));
        }
    }

    /// A new record with all that hangs on it.
    fn create(
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
        self.to_one(
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
                RelationKind::ToOne { .. } | RelationKind::Through { .. } => continue,
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
    fn change(
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
        self.to_one(
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
                RelationKind::ToOne { .. } | RelationKind::Through { .. } => continue,
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
    ) -> (
        Vec<(String, Box<RawValue>)>,
        Vec<(&'m Relation, &'e RawValue)>,
    ) {
        let mut own = Vec::with_capacity(entries.len());
        let mut nested = Vec::new();
        for (name, raw) in entries {
            let index = resource.relation_named(name).filter(|index| {
                // Links are written by addresses of their own, or through the link resource.
                !matches!(resource.relation(*index).kind, RelationKind::Through { .. })
            });
            let Some(index) = index else {
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
    fn to_one(
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

    /// The related records of a new one: a list, or an object with `create`.
    fn new_children(
        &mut self,
        relation: &Relation,
        parent: Parent,
        raw: &RawValue,
        path: &str,
        (level, depth): (i32, usize),
    ) -> Vec<Shown> {
        if raw.get().trim_start().starts_with('[') {
            return self.created(relation, parent, raw, path, (level, depth));
        }
        let Some(entries) = self.object(raw, path) else {
            return Vec::new();
        };
        let mut shown = Vec::new();
        for (word, raw) in &entries {
            let path = format!("{path}.{}", shorten(word));
            match word.as_str() {
                "create" => {
                    shown = self.created(relation, parent, raw, &path, (level, depth));
                }
                _ => {
                    let message = "a new record has only new related records: a list, or `create`";
                    self.fault(path, "unknown", message);
                }
            }
        }
        shown
    }

    /// The related records of one that is there: `{"create":[…],"update":[…],"delete":[…]}`.
    fn children(
        &mut self,
        relation: &Relation,
        parent: Parent,
        raw: &RawValue,
        path: &str,
        depth: usize,
    ) -> Vec<Shown> {
        const WORDS: [&str; 3] = ["create", "update", "delete"];
        let Ok(entries) = read_object(raw.get()) else {
            let message = "it must be an object with `create`, `update` or `delete`, each a list";
            self.fault(path, "type", message);
            return Vec::new();
        };
        let mut shown = Vec::new();
        for (word, raw) in &entries {
            let path = format!("{path}.{}", shorten(word));
            match word.as_str() {
                "create" => shown.extend(self.created(relation, parent, raw, &path, (0, depth))),
                "update" => shown.extend(self.updated(relation, parent, raw, &path, depth)),
                "delete" => self.deleted(relation, parent, raw, &path),
                _ => {
                    let hint = suggest::hint(word, WORDS);
                    let message = format!("it must be one of create, update, delete{hint}");
                    self.fault(path, "unknown", message);
                }
            }
        }
        shown
    }

    fn created(
        &mut self,
        relation: &Relation,
        parent: Parent,
        raw: &RawValue,
        path: &str,
        (level, depth): (i32, usize),
    ) -> Vec<Shown> {
        let target = self.view.resource(relation.target);
        if !self.offers(target, Operation::Create, path) {
            return Vec::new();
        }
        let mut shown = Vec::new();
        for (place, raw) in self.list(raw, path).iter().enumerate() {
            let path = format!("{path}[{place}]");
            if let Some(entries) = self.object(raw, &path) {
                let prefix = format!("{path}.");
                let hangs = Some(parent);
                shown.push(self.create(target, &entries, &prefix, level + 1, depth + 1, hangs));
            }
        }
        shown
    }

    fn updated(
        &mut self,
        relation: &Relation,
        parent: Parent,
        raw: &RawValue,
        path: &str,
        depth: usize,
    ) -> Vec<Shown> {
        let target = self.view.resource(relation.target);
        if !self.offers(target, Operation::Patch, path) {
            return Vec::new();
        }
        let mut shown = Vec::new();
        for (place, raw) in self.list(raw, path).iter().enumerate() {
            let path = format!("{path}[{place}]");
            let Some(entries) = self.object(raw, &path) else {
                continue;
            };
            let (named, rest): (Vec<_>, Vec<_>) = entries
                .into_iter()
                .partition(|(name, _)| name == "id" || name == "version");
            let Some((id, precondition)) = self.named(target, &named, &path) else {
                continue;
            };
            let target_record = (id, Kind::Patch, precondition);
            let prefix = format!("{path}.");
            let hangs = Some(parent);
            shown.push(self.change(target, target_record, &rest, &prefix, depth + 1, hangs));
        }
        shown
    }

    fn deleted(&mut self, relation: &Relation, parent: Parent, raw: &RawValue, path: &str) {
        let target = self.view.resource(relation.target);
        if !self.offers(target, Operation::Delete, path) {
            return;
        }
        for (place, raw) in self.list(raw, path).iter().enumerate() {
            let path = format!("{path}[{place}]");
            let named = if raw.get().trim_start().starts_with('{') {
                match self.object(raw, &path) {
                    Some(entries) => entries,
                    None => continue,
                }
            } else {
                vec![("id".to_owned(), raw.clone())]
            };
            let Some((id, precondition)) = self.named(target, &named, &path) else {
                continue;
            };
            let unit: Arc<dyn Unit> = Arc::new(Delete {
                resource: target.index,
                id,
                purge: false,
                precondition,
                stamp: self.stamp.clone(),
            });
            let unit = hung(target, id, Some(parent), unit);
            self.deletes.push((format!("{path}."), unit));
        }
    }

    /// Which record an item is for, and the version it is based on.
    fn named(
        &mut self,
        target: &Resource,
        entries: &Entries,
        path: &str,
    ) -> Option<(Id, Option<Precondition>)> {
        let before = self.faults.len();
        let (mut id, mut version) = (None, None);
        for (name, raw) in entries {
            let at = format!("{path}.{}", shorten(name));
            match name.as_str() {
                "id" => match serde_json::from_str::<String>(raw.get()) {
                    Ok(text) => match parse_id(target.id.form, &text) {
                        Ok(found) => id = Some(found),
                        Err(error) => self.fault(at, "format", error),
                    },
                    Err(_) => self.fault(at, "type", "it must be a text"),
                },
                "version" => match raw.get().parse::<i64>() {
                    Ok(number) if (1..=MAX_SAFE_INTEGER).contains(&number) => {
                        version = Some(number);
                    }
                    _ => self.fault(at, "type", "it must be a whole number from 1"),
                },
                _ => {
                    let message = "a record is named by its `id`, with or without its `version`";
                    self.fault(at, "unknown", message);
                }
            }
        }
        let precondition = version.map(|version| Precondition::Versions(vec![version]));
        if Precondition::require(precondition.as_ref(), target).is_err() {
            let message = format!(
                "writes to `{}` must state the version they are based on",
                target.name
            );
            self.fault(format!("{path}.version"), "required", message);
        }
        match id {
            None if self.faults.len() == before => {
                self.fault(format!("{path}.id"), "required", "it is required");
            }
            Some(id) if !self.seen.insert((target.index, id)) => {
                self.fault(
                    format!("{path}.id"),
                    "repeated",
                    "the record is named twice",
                );
            }
            _ => {}
        }
        (self.faults.len() == before).then_some((id?, precondition))
    }

    fn offers(&mut self, target: &Resource, operation: Operation, path: &str) -> bool {
        let offered = target.operations.contains(operation);
        if !offered {
            let message = format!("`{}` does not offer `{}`", target.name, operation.as_str());
            self.fault(path, "operation", message);
        }
        offered
    }

    fn object(&mut self, raw: &RawValue, path: &str) -> Option<Vec<(String, Box<RawValue>)>> {
        let read = read_object(raw.get()).ok();
        if read.is_none() {
            self.fault(path, "type", "it must be an object without repeated keys");
        }
        read
    }

    /// The members of a list, as far as there may be more.
    fn list(&mut self, raw: &RawValue, path: &str) -> Vec<Box<RawValue>> {
        match serde_json::from_str::<Vec<Box<RawValue>>>(raw.get()) {
            Ok(mut members) => {
                self.count += members.len();
                members.truncate(MAX_NESTED + 1);
                if self.count > MAX_NESTED {
                    members.clear();
                }
                members
            }
            Err(_) => {
                self.fault(path, "type", "it must be a list");
                Vec::new()
            }
        }
    }
}

/// The unit of a record that has to hang on another, if it has to.
fn hung(resource: &Resource, id: Id, parent: Option<Parent>, unit: Arc<dyn Unit>) -> Arc<dyn Unit> {
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
