//! Metrics of an application, under its own prefix. Those of the platform stand in tables.

use metrics::Label;
use std::sync::Arc;

/// The metrics of one application. Cheap to clone.
///
/// Names are given without the prefix: in the application `my-shop`, `orders_placed` is
/// `my_shop_orders_placed_total`. Whatever cannot stand in a name becomes `_`. Values of labels are
/// remembered for ever, so they are words of a small set, never ids.
#[derive(Clone, Debug)]
pub struct Custom {
    prefix: Arc<str>,
}

impl Custom {
    /// The metrics of the application of that name. The prefix `carnet` is the platform's own; the
    /// generic binary takes `app`.
    pub fn new(application: &str) -> Self {
        let prefix = match word(application) {
            name if name.is_empty() || name == "carnet" || name.starts_with("carnet_") => {
                "app".to_owned()
            }
            name => name,
        };
        Self {
            prefix: prefix.into(),
        }
    }

    /// Counts up: `count("orders_placed", 1, &[("kind", "gift")])`.
    pub fn count(&self, name: &str, by: u64, with: &[(&'static str, &str)]) {
        let mut name = self.named(name);
        if !name.ends_with("_total") {
            name.push_str("_total");
        }
        metrics::counter!(name, labels(with)).increment(by);
    }

    /// Adds one value to a histogram. A name that ends in `_seconds` or `_bytes` gets the buckets
    /// of durations or sizes, another one those of numbers of things.
    pub fn observe(&self, name: &str, value: f64, with: &[(&'static str, &str)]) {
        metrics::histogram!(self.named(name), labels(with)).record(value);
    }

    /// Says how much there is of something at the moment.
    pub fn set(&self, name: &str, value: f64, with: &[(&'static str, &str)]) {
        metrics::gauge!(self.named(name), labels(with)).set(value);
    }

    fn named(&self, name: &str) -> String {
        format!("{}_{}", self.prefix, word(name))
    }
}

fn labels(with: &[(&'static str, &str)]) -> Vec<Label> {
    with.iter()
        .map(|(name, value)| Label::new(*name, (*value).to_owned()))
        .collect()
}

/// Lower-case letters, digits and `_`, beginning with a letter.
fn word(text: &str) -> String {
    let letters = text
        .chars()
        .map(|letter| match letter.to_ascii_lowercase() {
            letter @ ('a'..='z' | '0'..='9') => letter,
            _ => '_',
        });
    let word: String = letters.collect();
    match word.starts_with(|first: char| first.is_ascii_digit()) {
        true => format!("_{word}"),
        false => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_the_prefix_of_the_application() {
        let shop = Custom::new("my-shop");
        assert_eq!(shop.named("Orders placed"), "my_shop_orders_placed");
        assert_eq!(Custom::new("carnet").named("a"), "app_a");
        assert_eq!(Custom::new("").named("a"), "app_a");
        assert_eq!(Custom::new("2nd").named("a"), "_2nd_a");
    }
}
