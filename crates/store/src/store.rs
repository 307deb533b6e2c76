//! Opening a database and handing out scopes. Closed set of engines, so an enum, not a trait; the
//! conformance suite is the port's contract.

use crate::metrics::Counters;
use crate::postgres::Postgres;
use crate::sqlite::Sqlite;
use crate::under_way::UnderWay;
use crate::{Config, Dialect, Error, Namespace, Placement, Scope, SystemScope};
use carnet_kernel::{ByteSize, Context, TenantKey};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Below this no useful answer fits.
const LEAST_ANSWER: ByteSize = ByteSize(1 << 10);

/// A deployment's database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) config: Config,
    pub(crate) engine: Engine,
    /// The shared tier's placement.
    home: Placement,
    pub(crate) under_way: UnderWay,
    /// Tenants whose placement is known; filled on first use.
    pub(crate) placements: RwLock<HashMap<TenantKey, Placement>>,
}

pub(crate) enum Engine {
    Sqlite(Sqlite),
    Postgres(Box<Postgres>),
}

impl Store {
    /// Connects, without looking at the schema. A `sqlite:` file and its folder are made when absent.
    ///
    /// Errors: `Configuration` for a URL that names no known database, `Unavailable`,
    /// `WallBypassed`, `RoleMissing`.
    pub async fn open(config: &Config) -> Result<Self, Error> {
        if config.answer_limit < LEAST_ANSWER {
            return Err(Error::Configuration(format!(
                "`database.answer_limit` is {}: it must be at least {LEAST_ANSWER}",
                config.answer_limit
            )));
        }
        let url = config.url.reveal();
        let engine = if let Some(path) = url.strip_prefix("sqlite:") {
            Engine::Sqlite(Sqlite::open(path, config).await?)
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Engine::Postgres(Box::new(Postgres::open(config).await?))
        } else {
            return Err(Error::Configuration(
                "`database.url` starts with neither `sqlite:` nor `postgres://`".to_owned(),
            ));
        };
        let inner = Inner {
            home: Placement {
                namespace: Namespace::new(&config.records_schema).unwrap_or_else(Namespace::shared),
            },
            config: config.clone(),
            engine,
            under_way: UnderWay::default(),
            placements: RwLock::default(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Which SQL it speaks.
    pub fn dialect(&self) -> Dialect {
        match &self.inner.engine {
            Engine::Sqlite(_) => Dialect::Sqlite,
            Engine::Postgres(_) => Dialect::Postgres,
        }
    }

    /// The database in words for logs, without secrets: `SQLite ./data/carnet.sqlite`.
    pub fn describe(&self) -> String {
        match &self.inner.engine {
            Engine::Sqlite(engine) => engine.describe(),
            Engine::Postgres(engine) => engine.describe(),
        }
    }

    /// The handle on the data of the context's tenant.
    pub async fn scope(&self, context: &Context) -> Result<Scope, Error> {
        let placement = self.placement(context.tenant).await?;
        Ok(Scope::new(self.clone(), placement, context.tenant, context))
    }

    /// The handle on platform records, which live in home and carry no tenant.
    pub fn platform(&self, context: &Context) -> Scope {
        Scope::new(self.clone(), self.home(), TenantKey::PLATFORM, context)
    }

    /// The process's own handle: platform tables, the journal's tail, start-up.
    pub fn system(&self) -> SystemScope {
        SystemScope::new(self.clone())
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Error> {
        match &self.inner.engine {
            Engine::Sqlite(engine) => engine.ping().await,
            Engine::Postgres(engine) => engine.ping().await,
        }
    }

    /// What it did since it was opened.
    pub fn counters(&self) -> Counters {
        match &self.inner.engine {
            Engine::Sqlite(engine) => engine.counters(),
            Engine::Postgres(engine) => engine.counters(),
        }
    }

    /// Waits until the database takes no more writes and the process has to be started again, and
    /// answers why: a disk that did not confirm a commit. Never on PostgreSQL.
    pub async fn failed(&self) -> String {
        match &self.inner.engine {
            Engine::Sqlite(engine) => engine.stopped().await,
            Engine::Postgres(_) => std::future::pending().await,
        }
    }

    /// Finishes what is queued and closes all connections; later calls answer `Unavailable`.
    pub async fn close(&self) {
        match &self.inner.engine {
            Engine::Sqlite(engine) => engine.close().await,
            Engine::Postgres(engine) => engine.close().await,
        }
    }

    /// The shared tier's placement.
    pub(crate) fn home(&self) -> Placement {
        self.inner.home.clone()
    }

    async fn placement(&self, tenant: TenantKey) -> Result<Placement, Error> {
        if tenant == TenantKey::DEFAULT || tenant == TenantKey::PLATFORM {
            return Ok(self.home());
        }
        let known = self
            .inner
            .placements
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&tenant)
            .cloned();
        if let Some(placement) = known {
            return Ok(placement);
        }
        let found = Box::pin(self.system().placement_of(tenant)).await?;
        self.inner
            .placements
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(tenant, found.clone());
        Ok(found)
    }
}
