//! Faults on PostgreSQL: sessions that the server ends, a server that goes away and comes back,
//! callers that go away, a process that is killed. Nothing acknowledged is lost and nothing is
//! half done.
//!
//! One test runs this binary again as a child; the child is told its database by an environment
//! variable and reports each acknowledged write on a line of its own. `CARNET_TEST_KILLS` sets how
//! often the writing process is killed (10).

#![cfg(test)]

use crate::fixture_postgres::{config, database, open};
use crate::fixture_sqlite::{Fixture, price, text};
use carnet_kernel::{Code, Id, Period, Value};
use carnet_store::{Error, JournalCursor, Store};
use carnet_testkit::postgres::TestDatabase;
use carnet_testkit::proxy::FaultyProxy;
use futures_util::future::join_all;
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::io::{BufRead, BufReader};
use std::pin::pin;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

const DATABASE: &str = "CARNET_STORE_TEST_DATABASE";
const WRITERS: usize = 16;

/// Makes and changes a pair of records in one write, then changes one and removes the other;
/// tells what was acknowledged, a removed record as version 0.
async fn write_pair(
    fixture: &Fixture,
    mut told: impl FnMut(Result<[(Id, i64); 2], Error>),
) -> bool {
    let (one, other) = (fixture.id(), fixture.id());
    let writes = [
        (
            vec![
                fixture.thing(one, &one.to_string()),
                fixture.thing(other, &other.to_string()),
                fixture.update("things", one, &[("price", price(100))]),
            ],
            [(one, 2), (other, 1)],
        ),
        (
            vec![
                fixture.update("things", one, &[("note", text(&"n".repeat(500)))]),
                fixture.delete("things", other),
            ],
            [(one, 3), (other, 0)],
        ),
    ];
    for (units, acknowledged) in writes {
        match fixture.write(units).await {
            Ok(_) => told(Ok(acknowledged)),
            Err(failure) => {
                told(Err(failure.error));
                return false;
            }
        }
    }
    true
}

/// Every acknowledged write is there, every record has the journal row of its version and every
/// journal row its record.
async fn sound(fixture: &Fixture, acknowledged: &HashMap<Id, i64>) {
    let system = fixture.store.system();
    let rows = system
        .rows("select id, version from {records}things", &[])
        .await
        .unwrap();
    let stored: HashMap<Id, i64> = rows
        .iter()
        .map(|row| (row[0].as_id().unwrap(), row[1].as_integer().unwrap()))
        .collect();
    for (id, version) in acknowledged {
        let found = stored.get(id).copied();
        if *version == 0 {
            assert_eq!(found, None, "{id} was removed");
        } else {
            // The next write of the same pair may have been committed without being told.
            assert!(
                found.is_some_and(|found| found >= *version) || found.is_none() && *version == 1,
                "{id} was acknowledged with version {version}, found {found:?}"
            );
        }
    }
    let (rows, _) = system.tail(&JournalCursor::Start, 1_000_000).await.unwrap();
    let mut told: HashMap<Id, i64> = HashMap::new();
    for row in &rows {
        let before = told.insert(row.record, row.version).unwrap_or(0);
        assert_eq!(
            row.version,
            before + 1,
            "{} lacks a journal row",
            row.record
        );
        if row.kind == "delete" {
            told.remove(&row.record);
        }
    }
    assert_eq!(told, stored, "records and journal differ");
}

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
    let Some(database) = database("ended") else {
        return;
    };
    let fixture = Arc::new(open(&config(database.url())).await);
    let stop = Arc::new(AtomicBool::new(false));
    let failed = Arc::new(AtomicUsize::new(0));
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let (fixture, stop) = (Arc::clone(&fixture), Arc::clone(&stop));
            let failed = Arc::clone(&failed);
            tokio::spawn(async move {
                let mut acknowledged = HashMap::new();
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
        ended += end_sessions(&database, "state <> 'idle'").await;
    }
    stop.store(true, Ordering::SeqCst);
    let mut acknowledged = HashMap::new();
    for writer in writers {
        acknowledged.extend(writer.await.unwrap());
    }
    assert!(!acknowledged.is_empty());
    sound(&fixture, &acknowledged).await;
}

#[tokio::test]
async fn sessions_that_ended_while_idle_are_not_noticed() {
    let Some(database) = database("idle") else {
        return;
    };
    let fixture = open(&config(database.url())).await;
    let id = fixture.id();
    let others = (0..6).map(|_| fixture.id()).collect::<Vec<_>>();
    let writes = others
        .iter()
        .map(|id| fixture.write_one(fixture.thing(*id, &id.to_string())));
    for outcome in join_all(writes).await {
        outcome.unwrap();
    }
    fixture.write_one(fixture.thing(id, "kept")).await.unwrap();
    database.disconnect_all().unwrap();
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
    let Some(database) = database("lost") else {
        return;
    };
    let (proxy, through) = FaultyProxy::before(database.url()).unwrap();
    let fixture = open(&config(&through)).await;
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
    let stored = fixture.number("select count(*) from {records}things").await;
    assert_eq!(stored, 1);
    fixture.store.close().await;
    let closed = fixture.store.ping().await;
    assert!(matches!(closed, Err(Error::Unavailable(_))), "{closed:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told() {
    let nowhere = config("postgres://postgres@127.0.0.1:1/nothing");
    let told = Store::open(&nowhere).await.map(|_| ());
    assert!(matches!(told, Err(Error::Unavailable(_))), "{told:?}");
    let Some(database) = database("nobody") else {
        return;
    };
    let missing = database
        .url()
        .replace(database.name(), "carnet_no_such_database");
    let told = Store::open(&config(&missing)).await.map(|_| ());
    assert!(matches!(told, Err(Error::Configuration(_))), "{told:?}");
}

#[tokio::test]
async fn sessions_are_encrypted_and_checked_as_asked() {
    let Some(database) = database("tls") else {
        return;
    };
    let client = database.connect().await.unwrap();
    let encrypts: String = client.query_one("show ssl", &[]).await.unwrap().get(0);
    let url = |mode: &str| format!("{}?sslmode={mode}", database.url());
    let used = async |mode: &str| {
        let store = Store::open(&config(&url(mode))).await?;
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
    let Some(database) = database("abandoned") else {
        return;
    };
    let mut small = config(database.url());
    small.pool_max = 2;
    let fixture = open(&small).await;
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
    sound(&fixture, &HashMap::new()).await;
}

#[tokio::test]
async fn an_abandoned_statement_is_stopped() {
    let Some(database) = database("stopped") else {
        return;
    };
    let mut small = config(database.url());
    small.pool_max = 1;
    small.transaction_budget = Period::seconds(60);
    let fixture = open(&small).await;
    let id = fixture.id();
    fixture.write_one(fixture.thing(id, "held")).await.unwrap();
    let holder = database.connect().await.unwrap();
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

/// A child that writes for ever.
struct Writing {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Writing {
    fn start(test: &str, url: &str) -> Self {
        let module = module_path!().split_once("::").unwrap().1;
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([&format!("{module}::{test}"), "--exact", "--nocapture"])
            .env(DATABASE, url)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// Reads one line; `false` at the end.
    fn line(&mut self, acknowledged: &mut HashMap<Id, i64>) -> bool {
        let mut line = String::new();
        if self.lines.read_line(&mut line).unwrap() == 0 {
            return false;
        }
        // A killed process may leave half a line.
        let words: Vec<&str> = match line.strip_suffix('\n') {
            Some(whole) => whole.split(' ').collect(),
            None => Vec::new(),
        };
        match words.as_slice() {
            ["ack", id, version] => {
                acknowledged.insert(id.parse().unwrap(), version.parse().unwrap());
            }
            ["fail", reason @ ..] => panic!("the child failed: {reason:?}"),
            _ => {}
        }
        true
    }
}

async fn write_for_ever(url: &str) {
    let fixture = open(&config(url)).await;
    let writer = async || {
        loop {
            write_pair(&fixture, |outcome| match outcome {
                Ok(pair) => {
                    for (id, version) in pair {
                        println!("ack {id} {version}");
                    }
                }
                Err(error) => println!("fail {error:?}"),
            })
            .await;
        }
    };
    join_all((0..WRITERS).map(|_| writer())).await;
}

#[test]
fn a_killed_process_loses_nothing_it_acknowledged() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if let Ok(url) = std::env::var(DATABASE) {
        return runtime.block_on(write_for_ever(&url));
    }
    let Some(database) = database("killed") else {
        return;
    };
    let kills = std::env::var("CARNET_TEST_KILLS")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(10);
    let mut acknowledged = HashMap::new();
    // The tables are made first.
    runtime.block_on(async { drop(open(&config(database.url())).await) });
    for round in 1..=kills {
        let before = acknowledged.len();
        let mut writing = Writing::start(
            "a_killed_process_loses_nothing_it_acknowledged",
            database.url(),
        );
        while acknowledged.len() < before + 40 + round * 3 {
            assert!(writing.line(&mut acknowledged), "the child ended by itself");
        }
        writing.child.kill().unwrap();
        writing.child.wait().unwrap();
        while writing.line(&mut acknowledged) {}
        // What the server was told before the kill it may still carry out.
        database.disconnect_all().unwrap();
        runtime.block_on(async {
            let fixture = open(&config(database.url())).await;
            sound(&fixture, &acknowledged).await;
        });
    }
}
