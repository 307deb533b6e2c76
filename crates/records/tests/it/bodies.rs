//! `POST …/query`: the same as in an address, told by paths of the body.

#![cfg(test)]

use crate::rest::{JSON, Reply, get, send};
use crate::world::World;
use serde_json::{Value, json};

crate::on_both!(the_same, cursors, faults, typed, lines);

async fn ask(world: &World, body: &Value) -> Reply {
    send(world, "POST", "/products/query", &[JSON], &body.to_string()).await
}

async fn products(world: &World) {
    let top = world.made("categories", r#"{"name":"Top"}"#).await;
    for number in 0..7 {
        let body = json!({
            "name": format!("p{number}, x"), "price": format!("{number}.50"), "stock": number,
            "categoryId": (number % 2 == 0).then_some(&top),
        });
        world.made("products", &body.to_string()).await;
    }
}

async fn the_same(world: World) {
    products(&world).await;
    for (body, query) in [
        (json!({}), ""),
        (
            json!({ "filter": { "price": { "gte": 2, "lt": "5.50" } }, "sort": ["-price"], "fields": ["name"] }),
            "filter[price][gte]=2&filter[price][lt]=5.50&sort=-price&fields=name",
        ),
        (
            json!({ "filter": { "name": { "in": ["p1, x", "p2, x"] } }, "include": ["category"] }),
            "filter[name][in]=p1\\,%20x,p2\\,%20x&include=category",
        ),
        (
            json!({ "filter": { "or": [{ "stock": 1 }, { "category.name": { "eq": "Top" }, "stock": { "gt": 3 } }] }, "count": "exact", "limit": 2, "page": 2 }),
            "filter[or][0][stock]=1&filter[or][1][category.name][eq]=Top&filter[or][1][stock][gt]=3&count=exact&limit=2&page=2",
        ),
        (
            json!({ "filter": { "category.id": { "eq": null }, "not": { "stock": { "in": [1, 3] } } } }),
            "filter[category.id][isNull]=true&filter[not][stock][in]=1,3",
        ),
        (
            json!({ "groupBy": ["category.name"], "aggregate": ["count", "sum(price)"], "having": { "count": { "gt": 3 } }, "sort": ["-count"] }),
            "groupBy=category.name&aggregate=count,sum(price)&having[count][gt]=3&sort=-count",
        ),
        (json!({ "distinct": ["status"] }), "distinct=status"),
        (
            json!({ "filter": { "category.products.count": { "where": { "stock": { "gt": 2 } }, "gte": 2 } }, "sort": ["-category.products.count(filter[stock]:4)", "name"] }),
            "filter[category.products.count][where][stock][gt]=2&filter[category.products.count][gte]=2&sort=-category.products.count(filter[stock]:4),name",
        ),
        (
            json!({ "include": { "category": { "include": ["products.count", { "products.count": { "filter": { "stock": { "in": [2, 4] } }, "as": "few" } }] } } }),
            "include=category.products.count,category.products.count(filter[stock][in]:2,4;as:few)",
        ),
        (
            json!({ "include": ["category", { "category.products": { "limit": 2, "sort": "-stock", "fields": ["name"], "filter": { "stock": { "lt": 6 } } } }] }),
            "include=category.products(limit:2;sort:-stock;fields:name;filter[stock][lt]:6)",
        ),
    ] {
        let (asked, got) = (
            ask(&world, &body).await,
            get(&world, &format!("/products?{query}")).await,
        );
        assert_eq!(asked.status, 200, "{body}: {}", asked.body);
        let without = |mut answer: Value| {
            // Conditions of a body and of an address bind cursors in their own form.
            if let Some(pagination) = answer["pagination"].as_object_mut() {
                pagination.retain(|name, _| !name.ends_with("Cursor"));
            }
            answer
        };
        assert_eq!(without(asked.body.clone()), without(got.body), "{body}");
        assert!(asked.body["count"].as_u64().unwrap() > 0, "{body}");
    }
}

async fn cursors(world: World) {
    products(&world).await;
    let first = ask(&world, &json!({ "sort": ["price"], "limit": 5 })).await;
    let cursor = &first.body["pagination"]["nextCursor"];
    assert!(cursor.is_string());
    let second = ask(
        &world,
        &json!({ "sort": ["price"], "limit": 5, "cursor": cursor }),
    )
    .await;
    assert_eq!(second.body["count"], 2, "{}", second.body);
    // An address goes on where a body ended.
    let path = format!("/products?sort=price&cursor={}", cursor.as_str().unwrap());
    assert_eq!(get(&world, &path).await.body["data"], second.body["data"]);
}

async fn faults(world: World) {
    for (body, code, places) in [
        (json!([]), "MALFORMED_REQUEST", vec!["body"]),
        (json!({ "limt": 1 }), "UNKNOWN_PARAMETER", vec!["limt"]),
        (
            json!({ "limit": 0, "filter": { "pirce": { "gt": 1 }, "stock": { "gt": "x" } } }),
            "UNKNOWN_FIELD",
            vec!["filter.pirce", "filter.stock.gt", "limit"],
        ),
        (
            json!({ "filter": { "or": [{ "category.nme": 1 }] } }),
            "UNKNOWN_FIELD",
            vec!["filter.or.0.category.nme"],
        ),
        (json!({ "filter": 5 }), "INVALID_PARAMETER", vec!["filter"]),
        (json!({ "sort": [5] }), "INVALID_PARAMETER", vec!["sort[0]"]),
        (json!({ "cursor": "x" }), "CURSOR_INVALID", vec!["cursor"]),
    ] {
        let reply = ask(&world, &body).await;
        assert_eq!(
            (reply.status, reply.code()),
            (400, code),
            "{body}: {:?}",
            reply.refusal
        );
        let refusal = reply.refusal.unwrap();
        let found: Vec<&str> = refusal
            .details
            .iter()
            .map(|detail| detail.field.as_str())
            .collect();
        assert_eq!(found, places, "{body}");
    }
    let deep = format!("{}1{}", r#"{"filter":{"not":"#.replace("}", ""), "}}");
    assert_eq!(
        send(&world, "POST", "/products/query", &[JSON], &deep)
            .await
            .status,
        400
    );
    let nested = format!("{}{}{}", "{\"filter\":", "{\"not\":".repeat(60), "1") + &"}".repeat(61);
    assert_eq!(
        send(&world, "POST", "/products/query", &[JSON], &nested)
            .await
            .status,
        400
    );
    let many: Vec<Value> = (0..10_000)
        .map(|number| json!({ "stock": { "gt": number } }))
        .collect();
    let reply = ask(&world, &json!({ "filter": { "or": many } })).await;
    assert_eq!(reply.status, 400, "{}", reply.body);
    let path = format!("category{}", ".parent".repeat(50));
    let reply = ask(&world, &json!({ "include": [path] })).await;
    assert_eq!((reply.status, reply.code()), (400, "INVALID_PARAMETER"));
    let place = &reply.refusal.unwrap().details[0].field;
    assert!(place.starts_with("include"), "{place}");
    for contradiction in [
        json!({ "page": 2, "offset": 3 }),
        json!({ "cursor": "x", "page": 2 }),
        json!({ "distinct": ["status"], "aggregate": ["count"] }),
        json!({ "groupBy": ["status"], "fields": ["name"] }),
    ] {
        let reply = ask(&world, &contradiction).await;
        assert_eq!(
            (reply.status, reply.code()),
            (400, "INVALID_PARAMETER"),
            "{contradiction}"
        );
        assert_eq!(reply.refusal.unwrap().details[0].rule, "conflict");
    }
    assert_eq!(
        send(&world, "POST", "/products/query", &[], "{}")
            .await
            .status,
        415
    );
    assert_eq!(
        send(&world, "POST", "/products/query?limit=1", &[JSON], "{}")
            .await
            .status,
        400
    );
    assert_eq!(get(&world, "/products/query").await.status, 405);
    assert_eq!(
        send(&world, "POST", "/nothing/query", &[JSON], "{}")
            .await
            .status,
        404
    );
}

async fn typed(world: World) {
    for details in [json!({ "size": 5 }), json!({ "size": "5" })] {
        let body = json!({ "name": "a", "details": details });
        world.made("products", &body.to_string()).await;
    }
    // A text is a text, a number a number, and no list holds nothing.
    for (filter, expected) in [
        (json!({ "details.size": { "eq": 5 } }), 1),
        (json!({ "details.size": { "eq": "5" } }), 1),
        (json!({ "details.size": { "in": [5, "5"] } }), 2),
        (json!({ "name": { "in": [] } }), 0),
        (json!({ "sku": { "eq": null } }), 2),
    ] {
        let reply = ask(&world, &json!({ "filter": filter })).await;
        assert_eq!(reply.status, 200, "{filter}: {}", reply.body);
        assert_eq!(reply.body["count"], expected, "{filter}");
    }
}

async fn lines(world: World) {
    products(&world).await;
    let headers = [JSON, ("accept", "application/x-ndjson")];
    let body = json!({ "filter": { "stock": { "gte": 2 } }, "fields": ["stock"] }).to_string();
    let reply = send(&world, "POST", "/products/query", &headers, &body).await;
    assert_eq!(reply.status, 200);
    let text = String::from_utf8(reply.bytes.to_vec()).unwrap();
    assert_eq!(text.lines().count(), 5, "{text}");
}
