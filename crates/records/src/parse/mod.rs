//! From the decoded pairs of a query string to a `ListRequest` with every name resolved and every
//! value typed. Pure. All faults are found at once; the first one gives the code.

mod body;
mod cost;
mod faults;
pub(crate) mod fields;
pub(crate) mod filter;
mod group;
mod having;
pub(crate) mod include;
mod key;
mod matching;
mod operator;
mod request;
mod scan;
mod search;
pub(crate) mod target;
#[cfg(test)]
mod tests;
pub(crate) mod tree;
mod value;
mod window;
mod write;

use crate::cursor::Binding;
use carnet_expr::Predicate;
use carnet_kernel::{Code, JsonText, Refusal, Timestamp};
use carnet_model::{ModelView, Resource};
use carnet_store::Order;

pub use body::{QueryBody, in_body, read_body};
pub(crate) use faults::{Faults, shorten, unknown_field, unknown_relation};
pub(crate) use group::FUNCTIONS;
pub use group::GroupRequest;
pub use matching::{
    CREATE_PARAMETERS, DEFAULT_MAX_AFFECTED, DELETE_PARAMETERS, MAX_MAX_AFFECTED, MatchingRequest,
    parse_create, parse_delete, parse_delete_matching, parse_patch_matching,
};
pub(crate) use matching::{upsert_fields, upsert_keys, where_conditions};
pub(crate) use operator::Word;
pub use request::{IncludeRequest, Included, ListRequest, ReadRequest, Wanted};
pub(crate) use search::MAX_TEXT as MAX_SEARCH;
pub(crate) use value::timeless;
pub use window::{CountMode, DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET};
pub use write::{WRITE_PARAMETERS, WriteRequest, parse_write};

/// Query parameters of a list.
pub const LIST_PARAMETERS: &[&str] = &[
    "filter",
    "search",
    "include",
    "fields",
    "sort",
    "limit",
    "offset",
    "page",
    "cursor",
    "count",
    "explain",
    "aggregate",
    "groupBy",
    "having",
    "distinct",
    "deleted",
];
/// Query parameters of a list whose records are not in the database: which page of it.
pub const PAGE_PARAMETERS: &[&str] = &["limit", "offset", "page", "cursor", "count"];
/// Query parameters of a read.
pub const READ_PARAMETERS: &[&str] = &["include", "fields", "deleted"];
/// Parameters that a later release brings.
const LATER: &[&str] = &["asOf"];

/// Parses the query of a list of `resource`; `now` is what relative dates count from.
pub fn parse_list(
    view: &ModelView,
    resource: &Resource,
    pairs: &[(String, String)],
    now: Timestamp,
) -> Result<ListRequest, Refusal> {
    let given = Given {
        pairs,
        trees: Trees::default(),
        now,
    };
    let mut faults = Faults::default();
    let groups = key::group(given.pairs, parameters(resource), &mut faults);
    parse_window(view, resource, (given, &groups), faults, window::parse)
}

/// What a request is read from.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// The decoded pairs of an address, or what a body says in their place.
    pub pairs: &'a [(String, String)],
    /// What of a body is no pair.
    pub trees: Trees<'a>,
    /// What relative dates count from.
    pub now: Timestamp,
}

/// The members of a body that stay trees.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trees<'a> {
    /// The conditions on records.
    pub filter: Option<&'a serde_json::Value>,
    /// The conditions on groups.
    pub having: Option<&'a serde_json::Value>,
    /// What comes along, with its options as objects.
    pub include: Option<&'a serde_json::Value>,
}

impl Given<'_> {
    fn conditions(
        &self,
        view: &ModelView,
        resource: &Resource,
        groups: &key::Groups<'_>,
        faults: &mut Faults,
    ) -> Predicate {
        match bracketed(self.trees.filter, &groups.filter, "filter", faults) {
            Some(tree) => filter::parse(view, resource, &tree, self.now, faults),
            None => Predicate::False,
        }
    }

    fn included(
        &self,
        view: &ModelView,
        resource: &Resource,
        groups: &key::Groups<'_>,
        faults: &mut Faults,
    ) -> Included {
        let given = (groups.values("include"), self.trees.include);
        include::parse(view, resource, given, self.now, faults)
    }

    /// Whether groups are asked for.
    fn asks_groups(&self, groups: &key::Groups<'_>) -> bool {
        self.trees.having.is_some() || group::asked(groups)
    }

    fn binding(&self) -> Binding {
        let trees = [("filter", self.trees.filter), ("having", self.trees.having)];
        let trees = trees.map(|(name, tree)| (name, tree.map(JsonText::from_value)));
        let trees = trees
            .iter()
            .filter_map(|(name, tree)| Some((*name, tree.as_ref()?.as_str())));
        let bound = self
            .pairs
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()));
        Binding::of(bound.chain(trees))
    }
}

/// Parses the query of a collection of `resource`: records, or groups where `aggregate`, `groupBy`
/// or `distinct` is there.
pub fn parse_wanted(
    view: &ModelView,
    resource: &Resource,
    given: Given<'_>,
) -> Result<Wanted, Refusal> {
    let mut faults = Faults::default();
    let groups = key::group(given.pairs, parameters(resource), &mut faults);
    if !given.asks_groups(&groups) {
        let records = parse_window(view, resource, (given, &groups), faults, window::parse);
        return records.map(Wanted::Records);
    }
    parse_groups(view, resource, (given, &groups), faults, window::parse).map(Wanted::Groups)
}

fn parse_groups(
    view: &ModelView,
    resource: &Resource,
    (given, groups): (Given<'_>, &key::Groups<'_>),
    mut faults: Faults,
    read_window: impl FnOnce(&key::Groups<'_>, &mut ListRequest, &mut Faults),
) -> Result<GroupRequest, Refusal> {
    let mut window = ListRequest {
        predicate: given.conditions(view, resource, groups, &mut faults),
        ..ListRequest::default()
    };
    if let Some(searched) = search::parse(resource, groups, &mut faults) {
        window.predicate = window.predicate.and(searched);
    }
    if given.trees.include.is_some() {
        let message = "groups take no `include`; each tells what `groupBy` and `aggregate` name";
        faults.push(Code::InvalidParameter, "include", "conflict", message);
    }
    let having = bracketed(given.trees.having, &groups.having, "having", &mut faults);
    let having = having.unwrap_or_default();
    let asked = group::parse(view, resource, (groups, &having), given.now, &mut faults);
    read_window(groups, &mut window, &mut faults);
    // What groups are told by and made of is reached by joins like sort keys are.
    let paths = asked.paths().cloned();
    window.sort = paths.map(|path| Order::path(path, false)).collect();
    window.deleted = matching::deleted(resource, groups, &mut faults);
    cost::check(&window, &mut faults);
    faults.into_result(GroupRequest {
        predicate: window.predicate,
        columns: asked.columns,
        having: asked.having,
        sort: asked.sort,
        limit: window.limit,
        offset: window.offset,
        cursor: window.cursor,
        binding: given.binding(),
        explain: window.explain,
        deleted: window.deleted,
    })
}

/// Parses the query of a stream of `resource`: every record or group, or at most as many as it
/// says.
pub fn parse_stream(
    view: &ModelView,
    resource: &Resource,
    given: Given<'_>,
) -> Result<(Wanted, Option<u64>), Refusal> {
    let mut limit = None;
    let mut faults = Faults::default();
    let groups = key::group(given.pairs, parameters(resource), &mut faults);
    if given.asks_groups(&groups) {
        let window = |groups: &key::Groups<'_>, window: &mut ListRequest, faults: &mut Faults| {
            limit = window::parse_stream(groups, window, faults);
        };
        let request = parse_groups(view, resource, (given, &groups), faults, window)?;
        return Ok((Wanted::Groups(request), limit));
    }
    let window = |groups: &key::Groups<'_>, request: &mut ListRequest, faults: &mut Faults| {
        limit = window::parse_stream(groups, request, faults);
        // The best match of all is known at the end alone.
        request.ranked = false;
    };
    let request = parse_window(view, resource, (given, &groups), faults, window)?;
    Ok((Wanted::Records(request), limit))
}

fn parse_window(
    view: &ModelView,
    resource: &Resource,
    (given, groups): (Given<'_>, &key::Groups<'_>),
    mut faults: Faults,
    read_window: impl FnOnce(&key::Groups<'_>, &mut ListRequest, &mut Faults),
) -> Result<ListRequest, Refusal> {
    let now = given.now;
    let mut request = ListRequest {
        predicate: given.conditions(view, resource, groups, &mut faults),
        sort: fields::sort(view, resource, (&sorted(groups), "sort"), now, &mut faults),
        fields: fields::fields(resource, &groups.members("fields"), "fields", &mut faults),
        included: given.included(view, resource, groups, &mut faults),
        deleted: matching::deleted(resource, groups, &mut faults),
        ..ListRequest::default()
    };
    if let Some(searched) = search::parse(resource, groups, &mut faults) {
        let filter = std::mem::replace(&mut request.predicate, Predicate::True);
        request.predicate = filter.and(searched);
        request.ranked = request.sort.is_empty();
    }
    if given.asks_groups(groups) {
        let message = "groups are not asked for here; they are a list of their own";
        faults.push(Code::InvalidParameter, "aggregate", "conflict", message);
    }
    read_window(groups, &mut request, &mut faults);
    if request.ranked && request.cursor.is_some() {
        let message = "a search that is sorted by how well records match has no cursors: sort it, or go on with `page`";
        faults.push(Code::InvalidParameter, "cursor", "conflict", message);
    }
    request.binding = given.binding();
    cost::check(&request, &mut faults);
    faults.into_result(request)
}

/// Parses the query of a read of one record of `resource`; `now` as in [`parse_list`].
pub fn parse_read(
    view: &ModelView,
    resource: &Resource,
    pairs: &[(String, String)],
    now: Timestamp,
) -> Result<ReadRequest, Refusal> {
    let mut faults = Faults::default();
    let known = match resource.has_table() {
        true => READ_PARAMETERS,
        false => &[],
    };
    let groups = key::group(pairs, known, &mut faults);
    let request = ReadRequest {
        fields: fields::fields(resource, &groups.members("fields"), "fields", &mut faults),
        included: include::parse(
            view,
            resource,
            (groups.values("include"), None),
            now,
            &mut faults,
        ),
        deleted: matching::deleted(resource, &groups, &mut faults),
    };
    cost::check_included(&request.included, &mut faults);
    faults.into_result(request)
}

/// The parameters that a list of `resource` takes.
fn parameters(resource: &Resource) -> &'static [&'static str] {
    match resource.has_table() {
        true => LIST_PARAMETERS,
        false => PAGE_PARAMETERS,
    }
}

/// The sort keys of an address.
fn sorted(groups: &key::Groups<'_>) -> Vec<String> {
    let values = groups.values("sort").iter();
    values.flat_map(|value| fields::keys(value)).collect()
}

/// The conditions of `filter[…]`.
fn conditions(
    view: &ModelView,
    resource: &Resource,
    groups: &key::Groups<'_>,
    now: Timestamp,
    faults: &mut Faults,
) -> Predicate {
    match bracketed(None, &groups.filter, "filter", faults) {
        Some(tree) => filter::parse(view, resource, &tree, now, faults),
        None => Predicate::False,
    }
}

/// The tree of conditions of a body, or of the bracketed pairs of an address.
fn bracketed<'a>(
    tree: Option<&serde_json::Value>,
    pairs: &[key::FilterPair<'a>],
    name: &str,
    faults: &mut Faults,
) -> Option<tree::Node<'a>> {
    if let Some(tree) = tree {
        return Some(tree::Node::from_value(tree, name));
    }
    match tree::Node::from_pairs(pairs, name, "") {
        Ok(tree) => Some(tree),
        Err(place) => {
            let message = "the brackets nest too deep";
            faults.push(Code::InvalidParameter, place, "depth", message);
            None
        }
    }
}

/// Parses the conditions of a JSON object, the same as a filter's brackets:
/// `{"price":{"gte":10},"items":{"some":{…}}}`. `place` names the object in faults.
pub fn parse_conditions(
    view: &ModelView,
    resource: &Resource,
    conditions: &str,
    place: &str,
    now: Timestamp,
) -> Result<Predicate, Refusal> {
    let mut faults = Faults::default();
    let predicate = match tree::Node::from_json(conditions, place) {
        Ok(tree) => filter::parse(view, resource, &tree, now, &mut faults),
        Err(why) => {
            faults.push(Code::InvalidParameter, place, "json", why);
            Predicate::False
        }
    };
    faults.into_result(predicate)
}

/// Refuses every pair, for requests that take no query.
pub fn parse_none(pairs: &[(String, String)]) -> Result<(), Refusal> {
    let mut faults = Faults::default();
    key::group(pairs, &[], &mut faults);
    faults.into_result(())
}
