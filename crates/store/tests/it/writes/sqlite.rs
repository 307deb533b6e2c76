//! What only SQLite has: groups that share a commit, a queue before the writer, a log that is
//! emptied, addresses of files.

use super::fixture::{Fixture, JOURNAL, THINGS};
use super::units::{Decide, gate};
use crate::database::Database;
use carnet_kernel::{Code, Refusal};
use carnet_store::{Decision, Error, Store};
use futures_util::future::{join, join_all};

#[tokio::test]
async fn what_is_queued_shares_a_commit() {
    let fixture = Fixture::at(Database::sqlite()).await;
    let before = fixture.store.counters();
    let (busy, open) = gate();
    let writes =
        join_all((0..64).map(|number| {
            fixture.write_one(fixture.thing(fixture.id(), &format!("thing {number}")))
        }));
    let all_queued = async { drop(open) };
    let (gate, (outcomes, ())) = join(fixture.write_one(busy), join(writes, all_queued)).await;
    gate.unwrap();
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let after = fixture.store.counters();
    // Two groups at most, but for a machine that is too busy to fill them in their 5 ms.
    assert!(after.commits - before.commits <= 32);
    // One for each record and one for its journal row, one for the schema's version.
    assert_eq!(after.statements - before.statements, 2 * 64 + 1);
    assert_eq!(fixture.number(THINGS).await, 64);
}

#[tokio::test]
async fn a_refused_write_leaves_its_group_alone() {
    let fixture = Fixture::at(Database::sqlite()).await;
    let (busy, open) = gate();
    let refused = Decide::unit(|_, _| Err(Refusal::new(Code::ValidationFailed, "no")));
    let panicking = Decide::unit(|_, _| panic!("on purpose"));
    let undecided = Decide::unit(|_, _| Ok(Decision::Load(Vec::new())));
    let same = fixture.id();
    let (gate, (outcomes, ())) = join(
        fixture.write_one(busy),
        join(
            join_all([
                fixture.write(vec![fixture.thing(same, "one")]),
                fixture.write(vec![fixture.thing(fixture.id(), "gone"), refused]),
                fixture.write(vec![fixture.thing(fixture.id(), "gone"), panicking]),
                fixture.write(vec![undecided]),
                fixture.write(vec![fixture.thing(same, "again")]),
                fixture.write(vec![fixture.thing(fixture.id(), "two")]),
            ]),
            async { drop(open) },
        ),
    )
    .await;
    gate.unwrap();
    let codes: Vec<Option<Code>> = outcomes
        .iter()
        .map(|outcome| outcome.as_ref().err().map(|failure| failure.error.code()))
        .collect();
    let expected = [
        None,
        Some(Code::ValidationFailed),
        Some(Code::Internal),
        Some(Code::Internal),
        Some(Code::UniqueViolation),
        None,
    ];
    assert_eq!(codes, expected);
    assert_eq!(
        outcomes[1].as_ref().err().map(|failure| failure.unit),
        Some(1)
    );
    assert_eq!(
        outcomes[2].as_ref().err().map(|failure| failure.unit),
        Some(1)
    );
    assert_eq!(fixture.number(THINGS).await, 2);
    assert_eq!(fixture.number(JOURNAL).await, 2);
}

#[tokio::test]
async fn a_caller_that_went_away_is_not_served() {
    let fixture = Fixture::at(Database::sqlite()).await;
    let (busy, open) = gate();
    let unwanted = async {
        let write = fixture.write_one(fixture.thing(fixture.id(), "unwanted"));
        // Queued by being looked at once, then dropped.
        let (queued, dropped) = (write, std::future::ready(()));
        futures_util::future::select(Box::pin(queued), dropped).await;
        drop(open);
    };
    let (gate, ()) = join(fixture.write_one(busy), unwanted).await;
    gate.unwrap();
    fixture
        .write_one(fixture.thing(fixture.id(), "wanted"))
        .await
        .unwrap();
    assert_eq!(fixture.number(THINGS).await, 1);
}

#[tokio::test]
async fn closing_finishes_what_is_queued() {
    let fixture = Fixture::at(Database::sqlite()).await;
    let writes =
        join_all((0..200).map(|number| {
            fixture.write_one(fixture.thing(fixture.id(), &format!("thing {number}")))
        }));
    let (outcomes, ()) = join(writes, fixture.store.close()).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let late = fixture.write_one(fixture.thing(fixture.id(), "late")).await;
    assert!(matches!(late, Err(Error::Unavailable(_))), "{late:?}");
    assert!(matches!(
        fixture.store.ping().await,
        Err(Error::Unavailable(_))
    ));
    let log = fixture.database.file().with_extension("sqlite-wal");
    assert!(std::fs::metadata(&log).map_or(true, |file| file.len() == 0));
    let fixture = fixture.reopen(|_| {}).await;
    assert_eq!(fixture.number(THINGS).await, 200);
    fixture.store.ping().await.unwrap();
}

#[track_caller]
fn refused(url: &str) {
    let config = carnet_store::Config {
        url: carnet_kernel::Secret::new(url),
        ..Default::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    match runtime.block_on(Store::open(&config)) {
        Err(Error::Configuration(message)) => assert!(message.contains(url), "{message}"),
        Err(other) => panic!("{url}: {other:?}"),
        Ok(_) => panic!("{url} was opened"),
    }
}

#[test]
fn addresses_that_name_no_file_are_refused() {
    refused("sqlite:");
    refused("sqlite::memory:");
    refused("sqlite:file:x.sqlite");
    refused("sqlite:x.sqlite?mode=rwc");
    refused("sqlite:/");
}
