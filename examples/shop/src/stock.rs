//! Products as orders need them, and their stock: taken by orders, given back by cancelled ones.

use crate::codes::{NOT_FOR_SALE, OUT_OF_STOCK};
use crate::line::{Line, Quantity};
use carnet::prelude::*;
use serde::Deserialize;
use serde_json::json;
use std::collections::HashMap;

/// A product.
#[derive(Clone, Debug, Deserialize, Record)]
#[record("products")]
#[serde(rename_all = "camelCase")]
pub(crate) struct Product {
    id: Id,
    name: String,
    status: String,
    price: Decimal,
    currency: Currency,
    stock: i64,
}

impl Product {
    /// Its id.
    pub(crate) fn id(&self) -> Id {
        self.id
    }

    /// Its price with its currency.
    pub(crate) fn price(&self) -> Result<Money, MoneyError> {
        Money::new(self.price, self.currency)
    }
}

fn is_published(product: &Product) -> bool {
    product.status == "published"
}

fn has_price(product: &Product) -> bool {
    product.price.unscaled > 0
}

/// So many pieces of a product.
pub(crate) struct Wanted {
    pub(crate) product: Product,
    pub(crate) quantity: Quantity,
}

/// The products of these ids, in their order, each with its quantity. Of all lines that cannot be,
/// each is told.
pub(crate) async fn find(
    products: &Repo<Product>,
    asked: &[(String, i64)],
) -> Result<Vec<Wanted>, Refusal> {
    let ids: Vec<Option<Id>> = asked.iter().map(|(id, _)| id.parse().ok()).collect();
    let known = products.find().among("id", ids.iter().flatten());
    let known: HashMap<Id, Product> = match ids.iter().any(Option::is_some) {
        true => {
            let found = known.limit(50).all().await?;
            found.into_iter().map(|one| (one.id, one)).collect()
        }
        false => HashMap::new(),
    };
    let mut wanted = Vec::with_capacity(asked.len());
    let mut absent = Refusal::reference_not_found("a product is not there");
    for (place, ((_, pieces), id)) in asked.iter().zip(ids).enumerate() {
        match id.and_then(|id| known.get(&id)) {
            Some(product) => wanted.push(Wanted {
                product: product.clone(),
                quantity: Quantity::new(*pieces).at(&format!("lines[{place}].quantity"))?,
            }),
            None => {
                let field = format!("lines[{place}].productId");
                absent = absent.field(field, "reference", "there is no such product");
            }
        }
    }
    ensure!(absent.details.is_empty(), absent);
    Ok(wanted)
}

/// Takes what is wanted out of the stock, or refuses and says which lines cannot be.
///
/// The stock that is looked at is that of this transaction: whoever else takes of it at the same
/// time makes one of both run again.
pub(crate) async fn reserve(products: &Repo<Product>, wanted: &[Wanted]) -> Result<(), Refusal> {
    let for_sale = is_published.and(has_price);
    let mut unsold = NOT_FOR_SALE.refuse("a product is not for sale");
    let mut short = OUT_OF_STOCK.refuse("there are not enough pieces");
    for (place, Wanted { product, quantity }) in wanted.iter().enumerate() {
        let name = &product.name;
        if !for_sale.is_met_by(product) {
            let field = format!("lines[{place}].productId");
            unsold = unsold.field(field, "state", format!("`{name}` is not for sale"));
        }
        if product.stock < *quantity.get() {
            let field = format!("lines[{place}].quantity");
            short = short.field(
                field,
                "max",
                format!("of `{name}` {} are left", product.stock),
            );
        }
    }
    ensure!(unsold.details.is_empty(), unsold);
    ensure!(short.details.is_empty(), short);
    let taken = wanted
        .iter()
        .map(|one| (one.product.id, -*one.quantity.get()));
    change(products, taken.collect()).await
}

/// Puts the goods of these lines back.
pub(crate) async fn give_back(products: &Repo<Product>, lines: &[Line]) -> Result<(), Refusal> {
    let back = lines
        .iter()
        .map(|line| (line.product, *line.quantity.get()));
    change(products, back.collect()).await
}

/// Always in the order of ids, so that no two orders wait for each other in a circle.
async fn change(products: &Repo<Product>, mut by: Vec<(Id, i64)>) -> Result<(), Refusal> {
    by.sort_unstable();
    for (id, pieces) in by {
        products
            .patch(id, &json!({ "stock": { "$inc": pieces } }))
            .await?;
    }
    Ok(())
}
