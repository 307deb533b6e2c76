//! The parameters of writes: `upsert`, `filter` with `maxAffected`, `purge`; and `deleted`, which
//! shows what deletions left.

use super::key::{self, Groups, split_list};
use super::tree::Node;
use super::window::number;
use super::write::{WriteRequest, flag};
use super::{Faults, cost, shorten};
use carnet_expr::Predicate;
use carnet_kernel::{Code, Refusal, Timestamp, suggest};
use carnet_model::{FieldIndex, ModelView, Operation, Resource};
use carnet_store::Deleted;

/// How many records a write by filter may change when nothing is said.
pub const DEFAULT_MAX_AFFECTED: u32 = 100;
/// The largest `maxAffected`.
pub const MAX_MAX_AFFECTED: u32 = 10_000;

/// Query parameters of a create.
pub const CREATE_PARAMETERS: &[&str] = &["dryRun", "upsert"];
/// Query parameters of a deletion.
pub const DELETE_PARAMETERS: &[&str] = &["dryRun", "purge"];
const PATCH_MATCHING_PARAMETERS: &[&str] = &["dryRun", "filter", "maxAffected"];
const DELETE_MATCHING_PARAMETERS: &[&str] =
    &["dryRun", "filter", "maxAffected", "purge", "deleted"];

/// Which records a write by filter is for.
#[derive(Clone, Debug, PartialEq)]
pub struct MatchingRequest {
    /// Which.
    pub predicate: Predicate,
    /// More than so many are refused.
    pub max_affected: u32,
    /// Whether they go for good; only in a deletion.
    pub purge: bool,
    /// Whether records that are deleted softly are among them; only in a purge.
    pub deleted: Deleted,
}

/// Parses the query of a create: the key of an upsert, if it is one.
pub fn parse_create(
    resource: &Resource,
    pairs: &[(String, String)],
) -> Result<(Option<Vec<FieldIndex>>, WriteRequest), Refusal> {
    let mut faults = Faults::default();
    let groups = key::group(pairs, CREATE_PARAMETERS, &mut faults);
    let key = groups
        .value("upsert")
        .map(|text| upsert_key(resource, text, &mut faults));
    let write = WriteRequest::read(&groups, &mut faults);
    faults.into_result((key.flatten(), write))
}

/// The keys that an upsert may name, each as it is written.
pub(crate) fn upsert_keys(resource: &Resource) -> Vec<(String, Vec<FieldIndex>)> {
    let offers = |operation| resource.operations.contains(operation);
    if !(offers(Operation::Create) && offers(Operation::Patch)) {
        return Vec::new();
    }
    let own = resource.id.client.then(|| vec![resource.key]);
    let uniques = resource.uniques.iter().map(|unique| unique.fields.clone());
    let shown = |fields: &Vec<FieldIndex>| fields.iter().all(|one| !resource.field(*one).hidden);
    own.into_iter()
        .chain(uniques)
        .filter(shown)
        .map(|fields| {
            let names: Vec<&str> = fields
                .iter()
                .map(|field| resource.field(*field).name.as_str())
                .collect();
            (names.join(","), fields)
        })
        .collect()
}

/// The unique constraint that `text` names.
pub(crate) fn upsert_key(
    resource: &Resource,
    text: &str,
    faults: &mut Faults,
) -> Option<Vec<FieldIndex>> {
    let known = upsert_keys(resource);
    let mut wanted = split_list(text);
    wanted.sort_unstable();
    let found = known.iter().find(|(_, fields)| {
        let mut names: Vec<&str> = fields
            .iter()
            .map(|field| resource.field(*field).name.as_str())
            .collect();
        names.sort_unstable();
        names == wanted
    });
    if let Some((_, fields)) = found {
        return Some(fields.clone());
    }
    let message = if known.is_empty() {
        format!(
            "`{}` offers no upsert: that needs a unique constraint and the operations `create` and `patch`",
            resource.name
        )
    } else {
        let names: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).collect();
        let hint = suggest::hint(text, names.iter().copied());
        format!(
            "`{}` is no unique constraint of `{}`{hint}; an upsert takes one of: {}",
            shorten(text),
            resource.name,
            names.join(" · ")
        )
    };
    faults.push(Code::InvalidParameter, "upsert", "unique", message);
    None
}

/// The unique constraint of these fields, as it stands in an item of a batch.
pub(crate) fn upsert_fields(
    resource: &Resource,
    names: &[String],
) -> Result<Vec<FieldIndex>, Refusal> {
    let mut faults = Faults::default();
    let found = upsert_key(resource, &names.join(","), &mut faults);
    faults.into_result(found.unwrap_or_default())
}

/// The conditions of a write by filter in a body. There must be one, as in an address.
pub(crate) fn where_conditions(
    view: &ModelView,
    resource: &Resource,
    json: &str,
    place: &str,
    now: Timestamp,
) -> Result<Predicate, Refusal> {
    let mut faults = Faults::default();
    let predicate = match Node::from_json(json, place) {
        Ok(tree) if tree.conditions() == 0 => {
            let message = "it needs a condition: `{\"field\":{\"operator\":value}}`";
            faults.push(Code::InvalidParameter, place, "required", message);
            Predicate::False
        }
        Ok(tree) => super::filter::parse(view, resource, &tree, now, &mut faults),
        Err(why) => {
            faults.push(Code::InvalidParameter, place, "json", why);
            Predicate::False
        }
    };
    cost::check_conditions(&predicate, place, &mut faults);
    faults.into_result(predicate.simplify())
}

/// Parses the query of a patch by filter. There must be a filter, so that nobody changes a whole
/// resource by leaving something out.
pub fn parse_patch_matching(
    view: &ModelView,
    resource: &Resource,
    pairs: &[(String, String)],
    now: Timestamp,
) -> Result<(MatchingRequest, WriteRequest), Refusal> {
    let mut faults = Faults::default();
    let groups = key::group(pairs, PATCH_MATCHING_PARAMETERS, &mut faults);
    let request = matching(view, resource, pairs, &groups, now, &mut faults);
    let write = WriteRequest::read(&groups, &mut faults);
    faults.into_result((request, write))
}

/// Parses the query of a deletion by filter; it needs a filter as well.
pub fn parse_delete_matching(
    view: &ModelView,
    resource: &Resource,
    pairs: &[(String, String)],
    now: Timestamp,
) -> Result<(MatchingRequest, WriteRequest), Refusal> {
    let mut faults = Faults::default();
    let groups = key::group(pairs, DELETE_MATCHING_PARAMETERS, &mut faults);
    let mut request = matching(view, resource, pairs, &groups, now, &mut faults);
    request.purge = purge(resource, &groups, &mut faults);
    request.deleted = deleted(resource, &groups, &mut faults);
    if request.deleted != Deleted::Hidden && !request.purge {
        let message = "what is deleted already can only be purged: add `purge=true`";
        faults.push(Code::InvalidParameter, "deleted", "conflict", message);
    }
    let write = WriteRequest::read(&groups, &mut faults);
    faults.into_result((request, write))
}

/// Parses the query of a deletion of one record: whether it goes for good.
pub fn parse_delete(
    resource: &Resource,
    pairs: &[(String, String)],
) -> Result<(bool, WriteRequest), Refusal> {
    let mut faults = Faults::default();
    let groups = key::group(pairs, DELETE_PARAMETERS, &mut faults);
    let purge = purge(resource, &groups, &mut faults);
    let write = WriteRequest::read(&groups, &mut faults);
    faults.into_result((purge, write))
}

fn matching(
    view: &ModelView,
    resource: &Resource,
    pairs: &[(String, String)],
    groups: &Groups<'_>,
    now: Timestamp,
    faults: &mut Faults,
) -> MatchingRequest {
    if !pairs
        .iter()
        .any(|(key, _)| key == "filter" || key.starts_with("filter["))
    {
        let message = "a write by filter needs one: `filter[field][operator]=value`";
        faults.push(Code::InvalidParameter, "filter", "required", message);
    }
    let most = u64::from(MAX_MAX_AFFECTED);
    let max_affected = number(groups, "maxAffected", 1, most, faults);
    let predicate = super::conditions(view, resource, groups, now, faults);
    cost::check_filter(&predicate, faults);
    MatchingRequest {
        predicate: predicate.simplify(),
        max_affected: max_affected.map_or(DEFAULT_MAX_AFFECTED, |number| number as u32),
        purge: false,
        deleted: Deleted::Hidden,
    }
}

/// `deleted=with|only`: whether records that are deleted softly are shown.
pub(super) fn deleted(resource: &Resource, groups: &Groups<'_>, faults: &mut Faults) -> Deleted {
    let Some(text) = groups.value("deleted") else {
        return Deleted::Hidden;
    };
    if !is_soft(resource, "deleted", faults) {
        return Deleted::Hidden;
    }
    match text {
        "with" => Deleted::With,
        "only" => Deleted::Only,
        other => {
            let hint = suggest::hint(other, ["with", "only"]);
            let message = format!("`deleted` is `with` or `only`{hint}");
            faults.push(Code::InvalidParameter, "deleted", "enum", message);
            Deleted::Hidden
        }
    }
}

fn purge(resource: &Resource, groups: &Groups<'_>, faults: &mut Faults) -> bool {
    flag(groups.value("purge"), "purge", faults) && is_soft(resource, "purge", faults)
}

fn is_soft(resource: &Resource, name: &'static str, faults: &mut Faults) -> bool {
    let soft = resource.deleted().is_some();
    if !soft {
        let message = format!(
            "deletions of `{}` are not soft: what is deleted is gone",
            resource.name
        );
        faults.push(Code::InvalidParameter, name, "soft", message);
    }
    soft
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{NOW, field, pairs, resource, told, view};

    #[track_caller]
    fn refused<T: std::fmt::Debug>(result: Result<T, Refusal>, expected: &str) {
        assert_eq!(told(&result.unwrap_err()), expected);
    }

    #[test]
    fn keys_of_upserts() {
        let lines = resource("lines");
        let key = parse_create(lines, &pairs("upsert=productId,orderId")).unwrap();
        assert_eq!(
            key.0,
            Some(vec![field(lines, "orderId"), field(lines, "productId")])
        );
        assert_eq!(parse_create(lines, &[]).unwrap().0, None);
        let token = parse_create(resource("tokens"), &pairs("upsert=id")).unwrap();
        assert_eq!(token.0, Some(vec![resource("tokens").key]));
        refused(
            parse_create(resource("products"), &pairs("upsert=skus")),
            "INVALID_PARAMETER\nupsert: unique: `skus` is no unique constraint of `products` (did you mean `sku`?); an upsert takes one of: sku",
        );
        refused(
            parse_create(resource("nodes"), &pairs("upsert=name&limit=1")),
            "UNKNOWN_PARAMETER\nlimit: unknown: the parameter `limit` is not offered here\nupsert: unique: `nodes` offers no upsert: that needs a unique constraint and the operations `create` and `patch`",
        );
    }

    #[test]
    fn writes_by_filter() {
        let products = resource("products");
        let parse = |query| parse_patch_matching(view(), products, &pairs(query), NOW);
        assert_eq!(parse("filter[stock][gt]=1").unwrap().0.max_affected, 100);
        assert_eq!(
            parse("filter[stock][gt]=1&maxAffected=10000")
                .unwrap()
                .0
                .max_affected,
            10_000
        );
        refused(
            parse("maxAffected=10001"),
            "INVALID_PARAMETER\nfilter: required: a write by filter needs one: `filter[field][operator]=value`\nmaxAffected: range: `maxAffected` is a whole number from 1 to 10000",
        );
        assert!(parse("filter=").is_err() && parse("filter[stok]=1").is_err());
    }
}
