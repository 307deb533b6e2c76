//! Declarations to the model: fields with their columns, then relations, constraints and cycles
//! by their own modules, then the whole.

use super::merge::Merged;
use super::{action, constraint, cycle, names, relation, stored, version};
use crate::declared::{FieldDecl, Grammar, OutputDecl, ResourceDecl, TypeDecl};
use crate::report::Report;
use crate::syntax::Span;
use crate::words;
use crate::{
    Deleted, Deletion, Field, FieldIndex, FieldType, Model, ModelHash, OnDelete, Resource,
    ResourceIndex, Role, Standard, Storage, Tenancy,
};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// How many resources a definition may have.
const MAX_RESOURCES: usize = 4_096;

/// How many fields a resource may have; PostgreSQL keeps at most 1,600 columns.
const MAX_FIELDS: usize = 512;

/// How many to-many relations, unique constraints and indexes a resource may have, each.
const MAX_PARTS: usize = 256;

/// How many fields a resource may search: the index entry of a record is bounded on PostgreSQL.
const MAX_SEARCH: usize = 8;

/// A resource while it is built.
pub(super) struct Draft<'d> {
    pub(super) declared: &'d ResourceDecl,
    pub(super) resource: Resource,
    /// Declared field names.
    pub(super) fields: HashMap<&'d str, FieldIndex>,
    /// Fields whose type was reported: nothing more is said of them.
    pub(super) broken: HashSet<FieldIndex>,
    /// The names of the indexes that references brought.
    pub(super) automatic: HashSet<String>,
}

impl Draft<'_> {
    /// Where the field was declared.
    pub(super) fn span(&self, field: FieldIndex) -> Span {
        let name = &self.resource.field(field).declared;
        self.declared
            .field(name)
            .map_or(self.declared.name.span, |field| field.name.span)
    }
}

/// Names to places, for everything that refers to a resource.
pub(super) struct Lookup<'d> {
    pub(super) merged: &'d Merged,
    by_name: HashMap<&'d str, ResourceIndex>,
}

impl Lookup<'_> {
    /// The resource of that name; a missing one is reported as `what`.
    pub(super) fn resource(
        &self,
        name: &crate::syntax::Name,
        what: &str,
        report: &mut Report,
    ) -> Option<ResourceIndex> {
        if let Some(index) = self.by_name.get(name.text.as_str()) {
            return Some(*index);
        }
        if let Some(set) = self.merged.untaken.get(&name.text) {
            report.error_hint(
                name.span,
                format!("{what} `{}`, which is shipped but not taken", name.text),
                format!("add `use: [{set}]` to the root file"),
            );
        } else if self.merged.complete {
            report.error_near(
                name.span,
                format!("{what} `{}`, which does not exist", name.text),
                &name.text,
                self.by_name.keys().copied(),
            );
        }
        None
    }
}

/// The model, or nothing where even the number of resources makes no sense. Usable only when
/// nothing was reported.
pub(super) fn build(merged: &Merged, report: &mut Report) -> Option<Model> {
    let resources = &merged.resources;
    if !within_limits(resources, report) {
        return None;
    }
    let lookup = Lookup {
        merged,
        by_name: (0..)
            .zip(resources)
            .map(|(at, resource)| (resource.name.text.as_str(), ResourceIndex(at)))
            .collect(),
    };
    let mut drafts: Vec<Draft<'_>> = (0..)
        .zip(resources)
        .map(|(at, declared)| draft(ResourceIndex(at), declared, &lookup, report))
        .collect();
    tables(&drafts, report);
    renames(&drafts, report);
    relation::relations(&mut drafts, &lookup, report);
    let tenancies: Vec<Tenancy> = drafts.iter().map(|one| one.resource.tenancy).collect();
    for draft in &mut drafts {
        constraint::constraints(draft, report);
        constraint::search(draft, report);
        action::actions(draft, &lookup, report);
        action::lock(draft, &tenancies, report);
        version::overlays(draft, &merged.versions, report);
    }
    cycle::cycles(&drafts, report);
    if report.errors() > 0 {
        return None;
    }
    let definition = stored::write(&drafts, &merged.versions);
    let hash = ModelHash(Sha256::digest(definition.as_str().as_bytes()).into());
    let resources: Vec<Arc<Resource>> = drafts
        .into_iter()
        .map(|draft| Arc::new(draft.resource))
        .collect();
    let mut referenced_by = vec![Vec::new(); resources.len()];
    for resource in &resources {
        for (index, field) in resource.each_field() {
            if let FieldType::Ref { to, .. } = field.kind {
                referenced_by[usize::from(to.0)].push((resource.index, index));
            }
        }
    }
    Some(Model {
        by_name: resources
            .iter()
            .map(|resource| (resource.name.clone(), resource.index))
            .collect(),
        resources,
        versions: merged.versions.clone(),
        definition,
        hash,
        referenced_by,
    })
}

/// Whether the numbers of things are such that the rest can be looked at.
fn within_limits(resources: &[ResourceDecl], report: &mut Report) -> bool {
    let errors = report.errors();
    let mut limit = |span: Span, count: usize, most: usize, what: &str| {
        if count > most {
            report.error(
                span,
                format!("{count} {what} are more than there may be: {most}"),
            );
        }
    };
    if let Some(extra) = resources.get(MAX_RESOURCES) {
        limit(extra.name.span, resources.len(), MAX_RESOURCES, "resources");
    }
    for resource in resources {
        let span = resource.name.span;
        limit(span, resource.fields.len(), MAX_FIELDS, "fields");
        limit(span, resource.many.len(), MAX_PARTS, "to-many relations");
        limit(
            span,
            resource.uniques.len(),
            MAX_PARTS,
            "unique constraints",
        );
        limit(span, resource.indexes.len(), MAX_PARTS, "indexes");
        limit(
            span,
            resource.search.fields.len(),
            MAX_SEARCH,
            "searched fields",
        );
        limit(span, resource.actions.len(), MAX_PARTS, "actions");
        for action in &resource.actions {
            let span = action.name.span;
            limit(span, action.input.len(), MAX_FIELDS, "fields");
            if let OutputDecl::Fields(fields) = &action.output {
                limit(span, fields.len(), MAX_FIELDS, "fields");
            }
        }
    }
    report.errors() == errors
}

fn draft<'d>(
    index: ResourceIndex,
    declared: &'d ResourceDecl,
    lookup: &Lookup<'_>,
    report: &mut Report,
) -> Draft<'d> {
    let name = declared.name.text.as_str();
    let stored = declared.storage == Storage::Table;
    let mut fields = Vec::with_capacity(declared.fields.len() + 6);
    if declared.storage != Storage::Platform {
        fields.push(standard("id", FieldType::Id(declared.id.form), Role::Id));
    }
    let mut by_declared = HashMap::new();
    let mut broken = HashSet::new();
    for field in &declared.fields {
        let at = FieldIndex(fields.len() as u16);
        by_declared.insert(field.name.text.as_str(), at);
        match self::field(field, declared, lookup, report) {
            Some(field) => fields.push(field),
            None => {
                broken.insert(at);
                fields.push(Field {
                    declared: field.name.text.clone(),
                    column: names::fit(names::snake_case(&field.name.text)),
                    ..standard(&field.name.text, FieldType::Boolean, Role::Declared)
                });
            }
        }
    }
    let next = fields.len() as u16;
    if stored {
        fields.push(standard(
            "version",
            FieldType::Integer {
                min: None,
                max: None,
            },
            Role::Version,
        ));
        fields.push(standard("createdAt", FieldType::DateTime, Role::CreatedAt));
        fields.push(standard("updatedAt", FieldType::DateTime, Role::UpdatedAt));
        fields.push(standard("createdBy", FieldType::Principal, Role::CreatedBy));
        fields.push(standard("updatedBy", FieldType::Principal, Role::UpdatedBy));
    }
    let soft = stored && declared.deletion == Deletion::Soft;
    if soft {
        fields.push(Field {
            optional: true,
            ..standard("deletedAt", FieldType::DateTime, Role::DeletedAt)
        });
        fields.push(standard("deletedBy", FieldType::Principal, Role::DeletedBy));
    }
    let table = match (&declared.table, declared.grammar) {
        (Some(table), _) => table.clone(),
        (None, Grammar::Shipped) => names::fit(format!("carnet_{}", names::snake_case(name))),
        (None, _) => names::fit(names::snake_case(name)),
    };
    let key = match &declared.key {
        Some(key) => by_declared
            .get(key.text.as_str())
            .copied()
            .unwrap_or_else(|| {
                report.error_near(
                    key.span,
                    format!("`key` names the field `{}`, which does not exist", key.text),
                    &key.text,
                    declared.field_names(),
                );
                FieldIndex(0)
            }),
        None => FieldIndex(0),
    };
    let resource = Resource {
        index,
        hidden: false,
        overlays: Vec::new(),
        name: name.to_owned(),
        service: declared.service.clone().unwrap_or_else(|| "app".to_owned()),
        title: declared.title.clone().unwrap_or_else(|| names::title(name)),
        description: declared.description.clone(),
        table,
        was: declared.was.as_ref().map(|was| was.text.clone()),
        tenancy: declared.tenancy,
        storage: declared.storage,
        id: declared.id,
        concurrency: declared.concurrency,
        deletion: declared.deletion,
        journal: declared.journal,
        operations: declared.operations,
        by_name: (0..)
            .zip(&fields)
            .map(|(at, field)| (field.name.clone(), FieldIndex(at)))
            .collect(),
        fields,
        relations: Vec::new(),
        uniques: Vec::new(),
        indexes: Vec::new(),
        search: None,
        actions: Vec::new(),
        lock: None,
        key,
        standard: stored.then_some(Standard {
            version: FieldIndex(next),
            created_at: FieldIndex(next + 1),
            updated_at: FieldIndex(next + 2),
            created_by: FieldIndex(next + 3),
            updated_by: FieldIndex(next + 4),
            deleted: soft.then_some(Deleted {
                at: FieldIndex(next + 5),
                by: FieldIndex(next + 6),
            }),
        }),
        by_relation: HashMap::new(),
    };
    let draft = Draft {
        declared,
        resource,
        fields: by_declared,
        broken,
        automatic: HashSet::new(),
    };
    columns(&draft, report);
    draft
}

fn standard(name: &str, kind: FieldType, role: Role) -> Field {
    Field {
        name: name.to_owned(),
        canonical: None,
        hidden: false,
        declared: name.to_owned(),
        column: names::snake_case(name),
        companion: None,
        search: None,
        optional: matches!(kind, FieldType::Principal),
        kind,
        default: None,
        role,
        was: None,
        title: None,
        description: None,
        example: None,
    }
}

/// A declared field; nothing when its type was or is now reported.
fn field(
    declared: &FieldDecl,
    resource: &ResourceDecl,
    lookup: &Lookup<'_>,
    report: &mut Report,
) -> Option<Field> {
    let name = declared.name.text.as_str();
    let kind = match declared.kind.as_ref()? {
        TypeDecl::Plain(kind) => kind.clone(),
        TypeDecl::Ref { to, on_delete, .. } => {
            let target = lookup.resource(to, "the reference leads to", report)?;
            relation::check_reference(declared, resource, lookup, target, report);
            FieldType::Ref {
                to: target,
                on_delete: *on_delete,
                form: lookup.merged.resources[usize::from(target.0)].id.form,
            }
        }
    };
    let is_ref = matches!(kind, FieldType::Ref { .. });
    let column = match &declared.column {
        Some(column) => column.clone(),
        None => {
            let stem = derived_column(name, is_ref, declared.extended);
            if matches!(kind, FieldType::Principal) {
                names::fit_within(stem, names::MAX_IDENTIFIER - "_kind".len())
            } else {
                names::fit(stem)
            }
        }
    };
    Some(Field {
        name: if is_ref {
            format!("{name}Id")
        } else {
            name.to_owned()
        },
        canonical: None,
        hidden: false,
        declared: name.to_owned(),
        companion: declared
            .caseless
            .then(|| names::fit(format!("{column}_key"))),
        search: resource
            .search
            .fields
            .iter()
            .any(|one| one.text == name)
            .then(|| names::fit(format!("{column}_search"))),
        column,
        kind,
        optional: declared.optional,
        default: declared.default.clone(),
        role: match resource.storage {
            Storage::Table | Storage::None => Role::Declared,
            Storage::Platform => Role::Platform,
        },
        was: declared.was.as_ref().map(|was| was.text.clone()),
        title: declared.title.clone(),
        description: declared.description.clone(),
        example: declared.example.clone(),
    })
}

/// The column that follows from a name, not yet fitted.
pub(super) fn derived_column(name: &str, is_ref: bool, extended: bool) -> String {
    let snake = names::snake_case(name);
    let prefix = if extended { "x_" } else { "" };
    let suffix = if is_ref { "_id" } else { "" };
    format!("{prefix}{snake}{suffix}")
}

/// The columns of a field.
pub(super) fn columns_of(field: &Field) -> Vec<String> {
    match field.kind {
        FieldType::Principal => vec![
            format!("{}_kind", field.column),
            format!("{}_id", field.column),
        ],
        _ => [
            Some(field.column.clone()),
            field.companion.clone(),
            field.search.clone(),
        ]
        .into_iter()
        .flatten()
        .collect(),
    }
}

/// Reports names of one resource that meet: columns, and keys of the JSON.
fn columns(draft: &Draft<'_>, report: &mut Report) {
    let mut columns: HashMap<String, &str> = HashMap::from([("tenant".to_owned(), "tenant")]);
    let mut keys: HashMap<&str, &str> = HashMap::new();
    let fields: Vec<&Field> = draft.resource.fields.iter().collect();
    // Standard fields first: it is the declared one that has to give way.
    let declared = |field: &&&Field| matches!(field.role, Role::Declared | Role::Platform);
    let ordered = fields
        .iter()
        .filter(|field| !declared(field))
        .chain(fields.iter().filter(declared));
    for field in ordered {
        let span = || {
            draft
                .declared
                .field(&field.declared)
                .map_or(draft.declared.name.span, |field| field.name.span)
        };
        // A field with a reserved name was reported as such.
        let reserved = declared(&field)
            && field.role == Role::Declared
            && words::RESERVED_FIELDS.contains(&field.declared.as_str());
        if reserved {
            continue;
        }
        if let Some(other) = keys.insert(&field.name, &field.declared) {
            report.error_hint(
                span(),
                format!(
                    "the fields `{other}` and `{}` are both `{}` in the API",
                    field.declared, field.name
                ),
                "a reference `x` is `xId` in the API; rename one of them",
            );
            continue;
        }
        for column in columns_of(field) {
            if words::RESERVED_COLUMNS.contains(&column.as_str()) && declared(&field) {
                report.error_hint(
                    span(),
                    format!("the field `{}` would have the column `{column}`, which databases keep for themselves", field.declared),
                    "choose another name",
                );
            }
            match columns.get(&column) {
                Some(other)
                    if *other == "tenant" && draft.resource.storage == Storage::Platform => {}
                Some(other) => {
                    let companion = |name: &str| {
                        let field = fields.iter().find(|field| field.declared == name);
                        field.is_some_and(|field| field.companion.as_ref() == Some(&column))
                    };
                    let searched = |name: &str| {
                        let field = fields.iter().find(|field| field.declared == name);
                        field.is_some_and(|field| field.search.as_ref() == Some(&column))
                    };
                    let names = [*other, field.declared.as_str()];
                    let owner = names.into_iter().find(|name| companion(name));
                    let search = names.into_iter().find(|name| searched(name));
                    let hint = match owner {
                        None if search.is_some() => format!(
                            "`{}` is searched and needs that column for its words; rename one of them",
                            search.unwrap_or_default()
                        ),
                        Some(owner) => format!(
                            "`{owner}` is caseless and needs that column to be compared; rename one of them"
                        ),
                        None => "rename one of them".to_owned(),
                    };
                    report.error_hint(
                        span(),
                        format!(
                            "the fields `{other}` and `{}` both have the column `{column}`",
                            field.declared
                        ),
                        hint,
                    );
                }
                None => {
                    columns.insert(column, &field.declared);
                }
            }
        }
    }
}

/// Reports resources that meet in one table.
fn tables(drafts: &[Draft<'_>], report: &mut Report) {
    let mut tables: BTreeMap<&str, &str> = BTreeMap::new();
    for draft in drafts {
        let name = draft.resource.name.as_str();
        match tables.get(draft.resource.table.as_str()) {
            Some(other) => report.error_hint(
                draft.declared.name.span,
                format!(
                    "the resources `{other}` and `{name}` both have the table `{}`",
                    draft.resource.table
                ),
                "rename one of them",
            ),
            None => {
                tables.insert(&draft.resource.table, name);
            }
        }
    }
}

/// Checks every `was`.
fn renames(drafts: &[Draft<'_>], report: &mut Report) {
    let resources: HashSet<&str> = drafts
        .iter()
        .map(|draft| draft.resource.name.as_str())
        .collect();
    let all = drafts
        .iter()
        .map(|draft| (&draft.declared.name, draft.declared.was.as_ref()));
    rename(all, &resources, "resource", report);
    for draft in drafts {
        let fields: HashSet<&str> = draft.declared.field_names().collect();
        let all = draft
            .declared
            .fields
            .iter()
            .map(|field| (&field.name, field.was.as_ref()));
        rename(all, &fields, "field", report);
    }
}

fn rename<'d>(
    all: impl Iterator<Item = (&'d crate::syntax::Name, Option<&'d crate::syntax::Name>)>,
    existing: &HashSet<&str>,
    what: &str,
    report: &mut Report,
) {
    let mut seen: HashMap<&str, &str> = HashMap::new();
    for (name, was) in all {
        let Some(was) = was else { continue };
        if was.text == name.text {
            report.warning(
                was.span,
                format!("`was` is the {what}'s present name"),
                "leave it out",
            );
        } else if existing.contains(was.text.as_str()) {
            report.error_hint(
                was.span,
                format!("`was` names the {what} `{}`, which still exists", was.text),
                "`was` is for a name that is no longer there",
            );
        } else if let Some(other) = seen.insert(&was.text, &name.text) {
            report.error(
                was.span,
                format!(
                    "the {what}s `{other}` and `{}` cannot both have been `{}`",
                    name.text, was.text
                ),
            );
        }
    }
}

/// What a reference does when its target goes, for checks elsewhere.
pub(super) fn on_delete(field: &FieldDecl) -> Option<(OnDelete, Span)> {
    match field.kind.as_ref()? {
        TypeDecl::Ref {
            on_delete,
            on_delete_span,
            ..
        } => Some((*on_delete, *on_delete_span)),
        TypeDecl::Plain(_) => None,
    }
}
