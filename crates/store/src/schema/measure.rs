//! Having PostgreSQL measure tables whose rows came in at once. Until it has, it takes every table
//! for a few rows and plans nested conditions by trying each row with each; it would do so by itself
//! only a minute later. SQLite plans by fixed statistics.

use super::Schema;
use super::database::Script;
use super::names::quote;
use crate::{Dialect, Error, ListType, Param};
use carnet_kernel::Value;

impl Schema {
    /// Measures every table that has rows, after a load that filled them. Does nothing on SQLite.
    pub async fn measure(&self) -> Result<(), Error> {
        self.measure_where("true").await
    }

    /// Measures the tables that have rows and were never measured.
    pub(super) async fn measure_unknown(&self) -> Result<(), Error> {
        self.measure_where("c.reltuples < 0").await
    }

    /// A table that another process works on stays as it is: that only costs time.
    async fn measure_where(&self, condition: &str) -> Result<(), Error> {
        if self.store.dialect() != Dialect::Postgres {
            return Ok(());
        }
        let namespaces = self.store.namespaces().await?;
        let mut schemas: Vec<Value> = namespaces
            .iter()
            .map(|namespace| Value::Text(namespace.as_str().to_owned()))
            .collect();
        schemas.push(Value::Text(self.store.home_schema().to_owned()));
        let sql = format!(
            "select n.nspname::text, c.relname::text from pg_catalog.pg_class c \
             join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
             where n.nspname = any($1::text[]) and c.relkind = 'r' \
             and pg_catalog.pg_relation_size(c.oid) > 0 and {condition} order by 1, 2"
        );
        let params = [Param::List(ListType::Text, schemas)];
        for row in self.store.owner_rows(&sql, &params).await? {
            let name = |place: usize| row.get(place).and_then(Value::as_text).map(quote);
            let (Some(schema), Some(table)) = (name(0), name(1)) else {
                continue;
            };
            let script: Script = vec![(format!("analyze {schema}.{table}"), Vec::new())];
            if let Err(error) = self.store.owner_script(&script).await {
                tracing::warn!(%error, table, "the table could not be measured");
            }
        }
        Ok(())
    }
}
