//! Removing everything of ours from a database. Whether that is allowed is the caller's question.

use super::Schema;
use super::introspect;
use super::layout::IndexKind;
use super::names::quote;
use super::push::plain;
use super::search;
use crate::{Dialect, Error};
use std::collections::BTreeSet;

impl Schema {
    /// Drops the record tables of the newest definition, the platform's tables and all placements,
    /// with everything in them. What another hand put beside them stays, and so does the role.
    /// Open handles on the store must not be used afterwards; open it anew.
    pub async fn reset(&self) -> Result<(), Error> {
        let store = &self.store;
        let newest = store.newest().await?;
        let layout = self.layout_of(newest.as_ref())?.unwrap_or_default();
        let ours: BTreeSet<&str> = layout
            .tables
            .iter()
            .map(|table| table.name.as_str())
            .collect();
        let is_ours = |name: &String| ours.contains(name.as_str()) || name.starts_with("carnet_");
        let mut statements = Vec::new();
        match store.dialect() {
            Dialect::Sqlite => {
                let found = introspect::introspect(store, "").await?;
                for index in layout.tables.iter().flat_map(|table| &table.indexes) {
                    if index.kind != IndexKind::Btree {
                        statements.extend(search::drop_sqlite(&index.name));
                    }
                }
                for name in found.keys().filter(|name| is_ours(name)) {
                    statements.push(format!("drop table {}", quote(name)));
                }
            }
            Dialect::Postgres => {
                let mut schemas = Vec::new();
                for namespace in store.namespaces().await? {
                    let found = introspect::introspect(store, namespace.as_str()).await?;
                    let prefix = store.records_prefix(&namespace);
                    statements.push(format!(
                        "drop schema if exists {} cascade",
                        quote(&namespace.find())
                    ));
                    for name in found.keys().filter(|name| is_ours(name)) {
                        statements.push(format!("drop table {prefix}{} cascade", quote(name)));
                    }
                    statements.push(format!(
                        "drop function if exists {prefix}carnet_search(bigint, text[]), \
                         {prefix}carnet_words(bigint, text[]), \
                         {prefix}carnet_words_and_parts(bigint, text[]), \
                         {prefix}carnet_similarity(text[], text[])"
                    ));
                    schemas.push(namespace.as_str().to_owned());
                }
                let home = store.home_schema();
                let found = introspect::introspect(store, home).await?;
                for name in found.keys().filter(|name| name.starts_with("carnet_")) {
                    let table = format!("{}.{}", quote(home), quote(name));
                    statements.push(format!("drop table {table} cascade"));
                }
                statements.push(format!(
                    "drop function if exists {}.carnet_raise(text, text)",
                    quote(store.home_schema())
                ));
                schemas.push(store.home_schema().to_owned());
                statements.extend(schemas.iter().map(|schema| drop_if_empty(schema)));
            }
        }
        store.owner_script(&plain(statements)).await
    }
}

/// A schema may hold what is not ours.
fn drop_if_empty(schema: &str) -> String {
    format!(
        "do $carnet_reset$ begin\n    drop schema if exists {};\n\
         exception when dependent_objects_still_exist then null;\nend $carnet_reset$",
        quote(schema)
    )
}
