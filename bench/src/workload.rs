//! What is asked of Carnet and of the hand-written handlers: the same requests of the same API.

use crate::data;
use crate::load::Requests;
use crate::wire;
use std::sync::Arc;

/// The `include` of the list with related records.
pub const REVIEWS: &str = "reviews(limit:5)";

/// How many of them each record brings at most.
pub const REVIEW_LIMIT: i64 = 5;

/// Where products stand.
pub const PRODUCTS: &str = "/api/v1/products";

/// What is known of the records that requests are about.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Ids of categories, by number.
    pub categories: Arc<Vec<String>>,
    /// Ids of products, by number.
    pub products: Arc<Vec<String>>,
}

/// One kind of request.
#[derive(Clone)]
pub struct Case {
    /// How it is called in tables.
    pub name: &'static str,
    /// What it asks.
    pub requests: Requests,
    /// How many connections ask it at once.
    pub connections: usize,
    /// Whether it changes something, so that answers differ in ids and moments.
    pub writes: bool,
}

/// All cases, `connections` at once each.
pub fn cases(known: &Known, connections: usize) -> Vec<Case> {
    let case = |name, requests, connections, writes| Case {
        name,
        requests,
        connections,
        writes,
    };
    vec![
        case("get by id", gets(known), connections, false),
        case("list 20", fixed("?count=none&limit=20"), connections, false),
        case(
            "list 20, filtered through a relation",
            filtered(),
            connections,
            false,
        ),
        case(
            "list 20, include to-many",
            fixed(&format!("?count=none&limit=20&include={REVIEWS}")),
            connections,
            false,
        ),
        case("create", creates(known), connections, true),
        case("bulk create 1,000", bulks(known), 4.min(connections), true),
    ]
}

fn fixed(query: &str) -> Requests {
    let request = wire::get(&format!("{PRODUCTS}{query}"));
    Arc::new(move |_| request.clone())
}

fn gets(known: &Known) -> Requests {
    let requests: Vec<_> = known
        .products
        .iter()
        .map(|id| wire::get(&format!("{PRODUCTS}/{id}")))
        .collect();
    Arc::new(move |number| {
        requests[(data::spread(number) % requests.len() as u64) as usize].clone()
    })
}

fn filtered() -> Requests {
    let requests: Vec<_> = data::REGIONS
        .iter()
        .map(|region| {
            wire::get(&format!(
                "{PRODUCTS}?count=none&limit=20&filter[category.region][eq]={region}"
            ))
        })
        .collect();
    Arc::new(move |number| requests[(number % requests.len() as u64) as usize].clone())
}

/// Numbers of products that are made while measuring, away from those that were loaded.
const FRESH: u64 = 1_000_000_000;

fn creates(known: &Known) -> Requests {
    let categories = Arc::clone(&known.categories);
    Arc::new(move |number| {
        let category = &categories[(number % categories.len() as u64) as usize];
        wire::post(
            PRODUCTS,
            &data::product(FRESH + number, category).to_string(),
        )
    })
}

fn bulks(known: &Known) -> Requests {
    let categories = Arc::clone(&known.categories);
    Arc::new(move |number| {
        let products = (0..1_000).map(|place| {
            let number = 2 * FRESH + number * 1_000 + place;
            data::product(
                number,
                &categories[(number % categories.len() as u64) as usize],
            )
        });
        wire::post(&format!("{PRODUCTS}/batch"), &batch(products))
    })
}

/// The body of a batch of creates.
pub fn batch(records: impl Iterator<Item = serde_json::Value>) -> String {
    let items: Vec<_> = records
        .map(|data| serde_json::json!({"operation": "create", "data": data}))
        .collect();
    serde_json::json!({ "items": items }).to_string()
}
