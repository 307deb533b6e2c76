//! Conditions over to-many relations, numbers made of them, paths into JSON, lists, relative dates.

use super::{filter, refused, show_operand, show_over};
use crate::fixture::{NOW, list, resource, told, view};
use crate::parse::parse_conditions;
use carnet_store::Nulls;
#[test]
fn quantifiers() {
    filter(
        "filter[lines][some][quantity][gt]=5&filter[lines][some][quantity][lt]=9",
        "some lines ((quantity > 5 and quantity < 9))",
    );
    filter(
        "filter[lines][some][quantity]=1&filter[lines][none][quantity]=2&filter[stock]=3",
        "((some lines (quantity = 1) and not some lines (quantity = 2)) and stock = 3)",
    );
    filter(
        "filter[lines][every][quantity][gt]=5",
        "not some lines (not holds quantity > 5)",
    );
    filter("filter[lines][some]=true", "some lines (true)");
    filter(
        "filter[category.products][some][lines][every][order.number]=1",
        "some category.products (not some lines (not holds order.number = 1))",
    );
    filter(
        "filter[or][0][lines][some][or][0][quantity]=1&filter[or][0][lines][some][or][1][quantity]=2&filter[or][1][stock]=3",
        "(some lines ((quantity = 1 or quantity = 2)) or stock = 3)",
    );
}

#[test]
fn quantifiers_that_are_wrong() {
    refused(
        "filter[lines]=1&filter[lines][quantity]=1&filter[lines][any][quantity]=1&filter[lines][some]=1&filter[lines][none][quanity]=1",
        "INVALID_PARAMETER
filter[lines]: relation: `lines` leads to many records: write `[lines][some][field][operator]`, `[every]` or `[none]`, or `lines.count`",
    );
    refused(
        "filter[lines][quantity]=1&filter[lines][evry][quantity]=1&filter[lines][some]=1&filter[lines][none][quanity]=1",
        "INVALID_PARAMETER
filter[lines][quantity]: relation: conditions on `lines` are for `some`, `every` or `none` of them, not `quantity` (did you mean `[lines][some][quantity]`?)
filter[lines][evry][quantity]: relation: conditions on `lines` are for `some`, `every` or `none` of them, not `evry` (did you mean `every`?)
filter[lines][some]: syntax: `some` holds conditions: `[lines][some][field][operator]`, or `true` for any record
filter[lines][none][quanity]: unknown: `lines` has no field `quanity` (did you mean `quantity`?)",
    );
    let deep = |depth: usize| {
        let steps = "[category.products][some]".repeat(depth);
        format!("filter{steps}[stock]=1")
    };
    assert!(list(&deep(4)).is_ok());
    assert_eq!(list(&deep(5)).unwrap_err().details[0].rule, "depth");
    let many = |count: usize| -> String {
        let looks = (0..count)
            .map(|number| format!("filter[or][{number}][lines][some][quantity]={number}&"));
        looks.collect()
    };
    assert!(list(&many(16)).is_ok());
    refused(
        &format!("{}sort=lines.count", many(16)),
        "INVALID_PARAMETER\nfilter: max: filter and sort look at related records (`some`, `every`, `none`, `count`, `sum` …) at most 16 times, not 17",
    );
}

#[test]
fn numbers_of_relations() {
    filter("filter[lines.count][gte]=3", "lines.count >= 3");
    filter(
        "filter[lines.sum(quantity)][between]=1,5",
        "(lines.sum(quantity) >= 1 and lines.sum(quantity) <= 5)",
    );
    filter(
        "filter[lines.avg(quantity)][lt]=1.25",
        "lines.avg(quantity) < 1.2500",
    );
    filter(
        "filter[category.products.max(price)]=1",
        "category.products.max(price) = 1.00",
    );
    filter(
        "filter[category.products.min(name)][in]=a,b",
        r#"category.products.min(name) in ["a" "b"]"#,
    );
    filter(
        "filter[lines.sum(quantity)][isNull]=true",
        "lines.sum(quantity) is null",
    );
    for (query, message) in [
        (
            "filter[lines.size]=1",
            "`size` is not `count`, `sum(field)`, `avg(field)`, `min(field)` or `max(field)` of `lines`",
        ),
        (
            "filter[lines.sum]=1",
            "`sum` is not `count`, `sum(field)`, `avg(field)`, `min(field)` or `max(field)` of `lines` (did you mean `sum`?)",
        ),
        (
            "filter[lines.sum(quanity)]=1",
            "`lines` has no field `quanity` (did you mean `quantity`?)",
        ),
        (
            "filter[category.products.sum(name)]=1",
            "`sum` takes a number or a duration; `name` is of type text",
        ),
        (
            "filter[lines.sum(quantity)x]=1",
            "`sum(quantity)x`: at character 14: expected the end, found `x`",
        ),
        (
            "filter[lines.count(quantity)]=1",
            "`count(quantity)` is not `count`, `sum(field)`, `avg(field)`, `min(field)` or `max(field)` of `lines` (did you mean `count`?)",
        ),
        (
            "filter[lines.max(orderId)]=1",
            "`max` takes a number, a text, a date or a time; `orderId` is of type ref",
        ),
        (
            "filter[category.products.min(name)][contains]=a",
            "`contains` is for fields; `products.min(name)` takes comparisons",
        ),
        (
            "filter[lines.order.number]=1",
            "`lines` leads to many records: write `[lines][some][order…]` for a condition on them",
        ),
    ] {
        assert_eq!(
            list(query).unwrap_err().details[0].message,
            message,
            "{query}"
        );
    }
}

#[test]
fn places_inside_json() {
    filter("filter[details.color]=red", r#"details/color = json "red""#);
    filter(
        "filter[details.rows.0.name][ne]=12.50",
        "details/rows/#0/name != json 12.5",
    );
    filter("filter[details.on]=true", "details/on = json true");
    filter("filter[details.on]=\"true\"", r#"details/on = json "true""#);
    filter("filter[details.a]=null", r#"details/a = json "null""#);
    filter(
        "filter[details.size][between]=1,20",
        "(details/size >= json 1 and details/size <= json 20)",
    );
    filter(
        "filter[details.\"a.b\".\"0\"][in]=1,x",
        r#"details/a.b/0 in [json 1 json "x"]"#,
    );
    filter(
        "filter[details.name][startsWith]=1",
        r#"details/name starts "1""#,
    );
    filter("filter[details.tags][has]=1", "details/tags has all [1]");
    filter("filter[labels.en][contains]=x", r#"labels/en contains "x""#);
    filter("filter[details.a][isNull]=true", "details/a is null");
    for (query, message) in [
        (
            "filter[details.a][gt]=true",
            "an order takes a number or a text",
        ),
        (
            "filter[details.a][icontains]=x",
            "`icontains` needs a folded copy of the text, which values inside json do not have; use `contains` for an exact test",
        ),
        (
            "filter[details.]=x",
            "`` cannot stand in a path: a key is not empty and has no quote, backslash or control character",
        ),
        (
            "filter[details.\"a]=x",
            "`details.\"a` has a quote that does not end",
        ),
        (
            "filter[details.99999999]=x",
            "`99999999` is too large for a place in a list",
        ),
    ] {
        assert_eq!(
            list(query).unwrap_err().details[0].message,
            message,
            "{query}"
        );
    }
}

#[test]
fn lists_take_membership() {
    for (query, message) in [
        (
            "filter[tags]=a",
            "`tags` is a list, which takes `has`, `hasAny`, `hasAll` and `isNull`",
        ),
        (
            "filter[stock][has]=1",
            "`has` is for lists; `stock` is of type integer",
        ),
    ] {
        let refusal = list(query).unwrap_err();
        assert_eq!(refusal.details[0].message, message, "{query}");
    }
}

#[test]
fn relative_moments() {
    filter(
        "filter[seenAt][gte]=now",
        "seenAt >= DateTime(1795773600000000)",
    );
    filter(
        "filter[seenAt][lt]=now/d",
        "seenAt < DateTime(1795737600000000)",
    );
    filter("filter[releasedOn]=now-7d", "releasedOn = Date(20777)");
    filter(
        "filter[releasedOn][in]=now,2026-11-20",
        "releasedOn in [Date(20784) Date(20777)]",
    );
    assert_eq!(NOW.to_string(), "2026-11-27T10:00:00.000000Z");
    let refusal = list("filter[seenAt][gt]=now-7x").unwrap_err();
    assert_eq!(refusal.details[0].rule, "type");
    assert!(
        refusal.message.contains("units: s m h d w M y"),
        "{refusal}"
    );
}

#[test]
fn the_same_as_json() {
    let read = |text: &str| {
        parse_conditions(view(), resource("products"), text, "filter", NOW)
            .map(|predicate| show_over(resource("products"), &predicate))
            .unwrap_or_else(|refusal| told(&refusal))
    };
    assert_eq!(
        read(
            r#"{"price":{"gte":10,"lt":"20.5"},"name":"x","lines":{"some":{"quantity":{"in":[1,2]}}}}"#
        ),
        r#"((price >= 10.00 and price < 20.50) and name = "x" and some lines (quantity in [1 2]))"#
    );
    assert_eq!(
        read(
            r#"{"or":[{"stock":1},{"not":{"note":null}}],"details.a":{"gt":1.5},"tags":{"hasAny":["a"]},"releasedOn":"now"}"#
        ),
        r#"((stock = 1 or not note = Null) and details/a > json 1.5 and tags has any ["a"] and releasedOn = Date(20784))"#
    );
    assert_eq!(read("{}"), "true");
    assert_eq!(read(r#"{"lines":{"none":true}}"#), "not some lines (true)");
    assert_eq!(
        read(
            r#"{"pirce":1,"or":{"stock":1},"stock":{"gt":null,"isNull":"x","in":{"a":1}},"name":{"contains":3}}"#
        ),
        "UNKNOWN_FIELD
filter.pirce: unknown: `products` has no field `pirce` (did you mean `price`?)
filter.or.stock: syntax: groups are numbered: `filter[or][0][field][operator]=value`
filter.stock.gt: type: null has no order; use `isNull`
filter.stock.isNull: type: `isNull` takes `true` or `false`
filter.stock.in.a: syntax: nothing stands behind the operator: `filter[field][operator]=value`
filter.name.contains: type: it must be a text"
    );
    assert!(read("[]").contains("it must be an object of conditions"));
    assert!(read(r#"{"a":1,"a":2}"#).starts_with("INVALID_PARAMETER\nfilter: json"));
}

#[test]
fn sort_by_what_is_made_and_where_null_stands() {
    let request =
        list("sort=-lines.count,lines.sum(quantity):nullsLast,price:desc:nullsFirst,details.a")
            .unwrap();
    let keys: Vec<(String, bool, Nulls)> = request
        .sort
        .iter()
        .map(|key| {
            let by = show_operand(resource("products"), &key.by);
            (by, key.descending, key.nulls)
        })
        .collect();
    let key = |by: &str, descending, nulls| (by.to_owned(), descending, nulls);
    assert_eq!(
        keys,
        [
            key("lines.count", true, Nulls::Smallest),
            key("lines.sum(quantity)", false, Nulls::Last),
            key("price", true, Nulls::First),
            key("details/a", false, Nulls::Smallest),
        ]
    );
    refused(
        "sort=lines&sort=price:nullsFrist,price:asc:desc",
        "INVALID_PARAMETER
sort: relation: `lines` leads to many records: sort by `lines.count`, `lines.max(field)` and the like
sort: syntax: `price:nullsFrist` is not `field`, `-field`, `field:asc` or `field:desc`, with `:nullsFirst` or `:nullsLast` behind it (did you mean `nullsFirst`?)
sort: syntax: `price:asc:desc` is not `field`, `-field`, `field:asc` or `field:desc`, with `:nullsFirst` or `:nullsLast` behind it",
    );
}
