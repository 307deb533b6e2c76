//! From a parsed request to the store's `Query`. Pure: the policy's predicate is joined here.

use crate::parse::{CountMode, GroupRequest, Included, ListRequest, MAX_LIMIT, ReadRequest};
use carnet_expr::{CompareOp, Path, Predicate};
use carnet_kernel::{Id, Value};
use carnet_model::{FieldIndex, ModelView, Resource};
use carnet_store::{
    Count, Deleted, GroupOrder, Grouping, Include, Made, Order, Query, Seek, Window,
};

/// Up to how many records an automatic count is exact.
pub const COUNT_BOUND: u32 = 1_000;

/// The query of a list.
pub fn list(view: &ModelView, resource: &Resource, request: ListRequest) -> Query {
    let order = with_key(resource, request.sort);
    // A place is told by sort keys; how well a record matches is none.
    let marks = !request.ranked;
    Query {
        resource: resource.index,
        predicate: request.predicate.simplify(),
        deleted: request.deleted,
        order,
        ranked: request.ranked,
        window: Window {
            limit: request.limit,
            offset: request.offset,
        },
        fields: request.fields.unwrap_or_else(|| all(resource)),
        counts: request.included.counts.clone(),
        includes: includes(view, resource, request.included),
        count: match request.count {
            CountMode::Auto => Count::Estimate(COUNT_BOUND),
            CountMode::Estimated => Count::Estimate(0),
            CountMode::Exact => Count::Exact,
            CountMode::None => Count::None,
        },
        seek: Seek {
            marks,
            ..Seek::default()
        },
    }
}

/// The grouping of a request for groups.
pub fn groups(resource: &Resource, request: GroupRequest) -> Grouping {
    let mut order = request.sort;
    let mut keyed = false;
    for column in &request.columns {
        let key = matches!(column.made, Made::Key { .. });
        keyed |= key;
        if key && order.iter().all(|known| known.by != column.made) {
            order.push(GroupOrder {
                by: column.made.clone(),
                descending: false,
            });
        }
    }
    Grouping {
        resource: resource.index,
        predicate: request.predicate.simplify(),
        deleted: request.deleted,
        columns: request.columns,
        having: request.having,
        order,
        window: Window {
            limit: request.limit,
            offset: request.offset,
        },
        // Without a key there is one group.
        seek: Seek {
            marks: keyed,
            ..Seek::default()
        },
        counted: true,
    }
}

/// The query of one record.
pub fn read(view: &ModelView, resource: &Resource, key: Value, request: ReadRequest) -> Query {
    Query {
        resource: resource.index,
        predicate: Predicate::compare(resource.key, CompareOp::Eq, key),
        deleted: request.deleted,
        order: Vec::new(),
        ranked: false,
        window: Window {
            limit: 1,
            offset: 0,
        },
        fields: request.fields.unwrap_or_else(|| all(resource)),
        counts: request.included.counts.clone(),
        includes: includes(view, resource, request.included),
        count: Count::None,
        seek: Seek::default(),
    }
}

/// The query of one record as a whole.
pub fn whole(view: &ModelView, resource: &Resource, id: Id) -> Query {
    read(view, resource, Value::Id(id), ReadRequest::default())
}

fn includes(view: &ModelView, resource: &Resource, included: Included) -> Vec<Include> {
    included
        .relations
        .into_iter()
        .map(|request| {
            let relation = resource.relation(request.relation);
            let target = view.resource(relation.target);
            let many = relation.kind.is_many();
            let limit = if many { MAX_LIMIT } else { 1 };
            let query = Query {
                resource: target.index,
                predicate: request.predicate.simplify(),
                deleted: Deleted::Hidden,
                order: match many {
                    false => Vec::new(),
                    true => with_key(target, request.sort),
                },
                ranked: false,
                window: Window {
                    limit: request.limit.unwrap_or(limit),
                    offset: request.offset,
                },
                fields: request.fields.unwrap_or_else(|| all(target)),
                counts: request.included.counts.clone(),
                includes: includes(view, target, request.included),
                count: Count::None,
                seek: Seek::default(),
            };
            Include {
                relation: request.relation,
                query,
            }
        })
        .collect()
}

/// The order that tells any two records apart: by the key at last, newest first by default.
fn with_key(resource: &Resource, mut sort: Vec<Order>) -> Vec<Order> {
    let key = Path::own(resource.key);
    if let Some(at) = sort.iter().position(|order| order.as_path() == Some(&key)) {
        // No two records share the key: what follows orders nothing.
        sort.truncate(at + 1);
        return sort;
    }
    // The key follows the direction of the last sort field, so that an index fits both.
    let descending = sort.last().is_none_or(|order| order.descending);
    sort.push(Order::path(key, descending));
    sort
}

fn all(resource: &Resource) -> Vec<FieldIndex> {
    resource.shown_fields().map(|(index, _)| index).collect()
}

#[cfg(test)]
mod tests;
