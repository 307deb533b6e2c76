//! What a write does: units, their guards and versions, and tenants that know nothing of each
//! other.

use super::fixture::{Fixture, JOURNAL, THINGS};
use super::units::{Decide, apply, delete, insert, price, stamp, text, unit};
use crate::database::on_both;
use carnet_kernel::{Code, PrincipalKind, Refusal, TenantKey, Value};
use carnet_store::{Changes, Decision, Error, Guard, JournalCursor};

on_both! {
    a_record_lives_and_its_journal_tells_it,
    a_version_that_is_gone_changes_nothing,
    a_guard_that_fails_undoes_its_unit,
    a_unit_sees_what_the_one_before_applied,
    a_unit_that_refuses_undoes_its_write,
    a_tenant_and_the_platform_are_kept_apart,
    a_tenant_sees_nothing_of_another,
    each_tenant_finds_its_own,
}

async fn a_record_lives_and_its_journal_tells_it(fixture: Fixture) {
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
    let system = fixture.store.system();
    let keys = system.rows("select name_key from {records}things", &[]);
    assert_eq!(keys.await.unwrap(), [[text("grosse schraube")]]);

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
    let known = fixture.number("select version from {home}carnet_schemas");
    assert_eq!((rows[0].schema_version, known.await), (1, 1));
    assert_eq!(rows[0].body, "{\"version\":1}");
    assert_eq!(rows[0].at, stamp().now);
    assert_eq!(rows[0].correlation, stamp().correlation);
    assert_eq!(rows[0].principal, stamp().principal);
    let kind = rows[0].principal.map(|known| known.kind);
    assert_eq!(kind, Some(PrincipalKind::System));
    let (nothing, same) = system.tail(&end, 10).await.unwrap();
    assert_eq!(nothing, Vec::new());
    // Where a cursor is a number it stays; a snapshot may move while nothing is written.
    if fixture.is_sqlite() {
        assert_eq!(same, end);
    }
}

async fn a_version_that_is_gone_changes_nothing(fixture: Fixture) {
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
        .write(vec![fixture.thing(fixture.id(), "first"), unit(steps)])
        .await
        .unwrap_err();
    assert!(matches!(failure.error, Error::Conflict), "{failure:?}");
    assert_eq!((failure.unit, failure.step, failure.row), (1, 1, 0));
    // A write of one row alone tells it by its count.
    let alone = unit(vec![delete(&things, stale, 5)]);
    let failure = fixture.write_one(alone).await;
    assert!(matches!(failure, Err(Error::Conflict)), "{failure:?}");
    assert_eq!(fixture.number(THINGS).await, 1);
    assert_eq!(fixture.number(JOURNAL).await, 1);
}

async fn a_guard_that_fails_undoes_its_unit(fixture: Fixture) {
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
                ..Changes::default()
            }))
        })
    };
    let lost = fixture.write_one(guarded(2)).await;
    assert!(matches!(lost, Err(Error::Conflict)), "{lost:?}");
    assert_eq!(fixture.number(THINGS).await, 1);
    fixture.write_one(guarded(1)).await.unwrap();
    assert_eq!(fixture.number(THINGS).await, 2);
}

async fn a_unit_sees_what_the_one_before_applied(fixture: Fixture) {
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

async fn a_unit_that_refuses_undoes_its_write(fixture: Fixture) {
    let first = || fixture.thing(fixture.id(), "first");
    let refuses = Decide::unit(|_, _| Err(Refusal::new(Code::ValidationFailed, "no")));
    let undecided = Decide::unit(|_, _| Ok(Decision::Load(Vec::new())));
    for (unit, code) in [
        (refuses, Code::ValidationFailed),
        (undecided, Code::Internal),
    ] {
        let failure = fixture.write(vec![first(), unit]).await.unwrap_err();
        assert_eq!((failure.error.code(), failure.unit), (code, 1));
    }
    let nothing = Decide::unit(|_, _| Ok(apply(Vec::new())));
    fixture.write_one(nothing).await.unwrap();
    assert_eq!(fixture.number(THINGS).await, 0);
    assert_eq!(fixture.number(JOURNAL).await, 0);
}

async fn a_tenant_and_the_platform_are_kept_apart(fixture: Fixture) {
    let (made, thing) = (fixture.id(), fixture.id());
    let create_unit = || fixture.create("units", made, &[("code", text("KGM"))]);
    for mixed in [
        fixture.write_one(create_unit()).await,
        fixture.write_as_platform(fixture.thing(thing, "x")).await,
    ] {
        assert!(
            matches!(&mixed, Err(error) if error.code() == Code::PlacementMixed),
            "{mixed:?}"
        );
    }
    fixture.write_as_platform(create_unit()).await.unwrap();
    let values = [("name", text("x")), ("unitId", Value::Id(made))];
    fixture
        .write_one(fixture.create("things", thing, &values))
        .await
        .unwrap();
    let held = fixture.write_as_platform(fixture.delete("units", made));
    let held = held.await;
    assert!(
        matches!(&held, Err(Error::InUse { by: Some(_), .. })),
        "{held:?}"
    );
    let system = fixture.store.system();
    let (rows, _) = system.tail(&JournalCursor::Start, 10).await.unwrap();
    let tenants: Vec<i64> = rows.iter().map(|row| row.tenant.0).collect();
    assert_eq!(tenants, [0, 1]);
}

async fn a_tenant_sees_nothing_of_another(fixture: Fixture) {
    let tenants = fixture.add_tenants().await;
    let id = fixture.id();
    // The same name and the same id in all tenants.
    for tenant in &tenants {
        let make = fixture.create("things", id, &[("name", text("same"))]);
        fixture.write_as(*tenant, vec![make]).await.unwrap();
    }
    let delete = || vec![fixture.delete("things", id)];
    fixture.write_as(2, delete()).await.unwrap();
    let refused = fixture.write_as(2, delete()).await.unwrap_err();
    assert_eq!(refused.error.code(), Code::NotFound);
    assert!(fixture.load("things", id).await.is_some());
    assert_eq!(fixture.number(THINGS).await, 1);
    let second = fixture.scope_of(2).await;
    let listing = second.list(&fixture.view, &fixture.names()).await.unwrap();
    assert_eq!(listing.json, b"[]");
    if tenants.contains(&3) {
        assert_eq!(fixture.number("select count(*) from own.things").await, 1);
    }
}

/// Writes of every kind by each tenant, and what each finds afterwards; also under every wall.
pub(super) async fn each_tenant_finds_its_own(fixture: Fixture) {
    let tenants = fixture.add_tenants().await;
    let made = fixture.id();
    let kilogram = fixture.create("units", made, &[("code", text("KGM"))]);
    fixture.write_as_platform(kilogram).await.unwrap();
    let thing = fixture.id();
    let (_, set) = fixture.make(&["b", "c", "d"]);
    let values = [("name", text("a")), ("unitId", Value::Id(made))];
    for tenant in &tenants {
        let units = vec![
            fixture.create("things", thing, &values),
            unit(vec![set.clone()]),
            fixture.update("things", thing, &[("note", text("changed"))]),
        ];
        fixture.write_as(*tenant, units).await.unwrap();
    }
    let gone = vec![fixture.delete("things", thing)];
    fixture.write_as(2, gone).await.unwrap();
    for tenant in tenants {
        let expected = if tenant == 2 {
            r#"[{"name":"b"},{"name":"c"},{"name":"d"}]"#
        } else {
            r#"[{"name":"a"},{"name":"b"},{"name":"c"},{"name":"d"}]"#
        };
        let scope = fixture.scope_of(tenant).await;
        let listing = scope.list(&fixture.view, &fixture.names()).await.unwrap();
        let found = String::from_utf8(listing.json).unwrap();
        let wall = fixture.database.config.wall;
        assert_eq!(found, expected, "{wall:?}, tenant {tenant}");
    }
    // Of the platform and of the two tenants that share the tier.
    assert_eq!(fixture.number(JOURNAL).await, 1 + 2 * 5 + 1);
}
