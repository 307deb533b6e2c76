//! The old way to feature a product, for clients of v1: whoever comes last has a place, and whoever
//! was there longest loses it. Here everything has the names of v1.

use crate::feature::{Feature, MOST};
use carnet::prelude::*;
use serde_json::json;

/// `POST /api/v1/products/{id}/feature`.
pub(crate) async fn promote(call: Call, asked: Body<Feature>) -> Result<Reply, Refusal> {
    call.require_role("admin")?;
    let id = call.require_id()?;
    let products = call.repository("products")?;
    let product = products.require(id).await?;
    if asked.is_featured && product["promoted"] == false {
        let promoted = products.find().filter("promoted", "eq", true);
        if promoted.clone().count().await? >= MOST
            && let Some(oldest) = promoted.sort("updatedAt,id").first().await?
        {
            let id = oldest["id"].as_str().unwrap_or_default();
            products.patch(id, &json!({ "promoted": false })).await?;
        }
    }
    let change = json!({ "promoted": asked.is_featured });
    Reply::json(&products.patch(id, &change).await?)
}
