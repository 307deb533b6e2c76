//! The rules of the shop, asked as a client would, on both databases.

#![cfg(test)]

use carnet::testing::{Caller, TestPlatform, TestReply, redacted};
use serde_json::{Value, json};

carnet::test_on_both! {
    shop::app() =>
    an_order_is_priced_and_takes_its_goods,
    what_cannot_be_ordered_is_told_by_its_line,
    coupons_count_for_whom_they_are,
    what_fails_last_leaves_nothing,
    the_last_pieces_are_sold_once,
    a_cancelled_order_gives_its_goods_back,
    an_order_goes_one_way,
    an_order_is_placed_once_under_one_key,
}

/// A published product.
async fn product(platform: &TestPlatform, name: &str, price: &str, stock: i64) -> Value {
    priced(platform, name, price, "EUR", stock).await
}

async fn priced(
    platform: &TestPlatform,
    name: &str,
    price: &str,
    currency: &str,
    stock: i64,
) -> Value {
    let product = platform
        .factory("products")
        .with("name", name)
        .with("price", price)
        .with("currency", currency)
        .with("stock", stock);
    product.with("status", "published").create().await
}

fn order(lines: &[(&Value, i64)]) -> Value {
    let lines: Vec<Value> = lines
        .iter()
        .map(|(product, quantity)| json!({ "productId": product["id"], "quantity": quantity }))
        .collect();
    json!({ "customer": "Ada", "email": "ada@example.org", "lines": lines })
}

async fn place(caller: &Caller<'_>, body: &Value) -> TestReply {
    caller.post("/orders/place", body.clone()).await
}

async fn stock(platform: &TestPlatform, product: &Value) -> i64 {
    let path = format!("/products/{}", product["id"].as_str().unwrap());
    let read = platform.anonymous().get(&path).await;
    read.assert_status(200);
    read.data()["stock"].as_i64().unwrap()
}

async fn an_order_is_priced_and_takes_its_goods(platform: TestPlatform) {
    let pen = product(&platform, "Pen", "49.90", 5).await;
    let pencil = product(&platform, "Pencil", "0.95", 100).await;
    let nobody = platform.anonymous();
    let placed = place(&nobody, &order(&[(&pen, 2), (&pencil, 10)])).await;
    placed.assert_status(201);
    // 99.80 + 9.50 less 5 %, rounded to the even cent.
    assert_eq!(placed.data()["total"], "108.82");
    assert_eq!(placed.data()["number"], 1);
    assert_eq!(stock(&platform, &pen).await, 3);
    assert_eq!(stock(&platform, &pencil).await, 90);

    let path = format!(
        "/orders/{}?fields=status,currency&include=items(sort:quantity;fields:quantity,price,reduction),events(fields:kind,total)",
        placed.id()
    );
    let whole = nobody.get(&path).await;
    let expected = json!({
        "id": "[id 1]", "status": "open", "currency": "EUR",
        "items": [
            { "id": "[id 2]", "quantity": 2, "price": "49.90", "reduction": "0.00" },
            { "id": "[id 3]", "quantity": 10, "price": "0.95", "reduction": "0.48" },
        ],
        "events": [{ "id": "[id 4]", "kind": "placed", "total": "108.82" }],
    });
    assert_eq!(redacted(whole.data()), expected);
    let next = place(&nobody, &order(&[(&pencil, 1)])).await;
    assert_eq!(next.data()["number"], 2);
}

async fn what_cannot_be_ordered_is_told_by_its_line(platform: TestPlatform) {
    let pen = product(&platform, "Pen", "49.90", 5).await;
    let francs = priced(&platform, "Knife", "30.00", "CHF", 5).await;
    let draft = platform.factory("products").with("stock", 5).create().await;
    let unknown = json!({ "id": "01KF0M5T5D0000000000000000" });
    let nobody = platform.anonymous();
    for (lines, code, field) in [
        (vec![(&pen, 6)], "OUT_OF_STOCK", "lines[0].quantity"),
        (
            vec![(&pen, 1), (&draft, 1)],
            "NOT_FOR_SALE",
            "lines[1].productId",
        ),
        (
            vec![(&pen, 1), (&francs, 1)],
            "CURRENCIES_MIXED",
            "lines[1].productId",
        ),
        (vec![(&pen, 1), (&pen, 1)], "CONFLICT", "lines[1].productId"),
        (
            vec![(&unknown, 1)],
            "REFERENCE_NOT_FOUND",
            "lines[0].productId",
        ),
        (vec![(&pen, 0)], "VALIDATION_FAILED", "lines[0].quantity"),
        (vec![], "VALIDATION_FAILED", "lines"),
    ] {
        let refused = place(&nobody, &order(&lines)).await;
        refused.assert_code(code);
        let told = &refused.body()["error"]["details"][0]["field"];
        assert_eq!(told, field, "{:#}", refused.body());
    }
    // All lines that are short are told at once.
    let pencil = product(&platform, "Pencil", "0.95", 0).await;
    let short = place(&nobody, &order(&[(&pen, 6), (&pencil, 1)])).await;
    assert_eq!(
        short.body()["error"]["details"][1]["field"],
        "lines[1].quantity"
    );
    assert_eq!(platform.count("orders").await, 0);
    assert_eq!(stock(&platform, &pen).await, 5);
}

async fn coupons_count_for_whom_they_are(platform: TestPlatform) {
    let pen = product(&platform, "Pen", "50.00", 10).await;
    let coupon = platform
        .factory("coupons")
        .with("code", "WELCOME")
        .with("percent", 10)
        .with("least", "100.00")
        .with("until", "2027-01-15")
        .with("isForFirstOrder", true)
        .with("usesLeft", 5);
    coupon.create().await;
    let nobody = platform.anonymous();
    let with = |code: &str, pieces: i64| {
        let mut body = order(&[(&pen, pieces)]);
        body["coupon"] = json!(code);
        body
    };
    place(&nobody, &with("WELCOM", 2))
        .await
        .assert_code("COUPON_REFUSED");
    place(&nobody, &with("WELCOME", 1))
        .await
        .assert_code("COUPON_REFUSED");
    let placed = place(&nobody, &with("WELCOME", 2)).await;
    assert_eq!(placed.data()["reduction"], "10.00", "{placed:?}");
    assert_eq!(placed.data()["total"], "90.00");
    // A second order of the same customer, however the address is written.
    let mut again = with("WELCOME", 2);
    again["email"] = json!("ADA@example.org");
    place(&nobody, &again).await.assert_code("COUPON_REFUSED");
    // The last day is over.
    platform
        .clock()
        .advance(std::time::Duration::from_secs(16 * 3600));
    let mut late = with("WELCOME", 2);
    late["email"] = json!("alan@example.org");
    place(&nobody, &late).await.assert_code("COUPON_REFUSED");
    let left = nobody.get("/coupons").await;
    assert_eq!(left.data()[0]["usesLeft"], 4);
}

async fn what_fails_last_leaves_nothing(platform: TestPlatform) {
    let pen = product(&platform, "Pen", "50.00", 10).await;
    let coupon = platform.factory("coupons").with("code", "GONE");
    coupon
        .with("least", "0.00")
        .with("usesLeft", 0)
        .create()
        .await;
    let mut body = order(&[(&pen, 2)]);
    body["coupon"] = json!("GONE");
    let rows = platform.count("journal").await;
    // The stock is taken, order, line and event are written; then the coupon turns out used up.
    let refused = place(&platform.anonymous(), &body).await;
    refused.assert_status(422).assert_code("COUPON_REFUSED");
    assert_eq!(refused.body()["error"]["details"][0]["rule"], "limit");
    assert_eq!(stock(&platform, &pen).await, 10);
    for resource in ["orders", "orderItems", "orderEvents"] {
        assert_eq!(platform.count(resource).await, 0, "{resource}");
    }
    assert_eq!(platform.count("journal").await, rows);
}

async fn the_last_pieces_are_sold_once(platform: TestPlatform) {
    let pen = product(&platform, "Pen", "49.90", 10).await;
    let body = order(&[(&pen, 1)]);
    let nobody = platform.anonymous();
    let customers = (0..32).map(async |_| {
        // Who is overtaken again and again is told to come back, as a client would.
        loop {
            let reply = place(&nobody, &body).await;
            if reply.code() != "VERSION_CONFLICT" {
                return reply;
            }
        }
    });
    let mut sold = 0;
    for reply in futures_util::future::join_all(customers).await {
        match reply.status() {
            201 => sold += 1,
            _ => drop(reply.assert_code("OUT_OF_STOCK")),
        }
    }
    assert_eq!(sold, 10);
    assert_eq!(stock(&platform, &pen).await, 0);
    assert_eq!(platform.count("orders").await, 10);
    assert_eq!(platform.count("orderEvents").await, 10);
    let last = nobody.get("/orders?sort=-number&limit=1").await;
    assert_eq!(last.data()[0]["number"], 10);
}

async fn a_cancelled_order_gives_its_goods_back(platform: TestPlatform) {
    let pen = product(&platform, "Pen", "49.90", 5).await;
    let nobody = platform.anonymous();
    let placed = place(&nobody, &order(&[(&pen, 5)])).await;
    assert_eq!(stock(&platform, &pen).await, 0);
    let path = format!("/orders/{}/cancel", placed.id());
    let stale = nobody
        .header("if-match", "\"7\"")
        .post(&path, json!({}))
        .await;
    stale.assert_status(412);
    let nobody = platform.anonymous();
    let cancelled = nobody.post(&path, json!({})).await;
    cancelled.assert_status(200);
    assert_eq!(cancelled.data()["status"], "cancelled");
    assert_eq!(stock(&platform, &pen).await, 5);
    let again = nobody.post(&path, json!({})).await;
    again.assert_status(409).assert_code("INVALID_STATE");
    assert_eq!(stock(&platform, &pen).await, 5);
    let told = nobody.get("/orderEvents?sort=kind&fields=kind").await;
    assert_eq!(told.data()[0]["kind"], "cancelled");
    assert_eq!(platform.count("orderEvents").await, 2);
}

async fn an_order_goes_one_way(platform: TestPlatform) {
    let pen = product(&platform, "Pen", "49.90", 5).await;
    let placed = place(&platform.anonymous(), &order(&[(&pen, 1)])).await;
    let path = format!("/orders/{}", placed.id());
    let patch = async |version: i64, body: Value| {
        let staff = platform.as_user("bob", &[]).if_match(version);
        staff.patch(&path, body).await
    };
    let shipped = json!({ "status": "shipped" });
    patch(1, shipped.clone()).await.assert_code("INVALID_STATE");
    patch(1, json!({ "status": "cancelled" }))
        .await
        .assert_code("INVALID_STATE");
    let coupon = json!({ "create": { "code": "MINE", "percent": 100 } });
    for fixed in [json!({ "total": "0.00" }), json!({ "coupon": coupon })] {
        patch(1, fixed).await.assert_code("RULE_VIOLATED");
    }
    patch(1, json!({ "status": "lost" }))
        .await
        .assert_code("VALIDATION_FAILED");
    patch(1, json!({ "status": "paid" }))
        .await
        .assert_status(200);
    patch(1, shipped.clone()).await.assert_status(412);
    patch(2, json!({ "note": "at the back door", "status": "paid" }))
        .await
        .assert_status(200);
    patch(3, shipped).await.assert_status(200);
    let cancel = platform
        .anonymous()
        .post(&format!("{path}/cancel"), json!({}))
        .await;
    cancel.assert_code("INVALID_STATE");
    let told = platform
        .anonymous()
        .get("/orderEvents?sort=id&fields=kind")
        .await;
    let kinds: Vec<&Value> = told
        .data()
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["kind"])
        .collect();
    assert_eq!(kinds, ["placed", "paid", "shipped"]);
}

async fn an_order_is_placed_once_under_one_key(platform: TestPlatform) {
    let pen = product(&platform, "Pen", "49.90", 5).await;
    let keyed = || platform.anonymous().header("idempotency-key", "once");
    let first = place(&keyed(), &order(&[(&pen, 2)])).await;
    let second = place(&keyed(), &order(&[(&pen, 2)])).await;
    assert_eq!(
        (first.status(), first.body()),
        (second.status(), second.body())
    );
    assert_eq!(stock(&platform, &pen).await, 3);
    let path = "/orders/place?dryRun=true";
    let dry = platform.anonymous().post(path, order(&[(&pen, 3)])).await;
    assert_eq!(dry.data()["total"], "149.70", "{dry:?}");
    assert_eq!(stock(&platform, &pen).await, 3);
}
