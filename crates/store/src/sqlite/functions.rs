//! Our own functions in SQL: what only we can compute the same on every database.

use carnet_kernel::{search, text};
use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

const PURE: FunctionFlags = FunctionFlags::SQLITE_UTF8.union(FunctionFlags::SQLITE_DETERMINISTIC);

/// For the connection that changes the file: derived columns in schema changes, and the entries of
/// search indexes in the triggers that keep them.
pub(super) fn for_writes(raw: &Connection) -> rusqlite::Result<()> {
    let direct = PURE | FunctionFlags::SQLITE_DIRECTONLY;
    raw.create_scalar_function("carnet_fold", 1, direct, |context| {
        let value: Option<String> = context.get(0)?;
        Ok(value.map(|value| text::fold(&value)))
    })?;
    raw.create_scalar_function("carnet_words", 1, direct, |context| {
        let value: Option<String> = context.get(0)?;
        Ok(value.map(|value| search::document(&value)))
    })?;
    let innocuous = PURE | FunctionFlags::SQLITE_INNOCUOUS;
    raw.create_scalar_function("carnet_search", 2, innocuous, |context| {
        let tenant: i64 = context.get(0)?;
        let document: Option<String> = context.get(1)?;
        Ok(document.map(|document| entry(tenant, &document)))
    })
}

/// For connections that read: the likeness of words.
pub(super) fn for_reads(raw: &Connection) -> rusqlite::Result<()> {
    let direct = PURE | FunctionFlags::SQLITE_DIRECTONLY;
    raw.create_scalar_function("carnet_similarity", -1, direct, |context| {
        let word: String = context.get(0)?;
        let trigrams = search::trigrams(&word);
        let mut most = 0;
        for place in 1..context.len() {
            if let Some(document) = context.get::<Option<String>>(place)? {
                most = most.max(search::similarity(&trigrams, &document));
            }
        }
        Ok(most)
    })
}

/// What the index holds for a column of words: `1_solar 1_panel 1-__s …`.
fn entry(tenant: i64, document: &str) -> String {
    let mut out = String::with_capacity(document.len() * 8);
    let mut put = |mark: char, what: &str| {
        out.push_str(&tenant.to_string());
        out.push(mark);
        out.push_str(what);
        out.push(' ');
    };
    for word in document.split(' ').filter(|word| !word.is_empty()) {
        put('_', word);
    }
    let end = document.char_indices().nth(search::MAX_SIMILAR);
    let compared = document.get(..end.map_or(document.len(), |(end, _)| end));
    let mut seen = std::collections::HashSet::new();
    for word in compared.unwrap_or_default().split(' ') {
        if !word.is_empty() && seen.insert(word) {
            for trigram in search::trigrams(word) {
                put('-', &trigram);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_hold_words_and_their_parts() {
        assert_eq!(
            entry(7, " ab c ab "),
            "7_ab 7_c 7_ab 7-__a 7-_ab 7-ab_ 7-__c 7-_c_ "
        );
        assert_eq!(entry(7, " "), "");
    }
}
