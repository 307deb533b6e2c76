//! Includes with their options, in an address and in a body; numbers of chosen related records; what
//! nests too deep or asks for too much.

use super::{filter, refused, show_operand, show_over};
use crate::fixture::{NOW, list, resource, told, view};
use crate::parse::{Given, Included, Wanted, parse_wanted, read_body};
use carnet_model::Resource;

#[test]
fn numbers_of_chosen_records() {
    filter(
        "filter[lines.count][where][quantity][gt]=5&filter[lines.count][where][order.number]=1&filter[lines.count][gte]=3",
        "lines.count of (quantity > 5 and order.number = 1) >= 3",
    );
    filter(
        "filter[lines.sum(quantity)][where][or][0][quantity]=1&filter[lines.sum(quantity)][lt]=3&filter[stock]=2",
        "(lines.sum(quantity) of (quantity = 1) < 3 and stock = 2)",
    );
    refused(
        "filter[lines.count][where][quantity]=5&filter[lines.sum(quantity)][where]=1&filter[stock][where][a]=1&filter[lines.max(quantity)][where][quanity]=1&filter[lines.max(quantity)]=1",
        "INVALID_PARAMETER
filter[lines.count][where][quantity]: syntax: `where` says of which records `lines.count` is made; a condition on it stands beside: `filter[lines.count][gte]=1`
filter[lines.sum(quantity)][where]: syntax: `where` holds conditions: `filter[lines.sum(quantity)][where][field][operator]=value`
filter[stock][where][a]: syntax: nothing stands behind the operator: `filter[field][operator]=value`
filter[lines.max(quantity)][where][quanity]: unknown: `lines` has no field `quanity` (did you mean `quantity`?)",
    );
    let deep = |depth: usize| {
        let steps = "[category.products.count][where]".repeat(depth);
        let ends: String = (0..depth)
            .map(|at| {
                let steps = "[category.products.count][where]".repeat(at);
                format!("&filter{steps}[category.products.count][gt]=1")
            })
            .collect();
        format!("filter{steps}[stock]=1{ends}")
    };
    assert!(list(&deep(4)).is_ok());
    assert_eq!(list(&deep(5)).unwrap_err().details[0].rule, "depth");
    let keys = |text: &str| -> Vec<String> {
        let request = list(text).unwrap_or_else(|refusal| panic!("{text}: {}", told(&refusal)));
        let keys = request.sort.iter().map(|key| {
            let sign = if key.descending { "-" } else { "" };
            format!("{sign}{}", show_operand(resource("products"), &key.by))
        });
        keys.collect()
    };
    assert_eq!(
        keys(
            "sort=-lines.count(filter[quantity][in]:1,2;filter[order.number][gt]=3),lines.sum(quantity;filter[quantity]:4):desc:nullsLast,name"
        ),
        [
            "-lines.count of (quantity in [1 2] and order.number > 3)",
            "-lines.sum(quantity) of quantity = 4",
            "name",
        ]
    );
    refused(
        "sort=lines.count(limit:5),lines.count(filter[quanity]:1),lines.sum(quantity)x",
        "INVALID_PARAMETER
sort: syntax: what is made of related records takes conditions on them, `filter[field][operator]:value`, not `limit`
sort.filter[quanity]: unknown: `lines` has no field `quanity` (did you mean `quantity`?)
sort: syntax: `sum(quantity)x`: at character 14: expected the end, found `x`",
    );
}

fn show(of: &Resource, included: &Included) -> String {
    let relations = included.relations.iter().map(|one| {
        let relation = of.relation(one.relation);
        let target = view().resource(relation.target);
        let mut text = relation.name.clone();
        if one.predicate != carnet_expr::Predicate::True {
            text += &format!(" where {}", show_over(target, &one.predicate));
        }
        for key in &one.sort {
            let sign = if key.descending { "-" } else { "" };
            text += &format!(" by {sign}{}", show_operand(target, &key.by));
        }
        if let Some(fields) = &one.fields {
            let names: Vec<&str> = fields
                .iter()
                .map(|field| target.field(*field).name.as_str())
                .collect();
            text += &format!(" of {}", names.join(","));
        }
        if let Some(limit) = one.limit {
            text += &format!(" limit {limit}");
        }
        if one.offset > 0 {
            text += &format!(" offset {}", one.offset);
        }
        if !one.included.is_empty() {
            text += &format!(" {{{}}}", show(target, &one.included));
        }
        text
    });
    let counts = included.counts.iter();
    let counts = counts.map(|one| {
        let relation = of.relation(one.relation);
        let mut text = format!("#{}", relation.name);
        if one.name != relation.name {
            text += &format!(" as {}", one.name);
        }
        if one.predicate != carnet_expr::Predicate::True {
            let target = view().resource(relation.target);
            text += &format!(" where {}", show_over(target, &one.predicate));
        }
        text
    });
    relations.chain(counts).collect::<Vec<_>>().join("; ")
}

fn included(query: &str) -> String {
    let request = list(query).unwrap_or_else(|refusal| panic!("{query}: {}", told(&refusal)));
    show(resource("products"), &request.included)
}

/// The same of the member `include` of a body, or what is wrong with it.
fn included_by(include: &str) -> String {
    let body = read_body(&format!(r#"{{"include":{include}}}"#)).unwrap();
    let given = Given {
        pairs: &body.pairs,
        trees: body.trees(),
        now: NOW,
    };
    match parse_wanted(view(), resource("products"), given) {
        Ok(Wanted::Records(request)) => show(resource("products"), &request.included),
        Ok(Wanted::Groups(_)) => "groups".to_owned(),
        Err(refusal) => told(&refusal),
    }
}

#[test]
fn counts_of_chosen_records() {
    assert_eq!(
        included(
            "include=lines.count(filter[quantity][gt]:5;filter[order.number]=1;as:many),lines.count,category.products.count(filter[stock]:0)"
        ),
        "category {#products where stock = 0}; #lines as many where (quantity > 5 and order.number = 1); #lines"
    );
    refused(
        "include=lines.count(filter[quantity]:5),lines.count,lines(limit:1).count,lines.count(limit:1;as:b),lines.count(as:a-b;filter[quantity]:5)",
        "INVALID_PARAMETER
include.lines: repeated: `lines` is counted already; name this count, as in `lines.count(filter[field]:value;as:name)`
include.lines: syntax: options of a count stand behind it: `lines.count(filter[field]:value)`
include.lines.limit: unknown: there is no option `limit`
include.lines.as: syntax: a count is named by a letter and up to 64 letters, digits and underscores",
    );
}

#[test]
fn includes_of_a_body() {
    assert_eq!(
        included_by(
            r#"["category",{"lines":{"limit":5,"offset":2,"sort":["-quantity"],"fields":["quantity"],
                "filter":{"quantity":{"gt":5},"or":[{"quantity":7}]},"include":{"order":{"fields":"number"}}}}]"#
        ),
        "category; lines where (quantity > 5 and (quantity = 7)) by -quantity of id,quantity limit 5 offset 2 {order of id,number}"
    );
    assert_eq!(
        included_by(
            r#"{"category.products":{"limit":3,"include":["lines.count"]},"category":true,
                "lines.count":{"filter":{"quantity":{"in":[1,2]}},"as":"few"}}"#
        ),
        "category {products limit 3 {#lines}}; #lines as few where quantity in [1 2]"
    );
    assert_eq!(
        included_by(
            r#"{"lines":{"limt":5,"limit":{},"filter":[],"include":{"order":7,"nothing":true}},"lines(limit:1)":{},"stock":true}"#
        ),
        "UNKNOWN_PARAMETER
include.lines.limt: unknown: there is no option `limt` (did you mean `limit`?)
include.lines.limit: type: `limit` takes a number
include.lines.filter: type: it must be an object of conditions
include.lines.include.order: type: it is `true`, or an object of options such as `{\"limit\":5}`
include.lines.nothing: unknown: `lines` has no relation `nothing`
include.lines(limit:1): repeated: its options stand in the object
include.stock: unknown: `products` has no relation `stock`"
    );
    assert!(included_by(r#"[{"lines":true},[1]]"#).contains("include[1]: type"));
    assert!(included_by(r#""seven""#).contains("`products` has no relation `seven`"));
}

#[test]
fn what_costs_too_much_is_refused() {
    let rule = |query: &str| {
        let refusal = list(query).unwrap_err();
        let detail = &refusal.details[0];
        (detail.rule.clone().into_owned(), detail.message.clone())
    };
    // Fifty deep, a circle, many, and deep in a body.
    let deep = vec!["category.parent"; 25]
        .join(".")
        .replace("parent.category", "parent");
    let (found, message) = rule(&format!("include={deep}"));
    assert_eq!(
        (&*found, &*message),
        ("depth", "it nests deeper than 8 relations")
    );
    let (found, message) = rule("include=category.products.category.products");
    assert_eq!(found, "repeated", "{message}");
    let (found, message) = rule(&format!("include=lines.{}", ["order.lines"; 20].join(".")));
    assert_eq!(found, "repeated", "{message}");
    let many: Vec<String> = (0..40)
        .map(|number| format!("lines.count(as:c{number})"))
        .collect();
    let (found, message) = rule(&format!("include={}", many.join(",")));
    assert_eq!(
        (&*found, &*message),
        ("max", "a request includes at most 32 relations")
    );
    let many: String = (0..10_000)
        .map(|number| format!("filter[or][{number}][stock]={number}&"))
        .collect();
    let (found, message) = rule(many.trim_end_matches('&'));
    assert_eq!(
        (&*found, &*message),
        ("max", "a filter has at most 200 conditions, not 10000")
    );
    let mut inner = "{\"parent\":true}".to_owned();
    for _ in 0..25 {
        inner = format!("{{\"parent\":{{\"include\":{inner}}}}}");
    }
    let told = included_by(&format!("{{\"category\":{{\"include\":{inner}}}}}"));
    assert!(
        told.ends_with("depth: it nests deeper than 8 relations"),
        "{told}"
    );
    let counts: Vec<String> = (0..17)
        .map(|number| format!("lines.count(filter[quantity]:1;as:c{number})"))
        .collect();
    let (found, message) = rule(&format!("include={}", counts.join(",")));
    assert_eq!(found, "max", "{message}");
}

#[test]
fn options_of_includes() {
    assert_eq!(
        included(
            "include=lines(limit:5;offset:2;sort:-quantity,order.number;fields:quantity;filter[quantity][gt]:5;filter[or][0][quantity]:7).order(fields:number),category"
        ),
        "lines where (quantity > 5 and (quantity = 7)) by -quantity by order.number of id,quantity limit 5 offset 2 {order of id,number}; category"
    );
    assert_eq!(
        included(
            "include=category.products(limit:3).lines(limit:2),category.children.products.count,lines.count,category.products.lines"
        ),
        "category {products limit 3 {lines limit 2}; children {#products}}; #lines"
    );
    refused(
        "include=lines(limt:5;limit:0;sort:quanity;fields:x;filter[quanity]:5;offset:1;offset:2),category(limit:1;fields:nme),category.count,count",
        "UNKNOWN_PARAMETER
include.lines.limt: unknown: there is no option `limt` (did you mean `limit`?)
include.lines.offset: repeated: `offset` stands twice
include.lines.limit: range: `limit` is a whole number from 1 to 1000
include.lines.sort: unknown: `lines` has no field `quanity` (did you mean `quantity`?)
include.lines.fields: unknown: `lines` has no field `x`
include.lines.filter[quanity]: unknown: `lines` has no field `quanity` (did you mean `quantity`?)
include.category.limit: relation: `limit` is for to-many relations; this one leads to one record
include.category.fields: unknown: `categories` has no field `nme` (did you mean `name`?)
include.category: relation: `category` leads to one record; only to-many relations are counted
include.count: unknown: `count` stands behind a to-many relation: `include=lines.count`",
    );
    refused(
        "include=lines(limit:5&include=lines(limit:1).order,lines(limit:2)",
        "INVALID_PARAMETER
include: syntax: at character 14: expected `;` or `)`, found the end
include.lines: repeated: `lines` has its options already",
    );
}
