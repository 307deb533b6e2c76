//! What only this crate may do with a database: the owner's scripts, and the settings of its
//! connections.

use super::Sqlite;
use crate::schema::bootstrap;
use crate::{Config, Dialect, Error, Param};
use carnet_kernel::Value;
use std::path::Path;

async fn open(folder: &Path) -> Sqlite {
    let path = folder.join("t.sqlite");
    let engine = Sqlite::open(path.to_str().unwrap(), &Config::default())
        .await
        .unwrap();
    let steps = bootstrap(Dialect::Sqlite, "", "");
    engine.owner_script(&steps).await.unwrap();
    engine
}

fn script(statements: &[&str]) -> Vec<(String, Vec<Param>)> {
    statements
        .iter()
        .map(|sql| ((*sql).to_owned(), Vec::new()))
        .collect()
}

async fn number(engine: &Sqlite, sql: &str) -> Option<i64> {
    let rows = engine.owner_rows(sql, &[]).await.unwrap();
    rows.first()?.first()?.as_integer()
}

const FAMILY: [&str; 4] = [
    "create table parents (id integer primary key, name text)",
    "create table children (id integer primary key, parent integer references parents (id))",
    "insert into parents values (1, 'a'), (2, 'b')",
    "insert into children values (1, 2)",
];

#[tokio::test]
async fn a_script_rebuilds_a_table_that_is_referred_to() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    engine.owner_script(&script(&FAMILY)).await.unwrap();
    let rebuild = [
        "create table parents_new (id integer primary key, title text)",
        "insert into parents_new select id, name from parents",
        "drop table parents",
        "alter table parents_new rename to parents",
    ];
    engine.owner_script(&script(&rebuild)).await.unwrap();
    assert_eq!(
        number(&engine, "select count(title) from parents").await,
        Some(2)
    );
    // Foreign keys are on again.
    let dangling = [("insert into children values (2, 9)", &[][..])];
    assert!(engine.platform_execute(&dangling).await.is_err());
    engine.close().await;
}

#[tokio::test]
async fn a_script_that_breaks_a_reference_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    engine.owner_script(&script(&FAMILY)).await.unwrap();
    let orphan = engine
        .owner_script(&script(&["delete from parents where id = 2"]))
        .await;
    assert!(
        matches!(&orphan, Err(Error::Migration(message)) if message.contains("children")),
        "{orphan:?}"
    );
    let half = [
        "create table more (id integer)",
        "create table more (id integer)",
    ];
    let half = engine.owner_script(&script(&half)).await;
    assert!(
        matches!(&half, Err(Error::Migration(message)) if message.contains("already exists")),
        "{half:?}"
    );
    assert_eq!(
        number(&engine, "select count(*) from parents").await,
        Some(2)
    );
    let tables = "select count(*) from sqlite_schema where name = 'more'";
    assert_eq!(number(&engine, tables).await, Some(0));
    let bound = vec![(
        "insert into {records}parents values ($2, $1)".to_owned(),
        vec![Param::Text("c".to_owned()), Param::Value(Value::Integer(3))],
    )];
    engine.owner_script(&bound).await.unwrap();
    let name = "select name from {home}parents where id = $1";
    let rows = engine.owner_rows(name, &[Param::Integer(3)]).await.unwrap();
    assert_eq!(rows, [[Value::Text("c".to_owned())]]);
    engine.close().await;
}

#[tokio::test]
async fn the_file_is_opened_as_it_should_be() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    let of_file = engine.owner_rows("pragma journal_mode", &[]).await.unwrap();
    assert_eq!(of_file, [[Value::Text("wal".to_owned())]]);
    for (setting, expected) in [
        ("pragma page_size", 4_096),
        ("pragma query_only", 1),
        ("pragma foreign_keys", 1),
        ("pragma trusted_schema", 0),
        ("pragma cell_size_check", 1),
    ] {
        assert_eq!(number(&engine, setting).await, Some(expected), "{setting}");
    }
    assert!(engine.describe().ends_with("t.sqlite"));
    engine.close().await;
}

#[tokio::test]
async fn the_log_does_not_grow_without_end() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    engine
        .owner_script(&script(&[
            "create table filler (id integer primary key, body text)",
        ]))
        .await
        .unwrap();
    let body = [Param::Text("x".repeat(256 << 10))];
    // 100 MB in all, three times the cap.
    for _ in 0..400 {
        let insert = [("insert into filler (body) values ($1)", &body[..])];
        engine.platform_execute(&insert).await.unwrap();
        let prune = [(
            "delete from filler where id < (select max(id) from filler) - 8",
            &[][..],
        )];
        engine.platform_execute(&prune).await.unwrap();
    }
    let log = std::fs::metadata(folder.path().join("t.sqlite-wal")).unwrap();
    assert!(log.len() < 40 << 20, "{}", log.len());
    engine.close().await;
}
