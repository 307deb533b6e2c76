//! Names in the database and for people, made from names of the definition.

use sha2::{Digest, Sha256};

/// The longest identifier PostgreSQL keeps whole.
pub(super) const MAX_IDENTIFIER: usize = 63;

/// The snake_case form of a camelCase name. A word begins at an upper-case letter after a
/// lower-case one or a digit, and at the last upper-case letter of a run before a lower-case one:
/// `productURL` is `product_url`, `xmlHTTPRequest` is `xml_http_request`, `aBCd` is `a_b_cd`.
pub fn snake_case(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::with_capacity(name.len() + 8);
    for (at, letter) in letters.iter().enumerate() {
        if letter.is_ascii_uppercase() && at > 0 {
            let after_run = letters[at - 1].is_ascii_uppercase();
            let before_lower = letters.get(at + 1).is_some_and(char::is_ascii_lowercase);
            if !after_run || before_lower {
                snake.push('_');
            }
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// `name`, or its first part with eight hexadecimal digits of its SHA-256 where it is too long.
pub(super) fn fit(name: String) -> String {
    fit_within(name, MAX_IDENTIFIER)
}

/// As [`fit`], leaving room for a suffix.
pub(super) fn fit_within(name: String, most: usize) -> String {
    if name.len() <= most {
        return name;
    }
    let digest = digest(&name);
    let keep = most - digest.len() - 1;
    let first: String = name.chars().take(keep).collect();
    format!("{first}_{digest}")
}

/// Eight hexadecimal digits of the SHA-256 of `text`.
pub(super) fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes())
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A camelCase name as words: `publishAll` is `Publish all`.
pub(super) fn sentence(name: &str) -> String {
    capital(&snake_case(name).replace('_', " "))
}

/// A title for people from a plural camelCase name: `productDataSources` is
/// `Product data source`.
pub(super) fn title(name: &str) -> String {
    let words = snake_case(name).replace('_', " ");
    let singular = match words.as_str() {
        word if word.ends_with("ies") && word.len() > 4 => {
            format!("{}y", word.strip_suffix("ies").unwrap_or(word))
        }
        word if ["sses", "shes", "ches", "xes", "zes"]
            .iter()
            .any(|ending| word.ends_with(ending)) =>
        {
            word.strip_suffix("es").unwrap_or(word).to_owned()
        }
        word if word.len() > 2
            && word.ends_with('s')
            && !word.ends_with("ss")
            && !word.ends_with("us") =>
        {
            word.strip_suffix('s').unwrap_or(word).to_owned()
        }
        word => word.to_owned(),
    };
    capital(&singular)
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_ascii_uppercase().to_string() + letters.as_str(),
        None => words.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn snake(name: &str, expected: &str) {
        assert_eq!(snake_case(name), expected);
    }

    #[test]
    fn snake_case_names() {
        snake("name", "name");
        snake("createdAt", "created_at");
        snake("productDataSources", "product_data_sources");
        snake("aBCd", "a_b_cd");
        snake("productURL", "product_url");
        snake("xmlHTTPRequest", "xml_http_request");
        snake("gtin14Code", "gtin14_code");
        snake("a1B2", "a1_b2");
        snake("aB", "a_b");
        snake("dPPs", "d_p_ps");
    }

    #[test]
    fn titles() {
        for (name, expected) in [
            ("products", "Product"),
            ("categories", "Category"),
            ("batches", "Batch"),
            ("productData", "Product data"),
            ("productDataSources", "Product data source"),
            ("addresses", "Address"),
            ("boxes", "Box"),
            ("status", "Status"),
            ("settings", "Setting"),
        ] {
            assert_eq!(title(name), expected);
        }
    }

    #[test]
    fn long_names_are_hashed() {
        let long = "a".repeat(64);
        let fitted = fit(long.clone());
        assert_eq!(fitted.len(), MAX_IDENTIFIER);
        assert_eq!(fitted, format!("{}_{}", "a".repeat(54), digest(&long)));
        assert_ne!(fitted, fit("a".repeat(65)));
        assert_eq!(fit("a".repeat(63)), "a".repeat(63));
    }
}
