//! Feature a product: administrators only, and at most ten at a time.

use carnet::prelude::*;
use carnet::{Record, Repo};
use serde::Deserialize;
use serde_json::json;

/// How many products are shown in front.
const MOST: u64 = 10;

/// What is asked.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Feature {
    is_featured: bool,
}

/// A product, as far as this rule looks at it.
#[derive(Deserialize, Record)]
#[record("products", by(is_featured))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Product {
    is_featured: bool,
}

/// `POST /products/{id}/feature`.
///
/// Counting and changing happen in one transaction, as if it were alone: of two administrators who
/// both want the tenth place one is refused, on every database.
pub(crate) async fn feature(
    call: Call,
    asked: Body<Feature>,
    products: Repo<Product>,
) -> Result<Reply, Refusal> {
    call.require_role("admin")?;
    let id = call.require_id()?;
    let product = products.require(id).await?;
    if asked.is_featured && !product.is_featured {
        let featured = products.find().filter("isFeatured", "eq", true);
        if featured.count().await? >= MOST {
            return Err(Refusal::limit_exceeded("ten products are featured already")
                .hint("take another one out first"));
        }
    }
    let change = json!({ "isFeatured": asked.is_featured });
    Reply::json(&products.untyped().patch(id, &change).await?)
}
