//! Where an order meets the database: read, written, and its events beside it. The transaction is
//! the caller's.

use crate::line::{Line, Quantity};
use crate::order::{Order, OrderEvent, Status, word};
use carnet::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

/// How many digits amounts have in the database.
const SCALE: u8 = 2;

/// An order as it is stored, as far as its life goes.
#[derive(Deserialize, Record)]
#[record("orders", by(number), by(email))]
pub(crate) struct Stored {
    pub(crate) number: i64,
    status: String,
    currency: Currency,
}

/// A line as it is stored.
#[derive(Deserialize, Record)]
#[record("orderItems", by(order_id))]
#[serde(rename_all = "camelCase")]
pub(crate) struct StoredLine {
    product_id: Id,
    quantity: i64,
    price: Decimal,
    reduction: Decimal,
}

impl Stored {
    /// The order.
    pub(crate) fn order(&self) -> Result<Order, Refusal> {
        let status = serde_json::from_value(json!(self.status));
        let status: Status = status.or_invalid_state("the order has a status that is not known")?;
        Ok(Order::placed(self.number, status, self.currency))
    }
}

impl StoredLine {
    /// The line, as it was priced when it was ordered.
    pub(crate) fn line(&self, currency: Currency) -> Result<Line, Refusal> {
        Ok(Line {
            product: self.product_id,
            quantity: Quantity::new(self.quantity).at("quantity")?,
            price: Money::new(self.price, currency)?,
            reduction: Money::new(self.reduction, currency)?,
        })
    }
}

/// Writes a new order with its lines and its events; answers the record. `given` is what the customer
/// said beside it.
pub(crate) async fn create(
    call: &Call,
    order: &mut Order,
    total: Money,
    given: Value,
) -> Result<Value, Refusal> {
    let mut body = given;
    body["number"] = json!(order.number());
    body["currency"] = json!(order.currency().code());
    body["reduction"] = json!(order.reduction().amount_at(SCALE)?);
    body["total"] = json!(total.amount_at(SCALE)?);
    let made = call.repository("orders")?.create(&body).await?;
    let lines = call.repository("orderItems")?;
    for line in order.lines() {
        let row = json!({
            "orderId": made["id"],
            "productId": line.product,
            "quantity": line.quantity,
            "price": line.price.amount_at(SCALE)?,
            "reduction": line.reduction.amount_at(SCALE)?,
        });
        lines.create(&row).await?;
    }
    tell(call, &made["id"], order).await?;
    Ok(made)
}

/// Writes what has happened to an order, in the same transaction.
pub(crate) async fn tell(call: &Call, id: &Value, order: &mut Order) -> Result<(), Refusal> {
    let rows = call.repository("orderEvents")?;
    for event in order.take_events() {
        let row = match event {
            OrderEvent::Placed { total } => {
                json!({ "orderId": id, "kind": "placed", "total": total.amount_at(SCALE)? })
            }
            OrderEvent::Moved(status) => json!({ "orderId": id, "kind": word(status) }),
        };
        rows.create(&row).await?;
    }
    Ok(())
}
