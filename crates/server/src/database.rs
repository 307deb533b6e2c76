//! From a configuration to a database that fits the model: connecting, the platform's own tables,
//! the first push, seeds. Schema work itself is the store's.

use crate::application::{Application, read_seeds};
use crate::clock::SystemClock;
use crate::config::{Config, Loaded, Profile};
use crate::error::Failure;
use carnet_kernel::{Context, Principal, TenantKey};
use carnet_model::Model;
use carnet_records::{Operations, seed};
use carnet_store::Store;
use carnet_store::schema::{Accept, SchemaStep};
use std::sync::Arc;

/// Every schema step of every crate that owns platform tables, beside the store's own.
pub fn steps() -> Vec<SchemaStep> {
    seed::STEPS.to_vec()
}

/// Connects to the configured database.
pub async fn connect(loaded: &Loaded) -> Result<Store, Failure> {
    Ok(Store::open(&loaded.config.database).await?)
}

/// Makes the platform's own tables where they are missing.
pub async fn prepare(store: &Store) -> Result<(), Failure> {
    store.schema().prepare(&steps()).await?;
    Ok(())
}

/// Writes the configured seeds; `overwrite` also over records that somebody changed.
pub async fn write_seeds(
    config: &Config,
    application: &Application,
    store: &Store,
    model: &Arc<Model>,
    overwrite: bool,
) -> Result<seed::Report, Failure> {
    let set = read_seeds(config, application, model)?;
    if set.is_empty() {
        return Ok(seed::Report::default());
    }
    let operations = Operations::new(store.clone(), Arc::clone(model), Arc::new(SystemClock));
    let context = Context::new(
        TenantKey::DEFAULT,
        Principal::system(),
        operations.next_id(),
    );
    seed::apply(&operations, &context, &set, overwrite)
        .await
        .map_err(Failure::Refused)
}

/// Makes sure that the database has the model's schema: sets up and seeds an empty one, except in
/// production; refuses one with a pending change.
pub async fn ensure(
    config: &Config,
    application: &Application,
    store: &Store,
    model: &Arc<Model>,
    seeds: bool,
) -> Result<(), Failure> {
    let schema = store.schema();
    if config.profile != Profile::Prod && schema.is_fresh().await? {
        tracing::info!("the database is empty; setting it up");
        prepare(store).await?;
        schema.push(model, Accept { data_loss: false }).await?;
        if seeds {
            let report = write_seeds(config, application, store, model, false).await?;
            tracing::info!(records.created = report.created, "the seeds are written");
        }
        return Ok(());
    }
    schema.require_current(model).await?;
    Ok(())
}
