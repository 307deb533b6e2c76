//! What nobody means well: the largest requests that are let in, and what lies just beyond them.

#![cfg(test)]

use crate::world::{World, code};
use carnet_kernel::Code;
use serde_json::json;

crate::on_both!(
    the_longest_lists,
    the_deepest_filters,
    the_widest_joins,
    odd_texts,
    numbers_at_the_edge,
    journal_keys,
);

async fn the_longest_lists(world: World) {
    world.made("products", r#"{"name":"a","stock":7}"#).await;
    let ids: Vec<String> = (0..1_000)
        .map(|_| world.operations.next_id().to_string())
        .collect();
    for (operator, expected) in [("in", 0), ("nin", 1)] {
        let query = format!("filter[id][{operator}]={}", ids.join(","));
        assert_eq!(
            world.list("products", &query).await.unwrap().1,
            Some(expected)
        );
    }
    let numbers: Vec<String> = (0..1_000).map(|number| number.to_string()).collect();
    let many: Vec<String> = (0..200)
        .map(|number| format!("filter[or][{number}][stock][in]={}", numbers[..5].join(",")))
        .collect();
    assert_eq!(
        world.list("products", &many.join("&")).await.unwrap().1,
        Some(0)
    );
}

async fn the_deepest_filters(world: World) {
    world.made("products", r#"{"name":"a","stock":7}"#).await;
    let deep = format!("filter{}[stock]=7", "[not]".repeat(8));
    assert_eq!(world.list("products", &deep).await.unwrap().1, Some(1));
    let mut wide = Vec::new();
    for number in 0..200 {
        let path = format!(
            "[or][{}][and][{}][or][{}][and][0]",
            number / 50,
            number / 10,
            number
        );
        wide.push(format!("filter{path}[name][icontains]={number}"));
    }
    assert_eq!(
        world.list("products", &wide.join("&")).await.unwrap().1,
        Some(0)
    );
    let like = format!("filter[name][like]={}", "%a".repeat(2_000));
    assert_eq!(world.list("products", &like).await.unwrap().1, Some(0));
}

async fn the_widest_joins(world: World) {
    world.made("nodes", r#"{"name":"a"}"#).await;
    // Every path of four letters over two relations: 30 joins.
    let filters: Vec<String> = (0..16)
        .map(|number| {
            let steps: String = (0..4)
                .map(|bit| {
                    if number >> bit & 1 == 0 {
                        "parent."
                    } else {
                        "second."
                    }
                })
                .collect();
            format!("filter[{steps}name][ne]=x{number}")
        })
        .collect();
    let query = format!("{}&sort=friend.name,guard.name&limit=1", filters.join("&"));
    assert_eq!(world.list("nodes", &query).await.unwrap().1, Some(1));
    let beyond = format!("{query}&filter[friend.friend.name]=a");
    assert_eq!(
        code(world.list("nodes", &beyond).await),
        Code::InvalidParameter
    );
    let sort: Vec<String> = (1..=8)
        .map(|steps| format!("{}name", "parent.".repeat(steps)))
        .collect();
    assert_eq!(
        world
            .list("nodes", &format!("sort={}", sort.join(",")))
            .await
            .unwrap()
            .1,
        Some(1)
    );
    let names = ["parent", "second", "friend", "guard", "children"];
    let tree: Vec<String> = names
        .iter()
        .flat_map(|first| names.iter().map(move |second| format!("{first}.{second}")))
        .collect();
    let (rows, _) = world
        .list("nodes", &format!("include={}", tree.join(",")))
        .await
        .unwrap();
    assert_eq!(rows[0]["children"], json!([]));
}

async fn odd_texts(world: World) {
    for text in [
        "'; drop table products; --",
        "\u{1F600}\u{200D}\u{FEFF}",
        "\u{10FFFF}",
        "\"\\\n\t\u{1}",
        "%_\\",
        "ﬃ İ ß ſ",
        "$1 ?1 {home}",
    ] {
        let body = json!({ "name": text, "note": text, "details": { text: text }, "tags": ["x"] });
        let made = world.create("products", &body.to_string()).await.unwrap();
        for name in ["name", "note", "details"] {
            assert_eq!(made[name], body[name]);
        }
        let id = made["id"].as_str().unwrap();
        assert_eq!(world.read("products", id, "").await.unwrap(), made);
        let owner = world.view.resource_named("products").unwrap();
        for operator in [
            "eq",
            "contains",
            "startsWith",
            "endsWith",
            "ieq",
            "icontains",
        ] {
            // `%` and its like are themselves here; only `like` reads them.
            let pairs = vec![
                (format!("filter[name][{operator}]"), text.to_owned()),
                ("filter[id]".to_owned(), id.to_owned()),
            ];
            let request = carnet_records::parse::parse_list(
                &world.view,
                owner,
                &pairs,
                carnet_kernel::Timestamp(0),
            )
            .unwrap();
            let command = carnet_records::Command::List {
                resource: owner.index,
                request: std::sync::Arc::new(request.into()),
            };
            let carnet_records::Answer::List(answer) = world.run(command).await.unwrap() else {
                panic!("no list");
            };
            assert_eq!(answer.listing.rows, 1, "{operator} {text:?}");
        }
    }
    let refusal = world.create("products", r#"{"name":"a\u0000"}"#).await;
    assert_eq!(code(refusal), Code::ValidationFailed);
}

async fn numbers_at_the_edge(world: World) {
    let body = r#"{"name":"a","price":"9999999999.99","stock":9007199254740991,"weight":-1.7976931348623157e308,
        "lasts":"P106751991DT4H54.775807S","details":{"n":[0.1,1e-300,-9007199254740991,1.7976931348623157e-10]}}"#;
    let made = world.create("products", body).await.unwrap();
    let read = world
        .read("products", made["id"].as_str().unwrap(), "")
        .await
        .unwrap();
    assert_eq!(read, made);
    assert_eq!(made["price"], "9999999999.99");
    for query in [
        "filter[price][lte]=9999999999.99",
        "filter[weight][lt]=-1.7e308",
        "filter[stock][gte]=9007199254740991",
        "filter[price][between]=0,9999999999.99",
        "filter[seenAt][isNull]=true&filter[releasedOn][ne]=9999-12-31",
    ] {
        assert_eq!(
            world.list("products", query).await.unwrap().1,
            Some(1),
            "{query}"
        );
    }
    // A filter may ask for more than a field can hold; no record has it.
    assert_eq!(
        world
            .list("products", "filter[price][gt]=9999999999999999")
            .await
            .unwrap()
            .1,
        Some(0)
    );
}

async fn journal_keys(world: World) {
    world.made("products", r#"{"name":"a"}"#).await;
    let (rows, _) = world
        .list("journal", "filter[resource]=products")
        .await
        .unwrap();
    let sequence = rows[0]["sequence"].as_i64().unwrap();
    let owner = world.view.resource_named("journal").unwrap();
    let read = |key: i64| carnet_records::Command::Read {
        resource: owner.index,
        key: carnet_kernel::Value::Integer(key),
        request: carnet_records::parse::ReadRequest::default(),
    };
    assert!(world.run(read(sequence)).await.is_ok());
    assert_eq!(code(world.run(read(i64::MAX)).await), Code::NotFound);
}
