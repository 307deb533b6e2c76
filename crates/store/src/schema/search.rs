//! The search index of a table as SQL: on SQLite an FTS5 table that triggers keep, on PostgreSQL a
//! GIN index over a function of the columns of words. Each entry starts with its row's tenant, so
//! that no lookup meets another tenant's words.

use super::ddl::quoted;
use super::facts::IndexFacts;
use super::layout::{Index, IndexKind, Table};
use super::names::{literal, quote};
use crate::Dialect;

/// What marks it among the facts of SQLite.
pub(super) const USING: &str = " using search";

/// What marks it among the facts of PostgreSQL, before our own text.
const GIN: &str = " using gin ";

/// The endings of its triggers' names.
const TRIGGERS: [&str; 3] = ["insert", "update", "delete"];

/// What follows where likeness is searched too.
pub(super) const FUZZY: &str = " fuzzy";

/// How it looks in the database.
pub(super) fn facts(dialect: Dialect, index: &Index) -> IndexFacts {
    let names = index.columns.iter().map(|(name, _)| (name.clone(), ""));
    match dialect {
        Dialect::Sqlite => IndexFacts {
            kind: "",
            columns: names.collect(),
            extra: match is_fuzzy(index) {
                true => format!("{USING}{FUZZY}"),
                false => USING.to_owned(),
            },
        },
        Dialect::Postgres => IndexFacts {
            kind: "",
            columns: vec![("(expression)".to_owned(), "")],
            extra: format!("{GIN}{}", comment(index)),
        },
    }
}

fn is_fuzzy(index: &Index) -> bool {
    index.kind == IndexKind::Search { fuzzy: true }
}

/// Our own text of it, which PostgreSQL keeps beside its own.
fn comment(index: &Index) -> String {
    let how = if is_fuzzy(index) { "fuzzy" } else { "words" };
    format!("search {how} ({})", members(index).join(", "))
}

/// The columns that an expression of ours on PostgreSQL is made of.
pub(super) fn members_of(extra: &str) -> Vec<String> {
    let members = extra
        .strip_prefix(GIN)
        .and_then(|comment| comment.strip_prefix("search "))
        .and_then(|comment| comment.split_once('('))
        .and_then(|(_, members)| members.strip_suffix(')'));
    let members = members.into_iter().flat_map(|members| members.split(", "));
    members.map(str::to_owned).collect()
}

fn members(index: &Index) -> Vec<&str> {
    let names = index.columns.iter();
    names.map(|(name, _)| name.as_str()).collect()
}

/// The statements that make and fill it.
pub(super) fn create(dialect: Dialect, table: &Table, index: &Index) -> Vec<String> {
    match dialect {
        Dialect::Sqlite => create_sqlite(table, index),
        Dialect::Postgres => create_postgres(table, index),
    }
}

fn create_postgres(table: &Table, index: &Index) -> Vec<String> {
    let tenant = match table.tenant {
        true => "\"tenant\"",
        false => "0::bigint",
    };
    let entries = match is_fuzzy(index) {
        true => "carnet_words_and_parts",
        false => "carnet_words",
    };
    vec![
        format!(
            "create index {} on {} using gin ({entries}({tenant}, array[{}]))",
            quote(&index.name),
            quote(&table.name),
            quoted(&members(index))
        ),
        format!(
            "comment on index {} is {}",
            quote(&index.name),
            literal(&comment(index))
        ),
    ]
}

fn create_sqlite(table: &Table, index: &Index) -> Vec<String> {
    let names = members(index);
    let (own, of, columns) = (quote(&index.name), quote(&table.name), quoted(&names));
    let entries = |row: &str| {
        let tenant = match table.tenant {
            true => format!("{row}\"tenant\""),
            false => "0".to_owned(),
        };
        let make = match is_fuzzy(index) {
            true => "carnet_words_and_parts",
            false => "carnet_words_of",
        };
        let entry = |name: &&str| format!("{make}({tenant}, {row}{})", quote(name));
        let entries: Vec<String> = names.iter().map(entry).collect();
        format!("{row}rowid, {}", entries.join(", "))
    };
    let trigger = |ending: &str| quote(&trigger_name(&index.name, ending));
    let put = format!(
        "insert into {own} (rowid, {columns}) values ({})",
        entries("new.")
    );
    let take = format!("delete from {own} where rowid = old.rowid");
    let [inserted, updated, deleted] = TRIGGERS.map(trigger);
    vec![
        format!(
            "create virtual table {own} using fts5({columns}, content='', contentless_delete=1, \
             tokenize=\"ascii tokenchars '_-'\")"
        ),
        format!(
            "insert into {own} (rowid, {columns}) select {} from {of}",
            entries("")
        ),
        format!("create trigger {inserted} after insert on {of} begin {put}; end"),
        format!(
            "create trigger {updated} after update of {columns} on {of} begin {take}; {put}; end"
        ),
        format!("create trigger {deleted} after delete on {of} begin {take}; end"),
    ]
}

/// The statements that take away an index of that name.
pub(super) fn drop(dialect: Dialect, name: &str, facts: Option<&IndexFacts>) -> Vec<String> {
    let searches = facts.is_some_and(|facts| facts.extra.starts_with(USING));
    if dialect == Dialect::Sqlite && searches {
        return drop_sqlite(name);
    }
    vec![format!("drop index {}", quote(name))]
}

/// The same on SQLite, whatever of it is left.
pub(super) fn drop_sqlite(name: &str) -> Vec<String> {
    let triggers = TRIGGERS.map(|ending| {
        let trigger = quote(&trigger_name(name, ending));
        format!("drop trigger if exists {trigger}")
    });
    let table = format!("drop table if exists {}", quote(name));
    triggers.into_iter().chain([table]).collect()
}

fn trigger_name(index: &str, ending: &str) -> String {
    format!("{index}__{ending}")
}
