//! Groups over REST: the same numbers on both databases, to the last digit.

#![cfg(test)]

use crate::rest::get;
use crate::world::World;
use serde_json::{Value, json};

crate::on_both!(numbers, keys, chosen, paged, refused, explained);

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

async fn paged(world: World) {
    products(&world).await;
    let reply = get(&world, "/products?groupBy=name&limit=2&page=2").await;
    assert_eq!(
        reply.body["data"],
        json!([{ "name": "c" }, { "name": "d" }])
    );
    assert_eq!(
        reply.body["pagination"],
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
        ("aggregate=sum(name)", "aggregate", "integers and decimals"),
        ("aggregate=sum(weight)", "aggregate", "decimal"),
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
        (
            "groupBy=status&having[status]=draft",
            "having[status]",
            "count",
        ),
        ("having[count][gt]=1", "having", "groupBy"),
        ("groupBy=status&include=category", "include", "groupBy"),
        ("groupBy=status&cursor=x", "cursor", "groupBy"),
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
