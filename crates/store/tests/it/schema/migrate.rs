//! Migration files: made from definitions, applied and taken back on both databases.

use super::support::{Fixture, model, summaries};
use crate::database::{Database, on_both};
use carnet_store::{Dialect, Error};
use carnet_testkit::tempfile::TempDir;
use std::path::Path;

const FIRST: &str = r#"
  units:
    tenancy: platform
    shared: true
    fields: { code: { type: text, max: 10, unique: true } }
  items:
    fields:
      title: { type: text, max: 40 }
      price: { type: decimal, precision: 6, scale: 2, optional: true }
      unit: { type: ref, to: units, optional: true }
"#;

const SECOND: &str = r#"
  units:
    tenancy: platform
    shared: true
    fields: { code: { type: text, max: 10, unique: true }, symbol: { type: text, default: "-" } }
  products:
    was: items
    fields:
      name: { type: text, max: 40, was: title, caseless: true, unique: true }
      price: { type: decimal, precision: 8, scale: 4, optional: true }
      unit: { type: ref, to: units, optional: true }
      status: { type: enum, values: [draft, live], default: draft }
    indexes: [[status, name]]
  parts:
    fields: { product: { type: ref, to: products } }
"#;

fn generate(fixture: &Fixture, folder: &Path, yaml: &str, name: &str) -> Option<Vec<String>> {
    let schema = fixture.store.schema();
    let generated = schema.generate(&model(yaml), folder, name).unwrap();
    generated.map(|generated| generated.changes)
}

async fn migrate(fixture: &Fixture, folder: &Path, yaml: &str) -> Result<Vec<String>, Error> {
    let report = fixture.store.schema().migrate(&model(yaml), folder).await?;
    let names = summaries(&report).into_iter().map(str::to_owned);
    Ok(names.collect())
}

fn file(fixture: &Fixture, folder: &Path, migration: &str, way: &str) -> std::path::PathBuf {
    let dialect = match fixture.store.dialect() {
        Dialect::Sqlite => "sqlite",
        Dialect::Postgres => "postgres",
    };
    folder.join(migration).join(format!("{way}.{dialect}.sql"))
}

on_both! {
    migrations_go_up_and_down_with_the_data,
    applied_files_must_stay,
    a_definition_beyond_the_migrations_is_told,
    a_pushed_database_takes_its_migrations_as_done,
    a_broken_migration_changes_nothing,
    two_at_once_migrate_once,
    old_files_are_applied,
    a_reset_leaves_what_is_not_ours,
}

async fn migrations_go_up_and_down_with_the_data(fixture: Fixture) {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    assert!(generate(&fixture, folder, FIRST, "Initial").is_some());
    assert_eq!(generate(&fixture, folder, FIRST, "nothing"), None);
    assert_eq!(
        migrate(&fixture, folder, FIRST).await.unwrap(),
        ["0001_initial"]
    );
    fixture.fits(FIRST).await;
    fixture
        .insert("items", 1, "title, price", "'Größe', 150")
        .await;
    fixture
        .insert("items", 2, "title, price", "'ABC', null")
        .await;

    let changes = generate(&fixture, folder, SECOND, "rename items").unwrap();
    assert!(
        changes
            .iter()
            .any(|change| change == "rename table items to products"),
        "{changes:?}"
    );
    assert_eq!(
        migrate(&fixture, folder, SECOND).await.unwrap(),
        ["0002_rename_items"]
    );
    fixture.fits(SECOND).await;
    let keys = fixture
        .texts("select name_key from {records}products order by id")
        .await;
    assert_eq!(keys, ["grösse", "abc"]);
    let prices = fixture
        .texts("select price from {records}products order by id")
        .await;
    assert_eq!(prices, ["15000", "null"]);
    assert_eq!(
        migrate(&fixture, folder, SECOND).await.unwrap(),
        Vec::<String>::new()
    );

    let schema = fixture.store.schema();
    let status = schema.status(&model(SECOND)).await.unwrap();
    assert_eq!(status.migrations.len(), 2);
    assert_eq!(status.schema_version, Some(2));
    assert!(status.current);

    let back = schema.rollback(folder).await.unwrap();
    assert_eq!(summaries(&back), ["0002_rename_items"]);
    fixture.fits(FIRST).await;
    let titles = fixture
        .texts("select title from {records}items order by id")
        .await;
    assert_eq!(titles, ["Größe", "ABC"]);
    let prices = fixture
        .texts("select price from {records}items order by id")
        .await;
    assert_eq!(prices, ["150", "null"]);

    schema.rollback(folder).await.unwrap();
    let gone = schema.status(&model(FIRST)).await.unwrap();
    assert_eq!(gone.schema_version, None);
    assert_eq!(gone.drift, Vec::<String>::new());
    assert!(matches!(
        schema.rollback(folder).await,
        Err(Error::Migration(_))
    ));
    assert_eq!(schema.pending_migrations(folder).await.unwrap().len(), 2);
    assert_eq!(migrate(&fixture, folder, SECOND).await.unwrap().len(), 2);
    fixture.fits(SECOND).await;
}

async fn applied_files_must_stay(fixture: Fixture) {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    generate(&fixture, folder, FIRST, "initial").unwrap();
    let up = file(&fixture, folder, "0001_initial", "up");
    // Before it is applied a file may be edited.
    let text = std::fs::read_to_string(&up).unwrap();
    std::fs::write(&up, format!("{text}\n-- reviewed; by us\n")).unwrap();
    migrate(&fixture, folder, FIRST).await.unwrap();
    std::fs::write(&up, format!("{text}\n-- changed\n")).unwrap();
    match migrate(&fixture, folder, FIRST).await {
        Err(Error::Drift(message)) => {
            assert!(message.contains("`0001_initial` was changed"), "{message}")
        }
        other => panic!("{other:?}"),
    }
    std::fs::remove_dir_all(folder.join("0001_initial")).unwrap();
    generate(&fixture, folder, FIRST, "other").unwrap();
    match migrate(&fixture, folder, FIRST).await {
        Err(Error::Drift(message)) => assert!(message.contains("its folder is gone"), "{message}"),
        other => panic!("{other:?}"),
    }
}

async fn a_definition_beyond_the_migrations_is_told(fixture: Fixture) {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let empty = migrate(&fixture, folder, FIRST).await;
    assert!(
        matches!(&empty, Err(Error::SchemaPending(message)) if message.contains("carnet db generate")),
        "{empty:?}"
    );
    generate(&fixture, folder, FIRST, "initial").unwrap();
    let short = migrate(&fixture, folder, SECOND).await;
    assert!(matches!(short, Err(Error::SchemaPending(_))), "{short:?}");
    assert!(fixture.store.schema().is_fresh().await.unwrap());
    // Titles are of no concern to a migration.
    let titled = FIRST.replace("  items:\n", "  items:\n    title: Thing\n");
    migrate(&fixture, folder, &titled).await.unwrap();
    fixture.fits(&titled).await;
}

async fn a_pushed_database_takes_its_migrations_as_done(fixture: Fixture) {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    fixture.push(FIRST).await.unwrap();
    fixture.insert("items", 1, "title", "'x'").await;
    generate(&fixture, folder, FIRST, "initial").unwrap();
    generate(&fixture, folder, SECOND, "second").unwrap();
    assert_eq!(
        migrate(&fixture, folder, SECOND).await.unwrap(),
        ["0002_second"]
    );
    fixture.fits(SECOND).await;
    assert_eq!(
        fixture.texts("select name from {records}products").await,
        ["x"]
    );
}

async fn a_broken_migration_changes_nothing(fixture: Fixture) {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    generate(&fixture, folder, FIRST, "initial").unwrap();
    migrate(&fixture, folder, FIRST).await.unwrap();
    generate(&fixture, folder, SECOND, "second").unwrap();
    let up = file(&fixture, folder, "0002_second", "up");
    let text = std::fs::read_to_string(&up).unwrap();
    std::fs::write(
        &up,
        format!("{text}\nselect nothing_like_this from nowhere;\n"),
    )
    .unwrap();
    match migrate(&fixture, folder, SECOND).await {
        Err(Error::Migration(message)) => {
            assert!(
                message.starts_with("migration `0002_second` failed and changed nothing"),
                "{message}"
            );
        }
        other => panic!("{other:?}"),
    }
    fixture.fits(FIRST).await;
    // What does not reach the definition is told after it ran.
    let short: String = text
        .lines()
        .filter(|line| !line.contains("products__status__name"))
        .collect::<Vec<_>>()
        .join("\n");
    std::fs::write(&up, short).unwrap();
    match migrate(&fixture, folder, SECOND).await {
        Err(Error::Migration(message)) => assert!(
            message.contains("still lacks: add index products__status__name__index"),
            "{message}"
        ),
        other => panic!("{other:?}"),
    }
}

async fn two_at_once_migrate_once(fixture: Fixture) {
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    generate(&fixture, folder, FIRST, "initial").unwrap();
    generate(&fixture, folder, SECOND, "second").unwrap();
    let (one, two) = tokio::join!(
        migrate(&fixture, folder, SECOND),
        migrate(&fixture, folder, SECOND)
    );
    assert!(one.is_ok() && two.is_ok(), "{one:?} {two:?}");
    fixture.fits(SECOND).await;
    let rows = fixture
        .texts("select count(*) from {home}carnet_migrations")
        .await;
    assert_eq!(rows, ["2"]);
}

/// Files that were written once are applied for ever: this folder is never made anew.
async fn old_files_are_applied(fixture: Fixture) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/schema/sample");
    let applied = migrate(&fixture, &folder, SECOND).await.unwrap();
    assert_eq!(applied, ["0001_first", "0002_second"]);
    fixture.fits(SECOND).await;
    fixture.store.schema().rollback(&folder).await.unwrap();
    fixture.fits(FIRST).await;
}

async fn a_reset_leaves_what_is_not_ours(fixture: Fixture) {
    fixture.push(FIRST).await.unwrap();
    fixture.insert("items", 1, "title", "'x'").await;
    fixture
        .execute("create table {records}mine (x integer)")
        .await;
    let schema = fixture.store.schema();
    schema.reset().await.unwrap();
    assert!(schema.is_fresh().await.unwrap());
    assert_eq!(
        fixture.texts("select count(*) from {records}mine").await,
        ["0"]
    );
    fixture.push(SECOND).await.unwrap();
    let status = schema.status(&model(SECOND)).await.unwrap();
    assert_eq!(status.drift, ["table `mine` is not of the definition"]);
    assert_eq!(status.pending, Vec::new());
}

/// The files are for people.
#[tokio::test]
async fn files_are_readable() {
    let fixture = Fixture::at(Database::sqlite()).await;
    let folder = TempDir::new().unwrap();
    generate(&fixture, folder.path(), FIRST, "initial").unwrap();
    generate(&fixture, folder.path(), SECOND, "rename").unwrap();
    let read =
        |name: &str| std::fs::read_to_string(folder.path().join("0002_rename").join(name)).unwrap();
    insta::assert_snapshot!("up_postgres", read("up.postgres.sql"));
    insta::assert_snapshot!("up_sqlite", read("up.sqlite.sql"));
    insta::assert_snapshot!("down_postgres", read("down.postgres.sql"));
}
