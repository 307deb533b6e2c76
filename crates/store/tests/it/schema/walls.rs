//! What stands between tenants on PostgreSQL, tried as the application role.

use super::support::{Fixture, model};
use crate::database::Database;
use carnet_store::Wall;
use carnet_store::schema::Accept;
use carnet_testkit::tokio_postgres::{Client, SimpleQueryMessage};

const SHOP: &str = r#"
  units:
    tenancy: platform
    shared: true
    fields: { code: { type: text, max: 10, unique: true } }
  things:
    fields:
      name: { type: text, max: 100 }
      note: { type: text, optional: true }
      unit: { type: ref, to: units, optional: true }
    indexes: [name]
"#;

/// A session as requests have it.
struct Application(Client);

impl Application {
    async fn of(fixture: &Fixture) -> Self {
        let database = fixture.database.server();
        let client = database.connect().await.unwrap();
        let role = format!("set role \"{}\"", database.role());
        client.batch_execute(&role).await.unwrap();
        Self(client)
    }

    async fn tenant(&self, key: i64) {
        let sql = format!("select set_config('carnet.tenant', '{key}', false)");
        self.0.batch_execute(&sql).await.unwrap();
    }

    /// The first column of every row, or the state of the error.
    async fn ask(&self, sql: &str) -> Result<Vec<String>, String> {
        let answers = self.0.simple_query(sql).await.map_err(|error| {
            let state = error.as_db_error().map(|error| error.code().code());
            state.unwrap_or("lost").to_owned()
        })?;
        let rows = answers.iter().filter_map(|answer| match answer {
            SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or("null").to_owned()),
            _ => None,
        });
        Ok(rows.collect())
    }

    #[track_caller]
    fn is(&self, sql: &str, expected: Result<&[&str], &str>) -> impl Future<Output = ()> {
        let place = std::panic::Location::caller();
        async move {
            let found = self.ask(sql).await;
            let expected = match expected {
                Ok(rows) => Ok(rows.iter().map(|row| (*row).to_owned()).collect()),
                Err(state) => Err(state.to_owned()),
            };
            assert_eq!(found, expected, "{sql} at {place}");
        }
    }
}

/// The state of a right that is missing, and of a row that a policy forbids.
const FORBIDDEN: &str = "42501";
/// The state of a setting that was never made.
const UNSET: &str = "42704";
/// The state of a row that leads out of a view.
const OUTSIDE: &str = "44000";

fn new_thing(schema: &str, tenant: i64, id: u8, name: &str) -> String {
    format!(
        "insert into {schema}.things (tenant, id, name, created_at, updated_at, version) values \
         ({tenant}, '00000000-0000-0000-0000-{id:012x}', '{name}', now(), now(), 1) returning name"
    )
}

const NEW_UNIT: &str = "insert into app.units (id, code, created_at, updated_at, version) values \
    ('00000000-0000-0000-0000-000000000009', 'KGM', now(), now(), 1) returning code";

#[tokio::test]
async fn policies_wall_rows_off() {
    let Some(database) = Database::postgres("policies") else {
        return;
    };
    let fixture = Fixture::at(database).await;
    fixture.push(SHOP).await.unwrap();
    let application = Application::of(&fixture).await;

    application
        .is("select name from app.things", Err(UNSET))
        .await;
    application.tenant(1).await;
    application
        .is(&new_thing("app", 1, 1, "mine"), Ok(&["mine"]))
        .await;
    application
        .is(&new_thing("app", 2, 2, "theirs"), Err(FORBIDDEN))
        .await;
    application.tenant(2).await;
    application
        .is(&new_thing("app", 2, 2, "theirs"), Ok(&["theirs"]))
        .await;
    for schema in ["app", "app_find"] {
        let all = format!("select name from {schema}.things");
        application.is(&all, Ok(&["theirs"])).await;
    }
    application
        .is(
            "update app.things set note = 'x' returning name",
            Ok(&["theirs"]),
        )
        .await;
    application
        .is("update app.things set tenant = 1", Err(FORBIDDEN))
        .await;
    application
        .is(&new_thing("app_find", 2, 3, "no"), Err(FORBIDDEN))
        .await;
    application
        .is("drop table app.things", Err(FORBIDDEN))
        .await;
    application
        .is("create table app.mine (x int)", Err(FORBIDDEN))
        .await;

    // What belongs to all is written by the platform alone.
    application.is(NEW_UNIT, Err(FORBIDDEN)).await;
    application.tenant(0).await;
    application.is(NEW_UNIT, Ok(&["KGM"])).await;
    application.tenant(2).await;
    application
        .is("select code from app.units", Ok(&["KGM"]))
        .await;
    application
        .is("update app.units set code = 'x' returning code", Ok(&[]))
        .await;
    application
        .is("delete from app.units returning code", Ok(&[]))
        .await;

    // The journal only grows.
    let row = "insert into app.carnet_journal_records (tenant, resource, record, version, kind, \
               correlation, at, schema_version) values (2, 'things', gen_random_uuid(), 1, \
               'create', gen_random_uuid(), now(), 1) returning tenant::text";
    application.is(row, Ok(&["2"])).await;
    application
        .is(&row.replace("(2, ", "(1, "), Err(FORBIDDEN))
        .await;
    application
        .is(
            "update app.carnet_journal_records set version = 2",
            Err(FORBIDDEN),
        )
        .await;
    application
        .is("delete from app.carnet_journal_records", Err(FORBIDDEN))
        .await;
    application.tenant(1).await;
    application
        .is(
            "select count(*) from app.carnet_journal_records",
            Ok(&["0"]),
        )
        .await;
    application
        .is(
            "select key from carnet.carnet_tenants where key = 1",
            Ok(&["1"]),
        )
        .await;
    application
        .is("delete from carnet.carnet_tenants", Err(FORBIDDEN))
        .await;
    application
        .is("select carnet.carnet_raise('LOST', 'x')", Err("CA001"))
        .await;
}

/// The setting `wall` can change: the next push builds what it says.
#[tokio::test]
async fn walls_follow_the_configuration() {
    let Some(database) = Database::postgres("walls") else {
        return;
    };
    let mut fixture = Fixture::at(database).await;
    fixture.push(SHOP).await.unwrap();
    let pushed = async |fixture: &mut Fixture, wall: Wall| {
        fixture.database.config.wall = wall;
        fixture.store.close().await;
        fixture.store = carnet_store::Store::open(&fixture.database.config)
            .await
            .unwrap();
        let schema = fixture.store.schema();
        let drift = schema.drift().await.unwrap();
        assert!(!drift.is_empty());
        let report = schema.push(&model(SHOP), Accept::default()).await.unwrap();
        assert_eq!(report.applied.len(), 1, "{report:?}");
        fixture.fits(SHOP).await;
    };

    pushed(&mut fixture, Wall::View).await;
    let application = Application::of(&fixture).await;
    application.tenant(1).await;
    application
        .is("select name from app.things", Err(FORBIDDEN))
        .await;
    application
        .is(&new_thing("app_find", 1, 1, "mine"), Ok(&["mine"]))
        .await;
    application
        .is(&new_thing("app_find", 2, 2, "theirs"), Err(OUTSIDE))
        .await;
    application
        .is("update app_find.things set tenant = 2", Err(OUTSIDE))
        .await;
    application.tenant(2).await;
    application
        .is("select name from app_find.things", Ok(&[]))
        .await;
    application
        .is("delete from app_find.things returning name", Ok(&[]))
        .await;
    application
        .is(&NEW_UNIT.replace("app.", "app_find."), Err(OUTSIDE))
        .await;
    application.tenant(0).await;
    application
        .is(&NEW_UNIT.replace("app.", "app_find."), Ok(&["KGM"]))
        .await;

    pushed(&mut fixture, Wall::None).await;
    let application = fixture.database.server().connect().await.unwrap();
    let open = application
        .query_one("select count(*) from app.things", &[])
        .await
        .unwrap();
    assert_eq!(open.get::<_, i64>(0), 1);

    pushed(&mut fixture, Wall::Rls).await;
    let application = Application::of(&fixture).await;
    application.tenant(2).await;
    application.is("select name from app.things", Ok(&[])).await;
    application
        .is("delete from app_find.things", Err(FORBIDDEN))
        .await;
}

/// A wall that another hand took down is drift, and comes back with the next push.
#[tokio::test]
async fn a_fallen_wall_is_noticed() {
    let Some(database) = Database::postgres("fallen") else {
        return;
    };
    let fixture = Fixture::at(database).await;
    fixture.push(SHOP).await.unwrap();
    for sabotage in [
        "alter table app.things no force row level security",
        "drop policy carnet_tenant on app.things",
        "create policy mine on app.things using (true)",
        "grant truncate on app.things to \"ROLE\"",
        "drop view app_find.things",
        "create or replace view app_find.things as select tenant, id, name, note, unit_id, created_at, \
         updated_at, created_by_kind, created_by_id, updated_by_kind, updated_by_id, version from app.things",
        "alter table app.carnet_journal_records disable row level security",
    ] {
        let role = fixture.database.server().role();
        fixture.execute(&sabotage.replace("ROLE", &role)).await;
        let drift = fixture.store.schema().drift().await.unwrap();
        assert_eq!(drift.len(), 1, "{sabotage}: {drift:?}");
        fixture.push(SHOP).await.unwrap();
        if sabotage.starts_with("create policy") {
            // Somebody else's policy is theirs to drop; it stays visible.
            fixture.execute("drop policy mine on app.things").await;
            fixture.push(SHOP).await.unwrap();
        }
        fixture.fits(SHOP).await;
    }
}

/// A predicate that PostgreSQL does not trust loses its index behind policies, and keeps it through
/// the find view, also beside a platform table.
#[tokio::test]
async fn find_views_keep_the_index() {
    let Some(database) = Database::postgres("find") else {
        return;
    };
    let fixture = Fixture::at(database).await;
    fixture.push(SHOP).await.unwrap();
    fixture.execute(NEW_UNIT).await;
    fixture
        .execute(
            "insert into app.things (tenant, id, name, unit_id, created_at, updated_at, version) \
             select 1 + n % 2, gen_random_uuid(), md5(n::text), u.id, now(), now(), 1 \
             from generate_series(1, 50000) as n, app.units as u",
        )
        .await;
    let owner = fixture.database.server().connect().await.unwrap();
    owner
        .batch_execute("analyze app.things, app.units")
        .await
        .unwrap();
    let application = Application::of(&fixture).await;
    application.tenant(1).await;
    let explain = async |sql: &str| {
        let plan = application.ask(&format!("explain (costs off) {sql}")).await;
        plan.unwrap().join("\n")
    };
    let prefix = "name like 'abc%'";

    let plain = explain(&format!(
        "select id from app.things where tenant = 1 and {prefix}"
    ))
    .await;
    assert!(!plain.contains("name >= 'abc'"), "{plain}");
    assert!(plain.contains("Filter"), "{plain}");

    let found = explain(&format!(
        "select id from app_find.things where tenant = 1 and {prefix}"
    ))
    .await;
    assert!(found.contains("name >= 'abc'"), "{found}");
    assert!(found.contains("things__name__index"), "{found}");
    assert!(!found.contains("Seq Scan"), "{found}");

    let joined = explain(&format!(
        "select t.id from app_find.things t where t.tenant = 1 and t.{prefix} \
         and exists (select 1 from app.units u where u.id = t.unit_id and u.code = 'KGM')"
    ))
    .await;
    assert!(joined.contains("name >= 'abc'"), "{joined}");

    // Both ways find the same.
    let inside = "position('abc' in name) > 0";
    let rows = application
        .ask(&format!(
            "select count(*) from app_find.things where tenant = 1 and {inside}"
        ))
        .await;
    let same = application
        .ask(&format!(
            "select count(*) from app.things where tenant = 1 and {inside}"
        ))
        .await;
    assert_eq!(rows, same);
}
