//! Our own functions in SQL: what only we can compute the same on every database.

use crate::schema::rules::parse_analysis;
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
    raw.create_scalar_function("carnet_words", 2, direct, |context| {
        let value: Option<String> = context.get(0)?;
        let analysis = parse_analysis(&context.get::<String>(1)?)
            .ok_or_else(|| rusqlite::Error::UserFunctionError("no such way of words".into()))?;
        Ok(value.map(|value| analysis.document(&value)))
    })?;
    let innocuous = PURE | FunctionFlags::SQLITE_INNOCUOUS;
    // `carnet_search` made what likeness needs for every search in an earlier release.
    for (name, parts) in [
        ("carnet_words_of", false),
        ("carnet_words_and_parts", true),
        ("carnet_search", true),
    ] {
        raw.create_scalar_function(name, 2, innocuous, move |context| {
            let tenant: i64 = context.get(0)?;
            let document: Option<String> = context.get(1)?;
            Ok(document.map(|document| entry(tenant, &document, parts)))
        })?;
    }
    Ok(())
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
fn entry(tenant: i64, document: &str, parts: bool) -> String {
    let mut out = String::with_capacity(document.len() * if parts { 8 } else { 2 });
    let mut put = |mark: char, what: &str| {
        out.push_str(&tenant.to_string());
        out.push(mark);
        out.push_str(what);
        out.push(' ');
    };
    for word in document.split(' ').filter(|word| !word.is_empty()) {
        put('_', word);
    }
    if !parts {
        return out;
    }
    let end = document.char_indices().nth(search::MAX_SIMILAR);
    let compared = document.get(..end.map_or(document.len(), |(end, _)| end));
    let mut seen = std::collections::HashSet::new();
    for word in compared.unwrap_or_default().split(' ') {
        if !word.is_empty() && !search::is_stem(word) && seen.insert(word) {
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

    /// The index knows rows by their rowid, which a table without a key of its own may change;
    /// SQLite keeps those of a table with an index.
    #[test]
    fn rows_keep_their_number_when_the_file_is_made_anew() {
        let raw = Connection::open_in_memory().unwrap();
        for_writes(&raw).unwrap();
        raw.execute_batch(
            "create table t (tenant integer not null, id integer not null, a text) strict;
             create unique index t__id on t (tenant, id);
             create virtual table t__search using fts5(a, content='', contentless_delete=1,
                 tokenize=\"ascii tokenchars '_-'\");
             create trigger t__search__insert after insert on t begin
                 insert into t__search (rowid, a) values (new.rowid, carnet_words_of(new.tenant, new.a));
             end;
             create trigger t__search__delete after delete on t begin
                 delete from t__search where rowid = old.rowid;
             end;
             with recursive n(i) as (select 1 union all select i + 1 from n where i < 100)
             insert into t select 7, 1000 - i, ' word' || i || ' ' from n;
             delete from t where id % 3 = 0;
             vacuum;",
        )
        .unwrap();
        let word: String = raw
            .query_row(
                "select a from t where rowid in \
                 (select rowid from t__search where t__search match '\"7_word98\"')",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(word, " word98 ");
    }

    #[test]
    fn entries_hold_words_and_their_parts() {
        assert_eq!(
            entry(7, " ab c ab ", true),
            "7_ab 7_c 7_ab 7-__a 7-_ab 7-ab_ 7-__c 7-_c_ "
        );
        assert_eq!(
            entry(7, " abs _ab ", true),
            "7_abs 7__ab 7-__a 7-_ab 7-abs 7-bs_ "
        );
        assert_eq!(entry(7, " ab c _x ", false), "7_ab 7_c 7__x ");
        assert_eq!(entry(7, " ", true), "");
    }
}
