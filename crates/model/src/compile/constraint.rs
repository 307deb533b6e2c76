//! Unique constraints and indexes: their members, sizes and names, and the indexes that
//! references bring.

use super::build::Draft;
use super::names::{self, MAX_IDENTIFIER};
use crate::declared::IndexDecl;
use crate::report::Report;
use crate::syntax::{Name, Span};
use crate::{Field, FieldIndex, FieldType, Index, IndexColumn, Role, Search, Unique};

/// The longest text that may be a member, in code points.
const MAX_TEXT: u32 = 600;

/// The most bytes the members may have together; a B-tree entry of PostgreSQL holds 2,704.
const MAX_BYTES: u32 = 2_400;

/// How many different weights a search may have: PostgreSQL knows four.
const MAX_WEIGHTS: usize = 4;

/// What the fields go into, for messages and rules.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Unique,
    Index,
    Search,
}

/// Fills in the constraints and indexes of a resource, sorted by name.
pub(super) fn constraints(draft: &mut Draft<'_>, report: &mut Report) {
    let mut uniques = uniques(draft, report);
    let mut indexes = indexes(draft, &uniques, report);
    draft.automatic = automatic(draft, &uniques, &mut indexes, report);
    uniques.sort_by(|left, right| left.0.name.cmp(&right.0.name));
    indexes.sort_by(|left, right| left.0.name.cmp(&right.0.name));
    draft.resource.uniques = uniques.into_iter().map(|(unique, _)| unique).collect();
    draft.resource.indexes = indexes.into_iter().map(|(index, _)| index).collect();
}

/// Fills in what is searched.
pub(super) fn search(draft: &mut Draft<'_>, report: &mut Report) {
    let declared = draft.declared;
    let mut fields: Vec<FieldIndex> = Vec::new();
    for name in &declared.search.fields {
        let Some(index) = member(draft, name, Place::Search, report) else {
            continue;
        };
        if fields.contains(&index) {
            report.error(name.span, format!("`{}` stands twice", name.text));
            continue;
        }
        let field = draft.resource.field(index);
        let is_text = matches!(
            field.kind,
            FieldType::Text { .. } | FieldType::Email { .. } | FieldType::Url { .. }
        );
        if !is_text && !draft.broken.contains(&index) {
            report.error_hint(
                name.span,
                format!(
                    "`{}` has the type `{}` and cannot be searched",
                    field.declared,
                    field.kind.word()
                ),
                "`search` looks in `text`, `email` and `url` fields",
            );
        }
        fields.push(index);
    }
    let weights = weights(draft, &fields, report);
    if !fields.is_empty() {
        draft.resource.search = Some(Search {
            index: names::fit(format!("{}__search", draft.resource.table)),
            fields,
            fuzzy: declared.search.fuzzy,
            analysis: declared.search.analysis,
            weights,
        });
    }
}

/// How much each searched field counts.
fn weights(draft: &Draft<'_>, fields: &[FieldIndex], report: &mut Report) -> Vec<u8> {
    let declared = &draft.declared.search;
    let mut weights = vec![1_u8; fields.len()];
    for (name, weight) in &declared.weights {
        let index = draft.fields.get(name.text.as_str());
        let place = fields.iter().position(|field| Some(field) == index);
        match place.and_then(|place| weights.get_mut(place)) {
            Some(own) => *own = *weight,
            None => report.error_near(
                name.span,
                format!("the weight is of `{}`, which is not searched", name.text),
                &name.text,
                declared.fields.iter().map(|field| field.text.as_str()),
            ),
        }
    }
    let sizes: std::collections::BTreeSet<u8> = weights.iter().copied().collect();
    if let (true, Some((name, _))) = (sizes.len() > MAX_WEIGHTS, declared.weights.first()) {
        report.error_hint(
            name.span,
            format!(
                "the searched fields have {} different weights; {MAX_WEIGHTS} is the most",
                sizes.len()
            ),
            "a field without a weight has 1",
        );
    }
    weights
}

fn uniques(draft: &Draft<'_>, report: &mut Report) -> Vec<(Unique, Span)> {
    let mut wanted: Vec<(Vec<FieldIndex>, Span)> = Vec::new();
    for field in &draft.declared.fields {
        if let (Some(span), Some(index)) =
            (field.unique, draft.fields.get(field.name.text.as_str()))
        {
            check_member(draft, *index, span, Place::Unique, report);
            wanted.push((vec![*index], span));
        }
    }
    for declared in &draft.declared.uniques {
        if let Some(fields) = members(draft, declared.fields.iter(), Place::Unique, report) {
            wanted.push((fields, declared.span));
        }
    }
    let mut uniques: Vec<(Unique, Span)> = Vec::new();
    for (fields, span) in wanted {
        size(draft, &fields, span, report);
        let same = |known: &Unique| {
            known.fields.len() == fields.len()
                && fields.iter().all(|field| known.fields.contains(field))
        };
        if uniques.iter().any(|(known, _)| same(known)) {
            report.error_hint(
                span,
                "this unique constraint is declared twice",
                "leave one of them out",
            );
            continue;
        }
        uniques.push((
            Unique {
                name: unique_name(draft, &fields),
                fields,
            },
            span,
        ));
    }
    for (unique, span) in &uniques {
        let implied = uniques.iter().find(|(other, _)| {
            other.fields.len() < unique.fields.len()
                && other
                    .fields
                    .iter()
                    .all(|field| unique.fields.contains(field))
        });
        if let Some((other, _)) = implied {
            report.warning(
                *span,
                format!(
                    "this always holds, because {} is unique",
                    list(draft, other.fields.iter().copied())
                ),
                "leave it out",
            );
        }
    }
    uniques
}

fn indexes(
    draft: &Draft<'_>,
    uniques: &[(Unique, Span)],
    report: &mut Report,
) -> Vec<(Index, Span)> {
    let mut indexes: Vec<(Index, Span)> = Vec::new();
    for declared in &draft.declared.indexes {
        let Some(index) = index(draft, declared, report) else {
            continue;
        };
        if indexes
            .iter()
            .any(|(known, _)| known.columns == index.columns)
        {
            report.error_hint(
                declared.span,
                "this index is declared twice",
                "leave one of them out",
            );
            continue;
        }
        indexes.push((index, declared.span));
    }
    for (index, span) in &indexes {
        let by_index = indexes
            .iter()
            .map(|(other, _)| other.columns.clone())
            .find(|other| other.len() > index.columns.len() && starts(other, &index.columns));
        let by_unique = uniques
            .iter()
            .map(|(unique, _)| ascending(&unique.fields))
            .find(|other| starts(other, &index.columns));
        if let Some(other) = by_index.or(by_unique) {
            report.warning(
                *span,
                format!(
                    "this index adds nothing: the one of {} begins with the same fields",
                    list(draft, other.iter().map(|column| column.field))
                ),
                "leave it out",
            );
        }
    }
    indexes
}

fn ascending(fields: &[FieldIndex]) -> Vec<IndexColumn> {
    fields
        .iter()
        .map(|field| IndexColumn {
            field: *field,
            descending: false,
        })
        .collect()
}

/// Whether `long` begins with `short`. An index is read both ways, so that the direction of a
/// single column does not matter.
fn starts(long: &[IndexColumn], short: &[IndexColumn]) -> bool {
    match (long, short) {
        ([first, ..], [only]) => first.field == only.field,
        _ => long.starts_with(short),
    }
}

fn index(draft: &Draft<'_>, declared: &IndexDecl, report: &mut Report) -> Option<Index> {
    let names = declared.columns.iter().map(|(name, _)| name);
    let fields = members(draft, names, Place::Index, report)?;
    size(draft, &fields, declared.span, report);
    let columns: Vec<IndexColumn> = fields
        .iter()
        .zip(&declared.columns)
        .map(|(field, (_, descending))| IndexColumn {
            field: *field,
            descending: *descending,
        })
        .collect();
    Some(Index {
        name: index_name(draft, &columns),
        columns,
    })
}

/// Adds an index for every reference that nothing else begins with: deletes, includes and
/// cascades look for its rows. Gives the names of those that would be there anyway.
fn automatic(
    draft: &Draft<'_>,
    uniques: &[(Unique, Span)],
    indexes: &mut Vec<(Index, Span)>,
    report: &mut Report,
) -> std::collections::HashSet<String> {
    let mut names = std::collections::HashSet::new();
    for (at, field) in draft.resource.each_field() {
        if !matches!(field.kind, FieldType::Ref { .. }) {
            continue;
        }
        let by_unique = uniques
            .iter()
            .any(|(unique, _)| unique.fields.first() == Some(&at));
        let mut begin = indexes
            .iter()
            .filter(|(index, _)| index.columns.first().map(|column| column.field) == Some(at));
        let (first, more) = (begin.next(), begin.next().is_some());
        let alone = [IndexColumn {
            field: at,
            descending: false,
        }];
        match first {
            Some((index, span)) if !more && !by_unique && index.columns == alone => {
                report.warning(
                    *span,
                    format!("the reference `{}` has this index anyway", field.declared),
                    "leave it out",
                );
                names.insert(index.name.clone());
            }
            Some(_) => {}
            None if by_unique => {}
            None => {
                let name = index_name(draft, &alone);
                names.insert(name.clone());
                indexes.push((
                    Index {
                        name,
                        columns: alone.to_vec(),
                    },
                    draft.declared.name.span,
                ));
            }
        }
    }
    names
}

/// The fields of those names, in order; nothing when one was or is now reported.
fn members<'n>(
    draft: &Draft<'_>,
    names: impl Iterator<Item = &'n Name>,
    place: Place,
    report: &mut Report,
) -> Option<Vec<FieldIndex>> {
    let mut fields: Vec<FieldIndex> = Vec::new();
    let mut sound = true;
    for name in names {
        let Some(index) = member(draft, name, place, report) else {
            sound = false;
            continue;
        };
        if fields.contains(&index) {
            report.error(name.span, format!("`{}` stands twice", name.text));
            sound = false;
        }
        sound &= check_member(draft, index, name.span, place, report);
        fields.push(index);
    }
    sound.then_some(fields)
}

fn member(draft: &Draft<'_>, name: &Name, place: Place, report: &mut Report) -> Option<FieldIndex> {
    let text = name.text.as_str();
    if let Some(index) = draft.fields.get(text) {
        return Some(*index);
    }
    let resource = &draft.resource;
    let found = resource.field_named(text);
    let role = found.map(|index| resource.field(index).role);
    match (found, role, place) {
        (Some(index), Some(Role::CreatedAt | Role::UpdatedAt), Place::Index) => Some(index),
        (Some(index), Some(Role::Declared), _) => {
            report.error_hint(
                name.span,
                format!("the definition calls this field by another name than `{text}`"),
                format!("write `{}`", resource.field(index).declared),
            );
            None
        }
        (Some(_), _, Place::Unique) => {
            report.error(
                name.span,
                format!("the standard field `{text}` cannot be part of a unique constraint"),
            );
            None
        }
        (Some(_), _, Place::Search) => {
            report.error(
                name.span,
                format!("the standard field `{text}` cannot be searched"),
            );
            None
        }
        (Some(_), _, Place::Index) => {
            report.error_hint(
                name.span,
                format!("the standard field `{text}` cannot be part of an index"),
                "of the standard fields, `createdAt` and `updatedAt` can",
            );
            None
        }
        (None, ..) if text.starts_with('-') && place == Place::Unique => {
            report.error(
                name.span,
                "a unique constraint has no direction: leave the `-` out",
            );
            None
        }
        (None, ..) => {
            let standard = ["createdAt", "updatedAt"];
            let known = draft.declared.field_names();
            let known = known.chain(standard.into_iter().filter(|_| place == Place::Index));
            report.error_near(
                name.span,
                format!("`{}` has no field `{text}`", resource.name),
                text,
                known,
            );
            None
        }
    }
}

/// Whether the type of a field can be compared by a B-tree.
fn check_member(
    draft: &Draft<'_>,
    index: FieldIndex,
    span: Span,
    place: Place,
    report: &mut Report,
) -> bool {
    if draft.broken.contains(&index) {
        return false;
    }
    let field = draft.resource.field(index);
    let what = match place {
        Place::Unique => "unique",
        Place::Index => "part of an index",
        Place::Search => "searched",
    };
    match field.kind {
        FieldType::Json { .. } | FieldType::I18n { .. } | FieldType::List { .. } => {
            report.error(
                span,
                format!(
                    "`{}` has the type `{}` and cannot be {what}",
                    field.declared,
                    field.kind.word()
                ),
            );
            false
        }
        FieldType::Text { max, .. } if max.is_none_or(|max| max > MAX_TEXT) => {
            too_long(field, max, what, span, report);
            false
        }
        FieldType::Email { max } | FieldType::Url { max } if max > MAX_TEXT => {
            too_long(field, Some(max), what, span, report);
            false
        }
        _ => true,
    }
}

fn too_long(field: &Field, max: Option<u32>, what: &str, span: Span, report: &mut Report) {
    let has = match max {
        Some(max) => format!("`max` {max}"),
        None => "no `max`".to_owned(),
    };
    report.error_hint(
        span,
        format!("`{}` has {has} and cannot be {what}", field.declared),
        format!("give `{}` a `max` of at most {MAX_TEXT}", field.declared),
    );
}

/// How many bytes a value has at most.
fn bytes(field: &Field) -> u32 {
    match &field.kind {
        FieldType::Text { max, .. } => max.unwrap_or(0).saturating_mul(4),
        FieldType::Email { max } | FieldType::Url { max } => max.saturating_mul(4),
        FieldType::Enum { values } => values.iter().map(String::len).max().unwrap_or(0) as u32,
        FieldType::Boolean => 1,
        FieldType::Id(_) | FieldType::Ref { .. } | FieldType::Uuid | FieldType::Ulid => 16,
        _ => 8,
    }
}

fn size(draft: &Draft<'_>, fields: &[FieldIndex], span: Span, report: &mut Report) {
    let total = fields.iter().fold(0_u32, |sum, field| {
        sum.saturating_add(bytes(draft.resource.field(*field)))
    });
    if total > MAX_BYTES && fields.len() > 1 {
        report.error_hint(
            span,
            format!("these fields can have {total} bytes together; an index holds {MAX_BYTES}"),
            "a code point counts four bytes: give the texts a smaller `max`",
        );
    }
}

fn list(draft: &Draft<'_>, fields: impl Iterator<Item = FieldIndex>) -> String {
    let names: Vec<String> = fields
        .map(|field| format!("`{}`", draft.resource.field(field).declared))
        .collect();
    names.join(", ")
}

fn joined(draft: &Draft<'_>, fields: impl Iterator<Item = FieldIndex>) -> String {
    let mut name = draft.resource.table.clone();
    for field in fields {
        name.push_str("__");
        name.push_str(&draft.resource.field(field).column);
    }
    name
}

/// `<table>__<columns>`. A last column `index` would read as the name of an index.
fn unique_name(draft: &Draft<'_>, fields: &[FieldIndex]) -> String {
    let name = joined(draft, fields.iter().copied());
    if name.ends_with("__index") {
        let digest = names::digest(&name);
        return names::fit(format!("{name}_{digest}"));
    }
    names::fit(name)
}

/// `<table>__<columns>__index`; with a digest of the directions where one is not ascending.
fn index_name(draft: &Draft<'_>, columns: &[IndexColumn]) -> String {
    const SUFFIX: &str = "__index";
    let mut name = joined(draft, columns.iter().map(|column| column.field));
    if columns.iter().any(|column| column.descending) {
        let directions: String = columns
            .iter()
            .map(|column| if column.descending { '-' } else { '+' })
            .collect();
        let digest = names::digest(&format!("{name}{directions}"));
        name = format!("{name}_{digest}");
    }
    names::fit_within(name, MAX_IDENTIFIER - SUFFIX.len()) + SUFFIX
}
