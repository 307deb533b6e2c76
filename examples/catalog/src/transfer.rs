//! Transfer a product to another category: the category must be active, of the product's kind, and
//! have room.

use carnet::prelude::*;
use serde::Deserialize;
use serde_json::json;

/// What is asked.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Transfer {
    category_id: Id,
    reason: Option<String>,
}

/// A product, as far as this rule looks at it.
#[derive(Deserialize, Record)]
#[record("products", by(category_id))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Product {
    kind: String,
    category_id: Id,
}

/// A category with what it takes.
#[derive(Deserialize, Record)]
#[record("categories")]
#[serde(rename_all = "camelCase")]
pub(crate) struct Category {
    name: String,
    kind: String,
    is_active: bool,
    max_products: u64,
}

impl Category {
    /// Whether a product may come in, beside the `present` ones.
    fn admits(&self, product: &Product, present: u64) -> Result<(), Refusal> {
        if !self.is_active {
            let message = format!("the category `{}` is not active", self.name);
            return Err(Refusal::invalid_state(message));
        }
        if self.kind != product.kind {
            return Err(
                Refusal::rule_violated("the product is of another kind than the category").field(
                    "categoryId",
                    "kind",
                    format!("it takes `{}`, not `{}`", self.kind, product.kind),
                ),
            );
        }
        if present >= self.max_products {
            let message = format!("the category `{}` is full", self.name);
            return Err(Refusal::limit_exceeded(message));
        }
        Ok(())
    }
}

/// `POST /products/{id}/transfer`.
///
/// The product, the row that remembers the transfer and both rows of the journal, which is what
/// others hear of it, stand together or not at all.
pub(crate) async fn transfer(
    call: Call,
    asked: Body<Transfer>,
    products: Repo<Product>,
    categories: Repo<Category>,
) -> Result<Reply, Refusal> {
    let id = call.require_id()?;
    let product = products.require(id).await?;
    let target = asked.category_id;
    if product.category_id == target {
        return Err(Refusal::conflict("the product is in this category already"));
    }
    let category = categories
        .get(target)
        .await?
        .ok_or_else(|| Refusal::reference_not_found("`categoryId` leads to no category"))?;
    let present = products.find().filter("categoryId", "eq", target).count();
    category.admits(&product, present.await?)?;

    let moved = products
        .untyped()
        .patch(id, &json!({ "categoryId": target }))
        .await?;
    let transfers = call.repository("transfers")?;
    let row = json!({
        "productId": id,
        "fromId": product.category_id,
        "intoId": target,
        "reason": asked.reason,
    });
    transfers.create(&row).await?;
    Reply::json(&moved)
}
