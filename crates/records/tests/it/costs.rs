//! What reads and writes cost in statements and round trips: bounded by their shape, never by rows.

#![cfg(test)]

use crate::world::World;
use carnet_records::Command;
use carnet_store::metrics::Counters;
use serde_json::json;

crate::on_both!(reads, writes, several);

/// Statements, round trips and commits of what `work` does.
async fn cost<T>(world: &World, work: impl Future<Output = T>) -> (u64, u64, u64) {
    let Counters {
        statements,
        round_trips,
        commits,
    } = world.operations.store().counters();
    work.await;
    let after = world.operations.store().counters();
    (
        after.statements - statements,
        after.round_trips - round_trips,
        after.commits - commits,
    )
}

async fn reads(world: World) {
    let top = world.made("categories", r#"{"name":"Top"}"#).await;
    let mut products = Vec::new();
    for number in 0..30 {
        let body = json!({ "name": format!("p{number}"), "categoryId": top }).to_string();
        products.push(world.made("products", &body).await);
    }
    let trips = u64::from(world.is_postgres());
    for query in [
        "",
        "include=category.parent,category.children,lines.order&filter[category.name]=Top&sort=category.name,-price",
        "filter[or][0][name][icontains]=p&filter[or][1][note][contains]=x&limit=1000",
        "count=exact&limit=5",
        "count=none&offset=5",
    ] {
        // The first run prepares.
        world.list("products", query).await.unwrap();
        let (statements, round_trips, _) = cost(&world, async {
            world.list("products", query).await.unwrap();
        })
        .await;
        // SQLite counts apart, and then only when the page does not tell.
        let most = if world.is_postgres() { 1 } else { 2 };
        assert!((1..=most).contains(&statements), "{query}: {statements}");
        assert_eq!(round_trips, trips, "{query}");
    }
    let whole = cost(&world, async {
        world
            .read("products", &products[0], "include=category.parent")
            .await
            .unwrap();
    });
    world
        .read("products", &products[0], "include=category.parent")
        .await
        .unwrap();
    let (statements, round_trips, _) = whole.await;
    assert_eq!((statements, round_trips), (1, trips));
}

async fn writes(world: World) {
    world.made("products", r#"{"name":"warm"}"#).await;
    let (statements, round_trips, commits) = cost(&world, async {
        world.made("products", r#"{"name":"a"}"#).await;
    })
    .await;
    assert_eq!(commits, 1);
    if world.is_postgres() {
        assert!(
            statements <= 2 && round_trips <= 1,
            "{statements} {round_trips}"
        );
    } else {
        assert_eq!((statements, round_trips), (2, 0));
    }
    let id = world.made("products", r#"{"name":"b"}"#).await;
    // The first run on a session prepares.
    let mut cheapest = (u64::MAX, u64::MAX);
    for stock in 1..6 {
        let (statements, round_trips, commits) = cost(&world, async {
            let body = json!({ "stock": stock }).to_string();
            world.patch("products", &id, &body, None).await.unwrap();
        })
        .await;
        assert_eq!(commits, 1);
        cheapest = cheapest.min((statements, round_trips));
    }
    if world.is_postgres() {
        assert_eq!(
            cheapest,
            (2, 2),
            "a load, then the change with its journal row"
        );
    } else {
        assert_eq!(cheapest, (3, 0), "a load, the change, its journal row");
    }
    let (_, _, commits) = cost(&world, async {
        world.patch("products", &id, "{}", None).await.unwrap();
    })
    .await;
    assert!(commits <= 1);
}

/// What several writes cost beside one: statements by their steps, flights by what must be seen.
async fn several(world: World) {
    let category = world.made("categories", r#"{"name":"C"}"#).await;
    let product = world.made("products", r#"{"name":"p"}"#).await;
    let order = world.made("orders", r#"{"number":1}"#).await;
    let creates = json!([
        { "operation": "create", "resourceName": "products", "data": { "name": "a" } },
        { "operation": "create", "resourceName": "products", "data": { "name": "b" } },
        { "operation": "create", "resourceName": "orders", "data": { "number": "NUMBER" } },
        { "operation": "create", "resourceName": "lines",
          "data": { "orderId": "{{result[2].id}}", "productId": "{{result[0].id}}" } },
    ]);
    let changes = json!([
        { "operation": "patch", "resourceName": "categories", "id": category, "data": { "name": "cNUMBER" } },
        { "operation": "create", "resourceName": "categories", "data": { "name": "dNUMBER" } },
        { "operation": "patch", "resourceName": "products", "id": product, "data": { "note": "nNUMBER" } },
        { "operation": "create", "resourceName": "categories", "data": { "name": "eNUMBER" } },
        { "operation": "patch", "resourceName": "orders", "id": order, "version": "VERSION", "data": { "number": "NUMBER" } },
    ]);
    // Statements and flights on PostgreSQL, statements on SQLite.
    let cases = [
        (&creates, "atomic", (3, 1), 8),
        (&changes, "atomic", (8, 2), 13),
        (&creates, "each", (4, 3), 8),
        (&changes, "each", (8, 3), 13),
    ];
    for (at, (items, policy, postgres, sqlite)) in cases.into_iter().enumerate() {
        let mut cheapest = (u64::MAX, u64::MAX);
        for run in 0..4 {
            let number = 10 + at * 10 + run;
            let version = world
                .read("orders", &order, "fields=version")
                .await
                .unwrap();
            let body = json!({ "policy": policy, "items": items }).to_string();
            let body = body
                .replace("\"NUMBER\"", &number.to_string())
                .replace("NUMBER", &number.to_string())
                .replace("\"VERSION\"", &version["version"].to_string());
            let (statements, round_trips, commits) = cost(&world, async {
                world.run(Command::Transaction { body }).await.unwrap();
            })
            .await;
            assert_eq!(commits, 1);
            cheapest = cheapest.min((statements, round_trips));
        }
        let expected = if world.is_postgres() {
            postgres
        } else {
            (sqlite, 0)
        };
        assert_eq!(cheapest, expected, "{policy} {at}");
    }
}
