//! `db push`, `status`, `seed`, `drift`, `roles` and `reset` on both databases.

use super::{TAG, TITLE, carnet, notes, run, write};
use carnet_testkit::binary::Launch;
use carnet_testkit::postgres;
use serde_json::{Value, json};

/// A command on the database, with the definition in `d` and the seeds in `s`.
pub(super) fn arguments<'a>(database: &'a str, command: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["--database", database, "--definitions", "d", "--seeds", "s"];
    arguments.extend(command);
    arguments
}

/// A launch with a definition and no seeds.
pub(super) fn desk(fields: &[&str]) -> Launch {
    let launch = carnet();
    write(&launch, "d/app.yaml", &notes(fields));
    std::fs::create_dir(launch.folder().join("s")).unwrap();
    launch
}

fn status(launch: &Launch, database: &str) -> Value {
    let out = run(
        launch,
        arguments(database, &["db", "status", "--format", "json"]),
    )
    .good();
    serde_json::from_str(&out).unwrap()
}

#[tokio::test]
async fn a_new_field_reaches_table_and_api_on_sqlite() {
    a_new_field_reaches_table_and_api("data.sqlite").await;
}

#[tokio::test]
async fn a_new_field_reaches_table_and_api_on_postgres() {
    let Some(database) = postgres::database("cli_push") else {
        return;
    };
    a_new_field_reaches_table_and_api(database.url()).await;
    let client = database.connect().await.unwrap();
    let sql = "select count(*) from information_schema.columns \
               where table_schema = 'app' and table_name = 'notes' and column_name = 'tag'";
    let count: i64 = client.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(count, 1);
}

async fn a_new_field_reaches_table_and_api(database: &str) {
    let launch = desk(&[TITLE]);
    assert_eq!(status(&launch, database)["fresh"], true);
    let out = run(&launch, arguments(database, &["db", "push", "--dry-run"])).good();
    assert!(out.contains("1 change would be made"), "{out}");
    assert_eq!(status(&launch, database)["fresh"], true);

    let out = run(&launch, arguments(database, &["db", "push"])).good();
    assert!(out.contains("create table notes"), "{out}");
    let out = run(&launch, arguments(database, &["db", "push"])).good();
    assert!(out.starts_with("nothing to do"), "{out}");
    assert_eq!(status(&launch, database)["current"], true);

    write(&launch, "d/app.yaml", &notes(&[TITLE, TAG]));
    let told = run(&launch, arguments(database, &["db", "status", "--check"]));
    assert_eq!(told.code, 1, "{}", told.out);
    let err = run(&launch, arguments(database, &["serve", "--port", "0"])).failed();
    assert!(err.contains("error[SCHEMA_PENDING]"), "{err}");
    let out = run(&launch, arguments(database, &["db", "push"])).good();
    assert!(out.contains("tag"), "{out}");
    run(&launch, arguments(database, &["db", "status", "--check"])).good();
    run(&launch, arguments(database, &["db", "drift"])).good();

    let server = launch.start(arguments(database, &["serve"])).await.unwrap();
    let body = json!({"title": "First", "tag": "blue"});
    let created = server.client().json("POST", "/api/v1/notes", &body).await;
    assert_eq!(created.unwrap().expect(201).unwrap()["data"]["tag"], "blue");
    let list = server
        .client()
        .get("/api/v1/notes?filter[tag][eq]=blue")
        .await;
    assert_eq!(list.unwrap().expect(200).unwrap()["count"], 1);
    let document = server.client().get("/openapi.json").await.unwrap();
    let schemas = document.expect(200).unwrap()["components"]["schemas"].take();
    let described = schemas["Notes"]["properties"]["tag"].is_object();
    assert!(described, "{schemas:#}");
}

#[tokio::test]
async fn data_is_lost_only_when_that_is_accepted_on_sqlite() {
    data_is_lost_only_when_that_is_accepted("data.sqlite").await;
}

#[tokio::test]
async fn data_is_lost_only_when_that_is_accepted_on_postgres() {
    if let Some(database) = postgres::database("cli_loss") {
        data_is_lost_only_when_that_is_accepted(database.url()).await;
    }
}

async fn data_is_lost_only_when_that_is_accepted(database: &str) {
    let launch = desk(&[TITLE, TAG]);
    let seeds = "- { $label: a, title: A, tag: blue }\n- { $label: b, title: B }\n";
    write(&launch, "s/01-notes.yaml", seeds);
    run(&launch, arguments(database, &["db", "push"])).good();
    let out = run(&launch, arguments(database, &["db", "seed"])).good();
    assert!(
        out.starts_with("2 created, 0 updated, 0 unchanged"),
        "{out}"
    );
    let out = run(&launch, arguments(database, &["db", "seed"])).good();
    assert!(
        out.starts_with("0 created, 0 updated, 2 unchanged"),
        "{out}"
    );

    write(&launch, "d/app.yaml", &notes(&[TITLE]));
    let pending = status(&launch, database)["pending"].take();
    assert_eq!(
        pending[0]["losses"].as_array().map(Vec::len),
        Some(1),
        "{pending}"
    );
    let err = run(&launch, arguments(database, &["db", "push"])).failed();
    assert!(err.contains("error[DATA_LOSS_REFUSED]"), "{err}");
    assert!(err.contains("notes.tag"), "{err}");
    assert_eq!(status(&launch, database)["current"], false);
    let accepted = ["db", "push", "--accept-data-loss"];
    run(&launch, arguments(database, &accepted)).good();
    assert_eq!(status(&launch, database)["current"], true);
}

#[tokio::test]
async fn a_reset_database_is_empty_on_sqlite() {
    a_reset_database_is_empty("data.sqlite").await;
}

#[tokio::test]
async fn a_reset_database_is_empty_on_postgres() {
    if let Some(database) = postgres::database("cli_reset") {
        a_reset_database_is_empty(database.url()).await;
    }
}

async fn a_reset_database_is_empty(database: &str) {
    let launch = desk(&[TITLE]);
    run(&launch, arguments(database, &["db", "push"])).good();
    let err = run(&launch, arguments(database, &["db", "reset"])).misused();
    assert!(err.contains("--yes"), "{err}");
    let prod = ["db", "reset", "--yes", "--profile", "prod"];
    run(&launch, arguments(database, &prod)).misused();
    assert_eq!(status(&launch, database)["fresh"], false);
    run(&launch, arguments(database, &["db", "reset", "--yes"])).good();
    assert_eq!(status(&launch, database)["fresh"], true);
    run(&launch, arguments(database, &["db", "push"])).good();
    assert_eq!(status(&launch, database)["current"], true);
}

#[tokio::test]
async fn another_hand_is_noticed() {
    let Some(database) = postgres::database("cli_drift") else {
        return;
    };
    let launch = desk(&[TITLE]);
    run(&launch, arguments(database.url(), &["db", "push"])).good();
    database
        .execute("alter table app.notes add column smuggled text")
        .unwrap();
    let told = run(&launch, arguments(database.url(), &["db", "drift"]));
    assert_eq!(told.code, 1);
    assert!(told.out.contains("smuggled"), "{}", told.out);
    assert!(told.err.contains("error[SCHEMA_DRIFT]"), "{}", told.err);
}

#[tokio::test]
async fn the_role_can_be_made_by_an_administrator() {
    let Some(database) = postgres::database("cli_roles") else {
        return;
    };
    let launch = desk(&[TITLE]);
    let sql = run(
        &launch,
        arguments(database.url(), &["db", "roles", "--print"]),
    )
    .good();
    assert!(sql.contains(&database.role()), "{sql}");
    database.execute(&sql).unwrap();
    run(&launch, arguments(database.url(), &["db", "roles"])).good();
    run(&launch, arguments(database.url(), &["db", "push"])).good();
}

#[test]
fn a_database_that_does_not_answer_is_told_without_its_password() {
    let launch = desk(&[TITLE]);
    let database = "postgres://me:hunter2@127.0.0.1:1/app";
    let told = run(&launch, arguments(database, &["db", "push"]));
    assert!(!told.err.contains("hunter2"), "{}", told.err);
    let err = told.failed();
    assert!(err.contains("error[DATABASE_UNAVAILABLE]"), "{err}");
}
