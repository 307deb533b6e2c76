//! What stands under the names of relations: lists of new, changed and deleted records.

use super::read::{MAX_NESTED, Parent, Reader, Shown, hung};
use crate::decide::{Delete, Kind, Precondition};
use crate::linking;
use crate::parse::shorten;
use crate::validate::{parse_id, read_object, read_version};
use carnet_kernel::{Id, suggest};
use carnet_model::{Operation, Relation, Resource};
use carnet_store::Unit;
use serde_json::value::RawValue;
use std::collections::HashSet;
use std::sync::Arc;

impl Reader<'_> {
    /// The related records of a new one: a list, or an object with `create`.
    pub(super) fn new_children(
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
    pub(super) fn children(
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

    /// Links over a many-to-many relation: `{"link":[…],"unlink":[…]}`, ids of records that are
    /// there.
    pub(super) fn linked(
        &mut self,
        relation: &Relation,
        holder: Id,
        raw: &RawValue,
        (path, new): (&str, bool),
    ) {
        let Some(through) = linking::through(self.view, relation) else {
            return;
        };
        let words: &[&str] = if new { &["link"] } else { &["link", "unlink"] };
        let Some(entries) = self.object(raw, path) else {
            return;
        };
        let form = self.view.resource(relation.target).id.form;
        let mut seen = HashSet::new();
        for (word, raw) in &entries {
            let path = format!("{path}.{}", shorten(word));
            if !words.contains(&word.as_str()) {
                let hint = suggest::hint(word, words.iter().copied());
                let message = format!("it must be one of {}{hint}", words.join(", "));
                self.fault(path, "unknown", message);
                continue;
            }
            let makes = word == "link";
            let operation = if makes {
                Operation::Create
            } else {
                Operation::Delete
            };
            if !self.offers(through.link, operation, &path) {
                continue;
            }
            for (place, raw) in self.list(raw, &path).iter().enumerate() {
                let at = format!("{path}[{place}]");
                let target = match serde_json::from_str::<String>(raw.get()) {
                    Ok(text) => parse_id(form, &text),
                    Err(_) => Err("it must be the id of a record".to_owned()),
                };
                let target = match target {
                    Ok(target) if seen.insert(target) => target,
                    Ok(_) => {
                        self.fault(at, "repeated", "the record is named twice");
                        continue;
                    }
                    Err(why) => {
                        self.fault(at, "format", why);
                        continue;
                    }
                };
                let ids = [holder, target];
                let prefix = format!("{at}.");
                if makes {
                    let new = ((self.next_id)(), self.stamp);
                    let unit = through.link(ids, new, &prefix, &mut self.faults);
                    self.links.push((prefix, Arc::new(unit)));
                } else {
                    let unit = through.unlink(ids, false, self.stamp);
                    self.deletes.push((prefix, Arc::new(unit)));
                }
            }
        }
    }

    /// Which record an item is for, and the version it is based on.
    fn named(
        &mut self,
        target: &Resource,
        entries: &[(String, Box<RawValue>)],
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
                "version" => match read_version(raw.get()) {
                    Some(number) => version = Some(number),
                    None => self.fault(at, "type", "it must be a whole number from 1"),
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

    pub(super) fn offers(&mut self, target: &Resource, operation: Operation, path: &str) -> bool {
        let offered = target.operations.contains(operation);
        if !offered {
            let message = format!("`{}` does not offer `{}`", target.name, operation.as_str());
            self.fault(path, "operation", message);
        }
        offered
    }

    pub(super) fn object(
        &mut self,
        raw: &RawValue,
        path: &str,
    ) -> Option<Vec<(String, Box<RawValue>)>> {
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
