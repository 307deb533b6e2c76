//! Requests to queries.

use super::*;
use crate::fixture::{field, id, list as parse, resource, view};

fn order(query: &str) -> Vec<(String, bool)> {
    let products = resource("products");
    let query = list(view(), products, parse(query).unwrap());
    let keys = query.order.into_iter();
    keys.map(|key| {
        let path = key.as_path().unwrap();
        (products.field(path.field).name.clone(), key.descending)
    })
    .collect()
}

#[track_caller]
fn check(query: &str, expected: &[(&str, bool)]) {
    let found = order(query);
    let found: Vec<(&str, bool)> = found
        .iter()
        .map(|(name, descending)| (name.as_str(), *descending))
        .collect();
    assert_eq!(found, expected, "{query}");
}

#[test]
fn the_key_ends_every_order() {
    check("", &[("id", true)]);
    check("sort=name", &[("name", false), ("id", false)]);
    check(
        "sort=name,-price",
        &[("name", false), ("price", true), ("id", true)],
    );
    check("sort=id", &[("id", false)]);
    check("sort=-id,name", &[("id", true)]);
}

#[test]
fn a_list_has_all_fields_and_a_bounded_count() {
    let products = resource("products");
    let query = list(view(), products, parse("").unwrap());
    assert_eq!(query.fields.len(), products.fields.len());
    assert_eq!(query.count, Count::Estimate(COUNT_BOUND));
    assert_eq!(query.predicate, Predicate::True);
    assert_eq!(
        query.window,
        Window {
            limit: 20,
            offset: 0
        }
    );
    let query = list(
        view(),
        products,
        parse("filter[not][not][stock]=1&count=exact&fields=name&page=2").unwrap(),
    );
    let stock = field(products, "stock");
    assert_eq!(
        query.predicate,
        Predicate::compare(stock, CompareOp::Eq, Value::Integer(1))
    );
    assert_eq!(query.count, Count::Exact);
    assert_eq!(
        query.fields,
        ["id", "name"].map(|name| field(products, name))
    );
    assert_eq!(
        query.window,
        Window {
            limit: 20,
            offset: 20
        }
    );
}

#[test]
fn includes_are_whole_and_ordered() {
    let query = list(
        view(),
        resource("products"),
        parse("include=category.children,lines").unwrap(),
    );
    let [category, lines] = query.includes.as_slice() else {
        panic!("{:?}", query.includes);
    };
    assert_eq!(category.query.window.limit, 1);
    assert_eq!(category.query.order, []);
    let children = &category.query.includes[0].query;
    assert_eq!(children.window.limit, MAX_LIMIT);
    assert_eq!(children.order.len(), 1);
    assert_eq!(children.fields.len(), resource("categories").fields.len());
    assert_eq!(lines.query.count, Count::None);
}

#[test]
fn one_record_is_found_by_its_key() {
    let products = resource("products");
    let query = whole(view(), products, id(7));
    assert_eq!(
        query.predicate,
        Predicate::compare(products.key, CompareOp::Eq, Value::Id(id(7)))
    );
    assert_eq!(query.window.limit, 1);
    assert_eq!(query.count, Count::None);
}
