//! Code in a transaction: what it sees, what stays of it, and its limits.

use super::fixture::{Fixture, JOURNAL, THINGS};
use super::units::{insert, stamp, text, unit};
use crate::database::on_both;
use carnet_expr::{CompareOp, Predicate};
use carnet_kernel::{Code, Id, Value};
use carnet_store::{
    Apart, Count, Ended, Error, How, Listing, Query, Receipt, Scope, Task, Transacted, Transaction,
    Unit,
};
use futures_util::future::{join, join_all};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

on_both! {
    code_sees_what_it_wrote_and_keeps_it,
    what_code_does_not_keep_is_gone,
    a_write_that_fails_is_undone_and_the_code_goes_on,
    a_panic_undoes_everything_and_nothing_else,
    at_most_ten_are_featured_by_code,
    early_reads_are_checked,
    a_handle_is_of_no_use_after_the_end,
    a_transaction_has_its_time,
    a_caller_who_leaves_takes_everything_back,
    code_under_one_key_has_one_effect,
    a_dry_run_of_code_leaves_nothing,
    a_tenants_transaction_writes_nothing_of_the_platform,
    reads_that_are_joined_go_together,
}

const KEEP: Ended = Ended {
    keep: true,
    note: None,
};

static PLAIN: How = How {
    apart: Apart::Serializable,
    late: false,
    dry_run: false,
    receipt: None,
};

/// Runs code once as tenant 1.
async fn run<F>(fixture: &Fixture, how: &How, code: F) -> Result<Transacted, Error>
where
    F: Fn(Scope) -> Task + Send + Sync + 'static,
{
    let scope = fixture.scope().await;
    let inside = scope.clone();
    let make = move |transaction: Transaction| code(inside.clone().within(&transaction));
    scope.transact(&fixture.view, &stamp(), how, &make).await
}

async fn write(fixture: &Fixture, scope: &Scope, unit: Arc<dyn Unit>) -> Result<(), Error> {
    scope
        .write(&fixture.view, &stamp(), vec![unit])
        .await
        .map(|_| ())
        .map_err(|failure| failure.error)
}

async fn names(fixture: &Fixture, scope: &Scope) -> Listing {
    scope.list(&fixture.view, &fixture.names()).await.unwrap()
}

async fn code_sees_what_it_wrote_and_keeps_it(fixture: Fixture) {
    let fixture = Arc::new(fixture);
    let inside = Arc::clone(&fixture);
    let done = run(&fixture, &PLAIN, move |scope| {
        let fixture = Arc::clone(&inside);
        Box::pin(async move {
            assert_eq!(names(&fixture, &scope).await.rows, 0);
            for name in ["a", "b"] {
                let unit = fixture.thing(fixture.id(), name);
                write(&fixture, &scope, unit).await.unwrap();
            }
            assert_eq!(names(&fixture, &scope).await.rows, 2);
            assert_eq!(fixture.number(THINGS).await, 0, "others see nothing yet");
            KEEP
        })
    });
    assert_eq!(done.await.unwrap(), Transacted::Ended);
    assert_eq!(fixture.number(THINGS).await, 2);
    assert_eq!(fixture.number(JOURNAL).await, 2);
}

async fn what_code_does_not_keep_is_gone(fixture: Fixture) {
    let fixture = Arc::new(fixture);
    let inside = Arc::clone(&fixture);
    let done = run(&fixture, &PLAIN, move |scope| {
        let fixture = Arc::clone(&inside);
        Box::pin(async move {
            let unit = fixture.thing(fixture.id(), "a");
            write(&fixture, &scope, unit).await.unwrap();
            Ended::default()
        })
    });
    assert_eq!(done.await.unwrap(), Transacted::Ended);
    assert_eq!(fixture.number(THINGS).await, 0);
    assert_eq!(fixture.number(JOURNAL).await, 0);
    // The session goes on.
    let unit = fixture.thing(fixture.id(), "b");
    fixture.write_one(unit).await.unwrap();
}

async fn a_write_that_fails_is_undone_and_the_code_goes_on(fixture: Fixture) {
    let fixture = Arc::new(fixture);
    let inside = Arc::clone(&fixture);
    let done = run(&fixture, &PLAIN, move |scope| {
        let fixture = Arc::clone(&inside);
        Box::pin(async move {
            for (name, fits) in [("a", true), ("A", false), ("b", true), ("b", false)] {
                let things = fixture.resource("things");
                let first = insert(
                    things,
                    fixture.id(),
                    &[("name", text(&format!("{name} 1")))],
                );
                let second = insert(things, fixture.id(), &[("name", text(name))]);
                let outcome = write(&fixture, &scope, unit(vec![first, second])).await;
                match outcome {
                    Ok(()) => assert!(fits, "{name}"),
                    Err(Error::Unique { .. }) => assert!(!fits, "{name}"),
                    Err(other) => panic!("{name}: {other:?}"),
                }
            }
            KEEP
        })
    });
    done.await.unwrap();
    assert_eq!(fixture.number(THINGS).await, 4);
    assert_eq!(fixture.number(JOURNAL).await, 4);
}

async fn a_panic_undoes_everything_and_nothing_else(fixture: Fixture) {
    let fixture = Arc::new(fixture);
    let inside = Arc::clone(&fixture);
    let code = run(&fixture, &PLAIN, move |scope| {
        let fixture = Arc::clone(&inside);
        Box::pin(async move {
            let unit = fixture.thing(fixture.id(), "a");
            write(&fixture, &scope, unit).await.unwrap();
            panic!("on purpose")
        })
    });
    let others = fixture.write_things(1, 20);
    let (outcome, ()) = join(code, others).await;
    assert!(matches!(outcome, Err(Error::Internal(_))), "{outcome:?}");
    assert_eq!(fixture.number(THINGS).await, 20);
}

/// How many things are of a category.
fn members(fixture: &Fixture, category: Id) -> Query {
    let things = fixture.resource("things");
    let field = things.field_named("categoryId").unwrap();
    Query {
        predicate: Predicate::compare(field, CompareOp::Eq, Value::Id(category)),
        count: Count::Exact,
        ..fixture.names()
    }
}

async fn at_most_ten_are_featured_by_code(fixture: Fixture) {
    let fixture = Arc::new(fixture);
    let serializable = How::default();
    let locked = How {
        apart: Apart::Locked,
        ..How::default()
    };
    let late = How {
        late: true,
        ..How::default()
    };
    for (word, how) in [
        ("serializable", serializable),
        ("locked", locked),
        ("late", late),
    ] {
        let category = fixture.id();
        fixture
            .write_one(fixture.create("categories", category, &[("name", text(word))]))
            .await
            .unwrap();
        let joined = Arc::new(AtomicU32::new(0));
        let callers = (0..32).map(|number| {
            let (fixture, how) = (Arc::clone(&fixture), how.clone());
            let joined = Arc::clone(&joined);
            tokio::spawn(async move {
                let inside = Arc::clone(&fixture);
                let in_time = Arc::new(Mutex::new(false));
                let kept = Arc::clone(&in_time);
                let locks = how.apart == Apart::Locked;
                let code = move |scope: Scope| -> Task {
                    let fixture = Arc::clone(&inside);
                    let kept = Arc::clone(&kept);
                    Box::pin(async move {
                        let categories = fixture.resource("categories").index;
                        if locks {
                            let locked = scope.lock(&fixture.view, categories, vec![category]);
                            locked.await.unwrap();
                        }
                        let query = members(&fixture, category);
                        let Ok(found) = scope.list(&fixture.view, &query).await else {
                            return Ended::default();
                        };
                        if found.total.unwrap() >= 10 {
                            *kept.lock().unwrap() = false;
                            return Ended::default();
                        }
                        let values = [
                            ("name", text(&format!("{word} {number}"))),
                            ("categoryId", Value::Id(category)),
                        ];
                        let unit = fixture.create("things", fixture.id(), &values);
                        let written = write(&fixture, &scope, unit).await;
                        *kept.lock().unwrap() = written.is_ok();
                        Ended {
                            keep: written.is_ok(),
                            note: None,
                        }
                    })
                };
                let outcome = run(&fixture, &how, code).await;
                let took = *in_time.lock().unwrap();
                if outcome.is_ok() && took {
                    joined.fetch_add(1, Ordering::Relaxed);
                }
                outcome
            })
        });
        for outcome in join_all(callers).await {
            let outcome = outcome.unwrap();
            assert!(
                matches!(&outcome, Ok(_) | Err(Error::Conflict)),
                "{word}: {outcome:?}"
            );
        }
        let scope = fixture.scope().await;
        let found = scope
            .list(&fixture.view, &members(&fixture, category))
            .await
            .unwrap();
        assert_eq!(found.total, Some(10), "{word}");
        assert_eq!(joined.load(Ordering::Relaxed), 10, "{word}");
    }
}

async fn early_reads_are_checked(fixture: Fixture) {
    let fixture = Arc::new(fixture);
    let how = How {
        late: true,
        ..How::default()
    };
    let runs = Arc::new(AtomicU32::new(0));
    let (inside, counted) = (Arc::clone(&fixture), Arc::clone(&runs));
    let done = run(&fixture, &how, move |scope| {
        let (fixture, counted) = (Arc::clone(&inside), Arc::clone(&counted));
        Box::pin(async move {
            let found = names(&fixture, &scope).await.rows;
            if counted.fetch_add(1, Ordering::Relaxed) == 0 {
                // Another caller is faster while this one asks the outside world.
                let unit = fixture.thing(fixture.id(), "another");
                fixture.write_one(unit).await.unwrap();
            }
            let unit = fixture.thing(fixture.id(), &format!("after {found}"));
            write(&fixture, &scope, unit).await.unwrap();
            KEEP
        })
    });
    done.await.unwrap();
    assert_eq!(runs.load(Ordering::Relaxed), 2);
    let scope = fixture.scope().await;
    let found = names(&fixture, &scope).await;
    let json = String::from_utf8(found.json).unwrap();
    assert!(
        json.contains("after 1") && !json.contains("after 0"),
        "{json}"
    );
}

async fn a_handle_is_of_no_use_after_the_end(fixture: Fixture) {
    let fixture = Arc::new(fixture);
    let kept: Arc<Mutex<Option<Scope>>> = Arc::default();
    let held = Arc::clone(&kept);
    let inside = Arc::clone(&fixture);
    let done = run(&fixture, &PLAIN, move |scope| {
        let (fixture, held) = (Arc::clone(&inside), Arc::clone(&held));
        Box::pin(async move {
            names(&fixture, &scope).await;
            *held.lock().unwrap() = Some(scope);
            KEEP
        })
    });
    done.await.unwrap();
    let scope = kept.lock().unwrap().take().unwrap();
    let read = scope.list(&fixture.view, &fixture.names()).await;
    assert!(matches!(read, Err(Error::TransactionOver)), "{read:?}");
    let unit = fixture.thing(fixture.id(), "late");
    let wrote = write(&fixture, &scope, unit).await;
    assert!(matches!(wrote, Err(Error::TransactionOver)), "{wrote:?}");
}

async fn a_transaction_has_its_time(fixture: Fixture) {
    let short = |config: &mut carnet_store::Config| {
        config.transaction_budget = carnet_kernel::Period(Duration::from_millis(300));
    };
    let fixture = Arc::new(fixture.reopen(short).await);
    let stalls = |patience: Duration| {
        let inside = Arc::clone(&fixture);
        move |scope: Scope| -> Task {
            let fixture = Arc::clone(&inside);
            Box::pin(async move {
                let unit = fixture.thing(fixture.id(), "slow");
                write(&fixture, &scope, unit).await.unwrap();
                tokio::time::sleep(patience).await;
                KEEP
            })
        }
    };
    let alone = run(&fixture, &PLAIN, stalls(Duration::from_secs(5))).await;
    assert!(matches!(alone, Err(Error::TooLong)), "{alone:?}");
    assert_eq!(fixture.number(THINGS).await, 0);
    if fixture.is_sqlite() {
        let code = run(&fixture, &PLAIN, stalls(Duration::from_millis(200)));
        let others = fixture.write_things(2, 50);
        let (outcome, ()) = join(code, others).await;
        assert!(matches!(outcome, Err(Error::Stalled)), "{outcome:?}");
        assert_eq!(fixture.number(THINGS).await, 50);
    }
    let waits = run(&fixture, &PLAIN, stalls(Duration::from_millis(20))).await;
    waits.unwrap();
}

async fn a_caller_who_leaves_takes_everything_back(fixture: Fixture) {
    let fixture = Arc::new(fixture);
    let (reached, told) = tokio::sync::oneshot::channel::<()>();
    let reached = Arc::new(Mutex::new(Some(reached)));
    let inside = Arc::clone(&fixture);
    let task = {
        let fixture = Arc::clone(&fixture);
        tokio::spawn(async move {
            run(&fixture, &PLAIN, move |scope| {
                let (fixture, reached) = (Arc::clone(&inside), Arc::clone(&reached));
                Box::pin(async move {
                    let unit = fixture.thing(fixture.id(), "a");
                    write(&fixture, &scope, unit).await.unwrap();
                    let reached = reached.lock().unwrap().take();
                    if let Some(reached) = reached {
                        reached.send(()).unwrap();
                    }
                    std::future::pending().await
                })
            })
            .await
        })
    };
    told.await.unwrap();
    task.abort();
    let unit = fixture.thing(fixture.id(), "a");
    fixture.write_one(unit).await.unwrap();
    assert_eq!(fixture.number(THINGS).await, 1);
}

async fn code_under_one_key_has_one_effect(fixture: Fixture) {
    let fixture = Arc::new(fixture);
    let how = |request: u128| How {
        receipt: Some(Receipt {
            key: Id::from_u128(7),
            request: Id::from_u128(request),
            answer: Arc::new(|_| None),
        }),
        ..How::default()
    };
    let code = |name: &'static str| {
        let inside = Arc::clone(&fixture);
        move |scope: Scope| -> Task {
            let fixture = Arc::clone(&inside);
            Box::pin(async move {
                let unit = fixture.thing(fixture.id(), name);
                write(&fixture, &scope, unit).await.unwrap();
                Ended {
                    keep: true,
                    note: Some(name.to_owned()),
                }
            })
        }
    };
    let first = run(&fixture, &how(1), code("a")).await.unwrap();
    assert_eq!(first, Transacted::Ended);
    let second = run(&fixture, &how(1), code("b")).await.unwrap();
    assert_eq!(second, Transacted::Earlier("a".to_owned()));
    let other = run(&fixture, &how(2), code("c")).await;
    assert!(matches!(other, Err(Error::KeyReused)), "{other:?}");
    assert_eq!(fixture.number(THINGS).await, 1);
    // Code that asks nothing of the database is remembered as well.
    let still = How {
        receipt: Some(Receipt {
            key: Id::from_u128(8),
            request: Id::from_u128(1),
            answer: Arc::new(|_| None),
        }),
        ..How::default()
    };
    let says = |_| -> Task {
        Box::pin(async {
            Ended {
                keep: true,
                note: Some("said".to_owned()),
            }
        })
    };
    assert_eq!(
        run(&fixture, &still, says).await.unwrap(),
        Transacted::Ended
    );
    let again = run(&fixture, &still, says).await.unwrap();
    assert_eq!(again, Transacted::Earlier("said".to_owned()));
}

async fn a_dry_run_of_code_leaves_nothing(fixture: Fixture) {
    let fixture = Arc::new(fixture);
    let how = How {
        dry_run: true,
        ..How::default()
    };
    let inside = Arc::clone(&fixture);
    let done = run(&fixture, &how, move |scope| {
        let fixture = Arc::clone(&inside);
        Box::pin(async move {
            let unit = fixture.thing(fixture.id(), "a");
            write(&fixture, &scope, unit).await.unwrap();
            assert_eq!(names(&fixture, &scope).await.rows, 1);
            KEEP
        })
    });
    done.await.unwrap();
    assert_eq!(fixture.number(THINGS).await, 0);
}

async fn a_tenants_transaction_writes_nothing_of_the_platform(fixture: Fixture) {
    let fixture = Arc::new(fixture);
    let inside = Arc::clone(&fixture);
    let done = run(&fixture, &PLAIN, move |scope| {
        let fixture = Arc::clone(&inside);
        Box::pin(async move {
            let unit = fixture.create("units", fixture.id(), &[("code", text("kg"))]);
            match write(&fixture, &scope, unit).await {
                Err(Error::Refused(refusal)) => assert_eq!(refusal.code, Code::PlacementMixed),
                other => panic!("{other:?}"),
            }
            KEEP
        })
    });
    done.await.unwrap();
    assert_eq!(
        fixture.number("select count(*) from {records}units").await,
        0
    );
}

async fn reads_that_are_joined_go_together(fixture: Fixture) {
    let fixture = Arc::new(fixture);
    fixture.write_things(1, 3).await;
    let code = || {
        let inside = Arc::clone(&fixture);
        move |scope: Scope| -> Task {
            let fixture = Arc::clone(&inside);
            Box::pin(async move {
                let (one, other) = join(names(&fixture, &scope), names(&fixture, &scope)).await;
                assert_eq!((one.rows, other.rows), (3, 3));
                KEEP
            })
        }
    };
    // What is prepared first is not counted.
    run(&fixture, &PLAIN, code()).await.unwrap();
    let before = fixture.store.counters();
    run(&fixture, &PLAIN, code()).await.unwrap();
    let after = fixture.store.counters();
    assert_eq!(after.statements - before.statements, 2);
    let trips = if fixture.is_sqlite() { 0 } else { 2 };
    assert_eq!(after.round_trips - before.round_trips, trips);
}
