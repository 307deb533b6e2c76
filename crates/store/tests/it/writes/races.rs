//! Writes at once: nobody takes what another has taken, whatever both have seen.

use super::fixture::{Fixture, JOURNAL, THINGS};
use super::units::{Decide, apply, insert, text};
use crate::database::on_both;
use carnet_kernel::{Code, Refusal, Value};
use carnet_store::{Decision, Error, Load};
use futures_util::future::join_all;
use std::sync::Arc;

on_both! {
    the_last_of_ten_cannot_be_taken_twice,
    at_most_ten_are_featured,
    many_tasks_write_at_once,
}

async fn the_last_of_ten_cannot_be_taken_twice(fixture: Fixture) {
    for most in [10, 1_000] {
        let id = fixture.id();
        fixture
            .write_one(fixture.thing(id, &format!("counter {most}")))
            .await
            .unwrap();
        let outcomes = join_all((0..32).map(|_| fixture.write_one(fixture.take(id, most)))).await;
        let taken = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        for outcome in outcomes {
            assert!(
                outcome.is_ok() || matches!(&outcome, Err(Error::Refused(_))),
                "nobody loses so often that it gives up: {outcome:?}"
            );
        }
        assert_eq!(taken as i64, most.min(32));
        let things = fixture.resource("things");
        let record = fixture.load("things", id).await.unwrap();
        assert_eq!(record.version(things), Some(1 + taken as i64));
        let count = things.field_named("count").unwrap();
        assert_eq!(record.get(count), &Value::Integer(taken as i64));
    }
}

async fn at_most_ten_are_featured(fixture: Fixture) {
    let category = fixture.id();
    fixture
        .write_one(fixture.create("categories", category, &[("name", text("few"))]))
        .await
        .unwrap();
    let things = fixture.resource("things").clone();
    let field = things.field_named("categoryId").unwrap();
    // Nobody changes a row that another one reads: only serialisability keeps the rule.
    let join_in = |number: usize| {
        let things = things.clone();
        let step = insert(
            &things,
            fixture.id(),
            &[
                ("name", text(&format!("thing {number}"))),
                ("categoryId", Value::Id(category)),
            ],
        );
        Decide::unit(move |_, loaded| {
            let load = Load::Referencing {
                resource: things.index,
                field,
                id: category,
                limit: 100,
            };
            match loaded.get(&load) {
                None => Ok(Decision::Load(vec![load])),
                Some(found) if found.len() >= 10 => {
                    Err(Refusal::new(Code::ValidationFailed, "there are ten"))
                }
                Some(_) => Ok(apply(vec![step.clone()])),
            }
        })
    };
    let outcomes = join_all((0..32).map(|number| fixture.write_one(join_in(number)))).await;
    let joined = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    for outcome in &outcomes {
        assert!(
            matches!(outcome, Ok(()) | Err(Error::Refused(_) | Error::Conflict)),
            "{outcome:?}"
        );
    }
    assert_eq!(fixture.number(THINGS).await, joined as i64);
    assert_eq!(joined, 10, "{outcomes:?}");
}

async fn many_tasks_write_at_once(fixture: Fixture) {
    let fixture = Arc::new(fixture);
    let tasks: Vec<_> = (0..16)
        .map(|task| {
            let fixture = Arc::clone(&fixture);
            tokio::spawn(async move { fixture.write_things(task, 20).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(fixture.number(THINGS).await, 320);
    assert_eq!(fixture.number(JOURNAL).await, 320);
    // A group is one commit, and the tables were another.
    if fixture.is_sqlite() {
        assert!(fixture.store.counters().commits <= 321);
    }
}
