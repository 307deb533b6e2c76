//! What changed from one model to the next. Not the steps that bring a database there: those
//! also depend on what the database holds.

mod change;
mod field;

pub use change::{Change, ChangeKind, Impact};

use crate::{
    FieldIndex, Index, IndexColumn, Model, RelationKind, Resource, Role, Storage, Tenancy,
};
use carnet_kernel::search::Accents;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Every change from `old` to `new`, by resource: renames first, then fields, constraints,
/// options. A resource or field whose `was` names an old one is renamed, not removed and added.
pub fn diff(old: &Model, new: &Model) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut met = HashSet::new();
    for resource in &new.resources {
        match origin(old, new, resource) {
            // A table that comes or goes.
            Some(before) if before.has_table() != resource.has_table() => {
                met.insert(before.name.as_str());
                changes.extend([
                    Change::new(before, ChangeKind::ResourceRemoved, Impact::DataLoss),
                    Change::new(resource, ChangeKind::ResourceAdded, Impact::Schema),
                ]);
            }
            Some(before) => {
                met.insert(before.name.as_str());
                let mut pair = Pair {
                    old,
                    new,
                    before,
                    after: resource,
                    changes: &mut changes,
                };
                pair.compare();
            }
            None => changes.push(Change::new(
                resource,
                ChangeKind::ResourceAdded,
                Impact::Schema,
            )),
        }
    }
    for resource in &old.resources {
        if !met.contains(resource.name.as_str()) {
            changes.push(Change::new(
                resource,
                ChangeKind::ResourceRemoved,
                Impact::DataLoss,
            ));
        }
    }
    changes
}

/// The resource that `resource` was in `old`.
fn origin<'m>(old: &'m Model, new: &Model, resource: &Resource) -> Option<&'m Resource> {
    old.resource_named(&resource.name).or_else(|| {
        let was = resource.was.as_ref()?;
        // A name that still exists belongs to the resource that has it.
        new.resource_named(was)
            .is_none()
            .then(|| old.resource_named(was))
            .flatten()
    })
}

/// One resource before and after.
struct Pair<'a> {
    old: &'a Model,
    new: &'a Model,
    before: &'a Resource,
    after: &'a Resource,
    changes: &'a mut Vec<Change>,
}

impl Pair<'_> {
    fn add(&mut self, kind: ChangeKind, impact: Impact) {
        self.changes.push(Change::new(self.after, kind, impact));
    }

    fn compare(&mut self) {
        let (before, after) = (self.before, self.after);
        if before.name != after.name {
            self.add(
                ChangeKind::ResourceRenamed {
                    from: before.name.clone(),
                },
                Impact::Schema,
            );
        } else if before.table != after.table {
            self.option("table", &before.table, &after.table, Impact::Schema);
        }
        let fields = self.fields();
        self.uniques(&fields);
        self.indexes(&fields);
        self.relations();
        self.actions();
        self.options();
    }

    /// Compares declared fields; gives the new place of each old field that still exists.
    fn fields(&mut self) -> HashMap<FieldIndex, FieldIndex> {
        let (before, after) = (self.before, self.after);
        let old_names: HashMap<&str, FieldIndex> = before
            .each_field()
            .map(|(index, field)| (field.declared.as_str(), index))
            .collect();
        let new_names: HashSet<&str> = after
            .fields
            .iter()
            .map(|field| field.declared.as_str())
            .collect();
        let mut places = HashMap::new();
        for (index, field) in after.each_field() {
            let same = old_names.get(field.declared.as_str());
            let renamed = || {
                let was = field.was.as_deref()?;
                (!new_names.contains(was))
                    .then(|| old_names.get(was))
                    .flatten()
            };
            match same.or_else(renamed) {
                Some(old) => {
                    places.insert(*old, index);
                    if matches!(field.role, Role::Declared | Role::Platform) {
                        self.field(before.field(*old), field);
                    }
                }
                None => {
                    let kind = ChangeKind::FieldAdded {
                        field: field.name.clone(),
                        without_value: field.required(),
                    };
                    self.add(kind, Impact::Schema);
                }
            }
        }
        for (index, field) in before.each_field() {
            if !places.contains_key(&index) {
                let kind = ChangeKind::FieldRemoved {
                    field: field.name.clone(),
                };
                self.add(kind, Impact::DataLoss);
            }
        }
        // Only what stayed can have changed places.
        let mut stayed: Vec<(FieldIndex, FieldIndex)> =
            places.iter().map(|(old, new)| (*old, *new)).collect();
        stayed.sort();
        if !stayed.is_sorted_by_key(|(_, new)| *new) {
            self.add(ChangeKind::FieldsReordered, Impact::Api);
        }
        places
    }

    fn uniques(&mut self, fields: &HashMap<FieldIndex, FieldIndex>) {
        let (before, after) = (self.before, self.after);
        let moved: Vec<Option<Vec<FieldIndex>>> = before
            .uniques
            .iter()
            .map(|unique| {
                unique
                    .fields
                    .iter()
                    .map(|one| fields.get(one).copied())
                    .collect()
            })
            .collect();
        for unique in &after.uniques {
            let at = moved
                .iter()
                .position(|members| members.as_ref() == Some(&unique.fields));
            match at {
                Some(at) if before.uniques[at].name != unique.name => {
                    let kind = ChangeKind::UniqueRenamed {
                        from: before.uniques[at].name.clone(),
                        name: unique.name.clone(),
                    };
                    self.add(kind, Impact::Schema);
                }
                Some(_) => {}
                None => {
                    let kind = ChangeKind::UniqueAdded {
                        name: unique.name.clone(),
                        fields: names(after, unique.fields.iter().copied()),
                    };
                    self.add(kind, Impact::Schema);
                }
            }
        }
        for (unique, members) in before.uniques.iter().zip(&moved) {
            let stays = members
                .as_ref()
                .is_some_and(|members| after.uniques.iter().any(|one| one.fields == *members));
            if !stays {
                let kind = ChangeKind::UniqueRemoved {
                    name: unique.name.clone(),
                    fields: names(before, unique.fields.iter().copied()),
                };
                self.add(kind, Impact::Schema);
            }
        }
    }

    fn indexes(&mut self, fields: &HashMap<FieldIndex, FieldIndex>) {
        let (before, after) = (self.before, self.after);
        let moved: Vec<Option<Vec<IndexColumn>>> = before
            .indexes
            .iter()
            .map(|index| {
                let moved = |column: &IndexColumn| {
                    let field = *fields.get(&column.field)?;
                    Some(IndexColumn { field, ..*column })
                };
                index.columns.iter().map(moved).collect()
            })
            .collect();
        let members = |resource: &Resource, index: &Index| {
            names(resource, index.columns.iter().map(|column| column.field))
        };
        for index in &after.indexes {
            let at = moved
                .iter()
                .position(|columns| columns.as_ref() == Some(&index.columns));
            match at {
                Some(at) if before.indexes[at].name != index.name => {
                    let kind = ChangeKind::IndexRenamed {
                        from: before.indexes[at].name.clone(),
                        name: index.name.clone(),
                    };
                    self.add(kind, Impact::Schema);
                }
                Some(_) => {}
                None => {
                    let kind = ChangeKind::IndexAdded {
                        name: index.name.clone(),
                        fields: members(after, index),
                    };
                    self.add(kind, Impact::Schema);
                }
            }
        }
        for (index, columns) in before.indexes.iter().zip(&moved) {
            let stays = columns
                .as_ref()
                .is_some_and(|columns| after.indexes.iter().any(|one| one.columns == *columns));
            if !stays {
                let kind = ChangeKind::IndexRemoved {
                    name: index.name.clone(),
                    fields: members(before, index),
                };
                self.add(kind, Impact::Schema);
            }
        }
    }

    /// To-many relations; to-one relations change with their fields.
    fn relations(&mut self) {
        let many = |model: &Model, resource: &Resource| -> Vec<(String, String)> {
            let mut all: Vec<(String, String)> = resource
                .relations
                .iter()
                .filter_map(|relation| match relation.kind {
                    RelationKind::ToMany { by } => {
                        let target = model.resource(relation.target);
                        let leads = format!("{}.{}", target.name, target.field(by).declared);
                        Some((relation.name.clone(), leads))
                    }
                    RelationKind::Through { link, by, to } => {
                        let target = &model.resource(relation.target).name;
                        let link = model.resource(link);
                        let (by, to) = (link.field(by), link.field(to));
                        let leads = format!(
                            "{target} through {}.{} and {}",
                            link.name, by.declared, to.declared
                        );
                        Some((relation.name.clone(), leads))
                    }
                    RelationKind::ToOne { .. } => None,
                })
                .collect();
            all.sort();
            all
        };
        let before = many(self.old, self.before);
        let after = many(self.new, self.after);
        for (name, leads) in &after {
            match before.iter().find(|(known, _)| known == name) {
                None => {
                    let relation = name.clone();
                    self.add(ChangeKind::RelationAdded { relation }, Impact::Api);
                }
                Some((_, from)) if from != leads => {
                    self.option(&format!("many.{name}"), from, leads, Impact::Api);
                }
                Some(_) => {}
            }
        }
        for (name, _) in &before {
            if !after.iter().any(|(known, _)| known == name) {
                let relation = name.clone();
                self.add(ChangeKind::RelationRemoved { relation }, Impact::Api);
            }
        }
    }

    /// Actions by what the canonical definition says of them.
    fn actions(&mut self) {
        let (before, after) = (self.before, self.after);
        if before.actions.is_empty() && after.actions.is_empty() {
            return;
        }
        let all = |model: &Model, resource: &Resource| -> BTreeMap<String, serde_json::Value> {
            let actions = declared(model, resource, "actions");
            let actions = actions.as_object().into_iter().flatten();
            actions
                .map(|(name, action)| (name.clone(), action.clone()))
                .collect()
        };
        let (old, new) = (all(self.old, before), all(self.new, after));
        for (name, declared) in &new {
            let action = name.clone();
            match old.get(name) {
                None => self.add(ChangeKind::ActionAdded { action }, Impact::Api),
                Some(known) if known != declared => {
                    self.add(ChangeKind::ActionChanged { action }, Impact::Api);
                }
                Some(_) => {}
            }
        }
        for name in old.keys().filter(|name| !new.contains_key(*name)) {
            let action = name.clone();
            self.add(ChangeKind::ActionRemoved { action }, Impact::Api);
        }
    }

    fn options(&mut self) {
        let (before, after) = (self.before, self.after);
        let storage = |resource: &Resource| match resource.storage {
            Storage::Table => "table",
            Storage::Platform => "platform",
            Storage::None => "none",
        };
        self.option("storage", storage(before), storage(after), Impact::Schema);
        let tenancy = |resource: &Resource| match resource.tenancy {
            Tenancy::Tenant => "tenant",
            Tenancy::Platform { .. } => "platform",
        };
        // Rows of one tenant do not become everybody's, nor the reverse.
        self.option("tenancy", tenancy(before), tenancy(after), Impact::DataLoss);
        let shared = |resource: &Resource| {
            matches!(resource.tenancy, Tenancy::Platform { shared: true }).to_string()
        };
        self.option("shared", &shared(before), &shared(after), Impact::Api);
        let id = |resource: &Resource| {
            let form = resource.id.form.as_str();
            let client = if resource.id.client {
                " by clients"
            } else {
                ""
            };
            format!("{form}{client}")
        };
        self.option("id", &id(before), &id(after), Impact::Api);
        let search = |resource: &Resource| match &resource.search {
            Some(search) => {
                let fields = names(resource, search.fields.iter().copied());
                let weighed = fields.into_iter().zip(&search.weights);
                let mut words: Vec<String> = weighed
                    .map(|(field, weight)| match weight {
                        1 => field,
                        weight => format!("{field} ×{weight}"),
                    })
                    .collect();
                words.extend(search.fuzzy.then(|| "fuzzy".to_owned()));
                let language = search.analysis.language;
                words.extend(language.map(|language| format!("in {}", language.as_str())));
                let accents = search.analysis.accents;
                words.extend((accents == Accents::Keep).then(|| "with accents".to_owned()));
                words.join(", ")
            }
            None => String::new(),
        };
        let (from, to) = (search(before), search(after));
        self.option("search", &from, &to, Impact::Schema);
        let concurrency = |resource: &Resource| match resource.concurrency {
            crate::Concurrency::None => "none",
            crate::Concurrency::Optimistic => "optimistic",
        };
        let (from, to) = (concurrency(before), concurrency(after));
        self.option("concurrency", from, to, Impact::Api);
        let (from, to) = (before.deletion.as_str(), after.deletion.as_str());
        self.option("delete", from, to, Impact::Api);
        let (from, to) = (before.journal.as_str(), after.journal.as_str());
        self.option("journal", from, to, Impact::Api);
        let lock = |resource: &Resource| match resource.lock {
            Some(field) => resource.field(field).declared.clone(),
            None => String::new(),
        };
        self.option("lock", &lock(before), &lock(after), Impact::Api);
        let versions = |model: &Model, resource: &Resource| match resource.overlays.as_slice() {
            [] => String::new(),
            _ => declared(model, resource, "versions").to_string(),
        };
        let (from, to) = (versions(self.old, before), versions(self.new, after));
        self.option("versions", &from, &to, Impact::Api);
        let operations = |resource: &Resource| {
            let words: Vec<&str> = resource.operations.iter().map(|one| one.as_str()).collect();
            words.join(", ")
        };
        let (from, to) = (operations(before), operations(after));
        self.option("operations", &from, &to, Impact::Api);
        self.option("service", &before.service, &after.service, Impact::Api);
        self.option("title", &before.title, &after.title, Impact::Api);
        let description = |resource: &Resource| resource.description.clone().unwrap_or_default();
        let (from, to) = (description(before), description(after));
        self.option("description", &from, &to, Impact::Api);
    }

    fn option(&mut self, option: &str, from: &str, to: &str, impact: Impact) {
        if from != to {
            let kind = ChangeKind::OptionChanged {
                option: option.to_owned(),
                from: from.to_owned(),
                to: to.to_owned(),
            };
            self.add(kind, impact);
        }
    }
}

/// What the canonical definition says under a key of a resource.
fn declared(model: &Model, resource: &Resource, key: &str) -> serde_json::Value {
    let mut definition = model.definition.to_value();
    definition["resources"][resource.name.as_str()][key].take()
}

fn names(resource: &Resource, fields: impl Iterator<Item = FieldIndex>) -> Vec<String> {
    fields
        .map(|field| resource.field(field).declared.clone())
        .collect()
}
