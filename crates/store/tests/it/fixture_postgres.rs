//! The definition of the SQLite tests on PostgreSQL, with its units.

#![cfg(test)]

use crate::fixture_sqlite::{Fixture, view};
use carnet_kernel::{IdGenerator, Period, Secret, TenantKey};
use carnet_store::schema::{Accept, NewTenant};
use carnet_store::{Config, Namespace, Store};

pub(crate) use carnet_testkit::postgres::database;

/// A small pool: the server of the tests has few connections.
pub(crate) fn config(url: &str) -> Config {
    Config {
        url: Secret::new(url),
        pool_min: 0,
        pool_max: 8,
        connect_timeout: Period::seconds(5),
        ..Config::default()
    }
}

/// Opens the database and makes the tables when they are not there.
pub(crate) async fn open(config: &Config) -> Fixture {
    let store = Store::open(config).await.unwrap();
    let view = view();
    let there = "select 1 from pg_tables where schemaname = 'app' and tablename = 'things'";
    if store.system().rows(there, &[]).await.unwrap().is_empty() {
        let schema = store.schema();
        schema.push(view.model(), Accept::default()).await.unwrap();
    }
    Fixture {
        store,
        view,
        ids: IdGenerator::new(),
    }
}

/// Makes tenant 2 in the shared tier, and tenant 3 in a schema of its own, `own`.
pub(crate) async fn add_tenants(fixture: &Fixture) {
    for (key, namespace) in [(2, None), (3, Namespace::new("own"))] {
        let tenant = NewTenant {
            key: Some(TenantKey(key)),
            id: fixture.id(),
            name: format!("tenant {key}"),
            namespace,
        };
        let schema = fixture.store.schema();
        schema
            .create_tenant(fixture.view.model(), &tenant)
            .await
            .unwrap();
    }
}
