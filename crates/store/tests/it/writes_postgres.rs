//! Writes on PostgreSQL: units, constraints, races, walls, flights, and what a caller is told.

#![cfg(test)]

use crate::fixture_postgres::{add_tenants, config, database, open};
use crate::fixture_sqlite::{
    Decide, Fixture, apply, context, delete, entry, insert, price, stamp, text,
};
use carnet_kernel::{Code, Context, Id, Period, Principal, Refusal, TenantKey, Value};
use carnet_store::{
    Changes, Decision, DeleteRow, Error, Guard, InsertRow, JournalCursor, JournalKind, Load, Scope,
    Step, Store, Unit, UpdateRow, Wall,
};
use carnet_testkit::postgres::TestDatabase;
use futures_util::future::join_all;
use std::sync::Arc;

const THINGS: &str = "select count(*) from {records}things";
const JOURNAL: &str = "select count(*) from {records}carnet_journal_records";

async fn scope_of(fixture: &Fixture, tenant: i64) -> Scope {
    let context = Context::new(TenantKey(tenant), Principal::system(), Id::from_u128(1));
    fixture.store.scope(&context).await.unwrap()
}

#[tokio::test]
async fn a_record_lives_and_its_journal_tells_it() {
    let Some(database) = database("lives") else {
        return;
    };
    let fixture = open(&config(database.url())).await;
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

    let system = fixture.store.system();
    let (rows, cursor) = system.tail(&JournalCursor::Start, 2).await.unwrap();
    let (rest, end) = system.tail(&cursor, 10).await.unwrap();
    let told: Vec<(&str, i64)> = rows
        .iter()
        .chain(&rest)
        .map(|row| (row.kind.as_str(), row.version))
        .collect();
    assert_eq!(told, [("create", 1), ("update", 2), ("delete", 3)]);
    assert_eq!(rows[0].record, id);
    assert_eq!(rows[0].tenant, TenantKey::DEFAULT);
    assert_eq!(rows[0].resource, "things");
    assert_eq!(rows[0].schema_version, 1);
    assert_eq!(rows[0].body, "{\"version\":1}");
    assert_eq!(rows[0].at, stamp().now);
    assert_eq!(rows[0].correlation, stamp().correlation);
    assert_eq!(rows[0].principal, stamp().principal);
    let (nothing, _) = system.tail(&end, 10).await.unwrap();
    assert_eq!(nothing, Vec::new());
}

#[tokio::test]
async fn a_version_that_is_gone_changes_nothing() {
    let Some(database) = database("stale") else {
        return;
    };
    let fixture = open(&config(database.url())).await;
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
    // A write of one row alone tells it by its count.
    let alone = delete(&things, stale, 5);
    let failure = fixture
        .write_one(Decide::unit(move |_, _| Ok(apply(vec![alone.clone()]))))
        .await;
    assert!(matches!(failure, Err(Error::Conflict)), "{failure:?}");
    assert_eq!(fixture.number(THINGS).await, 1);
    assert_eq!(fixture.number(JOURNAL).await, 1);
}

#[tokio::test]
async fn a_guard_that_fails_undoes_its_unit() {
    let Some(database) = database("guard") else {
        return;
    };
    let fixture = open(&config(database.url())).await;
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
    assert_eq!(fixture.number(THINGS).await, 1);
    fixture.write_one(guarded(1)).await.unwrap();
    assert_eq!(fixture.number(THINGS).await, 2);
}

#[tokio::test]
async fn a_unit_sees_what_the_one_before_applied() {
    let Some(database) = database("units") else {
        return;
    };
    let fixture = open(&config(database.url())).await;
    let id = fixture.id();
    let units = || {
        vec![
            fixture.thing(id, "made"),
            fixture.update("things", id, &[("count", Value::Integer(3))]),
            fixture.update("things", id, &[("note", text("twice"))]),
        ]
    };
    let applied = fixture.write(units()).await.unwrap();
    assert_eq!(applied.len(), 3);
    let things = fixture.resource("things").clone();
    let record = fixture.load("things", id).await.unwrap();
    assert_eq!(record.version(&things), Some(3));
    let count = things.field_named("count").unwrap();
    assert_eq!(record.get(count), &Value::Integer(3));
    // The second unit would refuse, but the first one fails before it.
    let failure = fixture.write(units()).await.unwrap_err();
    assert!(matches!(failure.error, Error::Unique { .. }), "{failure:?}");
    assert_eq!(failure.unit, 0);
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
    let Some(database) = database("constraints") else {
        return;
    };
    let fixture = open(&config(database.url())).await;
    let (category, thing) = (fixture.id(), fixture.id());
    let create = |id, values: &[(&str, Value)]| fixture.create("things", id, values);
    let values = |name: &str| {
        [
            ("name", text(name)),
            ("sku", text("s")),
            ("categoryId", Value::Id(category)),
        ]
    };
    fixture
        .write(vec![
            fixture.create("categories", category, &[("name", text("tools"))]),
            create(thing, &values("Straße")),
        ])
        .await
        .unwrap();

    let by_companion = fixture
        .write_one(fixture.thing(fixture.id(), "STRASSE"))
        .await;
    let expected = ("things".to_owned(), vec!["name".to_owned()]);
    assert_eq!(violated(&fixture, by_companion), expected);
    let by_key = fixture.write_one(fixture.thing(thing, "other")).await;
    let expected = ("things".to_owned(), vec!["id".to_owned()]);
    assert_eq!(violated(&fixture, by_key), expected);
    let by_two = fixture
        .write_one(create(fixture.id(), &values("other")))
        .await;
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
    // Validation comes before the store: what only the database refuses is a mistake of ours.
    let unruly = fixture
        .write_one(fixture.update("things", thing, &[("state", text("broken"))]))
        .await;
    assert!(matches!(&unruly, Err(Error::Internal(_))), "{unruly:?}");
    assert_eq!(fixture.number(JOURNAL).await, 2);
}

/// One step that makes things of these names.
fn make(fixture: &Fixture, names: &[&str]) -> (Vec<Id>, Step) {
    let resource = fixture.resource("things");
    let ids: Vec<Id> = names.iter().map(|_| fixture.id()).collect();
    let rows: Vec<InsertRow> = names
        .iter()
        .zip(&ids)
        .flat_map(
            |(name, id)| match insert(resource, *id, &[("name", text(name))]) {
                Step::Insert { rows, .. } => rows,
                _ => Vec::new(),
            },
        )
        .collect();
    let step = Step::Insert {
        resource: resource.index,
        rows,
    };
    (ids, step)
}

fn unit(steps: Vec<Step>) -> Arc<dyn Unit> {
    Decide::unit(move |_, _| Ok(apply(steps.clone())))
}

#[tokio::test]
async fn a_set_tells_which_row_failed() {
    let Some(database) = database("rows") else {
        return;
    };
    let fixture = open(&config(database.url())).await;
    fixture
        .write_one(fixture.thing(fixture.id(), "taken"))
        .await
        .unwrap();
    let (_, step) = make(&fixture, &["a", "b", "c", "taken", "e"]);
    let failure = fixture
        .write(vec![fixture.thing(fixture.id(), "z"), unit(vec![step])])
        .await
        .unwrap_err();
    assert!(matches!(failure.error, Error::Unique { .. }), "{failure:?}");
    assert_eq!((failure.unit, failure.step, failure.row), (1, 0, 3));
    // Two rows of the set itself: the second is the one too many.
    let (_, step) = make(&fixture, &["a", "b", "A"]);
    let failure = fixture.write(vec![unit(vec![step])]).await.unwrap_err();
    assert_eq!(failure.row, 2, "{failure:?}");

    let (_, mut step) = make(&fixture, &["a", "b", "c"]);
    let things = fixture.resource("things");
    let category = things.field_named("categoryId").unwrap();
    if let Step::Insert { rows, .. } = &mut step {
        rows[1].record.set(category, Value::Id(fixture.id()));
    }
    let failure = fixture.write(vec![unit(vec![step])]).await.unwrap_err();
    assert!(
        matches!(failure.error, Error::ReferenceMissing { .. }),
        "{failure:?}"
    );
    assert_eq!(failure.row, 1);
    assert_eq!(fixture.number(THINGS).await, 1);
    assert_eq!(fixture.number(JOURNAL).await, 1);
}

#[tokio::test]
async fn sets_are_one_statement_and_keep_their_order() {
    let Some(database) = database("sets") else {
        return;
    };
    let fixture = open(&config(database.url())).await;
    let names: Vec<String> = (0..500)
        .map(|number| format!("n{:03}", number * 7 % 500))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (ids, step) = make(&fixture, &names);
    let Step::Insert { resource, rows } = step.clone() else {
        panic!("an insert");
    };
    let things = fixture.resource("things").clone();
    let version = things.standard.unwrap().version;
    let note = things.field_named("note").unwrap();
    let number = things.field_named("price").unwrap();
    let updates = rows.iter().enumerate().map(|(place, row)| {
        let mut record = row.record.clone();
        record.set(version, Value::Integer(2));
        // Rows that change different fields share the statement.
        let changed = if place % 2 == 0 {
            record.set(note, text("even"));
            vec![version, note]
        } else {
            record.set(number, price(place as i64));
            vec![version, number]
        };
        UpdateRow {
            id: ids[place],
            version: 1,
            changed,
            record,
            journal: entry(JournalKind::Update, 2),
        }
    });
    let update = Step::Update {
        resource,
        rows: updates.rev().collect(),
    };
    let remove = Step::Delete {
        resource,
        rows: ids[100..]
            .iter()
            .map(|id| DeleteRow {
                id: *id,
                version: 2,
                journal: entry(JournalKind::Delete, 3),
            })
            .collect(),
    };
    let before = fixture.store.counters();
    fixture
        .write(vec![unit(vec![step, update, remove])])
        .await
        .unwrap();
    let after = fixture.store.counters();
    // One statement looks up the definition's version.
    assert_eq!(after.statements - before.statements, 3 + 1);
    assert_eq!(fixture.number(THINGS).await, 100);
    let system = fixture.store.system();
    let sql = "select count(*) from {records}things where version = 2 \
        and coalesce(note = 'even', false) = (price is null)";
    assert_eq!(fixture.number(sql).await, 100);
    let (rows, _) = system.tail(&JournalCursor::Start, 2_000).await.unwrap();
    let told = |kind: &str| -> Vec<Id> {
        rows.iter()
            .filter(|row| row.kind == kind)
            .map(|row| row.record)
            .collect()
    };
    assert_eq!(told("create"), ids);
    assert_eq!(
        told("update"),
        ids.iter().rev().copied().collect::<Vec<_>>()
    );
    assert_eq!(told("delete"), ids[100..]);
}

#[tokio::test]
async fn flights_are_few() {
    let Some(database) = database("flights") else {
        return;
    };
    let fixture = open(&config(database.url())).await;
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

#[tokio::test]
async fn a_tenant_and_the_platform_are_kept_apart() {
    let Some(database) = database("platform") else {
        return;
    };
    let fixture = open(&config(database.url())).await;
    let (made, thing) = (fixture.id(), fixture.id());
    let create_unit = || fixture.create("units", made, &[("code", text("KGM"))]);
    let platform = fixture.store.platform(&context());
    let the_stamp = stamp();
    let by_platform = |write| platform.write(&fixture.view, &the_stamp, vec![write]);

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
    let values = [("name", text("x")), ("unitId", Value::Id(made))];
    fixture
        .write_one(fixture.create("things", thing, &values))
        .await
        .unwrap();
    let held = by_platform(fixture.delete("units", made))
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

#[tokio::test]
async fn a_tenant_sees_nothing_of_another() {
    let Some(database) = database("walled") else {
        return;
    };
    let fixture = open(&config(database.url())).await;
    add_tenants(&fixture).await;
    let id = fixture.id();
    let the_stamp = stamp();
    // The same name and the same id in three tenants, one of them in a schema of its own.
    for tenant in [1, 2, 3] {
        let scope = scope_of(&fixture, tenant).await;
        let make = fixture.create("things", id, &[("name", text("same"))]);
        scope
            .write(&fixture.view, &the_stamp, vec![make])
            .await
            .unwrap();
    }
    let gone = scope_of(&fixture, 2).await;
    gone.write(
        &fixture.view,
        &the_stamp,
        vec![fixture.delete("things", id)],
    )
    .await
    .unwrap();
    let refused = gone
        .write(
            &fixture.view,
            &the_stamp,
            vec![fixture.delete("things", id)],
        )
        .await
        .unwrap_err();
    assert_eq!(refused.error.code(), Code::NotFound);
    assert!(fixture.load("things", id).await.is_some());
    assert_eq!(fixture.number(THINGS).await, 1);
    assert_eq!(fixture.number("select count(*) from own.things").await, 1);

    // Even a statement that names another tenant meets the wall.
    let forged = walled_session(&database, "1").await;
    let seen = forged
        .query_one("select count(*) from app.things where tenant = 1", &[])
        .await
        .unwrap();
    assert_eq!(seen.get::<_, i64>(0), 1);
    let as_two = walled_session(&database, "2").await;
    let seen = as_two
        .query_one("select count(*) from app.things where tenant = 1", &[])
        .await
        .unwrap();
    assert_eq!(seen.get::<_, i64>(0), 0);
    let changed = as_two
        .execute("update app.things set note = 'x' where tenant = 1", &[])
        .await
        .unwrap();
    assert_eq!(changed, 0);
    let moved = as_two
        .execute(
            "insert into app.categories select * from app.categories",
            &[],
        )
        .await;
    assert_eq!(moved.unwrap(), 0);
    let planted = as_two
        .execute(
            "insert into app.carnet_journal_records (tenant, resource, record, version, kind, \
             correlation, at, schema_version) \
             values (1, 'things', gen_random_uuid(), 1, 'create', gen_random_uuid(), now(), 1)",
            &[],
        )
        .await
        .unwrap_err();
    assert_eq!(planted.code().unwrap().code(), "42501");
}

/// A session behind the wall as the store opens them, for one tenant.
async fn walled_session(
    database: &TestDatabase,
    tenant: &str,
) -> carnet_testkit::tokio_postgres::Client {
    let client = database.connect().await.unwrap();
    client
        .batch_execute(&format!(
            "set role {}; set carnet.tenant = '{tenant}'",
            database.role()
        ))
        .await
        .unwrap();
    client
}

#[tokio::test]
async fn a_role_that_sees_past_the_wall_is_refused() {
    let Some(database) = database("bypass") else {
        return;
    };
    let role = database.role();
    drop(open(&config(database.url())).await);
    let opened = async || Store::open(&config(database.url())).await.map(|_| ());
    opened().await.unwrap();
    for (make, undo) in [
        (
            "alter role {role} bypassrls",
            "alter role {role} nobypassrls",
        ),
        (
            "alter role {role} superuser",
            "alter role {role} nosuperuser",
        ),
        (
            "revoke {role} from postgres; grant postgres to {role}",
            "revoke postgres from {role}; grant {role} to postgres",
        ),
    ] {
        database.execute(&make.replace("{role}", &role)).unwrap();
        let refused = opened().await;
        assert!(
            matches!(&refused, Err(Error::WallBypassed(_))),
            "{make}: {refused:?}"
        );
        let mut unwalled = config(database.url());
        unwalled.wall = Wall::None;
        Store::open(&unwalled).await.unwrap();
        database.execute(&undo.replace("{role}", &role)).unwrap();
    }
    opened().await.unwrap();
}

#[tokio::test]
async fn without_its_role_a_store_serves_its_owner_alone() {
    let Some(database) = carnet_testkit::postgres::database("no role") else {
        return;
    };
    let store = Store::open(&config(database.url())).await.unwrap();
    store.ping().await.unwrap();
    let rows = store
        .system()
        .rows(
            "select $1::bigint + 1, array['a']::text[], null::uuid",
            &[carnet_store::Param::Integer(1)],
        )
        .await
        .unwrap();
    assert_eq!(rows[0][0], Value::Integer(2));
    assert_eq!(rows[0][2], Value::Null);
    let fixture = Fixture {
        store,
        view: crate::fixture_sqlite::view(),
        ids: carnet_kernel::IdGenerator::new(),
    };
    let unknown = fixture.write_one(fixture.thing(fixture.id(), "x")).await;
    assert!(
        matches!(unknown, Err(Error::SchemaPending(_))),
        "{unknown:?}"
    );
    database
        .execute(&format!(
            "create schema carnet; create table carnet.carnet_schemas (version bigint, hash text); \
             insert into carnet.carnet_schemas values (1, '{}')",
            fixture.view.hash()
        ))
        .unwrap();
    let roleless = fixture.write_one(fixture.thing(fixture.id(), "x")).await;
    assert!(
        matches!(&roleless, Err(Error::RoleMissing(hint)) if hint.contains("create role")),
        "{roleless:?}"
    );
}

/// A unit that takes one of the ten there are.
fn take(fixture: &Fixture, id: Id, most: i64) -> Arc<dyn Unit> {
    let things = fixture.resource("things").clone();
    let count = things.field_named("count").unwrap();
    Decide::unit(move |_, loaded| {
        let load = Load::Record {
            resource: things.index,
            id,
        };
        let Some([record]) = loaded.get(&load) else {
            return Ok(Decision::Load(vec![load]));
        };
        let taken = record.get(count).as_integer().unwrap();
        if taken == most {
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
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_of_ten_cannot_be_taken_twice() {
    let Some(database) = database("race") else {
        return;
    };
    let fixture = open(&config(database.url())).await;
    for most in [10, 1_000] {
        let id = fixture.id();
        fixture
            .write_one(fixture.thing(id, &format!("counter {most}")))
            .await
            .unwrap();
        let outcomes = join_all((0..32).map(|_| fixture.write_one(take(&fixture, id, most)))).await;
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
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_most_ten_are_featured() {
    let Some(database) = database("featured") else {
        return;
    };
    let fixture = open(&config(database.url())).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tail_loses_nothing_and_repeats_nothing() {
    let Some(database) = database("tail") else {
        return;
    };
    let fixture = Arc::new(open(&config(database.url())).await);
    // A long transaction that began before all others and commits after them, and one that does
    // not come to an end.
    let long = database.connect().await.unwrap();
    let insert_by_hand = |version: i64| {
        format!(
            "insert into app.carnet_journal_records (tenant, resource, record, version, kind, \
             correlation, at, schema_version, body) values (1, 'things', gen_random_uuid(), \
             {version}, 'create', gen_random_uuid(), now(), 7, '{{}}')"
        )
    };
    let open_ended = database.connect().await.unwrap();
    for (session, version) in [(&long, 777), (&open_ended, 888)] {
        session.batch_execute("begin").await.unwrap();
        session
            .batch_execute(&insert_by_hand(version))
            .await
            .unwrap();
    }
    // A row that came by restore.
    database
        .execute(
            "insert into app.carnet_journal_records (tenant, xid, resource, record, version, \
             kind, correlation, at, schema_version, body) values (1, null, 'things', \
             gen_random_uuid(), 555, 'create', gen_random_uuid(), now(), 7, '{}')",
        )
        .unwrap();
    let tasks: Vec<_> = (0..16)
        .map(|task| {
            let fixture = Arc::clone(&fixture);
            tokio::spawn(async move {
                for number in 0..20 {
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
    let Some(database) = database("budget") else {
        return;
    };
    let mut short = config(database.url());
    short.transaction_budget = Period::millis(200);
    let fixture = open(&short).await;
    let id = fixture.id();
    fixture.write_one(fixture.thing(id, "held")).await.unwrap();
    let holder = database.connect().await.unwrap();
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
async fn platform_statements_are_all_or_nothing() {
    let Some(database) = database("statements") else {
        return;
    };
    let fixture = open(&config(database.url())).await;
    let system = fixture.store.system();
    let good = "insert into {home}carnet_migrations values ('x', 'y', now())";
    let counts = system
        .execute(&[(good, &[]), ("delete from {home}carnet_migrations", &[])])
        .await
        .unwrap();
    assert_eq!(counts, [1, 1]);
    let failed = system.execute(&[(good, &[]), (good, &[])]).await;
    assert!(matches!(failed, Err(Error::Internal(_))), "{failed:?}");
    let known = "select count(*) from {home}carnet_migrations";
    assert_eq!(fixture.number(known).await, 0);
    let written = system
        .rows("delete from {home}carnet_migrations", &[])
        .await;
    assert!(written.is_err(), "{written:?}");
    let pending = system.rows("select 1 from {home}nothing", &[]).await;
    assert!(
        matches!(pending, Err(Error::SchemaPending(_))),
        "{pending:?}"
    );
}

#[tokio::test]
async fn a_changed_table_outlives_prepared_statements() {
    let Some(database) = database("changed") else {
        return;
    };
    let fixture = open(&config(database.url())).await;
    let id = fixture.id();
    fixture.write_one(fixture.thing(id, "one")).await.unwrap();
    fixture.load("things", id).await.unwrap();
    database
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

/// A read of the names of all things.
fn names(fixture: &Fixture) -> carnet_store::Query {
    let things = fixture.resource("things");
    carnet_store::Query {
        resource: things.index,
        predicate: carnet_expr::Predicate::True,
        order: vec![carnet_store::Order {
            path: carnet_expr::Path::own(things.key),
            descending: false,
        }],
        window: carnet_store::Window {
            limit: 20,
            offset: 0,
        },
        fields: vec![things.field_named("name").unwrap()],
        includes: Vec::new(),
        count: carnet_store::Count::None,
    }
}

#[tokio::test]
async fn every_wall_lets_its_own_tenant_through() {
    for wall in [Wall::Rls, Wall::View, Wall::None] {
        let Some(database) = database("walls") else {
            return;
        };
        let mut chosen = config(database.url());
        chosen.wall = wall;
        let fixture = open(&chosen).await;
        add_tenants(&fixture).await;
        let the_stamp = stamp();
        let made = fixture.id();
        let kilogram = fixture.create("units", made, &[("code", text("KGM"))]);
        let platform = fixture.store.platform(&context());
        platform
            .write(&fixture.view, &the_stamp, vec![kilogram])
            .await
            .unwrap();
        let thing = fixture.id();
        let (_, set) = make(&fixture, &["b", "c", "d"]);
        let values = [("name", text("a")), ("unitId", Value::Id(made))];
        for tenant in [1, 2, 3] {
            let scope = scope_of(&fixture, tenant).await;
            let units = vec![
                fixture.create("things", thing, &values),
                unit(vec![set.clone()]),
                fixture.update("things", thing, &[("note", text("changed"))]),
            ];
            scope.write(&fixture.view, &the_stamp, units).await.unwrap();
        }
        let second = scope_of(&fixture, 2).await;
        second
            .write(
                &fixture.view,
                &the_stamp,
                vec![fixture.delete("things", thing)],
            )
            .await
            .unwrap();
        for (tenant, expected) in [
            (
                1,
                r#"[{"name":"a"},{"name":"b"},{"name":"c"},{"name":"d"}]"#,
            ),
            (2, r#"[{"name":"b"},{"name":"c"},{"name":"d"}]"#),
            (
                3,
                r#"[{"name":"a"},{"name":"b"},{"name":"c"},{"name":"d"}]"#,
            ),
        ] {
            let scope = scope_of(&fixture, tenant).await;
            let listing = scope.list(&fixture.view, &names(&fixture)).await.unwrap();
            let found = String::from_utf8(listing.json).unwrap();
            assert_eq!(found, expected, "{wall:?}, tenant {tenant}");
        }
        assert_eq!(fixture.number(JOURNAL).await, 1 + 2 * 5 + 1, "{wall:?}");
    }
}

#[tokio::test]
async fn a_read_is_one_round_trip_and_has_its_time() {
    let Some(database) = database("reads") else {
        return;
    };
    let mut hurried = config(database.url());
    hurried.statement_timeout = Period::millis(100);
    let fixture = open(&hurried).await;
    fixture
        .write_one(fixture.thing(fixture.id(), "one"))
        .await
        .unwrap();
    let query = names(&fixture);
    let scope = fixture.scope().await;
    scope.list(&fixture.view, &query).await.unwrap();
    let before = fixture.store.counters();
    let listing = scope.list(&fixture.view, &query).await.unwrap();
    assert_eq!(listing.json, br#"[{"name":"one"}]"#);
    let after = fixture.store.counters();
    assert_eq!(after.statements - before.statements, 1);
    assert_eq!(after.round_trips - before.round_trips, 1);

    let holder = database.connect().await.unwrap();
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
    let Some(database) = database("prepared") else {
        return;
    };
    let store = Store::open(&config(database.url())).await.unwrap();
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
    let Some(database) = database("busy") else {
        return;
    };
    let mut single = config(database.url());
    single.pool_max = 1;
    single.acquire_timeout = Period::millis(50);
    let fixture = open(&single).await;
    let id = fixture.id();
    fixture.write_one(fixture.thing(id, "held")).await.unwrap();
    let holder = database.connect().await.unwrap();
    holder
        .batch_execute("begin; select 1 from app.things for update")
        .await
        .unwrap();
    let held = fixture.write_one(fixture.update("things", id, &[("note", text("x"))]));
    let refused = async {
        let query = names(&fixture);
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
