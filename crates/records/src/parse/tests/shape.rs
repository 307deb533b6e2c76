//! Includes, sort, pages, counts, fields.

use super::refused;
use crate::fixture::{NOW, field, list, pairs, resource, told, view};
use crate::parse::{CountMode, Included, ListRequest, parse_read, parse_write};
use carnet_model::Resource;

#[test]
fn include_trees() {
    let request = list("include=category.parent,category.children,lines").unwrap();
    let names = |included: &Included, of: &Resource| -> Vec<String> {
        let relations = included.relations.iter();
        relations
            .map(|one| of.relation(one.relation).name.clone())
            .collect()
    };
    let top = &request.included;
    assert_eq!(names(top, resource("products")), ["category", "lines"]);
    let category = &top.relations[0].included;
    assert_eq!(
        names(category, resource("categories")),
        ["parent", "children"]
    );
    assert!(top.relations[1].included.is_empty());
    for good in [
        "category.products.category",
        "category.children.children.parent",
        "lines.order.lines.product",
    ] {
        assert!(list(&format!("include={good}")).is_ok(), "{good}");
    }
    for (circle, name) in [
        ("category.products.category.products", "products"),
        ("category.children.parent.children", "children"),
    ] {
        refused(
            &format!("include={circle}"),
            &format!(
                "INVALID_PARAMETER\ninclude.{circle}: repeated: `{name}` stands twice in the path; each time would multiply the records"
            ),
        );
    }
    let up = format!("category{}", ".parent".repeat(7));
    assert!(list(&format!("include={up}")).is_ok());
    refused(
        &format!("include={up}.parent"),
        &format!(
            "INVALID_PARAMETER\n{}…: depth: it nests deeper than 8 relations",
            format!("include.{up}").chars().take(64).collect::<String>()
        ),
    );
    refused(
        "include=stock,",
        "INVALID_PARAMETER
include: syntax: at character 7: expected the name of a relation, found the end",
    );
    let paths = [
        "category.parent.parent.parent.parent.parent.parent.parent",
        "category.parent.children.parent.parent.parent.parent.parent",
        "category.children.children.parent.parent.parent.parent.parent",
        "category.products.category.parent.parent.parent.parent.parent",
        "lines.product.category.parent.parent.parent.parent.parent",
    ];
    assert_eq!(
        list(&format!("include={}", paths.join(",")))
            .unwrap_err()
            .details[0]
            .message,
        "a request includes at most 32 relations"
    );
}

#[test]
fn sort_forms() {
    let sorted = |query: &str| -> Vec<(String, bool)> {
        let request = list(query).unwrap_or_else(|refusal| panic!("{}", told(&refusal)));
        let keys = request.sort.into_iter();
        keys.map(|key| {
            let path = key.as_path().unwrap();
            let field = if path.steps.is_empty() {
                resource("products").field(path.field)
            } else {
                resource("categories").field(path.field)
            };
            (field.name.clone(), key.descending)
        })
        .collect()
    };
    let expected = [
        ("price".to_owned(), true),
        ("name".to_owned(), false),
        ("stock".to_owned(), true),
        ("note".to_owned(), false),
    ];
    assert_eq!(
        sorted("sort=-price,category.name,stock:desc,note:asc"),
        expected
    );
    refused(
        "sort=details&sort=name,-name&sort=-price:desc&sort=price:down&sort=createdBy",
        "INVALID_PARAMETER
sort: type: `details` is of type json, which has no order; sort by a path into it: `details.key`
sort: repeated: `name` stands twice
sort: syntax: `-price:desc` is not `field`, `-field`, `field:asc` or `field:desc`, with `:nullsFirst` or `:nullsLast` behind it
sort: syntax: `price:down` is not `field`, `-field`, `field:asc` or `field:desc`, with `:nullsFirst` or `:nullsLast` behind it
sort: type: `createdBy` is of type principal, which has no order",
    );
}

#[test]
fn pages_and_counts() {
    let request = list("limit=50&page=3&count=exact").unwrap();
    assert_eq!((request.limit, request.offset), (50, 100));
    assert_eq!(request.count, CountMode::Exact);
    let request = list("offset=7&count=none").unwrap();
    assert_eq!((request.limit, request.offset), (20, 7));
    assert_eq!(request.count, CountMode::None);
    assert_eq!(list("count=estimated").unwrap().count, CountMode::Estimated);
    let request = list("cursor=abc&limit=5").unwrap();
    assert_eq!(request.cursor.as_deref(), Some("abc"));
    assert_eq!(request.count, CountMode::None);
    assert_eq!(
        list("cursor=abc&count=auto").unwrap().count,
        CountMode::Auto
    );
    let request = list("").unwrap();
    assert_eq!(
        request,
        ListRequest {
            binding: request.binding.clone(),
            ..ListRequest::default()
        }
    );
    refused(
        "offset=100001",
        "INVALID_PARAMETER\noffset: range: `offset` is a whole number from 0 to 100000; go further with `cursor`, which costs the same at any depth",
    );
    refused(
        "cursor=a&offset=1&page=2",
        "INVALID_PARAMETER
page: conflict: `offset` and `page` exclude each other
cursor: conflict: `cursor` and `offset` exclude each other
cursor: conflict: `cursor` and `page` exclude each other",
    );
    refused(
        "offset=1&page=2",
        "INVALID_PARAMETER\npage: conflict: `offset` and `page` exclude each other",
    );
    refused(
        "limit=1001&offset=-1&count=exct",
        "INVALID_PARAMETER
limit: range: `limit` is a whole number from 1 to 1000
offset: range: `offset` is a whole number from 0 to 100000
count: enum: `count` is `auto`, `exact`, `estimated` or `none` (did you mean `exact`?)",
    );
    for query in [
        "limit=0",
        "limit=+5",
        "limit=",
        "page=0",
        "offset=1e3",
        "page=99999999999999999999",
    ] {
        assert_eq!(list(query).unwrap_err().details[0].rule, "range", "{query}");
    }
}

#[test]
fn fields_keep_the_key_and_the_order() {
    let products = resource("products");
    let request = list("fields=price,name,price").unwrap();
    let expected = ["id", "name", "price"].map(|name| field(products, name));
    assert_eq!(request.fields.as_deref(), Some(&expected[..]));
}

#[test]
fn reads_and_writes_take_less() {
    let read = parse_read(
        view(),
        resource("products"),
        &pairs("sort=name&incude=a"),
        NOW,
    )
    .unwrap_err();
    assert_eq!(
        told(&read),
        "UNKNOWN_PARAMETER
sort: unknown: the parameter `sort` is not offered here
incude: unknown: there is no parameter `incude` (did you mean `include`?)"
    );
    let none = parse_write(&pairs("include=category")).unwrap_err();
    assert_eq!(
        told(&none),
        "UNKNOWN_PARAMETER\ninclude: unknown: the parameter `include` is not offered here"
    );
}
