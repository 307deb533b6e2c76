//! Faults on PostgreSQL: sessions that the server ends, a server that goes away and comes back,
//! callers that go away.

use super::ledger::{Ledger, sound, write_pair};
use crate::database::Database;
use crate::writes::fixture::{Fixture, THINGS};
use crate::writes::units::text;
use carnet_kernel::{Code, Id, Period, Secret, Value};
use carnet_store::{Error, Store};
use carnet_testkit::postgres::TestDatabase;
use carnet_testkit::proxy::FaultyProxy;
use futures_util::future::join_all;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

/// Ends the store's sessions, but not the test's own.
async fn end_sessions(database: &TestDatabase, which: &str) -> u64 {
    let client = database.connect().await.unwrap();
    let sql = format!(
        "select pg_terminate_backend(pid) from pg_stat_activity \
         where datname = current_database() and application_name = 'carnet' and {which}"
    );
    client.execute(&sql, &[]).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ended_sessions_leave_all_or_nothing() {
    let Some(database) = Database::postgres("ended") else {
        return;
    };
    let fixture = Arc::new(Fixture::at(database).await);
    let stop = Arc::new(AtomicBool::new(false));
    let failed = Arc::new(AtomicUsize::new(0));
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let (fixture, stop) = (Arc::clone(&fixture), Arc::clone(&stop));
            let failed = Arc::clone(&failed);
            tokio::spawn(async move {
                let mut acknowledged = Ledger::new();
                while !stop.load(Ordering::SeqCst) {
                    let told = |outcome: Result<[(Id, i64); 2], Error>| match outcome {
                        Ok(pair) => acknowledged.extend(pair),
                        Err(error) => {
                            failed.fetch_add(1, Ordering::SeqCst);
                            assert!(
                                matches!(
                                    error.code(),
                                    Code::DatabaseUnavailable | Code::OutcomeUnknown
                                ),
                                "{error:?}"
                            );
                        }
                    };
                    write_pair(&fixture, told).await;
                }
                acknowledged
            })
        })
        .collect();
    // Sessions in the middle of something are ended until enough writes have felt it.
    let mut ended = 0;
    while ended < 30 {
        ended += end_sessions(fixture.database.server(), "state <> 'idle'").await;
    }
    stop.store(true, Ordering::SeqCst);
    let mut acknowledged = Ledger::new();
    for writer in writers {
        acknowledged.extend(writer.await.unwrap());
    }
    assert!(!acknowledged.is_empty());
    sound(&fixture, &acknowledged).await;
}

#[tokio::test]
async fn sessions_that_ended_while_idle_are_not_noticed() {
    let Some(database) = Database::postgres("idle") else {
        return;
    };
    let fixture = Fixture::at(database).await;
    let id = fixture.id();
    let others = (0..6).map(|_| fixture.id()).collect::<Vec<_>>();
    let writes = others
        .iter()
        .map(|id| fixture.write_one(fixture.thing(*id, &id.to_string())));
    for outcome in join_all(writes).await {
        outcome.unwrap();
    }
    fixture.write_one(fixture.thing(id, "kept")).await.unwrap();
    fixture.database.server().disconnect_all().unwrap();
    let change = [("note", text("x"))];
    fixture
        .write_one(fixture.update("things", id, &change))
        .await
        .unwrap();
    fixture.store.ping().await.unwrap();
    assert!(fixture.load("things", id).await.is_some());
}

#[tokio::test]
async fn a_database_that_was_lost_is_found_again() {
    let Some(mut database) = Database::postgres("lost") else {
        return;
    };
    let (proxy, through) = FaultyProxy::before(database.server().url()).unwrap();
    database.config.url = Secret::new(through);
    let fixture = Fixture::at(database).await;
    let id = fixture.id();
    fixture.write_one(fixture.thing(id, "kept")).await.unwrap();

    proxy.cut();
    let started = Instant::now();
    for number in 0..20 {
        let lost = fixture
            .write_one(fixture.thing(fixture.id(), &format!("lost {number}")))
            .await
            .unwrap_err();
        // The first may find out in the middle of its commit.
        let unknown = number == 0 && lost.code() == Code::OutcomeUnknown;
        assert!(
            unknown || lost.code() == Code::DatabaseUnavailable,
            "{lost:?}"
        );
        assert_eq!(lost.refusal(&fixture.view).retry_after.is_some(), !unknown);
    }
    assert!(fixture.store.ping().await.is_err());
    let elapsed = started.elapsed();
    assert!(elapsed < Duration::from_secs(2), "told late: {elapsed:?}");

    proxy.restore();
    fixture.store.ping().await.unwrap();
    let change = [("note", text("found"))];
    fixture
        .write_one(fixture.update("things", id, &change))
        .await
        .unwrap();
    let stored = fixture.number(THINGS).await;
    assert_eq!(stored, 1);
    fixture.store.close().await;
    let closed = fixture.store.ping().await;
    assert!(matches!(closed, Err(Error::Unavailable(_))), "{closed:?}");
}

async fn opened(url: &str) -> Result<(), Error> {
    let database = Database::elsewhere(url);
    Store::open(&database.config).await.map(|_| ())
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told() {
    let told = opened("postgres://postgres@127.0.0.1:1/nothing").await;
    assert!(matches!(told, Err(Error::Unavailable(_))), "{told:?}");
    let Some(database) = Database::postgres("nobody") else {
        return;
    };
    let server = database.server();
    let name = "carnet_no_such_database";
    let told = opened(&server.url().replace(server.name(), name)).await;
    assert!(matches!(told, Err(Error::Configuration(_))), "{told:?}");
}

#[tokio::test]
async fn a_database_that_is_closed_for_a_while_is_unavailable() {
    let (Some(database), Some(beside)) =
        (Database::postgres("closed"), Database::postgres("beside"))
    else {
        return;
    };
    // No session can close the database that it is in.
    let (name, server) = (database.server().name().to_owned(), beside.server());
    let allow =
        |yes: bool| server.execute(&format!("alter database {name} allow_connections {yes}"));
    let fixture = Fixture::at(database).await;
    allow(false).unwrap();
    fixture.database.server().disconnect_all().unwrap();
    let told = fixture.store.ping().await;
    assert!(matches!(told, Err(Error::Unavailable(_))), "{told:?}");
    allow(true).unwrap();
    fixture.store.ping().await.unwrap();
}

#[tokio::test]
async fn sessions_are_encrypted_and_checked_as_asked() {
    let Some(database) = Database::postgres("tls") else {
        return;
    };
    let client = database.server().connect().await.unwrap();
    let encrypts: String = client.query_one("show ssl", &[]).await.unwrap().get(0);
    let used = async |mode: &str| {
        let url = format!("{}?sslmode={mode}", database.server().url());
        let store = Store::open(&Database::elsewhere(&url).config).await?;
        let sql = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
        let rows = store.system().rows(sql, &[]).await?;
        Ok::<_, Error>(rows[0][0].clone())
    };
    assert_eq!(used("disable").await.unwrap(), Value::Boolean(false));
    if encrypts == "on" {
        assert_eq!(used("prefer").await.unwrap(), Value::Boolean(true));
        assert_eq!(used("require").await.unwrap(), Value::Boolean(true));
    } else {
        assert_eq!(used("prefer").await.unwrap(), Value::Boolean(false));
        assert!(used("require").await.is_err());
    }
    // No root in use here vouches for the server of the tests.
    let checked = used("verify-full").await;
    assert!(
        matches!(checked, Err(Error::Configuration(_))),
        "{checked:?}"
    );
}

/// Polls a future so often at most, then drops it; whether it was ready.
async fn abandon_after<F: Future>(polls: usize, future: F) -> bool {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| {
        if future.as_mut().poll(context).is_ready() {
            return Poll::Ready(true);
        }
        left = left.saturating_sub(1);
        if left == 0 {
            return Poll::Ready(false);
        }
        Poll::Pending
    })
    .await
}

#[tokio::test]
async fn abandoned_callers_leave_the_pool_sound() {
    let Some(mut database) = Database::postgres("abandoned") else {
        return;
    };
    database.config.pool_max = 2;
    let fixture = Fixture::at(database).await;
    let id = fixture.id();
    fixture.write_one(fixture.thing(id, "kept")).await.unwrap();
    let mut finished = 0;
    for round in 0..60 {
        let units = vec![
            fixture.thing(fixture.id(), &format!("one {round}")),
            fixture.update("things", id, &[("count", Value::Integer(round))]),
            fixture.thing(fixture.id(), &format!("two {round}")),
        ];
        finished += usize::from(abandon_after(round as usize % 12 + 1, fixture.write(units)).await);
        let read = fixture.load("things", id);
        finished += usize::from(abandon_after(round as usize % 7 + 1, read).await);
    }
    assert!(finished < 120, "some were abandoned");
    // Nobody is left who holds a session or a transaction.
    let things = fixture.load("things", id).await.unwrap();
    assert!(things.version(fixture.resource("things")).is_some());
    let writes = (0..8)
        .map(|number| fixture.write_one(fixture.thing(fixture.id(), &format!("after {number}"))));
    for outcome in join_all(writes).await {
        outcome.unwrap();
    }
    let pairs = fixture
        .number("select count(*) from {records}things where name like 'one%'")
        .await;
    let others = fixture
        .number("select count(*) from {records}things where name like 'two%'")
        .await;
    assert_eq!(pairs, others, "a write is all or nothing");
    sound(&fixture, &Ledger::new()).await;
}

#[tokio::test]
async fn an_abandoned_statement_is_stopped() {
    let Some(mut database) = Database::postgres("stopped") else {
        return;
    };
    database.config.pool_max = 1;
    database.config.transaction_budget = Period::seconds(60);
    let fixture = Fixture::at(database).await;
    let id = fixture.id();
    fixture.write_one(fixture.thing(id, "held")).await.unwrap();
    let holder = fixture.database.server().connect().await.unwrap();
    holder
        .batch_execute("begin; select 1 from app.things for update")
        .await
        .unwrap();
    let waiting = "select count(*) from pg_stat_activity \
        where datname = current_database() and wait_event_type = 'Lock'";
    let waits = async |count: i64| {
        loop {
            let row = holder.query_one(waiting, &[]).await.unwrap();
            if row.get::<_, i64>(0) == count {
                return;
            }
        }
    };
    {
        let write = fixture.write_one(fixture.update("things", id, &[("note", text("x"))]));
        let mut write = pin!(write);
        let mut begun = pin!(waits(1));
        poll_fn(|context| {
            assert!(write.as_mut().poll(context).is_pending());
            begun.as_mut().poll(context)
        })
        .await;
    }
    // The caller is gone; the server hears of it without the lock being released.
    waits(0).await;
    holder.batch_execute("rollback").await.unwrap();
    // The one place in the pool is free again.
    fixture
        .write_one(fixture.update("things", id, &[("note", text("y"))]))
        .await
        .unwrap();
}
