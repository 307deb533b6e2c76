//! What only PostgreSQL has: flights, sessions in a pool, locks that others hold, snapshots as
//! cursors.

use super::fixture::{Fixture, JOURNAL, THINGS};
use super::units::{context, insert, text, unit};
use crate::database::Database;
use carnet_kernel::{Period, Value};
use carnet_store::{Error, JournalCursor, Store, Unit};
use std::sync::Arc;

#[tokio::test]
async fn flights_are_few() {
    let Some(database) = Database::postgres("flights") else {
        return;
    };
    let fixture = Fixture::at(database).await;
    // The first time a text is seen it is prepared, which takes a flight of its own.
    let cost = async |units: Vec<Arc<dyn Unit>>| {
        let before = fixture.store.counters();
        fixture.write(units).await.unwrap();
        let after = fixture.store.counters();
        (
            after.statements - before.statements,
            after.round_trips - before.round_trips,
        )
    };
    let one = |name: &str| vec![fixture.thing(fixture.id(), name)];
    cost(one("warm")).await;
    assert_eq!(cost(one("create")).await, (1, 1), "a create");

    let id = fixture.id();
    fixture.write_one(fixture.thing(id, "other")).await.unwrap();
    let change = |count| vec![fixture.update("things", id, &[("count", Value::Integer(count))])];
    cost(change(1)).await;
    assert_eq!(cost(change(2)).await, (2, 2), "a load and an update");

    let three = |name: &str| {
        let things = fixture.resource("things").clone();
        let steps = ["x", "y", "z"].map(|letter| {
            insert(
                &things,
                fixture.id(),
                &[("name", text(&format!("{name}{letter}")))],
            )
        });
        vec![unit(steps.into())]
    };
    cost(three("a")).await;
    assert_eq!(cost(three("b")).await, (3, 1), "three steps");

    let several = |name: &str| {
        let mut units: Vec<_> = (0..5)
            .map(|number| fixture.thing(fixture.id(), &format!("{name}{number}")))
            .collect();
        units.extend(change(3));
        units
    };
    cost(several("c")).await;
    assert_eq!(
        cost(several("d")).await,
        (7, 2),
        "what needs no answer is not waited for"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tail_waits_for_no_open_transaction() {
    let Some(database) = Database::postgres("tail") else {
        return;
    };
    let fixture = Arc::new(Fixture::at(database).await);
    // A long transaction that began before all others and commits after them, and one that does
    // not come to an end.
    let long = fixture.database.server().connect().await.unwrap();
    let insert_by_hand = |version: i64| {
        format!(
            "insert into app.carnet_journal_records (tenant, resource, record, version, kind, \
             correlation, at, schema_version, body) values (1, 'things', gen_random_uuid(), \
             {version}, 'create', gen_random_uuid(), now(), 7, '{{}}')"
        )
    };
    let open_ended = fixture.database.server().connect().await.unwrap();
    for (session, version) in [(&long, 777), (&open_ended, 888)] {
        session.batch_execute("begin").await.unwrap();
        session
            .batch_execute(&insert_by_hand(version))
            .await
            .unwrap();
    }
    // A row that came by restore.
    let server = fixture.database.server();
    server
        .execute(
            "insert into app.carnet_journal_records (tenant, xid, resource, record, version, \
             kind, correlation, at, schema_version, body) values (1, null, 'things', \
             gen_random_uuid(), 555, 'create', gen_random_uuid(), now(), 7, '{}')",
        )
        .unwrap();
    let tasks: Vec<_> = (0..16)
        .map(|task| {
            let fixture = Arc::clone(&fixture);
            tokio::spawn(async move { fixture.write_things(task, 20).await })
        })
        .collect();
    let system = fixture.store.system();
    let mut cursor = JournalCursor::Start;
    let mut seen = Vec::new();
    let mut versions = Vec::new();
    // The open transactions hold up nobody.
    while seen.len() < 320 {
        let (rows, next) = system.tail(&cursor, 7).await.unwrap();
        versions.extend(rows.iter().map(|row| row.version).filter(|one| *one > 1));
        seen.extend(
            rows.iter()
                .filter(|row| row.version == 1)
                .map(|row| row.record),
        );
        cursor = next.to_string().parse().unwrap();
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(versions, [555], "settled rows come once");
    long.batch_execute("commit").await.unwrap();
    let (late, next) = system.tail(&cursor, 7).await.unwrap();
    let late: Vec<i64> = late.iter().map(|row| row.version).collect();
    assert_eq!(late, [777], "a low sequence that was committed last");
    open_ended.batch_execute("rollback").await.unwrap();
    let (rest, _) = system.tail(&next, 7).await.unwrap();
    assert_eq!(rest, Vec::new());
    seen.sort_unstable();
    let all = seen.len();
    seen.dedup();
    assert_eq!((seen.len(), all), (320, 320));
}

#[tokio::test]
async fn a_write_that_waits_too_long_is_undone() {
    let Some(mut database) = Database::postgres("budget") else {
        return;
    };
    database.config.transaction_budget = Period::millis(200);
    let fixture = Fixture::at(database).await;
    let id = fixture.id();
    fixture.write_one(fixture.thing(id, "held")).await.unwrap();
    let holder = fixture.database.server().connect().await.unwrap();
    holder
        .batch_execute("begin; select 1 from app.things for update")
        .await
        .unwrap();
    let units = vec![
        fixture.thing(fixture.id(), "before"),
        fixture.update("things", id, &[("note", text("x"))]),
    ];
    let failure = fixture.write(units).await.unwrap_err();
    assert!(matches!(failure.error, Error::TooLong), "{failure:?}");
    holder.batch_execute("rollback").await.unwrap();
    assert_eq!(fixture.number(THINGS).await, 1);
    assert_eq!(fixture.number(JOURNAL).await, 1);
    fixture
        .write_one(fixture.update("things", id, &[("note", text("x"))]))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_changed_table_outlives_prepared_statements() {
    let Some(database) = Database::postgres("changed") else {
        return;
    };
    let fixture = Fixture::at(database).await;
    let id = fixture.id();
    fixture.write_one(fixture.thing(id, "one")).await.unwrap();
    fixture.load("things", id).await.unwrap();
    let server = fixture.database.server();
    server
        .execute(
            "drop view app_find.things; \
             alter table app.things alter column note type varchar collate \"C\"",
        )
        .unwrap();
    assert!(fixture.load("things", id).await.is_some());
    fixture
        .write_one(fixture.update("things", id, &[("note", text("x"))]))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_read_is_one_round_trip_and_has_its_time() {
    let Some(mut database) = Database::postgres("reads") else {
        return;
    };
    database.config.statement_timeout = Period::millis(100);
    let fixture = Fixture::at(database).await;
    fixture
        .write_one(fixture.thing(fixture.id(), "one"))
        .await
        .unwrap();
    let query = fixture.names();
    let scope = fixture.scope().await;
    scope.list(&fixture.view, &query).await.unwrap();
    let before = fixture.store.counters();
    let listing = scope.list(&fixture.view, &query).await.unwrap();
    assert_eq!(listing.json, br#"[{"name":"one"}]"#);
    let after = fixture.store.counters();
    assert_eq!(after.statements - before.statements, 1);
    assert_eq!(after.round_trips - before.round_trips, 1);

    let holder = fixture.database.server().connect().await.unwrap();
    holder
        .batch_execute("begin; lock table app.things in access exclusive mode")
        .await
        .unwrap();
    let late = scope.list(&fixture.view, &query).await;
    assert!(matches!(late, Err(Error::Timeout)), "{late:?}");
    let mut impatient = context();
    impatient.deadline = Some(std::time::Instant::now() + std::time::Duration::from_millis(20));
    let scope = fixture.store.scope(&impatient).await.unwrap();
    let late = scope.list(&fixture.view, &query).await;
    assert!(matches!(late, Err(Error::Timeout)), "{late:?}");
    let not_begun = scope.list(&fixture.view, &query).await;
    assert!(matches!(not_begun, Err(Error::Timeout)), "{not_begun:?}");
    holder.batch_execute("rollback").await.unwrap();
    let scope = fixture.scope().await;
    let listing = scope.list(&fixture.view, &query).await.unwrap();
    assert_eq!(listing.rows, 1);
}

#[tokio::test]
async fn a_session_keeps_few_prepared_statements() {
    let Some(database) = Database::postgres("prepared") else {
        return;
    };
    let store = Store::open(&database.config).await.unwrap();
    let system = store.system();
    for number in 0..520 {
        let sql = format!("select {number}::bigint");
        let rows = system.rows(&sql, &[]).await.unwrap();
        assert_eq!(rows, [[Value::Integer(number)]]);
    }
    let sql = "select count(*) from pg_prepared_statements";
    let kept = system.rows(sql, &[]).await.unwrap()[0][0].as_integer();
    assert!(
        kept.is_some_and(|kept| (400..=501).contains(&kept)),
        "{kept:?}"
    );
}

#[tokio::test]
async fn a_busy_pool_is_told() {
    let Some(mut database) = Database::postgres("busy") else {
        return;
    };
    database.config.pool_max = 1;
    database.config.acquire_timeout = Period::millis(50);
    let fixture = Fixture::at(database).await;
    let id = fixture.id();
    fixture.write_one(fixture.thing(id, "held")).await.unwrap();
    let holder = fixture.database.server().connect().await.unwrap();
    holder
        .batch_execute("begin; select 1 from app.things for update")
        .await
        .unwrap();
    let held = fixture.write_one(fixture.update("things", id, &[("note", text("x"))]));
    let refused = async {
        let query = fixture.names();
        let outcome = fixture.scope().await.list(&fixture.view, &query).await;
        holder.batch_execute("rollback").await.unwrap();
        outcome
    };
    let (held, refused) = futures_util::future::join(held, refused).await;
    held.unwrap();
    assert!(
        matches!(&refused, Err(Error::Unavailable(reason)) if reason.contains("busy")),
        "{refused:?}"
    );
}
