//! The walls of PostgreSQL: policies, views and roles behind which each tenant finds its own.

use super::fixture::Fixture;
use super::records::each_tenant_finds_its_own;
use super::units::text;
use crate::database::Database;
use carnet_kernel::Value;
use carnet_store::{Config, Error, Param, Store, Wall};
use carnet_testkit::postgres::TestDatabase;

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
    let Some(database) = Database::postgres("bypass") else {
        return;
    };
    let fixture = Fixture::at(database).await;
    let (database, config) = (fixture.database.server(), &fixture.database.config);
    let role = database.role();
    let opened = async || Store::open(config).await.map(|_| ());
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
        let unwalled = Config {
            wall: Wall::None,
            ..config.clone()
        };
        Store::open(&unwalled).await.unwrap();
        database.execute(&undo.replace("{role}", &role)).unwrap();
    }
    opened().await.unwrap();
}

#[tokio::test]
async fn without_its_role_a_store_serves_its_owner_alone() {
    let Some(database) = Database::postgres("no role") else {
        return;
    };
    let fixture = Fixture::bare(database).await;
    fixture.store.ping().await.unwrap();
    let sql = "select $1::bigint + 1, array['a']::text[], null::uuid";
    let system = fixture.store.system();
    let rows = system.rows(sql, &[Param::Integer(1)]).await.unwrap();
    assert_eq!(rows[0][0], Value::Integer(2));
    assert_eq!(rows[0][2], Value::Null);
    let unknown = fixture.write_one(fixture.thing(fixture.id(), "x")).await;
    assert!(
        matches!(unknown, Err(Error::SchemaPending(_))),
        "{unknown:?}"
    );
    let server = fixture.database.server();
    server
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

#[tokio::test]
async fn every_wall_lets_its_own_tenant_through() {
    for wall in [Wall::Rls, Wall::View, Wall::None] {
        let Some(mut database) = Database::postgres("walls") else {
            return;
        };
        database.config.wall = wall;
        each_tenant_finds_its_own(Fixture::at(database).await).await;
    }
}

/// The same name and the same id in three tenants, one of them in a schema of its own; then
/// statements that forget the tenant they are for.
#[tokio::test]
async fn a_statement_that_names_another_tenant_meets_the_wall() {
    let Some(database) = Database::postgres("walled") else {
        return;
    };
    let fixture = Fixture::at(database).await;
    let id = fixture.id();
    for tenant in fixture.add_tenants().await {
        let make = fixture.create("things", id, &[("name", text("same"))]);
        fixture.write_as(tenant, vec![make]).await.unwrap();
    }
    let database = fixture.database.server();
    let forged = walled_session(database, "1").await;
    let seen = forged
        .query_one("select count(*) from app.things where tenant = 1", &[])
        .await
        .unwrap();
    assert_eq!(seen.get::<_, i64>(0), 1);
    let as_two = walled_session(database, "2").await;
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
