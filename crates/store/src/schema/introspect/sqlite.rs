//! The catalogue of SQLite, and the checks from the text of its tables, which it keeps as written.

use super::rows;
use crate::schema::facts::{
    CheckFacts, ColumnFacts, Found, IndexFacts, ReferenceFacts, TableFacts,
};
use crate::schema::names::{check_name, foreign_key_name, quote};
use crate::schema::search::{FUZZY, USING};
use crate::{Error, Store};

const COLUMNS: &str = "select m.name, x.name, lower(x.type), x.\"notnull\", x.dflt_value, x.hidden \
    from pragma_table_list as m, pragma_table_xinfo(m.name) as x \
    where m.schema = 'main' and m.type = 'table' and m.name not glob 'sqlite_*'";

const TEXTS: &str = "select m.name, s.sql \
    from pragma_table_list as m join sqlite_schema as s on s.type = 'table' and s.name = m.name \
    where m.schema = 'main' and m.type = 'table' and m.name not glob 'sqlite_*'";

/// Search indexes: an FTS5 table with the three triggers that keep it.
const SEARCHES: &str = "select t.tbl_name, m.name, x.name, \
    (select count(*) from sqlite_schema as o where o.type = 'trigger' and o.tbl_name = t.tbl_name \
     and o.name in (m.name || '__insert', m.name || '__update', m.name || '__delete')), \
    instr(t.sql, 'carnet_words_of('), instr(t.sql, 'carnet_words_and_parts(') \
    from pragma_table_list as m \
    join sqlite_schema as t on t.type = 'trigger' and t.name = m.name || '__insert', \
    pragma_table_xinfo(m.name) as x \
    where m.schema = 'main' and m.type = 'virtual' and x.hidden = 0 order by m.name, x.cid";

const REFERENCES: &str = "select m.name, k.id, k.\"from\", k.\"table\", k.\"to\", \
    case when k.on_delete in ('NO ACTION', 'RESTRICT') then '' else ' on delete ' || lower(k.on_delete) end \
    || case when k.on_update in ('NO ACTION', 'RESTRICT') then '' else ' on update ' || lower(k.on_update) end \
    from pragma_table_list as m, pragma_foreign_key_list(m.name) as k \
    where m.schema = 'main' and m.type = 'table' and m.name not glob 'sqlite_*' \
    order by m.name, k.id, k.seq";

const INDEXES: &str = "select m.name, l.name, l.\"unique\", l.partial, x.name, x.\"desc\", \
    (select s.sql from sqlite_schema as s where s.type = 'index' and s.name = l.name) \
    from pragma_table_list as m, pragma_index_list(m.name) as l, pragma_index_xinfo(l.name) as x \
    where m.schema = 'main' and m.type = 'table' and m.name not glob 'sqlite_*' and l.origin = 'c' and x.key = 1 \
    order by m.name, l.name, x.seqno";

pub(super) async fn introspect(store: &Store) -> Result<Found, Error> {
    let mut found = Found::new();
    for row in rows(store, COLUMNS, &[]).await? {
        let mut extra = String::new();
        if row.number(5)? != 0 {
            extra.push_str(" generated");
        }
        let default = row.text(4)?;
        if !default.is_empty() {
            extra.push_str(" default ");
            extra.push_str(&default);
        }
        let facts = ColumnFacts {
            sql_type: row.text(2)?,
            nullable: row.number(3)? == 0,
            extra,
        };
        let table = found.entry(row.text(0)?).or_default();
        table.columns.insert(row.text(1)?, facts);
    }
    for row in rows(store, TEXTS, &[]).await? {
        let name = row.text(0)?;
        let checks = checks(&name, &row.text(1)?);
        found.entry(name).or_default().checks.extend(checks);
    }
    references(store, &mut found).await?;
    for row in rows(store, INDEXES, &[]).await? {
        let table = found.entry(row.text(0)?).or_default();
        let index = table.indexes.entry(row.text(1)?).or_insert(IndexFacts {
            kind: if row.number(2)? == 0 { "" } else { "unique" },
            columns: Vec::new(),
            extra: String::new(),
        });
        if row.number(3)? != 0 && index.extra.is_empty() {
            index.extra.push_str(&condition(&row.text(6)?));
        }
        let column = row.text(4)?;
        let order = if row.number(5)? == 0 { "" } else { " desc" };
        let column = if column.is_empty() {
            "(expression)".to_owned()
        } else {
            column
        };
        index.columns.push((column, order));
    }
    for row in rows(store, SEARCHES, &[]).await? {
        let table = found.entry(row.text(0)?).or_default();
        let index = table.indexes.entry(row.text(1)?).or_insert(IndexFacts {
            kind: "",
            columns: Vec::new(),
            extra: match (row.number(3)?, row.number(4)? > 0, row.number(5)? > 0) {
                (3, true, false) => USING.to_owned(),
                (3, false, true) => format!("{USING}{FUZZY}"),
                (3, ..) => format!("{USING} of another release"),
                _ => format!("{USING} without triggers"),
            },
        });
        index.columns.push((row.text(2)?, ""));
    }
    Ok(found)
}

/// ` where …` of a partial index, from the text that made it.
fn condition(sql: &str) -> String {
    let mut depth = 0_usize;
    for (place, character) in outside_quotes(sql) {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            _ => {
                let rest = sql.get(place..).unwrap_or_default();
                let word = rest.get(..7).unwrap_or_default();
                if word.eq_ignore_ascii_case(" where ") {
                    return format!(" where {}", rest.get(7..).unwrap_or_default().trim());
                }
            }
        }
    }
    " where".to_owned()
}

/// SQLite does not tell the names of foreign keys; each gets the one its columns give it.
async fn references(store: &Store, found: &mut Found) -> Result<(), Error> {
    let mut last: Option<(String, i64)> = None;
    let mut facts: Option<ReferenceFacts> = None;
    let keep = |found: &mut Found, table: &str, facts: Option<ReferenceFacts>| {
        if let Some(facts) = facts {
            let column = facts.columns.last().cloned().unwrap_or_default();
            let table: &mut TableFacts = found.entry(table.to_owned()).or_default();
            table.references.insert(column, facts);
        }
    };
    for row in rows(store, REFERENCES, &[]).await? {
        let key = (row.text(0)?, row.number(1)?);
        if last.as_ref() != Some(&key) {
            if let Some((table, _)) = &last {
                keep(found, table, facts.take());
            }
            last = Some(key);
        }
        let facts = facts.get_or_insert(ReferenceFacts {
            columns: Vec::new(),
            target: row.text(3)?,
            target_columns: Vec::new(),
            extra: row.text(5)?,
        });
        facts.columns.push(row.text(2)?);
        facts.target_columns.push(row.text(4)?);
    }
    if let Some((table, _)) = &last {
        keep(found, table, facts.take());
    }
    for (table, facts) in found.iter_mut() {
        facts.references = std::mem::take(&mut facts.references)
            .into_iter()
            .map(|(column, facts)| (foreign_key_name(table, &column), facts))
            .collect();
    }
    Ok(())
}

/// The checks of columns, from the text of `create table`.
fn checks(table: &str, sql: &str) -> Vec<(String, CheckFacts)> {
    let mut checks = Vec::new();
    for item in items(sql) {
        let Some(column) = leading_name(item) else {
            continue;
        };
        if let Some(text) = check_of(item) {
            let own = quote(&column);
            let text = match text.strip_prefix(own.as_str()) {
                Some(rest) => format!("value{rest}"),
                None => text.to_owned(),
            };
            let name = check_name(table, &column);
            checks.push((name, CheckFacts { column, text }));
        }
    }
    checks
}

/// Walks over text outside quotes.
fn outside_quotes(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut inside: Option<char> = None;
    text.char_indices().filter(move |(_, character)| {
        match inside {
            Some(quote) if *character == quote => inside = None,
            Some(_) => {}
            None if matches!(character, '"' | '\'' | '`') => inside = Some(*character),
            None => return true,
        }
        false
    })
}

/// What stands between the outermost parentheses, split at its commas.
fn items(sql: &str) -> Vec<&str> {
    let mut items = Vec::new();
    let mut depth = 0_usize;
    let mut begin = 0;
    for (place, character) in outside_quotes(sql) {
        match character {
            '(' => {
                depth += 1;
                if depth == 1 {
                    begin = place + 1;
                }
            }
            ')' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    items.extend(sql.get(begin..place));
                    break;
                }
            }
            ',' if depth == 1 => {
                items.extend(sql.get(begin..place));
                begin = place + 1;
            }
            _ => {}
        }
    }
    items.into_iter().map(str::trim).collect()
}

/// The quoted name that an item begins with.
fn leading_name(item: &str) -> Option<String> {
    let rest = item.strip_prefix('"')?;
    rest.split_once('"').map(|(name, _)| name.to_owned())
}

/// What stands in the parentheses of `check (…)`.
fn check_of(item: &str) -> Option<&str> {
    let mut begin = None;
    let mut depth = 0_usize;
    for (place, character) in outside_quotes(item) {
        match (begin, character) {
            (None, '(') => {
                let before = item.get(..place)?.trim_end();
                let word = before.rsplit(char::is_whitespace).next()?;
                if word.eq_ignore_ascii_case("check") {
                    begin = Some(place + 1);
                    depth = 1;
                }
            }
            (Some(_), '(') => depth += 1,
            (Some(begin), ')') => {
                depth -= 1;
                if depth == 0 {
                    return item.get(begin..place);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_read_from_the_text() {
        let sql = "CREATE TABLE \"t\" (\n \"a\" text not null constraint \"t__a__check\" check \
                   (\"a\" in ('x,)', 'it''s')),\n \"b\" integer check (\"b\" in (0, 1)), \"c\" text,\n \
                   constraint \"k\" foreign key (\"a\") references \"u\" (\"id\")\n) strict";
        let found: Vec<(String, String)> = checks("t", sql)
            .into_iter()
            .map(|(name, check)| (name, check.text))
            .collect();
        assert_eq!(
            found,
            [
                ("t__a__check", "value in ('x,)', 'it''s')"),
                ("t__b__check", "value in (0, 1)"),
            ]
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
        );
        assert_eq!(checks("t", "create table t (").len(), 0);
    }
}
