//! The store's part of the configuration.

use carnet_kernel::{ByteSize, Period, Secret};
use serde::{Deserialize, Serialize};

/// Section `database`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `sqlite:<path>` or `postgres://user:password@host:port/database?sslmode=…`.
    pub url: Secret,
    /// Connections to PostgreSQL that are kept open.
    pub pool_min: u32,
    /// Most connections to PostgreSQL.
    pub pool_max: u32,
    /// A connection unused for so long is closed.
    pub pool_idle: Period,
    /// How long to wait for a new connection.
    pub connect_timeout: Period,
    /// How long a request waits for a free connection.
    pub acquire_timeout: Period,
    /// How long one statement may run.
    pub statement_timeout: Period,
    /// How long one write transaction may take in all.
    pub transaction_budget: Period,
    /// The largest answer to one read; a larger one is refused while it is read.
    pub answer_limit: ByteSize,
    /// A statement that takes longer is logged as a warning.
    pub slow_query: Period,
    /// PostgreSQL: what stands between tenants beside the bound tenant of every statement.
    pub wall: Wall,
    /// PostgreSQL: the schema of the deployment's own tables.
    pub platform_schema: String,
    /// PostgreSQL: the schema of the shared tier's record tables.
    pub records_schema: String,
    /// SQLite: what a commit waits for.
    pub synchronous: Synchronous,
    /// SQLite: reader threads; 0 takes one per processor, at least 2.
    pub readers: u32,
    /// SQLite: the largest the file may grow in pages of 4 KB; 0 for no limit.
    pub max_pages: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            url: Secret::new("sqlite:./data/carnet.sqlite"),
            pool_min: 5,
            pool_max: 20,
            pool_idle: Period::seconds(30),
            connect_timeout: Period::seconds(2),
            acquire_timeout: Period::seconds(60),
            statement_timeout: Period::seconds(10),
            transaction_budget: Period::seconds(2),
            answer_limit: ByteSize(64 << 20),
            slow_query: Period::seconds(1),
            wall: Wall::Rls,
            platform_schema: "carnet".to_owned(),
            records_schema: "app".to_owned(),
            synchronous: Synchronous::Full,
            readers: 0,
            max_pages: 0,
        }
    }
}

/// What stands between tenants on PostgreSQL beside the bound tenant of every statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wall {
    /// Forced row-level security, and find views for what it would slow down.
    Rls,
    /// Views for everything; the application role has no right on the tables' rows.
    View,
    /// Nothing; for deployments of one tenant.
    None,
}

/// What a commit on SQLite waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Synchronous {
    /// The disk: nothing acknowledged is lost.
    Full,
    /// The operating system: a power cut may lose the last writes.
    Normal,
}
