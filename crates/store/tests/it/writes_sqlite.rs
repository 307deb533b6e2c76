//! Writes on SQLite: units, constraints, groups, and what a caller is told.

#![cfg(test)]

use crate::fixture_sqlite::{
    Decide, Fixture, apply, config, context, delete, entry, gate, insert, price, stamp, text,
};
use carnet_kernel::{Code, Period, PrincipalKind, Refusal, TenantKey, Value};
use carnet_store::{
    Changes, Decision, Error, Guard, JournalCursor, JournalKind, Step, Store, UpdateRow,
};
use futures_util::future::{join, join_all};
use std::sync::Arc;
use std::time::Duration;

async fn open(folder: &tempfile::TempDir) -> Fixture {
    Fixture::open(&config(folder.path())).await
}

#[tokio::test]
async fn a_record_lives_and_its_journal_tells_it() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = open(&folder).await;
    let id = fixture.id();
    let values = [
        ("name", text("Große Schraube")),
        ("price", price(1_250)),
        ("note", text("a \"note\"")),
    ];
    fixture
        .write_one(fixture.create("things", id, &values))
        .await
        .unwrap();
    let things = fixture.resource("things").clone();
    let record = fixture.load("things", id).await.unwrap();
    let named = |name: &str| record.get(things.field_named(name).unwrap()).clone();
    assert_eq!(named("name"), text("Große Schraube"));
    assert_eq!(named("price"), price(1_250));
    assert_eq!(named("count"), Value::Integer(0));
    assert_eq!(named("sku"), Value::Null);
    assert_eq!(named("createdAt"), Value::DateTime(stamp().now.0));
    assert_eq!(record.version(&things), Some(1));
    let keys = fixture
        .store
        .system()
        .rows("select name_key from {records}things", &[])
        .await
        .unwrap();
    assert_eq!(keys, [[text("grosse schraube")]]);

    let change = [("name", text("Mutter")), ("price", Value::Null)];
    fixture
        .write_one(fixture.update("things", id, &change))
        .await
        .unwrap();
    let record = fixture.load("things", id).await.unwrap();
    assert_eq!(record.version(&things), Some(2));
    assert_eq!(
        record.get(things.field_named("price").unwrap()),
        &Value::Null
    );
    fixture
        .write_one(fixture.delete("things", id))
        .await
        .unwrap();
    assert_eq!(fixture.load("things", id).await, None);

    let (rows, cursor) = fixture
        .store
        .system()
        .tail(&JournalCursor::Start, 2)
        .await
        .unwrap();
    let (rest, end) = fixture.store.system().tail(&cursor, 10).await.unwrap();
    let told: Vec<(&str, i64)> = rows
        .iter()
        .chain(&rest)
        .map(|row| (row.kind.as_str(), row.version))
        .collect();
    assert_eq!(told, [("create", 1), ("update", 2), ("delete", 3)]);
    assert_eq!(rows[0].record, id);
    assert_eq!(rows[0].tenant, TenantKey::DEFAULT);
    assert_eq!(rows[0].resource, "things");
    let known = fixture.number("select version from carnet_schemas").await;
    assert_eq!(rows[0].schema_version, known);
    assert_eq!(rows[0].body, "{\"version\":1}");
    assert_eq!(rows[0].at, stamp().now);
    assert_eq!(rows[0].correlation, stamp().correlation);
    assert_eq!(
        rows[0].principal.map(|known| known.kind),
        Some(PrincipalKind::System)
    );
    let (nothing, same) = fixture.store.system().tail(&end, 10).await.unwrap();
    assert_eq!((nothing, same), (Vec::new(), end));
}

#[tokio::test]
async fn a_version_that_is_gone_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = open(&folder).await;
    let (kept, stale) = (fixture.id(), fixture.id());
    fixture
        .write_one(fixture.thing(stale, "stale"))
        .await
        .unwrap();
    let things = fixture.resource("things").clone();
    let steps = vec![
        insert(&things, kept, &[("name", text("kept"))]),
        delete(&things, stale, 5),
    ];
    let failure = fixture
        .write(vec![
            fixture.thing(fixture.id(), "first"),
            Decide::unit(move |_, _| Ok(apply(steps.clone()))),
        ])
        .await
        .unwrap_err();
    assert!(matches!(failure.error, Error::Conflict), "{failure:?}");
    assert_eq!((failure.unit, failure.step, failure.row), (1, 1, 0));
    assert_eq!(fixture.number("select count(*) from things").await, 1);
    let journal = "select count(*) from carnet_journal_records";
    assert_eq!(fixture.number(journal).await, 1);
}

#[tokio::test]
async fn a_guard_that_fails_undoes_its_unit() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = open(&folder).await;
    let (seen, made) = (fixture.id(), fixture.id());
    fixture
        .write_one(fixture.thing(seen, "seen"))
        .await
        .unwrap();
    let things = fixture.resource("things").clone();
    let guarded = |version| {
        let step = insert(&things, made, &[("name", text("made"))]);
        let guard = Guard {
            resource: things.index,
            id: seen,
            version,
        };
        Decide::unit(move |_, _| {
            Ok(Decision::Apply(Changes {
                guards: vec![guard.clone()],
                kept: Vec::new(),
                steps: vec![step.clone()],
            }))
        })
    };
    let lost = fixture.write_one(guarded(2)).await;
    assert!(matches!(lost, Err(Error::Conflict)), "{lost:?}");
    assert_eq!(fixture.number("select count(*) from things").await, 1);
    fixture.write_one(guarded(1)).await.unwrap();
    assert_eq!(fixture.number("select count(*) from things").await, 2);
}

#[tokio::test]
async fn a_unit_sees_what_the_one_before_applied() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = open(&folder).await;
    let id = fixture.id();
    let applied = fixture
        .write(vec![
            fixture.thing(id, "made"),
            fixture.update("things", id, &[("count", Value::Integer(3))]),
            fixture.update("things", id, &[("note", text("twice"))]),
        ])
        .await
        .unwrap();
    assert_eq!(applied.len(), 3);
    let things = fixture.resource("things").clone();
    let record = fixture.load("things", id).await.unwrap();
    assert_eq!(record.version(&things), Some(3));
    let count = things.field_named("count").unwrap();
    assert_eq!(record.get(count), &Value::Integer(3));
}

/// The names of the fields that a unique violation is told of.
#[track_caller]
fn violated(fixture: &Fixture, outcome: Result<(), Error>) -> (String, Vec<String>) {
    match outcome {
        Err(Error::Unique { resource, fields }) => {
            let resource = fixture.view.resource(resource);
            let names = fields
                .iter()
                .map(|field| resource.field(*field).name.clone());
            (resource.name.clone(), names.collect())
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn broken_constraints_are_told_by_field() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = open(&folder).await;
    let (category, thing) = (fixture.id(), fixture.id());
    fixture
        .write(vec![
            fixture.create("categories", category, &[("name", text("tools"))]),
            fixture.create(
                "things",
                thing,
                &[
                    ("name", text("Straße")),
                    ("sku", text("s")),
                    ("categoryId", Value::Id(category)),
                ],
            ),
        ])
        .await
        .unwrap();
    let create = |id, values: &[(&str, Value)]| fixture.create("things", id, values);

    let by_companion = fixture
        .write_one(fixture.thing(fixture.id(), "STRASSE"))
        .await;
    let expected = ("things".to_owned(), vec!["name".to_owned()]);
    assert_eq!(violated(&fixture, by_companion), expected);
    let by_key = fixture.write_one(fixture.thing(thing, "other")).await;
    let expected = ("things".to_owned(), vec!["id".to_owned()]);
    assert_eq!(violated(&fixture, by_key), expected);
    let values = [
        ("name", text("other")),
        ("sku", text("s")),
        ("categoryId", Value::Id(category)),
    ];
    let by_two = fixture.write_one(create(fixture.id(), &values)).await;
    let fields = vec!["categoryId".to_owned(), "sku".to_owned()];
    assert_eq!(violated(&fixture, by_two), ("things".to_owned(), fields));

    let dangling = [
        ("name", text("other")),
        ("categoryId", Value::Id(fixture.id())),
    ];
    let missing = fixture.write_one(create(fixture.id(), &dangling)).await;
    let things = fixture.resource("things");
    assert!(
        matches!(&missing, Err(Error::ReferenceMissing { resource, field })
            if *resource == things.index && things.field(*field).name == "categoryId"),
        "{missing:?}"
    );
    let missing = fixture
        .write_one(fixture.update("things", thing, &[("unitId", Value::Id(fixture.id()))]))
        .await;
    assert!(
        matches!(&missing, Err(Error::ReferenceMissing { field, .. })
            if things.field(*field).name == "unitId"),
        "{missing:?}"
    );
    let held = fixture
        .write_one(fixture.delete("categories", category))
        .await;
    assert!(
        matches!(&held, Err(Error::InUse { resource, by: Some((holder, field)) })
            if *resource == fixture.resource("categories").index
                && *holder == things.index
                && things.field(*field).name == "categoryId"),
        "{held:?}"
    );
    let unruly = fixture
        .write_one(fixture.update("things", thing, &[("state", text("lost"))]))
        .await;
    assert!(matches!(&unruly, Err(Error::Internal(_))), "{unruly:?}");
    assert_eq!(
        fixture
            .number("select count(*) from carnet_journal_records")
            .await,
        2
    );
}

#[tokio::test]
async fn a_tenant_and_the_platform_are_kept_apart() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = open(&folder).await;
    let (unit, thing) = (fixture.id(), fixture.id());
    let create_unit = || fixture.create("units", unit, &[("code", text("KGM"))]);
    let platform = fixture.store.platform(&context());
    let by_platform = |write| platform.write(&fixture.view, stamp_of(), vec![write]);

    let mixed = fixture.write_one(create_unit()).await;
    assert!(
        matches!(&mixed, Err(error) if error.code() == Code::PlacementMixed),
        "{mixed:?}"
    );
    let mixed = by_platform(fixture.thing(thing, "x")).await;
    assert!(
        matches!(&mixed, Err(failure) if failure.error.code() == Code::PlacementMixed),
        "{mixed:?}"
    );
    by_platform(create_unit()).await.unwrap();
    let values = [("name", text("x")), ("unitId", Value::Id(unit))];
    fixture
        .write_one(fixture.create("things", thing, &values))
        .await
        .unwrap();
    let held = by_platform(fixture.delete("units", unit))
        .await
        .unwrap_err();
    assert!(
        matches!(&held.error, Error::InUse { by: Some(_), .. }),
        "{held:?}"
    );
    let (rows, _) = fixture
        .store
        .system()
        .tail(&JournalCursor::Start, 10)
        .await
        .unwrap();
    let tenants: Vec<i64> = rows.iter().map(|row| row.tenant.0).collect();
    assert_eq!(tenants, [0, 1]);
}

fn stamp_of() -> &'static carnet_store::Stamp {
    static STAMP: std::sync::LazyLock<carnet_store::Stamp> = std::sync::LazyLock::new(stamp);
    &STAMP
}

#[tokio::test]
async fn what_is_queued_shares_a_commit() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = open(&folder).await;
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
    assert_eq!(fixture.number("select count(*) from things").await, 64);
}

#[tokio::test]
async fn a_refused_write_leaves_its_group_alone() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = open(&folder).await;
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
    assert_eq!(fixture.number("select count(*) from things").await, 2);
    assert_eq!(
        fixture
            .number("select count(*) from carnet_journal_records")
            .await,
        2
    );
}

#[tokio::test]
async fn a_caller_that_went_away_is_not_served() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = open(&folder).await;
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
    assert_eq!(fixture.number("select count(*) from things").await, 1);
}

#[tokio::test]
async fn a_write_that_takes_too_long_is_undone() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = open(&folder).await;
    fixture.store.close().await;
    let mut hurried = config(folder.path());
    hurried.transaction_budget = Period::millis(20);
    let fixture = Fixture::open(&hurried).await;
    let (slow, open) = gate();
    let waiting = std::thread::spawn(move || {
        // Longer than the budget: the writer's own clock decides.
        std::thread::park_timeout(Duration::from_millis(60));
        drop(open);
    });
    let late = fixture
        .write(vec![slow, fixture.thing(fixture.id(), "late")])
        .await
        .unwrap_err();
    assert!(matches!(late.error, Error::TooLong), "{late:?}");
    waiting.join().unwrap();
    fixture
        .write_one(fixture.thing(fixture.id(), "in time"))
        .await
        .unwrap();
    assert_eq!(fixture.number("select count(*) from things").await, 1);
}

#[tokio::test]
async fn closing_finishes_what_is_queued() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = open(&folder).await;
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
    let log = folder.path().join("data").join("t.sqlite-wal");
    assert!(std::fs::metadata(&log).map_or(true, |file| file.len() == 0));
    let fixture = open(&folder).await;
    assert_eq!(fixture.number("select count(*) from things").await, 200);
    fixture.store.ping().await.unwrap();
}

#[tokio::test]
async fn an_unknown_definition_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = open(&folder).await;
    let forget: (&str, &[_]) = ("update carnet_schemas set hash = 'another'", &[]);
    fixture.store.system().execute(&[forget]).await.unwrap();
    let pending = fixture.write_one(fixture.thing(fixture.id(), "x")).await;
    assert!(
        matches!(pending, Err(Error::SchemaPending(_))),
        "{pending:?}"
    );
    let drop_table: (&str, &[_]) = ("drop table things", &[]);
    fixture.store.system().execute(&[drop_table]).await.unwrap();
    let pending = fixture.write_one(fixture.thing(fixture.id(), "x")).await;
    assert!(
        matches!(pending, Err(Error::SchemaPending(_))),
        "{pending:?}"
    );
}

#[tokio::test]
async fn platform_statements_are_all_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = open(&folder).await;
    let system = fixture.store.system();
    let half: [(&str, &[_]); 2] = [
        (
            "insert into {home}carnet_schemas (version, hash, definition, at) values (80, 'h', '', 0)",
            &[],
        ),
        (
            "insert into {home}carnet_schemas (version, hash, definition, at) values (80, 'h', '', 0)",
            &[],
        ),
    ];
    assert!(system.execute(&half).await.is_err());
    assert_eq!(
        fixture.number("select count(*) from carnet_schemas").await,
        1
    );
    let counts = system.execute(&half[..1]).await.unwrap();
    assert_eq!(counts, [1]);
    let misspelt = system
        .rows("select \"versoin\" from carnet_schemas", &[])
        .await;
    assert!(misspelt.is_err(), "{misspelt:?}");
    let written = system.rows("delete from carnet_schemas", &[]).await;
    assert!(written.is_err(), "{written:?}");
}

#[tokio::test]
async fn a_read_has_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let mut hurried = config(folder.path());
    hurried.statement_timeout = Period::millis(50);
    hurried.readers = 1;
    let fixture = Fixture::open(&hurried).await;
    let endless = "with recursive n (x) as (select 1 union all select x + 1 from n) \
                   select count(*) from n";
    let outcome = fixture.store.system().rows(endless, &[]).await;
    assert!(matches!(outcome, Err(Error::Timeout)), "{outcome:?}");
    assert_eq!(fixture.number("select 42").await, 42);
}

#[tokio::test]
async fn an_abandoned_read_gives_its_thread_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut patient = config(folder.path());
    patient.statement_timeout = Period::seconds(600);
    patient.readers = 1;
    let fixture = Fixture::open(&patient).await;
    let endless = "with recursive n (x) as (select 1 union all select x + 1 from n) \
                   select count(*) from n";
    let system = fixture.store.system();
    let read = tokio::time::timeout(Duration::from_millis(20), system.rows(endless, &[])).await;
    assert!(read.is_err());
    assert_eq!(fixture.number("select 42").await, 42);
}

#[tokio::test]
async fn an_expired_request_is_not_begun() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = open(&folder).await;
    let mut context = context();
    context.deadline = Some(std::time::Instant::now());
    let scope = fixture.store.scope(&context).await.unwrap();
    let unit = fixture.thing(fixture.id(), "late");
    let failure = scope
        .write(&fixture.view, &stamp(), vec![unit])
        .await
        .unwrap_err();
    assert!(matches!(failure.error, Error::Timeout), "{failure:?}");
    assert_eq!(fixture.number("select count(*) from things").await, 0);
}

#[tokio::test]
async fn the_last_of_ten_cannot_be_taken_twice() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = open(&folder).await;
    let id = fixture.id();
    fixture
        .write_one(fixture.thing(id, "counter"))
        .await
        .unwrap();
    let things = fixture.resource("things").clone();
    let count = things.field_named("count").unwrap();
    let take = || {
        let things = things.clone();
        Decide::unit(move |_, loaded| {
            let load = carnet_store::Load::Record {
                resource: things.index,
                id,
            };
            let Some([record]) = loaded.get(&load) else {
                return Ok(Decision::Load(vec![load]));
            };
            let taken = record.get(count).as_integer().unwrap();
            if taken == 10 {
                return Err(Refusal::new(Code::ValidationFailed, "all are taken"));
            }
            let version = record.version(&things).unwrap();
            let field = things.standard.unwrap().version;
            let mut after = record.clone();
            after.set(count, Value::Integer(taken + 1));
            after.set(field, Value::Integer(version + 1));
            Ok(apply(vec![Step::Update {
                resource: things.index,
                rows: vec![UpdateRow {
                    id,
                    version,
                    changed: vec![field, count],
                    record: after,
                    journal: entry(JournalKind::Update, version + 1),
                }],
            }]))
        })
    };
    let outcomes = join_all((0..32).map(|_| fixture.write_one(take()))).await;
    assert_eq!(
        outcomes.iter().filter(|outcome| outcome.is_ok()).count(),
        10
    );
    let record = fixture.load("things", id).await.unwrap();
    assert_eq!(record.get(count), &Value::Integer(10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tail_loses_nothing_and_repeats_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Arc::new(open(&folder).await);
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let fixture = Arc::clone(&fixture);
            tokio::spawn(async move {
                for number in 0..25 {
                    let name = format!("thing {task} {number}");
                    let id = fixture.id();
                    fixture.write_one(fixture.thing(id, &name)).await.unwrap();
                }
            })
        })
        .collect();
    let system = fixture.store.system();
    let mut cursor = JournalCursor::Start;
    let mut seen = Vec::new();
    while seen.len() < 200 {
        let (rows, next) = system.tail(&cursor, 7).await.unwrap();
        seen.extend(rows.into_iter().map(|row| row.record));
        // A reader that starts again takes up its cursor as text.
        cursor = next.to_string().parse().unwrap();
    }
    for task in tasks {
        task.await.unwrap();
    }
    let (rest, _) = system.tail(&cursor, 7).await.unwrap();
    assert_eq!(rest, Vec::new());
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 200);
}

#[test]
fn many_threads_write_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let fixture = Arc::new(runtime.block_on(open(&folder)));
    let tasks: Vec<_> = (0..16)
        .map(|task| {
            let fixture = Arc::clone(&fixture);
            runtime.spawn(async move {
                for number in 0..20 {
                    let name = format!("thing {task} {number}");
                    fixture
                        .write_one(fixture.thing(fixture.id(), &name))
                        .await
                        .unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        runtime.block_on(task).unwrap();
    }
    let count = |sql| runtime.block_on(fixture.number(sql));
    assert_eq!(count("select count(*) from things"), 320);
    assert_eq!(count("select count(*) from carnet_journal_records"), 320);
    assert!(fixture.store.counters().commits <= 321);
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
