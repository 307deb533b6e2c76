//! References and the relations that follow from them: who may refer to whom, and the to-many
//! sides.

use super::build::{Draft, Lookup, on_delete};
use crate::declared::{ByDecl, FieldDecl, ManyDecl, ResourceDecl};
use crate::report::Report;
use crate::syntax::Name;
use crate::{
    FieldIndex, FieldType, OnDelete, Relation, RelationIndex, RelationKind, ResourceIndex, Storage,
    Tenancy,
};
use std::collections::HashMap;

/// Checks what a reference may do, given its target.
pub(super) fn check_reference(
    field: &FieldDecl,
    resource: &ResourceDecl,
    lookup: &Lookup<'_>,
    target: ResourceIndex,
    report: &mut Report,
) {
    let to = &lookup.merged.resources[usize::from(target.0)];
    let (from_name, to_name) = (&resource.name.text, &to.name.text);
    let span = match &field.kind {
        Some(crate::declared::TypeDecl::Ref { to, .. }) => to.span,
        _ => field.name.span,
    };
    if to.storage == Storage::Platform {
        report.error(
            span,
            format!("`{to_name}` is a table of the platform and cannot be referred to"),
        );
        return;
    }
    if to.storage == Storage::None {
        report.error_hint(
            span,
            format!("`{to_name}` has no table (`storage: none`) and cannot be referred to"),
            "write `type: ulid`: the id of a record",
        );
        return;
    }
    match (resource.tenancy, to.tenancy) {
        (Tenancy::Platform { .. }, Tenancy::Tenant) => report.error_hint(
            span,
            format!("the platform resource `{from_name}` cannot refer to the tenant resource `{to_name}`"),
            "platform resources refer to platform resources only",
        ),
        (Tenancy::Tenant, Tenancy::Platform { shared: false }) => report.error_hint(
            span,
            format!("the tenant resource `{from_name}` cannot refer to the platform resource `{to_name}`, which is not shared"),
            format!("add `shared: true` to `{to_name}`"),
        ),
        (Tenancy::Platform { shared: true }, Tenancy::Platform { shared: false }) => report.error_hint(
            span,
            format!("the shared resource `{from_name}` cannot refer to `{to_name}`, which is not shared"),
            format!("add `shared: true` to `{to_name}`"),
        ),
        _ => {}
    }
    let Some((on_delete, span)) = on_delete(field) else {
        return;
    };
    if on_delete == OnDelete::SetNull && !field.optional {
        report.error_hint(
            span,
            format!(
                "`onDelete: setNull` needs `{}` to be optional",
                field.name.text
            ),
            "add `optional: true`",
        );
    }
    if on_delete != OnDelete::Restrict
        && resource.tenancy == Tenancy::Tenant
        && to.tenancy != Tenancy::Tenant
    {
        report.error_hint(
            span,
            format!("deleting a record of the platform resource `{to_name}` cannot change the tenants' `{from_name}`"),
            "`restrict` is what works across that border",
        );
    }
}

/// Fills in the relations of every resource: to-one in the order of the fields, then to-many by
/// name.
pub(super) fn relations(drafts: &mut [Draft<'_>], lookup: &Lookup<'_>, report: &mut Report) {
    let all: Vec<Vec<Relation>> = drafts
        .iter()
        .map(|draft| {
            let mut relations: Vec<Relation> = to_one(draft).collect();
            let mut many: Vec<&ManyDecl> = draft.declared.many.iter().collect();
            many.sort_by(|left, right| left.name.text.cmp(&right.name.text));
            for declared in many {
                name_is_free(declared, draft, report);
                relations.extend(to_many(declared, draft, drafts, lookup, report));
            }
            relations
        })
        .collect();
    for (draft, relations) in drafts.iter_mut().zip(all) {
        draft.resource.by_relation = (0..)
            .zip(&relations)
            .map(|(at, relation)| (relation.name.clone(), RelationIndex(at)))
            .collect::<HashMap<_, _>>();
        draft.resource.relations = relations;
    }
}

fn to_one<'a>(draft: &'a Draft<'_>) -> impl Iterator<Item = Relation> + 'a {
    draft
        .resource
        .each_field()
        .filter_map(|(index, field)| match field.kind {
            FieldType::Ref { to, .. } => Some(Relation {
                name: field.declared.clone(),
                target: to,
                kind: RelationKind::ToOne { field: index },
                hidden: false,
            }),
            _ => None,
        })
}

/// An included relation stands in the JSON beside the fields.
fn name_is_free(declared: &ManyDecl, draft: &Draft<'_>, report: &mut Report) {
    let name = declared.name.text.as_str();
    if draft.resource.by_name.contains_key(name) || draft.fields.contains_key(name) {
        report.error_hint(
            declared.name.span,
            format!("the relation `{name}` has the name of a field"),
            "rename one of them",
        );
    }
}

fn to_many(
    declared: &ManyDecl,
    draft: &Draft<'_>,
    drafts: &[Draft<'_>],
    lookup: &Lookup<'_>,
    report: &mut Report,
) -> Option<Relation> {
    let target = lookup.resource(&declared.of, "the relation leads to", report)?;
    let kind = match &declared.by {
        ByDecl::Field(by) => {
            let holder = &drafts[usize::from(target.0)];
            let by = named_reference(by, holder, draft, report)?;
            RelationKind::ToMany { by }
        }
        ByDecl::Through { link, by, to } => {
            let index = lookup.resource(link, "the relation goes through", report)?;
            let holder = &drafts[usize::from(index.0)];
            let other = &drafts[usize::from(target.0)];
            through(declared, (link, holder), (by, draft), (to, other), report)?
        }
    };
    Some(Relation {
        name: declared.name.text.clone(),
        target,
        kind,
        hidden: false,
    })
}

/// The two references of a link resource.
fn through(
    declared: &ManyDecl,
    (link, holder): (&Name, &Draft<'_>),
    (by, own): (&Option<Name>, &Draft<'_>),
    (to, other): (&Option<Name>, &Draft<'_>),
    report: &mut Report,
) -> Option<RelationKind> {
    let name = &holder.resource.name;
    if holder.resource.storage == Storage::Platform {
        report.error(
            link.span,
            format!("`{name}` is a table of the platform and cannot link records"),
        );
        return None;
    }
    let mut choose = |chosen: &Option<Name>, key: &str, side: &Draft<'_>, taken| match chosen {
        Some(chosen) => named_reference(chosen, holder, side, report),
        None => only_reference(link, key, holder, side, taken, report),
    };
    // What is named is not a candidate for the other.
    let place = |name: &Option<Name>| -> Option<FieldIndex> {
        holder.fields.get(name.as_ref()?.text.as_str()).copied()
    };
    let first = choose(by, "by", own, place(to))?;
    let to = choose(to, "to", other, Some(first))?;
    let by = first;
    if by == to {
        report.error_hint(
            declared.name.span,
            format!("`by` and `to` both name the same reference of `{name}`"),
            "a link has two references, one to each side",
        );
        return None;
    }
    let pair = [by, to].map(|field| holder.resource.field(field).declared.as_str());
    let one_per_pair = holder.declared.uniques.iter().any(|unique| {
        unique.fields.len() == 2
            && pair
                .iter()
                .all(|name| unique.fields.iter().any(|field| field.text == *name))
    });
    if !one_per_pair {
        report.error_hint(
            link.span,
            format!("two records of `{name}` may link the same pair"),
            format!("add `unique: [[{}, {}]]` to `{name}`", pair[0], pair[1]),
        );
        return None;
    }
    Some(RelationKind::Through {
        link: holder.resource.index,
        by,
        to,
    })
}

/// The references of `holder` that lead to `side`.
fn references<'d>(
    holder: &'d Draft<'_>,
    side: ResourceIndex,
) -> impl Iterator<Item = (FieldIndex, &'d str)> {
    holder
        .resource
        .each_field()
        .filter(move |(index, field)| {
            matches!(field.kind, FieldType::Ref { to, .. } if to == side)
                && !holder.broken.contains(index)
        })
        .map(|(index, field)| (index, field.declared.as_str()))
}

/// The one reference of a link resource to `side` beside the one that is `taken`.
fn only_reference(
    link: &Name,
    key: &str,
    holder: &Draft<'_>,
    side: &Draft<'_>,
    taken: Option<FieldIndex>,
    report: &mut Report,
) -> Option<FieldIndex> {
    let candidates: Vec<(FieldIndex, &str)> = references(holder, side.resource.index)
        .filter(|(index, _)| Some(*index) != taken)
        .collect();
    let (name, leads) = (&holder.resource.name, &side.resource.name);
    match candidates.as_slice() {
        [(only, _)] => Some(*only),
        [] => {
            if holder.broken.is_empty() {
                report.error_hint(
                    link.span,
                    format!("`{name}` has no reference to `{leads}` left to link by"),
                    format!("add a field `{{ type: ref, to: {leads} }}` to `{name}`"),
                );
            }
            None
        }
        several => {
            let names: Vec<&str> = several.iter().map(|(_, name)| *name).collect();
            report.error_hint(
                link.span,
                format!(
                    "`{name}` refers to `{leads}` more than once: `{}`",
                    names.join("`, `")
                ),
                format!("say with `{key}` which one is meant"),
            );
            None
        }
    }
}

/// The reference of that name of `holder`, which must lead to `side`.
fn named_reference(
    name: &Name,
    holder: &Draft<'_>,
    side: &Draft<'_>,
    report: &mut Report,
) -> Option<FieldIndex> {
    let (own_name, other_name) = (&side.resource.name, &holder.resource.name);
    let by = name.text.as_str();
    let near = || references(holder, side.resource.index).map(|(_, name)| name);
    let Some(index) = holder.fields.get(by).copied() else {
        match near().next() {
            Some(only) if near().count() == 1 => report.error_hint(
                name.span,
                format!("`{other_name}` has no field `{by}`"),
                format!("did you mean `{only}`?"),
            ),
            _ => report.error_near(
                name.span,
                format!("`{other_name}` has no field `{by}`"),
                by,
                holder.declared.field_names(),
            ),
        }
        return None;
    };
    if holder.broken.contains(&index) {
        return None;
    }
    match holder.resource.field(index).kind {
        FieldType::Ref { to, .. } if to == side.resource.index => Some(index),
        FieldType::Ref { .. } => {
            let leads = declared_target(holder, index).unwrap_or_default();
            let message =
                format!("`{by}` of `{other_name}` refers to `{leads}`, not to `{own_name}`");
            match near().next() {
                Some(near) => {
                    report.error_hint(name.span, message, format!("did you mean `{near}`?"))
                }
                None => report.error(name.span, message),
            }
            None
        }
        _ => {
            report.error(
                name.span,
                format!("`{by}` of `{other_name}` is not a reference"),
            );
            None
        }
    }
}

/// The name of the resource that a reference was declared to lead to.
fn declared_target(holder: &Draft<'_>, index: FieldIndex) -> Option<String> {
    let declared = holder
        .declared
        .field(&holder.resource.field(index).declared)?;
    match &declared.kind {
        Some(crate::declared::TypeDecl::Ref { to, .. }) => Some(to.text.clone()),
        _ => None,
    }
}
