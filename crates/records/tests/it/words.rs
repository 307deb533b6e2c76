//! Queries as pairs and refusals as text, for tests. Uses nothing of this crate, so that its own
//! tests include it as well.

use carnet_kernel::Refusal;

/// The pairs of a query as they come out of its decoding.
pub(crate) fn pairs(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// Code, then each detail as `place: rule: message`.
pub(crate) fn told(refusal: &Refusal) -> String {
    let details = refusal
        .details
        .iter()
        .map(|detail| format!("\n{}: {}: {}", detail.field, detail.rule, detail.message));
    format!("{}{}", refusal.code, details.collect::<String>())
}
