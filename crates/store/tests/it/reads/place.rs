//! A database with a definition's tables, and what is done with it from tests that wait.

use super::world::id;
use crate::database::Database;
use carnet_kernel::{Context, Principal, Refusal, TenantKey, Timestamp};
use carnet_model::{ModelView, Resource, Source};
use carnet_store::schema::{Accept, NewTenant};
use carnet_store::{
    Changes, Config, Decision, Dialect, Document, Error, InsertRow, JournalEntry, JournalKind,
    Listing, Loaded, Namespace, Query, Record, Stamp, Step, Store, Unit, Wall,
};
use std::sync::Arc;

/// A store with the tables of a definition.
pub(crate) struct Place {
    pub(crate) store: Store,
    pub(crate) view: ModelView,
    runtime: tokio::runtime::Runtime,
    database: Database,
}

impl Place {
    pub(crate) fn sqlite(sources: &[Source]) -> Self {
        Self::open(Database::sqlite(), sources)
    }

    /// `None` without a server.
    #[track_caller]
    pub(crate) fn postgres(hint: &str, wall: Wall, sources: &[Source]) -> Option<Self> {
        let mut database = Database::postgres(hint)?;
        database.config.wall = wall;
        Some(Self::open(database, sources))
    }

    /// SQLite, and PostgreSQL when there is a server.
    #[track_caller]
    pub(crate) fn both(hint: &str, sources: &[Source]) -> Vec<Self> {
        let both = Database::both(hint).into_iter();
        both.map(|database| Self::open(database, sources)).collect()
    }

    /// The same with other settings.
    #[track_caller]
    pub(crate) fn both_with(
        hint: &str,
        sources: &[Source],
        change: impl Fn(&mut Config),
    ) -> Vec<Self> {
        let both = Database::both(hint).into_iter();
        both.map(|mut database| {
            change(&mut database.config);
            Self::open(database, sources)
        })
        .collect()
    }

    /// Lets the planner of PostgreSQL see what is there, as it does by itself after a while in a
    /// database in use. Before that it takes every table for one row, and joins a few of them by
    /// trying every combination.
    pub(crate) fn settle(&self) {
        if self.store.dialect() == Dialect::Postgres {
            self.database.server().execute("analyze").unwrap();
        }
    }

    fn open(database: Database, sources: &[Source]) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let compiled = carnet_model::compile(sources).unwrap();
        let view = ModelView::new(Arc::new(compiled.model));
        let store = runtime.block_on(async {
            let store = Store::open(&database.config).await.unwrap();
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
            database,
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
