//! `PATCH /orders/{id}`: how far an order is and how to reach its customer. What follows from its
//! lines stays as it is.

use crate::order::Status;
use crate::store::{self, Stored};
use carnet::prelude::*;

/// What nobody changes by hand.
const FIXED: [&str; 7] = [
    "number",
    "currency",
    "coupon",
    "couponId",
    "reduction",
    "total",
    "orderedAt",
];

/// Changes an order.
pub(crate) async fn change(call: Call, orders: Repo<Stored>) -> Result<Reply, Refusal> {
    let input = call.input();
    let mut fixed = Refusal::rule_violated("what an order costs follows from its lines");
    for field in FIXED.into_iter().filter(|field| input.get(field).is_some()) {
        fixed = fixed.field(field, "readOnly", "it stays as it was placed");
    }
    ensure!(fixed.details.is_empty(), fixed);
    let Some(next) = input.get("status") else {
        return call.proceed().await;
    };
    let id = call.require_id()?;
    let mut order = orders.require(id).await?.order()?;
    let next: Status = serde_json::from_value(next.clone()).or_invalid(
        "status",
        "enum",
        "there is no such status",
    )?;
    if next != order.status() {
        ensure!(
            next != Status::Cancelled,
            Refusal::invalid_state("an order is cancelled by an action of its own")
                .hint("`POST /orders/{id}/cancel` gives its goods back as well")
        );
        order.move_to(next)?;
    }
    let reply = call.proceed().await?;
    store::tell(&call, &id.to_string().into(), &mut order).await?;
    Ok(reply)
}
