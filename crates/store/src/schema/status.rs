//! How a database stands to a definition, without changing either.

use super::Schema;
use super::database::{Recorded, record_model};
use super::facts::differences;
use super::push::{PlannedChange, facts_of, is_newest};
use super::rules::Rules;
use super::walls;
use crate::{Dialect, Error};
use carnet_kernel::{Timestamp, Value};
use carnet_model::Model;

/// How a database stands to a definition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// It has none of the platform's tables.
    pub fresh: bool,
    /// What a push would do.
    pub pending: Vec<PlannedChange>,
    /// Where it differs from what it was last given: another hand changed it.
    pub drift: Vec<String>,
    /// What a push would lose.
    pub losses: Vec<String>,
    /// The migrations it has had, in order.
    pub migrations: Vec<AppliedMigration>,
    /// The row of `carnet_schemas` that holds, if there is one.
    pub schema_version: Option<i64>,
    /// Whether that row is this definition's.
    pub current: bool,
}

/// A migration that a database has had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedMigration {
    /// The name of its folder.
    pub name: String,
    /// SHA-256 of the file that was applied.
    pub checksum: String,
    /// When.
    pub at: Timestamp,
}

impl Schema {
    /// Whether the database has none of the platform's tables.
    pub async fn is_fresh(&self) -> Result<bool, Error> {
        let store = &self.store;
        Ok(!store.has_table(store.home_schema(), "carnet_steps").await?)
    }

    /// How the database stands to a definition.
    pub async fn status(&self, model: &Model) -> Result<Status, Error> {
        let fresh = self.is_fresh().await?;
        let planned = self.planned(model).await?;
        Ok(Status {
            fresh,
            losses: planned.losses(),
            drift: self.drift_of(&planned).await?,
            migrations: self.applied_migrations().await?,
            schema_version: planned
                .newest
                .as_ref()
                .filter(|newest| !newest.hash.is_empty())
                .map(|newest| newest.version),
            current: is_newest(&planned, model),
            pending: planned.changes,
        })
    }

    /// Where the database differs from what it was last given, in words.
    pub async fn drift(&self) -> Result<Vec<String>, Error> {
        let newest = self.store.newest().await?;
        let Some(old) = self.layout_of(newest.as_ref())? else {
            return Ok(Vec::new());
        };
        let planned = self
            .planned_between(newest, Some(old.clone()), &old)
            .await?;
        self.drift_of(&planned).await
    }

    async fn drift_of(&self, planned: &super::push::Planned) -> Result<Vec<String>, Error> {
        let store = &self.store;
        let Some(old) = &planned.old else {
            return Ok(Vec::new());
        };
        let shared = store.home().namespace;
        let login = store.login().await?;
        let many = planned.placements.len() > 1;
        let mut drift = Vec::new();
        for placement in &planned.placements {
            let layout = if placement.namespace == shared {
                old.clone()
            } else {
                old.of_tenants()
            };
            let wanted = facts_of(store.dialect(), Some(&layout));
            let mut lines = differences(&wanted, &placement.found);
            if store.dialect() == Dialect::Postgres {
                let builder = store.builder(&login, &placement.namespace, &shared);
                lines.extend(walls::differences(&builder.expected(old), &placement.walls));
            }
            if many {
                let place = |line: String| format!("in {}: {line}", placement.namespace);
                lines = lines.into_iter().map(place).collect();
            }
            drift.extend(lines);
        }
        Ok(drift)
    }

    /// The migrations that the database has had, in order.
    pub async fn applied_migrations(&self) -> Result<Vec<AppliedMigration>, Error> {
        let store = &self.store;
        if !store
            .has_table(store.home_schema(), "carnet_migrations")
            .await?
        {
            return Ok(Vec::new());
        }
        let at = match store.dialect() {
            Dialect::Sqlite => "at",
            Dialect::Postgres => "(extract(epoch from at) * 1000000)::bigint",
        };
        let sql =
            format!("select name, checksum, {at} from {{home}}carnet_migrations order by name");
        let rows = store.owner_rows(&sql, &[]).await?;
        let migration = |row: &Vec<Value>| {
            Some(AppliedMigration {
                name: row.first()?.as_text()?.to_owned(),
                checksum: row.get(1)?.as_text()?.to_owned(),
                at: Timestamp(row.get(2)?.as_integer()?),
            })
        };
        Ok(rows.iter().filter_map(migration).collect())
    }

    /// The version of `carnet_schemas` under which this definition's writes are journalled. Fast
    /// when the definition is the newest one; otherwise the database is compared, and a definition
    /// that needs no change of it is recorded.
    ///
    /// Errors: `SchemaPending` with the command to run.
    pub async fn require_current(&self, model: &Model) -> Result<i64, Error> {
        let newest = self.store.newest_hash().await?;
        let hash = model.hash.to_string();
        let current = |newest: &Recorded| newest.hash == hash && newest.rules == Rules::current();
        let newest = match newest {
            Some(newest) if current(&newest) => return Ok(newest.version),
            newest => newest,
        };
        let Some(newest) = newest else {
            return Err(Error::SchemaPending(
                "the database has no tables of this definition yet; run `carnet db push`, or \
                 `carnet db migrate` where migrations are kept"
                    .to_owned(),
            ));
        };
        let planned = self.planned(model).await?;
        if planned.is_empty() {
            let version = newest.version + 1;
            let row = record_model(self.store.dialect(), version, model);
            return match self.store.owner_script(&vec![row]).await {
                Ok(()) => Ok(version),
                // Another process recorded it at the same moment, or something else did.
                Err(error) => match self.store.newest_hash().await? {
                    Some(newest) if current(&newest) => Ok(newest.version),
                    _ => Err(error),
                },
            };
        }
        let shown: Vec<&str> = planned
            .changes
            .iter()
            .take(3)
            .map(|change| change.summary.as_str())
            .collect();
        let more = planned.changes.len().saturating_sub(shown.len());
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        Err(Error::SchemaPending(format!(
            "the database lacks changes of the definition: {}{more}; run `carnet db push`, or \
             `carnet db migrate` where migrations are kept",
            shown.join(", ")
        )))
    }
}
