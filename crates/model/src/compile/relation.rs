//! References and the relations that follow from them: who may refer to whom, and the to-many
//! sides.

use super::build::{Draft, Lookup, on_delete};
use crate::declared::{FieldDecl, ManyDecl, ResourceDecl};
use crate::report::Report;
use crate::{
    FieldType, OnDelete, Relation, RelationIndex, RelationKind, ResourceIndex, Storage, Tenancy,
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
    let other = &drafts[usize::from(target.0)];
    let (own_name, other_name) = (&draft.resource.name, &other.resource.name);
    let by = declared.by.text.as_str();
    let references = || {
        other
            .resource
            .fields
            .iter()
            .filter_map(|field| match field.kind {
                FieldType::Ref { to, .. } if to == draft.resource.index => {
                    Some(field.declared.as_str())
                }
                _ => None,
            })
    };
    let Some(index) = other.fields.get(by).copied() else {
        match references().next() {
            Some(only) if references().count() == 1 => report.error_hint(
                declared.by.span,
                format!("`{other_name}` has no field `{by}`"),
                format!("did you mean `{only}`?"),
            ),
            _ => report.error_near(
                declared.by.span,
                format!("`{other_name}` has no field `{by}`"),
                by,
                other.declared.field_names(),
            ),
        }
        return None;
    };
    if other.broken.contains(&index) {
        return None;
    }
    match other.resource.field(index).kind {
        FieldType::Ref { to, .. } if to == draft.resource.index => Some(Relation {
            name: declared.name.text.clone(),
            target,
            kind: RelationKind::ToMany { by: index },
        }),
        FieldType::Ref { to, .. } => {
            let leads = &drafts[usize::from(to.0)].resource.name;
            let message =
                format!("`{by}` of `{other_name}` refers to `{leads}`, not to `{own_name}`");
            match references().next() {
                Some(near) => {
                    report.error_hint(declared.by.span, message, format!("did you mean `{near}`?"))
                }
                None => report.error(declared.by.span, message),
            }
            None
        }
        _ => {
            report.error(
                declared.by.span,
                format!("`{by}` of `{other_name}` is not a reference"),
            );
            None
        }
    }
}
