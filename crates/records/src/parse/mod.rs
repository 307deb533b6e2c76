//! From the decoded pairs of a query string to a `ListRequest` with every name resolved and every
//! value typed. Pure. All faults are found at once; the first one gives the code.

mod cost;
mod fields;
mod filter;
mod include;
mod key;
mod matching;
mod search;
#[cfg(test)]
mod tests;
mod value;
mod window;
mod write;

use carnet_expr::{Path, Predicate};
use carnet_kernel::{Code, Detail, Refusal, suggest};
use carnet_model::{FieldIndex, ModelView, RelationIndex, RelationKind, Resource};
use carnet_store::{Deleted, Order};

pub(crate) use filter::OPERATORS;
pub(crate) use matching::upsert_keys;
pub use matching::{
    CREATE_PARAMETERS, DEFAULT_MAX_AFFECTED, DELETE_PARAMETERS, MAX_MAX_AFFECTED, MatchingRequest,
    parse_create, parse_delete, parse_delete_matching, parse_patch_matching,
};
pub(crate) use search::MAX_TEXT as MAX_SEARCH;
pub use window::{CountMode, DEFAULT_LIMIT, MAX_LIMIT};
pub use write::{WRITE_PARAMETERS, WriteRequest, parse_write};

/// What a list request asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct ListRequest {
    /// Which records.
    pub predicate: Predicate,
    /// In which order, without the final key.
    pub sort: Vec<Order>,
    /// Whether the best match of the search comes first: there is one, and no sort was asked for.
    pub ranked: bool,
    /// Which fields; all when absent.
    pub fields: Option<Vec<FieldIndex>>,
    /// Which related records.
    pub includes: Vec<IncludeRequest>,
    /// At most so many.
    pub limit: u32,
    /// After skipping so many.
    pub offset: u64,
    /// How far to count.
    pub count: CountMode,
    /// Whether records that are deleted softly are shown.
    pub deleted: Deleted,
}

impl Default for ListRequest {
    fn default() -> Self {
        Self {
            predicate: Predicate::True,
            sort: Vec::new(),
            ranked: false,
            fields: None,
            includes: Vec::new(),
            limit: DEFAULT_LIMIT,
            offset: 0,
            count: CountMode::Auto,
            deleted: Deleted::Hidden,
        }
    }
}

/// A relation to include, with relations of the related records.
#[derive(Clone, Debug, PartialEq)]
pub struct IncludeRequest {
    /// Over which relation.
    pub relation: RelationIndex,
    /// Of the related records.
    pub includes: Vec<IncludeRequest>,
}

/// What a read of one record asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadRequest {
    /// Which fields; all when absent.
    pub fields: Option<Vec<FieldIndex>>,
    /// Which related records.
    pub includes: Vec<IncludeRequest>,
    /// Whether it is shown when it is deleted softly.
    pub deleted: Deleted,
}

/// Query parameters of a list.
pub const LIST_PARAMETERS: &[&str] = &[
    "filter", "search", "include", "fields", "sort", "limit", "offset", "page", "count", "deleted",
];
/// Query parameters of a read.
pub const READ_PARAMETERS: &[&str] = &["include", "fields", "deleted"];
/// Parameters that a later release brings.
const LATER: &[&str] = &[
    "cursor",
    "aggregate",
    "groupBy",
    "having",
    "distinct",
    "explain",
    "asOf",
];

/// Parses the query of a list of `resource`.
pub fn parse_list(
    view: &ModelView,
    resource: &Resource,
    pairs: &[(String, String)],
) -> Result<ListRequest, Refusal> {
    let mut faults = Faults::default();
    let groups = key::group(pairs, LIST_PARAMETERS, &mut faults);
    let mut request = ListRequest {
        predicate: filter::parse(view, resource, &groups.filter, &mut faults),
        sort: fields::sort(view, resource, &groups, &mut faults),
        fields: fields::fields(resource, &groups, &mut faults),
        includes: include::parse(view, resource, &groups, &mut faults),
        deleted: matching::deleted(resource, &groups, &mut faults),
        ..ListRequest::default()
    };
    if let Some(searched) = search::parse(resource, &groups, &mut faults) {
        let filter = std::mem::replace(&mut request.predicate, Predicate::True);
        request.predicate = filter.and(searched);
        request.ranked = request.sort.is_empty();
    }
    window::parse(&groups, &mut request, &mut faults);
    cost::check(&request, &mut faults);
    faults.into_result(request)
}

/// Parses the query of a read of one record of `resource`.
pub fn parse_read(
    view: &ModelView,
    resource: &Resource,
    pairs: &[(String, String)],
) -> Result<ReadRequest, Refusal> {
    let mut faults = Faults::default();
    let groups = key::group(pairs, READ_PARAMETERS, &mut faults);
    let request = ReadRequest {
        fields: fields::fields(resource, &groups, &mut faults),
        includes: include::parse(view, resource, &groups, &mut faults),
        deleted: matching::deleted(resource, &groups, &mut faults),
    };
    faults.into_result(request)
}

/// Faults in the order they were found, with a bound on how many are told.
#[derive(Default)]
pub(crate) struct Faults {
    list: Vec<(Code, Detail)>,
}

/// More faults than this are not told.
const MAX_FAULTS: usize = 50;

impl Faults {
    pub(crate) fn push(
        &mut self,
        code: Code,
        place: impl Into<String>,
        rule: &'static str,
        message: impl Into<String>,
    ) {
        if self.list.len() < MAX_FAULTS {
            self.list.push((code, Detail::new(place, rule, message)));
        }
    }

    fn into_result<T>(self, value: T) -> Result<T, Refusal> {
        let Some((code, first)) = self.list.first() else {
            return Ok(value);
        };
        let mut refusal = Refusal::new(*code, first.message.clone());
        refusal.details = self.list.into_iter().map(|(_, detail)| detail).collect();
        Err(refusal)
    }
}

/// Resolves a dotted path over to-one relations to a field.
pub(crate) fn resolve_path(
    view: &ModelView,
    resource: &Resource,
    text: &str,
    place: &str,
    faults: &mut Faults,
) -> Option<(Path, FieldOf)> {
    let mut steps = Vec::new();
    let mut at = resource;
    let mut names = text.split('.').peekable();
    while let Some(name) = names.next() {
        if names.peek().is_none() {
            let Some(field) = at.field_named(name) else {
                faults.push(
                    Code::UnknownField,
                    place,
                    "unknown",
                    unknown_field(at, name),
                );
                return None;
            };
            return Some((
                Path { steps, field },
                FieldOf {
                    resource: at.index,
                    field,
                },
            ));
        }
        if steps.len() == MAX_STEPS {
            faults.push(
                Code::InvalidParameter,
                place,
                "depth",
                format!("a path has at most {MAX_STEPS} relations"),
            );
            return None;
        }
        let Some(relation) = at.relation_named(name) else {
            let message = match at.field_named(name) {
                Some(field) if at.field(field).kind.is_json() => {
                    format!("paths into `{name}` come with a later release")
                }
                Some(_) => format!("`{name}` is a field of `{}`, not a relation", at.name),
                None => unknown_relation(at, name),
            };
            faults.push(Code::UnknownField, place, "unknown", message);
            return None;
        };
        if !matches!(at.relation(relation).kind, RelationKind::ToOne { .. }) {
            let message =
                format!("conditions over the to-many relation `{name}` come with a later release");
            faults.push(Code::InvalidParameter, place, "relation", message);
            return None;
        }
        steps.push(relation);
        at = view.resource(at.relation(relation).target);
    }
    None
}

/// The most relations of one path.
const MAX_STEPS: usize = 8;

/// A field with the resource it belongs to.
#[derive(Clone, Copy)]
pub(crate) struct FieldOf {
    pub(crate) resource: carnet_model::ResourceIndex,
    pub(crate) field: FieldIndex,
}

pub(crate) fn unknown_field(resource: &Resource, name: &str) -> String {
    let names = resource.fields.iter().map(|field| field.name.as_str());
    let hint = match resource
        .relation_named(name)
        .map(|relation| resource.relation(relation).kind)
    {
        Some(RelationKind::ToOne { field }) => {
            format!(
                " (did you mean `{}`, or a field of it such as `{name}.id`?)",
                resource.field(field).name
            )
        }
        Some(RelationKind::ToMany { .. }) => " (it is a to-many relation)".to_owned(),
        None => suggest::hint(name, names),
    };
    format!("`{}` has no field `{}`{hint}", resource.name, shorten(name))
}

pub(crate) fn unknown_relation(resource: &Resource, name: &str) -> String {
    let names = resource
        .relations
        .iter()
        .map(|relation| relation.name.as_str());
    format!(
        "`{}` has no relation `{}`{}",
        resource.name,
        shorten(name),
        suggest::hint(name, names)
    )
}

/// User input in a message, bounded.
pub(crate) fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(64).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
