//! Time that is up, callers that are gone, a store that is closed.

use super::fixture::{Fixture, THINGS};
use super::units::{context, gate, stamp, text};
use crate::database::on_both;
use carnet_kernel::Period;
use carnet_store::Error;
use std::time::Duration;

on_both! {
    an_expired_request_is_not_begun,
    a_write_that_takes_too_long_is_undone,
    a_read_has_its_time,
    an_abandoned_read_makes_room_for_the_next,
    a_closed_store_takes_nothing_more,
}

/// A read that does not come to an end.
const ENDLESS: &str = "with recursive n (x) as \
    (select cast(1 as bigint) union all select x + 1 from n) select count(*) from n";

async fn an_expired_request_is_not_begun(fixture: Fixture) {
    let mut context = context();
    context.deadline = Some(std::time::Instant::now());
    let scope = fixture.store.scope(&context).await.unwrap();
    let unit = fixture.thing(fixture.id(), "late");
    let failure = scope
        .write(&fixture.view, &stamp(), vec![unit])
        .await
        .unwrap_err();
    assert!(matches!(failure.error, Error::Timeout), "{failure:?}");
    assert_eq!(fixture.number(THINGS).await, 0);
}

async fn a_write_that_takes_too_long_is_undone(fixture: Fixture) {
    let held = fixture.id();
    fixture
        .write_one(fixture.thing(held, "held"))
        .await
        .unwrap();
    let hurried = fixture.reopen(|config| config.transaction_budget = Period::millis(150));
    let fixture = hurried.await;
    let (slow, open) = gate();
    let waiting = std::thread::spawn(move || {
        // Longer than the budget: the store's own clock decides.
        std::thread::park_timeout(Duration::from_millis(300));
        drop(open);
    });
    // The transaction has begun with a load when the slow unit decides.
    let units = vec![
        fixture.update("things", held, &[("note", text("x"))]),
        slow,
        fixture.thing(fixture.id(), "late"),
    ];
    let late = fixture.write(units).await.unwrap_err();
    assert!(matches!(late.error, Error::TooLong), "{late:?}");
    waiting.join().unwrap();
    fixture
        .write_one(fixture.thing(fixture.id(), "in time"))
        .await
        .unwrap();
    assert_eq!(fixture.number(THINGS).await, 2);
    let record = fixture.load("things", held).await.unwrap();
    assert_eq!(record.version(fixture.resource("things")), Some(1));
}

async fn a_read_has_its_time(fixture: Fixture) {
    let hurried = fixture.reopen(|config| {
        config.statement_timeout = Period::millis(100);
        config.readers = 1;
        config.pool_max = 1;
    });
    let fixture = hurried.await;
    let outcome = fixture.store.system().rows(ENDLESS, &[]).await;
    assert!(matches!(outcome, Err(Error::Timeout)), "{outcome:?}");
    assert_eq!(fixture.number("select 42").await, 42);
}

async fn an_abandoned_read_makes_room_for_the_next(fixture: Fixture) {
    let patient = fixture.reopen(|config| {
        config.statement_timeout = Period::seconds(600);
        config.readers = 1;
        config.pool_max = 1;
    });
    let fixture = patient.await;
    let system = fixture.store.system();
    let read = tokio::time::timeout(Duration::from_millis(20), system.rows(ENDLESS, &[])).await;
    assert!(read.is_err());
    assert_eq!(fixture.number("select 42").await, 42);
}

async fn a_closed_store_takes_nothing_more(fixture: Fixture) {
    fixture
        .write_one(fixture.thing(fixture.id(), "in time"))
        .await
        .unwrap();
    fixture.store.close().await;
    let late = fixture.write_one(fixture.thing(fixture.id(), "late")).await;
    assert!(matches!(late, Err(Error::Unavailable(_))), "{late:?}");
    let told = fixture.store.ping().await;
    assert!(matches!(told, Err(Error::Unavailable(_))), "{told:?}");
    let fixture = fixture.reopen(|_| {}).await;
    fixture.store.ping().await.unwrap();
    assert_eq!(fixture.number(THINGS).await, 1);
}
