//! Feature a product: administrators only, and at most ten at a time.

use carnet::prelude::*;
use serde::Deserialize;
use serde_json::json;

/// How many products are shown in front.
pub(crate) const MOST: u64 = 10;

/// What is asked.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Feature {
    pub(crate) is_featured: bool,
}

/// A product, as far as this rule looks at it.
#[derive(Deserialize, Record)]
#[record("products", by(is_featured))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Product {
    is_featured: bool,
}

/// `POST /api/v2/products/{id}/feature`.
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

/// Creates and changes of a product leave that to the action, whose rules they would pass by. The
/// field goes by its name in the version that was asked.
pub(crate) async fn by_action_alone(call: Call) -> Result<Reply, Refusal> {
    let input = call.input();
    for field in ["isFeatured", "promoted"] {
        ensure!(
            input[field] != true,
            Refusal::invalid_state("a product is featured by an action of its own").field(
                field,
                "state",
                "`POST /products/{id}/feature` does it",
            )
        );
    }
    call.proceed().await
}
