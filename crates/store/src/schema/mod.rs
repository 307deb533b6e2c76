//! The physical schema: what a model wants, what a database has, and the way from one to the other.
//! Not record SQL.

mod database;
mod ddl;
mod desired;
mod facts;
mod files;
mod introspect;
mod layout;
mod measure;
mod migrate;
mod names;
mod plan;
mod platform;
mod prepare;
mod push;
mod reset;
mod roles;
pub(crate) mod rules;
mod script;
mod search;
mod status;
mod tenants;
mod walls;

#[cfg(test)]
pub(crate) use desired::desired;
pub use files::Generated;
#[cfg(test)]
pub(crate) use layout::{Index, IndexKind, Kind, Layout, Table};
pub(crate) use names::{application_role, foreign_key_name, key_name, quote};
#[cfg(test)]
pub(crate) use platform::bootstrap;
pub use platform::{SchemaStep, StepAt};
pub use push::{Accept, PlannedChange, Report};
pub use status::{AppliedMigration, Status};
pub use tenants::NewTenant;

use crate::Store;

/// The handle on a store's schema. Everything here works as the owner of the tables; nothing here
/// is for requests.
#[derive(Clone)]
pub struct Schema {
    store: Store,
}

impl Store {
    /// The handle on the schema.
    pub fn schema(&self) -> Schema {
        Schema {
            store: self.clone(),
        }
    }
}
