//! Lists as clients ask for them: every operator, relations, includes, order, pages, counts.

#![cfg(test)]

use crate::world::World;
use serde_json::{Value, json};

crate::on_both!(
    every_operator,
    joined_and_nested,
    over_relations,
    included,
    included_in_circles,
    ordered,
    paged_and_counted,
    sparse,
    isolated_by_tenant,
);

/// Five products; `e` has nothing but its name.
async fn products(world: &World) {
    let top = world.made("categories", r#"{"name":"Top"}"#).await;
    let sub = world
        .made(
            "categories",
            &json!({ "name": "Sub", "parentId": top }).to_string(),
        )
        .await;
    for body in [
        json!({ "name": "Äpfel", "note": "50% off", "price": "1.00", "stock": 1, "weight": 0.5, "status": "draft",
            "releasedOn": "2026-01-01", "seenAt": "2026-01-01T00:00:00Z", "opensAt": "08:00:00", "lasts": "PT1H",
            "isFeatured": true, "categoryId": top }),
        json!({ "name": "birne", "note": "a_b", "price": "2.50", "stock": 2, "weight": 1.5, "status": "published",
            "releasedOn": "2026-02-01", "seenAt": "2026-02-01T00:00:00Z", "opensAt": "09:00:00", "lasts": "PT2H",
            "categoryId": sub }),
        json!({ "name": "Birnen", "note": "a\\b", "price": "10.00", "stock": 3, "weight": 2.5, "status": "archived",
            "token": "01890c2e-7f1a-7a4b-8c3d-0123456789ab", "details": { "a": 1 }, "labels": { "en": "x" } }),
        json!({ "name": "Cassis, rot", "note": "", "stock": 4, "categoryId": sub }),
        json!({ "name": "e" }),
    ] {
        world.made("products", &body.to_string()).await;
    }
}

/// The first letters of the names in their order: `Äpfel, birne, Birnen, …` is `ÄbBC`.
async fn letters(world: &World, query: &str) -> String {
    let query = format!("{query}&sort=createdAt,stock");
    let names = world.names("products", &query, "name").await;
    names
        .iter()
        .filter_map(|name| name.chars().next())
        .collect()
}

async fn check(world: &World, cases: &[(&str, &str)]) {
    for (query, expected) in cases {
        let mut expected: Vec<char> = expected.chars().collect();
        let mut found: Vec<char> = letters(world, query).await.chars().collect();
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expected, "{query}");
    }
}

async fn every_operator(world: World) {
    products(&world).await;
    let cases = [
        ("", "ÄbBCe"),
        ("filter[stock]=2", "b"),
        ("filter[stock][ne]=2", "ÄBCe"),
        ("filter[price][ne]=1", "bBCe"),
        ("filter[price][gt]=1", "bB"),
        ("filter[price][gte]=1", "ÄbB"),
        ("filter[price][lt]=10", "Äb"),
        ("filter[price][lte]=10.00", "ÄbB"),
        ("filter[not][price][gt]=1", "Ä"),
        ("filter[price][between]=1,2.5", "Äb"),
        ("filter[price][isNull]=true", "Ce"),
        ("filter[price][isNull]=false", "ÄbB"),
        ("filter[weight][gt]=0.5", "bB"),
        ("filter[weight]=1.5", "b"),
        ("filter[status][in]=draft,archived", "ÄBCe"),
        ("filter[status][nin]=draft", "bB"),
        ("filter[price][in]=1,10", "ÄB"),
        ("filter[price][nin]=1,10", "bCe"),
        ("filter[releasedOn][gte]=2026-02-01", "b"),
        ("filter[seenAt][lte]=2026-01-01T01:00:00%2B01:00", "Ä"),
        ("filter[opensAt][gt]=08:30:00", "b"),
        ("filter[lasts][between]=PT30M,PT90M", "Ä"),
        ("filter[isFeatured]=true", "Ä"),
        ("filter[isFeatured][ne]=true", "bBCe"),
        ("filter[token]=01890C2E-7F1A-7A4B-8C3D-0123456789AB", "B"),
        ("filter[details][isNull]=false", "ÄbBCe"),
        ("filter[labels][isNull]=true", "ÄbCe"),
        ("filter[createdBy][isNull]=true", "ÄbBCe"),
        ("filter[note]=", "C"),
        ("filter[note][isNull]=true", "e"),
        ("filter[note][contains]=%", "Ä"),
        ("filter[note][contains]=_", "b"),
        (r"filter[note][contains]=\", "B"),
        ("filter[note][contains]=", "ÄbBC"),
        ("filter[note][startsWith]=a", "bB"),
        ("filter[note][endsWith]=b", "bB"),
        ("filter[note][like]=a_b", "bB"),
        (r"filter[note][like]=a\_b", "b"),
        ("filter[note][like]=%", "ÄbBC"),
        ("filter[not][note][like]=a%", "ÄC"),
        ("filter[name][contains]=irne", "bB"),
        ("filter[name][startsWith]=B", "B"),
        ("filter[name][ieq]=BIRNE", "b"),
        ("filter[name][ilike]=BIRN%", "bB"),
        ("filter[name][icontains]=ÄPF", "Ä"),
        ("filter[name][istartsWith]=b", "bB"),
        ("filter[name][iendsWith]=N", "B"),
        (r"filter[name][in]=Cassis\, rot,e", "Ce"),
        ("filter[version]=1&filter[id][isNull]=false", "ÄbBCe"),
    ];
    let decoded: Vec<(String, &str)> = cases
        .iter()
        .map(|(query, expected)| (query.replace("%2B", "+"), *expected))
        .collect();
    let decoded: Vec<(&str, &str)> = decoded
        .iter()
        .map(|(query, expected)| (query.as_str(), *expected))
        .collect();
    check(&world, &decoded).await;
}

async fn joined_and_nested(world: World) {
    products(&world).await;
    check(
        &world,
        &[
            ("filter[stock][gte]=2&filter[price][lt]=10", "b"),
            ("filter[or][0][stock]=1&filter[or][1][name]=e", "Äe"),
            ("filter[not][or][0][stock]=1&filter[not][or][1][name]=e", "bBC"),
            ("filter[or][0][not][price][gt]=1&filter[or][1][stock]=0", "Äe"),
            (
                "filter[and][0][or][0][stock]=1&filter[and][0][or][1][stock]=2&filter[and][1][price][gt]=1",
                "b",
            ),
            ("filter[stock][in]=1&filter[stock][in]=2,3", "ÄbB"),
            ("filter[stock][gt]=1&filter[stock][lt]=1", ""),
        ],
    )
    .await;
}

async fn over_relations(world: World) {
    products(&world).await;
    check(
        &world,
        &[
            ("filter[category.name]=Sub", "bC"),
            ("filter[category.name][ne]=Sub", "ÄBe"),
            ("filter[category.name][isNull]=true", "Be"),
            ("filter[category.parent.name][ilike]=TOP", "bC"),
            ("filter[category.parentId][isNull]=true", "ÄBe"),
            ("filter[not][category.parent.name]=Top", "ÄBe"),
            (
                "filter[or][0][category.parent.name]=Top&filter[or][1][categoryId][isNull]=true",
                "bBCe",
            ),
        ],
    )
    .await;
    let (rows, _) = world.list("categories", "filter[name]=Sub").await.unwrap();
    let sub = rows[0]["id"].as_str().unwrap();
    check(
        &world,
        &[
            (&format!("filter[categoryId]={sub}"), "bC"),
            (&format!("filter[category.id][in]={sub}"), "bC"),
            (
                &format!("filter[categoryId][ne]={}", sub.to_lowercase()),
                "ÄBe",
            ),
        ],
    )
    .await;
}

async fn included(world: World) {
    products(&world).await;
    let (rows, _) = world
        .list(
            "categories",
            "include=products,children.products,parent,unit&sort=-name",
        )
        .await
        .unwrap();
    let names = |list: &Value| -> Vec<String> {
        let all = list.as_array().unwrap().iter();
        all.map(|row| row["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(rows.len(), 2);
    let top = &rows[0];
    assert_eq!(top["name"], "Top");
    assert_eq!(names(&top["products"]), ["Äpfel"]);
    assert_eq!(top["parent"], Value::Null);
    assert_eq!(top["unit"], Value::Null);
    assert_eq!(names(&top["children"]), ["Sub"]);
    // Newest first, as a list of its own would be.
    assert_eq!(
        names(&top["children"][0]["products"]),
        ["Cassis, rot", "birne"]
    );
    assert_eq!(names(&rows[1]["children"]), [""; 0]);
    assert_eq!(rows[1]["parent"]["name"], "Top");
    // A nested record looks as it does when read alone.
    let (rows, _) = world
        .list("products", "filter[stock]=2&include=category.parent")
        .await
        .unwrap();
    let nested = rows[0]["category"].as_object().unwrap().clone();
    let id = nested["id"].as_str().unwrap();
    let alone = world
        .read("categories", id, "include=parent")
        .await
        .unwrap();
    assert_eq!(Value::Object(nested), alone);
    let (rows, _) = world
        .list(
            "categories",
            "filter[name]=Top&include=products&fields=name",
        )
        .await
        .unwrap();
    let product = &rows[0]["products"][0];
    let id = product["id"].as_str().unwrap();
    assert_eq!(product, &world.read("products", id, "").await.unwrap());
}

async fn included_in_circles(world: World) {
    products(&world).await;
    let (rows, _) = world
        .list(
            "products",
            "filter[stock]=2&include=category.products.category.parent.children.children",
        )
        .await
        .unwrap();
    let category = &rows[0]["category"];
    assert_eq!(category["name"], "Sub");
    let again = &category["products"][1];
    assert_eq!(again["name"], "birne");
    assert_eq!(again["category"]["parent"]["name"], "Top");
    let sub = &again["category"]["parent"]["children"][0];
    assert_eq!(
        (&sub["name"], &sub["children"]),
        (&json!("Sub"), &json!([]))
    );
    assert!(sub.get("products").is_none());
    let squared = world
        .list("products", "include=category.products.category.products")
        .await;
    assert_eq!(
        crate::world::code(squared),
        carnet_kernel::Code::InvalidParameter
    );
    let up = ["parent"; 8].join(".");
    let (rows, _) = world
        .list("categories", &format!("filter[name]=Sub&include={up}"))
        .await
        .unwrap();
    assert_eq!(rows[0]["parent"]["parent"], Value::Null);
}

async fn ordered(world: World) {
    products(&world).await;
    for (query, expected) in [
        ("sort=price", "CeÄbB|eCÄbB"),
        ("sort=-price", "BbÄCe|BbÄeC"),
        ("sort=-stock", "CBbÄe"),
        ("sort=stock:desc", "CBbÄe"),
        ("sort=name", "bBCeÄ"),
        ("sort=-name", "ÄeCBb"),
        ("sort=isFeatured,-stock", "CBbeÄ"),
        ("sort=category.name,-stock", "BeCbÄ"),
        ("sort=-category.name,stock", "ÄbCeB"),
        ("sort=status,stock", "BeÄCb"),
        ("sort=-id", "eCBbÄ"),
        ("sort=id", "ÄbBCe"),
        ("", "eCBbÄ"),
    ] {
        let names = world.names("products", query, "name").await;
        let found: String = names
            .iter()
            .filter_map(|name| name.chars().next())
            .collect();
        assert!(
            expected.split('|').any(|one| one == found),
            "{query}: {found}"
        );
    }
}

async fn paged_and_counted(world: World) {
    let items: Vec<String> = (0..45)
        .map(|number| json!({ "operation": "create", "data": { "name": format!("{number:02}"), "stock": number % 3 } }).to_string())
        .collect();
    world.batch("products", &items).await.unwrap();
    let page = |query: String| {
        let world = world.clone();
        async move {
            let (rows, total) = world.list("products", &query).await.unwrap();
            (rows.len(), total)
        }
    };
    assert_eq!(page(String::new()).await, (20, Some(45)));
    assert_eq!(page("limit=10&page=5".to_owned()).await, (5, Some(45)));
    assert_eq!(page("limit=10&page=6".to_owned()).await, (0, Some(45)));
    assert_eq!(page("limit=10&offset=44".to_owned()).await, (1, Some(45)));
    assert_eq!(page("limit=1000".to_owned()).await, (45, Some(45)));
    assert_eq!(page("count=none".to_owned()).await, (20, None));
    assert_eq!(page("count=exact&limit=1".to_owned()).await, (1, Some(45)));
    assert_eq!(
        page("filter[stock]=1&limit=5".to_owned()).await,
        (5, Some(15))
    );
    assert_eq!(page("offset=100000".to_owned()).await, (0, Some(45)));
    // Every record once, whatever the pages.
    let mut all = Vec::new();
    for number in 1..=9 {
        all.extend(
            world
                .names(
                    "products",
                    &format!("sort=stock&limit=5&page={number}"),
                    "name",
                )
                .await,
        );
    }
    all.sort();
    let expected: Vec<String> = (0..45).map(|number| format!("{number:02}")).collect();
    assert_eq!(all, expected);
    let items: Vec<String> = (0..1_000)
        .map(|number| {
            json!({ "operation": "create", "data": { "name": format!("m{number}") } }).to_string()
        })
        .collect();
    world.batch("products", &items).await.unwrap();
    for (query, rows) in [("", 20), ("limit=1000", 1_000), ("count=estimated", 20)] {
        let (found, total) = page(query.to_owned()).await;
        assert_eq!(found, rows);
        // An estimate, never below what is known.
        assert!(total.is_some_and(|total| total > rows as u64), "{total:?}");
    }
    assert_eq!(
        page("limit=1000&page=2".to_owned()).await,
        (45, Some(1_045))
    );
    assert_eq!(page("count=exact".to_owned()).await, (20, Some(1_045)));
}

async fn sparse(world: World) {
    products(&world).await;
    let (rows, _) = world
        .list(
            "products",
            "filter[stock]=2&fields=price,name&include=category",
        )
        .await
        .unwrap();
    let keys: Vec<&String> = rows[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["id", "name", "price", "category"]);
    let id = rows[0]["id"].as_str().unwrap();
    let one = world.read("products", id, "fields=stock").await.unwrap();
    assert_eq!(one, json!({ "id": id, "stock": 2 }));
}

async fn isolated_by_tenant(world: World) {
    let id = world.made("products", r#"{"name":"mine"}"#).await;
    world
        .operations
        .store()
        .schema()
        .create_tenant(
            world.view.model(),
            &carnet_store::schema::NewTenant {
                key: Some(carnet_kernel::TenantKey(2)),
                id: world.operations.next_id(),
                name: "second".to_owned(),
                namespace: None,
            },
        )
        .await
        .unwrap();
    let mut other = world.clone();
    other.context.tenant = carnet_kernel::TenantKey(2);
    assert_eq!(other.list("products", "").await.unwrap().1, Some(0));
    assert!(other.read("products", &id, "").await.is_err());
    assert!(
        other
            .patch("products", &id, r#"{"stock":1}"#, None)
            .await
            .is_err()
    );
    assert!(other.delete("products", &id, None).await.is_err());
    let same = other.create("categories", r#"{"name":"a"}"#).await.unwrap();
    world.made("categories", r#"{"name":"a"}"#).await;
    let crossing = json!({ "name": "x", "categoryId": same["id"] }).to_string();
    assert!(world.create("products", &crossing).await.is_err());
    assert_eq!(
        world.journal(10).await,
        ["products create 1", "categories create 1"]
    );
    assert_eq!(other.journal(10).await, ["categories create 1"]);
}
