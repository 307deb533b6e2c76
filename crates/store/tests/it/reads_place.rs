//! A database with a definition's tables, for tests of reads: SQLite in a folder of its own,
//! PostgreSQL in a database of its own.

#![cfg(test)]

use crate::reads_world::id;
use carnet_kernel::{Context, Period, Principal, Refusal, Secret, TenantKey, Timestamp};
use carnet_model::{ModelView, Resource, Source};
use carnet_store::schema::{Accept, NewTenant};
use carnet_store::{
    Changes, Config, Decision, Document, Error, InsertRow, JournalEntry, JournalKind, Listing,
    Loaded, Namespace, Query, Record, Stamp, Step, Store, Unit, Wall,
};
use carnet_testkit::postgres::TestDatabase;
use carnet_testkit::tempfile::TempDir;
use std::sync::Arc;

/// A store, and what keeps its database.
pub(crate) struct Place {
    pub(crate) store: Store,
    pub(crate) view: ModelView,
    runtime: tokio::runtime::Runtime,
    _folder: Option<TempDir>,
    _database: Option<TestDatabase>,
}

impl Place {
    pub(crate) fn sqlite(sources: &[Source]) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("t.sqlite");
        let config = Config {
            url: Secret::new(format!("sqlite:{}", path.display())),
            readers: 2,
            ..Config::default()
        };
        Self::open(&config, sources, Some(folder), None)
    }

    /// `None` without a server.
    #[track_caller]
    pub(crate) fn postgres(hint: &str, wall: Wall, sources: &[Source]) -> Option<Self> {
        let database = carnet_testkit::postgres::database(hint)?;
        let config = Config {
            url: Secret::new(database.url()),
            wall,
            pool_min: 0,
            pool_max: 4,
            connect_timeout: Period::seconds(5),
            ..Config::default()
        };
        Some(Self::open(&config, sources, None, Some(database)))
    }

    /// SQLite, and PostgreSQL when there is a server.
    #[track_caller]
    pub(crate) fn both(hint: &str, sources: &[Source]) -> Vec<Self> {
        let mut places = vec![Self::sqlite(sources)];
        places.extend(Self::postgres(hint, Wall::Rls, sources));
        places
    }

    fn open(
        config: &Config,
        sources: &[Source],
        folder: Option<TempDir>,
        database: Option<TestDatabase>,
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let compiled = carnet_model::compile(sources).unwrap();
        let view = ModelView::new(Arc::new(compiled.model));
        let store = runtime.block_on(async {
            let store = Store::open(config).await.unwrap();
            let schema = store.schema();
            schema.prepare(&[]).await.unwrap();
            let accept = Accept { data_loss: false };
            schema.push(view.model(), accept).await.unwrap();
            store
        });
        Self {
            store,
            view,
            runtime,
            _folder: folder,
            _database: database,
        }
    }

    /// Makes a tenant, in a namespace of its own when one is named.
    pub(crate) fn tenant(&self, own: Option<&str>) -> TenantKey {
        let tenant = NewTenant {
            key: None,
            id: id(8, 1),
            name: "second".to_owned(),
            namespace: own.and_then(Namespace::new),
        };
        let schema = self.store.schema();
        self.runtime
            .block_on(schema.create_tenant(self.view.model(), &tenant))
            .unwrap()
    }

    /// Stores new records of one resource in one write.
    pub(crate) fn insert(&self, tenant: TenantKey, resource: &Resource, records: Vec<Record>) {
        let rows = records.into_iter().map(|record| InsertRow {
            record,
            journal: JournalEntry {
                kind: JournalKind::Create,
                version: 1,
                body: "{\"after\":{}}".to_owned(),
            },
        });
        let unit: Arc<dyn Unit> = Arc::new(Apply(Step::Insert {
            resource: resource.index,
            rows: rows.collect(),
        }));
        let stamp = Stamp {
            now: Timestamp(0),
            principal: Principal::system().reference(),
            correlation: id(0, 0),
            causation: None,
        };
        let context = context(tenant);
        self.runtime.block_on(async {
            let scope = if resource.is_tenant() {
                self.store.scope(&context).await.unwrap()
            } else {
                self.store.platform(&context)
            };
            scope.write(&self.view, &stamp, vec![unit]).await.unwrap();
        });
    }

    pub(crate) fn list(&self, tenant: TenantKey, query: &Query) -> Result<Listing, Error> {
        self.runtime.block_on(async {
            let scope = self.store.scope(&context(tenant)).await?;
            scope.list(&self.view, query).await
        })
    }

    pub(crate) fn find(&self, tenant: TenantKey, query: &Query) -> Result<Option<Document>, Error> {
        self.runtime.block_on(async {
            let scope = self.store.scope(&context(tenant)).await?;
            scope.find(&self.view, query).await
        })
    }
}

fn context(tenant: TenantKey) -> Context {
    Context::new(tenant, Principal::system(), id(0, 0))
}

struct Apply(Step);

impl Unit for Apply {
    fn decide(&self, _: &ModelView, _: &Loaded) -> Result<Decision, Refusal> {
        Ok(Decision::Apply(Changes {
            steps: vec![self.0.clone()],
            ..Changes::default()
        }))
    }
}
