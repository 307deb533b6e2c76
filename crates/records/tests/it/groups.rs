//! Groups over REST: the same numbers on both databases, to the last digit.

#![cfg(test)]

use crate::rest::get;
use crate::world::World;
use serde_json::{Value, json};

crate::on_both!(
    numbers, keys, chosen, trees, paged, cursors, streamed, floats, refused, explained
);

async fn products(world: &World) {
    let top = world.made("categories", r#"{"name":"Top"}"#).await;
    let sub = world.made("categories", r#"{"name":"Sub"}"#).await;
    for body in [
        json!({ "name": "a", "price": "0.10", "stock": 1, "status": "draft", "categoryId": top, "releasedOn": "2026-01-31", "seenAt": "2026-01-31T23:59:59Z" }),
        json!({ "name": "b", "price": "0.20", "stock": 2, "status": "draft", "categoryId": top, "releasedOn": "2026-02-01", "seenAt": "2026-02-01T00:00:00Z" }),
        json!({ "name": "c", "price": "0.40", "stock": 4, "status": "published", "categoryId": sub, "releasedOn": "2026-02-28", "seenAt": "1969-12-31T23:59:59.999999Z" }),
        json!({ "name": "d", "stock": 8, "status": "published", "categoryId": sub }),
        json!({ "name": "e", "price": "9999999999.99", "status": "archived" }),
    ] {
        world.made("products", &body.to_string()).await;
    }
}

async fn check(world: &World, query: &str, expected: Value) {
    let reply = get(world, &format!("/products?{query}")).await;
    assert_eq!(reply.status, 200, "{query}: {}", reply.body);
    assert_eq!(reply.body["data"], expected, "{query}");
    assert_eq!(reply.body["count"], expected.as_array().unwrap().len());
}

async fn numbers(world: World) {
    check(
        &world,
        "aggregate=count,sum(price),min(name)",
        json!([{ "count": 0, "sum(price)": null, "min(name)": null }]),
    )
    .await;
    products(&world).await;
    check(
        &world,
        "aggregate=count,count(price),sum(price),avg(price),min(price),max(price)",
        json!([{
            "count": 5, "count(price)": 4, "sum(price)": "10000000000.69",
            "avg(price)": "2500000000.172500", "min(price)": "0.10", "max(price)": "9999999999.99",
        }]),
    )
    .await;
    // Two thirds are rounded once.
    check(
        &world,
        "aggregate=sum(stock),avg(stock)&filter[name][in]=a,b,d",
        json!([{ "sum(stock)": 11, "avg(stock)": "3.6667" }]),
    )
    .await;
    check(
        &world,
        "aggregate=min(name),max(name),min(releasedOn),max(seenAt),min(category.name)",
        json!([{
            "min(name)": "a", "max(name)": "e", "min(releasedOn)": "2026-01-31",
            "max(seenAt)": "2026-02-01T00:00:00.000000Z", "min(category.name)": "Sub",
        }]),
    )
    .await;
}

async fn keys(world: World) {
    products(&world).await;
    check(
        &world,
        "groupBy=status&aggregate=count,sum(price)&sort=-count,status",
        json!([
            { "status": "draft", "count": 2, "sum(price)": "0.30" },
            { "status": "published", "count": 2, "sum(price)": "0.40" },
            { "status": "archived", "count": 1, "sum(price)": "9999999999.99" },
        ]),
    )
    .await;
    // Null is a group of its own and the smallest value.
    check(
        &world,
        "groupBy=category.name,releasedOn.month&aggregate=count",
        json!([
            { "category.name": null, "releasedOn.month": null, "count": 1 },
            { "category.name": "Sub", "releasedOn.month": null, "count": 1 },
            { "category.name": "Sub", "releasedOn.month": "2026-02-01", "count": 1 },
            { "category.name": "Top", "releasedOn.month": "2026-01-01", "count": 1 },
            { "category.name": "Top", "releasedOn.month": "2026-02-01", "count": 1 },
        ]),
    )
    .await;
    for (unit, expected) in [
        (
            "year",
            ["1969-01-01T00:00:00.000000Z", "2026-01-01T00:00:00.000000Z"].as_slice(),
        ),
        (
            "month",
            &[
                "1969-12-01T00:00:00.000000Z",
                "2026-01-01T00:00:00.000000Z",
                "2026-02-01T00:00:00.000000Z",
            ],
        ),
        (
            "week",
            &["1969-12-29T00:00:00.000000Z", "2026-01-26T00:00:00.000000Z"],
        ),
        (
            "day",
            &[
                "1969-12-31T00:00:00.000000Z",
                "2026-01-31T00:00:00.000000Z",
                "2026-02-01T00:00:00.000000Z",
            ],
        ),
        (
            "hour",
            &[
                "1969-12-31T23:00:00.000000Z",
                "2026-01-31T23:00:00.000000Z",
                "2026-02-01T00:00:00.000000Z",
            ],
        ),
    ] {
        let name = format!("seenAt.{unit}");
        let rows: Vec<Value> = expected
            .iter()
            .map(|begin| json!({ &name: begin }))
            .collect();
        check(
            &world,
            &format!("distinct={name}&filter[seenAt][isNull]=false"),
            json!(rows),
        )
        .await;
    }
    check(
        &world,
        "distinct=status,category.name&sort=-category.name",
        json!([
            { "status": "draft", "category.name": "Top" },
            { "status": "published", "category.name": "Sub" },
            { "status": "archived", "category.name": null },
        ]),
    )
    .await;
}

async fn chosen(world: World) {
    products(&world).await;
    for (having, expected) in [
        ("having[count][gt]=1", "draft,published"),
        ("having[count]=1", "archived"),
        (
            "having[sum(price)][gte]=0.4&having[count][gt]=1",
            "published",
        ),
        ("having[sum(price)][between]=0.3,0.40", "draft,published"),
        ("having[avg(price)][lt]=0.15", ""),
        ("having[avg(price)][lte]=0.15", "draft"),
        ("having[sum(stock)][lt]=1", "archived"),
        ("having[sum(price)][isNull]=true", ""),
        ("having[sum(stock)][ne]=3", "archived,published"),
        ("having[max(name)][gte]=d", "archived,published"),
        ("having[min(price)][eq]=0.10", "draft"),
    ] {
        let path = format!("/products?groupBy=status&aggregate=count&sort=status&{having}");
        let reply = get(&world, &path).await;
        assert_eq!(reply.status, 200, "{having}: {}", reply.body);
        let rows = reply.body["data"].as_array().unwrap();
        let names: Vec<&str> = rows
            .iter()
            .map(|row| row["status"].as_str().unwrap())
            .collect();
        assert_eq!(names.join(","), expected, "{having}");
        assert_eq!(reply.body["pagination"]["total"], names.len());
    }
}

/// Random trees of conditions against the same told in memory.
async fn trees(world: World) {
    products(&world).await;
    let rows = get(&world, "/products?groupBy=status,category.name&aggregate=count,sum(stock),max(name),min(releasedOn)").await;
    let rows = rows.body["data"].as_array().unwrap().clone();
    assert_eq!(rows.len(), 3);
    let tests = [
        ("count", "gte", json!(2)),
        ("count", "ne", json!(1)),
        ("sum(stock)", "lt", json!(10)),
        ("sum(stock)", "eq", json!(0)),
        ("sum(stock)", "in", json!([3, 12])),
        ("max(name)", "gt", json!("b")),
        ("max(name)", "between", json!(["a", "d"])),
        ("min(releasedOn)", "isNull", json!(true)),
        ("min(releasedOn)", "lte", json!("2026-02-01")),
        ("status", "eq", json!("draft")),
        ("status", "nin", json!(["draft", "archived"])),
        ("category.name", "isNull", json!(false)),
        ("category.name", "gt", json!("Sub")),
        ("category.name", "ne", json!("Sub")),
    ];
    // Holds, does not hold, or unknown beside null.
    fn test(row: &Value, (name, operator, value): &(&str, &str, Value)) -> Option<bool> {
        let found = &row[*name];
        let order = |other: &Value| match (found, other) {
            (Value::Null, _) => None,
            (Value::Number(a), Value::Number(b)) => Some(a.as_i64().cmp(&b.as_i64())),
            (a, b) => Some(a.as_str().cmp(&b.as_str())),
        };
        match *operator {
            "eq" => Some(found == value),
            "ne" => Some(found != value),
            "gt" => order(value).map(|order| order.is_gt()),
            "gte" => order(value).map(|order| order.is_ge()),
            "lt" => order(value).map(|order| order.is_lt()),
            "lte" => order(value).map(|order| order.is_le()),
            "between" => Some(order(&value[0])?.is_ge() && order(&value[1])?.is_le()),
            "isNull" => Some(found.is_null() == value.as_bool().unwrap()),
            word => {
                let member = value.as_array().unwrap().contains(found);
                Some(member == (word == "in"))
            }
        }
    }
    let mut seed = 7_usize;
    let mut next = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % below
    };
    for round in 0..60 {
        // An alternative of conjunctions, some turned round.
        let mut list = Vec::new();
        let mut expected = vec![Some(false); rows.len()];
        for _ in 0..1 + next(3) {
            let (one, other) = (&tests[next(tests.len())], &tests[next(tests.len())]);
            let negated = next(2) == 0;
            let inner =
                json!({ "and": [{ one.0: { one.1: one.2 } }, { other.0: { other.1: other.2 } }] });
            list.push(if negated {
                json!({ "not": inner })
            } else {
                inner
            });
            for (row, known) in rows.iter().zip(&mut expected) {
                let both = match (test(row, one), test(row, other)) {
                    (Some(false), _) | (_, Some(false)) => Some(false),
                    (Some(true), Some(true)) => Some(true),
                    _ => None,
                };
                let told = if negated {
                    both.map(|holds| !holds)
                } else {
                    both
                };
                *known = match (*known, told) {
                    (Some(true), _) | (_, Some(true)) => Some(true),
                    (Some(false), Some(false)) => Some(false),
                    _ => None,
                };
            }
        }
        let body = json!({
            "groupBy": ["status", "category.name"],
            "aggregate": ["count", "sum(stock)", "max(name)", "min(releasedOn)"],
            "having": { "or": list },
        });
        let headers = [crate::rest::JSON];
        let reply = crate::rest::send(
            &world,
            "POST",
            "/products/query",
            &headers,
            &body.to_string(),
        )
        .await;
        assert_eq!(reply.status, 200, "{body}: {}", reply.body);
        let chosen: Vec<&Value> = rows
            .iter()
            .zip(&expected)
            .filter(|(_, holds)| **holds == Some(true))
            .map(|(row, _)| row)
            .collect();
        assert_eq!(reply.body["data"], json!(chosen), "{round}: {body}");
    }
    // The same in an address.
    check(
        &world,
        "groupBy=status&aggregate=count&having[or][0][count]=1&having[or][1][not][status][in]=archived,published",
        json!([{ "status": "archived", "count": 1 }, { "status": "draft", "count": 2 }]),
    )
    .await;
    check(
        &world,
        "groupBy=releasedOn.month&aggregate=count&having[releasedOn.month][gte]=2026-02-01",
        json!([{ "releasedOn.month": "2026-02-01", "count": 2 }]),
    )
    .await;
}

async fn cursors(world: World) {
    products(&world).await;
    for query in [
        "groupBy=name",
        "groupBy=name&sort=-name",
        "groupBy=releasedOn&aggregate=count&sort=-count",
        "groupBy=status,category.name&aggregate=count&sort=-category.name",
        "groupBy=name&aggregate=sum(price)&sort=-sum(price)",
        "groupBy=name&sort=avg(price),-max(stock)",
        "groupBy=seenAt.month&sort=sum(price)",
        "groupBy=name&sort=-sum(weight)&having[count][gt]=0",
        "distinct=status,category.name&sort=category.name",
    ] {
        let whole = get(&world, &format!("/products?{query}")).await;
        assert_eq!(whole.status, 200, "{query}: {}", whole.body);
        let whole = whole.body["data"].as_array().unwrap().clone();
        let (mut met, mut path) = (Vec::new(), format!("/products?{query}&limit=2"));
        let mut last = None;
        loop {
            let reply = get(&world, &path).await;
            assert_eq!(reply.status, 200, "{path}: {}", reply.body);
            met.extend(reply.body["data"].as_array().unwrap().clone());
            assert!(met.len() <= whole.len(), "{query}");
            let pagination = &reply.body["pagination"];
            match pagination["nextCursor"].as_str() {
                Some(cursor) => path = format!("/products?{query}&limit=2&cursor={cursor}"),
                None => {
                    last = pagination["prevCursor"]
                        .as_str()
                        .map(str::to_owned)
                        .or(last);
                    break;
                }
            }
        }
        assert_eq!(met, whole, "{query}");
        let mut back: Vec<Value> = Vec::new();
        while let Some(cursor) = last {
            let reply = get(
                &world,
                &format!("/products?{query}&limit=3&cursor={cursor}"),
            )
            .await;
            back.splice(0..0, reply.body["data"].as_array().unwrap().clone());
            last = reply.body["pagination"]["prevCursor"]
                .as_str()
                .map(str::to_owned);
        }
        assert_eq!(back, whole[..back.len()], "{query}");
        assert!(back.len() + 2 >= whole.len(), "{query}");
    }
    let first = get(&world, "/products?groupBy=name&limit=1").await;
    let cursor = first.body["pagination"]["nextCursor"].as_str().unwrap();
    let other = get(
        &world,
        &format!("/products?groupBy=status&limit=1&cursor={cursor}"),
    )
    .await;
    assert_eq!((other.status, other.code()), (400, "CURSOR_INVALID"));
}

async fn streamed(world: World) {
    let items: Vec<Value> = (0..1_000)
        .map(|number| json!({ "operation": "create", "data": { "name": format!("p{number:05}"), "stock": number % 7 } }))
        .collect();
    let batch = json!({ "items": items }).to_string();
    let reply = crate::rest::send(
        &world,
        "POST",
        "/products/batch",
        &[crate::rest::JSON],
        &batch,
    )
    .await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let lines = ("accept", "application/x-ndjson");
    for (query, count) in [
        ("groupBy=name&aggregate=sum(stock)", 1_000),
        ("groupBy=stock&aggregate=count&sort=-count", 7),
        ("groupBy=name&limit=300", 300),
        ("aggregate=count", 1),
        ("groupBy=name&having[name][lt]=p00010", 10),
    ] {
        let reply =
            crate::rest::send(&world, "GET", &format!("/products?{query}"), &[lines], "").await;
        assert_eq!(reply.status, 200, "{query}");
        let text = String::from_utf8(reply.bytes.to_vec()).unwrap();
        assert!(text.ends_with('\n'));
        let rows: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(rows.len(), count, "{query}");
        let page = get(
            &world,
            &format!("/products?{query}&limit=1000").replace("&limit=300&limit=1000", "&limit=300"),
        )
        .await;
        assert_eq!(page.body["data"], json!(rows), "{query}");
    }
}

/// Sums of floats are exact and rounded once, whatever stands first.
async fn floats(world: World) {
    let category = world.made("categories", r#"{"name":"c"}"#).await;
    for (number, weight) in [0.1, 0.2, 1e300, 1.0, -1e300].into_iter().enumerate() {
        let body =
            json!({ "name": format!("p{number}"), "weight": weight, "categoryId": category });
        world.made("products", &body.to_string()).await;
    }
    world.made("products", r#"{"name":"p5"}"#).await;
    check(
        &world,
        "aggregate=sum(weight),avg(weight)",
        json!([{ "sum(weight)": 1.3, "avg(weight)": 0.26 }]),
    )
    .await;
    check(
        &world,
        "groupBy=category.name&aggregate=sum(weight)&filter[name][lt]=p2&having[sum(weight)]=0.3",
        json!([{ "category.name": "c", "sum(weight)": 0.3 }]),
    )
    .await;
    check(
        &world,
        "groupBy=name&aggregate=sum(weight)&having[or][0][sum(weight)][isNull]=true&having[or][1][sum(weight)][lt]=0",
        json!([{ "name": "p4", "sum(weight)": -1e300 }, { "name": "p5", "sum(weight)": null }]),
    )
    .await;
    for (query, found) in [
        ("filter[products.sum(weight)]=1.3", 1),
        ("filter[products.avg(weight)][gt]=0.26", 0),
        (
            "filter[products.sum(weight)][where][name][lt]=p2&filter[products.sum(weight)][in]=0.3,7",
            1,
        ),
    ] {
        let reply = get(&world, &format!("/categories?{query}")).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        assert_eq!(reply.body["count"], found, "{query}");
    }
}

async fn paged(world: World) {
    products(&world).await;
    let reply = get(&world, "/products?groupBy=name&limit=2&page=2").await;
    assert_eq!(
        reply.body["data"],
        json!([{ "name": "c" }, { "name": "d" }])
    );
    let mut pagination = reply.body["pagination"].clone();
    let cursors = pagination.as_object_mut().unwrap();
    assert!(cursors.remove("nextCursor").is_some() && cursors.remove("prevCursor").is_some());
    assert_eq!(
        pagination,
        json!({ "page": 2, "limit": 2, "total": 5, "totalPages": 3 })
    );
    let behind = get(&world, "/products?groupBy=name&limit=2&page=9").await;
    assert_eq!((behind.status, &behind.body["data"]), (200, &json!([])));
    check(
        &world,
        "groupBy=name&aggregate=sum(stock)&sort=-sum(stock)&limit=2",
        json!([{ "name": "d", "sum(stock)": 8 }, { "name": "c", "sum(stock)": 4 }]),
    )
    .await;
    // By what is not told as well.
    check(
        &world,
        "groupBy=name&sort=sum(stock)&limit=2",
        json!([{ "name": "e" }, { "name": "a" }]),
    )
    .await;
}

async fn refused(world: World) {
    for (query, place, hint) in [
        ("aggregate=cuont", "aggregate", "count"),
        ("aggregate=sum(name)", "aggregate", "numbers and durations"),
        ("aggregate=sum(prce)", "aggregate", "price"),
        ("aggregate=max(categoryId)", "aggregate", "ref"),
        ("aggregate=count,count", "aggregate", "twice"),
        ("groupBy=details", "groupBy", "json"),
        ("groupBy=price.month", "groupBy", "month"),
        ("groupBy=releasedOn.hour", "groupBy", "hour"),
        ("groupBy=status&sort=name", "sort", "status"),
        (
            "groupBy=status&having[count][gt]=x",
            "having[count][gt]",
            "number",
        ),
        (
            "groupBy=status&having[count][lk]=1",
            "having[count][lk]",
            "lt",
        ),
        ("groupBy=status&having[price]=1", "having[price]", "groupBy"),
        (
            "groupBy=status&having[or][count]=1",
            "having[or][count]",
            "numbered",
        ),
        (
            "groupBy=status&having[status][between]=draft",
            "having[status][between]",
            "two values",
        ),
        (
            "groupBy=status&having[status]=drft",
            "having[status]",
            "draft",
        ),
        ("having[count][gt]=1", "having", "groupBy"),
        ("groupBy=status&include=category", "include", "groupBy"),
        ("distinct=status&aggregate=count", "distinct", "groupBy"),
    ] {
        let reply = get(&world, &format!("/products?{query}")).await;
        assert_eq!(reply.status, 400, "{query}: {}", reply.body);
        let refusal = reply.refusal.unwrap();
        let told = refusal
            .details
            .iter()
            .any(|detail| detail.field == place && detail.message.contains(hint));
        assert!(told, "{query}: {:?}", refusal.details);
    }
}

async fn explained(world: World) {
    for path in [
        "/products?explain=true",
        "/products?groupBy=status&explain=true",
    ] {
        let reply = get(&world, path).await;
        assert_eq!((reply.status, reply.code()), (400, "INVALID_PARAMETER"));
    }
    world.operations.allow_explain(true);
    for (path, purpose) in [
        ("/products?explain=true&filter[name]=secret", "page"),
        (
            "/products?groupBy=status&explain=true&filter[name]=secret",
            "groups",
        ),
    ] {
        let reply = get(&world, path).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let explain = &reply.body["meta"]["explain"];
        assert_eq!(explain["statements"][0]["purpose"], purpose);
        let sql = explain["statements"][0]["sql"].as_str().unwrap();
        assert!(sql.contains("products") && !sql.contains("secret"), "{sql}");
        assert!(
            !explain["statements"][0]["plan"]
                .as_array()
                .unwrap()
                .is_empty()
        );
        assert!(explain["timings"]["read"].is_number());
    }
}
