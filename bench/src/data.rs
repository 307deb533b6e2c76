//! What the databases hold: made from numbers, the same in every run and for every server.

use serde_json::{Value, json};

/// Regions of categories.
pub const REGIONS: [&str; 5] = ["north", "east", "south", "west", "centre"];

/// How many categories there are.
pub const CATEGORIES: u64 = 50;

/// How many reviews each product has.
pub const REVIEWS: u64 = 5;

/// The category with this number.
pub fn category(number: u64) -> Value {
    json!({
        "name": format!("Category {number:03}"),
        "region": REGIONS[(number % REGIONS.len() as u64) as usize],
    })
}

/// The product with this number, in the category with this id.
pub fn product(number: u64, category: &str) -> Value {
    json!({
        "name": format!("Product {number:08}"),
        "sku": format!("SKU-{number:010}"),
        "price": price(number),
        "stock": number % 500,
        "status": status(number),
        "description": description(number),
        "categoryId": category,
    })
}

/// The review with this number, of the product with this id.
pub fn review(number: u64, product: &str) -> Value {
    json!({
        "author": format!("Author {:05}", number % 10_000),
        "rating": 1 + number % 5,
        "comment": comment(number),
        "productId": product,
    })
}

/// The price of a product.
pub fn price(number: u64) -> String {
    let cents = 100 + spread(number) % 100_000;
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// The status of a product.
pub fn status(number: u64) -> &'static str {
    ["draft", "published", "published", "archived"][(spread(number) % 4) as usize]
}

/// The description of a product, about 130 bytes.
pub fn description(number: u64) -> String {
    format!(
        "A thing of good quality with the number {number:08}, made to last and to be repaired, \
         shipped within two days from the store."
    )
}

/// The comment of a review, about 80 bytes.
pub fn comment(number: u64) -> String {
    format!("Review {number:08}: does what it should, came in time, and would be bought again.")
}

/// A number far from its neighbours (Knuth's multiplicative hashing).
pub fn spread(number: u64) -> u64 {
    number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20
}
