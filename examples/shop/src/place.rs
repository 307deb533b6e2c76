//! `POST /orders/place`: stock, prices, coupon, order, lines and events, all of it or nothing.

use crate::coupon::{self, Coupon};
use crate::line::Line;
use crate::order::Order;
use crate::stock::{self, Product, Wanted};
use crate::store::{self, Stored};
use carnet::prelude::*;
use serde::Deserialize;
use serde_json::json;

/// What a customer asks for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewOrder {
    customer: String,
    email: Email,
    deliver_by: Option<Date>,
    note: Option<String>,
    coupon: Option<String>,
    lines: Vec<NewLine>,
}

/// A line of it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewLine {
    product_id: String,
    quantity: i64,
}

/// Places an order.
pub(crate) async fn place(
    call: Call,
    Body(asked): Body<NewOrder>,
    products: Repo<Product>,
    coupons: Repo<Coupon>,
    orders: Repo<Stored>,
) -> Result<Reply, Refusal> {
    let lines = asked.lines.into_iter();
    let lines: Vec<(String, i64)> = lines.map(|line| (line.product_id, line.quantity)).collect();
    let wanted = stock::find(&products, &lines).await?;
    let mut order = draw_up(next_number(&orders).await?, &wanted)?;
    let coupon = match &asked.coupon {
        Some(code) => {
            let put = coupon::put_to(&mut order, code, &asked.email, &call, &coupons);
            Some(put.await?)
        }
        None => None,
    };
    let total = order.place()?;

    stock::reserve(&products, &wanted).await?;
    let given = json!({
        "customer": asked.customer,
        "email": asked.email,
        "deliverBy": asked.deliver_by,
        "note": asked.note,
        "couponId": coupon,
        "orderedAt": call.now(),
    });
    let made = store::create(&call, &mut order, total, given).await?;
    if let Some(coupon) = coupon {
        coupon::redeem(&coupons, coupon).await?;
    }
    Ok(Reply::json(&made)?.status(201).message("Order placed"))
}

/// The order that these products make, in the currency of the first.
fn draw_up(number: i64, wanted: &[Wanted]) -> Result<Order, Refusal> {
    let mut order: Option<Order> = None;
    for Wanted { product, quantity } in wanted {
        let price = product.price()?;
        order
            .get_or_insert_with(|| Order::begin(number, price.currency()))
            .add(Line::new(product.id(), *quantity, price)?)?;
    }
    order.or_refuse(|| Refusal::rule_violated("an order has at least one line"))
}

/// Orders are counted one after the other, which is why no two are placed at the same time: right
/// for a shop, too slow for an exchange.
async fn next_number(orders: &Repo<Stored>) -> Result<i64, Refusal> {
    let last = orders.find().sort("-number").first().await?;
    Ok(last.map_or(0, |order| order.number) + 1)
}

/// Counts placed orders, when they stand.
pub(crate) async fn count(call: Call) -> Result<(), Refusal> {
    call.metrics().count("orders_placed", 1, &[]);
    Ok(())
}
