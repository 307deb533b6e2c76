//! The platform's own tables and schemas: made once, extended by forward-only steps.

use super::database::{Login, Script};
use super::introspect;
use super::names::quote;
use super::platform::{STEPS, SchemaStep, StepAt, foundation, record_step};
use super::push::plain;
use super::{Schema, roles};
use crate::{Dialect, Error, Namespace, Param, Wall};
use carnet_kernel::Value;
use std::collections::BTreeSet;

/// How often a pass over all placements may find work that another process was faster with.
const ROUNDS: u32 = 5;

impl Schema {
    /// Makes the platform's tables, schemas and role, and applies the steps that are missing in
    /// home and in each placement: those of this crate, then `extra`. Safe to run again and by
    /// several processes at once. Answers the names of the steps that were applied.
    ///
    /// Errors: `RoleMissing`, `Migration`, and what a database answers.
    pub async fn prepare(&self, extra: &[SchemaStep]) -> Result<Vec<String>, Error> {
        let store = &self.store;
        let mut applied = Vec::new();
        // A pass that finds nothing to do ends it; what another process did counts as well.
        for round in 1..=ROUNDS {
            let login = store.login().await?;
            let mut changed = false;
            for namespace in store.namespaces().await? {
                let missing = self.missing(&namespace, extra).await?;
                let script = self.preparation(&login, &namespace, &missing).await?;
                if script.is_empty() {
                    continue;
                }
                changed = true;
                match store.owner_script(&script).await {
                    Ok(()) => applied.extend(missing.iter().map(|step| step.name.to_owned())),
                    Err(error) => {
                        let left = self.missing(&namespace, extra).await?;
                        if round == ROUNDS || (left == missing && !left.is_empty()) {
                            return Err(error);
                        }
                    }
                }
            }
            if !changed {
                break;
            }
        }
        applied.dedup();
        Ok(applied)
    }

    /// The names of steps that are not applied yet.
    pub async fn pending_steps(&self, extra: &[SchemaStep]) -> Result<Vec<String>, Error> {
        let mut names = Vec::new();
        for namespace in self.store.namespaces().await? {
            for step in self.missing(&namespace, extra).await? {
                names.push(step.name.to_owned());
            }
        }
        names.dedup();
        Ok(names)
    }

    pub(super) async fn missing(
        &self,
        namespace: &Namespace,
        extra: &[SchemaStep],
    ) -> Result<Vec<SchemaStep>, Error> {
        let store = &self.store;
        let is_home = *namespace == store.home().namespace;
        let home = self.applied(store.home_schema()).await?;
        let records = match store.dialect() {
            Dialect::Sqlite => home.clone(),
            Dialect::Postgres => self.applied(namespace.as_str()).await?,
        };
        let missing = STEPS.iter().chain(extra).filter(|step| match step.at {
            StepAt::Home => is_home && !home.contains(step.name),
            StepAt::Placement => !records.contains(step.name),
        });
        Ok(missing.copied().collect())
    }

    async fn applied(&self, schema: &str) -> Result<BTreeSet<String>, Error> {
        let store = &self.store;
        if !store.has_table(schema, "carnet_steps").await? {
            return Ok(BTreeSet::new());
        }
        let sql = match store.dialect() {
            Dialect::Sqlite => "select name from carnet_steps".to_owned(),
            Dialect::Postgres => format!("select name from {}.carnet_steps", quote(schema)),
        };
        let rows = store.owner_rows(&sql, &[]).await?;
        Ok(rows
            .iter()
            .filter_map(|row| row.first().and_then(Value::as_text))
            .map(str::to_owned)
            .collect())
    }

    pub(super) async fn preparation(
        &self,
        login: &Login,
        namespace: &Namespace,
        missing: &[SchemaStep],
    ) -> Result<Script, Error> {
        let store = &self.store;
        let dialect = store.dialect();
        let (home, records) = (store.home_schema(), namespace.as_str());
        let mut statements = Vec::new();
        if dialect == Dialect::Postgres {
            statements.extend(roles::ensure(store.wall(), login)?);
            // A login without the right to make schemas may not even ask for one that is there.
            let find = namespace.find();
            let schemas = [home, records, find.as_str()];
            let there = self.schemas_there(&schemas).await?;
            for schema in schemas.iter().filter(|schema| !there.contains(**schema)) {
                statements.push(format!("create schema if not exists {}", quote(schema)));
            }
        }
        if !missing.is_empty() {
            statements.extend(foundation(dialect, home, records));
            for step in missing {
                statements.push(record_step(dialect, step, home, records));
                statements.extend(step.statements(dialect, home, records));
            }
        }
        if dialect == Dialect::Postgres {
            statements.extend(self.openings(login, namespace, missing).await?);
        }
        Ok(plain(statements))
    }

    /// The schemas' own rights, and the walls of the journal and the receipts.
    async fn openings(
        &self,
        login: &Login,
        namespace: &Namespace,
        missing: &[SchemaStep],
    ) -> Result<Vec<String>, Error> {
        let store = &self.store;
        let find = namespace.find();
        let schemas = [store.home_schema(), namespace.as_str(), find.as_str()];
        let mut statements = Vec::new();
        let walled = store.wall() != Wall::None;
        if walled && (!missing.is_empty() || !self.is_open(login, &schemas).await?) {
            let role = quote(&login.role);
            let named: Vec<String> = schemas.iter().map(|schema| quote(schema)).collect();
            statements.push(format!(
                "grant usage on schema {} to {role}",
                named.join(", ")
            ));
            let home = quote(store.home_schema());
            statements.push(format!(
                "grant select on {home}.carnet_tenants, {home}.carnet_schemas to {role}"
            ));
            statements.push(format!(
                "grant execute on function {home}.carnet_raise(text, text) to {role}"
            ));
            let records = quote(namespace.as_str());
            statements.push(format!(
                "grant execute on function {records}.carnet_words(bigint, text[]), \
                 {records}.carnet_words_and_parts(bigint, text[]), \
                 {records}.carnet_search(bigint, text[]), \
                 {records}.carnet_similarity(text[], text[]) to {role}"
            ));
        }
        let found = introspect::walls(store, namespace, &login.role).await?;
        let shared = store.home().namespace;
        let builder = store.builder(login, namespace, &shared);
        statements.extend(builder.build_own(&found));
        Ok(statements)
    }

    async fn schemas_there(&self, schemas: &[&str; 3]) -> Result<BTreeSet<String>, Error> {
        let sql = "select n.nspname::text from pg_catalog.pg_namespace n \
                   where n.nspname in ($1, $2, $3)";
        let params = schemas.map(|schema| Param::Text(schema.to_owned()));
        let rows = self.store.owner_rows(sql, &params).await?;
        Ok(rows
            .iter()
            .filter_map(|row| row.first().and_then(Value::as_text))
            .map(str::to_owned)
            .collect())
    }

    /// Whether the application may look into the schemas.
    async fn is_open(&self, login: &Login, schemas: &[&str; 3]) -> Result<bool, Error> {
        if self.store.wall() == Wall::None {
            return Ok(true);
        }
        if !login.role_exists {
            return Ok(false);
        }
        let sql = "select count(*) from pg_catalog.pg_namespace n where n.nspname in ($1, $2, $3) \
                   and pg_catalog.has_schema_privilege($4, n.oid, 'usage')";
        let [home, records, find] = schemas.map(|schema| Param::Text(schema.to_owned()));
        let params = [home, records, find, Param::Text(login.role.clone())];
        let rows = self.store.owner_rows(sql, &params).await?;
        let count = rows
            .first()
            .and_then(|row| row.first())
            .and_then(Value::as_integer);
        Ok(count == Some(3))
    }
}
