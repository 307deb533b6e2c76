//! Actions and the row that logic locks: names that meet, references that lead nowhere.

use super::build::{Draft, Lookup, derived_column};
use super::names;
use crate::declared::{ActionDecl, FieldDecl, OutputDecl, TypeDecl};
use crate::report::Report;
use crate::{Action, ActionOutput, Field, FieldType, Role, Tenancy};
use std::collections::HashMap;

/// Fills in the actions of a resource, by name.
pub(super) fn actions(draft: &mut Draft<'_>, lookup: &Lookup<'_>, report: &mut Report) {
    let mut all: Vec<Action> = Vec::new();
    for declared in &draft.declared.actions {
        name_is_free(declared, draft, report);
        all.push(Action {
            name: declared.name.text.clone(),
            title: declared
                .title
                .clone()
                .unwrap_or_else(|| names::sentence(&declared.name.text)),
            description: declared.description.clone(),
            on: declared.on,
            method: declared.method,
            input: fields(&declared.input, lookup, report),
            output: match &declared.output {
                OutputDecl::None => ActionOutput::None,
                OutputDecl::Record => ActionOutput::Record,
                OutputDecl::Records => ActionOutput::Records,
                OutputDecl::Fields(all) => ActionOutput::Fields(fields(all, lookup, report)),
            },
        });
    }
    all.sort_by(|left, right| left.name.cmp(&right.name));
    draft.resource.actions = all;
}

/// Links stand at `/{id}/{relation}/{target}`: one word must not mean two things behind an id.
fn name_is_free(declared: &ActionDecl, draft: &Draft<'_>, report: &mut Report) {
    let name = &declared.name;
    if draft.resource.by_relation.contains_key(&name.text) {
        report.error_hint(
            name.span,
            format!(
                "the action `{}` has the name of a relation of `{}`",
                name.text, draft.resource.name
            ),
            "choose another name, a verb for example",
        );
    }
}

fn fields(declared: &[FieldDecl], lookup: &Lookup<'_>, report: &mut Report) -> Vec<Field> {
    let mut seen: HashMap<String, &str> = HashMap::new();
    let mut all = Vec::new();
    for one in declared {
        let Some(field) = field(one, lookup, report) else {
            continue;
        };
        if let Some(other) = seen.insert(field.name.clone(), &one.name.text) {
            report.error_hint(
                one.name.span,
                format!(
                    "the fields `{other}` and `{}` are both `{}` in the API",
                    one.name.text, field.name
                ),
                "a reference `x` is `xId` in the API; rename one of them",
            );
        }
        all.push(field);
    }
    all
}

fn field(declared: &FieldDecl, lookup: &Lookup<'_>, report: &mut Report) -> Option<Field> {
    let name = declared.name.text.as_str();
    let kind = match declared.kind.as_ref()? {
        TypeDecl::Plain(kind) => kind.clone(),
        TypeDecl::Ref { to, on_delete, .. } => {
            let target = lookup.resource(to, "the reference leads to", report)?;
            FieldType::Ref {
                to: target,
                on_delete: *on_delete,
                form: lookup.merged.resources[usize::from(target.0)].id.form,
            }
        }
    };
    let is_ref = matches!(kind, FieldType::Ref { .. });
    Some(Field {
        name: if is_ref {
            format!("{name}Id")
        } else {
            name.to_owned()
        },
        canonical: None,
        hidden: false,
        declared: name.to_owned(),
        column: names::fit(derived_column(name, is_ref, false)),
        companion: None,
        search: None,
        kind,
        optional: declared.optional,
        default: declared.default.clone(),
        role: Role::Declared,
        was: None,
        title: declared.title.clone(),
        description: declared.description.clone(),
        example: declared.example.clone(),
    })
}

/// Finds the reference that `lock` names.
pub(super) fn lock(draft: &mut Draft<'_>, tenancies: &[Tenancy], report: &mut Report) {
    let Some(name) = &draft.declared.lock else {
        return;
    };
    let references = |draft: &Draft<'_>| -> Vec<String> {
        let fields = draft.resource.fields.iter();
        fields
            .filter(|field| matches!(field.kind, FieldType::Ref { .. }))
            .map(|field| field.declared.clone())
            .collect()
    };
    let Some(index) = draft.fields.get(name.text.as_str()).copied() else {
        let known = references(draft);
        return report.error_near(
            name.span,
            format!(
                "`lock` names the field `{}`, which does not exist",
                name.text
            ),
            &name.text,
            known.iter().map(String::as_str),
        );
    };
    if draft.broken.contains(&index) {
        return;
    }
    let FieldType::Ref { to, .. } = draft.resource.field(index).kind else {
        return report.error_hint(
            name.span,
            format!("`lock` names `{}`, which is no reference", name.text),
            "name the reference to the record whose parts must fit together",
        );
    };
    let own = matches!(draft.resource.tenancy, Tenancy::Tenant);
    let target = matches!(tenancies[usize::from(to.0)], Tenancy::Tenant);
    if own != target {
        return report.error_hint(
            name.span,
            format!(
                "`lock` names `{}`, which leads to records of the whole deployment",
                name.text
            ),
            "a tenant cannot lock them; name a reference to a record of the tenant",
        );
    }
    draft.resource.lock = Some(index);
}
