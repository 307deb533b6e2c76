//! Parts of a transaction: what stands of them, and that they keep out of each other's way.

use super::fixture::{Fixture, JOURNAL, THINGS};
use super::units::stamp;
use crate::database::on_both;
use carnet_store::{Ended, Error, How, Part, Scope, Task, Transaction};
use futures_util::future::{FutureExt, join};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

on_both! {
    a_part_that_is_kept_stands,
    a_part_that_is_dropped_is_gone,
    parts_nest,
    a_part_that_nobody_waits_for_is_gone,
    a_part_that_is_left_as_the_code_ends_is_gone,
    parts_that_are_joined_take_turns,
    what_failed_in_a_part_goes_with_it,
    a_part_is_of_no_use_after_its_end,
    a_part_ends_with_the_one_around_it,
    a_part_that_is_open_at_the_end_is_gone,
    a_request_that_is_not_polled_keeps_no_part_waiting,
    what_failed_stays_failed_for_what_keeps_it,
}

const KEEP: Ended = Ended {
    keep: true,
    note: None,
};

/// What the code of a test has.
#[derive(Clone)]
struct Inside {
    fixture: Arc<Fixture>,
    scope: Scope,
    transaction: Transaction,
}

impl Inside {
    /// A part of it, and the same inside.
    async fn part(&self) -> (Part, Self) {
        let part = self.transaction.part().await.unwrap();
        let inner = Self {
            scope: self.scope.clone().within(part.transaction()),
            transaction: part.transaction().clone(),
            ..self.clone()
        };
        (part, inner)
    }

    async fn write(&self, name: &str) -> Result<(), Error> {
        let unit = self.fixture.thing(self.fixture.id(), name);
        self.scope
            .write(&self.fixture.view, &stamp(), vec![unit])
            .await
            .map(|_| ())
            .map_err(|failure| failure.error)
    }

    async fn rows(&self) -> Result<usize, Error> {
        self.scope
            .list(&self.fixture.view, &self.fixture.names())
            .await
            .map(|listing| listing.rows)
    }
}

/// Runs code once as tenant 1 and answers how many things there are then.
async fn run<F>(fixture: Fixture, code: F) -> i64
where
    F: Fn(Inside) -> Task + Send + Sync + 'static,
{
    let fixture = Arc::new(fixture);
    let scope = fixture.scope().await;
    let (inside, outside) = (Arc::clone(&fixture), scope.clone());
    let make = move |transaction: Transaction| {
        code(Inside {
            fixture: Arc::clone(&inside),
            scope: outside.clone().within(&transaction),
            transaction,
        })
    };
    let how = How::default();
    let done = scope.transact(&fixture.view, &stamp(), &how, &make).await;
    done.unwrap();
    let things = fixture.number(THINGS).await;
    assert_eq!(fixture.number(JOURNAL).await, things);
    things
}

async fn a_part_that_is_kept_stands(fixture: Fixture) {
    let things = run(fixture, |code| {
        Box::pin(async move {
            let (part, inner) = code.part().await;
            inner.write("a").await.unwrap();
            part.keep().unwrap();
            code.write("b").await.unwrap();
            KEEP
        })
    });
    assert_eq!(things.await, 2);
}

async fn a_part_that_is_dropped_is_gone(fixture: Fixture) {
    let things = run(fixture, |code| {
        Box::pin(async move {
            code.write("a").await.unwrap();
            let (part, inner) = code.part().await;
            inner.write("b").await.unwrap();
            assert_eq!(inner.rows().await.unwrap(), 2);
            drop(part);
            assert_eq!(code.rows().await.unwrap(), 1);
            code.write("b").await.unwrap();
            KEEP
        })
    });
    assert_eq!(things.await, 2);
}

async fn parts_nest(fixture: Fixture) {
    let things = run(fixture, |code| {
        Box::pin(async move {
            for (outer, inner) in [(true, true), (true, false), (false, true), (false, false)] {
                let name = |level: &str| format!("{level} {outer} {inner}");
                let (first, within) = code.part().await;
                within.write(&name("outer")).await.unwrap();
                let (second, deepest) = within.part().await;
                deepest.write(&name("inner")).await.unwrap();
                if inner {
                    second.keep().unwrap();
                } else {
                    drop(second);
                }
                if outer {
                    first.keep().unwrap();
                }
            }
            KEEP
        })
    });
    assert_eq!(things.await, 3);
}

async fn a_part_that_nobody_waits_for_is_gone(fixture: Fixture) {
    let things = run(fixture, |code| {
        Box::pin(async move {
            let slow = async {
                let (part, inner) = code.part().await;
                inner.write("slow").await.unwrap();
                tokio::time::sleep(Duration::from_secs(60)).await;
                part.keep().unwrap();
            };
            let waited = tokio::time::timeout(Duration::from_millis(20), slow).await;
            assert!(waited.is_err());
            code.write("quick").await.unwrap();
            KEEP
        })
    });
    assert_eq!(things.await, 1);
}

async fn a_part_that_is_left_as_the_code_ends_is_gone(fixture: Fixture) {
    let things = run(fixture, |code| {
        Box::pin(async move {
            code.write("before").await.unwrap();
            let (part, inner) = code.part().await;
            inner.write("undone").await.unwrap();
            // Asked for and not waited for: it is not carried out any more.
            assert!(pin!(inner.write("never")).now_or_never().is_none());
            drop(part);
            KEEP
        })
    });
    assert_eq!(things.await, 1);
}

async fn parts_that_are_joined_take_turns(fixture: Fixture) {
    let things = run(fixture, |code| {
        Box::pin(async move {
            let in_part = |name: &'static str, keep: bool| {
                let code = code.clone();
                async move {
                    let (part, inner) = code.part().await;
                    inner.write(name).await.unwrap();
                    inner.write(&format!("{name} again")).await.unwrap();
                    if keep {
                        part.keep().unwrap();
                    }
                }
            };
            join(
                join(in_part("stands", true), in_part("falls", false)),
                join(in_part("stands too", true), code.write("beside")),
            )
            .await
            .1
            .1
            .unwrap();
            KEEP
        })
    });
    assert_eq!(things.await, 5);
}

async fn what_failed_in_a_part_goes_with_it(fixture: Fixture) {
    let things = run(fixture, |code| {
        Box::pin(async move {
            code.write("a").await.unwrap();
            let (part, inner) = code.part().await;
            inner.write("b").await.unwrap();
            let twice = inner.write("a").await;
            assert!(matches!(twice, Err(Error::Unique { .. })), "{twice:?}");
            drop(part);
            code.write("c").await.unwrap();
            KEEP
        })
    });
    assert_eq!(things.await, 2);
}

async fn a_part_is_of_no_use_after_its_end(fixture: Fixture) {
    let things = run(fixture, |code| {
        Box::pin(async move {
            let (part, inner) = code.part().await;
            part.keep().unwrap();
            let wrote = inner.write("late").await;
            assert!(matches!(wrote, Err(Error::TransactionOver)), "{wrote:?}");
            let read = inner.rows().await;
            assert!(matches!(read, Err(Error::TransactionOver)), "{read:?}");
            let begun = inner.transaction.part().await.map(|_| ());
            assert!(matches!(begun, Err(Error::TransactionOver)), "{begun:?}");
            code.write("in time").await.unwrap();
            KEEP
        })
    });
    assert_eq!(things.await, 1);
}

async fn a_part_ends_with_the_one_around_it(fixture: Fixture) {
    let things = run(fixture, |code| {
        Box::pin(async move {
            let (outer, within) = code.part().await;
            within.write("outer").await.unwrap();
            let (inner, deepest) = within.part().await;
            deepest.write("inner").await.unwrap();
            outer.keep().unwrap();
            code.write("after").await.unwrap();
            let wrote = deepest.write("late").await;
            assert!(matches!(wrote, Err(Error::TransactionOver)), "{wrote:?}");
            let kept = inner.keep();
            assert!(matches!(kept, Err(Error::TransactionOver)), "{kept:?}");
            KEEP
        })
    });
    assert_eq!(things.await, 3);
}

async fn a_part_that_is_open_at_the_end_is_gone(fixture: Fixture) {
    let held: Arc<std::sync::Mutex<Option<Part>>> = Arc::default();
    let things = run(fixture, move |code| {
        let held = Arc::clone(&held);
        Box::pin(async move {
            code.write("before").await.unwrap();
            let (part, inner) = code.part().await;
            inner.write("undone").await.unwrap();
            *held.lock().unwrap() = Some(part);
            KEEP
        })
    });
    assert_eq!(things.await, 1);
}

async fn a_request_that_is_not_polled_keeps_no_part_waiting(fixture: Fixture) {
    let things = run(fixture, |code| {
        Box::pin(async move {
            let mut left = pin!(code.write("left"));
            assert!(left.as_mut().now_or_never().is_none());
            let (part, inner) = code.part().await;
            inner.write("inner").await.unwrap();
            part.keep().unwrap();
            left.await.unwrap();
            KEEP
        })
    });
    assert_eq!(things.await, 2);
}

async fn what_failed_stays_failed_for_what_keeps_it(fixture: Fixture) {
    let things = run(fixture, |code| {
        Box::pin(async move {
            code.write("a").await.unwrap();
            let (outer, within) = code.part().await;
            for keep in [true, false] {
                let (part, inner) = within.part().await;
                assert!(inner.write("a").await.is_err());
                if keep {
                    part.keep().unwrap();
                }
            }
            drop(outer);
            code.write("b").await.unwrap();
            KEEP
        })
    });
    assert_eq!(things.await, 2);
}
