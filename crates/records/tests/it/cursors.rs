//! Pages by cursors over REST: there and back, and what a cursor is bound to.

#![cfg(test)]

use crate::rest::{Reply, get};
use crate::world::World;
use carnet_records::Operations;
use serde_json::{Value, json};

crate::on_both!(there_and_back, made, steady, bound, kept, excluded);

async fn products(world: &World, count: usize) {
    for number in 0..count {
        let price = (number % 3 > 0).then(|| format!("{}.00", number % 3));
        let body = json!({ "name": format!("p{number:02}"), "price": price }).to_string();
        world.made("products", &body).await;
    }
}

fn names(reply: &Reply) -> Vec<String> {
    let rows = reply.body["data"].as_array().unwrap();
    rows.iter()
        .map(|row| row["name"].as_str().unwrap().to_owned())
        .collect()
}

fn cursor<'r>(reply: &'r Reply, name: &str) -> Option<&'r str> {
    reply.body["pagination"][name].as_str()
}

async fn there_and_back(world: World) {
    products(&world, 11).await;
    for sort in [
        "",
        "price",
        "-price",
        "price,-name",
        "-category.name,name",
        "name:desc",
    ] {
        let path = format!("/products?fields=name&sort={sort}").replace("&sort=&", "&");
        let path = path.trim_end_matches("&sort=").to_owned();
        let whole = names(&get(&world, &path).await);
        let mut met = Vec::new();
        let mut next = format!("{path}&limit=4");
        let mut last = None;
        for page in 0.. {
            let reply = get(&world, &next).await;
            assert_eq!(reply.status, 200, "{}", reply.body);
            met.extend(names(&reply));
            assert_eq!(cursor(&reply, "prevCursor").is_some(), page > 0, "{sort}");
            let shown = &reply.body["pagination"];
            assert_eq!(shown["page"].is_null(), page > 0);
            assert_eq!(shown["total"].is_null(), page > 0);
            match cursor(&reply, "nextCursor") {
                Some(text) => next = format!("{path}&limit=4&cursor={text}"),
                None => {
                    last = cursor(&reply, "prevCursor").map(str::to_owned);
                    break;
                }
            }
        }
        assert_eq!(met, whole, "{sort}");
        // Back from the last page, which holds three, in other steps.
        let mut back = Vec::new();
        while let Some(text) = last {
            let reply = get(&world, &format!("{path}&limit=5&cursor={text}")).await;
            assert!(cursor(&reply, "nextCursor").is_some());
            back.splice(0..0, names(&reply));
            last = cursor(&reply, "prevCursor").map(str::to_owned);
        }
        assert_eq!(back, whole[..8], "{sort}");
    }
}

/// By what is made of related records, and by places inside json.
async fn made(world: World) {
    let mut categories = Vec::new();
    for name in ["a", "b", "c", "d", "e", "f", "g"] {
        let body = json!({ "name": name }).to_string();
        categories.push(world.made("categories", &body).await);
    }
    for number in 0..17 {
        let details = match number % 7 {
            0 => json!({ "x": number }),
            1 => json!({ "x": format!("t{number}") }),
            2 => json!({ "x": number % 2 == 0 }),
            3 => json!({ "x": [number] }),
            4 => json!({ "x": null }),
            5 => json!({ "x": f64::from(number) / 8.0 }),
            _ => json!({}),
        };
        let body = json!({
            "name": format!("p{number:02}"), "price": format!("{}.00", number % 4), "details": details,
            "weight": f64::from(number) / 3.0, "categoryId": categories[number as usize * 5 % 6],
        });
        world.made("products", &body.to_string()).await;
    }
    for (resource, sort) in [
        ("categories", "-products.count"),
        ("categories", "products.count,-name"),
        ("categories", "-products.sum(price):nullsFirst"),
        ("categories", "products.avg(price):nullsLast,products.count"),
        ("categories", "products.sum(weight)"),
        ("categories", "-products.avg(weight):nullsFirst"),
        ("categories", "products.max(name):desc"),
        (
            "categories",
            "products.count(filter[price][gt]:1),products.sum(price;filter[name][in]:p03,p04,p05):desc",
        ),
        ("products", "details.x"),
        ("products", "-details.x:nullsFirst,name"),
        ("products", "details.x:nullsLast,-price"),
        ("products", "-category.products.count,details.x"),
    ] {
        let path = format!("/{resource}?fields=name&sort={sort}");
        let whole = names(&get(&world, &path).await);
        assert!(whole.len() >= 7, "{sort}");
        for include in ["", "&include=products.count"] {
            if resource == "products" && !include.is_empty() {
                continue;
            }
            let (mut met, mut last) = (Vec::new(), None);
            let mut next = format!("{path}&limit=2{include}");
            loop {
                let reply = get(&world, &next).await;
                assert_eq!(reply.status, 200, "{}", reply.body);
                met.extend(names(&reply));
                assert!(met.len() <= whole.len(), "{sort}: {met:?}");
                match cursor(&reply, "nextCursor") {
                    Some(text) => next = format!("{path}&limit=2{include}&cursor={text}"),
                    None => {
                        last = cursor(&reply, "prevCursor").map(str::to_owned).or(last);
                        break;
                    }
                }
            }
            assert_eq!(met, whole, "{sort}");
            let mut back = Vec::new();
            while let Some(text) = last {
                let reply = get(&world, &format!("{path}&limit=3&cursor={text}")).await;
                back.splice(0..0, names(&reply));
                last = cursor(&reply, "prevCursor").map(str::to_owned);
            }
            assert_eq!(back, whole[..back.len()], "{sort}");
            assert!(back.len() + 2 >= whole.len(), "{sort}");
        }
        let lines = ("accept", "application/x-ndjson");
        let stream = crate::rest::send(&world, "GET", &path, &[lines], "").await;
        let text = String::from_utf8(stream.bytes.to_vec()).unwrap();
        let streamed: Vec<String> = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .map(|row| row["name"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(streamed, whole, "{sort}");
    }
}

async fn steady(world: World) {
    products(&world, 6).await;
    let first = get(&world, "/products?sort=name&limit=3&fields=name").await;
    let text = cursor(&first, "nextCursor").unwrap();
    // The record at the cursor goes, another comes before it.
    let id = first.body["data"][2]["id"].as_str().unwrap();
    let gone = crate::rest::send(&world, "DELETE", &format!("/products/{id}"), &[], "").await;
    assert_eq!(gone.status, 200);
    world.made("products", r#"{"name":"p00a"}"#).await;
    let path = format!("/products?sort=name&limit=3&fields=name&cursor={text}&count=exact");
    let second = get(&world, &path).await;
    assert_eq!(names(&second), ["p03", "p04", "p05"]);
    assert_eq!(second.body["pagination"]["total"], 6);
    assert_eq!(cursor(&second, "nextCursor"), None);
}

async fn refused(world: &World, path: &str, rule: &str) {
    let reply = get(world, path).await;
    assert_eq!(
        (reply.status, reply.code()),
        (400, "CURSOR_INVALID"),
        "{path}"
    );
    let refusal = reply.refusal.unwrap();
    assert_eq!(refusal.details[0].rule, rule, "{path}");
    assert_eq!(refusal.details[0].field, "cursor");
}

async fn bound(world: World) {
    products(&world, 5).await;
    let filter = "filter[name][startsWith]=p";
    let path = format!("/products?{filter}&sort=name&limit=2");
    let first = get(&world, &path).await;
    let text = cursor(&first, "nextCursor").unwrap().to_owned();
    for same in [
        format!("/products?sort=name&{filter}&cursor={text}"),
        format!(
            "/products?sort=name&{filter}&cursor={text}&include=category&fields=name&count=none"
        ),
    ] {
        assert_eq!(get(&world, &same).await.status, 200, "{same}");
    }
    for other in [
        format!("/products?sort=name&cursor={text}"),
        format!("/products?{filter}&sort=-name&cursor={text}"),
        format!("/products?{filter}&cursor={text}"),
        format!("/products?filter[name][startsWith]=q&sort=name&cursor={text}"),
        format!("/categories?{filter}&sort=name&cursor={text}"),
    ] {
        refused(&world, &other, "request").await;
    }
    let mut changed = text.clone().into_bytes();
    changed[20] = if changed[20] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).unwrap();
    refused(&world, &format!("{path}&cursor={changed}"), "signature").await;
    for rubbish in ["", "AAAA", "%F0%9F%A6%80", "a b", &"A".repeat(4_000)] {
        let reply = get(
            &world,
            &format!("{path}&cursor={}", rubbish.replace(' ', "%20")),
        )
        .await;
        assert_eq!(
            (reply.status, reply.code()),
            (400, "CURSOR_INVALID"),
            "{rubbish}"
        );
    }
}

async fn kept(world: World) {
    products(&world, 3).await;
    let first = get(&world, "/products?limit=1&fields=name").await;
    let text = cursor(&first, "nextCursor").unwrap();
    // Another process of the deployment asks home for the same key.
    let store = world.operations.store().clone();
    let model = std::sync::Arc::clone(world.view.model());
    let mut other = world.clone();
    other.operations = Operations::new(store, model, world.clock.clone());
    let second = get(
        &other,
        &format!("/products?limit=1&fields=name&cursor={text}"),
    )
    .await;
    assert_eq!(names(&second), ["p01"]);
}

async fn excluded(world: World) {
    products(&world, 3).await;
    let first = get(&world, "/products?limit=1").await;
    let text = cursor(&first, "nextCursor").unwrap();
    for (path, place) in [
        (format!("/products?cursor={text}&offset=1"), "cursor"),
        (format!("/products?cursor={text}&page=2"), "cursor"),
        ("/products?offset=100001".to_owned(), "offset"),
        ("/products?page=9999999".to_owned(), "page"),
    ] {
        let reply = get(&world, &path).await;
        assert_eq!(
            (reply.status, reply.code()),
            (400, "INVALID_PARAMETER"),
            "{path}"
        );
        let refusal = reply.refusal.unwrap();
        assert_eq!(refusal.details[0].field, place);
        assert!(refusal.message.contains("cursor"), "{}", refusal.message);
    }
    // Behind the end is a page without records.
    let empty = get(&world, "/products?offset=50").await;
    assert_eq!(empty.body["data"], Value::Array(Vec::new()));
    assert_eq!(cursor(&empty, "nextCursor"), None);
}
