//! `db generate`, `migrate` and `rollback`: reviewed files, there and back, on both databases.

use super::database::{arguments, desk};
use super::{TAG, TITLE, notes, run, write};
use carnet_testkit::postgres;

#[tokio::test]
async fn migrations_go_there_and_back_on_sqlite() {
    there_and_back("data.sqlite");
}

#[tokio::test]
async fn migrations_go_there_and_back_on_postgres() {
    if let Some(database) = postgres::database("cli_migrate") {
        there_and_back(database.url());
    }
}

fn there_and_back(database: &str) {
    let launch = desk(&[TITLE]);
    let go = |command: &[&str]| run(&launch, arguments(database, command));
    let err = go(&["db", "migrate"]).failed();
    assert!(err.contains("error[SCHEMA_PENDING]"), "{err}");
    let out = go(&["db", "generate", "first"]).good();
    assert!(out.contains("create table notes"), "{out}");
    assert!(out.contains("migrations/0001_first/up.sqlite.sql"), "{out}");
    let out = go(&["db", "generate", "again"]).good();
    assert!(out.starts_with("nothing to do"), "{out}");
    let out = go(&["db", "migrate"]).good();
    assert!(out.contains("0001_first\n1 migration applied"), "{out}");
    let out = go(&["db", "migrate"]).good();
    assert!(out.starts_with("nothing to do"), "{out}");

    write(&launch, "d/app.yaml", &notes(&[TITLE, TAG]));
    go(&["db", "generate", "add tag"]).good();
    let out = go(&["db", "status"]).good();
    assert!(
        out.contains("Migrations to apply:\n  0002_add_tag"),
        "{out}"
    );
    go(&["db", "migrate"]).good();
    go(&["db", "status", "--check"]).good();
    let out = go(&["db", "rollback"]).good();
    assert!(out.contains("0002_add_tag"), "{out}");
    let out = go(&["db", "status"]).good();
    assert!(
        out.contains("Migrations to apply:\n  0002_add_tag"),
        "{out}"
    );
    go(&["db", "drift"]).good();
    go(&["db", "migrate"]).good();
    go(&["db", "status", "--check"]).good();

    let file = launch.folder().join("migrations/0001_first");
    for name in ["up.sqlite.sql", "up.postgres.sql"] {
        let path = file.join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{text}\n-- edited\n")).unwrap();
    }
    let err = go(&["db", "migrate"]).failed();
    assert!(err.contains("error[SCHEMA_DRIFT]"), "{err}");
    assert!(err.contains("0001_first"), "{err}");
}

#[test]
fn a_name_without_letters_is_refused() {
    let launch = desk(&[TITLE]);
    let err = run(&launch, arguments("data.sqlite", &["db", "generate", "!"])).failed();
    assert!(err.contains("error[MIGRATION_FAILED]"), "{err}");
}
