//! Names in the database: how they are quoted, made and kept within 63 bytes. Unique constraints
//! and indexes that a definition declares get theirs from the model.

use sha2::{Digest, Sha256};

/// The longest identifier PostgreSQL keeps whole, in bytes.
const LONGEST: usize = 63;

/// An identifier between double quotes.
pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text literal, for the few places where SQL takes no parameter.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The primary key of a table (on SQLite its unique index): `products__id`.
pub(crate) fn key_name(table: &str) -> String {
    fit(format!("{table}__id"))
}

/// The foreign key of a reference: `products__category_id`.
pub(crate) fn foreign_key_name(table: &str, column: &str) -> String {
    fit(format!("{table}__{column}"))
}

/// The check on a column: `products__status__check`.
pub(crate) fn check_name(table: &str, column: &str) -> String {
    fit(format!("{table}__{column}__check"))
}

/// The index that serves a reference: `products__category_id__index`.
pub(crate) fn reference_index_name(table: &str, column: &str) -> String {
    fit(format!("{table}__{column}__index"))
}

/// The role under which requests run: `carnet_<database>_app`.
pub(crate) fn application_role(database: &str) -> String {
    let whole = format!("carnet_{database}_app");
    if whole.len() <= LONGEST {
        return whole;
    }
    let kept = cut(database, LONGEST - "carnet__app".len() - 9);
    format!("carnet_{kept}_{}_app", digest(database))
}

/// The name itself, or its start and a digest of the whole.
pub(crate) fn fit(name: String) -> String {
    if name.len() <= LONGEST {
        return name;
    }
    format!("{}_{}", cut(&name, LONGEST - 9), digest(&name))
}

/// The longest start of `text` that has at most `bytes` bytes.
fn cut(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Eight hexadecimal digits that stand for the whole text.
fn digest(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    hash.iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_keep_their_start_and_stay_apart() {
        let one = foreign_key_name(&"a".repeat(48), &format!("{}_id", "b".repeat(48)));
        let two = foreign_key_name(&"a".repeat(48), &format!("{}_no", "b".repeat(48)));
        assert_eq!((one.len(), two.len()), (63, 63));
        assert_ne!(one, two);
        assert_eq!(key_name("products"), "products__id");
    }

    #[test]
    fn a_role_fits_any_database() {
        assert_eq!(application_role("shop"), "carnet_shop_app");
        for database in ["é".repeat(31), "x".repeat(63), "a\"b c".to_owned()] {
            let role = application_role(&database);
            assert!(role.len() <= 63, "{role}");
            assert!(role.starts_with("carnet_") && role.ends_with("_app"));
        }
        assert_eq!(
            quote(&application_role("a\"b c")),
            "\"carnet_a\"\"b c_app\""
        );
    }
}
