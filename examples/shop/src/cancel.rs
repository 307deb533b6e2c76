//! `POST /orders/{id}/cancel`: the goods come back, as long as they have not left.

use crate::line::Line;
use crate::order::{Status, word};
use crate::stock::{self, Product};
use crate::store::{self, Stored, StoredLine};
use carnet::prelude::*;
use serde_json::json;

/// Cancels an order.
pub(crate) async fn cancel(
    call: Call,
    orders: Repo<Stored>,
    lines: Repo<StoredLine>,
    products: Repo<Product>,
) -> Result<Reply, Refusal> {
    let id = call.require_id()?;
    let mut order = orders.require(id).await?.order()?;
    order.move_to(Status::Cancelled)?;
    let lines = lines.find().filter("orderId", "eq", id).limit(1_000);
    let lines: Result<Vec<Line>, Refusal> = lines
        .all()
        .await?
        .iter()
        .map(|line| line.line(order.currency()))
        .collect();
    stock::give_back(&products, &lines?).await?;
    let cancelled = json!({ "status": word(Status::Cancelled) });
    let record = orders.untyped().patch(id, &cancelled).await?;
    store::tell(&call, &record["id"], &mut order).await?;
    Reply::json(&record)
}
