//! A product on its way in and out: read from a body with its rules, written as the API writes it.

use super::Fault;
use super::json;
use serde::Deserialize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// What a client sends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Body {
    name: String,
    sku: String,
    price: String,
    #[serde(default)]
    stock: i64,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    description: Option<String>,
    category_id: String,
}

/// What is stored.
#[derive(Clone, Debug)]
pub(super) struct Product {
    pub(super) id: u128,
    pub(super) name: String,
    pub(super) sku: String,
    pub(super) price: i64,
    pub(super) stock: i64,
    pub(super) status: String,
    pub(super) description: Option<String>,
    pub(super) category: u128,
    pub(super) created: i64,
    /// The row of the journal.
    pub(super) journal: String,
}

impl Product {
    /// A new one, with every rule checked.
    pub(super) fn new(body: Body, now: i64) -> Result<Self, Fault> {
        let length = |text: &str, min: usize, max: usize| {
            let count = text.chars().count();
            (min..=max).contains(&count) && !text.contains('\0')
        };
        if !length(&body.name, 1, 200) || !length(&body.sku, 1, 64) {
            return Err(Fault::Invalid("name or sku"));
        }
        if body.stock < 0 {
            return Err(Fault::Invalid("stock"));
        }
        if body
            .description
            .as_deref()
            .is_some_and(|text| !length(text, 0, 1_000))
        {
            return Err(Fault::Invalid("description"));
        }
        let status = body.status.unwrap_or_else(|| "draft".to_owned());
        if !["draft", "published", "archived"].contains(&status.as_str()) {
            return Err(Fault::Invalid("status"));
        }
        let price = json::parse_hundredths(&body.price)
            .filter(|price| (0..1_000_000_000_000).contains(price))
            .ok_or(Fault::Invalid("price"))?;
        let category = json::parse_id(&body.category_id).ok_or(Fault::Invalid("categoryId"))?;
        let mut product = Self {
            id: next_id(now),
            name: body.name,
            sku: body.sku,
            price,
            stock: body.stock,
            status,
            description: body.description,
            category,
            created: now,
            journal: String::new(),
        };
        let mut journal = Vec::with_capacity(512);
        journal.extend_from_slice(b"{\"after\":");
        product.row().write(&mut journal);
        journal.push(b'}');
        // INVARIANT: what is written is made of texts.
        product.journal = String::from_utf8(journal).unwrap_or_default();
        Ok(product)
    }

    /// The product as its row.
    pub(super) fn row(&self) -> Row<'_> {
        Row {
            id: self.id,
            name: &self.name,
            sku: &self.sku,
            price: self.price,
            stock: self.stock,
            status: &self.status,
            description: self.description.as_deref(),
            category: self.category,
            version: 1,
            created: self.created,
            updated: self.created,
            created_by: None,
            updated_by: None,
        }
    }
}

/// A stored product as it is read, borrowed from the driver's row.
pub(super) struct Row<'a> {
    pub(super) id: u128,
    pub(super) name: &'a str,
    pub(super) sku: &'a str,
    pub(super) price: i64,
    pub(super) stock: i64,
    pub(super) status: &'a str,
    pub(super) description: Option<&'a str>,
    pub(super) category: u128,
    pub(super) version: i64,
    pub(super) created: i64,
    pub(super) updated: i64,
    pub(super) created_by: Option<&'a str>,
    pub(super) updated_by: Option<&'a str>,
}

impl Row<'_> {
    /// Appends it as a JSON object.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        self.open(out);
        out.push(b'}');
    }

    /// The same without its end, for members that follow.
    pub(super) fn open(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"id\":");
        json::id(out, self.id);
        out.extend_from_slice(b",\"name\":");
        json::text(out, self.name);
        out.extend_from_slice(b",\"sku\":");
        json::text(out, self.sku);
        out.extend_from_slice(b",\"price\":");
        json::hundredths(out, self.price);
        out.extend_from_slice(b",\"stock\":");
        json::number(out, self.stock);
        out.extend_from_slice(b",\"status\":");
        json::text(out, self.status);
        out.extend_from_slice(b",\"description\":");
        match self.description {
            Some(text) => json::text(out, text),
            None => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b",\"categoryId\":");
        json::id(out, self.category);
        standard(
            out,
            self.version,
            self.created,
            self.updated,
            self.created_by,
            self.updated_by,
        );
    }
}

/// A stored review as it is read.
pub(super) struct Review<'a> {
    pub(super) id: u128,
    pub(super) author: &'a str,
    pub(super) rating: i64,
    pub(super) comment: &'a str,
    pub(super) product: u128,
    pub(super) version: i64,
    pub(super) created: i64,
    pub(super) updated: i64,
    pub(super) created_by: Option<&'a str>,
    pub(super) updated_by: Option<&'a str>,
}

impl Review<'_> {
    /// Appends it as a JSON object.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"id\":");
        json::id(out, self.id);
        out.extend_from_slice(b",\"author\":");
        json::text(out, self.author);
        out.extend_from_slice(b",\"rating\":");
        json::number(out, self.rating);
        out.extend_from_slice(b",\"comment\":");
        json::text(out, self.comment);
        out.extend_from_slice(b",\"productId\":");
        json::id(out, self.product);
        standard(
            out,
            self.version,
            self.created,
            self.updated,
            self.created_by,
            self.updated_by,
        );
        out.push(b'}');
    }
}

fn standard(
    out: &mut Vec<u8>,
    version: i64,
    created: i64,
    updated: i64,
    created_by: Option<&str>,
    updated_by: Option<&str>,
) {
    out.extend_from_slice(b",\"version\":");
    json::number(out, version);
    out.extend_from_slice(b",\"createdAt\":");
    json::moment(out, created);
    out.extend_from_slice(b",\"updatedAt\":");
    json::moment(out, updated);
    out.extend_from_slice(b",\"createdBy\":");
    principal(out, created_by);
    out.extend_from_slice(b",\"updatedBy\":");
    principal(out, updated_by);
}

fn principal(out: &mut Vec<u8>, kind: Option<&str>) {
    match kind {
        Some(kind) => {
            out.extend_from_slice(b"{\"kind\":");
            json::text(out, kind);
            out.extend_from_slice(b",\"id\":null}");
        }
        None => out.extend_from_slice(b"null"),
    }
}

/// Microseconds since 1970.
pub(super) fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_micros() as i64)
}

/// A new time-ordered id (UUIDv7 bits), monotonic in this process.
pub(super) fn next_id(now: i64) -> u128 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let millis = (now / 1_000) as u64;
    // 48 bits of time and 12 of a counter, never going back.
    let wanted = millis << 12;
    let before = LAST
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
            Some(wanted.max(last + 1))
        })
        .unwrap_or(wanted);
    let stamped = wanted.max(before + 1);
    let high = ((stamped >> 12) << 16) | 0x7000 | (stamped & 0xfff);
    let low = 0x8000_0000_0000_0000_u64 | (random() >> 2);
    (u128::from(high) << 64) | u128::from(low)
}

/// Not for secrets: a counter behind the process's random hash keys.
fn random() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    use std::sync::OnceLock;
    static KEYS: OnceLock<RandomState> = OnceLock::new();
    static COUNT: AtomicU64 = AtomicU64::new(0);
    KEYS.get_or_init(RandomState::new)
        .hash_one(COUNT.fetch_add(1, Ordering::Relaxed))
}
