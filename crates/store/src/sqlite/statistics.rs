//! Fixed statistics for the planner. Without any, SQLite takes a tenant for ten rows and walks all
//! of them where a list of ids would do (91 ms against 0.09 ms at 50,000 rows); measured ones would
//! change plans with the data, and `ANALYZE` takes time. These say of every index the same at any
//! size: a tenant has many rows, each further column fewer, a unique key one.

use super::session::Session;

/// Rows of a table, of a tenant, and of each further column of an index.
const ROWS: u64 = 1_000_000;
const STEPS: [u64; 4] = [100_000, 200, 20, 3];

/// Writes them for every index there is, within the present transaction. Other connections read
/// them together with the schema that the same transaction changed.
pub(super) fn refresh(session: &Session) -> rusqlite::Result<()> {
    // The table is made by this alone.
    session.run("analyze sqlite_schema", |_| Ok(()))?;
    session.run("delete from sqlite_stat1", |_| Ok(()))?;
    let mut found: Vec<(String, String, bool, Vec<String>)> = Vec::new();
    session.query(
        "select t.name, i.name, i.\"unique\", c.name
         from sqlite_schema t
         join pragma_index_list(t.name) i
         join pragma_index_info(i.name) c
         where t.type = 'table' and t.name not like 'sqlite\\_%' escape '\\'
         order by t.name, i.name, c.seqno",
        |_| Ok(()),
        |row| {
            let (table, index): (String, String) = (row.get(0)?, row.get(1)?);
            let column: Option<String> = row.get(3)?;
            let column = column.unwrap_or_default();
            match found.last_mut().filter(|last| last.1 == index) {
                Some(last) => last.3.push(column),
                None => found.push((table, index, row.get(2)?, vec![column])),
            }
            Ok::<(), rusqlite::Error>(())
        },
    )?;
    for (table, index, unique, columns) in found {
        let text = statistics(unique, &columns);
        session.run(
            "insert into sqlite_stat1 (tbl, idx, stat) values ($1, $2, $3)",
            |statement| {
                statement.raw_bind_parameter(1, &table)?;
                statement.raw_bind_parameter(2, &index)?;
                statement.raw_bind_parameter(3, &text)
            },
        )?;
    }
    session.run("analyze sqlite_schema", |_| Ok(()))?;
    Ok(())
}

/// The line of one index: all rows, then rows with equal first, first two … columns.
fn statistics(unique: bool, columns: &[String]) -> String {
    let mut text = ROWS.to_string();
    let tenant = columns.first().is_some_and(|name| name == "tenant");
    for (position, name) in columns.iter().enumerate() {
        let last = position + 1 == columns.len();
        let rows = if last && (unique || name == "id") {
            1
        } else {
            let step = position + usize::from(!tenant);
            STEPS.get(step).copied().unwrap_or(2)
        };
        text.push(' ');
        text.push_str(&rows.to_string());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(unique: bool, columns: &[&str], expected: &str) {
        let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(statistics(unique, &columns), expected);
    }

    #[test]
    fn each_column_leaves_fewer_rows() {
        check(true, &["tenant", "id"], "1000000 100000 1");
        check(
            false,
            &["tenant", "kind", "created_at", "id"],
            "1000000 100000 200 20 1",
        );
        check(true, &["tenant", "a", "b"], "1000000 100000 200 1");
        check(true, &["code"], "1000000 1");
        check(false, &["name"], "1000000 200");
    }
}
