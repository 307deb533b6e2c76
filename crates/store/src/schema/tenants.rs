//! Placements and tenants: the tables of a model in a namespace of their own, and the row that says
//! who lives there.

use super::Schema;
use super::database::{Script, search_path};
use super::desired::desired;
use super::introspect;
use super::plan::{Action, plan};
use super::push::plain;
use super::walls::{JOURNAL, RECEIPTS, UNKNOWN};
use crate::{Dialect, Error, Namespace, Param, Placement};
use carnet_kernel::{Id, TenantKey, Value};
use carnet_model::Model;

/// A tenant that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTenant {
    /// Its key; the next free one when absent.
    pub key: Option<TenantKey>,
    /// Its public id.
    pub id: Id,
    /// Its name, unique in the deployment.
    pub name: String,
    /// A namespace of its own on PostgreSQL; the shared tier when absent.
    pub namespace: Option<Namespace>,
}

impl Schema {
    /// Makes the record tables, the journal and the views of a model in a namespace of its own, on
    /// PostgreSQL. Safe to run again. Later schema changes reach it once a tenant lives there.
    ///
    /// Errors: `Configuration` on SQLite, which has one namespace; `SchemaPending` when home does
    /// not fit the model.
    pub async fn create_placement(
        &self,
        model: &Model,
        namespace: &Namespace,
    ) -> Result<Placement, Error> {
        self.prepare(&[]).await?;
        self.require_current(model).await?;
        let script = self.placement_script(model, namespace).await?;
        self.store.owner_script(&script).await?;
        Ok(Placement {
            namespace: namespace.clone(),
        })
    }

    /// Makes a tenant, and its placement where it has one of its own.
    ///
    /// Errors: as [`Schema::create_placement`]; `Migration` for a key, id or name that is taken.
    pub async fn create_tenant(
        &self,
        model: &Model,
        tenant: &NewTenant,
    ) -> Result<TenantKey, Error> {
        self.prepare(&[]).await?;
        self.require_current(model).await?;
        let mut script = Script::new();
        if let Some(namespace) = &tenant.namespace {
            script = self.placement_script(model, namespace).await?;
        }
        let key = match tenant.key {
            Some(key) => key,
            None => self.next_key().await?,
        };
        let namespace = tenant
            .namespace
            .as_ref()
            .map_or(Value::Null, |name| Value::Text(name.as_str().to_owned()));
        script.push((
            "insert into {home}carnet_tenants (key, id, name, namespace) values ($1, $2, $3, $4)"
                .to_owned(),
            vec![
                Param::Integer(key.0),
                Param::Value(Value::Id(tenant.id)),
                Param::Text(tenant.name.clone()),
                Param::Value(namespace),
            ],
        ));
        self.store.owner_script(&script).await?;
        Ok(key)
    }

    async fn next_key(&self) -> Result<TenantKey, Error> {
        let sql = "select max(key) + 1 from {home}carnet_tenants";
        let rows = self.store.owner_rows(sql, &[]).await?;
        let key = rows.first().and_then(|row| row.first());
        let key = key.and_then(Value::as_integer).ok_or_else(|| {
            Error::Internal("carnet_tenants has not even its first rows".to_owned())
        })?;
        Ok(TenantKey(key))
    }

    async fn placement_script(
        &self,
        model: &Model,
        namespace: &Namespace,
    ) -> Result<Script, Error> {
        let store = &self.store;
        let shared = store.home().namespace;
        if store.dialect() == Dialect::Sqlite {
            return Err(Error::Configuration(
                "SQLite has one namespace in each file; a tenant of its own needs PostgreSQL"
                    .to_owned(),
            ));
        }
        let reserved = [
            store.home_schema().to_owned(),
            shared.as_str().to_owned(),
            shared.find(),
        ];
        if reserved.contains(&namespace.as_str().to_owned()) {
            return Err(Error::Configuration(format!(
                "the namespace `{namespace}` is the platform's own"
            )));
        }
        let login = store.login().await?;
        let missing = self.missing(namespace, &[]).await?;
        let mut script = self.preparation(&login, namespace, &missing).await?;
        let layout = desired(model);
        let tables = layout.of_tenants();
        let found = introspect::introspect(store, namespace.as_str()).await?;
        let mut walls = introspect::walls(store, namespace, &login.role).await?;
        let steps = plan(Dialect::Postgres, &found, Some(&tables), &tables);
        let builder = store.builder(&login, namespace, &shared);
        let mut statements = builder.drop_views(&walls);
        statements.push(search_path(namespace, &shared));
        for action in steps.into_iter().flat_map(|step| step.actions) {
            if let Action::Sql(sql) = action {
                statements.push(sql);
            }
        }
        // The preparation may have walled it a moment before.
        for own in [JOURNAL, RECEIPTS] {
            let found = walls.tables.entry(own.to_owned());
            found.or_insert_with(|| UNKNOWN.to_owned());
        }
        statements.extend(builder.build(&layout, &walls, true));
        script.extend(plain(statements));
        Ok(script)
    }
}
