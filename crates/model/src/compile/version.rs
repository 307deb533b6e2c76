//! What versions of the API say of resources: names looked up, meetings of names reported, defaults
//! read under their types.

use super::build::Draft;
use crate::declared::OverlayDecl;
use crate::read::Reader;
use crate::report::Report;
use crate::syntax::Name;
use crate::words;
use crate::{
    Field, FieldIndex, FieldOverlay, FieldType, Overlay, RelationIndex, RelationKind,
    RelationOverlay, Version,
};
use carnet_kernel::ApiVersion;
use std::collections::{BTreeMap, HashMap};

/// Fills in the overlays of a resource, the oldest version first.
pub(super) fn overlays(draft: &mut Draft<'_>, versions: &[Version], report: &mut Report) {
    let mut all: Vec<Overlay> = Vec::new();
    for declared in &draft.declared.versions {
        let Some(version) = served(&declared.version, versions, report) else {
            continue;
        };
        let errors = report.errors();
        let overlay = overlay(draft, version, declared, report);
        // What could not be read may be what makes names meet.
        if report.errors() == errors {
            check(draft, declared, &overlay, report);
        }
        all.push(overlay);
    }
    all.sort_by_key(|overlay| overlay.version);
    draft.resource.overlays = all;
}

/// The version of that name, if it is served and not the newest.
fn served(name: &Name, versions: &[Version], report: &mut Report) -> Option<ApiVersion> {
    let version = ApiVersion::parse(&name.text);
    let known = |version: ApiVersion| versions.iter().any(|one| one.number == version);
    let names: Vec<String> = versions.iter().map(|one| one.number.to_string()).collect();
    let Some(version) = version.filter(|version| known(*version)) else {
        report.error_hint(
            name.span,
            format!("there is no version `{}`", name.text),
            format!(
                "the key `versions` of the root file names them; now: {}",
                names.join(", ")
            ),
        );
        return None;
    };
    if versions
        .last()
        .is_some_and(|newest| newest.number == version)
    {
        report.error_hint(
            name.span,
            format!("`{version}` is the newest version: it shows the resource as it is declared"),
            "change the resource itself, or add a newer version",
        );
        return None;
    }
    Some(version)
}

/// What a name of the resource stands for.
enum Part {
    Field(FieldIndex),
    Relation(RelationIndex),
}

fn overlay(
    draft: &Draft<'_>,
    version: ApiVersion,
    declared: &OverlayDecl,
    report: &mut Report,
) -> Overlay {
    let mut fields: BTreeMap<FieldIndex, FieldOverlay> = BTreeMap::new();
    let mut relations: BTreeMap<RelationIndex, RelationOverlay> = BTreeMap::new();
    let field = |index: FieldIndex| FieldOverlay {
        field: index,
        name: None,
        hidden: false,
        default: None,
    };
    let relation = |index: RelationIndex| RelationOverlay {
        relation: index,
        name: None,
        hidden: false,
    };
    for (name, new) in &declared.rename {
        match part(draft, name, "rename", report) {
            Some(Part::Field(index)) => {
                let one = fields.entry(index).or_insert_with(|| field(index));
                one.name = Some(new.text.clone());
            }
            Some(Part::Relation(index)) => {
                let one = relations.entry(index).or_insert_with(|| relation(index));
                one.name = Some(new.text.clone());
            }
            None => {}
        }
    }
    for name in &declared.hide {
        let renamed = match part(draft, name, "hide", report) {
            Some(Part::Field(index)) => {
                let one = fields.entry(index).or_insert_with(|| field(index));
                one.hidden = true;
                one.name.is_some()
            }
            Some(Part::Relation(index)) => {
                let one = relations.entry(index).or_insert_with(|| relation(index));
                one.hidden = true;
                one.name.is_some()
            }
            None => false,
        };
        if renamed {
            report.error_hint(
                name.span,
                format!("`{}` is hidden and renamed in `{version}`", name.text),
                "what is hidden has no name; leave one of them out",
            );
        }
    }
    for (name, node) in &declared.default {
        let index = match part(draft, name, "default", report) {
            Some(Part::Field(index)) => index,
            Some(Part::Relation(_)) => {
                report.error(name.span, "a relation has no default");
                continue;
            }
            None => continue,
        };
        if draft.broken.contains(&index) {
            continue;
        }
        let kind = draft.resource.field(index).kind.clone();
        if matches!(kind, FieldType::Ref { .. }) {
            report.error(
                name.span,
                "a reference has no default: which records exist is not known here",
            );
            continue;
        }
        let mut reader = Reader {
            report,
            grammar: draft.declared.grammar,
        };
        let what = format!("the default of `{}` in `{version}`", name.text);
        if let Some(value) = reader.value(node, &kind, &what) {
            let one = fields.entry(index).or_insert_with(|| field(index));
            one.default = Some(value);
        }
    }
    Overlay {
        version,
        hidden: declared.hidden.is_some(),
        fields: fields.into_values().collect(),
        relations: relations.into_values().collect(),
    }
}

/// What `name` stands for; a name that is not there is reported as one in `key`.
fn part(draft: &Draft<'_>, name: &Name, key: &str, report: &mut Report) -> Option<Part> {
    let text = name.text.as_str();
    if let Some(index) = draft.fields.get(text) {
        return Some(Part::Field(*index));
    }
    if let Some(index) = draft.resource.by_relation.get(text) {
        return Some(Part::Relation(*index));
    }
    if draft.resource.by_name.contains_key(text) {
        let reference = text
            .strip_suffix("Id")
            .filter(|stem| draft.fields.contains_key(stem));
        match reference {
            Some(stem) => report.error_hint(
                name.span,
                format!("`{key}` names `{text}`, which is a reference"),
                format!("write `{stem}`, as the resource does"),
            ),
            None => report.error(
                name.span,
                format!("`{key}` names `{text}`, which every record has in every version"),
            ),
        }
        return None;
    }
    let known = draft
        .fields
        .keys()
        .copied()
        .chain(draft.resource.by_relation.keys().map(String::as_str));
    report.error_near(
        name.span,
        format!(
            "`{key}` names `{text}`, which `{}` does not have",
            draft.resource.name
        ),
        text,
        known,
    );
    None
}

/// Reports what does not go together in the version as a whole.
fn check(draft: &Draft<'_>, declared: &OverlayDecl, overlay: &Overlay, report: &mut Report) {
    if overlay.hidden {
        return;
    }
    let resource = &draft.resource;
    let said = |index: FieldIndex| overlay.fields.iter().find(|one| one.field == index);
    let span = |new: &str| {
        let mut renames = declared.rename.iter();
        let found = renames.find(|(_, name)| name.text == new);
        found.map_or(declared.version.span, |(_, name)| name.span)
    };
    let mut names: HashMap<String, String> = HashMap::new();
    let mut take = |name: String, own: &str, new: Option<&str>, report: &mut Report| {
        if let Some(other) = names.insert(name.clone(), own.to_owned()) {
            report.error_hint(
                span(new.unwrap_or(&name)),
                format!(
                    "`{other}` and `{own}` are both `{name}` in `{}`",
                    overlay.version
                ),
                "give one of them another name, or hide it",
            );
        }
    };
    for (index, field) in resource.each_field() {
        let one = said(index);
        if one.is_some_and(|one| one.hidden) {
            needs_value(draft, field, one, declared, report);
            if resource.lock == Some(index) {
                report.error(
                    declared.version.span,
                    format!(
                        "`{}` is what `lock` names: logic of every version must see it",
                        field.declared
                    ),
                );
            }
            continue;
        }
        let new = one.and_then(|one| one.name.as_deref());
        let is_ref = matches!(field.kind, FieldType::Ref { .. });
        let name = match (new, is_ref) {
            (None, _) => field.name.clone(),
            (Some(new), true) => format!("{new}Id"),
            (Some(new), false) => new.to_owned(),
        };
        if let Some(new) = new.filter(|new| words::RESERVED_FIELDS.contains(new)) {
            report.error(
                span(new),
                format!("the name `{new}` is reserved: every record has it"),
            );
        }
        take(name, &field.declared, new, report);
        if is_ref {
            let name = new.unwrap_or(&field.declared).to_owned();
            take(name, &field.declared, new, report);
        }
    }
    for (at, relation) in (0..).zip(&resource.relations) {
        if matches!(relation.kind, RelationKind::ToOne { .. }) {
            continue;
        }
        let mut relations = overlay.relations.iter();
        let one = relations.find(|one| one.relation == RelationIndex(at));
        if one.is_some_and(|one| one.hidden) {
            continue;
        }
        let new = one.and_then(|one| one.name.as_deref());
        let name = new.unwrap_or(&relation.name).to_owned();
        take(name, &relation.name, new, report);
    }
}

/// A record that the version makes must have all that is required.
fn needs_value(
    draft: &Draft<'_>,
    field: &Field,
    said: Option<&FieldOverlay>,
    declared: &OverlayDecl,
    report: &mut Report,
) {
    let makes = draft.resource.operations.contains(crate::Operation::Create);
    let has_default = said.is_some_and(|one| one.default.is_some());
    if !makes || !field.required() || has_default {
        return;
    }
    let mut hidden = declared.hide.iter();
    let span = hidden
        .find(|name| name.text == field.declared)
        .map_or(declared.version.span, |name| name.span);
    report.error_hint(
        span,
        format!(
            "`{}` is required, so `{}` cannot make a record without it",
            field.declared, declared.version.text
        ),
        "give it a `default` there, or make it optional",
    );
}
