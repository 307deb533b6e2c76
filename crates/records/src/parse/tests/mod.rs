//! Queries as clients write them: filters here, what else a list takes in `shape`.

mod included;
mod related;
mod shape;

use super::*;
use crate::fixture::{NOW, list, pairs, resource, told, view};
use carnet_expr::{CompareOp, Function, JsonStep, Operand, Path, TextOp};
use carnet_kernel::{JsonText, Value};
use proptest::prelude::*;

/// What a filter of products means, in short.
fn show(predicate: &Predicate) -> String {
    show_over(resource("products"), predicate)
}

fn walk<'r>(
    mut at: &'r Resource,
    steps: &[carnet_model::RelationIndex],
    text: &mut String,
) -> &'r Resource {
    for step in steps {
        text.push_str(&at.relation(*step).name);
        text.push('.');
        at = view().resource(at.relation(*step).target);
    }
    at
}

fn show_path(of: &Resource, path: &Path) -> String {
    let mut text = String::new();
    let at = walk(of, &path.steps, &mut text);
    text.push_str(&at.field(path.field).name);
    for step in &path.inside {
        match step {
            JsonStep::Key(key) => text.push_str(&format!("/{key}")),
            JsonStep::Index(index) => text.push_str(&format!("/#{index}")),
        }
    }
    text
}

fn show_operand(of: &Resource, operand: &Operand) -> String {
    match operand {
        Operand::Path(at) => show_path(of, at),
        Operand::Value(value) => short(value),
        Operand::Aggregate(aggregate) => {
            let mut text = String::new();
            let holder = walk(of, &aggregate.steps, &mut text);
            let relation = holder.relation(aggregate.relation);
            let target = view().resource(relation.target);
            let field = |field| &target.field(field).name;
            text.push_str(&relation.name);
            text += &match aggregate.function {
                Function::Count => ".count".to_owned(),
                Function::Sum(one) => format!(".sum({})", field(one)),
                Function::Average(one) => format!(".avg({})", field(one)),
                Function::Min(one) => format!(".min({})", field(one)),
                Function::Max(one) => format!(".max({})", field(one)),
            };
            if aggregate.predicate != Predicate::True {
                text += &format!(" of {}", show_over(target, &aggregate.predicate));
            }
            text
        }
    }
}

fn show_over(of: &Resource, predicate: &Predicate) -> String {
    let show = |predicate: &Predicate| show_over(of, predicate);
    let all = |list: &[Predicate], word: &str| {
        let parts: Vec<String> = list.iter().map(show).collect();
        format!("({})", parts.join(word))
    };
    let path = |path: &Path| show_path(of, path);
    let operand = |one: &Operand| show_operand(of, one);
    match predicate {
        Predicate::True => "true".to_owned(),
        Predicate::False => "false".to_owned(),
        Predicate::And(list) => all(list, " and "),
        Predicate::Or(list) => all(list, " or "),
        Predicate::Not(inner) => format!("not {}", show(inner)),
        Predicate::Holds(inner) => format!("holds {}", show(inner)),
        Predicate::Compare { op, left, right } => {
            let op = match op {
                CompareOp::Eq => "=",
                CompareOp::Ne => "!=",
                CompareOp::Gt => ">",
                CompareOp::Gte => ">=",
                CompareOp::Lt => "<",
                CompareOp::Lte => "<=",
            };
            format!("{} {op} {}", operand(left), operand(right))
        }
        Predicate::In { operand: one, list } => {
            let members: Vec<String> = list.iter().map(short).collect();
            format!("{} in [{}]", operand(one), members.join(" "))
        }
        Predicate::IsNull(one) => format!("{} is null", operand(one)),
        Predicate::Has {
            path: at,
            all,
            list,
        } => {
            let members: Vec<&str> = list.iter().map(JsonText::as_str).collect();
            let word = if *all { "all" } else { "any" };
            format!("{} has {word} [{}]", path(at), members.join(" "))
        }
        Predicate::Text {
            op,
            path: at,
            pattern,
            caseless,
        } => {
            let word = match op {
                TextOp::Contains => "contains",
                TextOp::StartsWith => "starts",
                TextOp::EndsWith => "ends",
                TextOp::Like => "like",
            };
            let mark = if *caseless { "~" } else { "" };
            format!("{} {mark}{word} {pattern:?}", path(at))
        }
        Predicate::Search { terms, .. } => {
            let terms: Vec<String> = terms.iter().map(|term| format!("{term:?}")).collect();
            format!("search {}", terms.join(", "))
        }
        Predicate::Exists {
            steps,
            relation,
            predicate,
        } => {
            let mut text = String::new();
            let holder = walk(of, steps, &mut text);
            let relation = holder.relation(*relation);
            let target = view().resource(relation.target);
            format!(
                "some {text}{} ({})",
                relation.name,
                show_over(target, predicate)
            )
        }
    }
}

fn short(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("{text:?}"),
        Value::Integer(integer) => integer.to_string(),
        Value::Decimal(decimal) => decimal.to_string(),
        Value::Float(float) => float.to_string(),
        Value::Boolean(boolean) => boolean.to_string(),
        Value::Id(id) => format!("#{}", id.as_u128()),
        Value::Json(text) => format!("json {}", text.as_str()),
        other => format!("{other:?}"),
    }
}

#[track_caller]
fn filter(query: &str, expected: &str) {
    let request = list(query).unwrap_or_else(|refusal| panic!("{query}: {}", told(&refusal)));
    assert_eq!(show(&request.predicate), expected, "{query}");
}

#[track_caller]
fn refused(query: &str, expected: &str) {
    match list(query) {
        Ok(request) => panic!("{query}: {request:?}"),
        Err(refusal) => assert_eq!(told(&refusal), expected, "{query}"),
    }
}

#[test]
fn every_operator() {
    filter("filter[stock][eq]=1", "stock = 1");
    filter("filter[stock]=1", "stock = 1");
    filter("filter[stock][ne]=-1", "stock != -1");
    filter("filter[price][gt]=9.9", "price > 9.90");
    filter("filter[price][gte]=1e2", "price >= 100.00");
    filter("filter[weight][lt]=1.5", "weight < 1.5");
    filter(
        "filter[releasedOn][lte]=2026-11-21",
        "releasedOn <= Date(20778)",
    );
    filter("filter[opensAt]=08:00:00", "opensAt = Time(28800000000)");
    filter("filter[lasts]=PT1S", "lasts = Duration(1000000)");
    filter(
        "filter[seenAt][gt]=1970-01-01T00:00:01Z",
        "seenAt > DateTime(1000000)",
    );
    filter(
        "filter[status][in]=draft,published",
        r#"status in ["draft" "published"]"#,
    );
    filter(
        "filter[status][nin]=archived",
        r#"not status in ["archived"]"#,
    );
    filter(
        "filter[price][between]=1,2.5",
        "(price >= 1.00 and price <= 2.50)",
    );
    filter("filter[price][isNull]=true", "price is null");
    filter("filter[details][isNull]=false", "not details is null");
    filter("filter[createdBy][isNull]=true", "createdBy is null");
    filter("filter[note][like]=a%", r#"note like "a%""#);
    filter("filter[note][contains]=50%", r#"note contains "50%""#);
    filter("filter[note][startsWith]=a", r#"note starts "a""#);
    filter("filter[note][endsWith]=", r#"note ends """#);
    filter("filter[name][ieq]=A_b%", r#"name ~like "a\\_b\\%""#);
    filter("filter[name][ilike]=A_%", r#"name ~like "a_%""#);
    filter("filter[name][icontains]=Ä", r#"name ~contains "ä""#);
    filter("filter[name][istartsWith]=S", r#"name ~starts "s""#);
    filter("filter[contact][iendsWith]=.EU", r#"contact ~ends ".eu""#);
    filter("filter[isFeatured]=true", "isFeatured = true");
    filter(
        "filter[id]=00000000000000000000000001&filter[version][gt]=1",
        "(id = #1 and version > 1)",
    );
    filter("filter[tags][has]=a,b", r#"tags has all ["a,b"]"#);
    filter("filter[tags][hasAny]=a,b", r#"tags has any ["a" "b"]"#);
    filter("filter[tags][hasAll]=a,b", r#"tags has all ["a" "b"]"#);
    assert_eq!(Word::ALL.len(), 22, "each one is tested above");
}

#[test]
fn joining_and_nesting() {
    filter(
        "filter[stock]=1&filter[price][gt]=1&filter[price][lt]=2",
        "(stock = 1 and (price > 1.00 and price < 2.00))",
    );
    filter(
        "filter[or][0][stock]=1&filter[or][1][price][gt]=1&filter[or][1][note]=a",
        r#"(stock = 1 or (price > 1.00 and note = "a"))"#,
    );
    filter(
        "filter[not][or][0][stock]=1&filter[not][or][1][stock]=2",
        "not (stock = 1 or stock = 2)",
    );
    filter(
        "filter[and][0][or][0][stock]=1&filter[and][0][or][1][stock]=2&filter[and][1][note]=a",
        r#"((stock = 1 or stock = 2) and note = "a")"#,
    );
    filter("filter[or][7][stock]=1", "(stock = 1)");
    filter(
        "filter[category.parent.name]=x&filter[category.id]=00000000000000000000000002",
        r#"(category.parent.name = "x" and category.id = #2)"#,
    );
}

#[test]
fn lists_and_escapes() {
    filter(r"filter[note][in]=a\,b,,c\\", r#"note in ["a,b" "" "c\\"]"#);
    filter("filter[note][in]=", r#"note in [""]"#);
    filter("filter[note]=a,b", r#"note = "a,b""#);
    filter(
        "filter[stock][in]=1,2&filter[stock][in]=3",
        "stock in [1 2 3]",
    );
    let thousand = vec!["1"; 1_000].join(",");
    assert!(list(&format!("filter[stock][in]={thousand}")).is_ok());
    refused(
        &format!("filter[stock][in]={thousand}&filter[stock][in]=2"),
        "INVALID_PARAMETER\nfilter[stock][in]: max: a list has at most 1000 members, not 1001",
    );
}

#[test]
fn unknown_names_have_the_nearest_one() {
    refused(
        "limt=1&filter[pirce]=1&filter[stock][equals]=1&include=catgory&fields=nam&sort=-stok",
        "UNKNOWN_PARAMETER
limt: unknown: there is no parameter `limt` (did you mean `limit`?)
filter[pirce]: unknown: `products` has no field `pirce` (did you mean `price`?)
filter[stock][equals]: unknown: there is no operator `equals`
sort: unknown: `products` has no field `stok` (did you mean `stock`?)
fields: unknown: `products` has no field `nam` (did you mean `name`?)
include.catgory: unknown: `products` has no relation `catgory` (did you mean `category`?)",
    );
    refused(
        "filter[category]=1",
        "UNKNOWN_FIELD
filter[category]: unknown: `products` has no field `category` (did you mean `categoryId`, or a field of it such as `category.id`?)",
    );
    refused(
        "filter[category.nme]=1",
        "UNKNOWN_FIELD
filter[category.nme]: unknown: `categories` has no field `nme` (did you mean `name`?)",
    );
    refused(
        "search=a&search[fuzzy]=b&search[x]=c&search=d&asOf=b",
        "UNKNOWN_PARAMETER
search[x]: syntax: a search is written `search=…` or `search[fuzzy]=…`
search: repeated: `search` stands twice
asOf: unknown: the parameter `asOf` comes with a later release
search: unknown: `products` is not searched; its definition names fields under `search` to offer it
search[fuzzy]: unknown: `products` is not searched; its definition names fields under `search` to offer it",
    );
    refused(
        "filter[lines.quantity]=1",
        "INVALID_PARAMETER
filter[lines.quantity]: relation: `lines` leads to many records: write `filter[lines][some][quantity][…]` for a condition on them, or `lines.max(quantity)` for a value of all",
    );
    refused(
        "filter[stock.a]=1",
        "UNKNOWN_FIELD
filter[stock.a]: unknown: `stock` is a field of `products`, not a relation",
    );
}

#[test]
fn values_of_the_wrong_type() {
    for (query, message) in [
        ("filter[stock]=one", "it must be a whole number, not a text"),
        (
            "filter[stock]=1.5",
            "it must be a whole number, without a fraction",
        ),
        (
            "filter[stock]=9007199254740992",
            "it must lie within ±9007199254740991",
        ),
        (
            "filter[stock]=1e400",
            "it must lie within ±9007199254740991",
        ),
        ("filter[stock]=", "it must be a whole number, not a text"),
        (
            "filter[price]=0.001",
            "it must have at most 2 fraction digits",
        ),
        ("filter[weight]=1e999", "it is too large for a double"),
        (
            "filter[isFeatured]=1",
            "it must be true or false, not a text",
        ),
        (
            "filter[price][isNull]=1",
            "`isNull` takes `true` or `false`",
        ),
        (
            "filter[stock][in]=1,x",
            "`x`: it must be a whole number, not a text",
        ),
        (
            "filter[status]=publishd",
            "it must be one of draft, published, archived (did you mean `published`?)",
        ),
    ] {
        let refusal = list(query).unwrap_err();
        assert_eq!(refusal.code, Code::InvalidParameter, "{query}");
        assert_eq!(refusal.details[0].message, message, "{query}");
        assert_eq!(refusal.message, message, "{query}");
    }
    refused(
        "filter[stock][between]=1",
        "INVALID_PARAMETER\nfilter[stock][between]: count: `between` takes two values, separated by a comma",
    );
}

#[test]
fn operators_that_do_not_fit() {
    for (query, message) in [
        (
            "filter[note][icontains]=a",
            "`icontains` needs `note` to be declared `caseless: true`; use `contains` for an exact test",
        ),
        (
            "filter[stock][contains]=1",
            "`contains` is for text; `stock` is of type integer",
        ),
        (
            "filter[details]=1",
            "`details` is of type json, which takes `isNull`, or a path into it: `details.key`",
        ),
        (
            "filter[isFeatured][gt]=true",
            "`isFeatured` is of type boolean, which has no order",
        ),
        (
            "filter[categoryId][like]=1",
            "`like` is for text; `categoryId` is of type ref",
        ),
    ] {
        let refusal = list(query).unwrap_err();
        assert_eq!(refusal.code, Code::UnknownOperator, "{query}");
        assert_eq!(refusal.details[0].message, message, "{query}");
    }
}

#[test]
fn broken_shapes() {
    let form = "a filter is written `filter[field][operator]=value`";
    for query in [
        "filter=1",
        "filter[]=1",
        "filter[stock=1",
        "filter[stock]eq=1",
    ] {
        let refusal = list(query).unwrap_err();
        assert_eq!(refusal.details[0].message, form, "{query}");
    }
    refused(
        "filter[stock][eq][x]=1&filter[or]=1&filter[or][a][stock]=1&filter[and][0]=1&filter[not]=1",
        "INVALID_PARAMETER
filter[stock][eq][x]: syntax: nothing stands behind the operator: `filter[field][operator]=value`
filter[or]: syntax: groups are numbered: `filter[or][0][field][operator]=value`
filter[or][a][stock]: syntax: groups are numbered: `filter[or][0][field][operator]=value`
filter[and][0]: syntax: a group holds conditions: `filter[or][0][field][operator]=value`
filter[not]: syntax: `not` holds conditions: `filter[not][field][operator]=value`",
    );
    refused(
        "limit[]=1&sort[a]=name",
        "UNKNOWN_PARAMETER
limit[]: syntax: `limit` takes no brackets
sort[a]: syntax: `sort` takes no brackets",
    );
}

#[test]
fn repeated_keys() {
    refused(
        "limit=1&limit=1",
        "INVALID_PARAMETER\nlimit: repeated: `limit` stands twice",
    );
    refused(
        "filter[stock]=1&filter[stock][eq]=2",
        "INVALID_PARAMETER\nfilter[stock][eq]: repeated: `filter[stock][eq]` stands twice",
    );
    let one = list("include=category&include[]=lines.product&sort=name&sort=-price&fields=name&fields=stock,name").unwrap();
    assert_eq!(one.included.relations.len(), 2);
    assert_eq!(one.sort.len(), 2);
    assert_eq!(one.fields.map(|fields| fields.len()), Some(3));
}

#[test]
fn limits() {
    let many: Vec<String> = (0..201)
        .map(|number| format!("filter[or][{number}][stock]={number}"))
        .collect();
    assert!(list(&many[1..].join("&")).is_ok());
    refused(
        &many.join("&"),
        "INVALID_PARAMETER\nfilter: max: a filter has at most 200 conditions, not 201",
    );
    let nested = |depth: usize| format!("filter{}[stock]=1", "[not]".repeat(depth));
    filter(&nested(8), &format!("{}stock = 1", "not ".repeat(8)));
    assert_eq!(list(&nested(9)).unwrap_err().details[0].rule, "depth");
    let steps = |count: usize| format!("filter[category{}.name]=a", ".parent".repeat(count - 1));
    assert!(list(&steps(8)).is_ok());
    assert_eq!(list(&steps(9)).unwrap_err().details[0].rule, "depth");
    let keys = [
        "name", "sku", "note", "price", "stock", "weight", "status", "seenAt", "lasts",
    ];
    assert!(list(&format!("sort={}", keys[..8].join(","))).is_ok());
    assert_eq!(
        list(&format!("sort={}", keys.join(",")))
            .unwrap_err()
            .details[0]
            .rule,
        "max"
    );
    let fault = list(&"x=1&".repeat(900)).unwrap_err();
    assert_eq!(fault.details.len(), 50);
    let long = list(&format!("{}=1", "x".repeat(10_000))).unwrap_err();
    assert!(long.details[0].field.len() < 100 && long.message.len() < 200);
}

#[test]
fn what_filter_and_sort_follow_is_bounded() {
    let view = crate::fixture::compile(
        "
carnet: 1
resources:
  nodes:
    fields:
      name: { type: text, max: 9 }
      a: { type: ref, to: nodes, optional: true }
      b: { type: ref, to: nodes, optional: true }
",
    );
    // Every path of five letters: 2 + 4 + … + 32 joins.
    let query = |count: u32| -> String {
        let path = |number: u32| -> String {
            let steps = (0..5).map(|bit| if number >> bit & 1 == 0 { "a." } else { "b." });
            steps.collect()
        };
        let pairs = (0..count).map(|number| format!("&filter[{}name][ne]=x", path(number)));
        pairs.collect()
    };
    let nodes = view.resource_named("nodes").unwrap();
    assert!(parse_list(&view, nodes, &pairs(&query(6)), NOW).is_ok());
    let refusal = parse_list(&view, nodes, &pairs(&query(32)), NOW).unwrap_err();
    assert_eq!(
        told(&refusal),
        "INVALID_PARAMETER\nfilter: max: filter and sort follow at most 32 relations together, not 62"
    );
}

proptest! {
    #[test]
    fn any_query_parses_or_is_refused_with_a_place(
        keys in proptest::collection::vec(
            prop_oneof![
                "(filter|sort|fields|include|limit|page|count|x)(\\[[a-z.0-9]{0,8}\\]){0,4}",
                "filter(\\[(and|or|not|0|1|name|stock|category.name|price|in|eq|ilike|lines|some|every|quantity|lines.count|details.a.0|tags|has)\\]){1,6}",
                "\\PC{0,12}",
            ],
            0..6,
        ),
        values in proptest::collection::vec(
            prop_oneof!["[a-z,.:\\\\-]{0,12}", "-?[0-9.eE]{0,12}", "\\PC{0,12}"],
            6,
        ),
    ) {
        let pairs: Vec<(String, String)> = keys.into_iter().zip(values).collect();
        if let Err(refusal) = parse_list(view(), resource("products"), &pairs, NOW) {
            prop_assert!(!refusal.details.is_empty());
            prop_assert!(refusal.code.status() == 400);
            for detail in &refusal.details {
                prop_assert!(!detail.field.is_empty() || pairs.iter().any(|(key, _)| key.is_empty()));
                prop_assert!(!detail.message.is_empty());
                prop_assert!(!detail.message.ends_with('.'), "{}", detail.message);
            }
        }
    }
}
