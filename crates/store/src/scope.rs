//! The handles on data. A `Scope` is one tenant's; a `SystemScope` is the process's own.

use crate::options::RECEIPT_LIFE;
use crate::prepared::Sought;
use crate::store::Engine;
use crate::transaction::{Found, Locking, Read, Reading, Transaction, Writing, unexpected};
use crate::{
    Changes, Document, Error, Explanation, Grouping, Groups, JournalCursor, JournalRow, Listing,
    Namespace, Param, Placement, PreparedQuery, PreparedRecord, Query, Stamp, Store, Unit,
    WriteFailure, WriteOptions, Written,
};
use carnet_kernel::{Context, Id, TenantKey, Timestamp, Value};
use carnet_model::{ModelView, ResourceIndex};
use std::sync::Arc;
use std::time::Instant;

/// One tenant's data in its placement, for one request. Every statement binds the tenant; the
/// database walls it a second time.
#[derive(Clone)]
pub struct Scope {
    pub(crate) store: Store,
    pub(crate) target: Target,
    /// The transaction that everything happens in, if there is one under way.
    transaction: Option<Transaction>,
}

/// What an adapter needs to know of a scope.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) placement: Placement,
    pub(crate) tenant: TenantKey,
    pub(crate) deadline: Option<Instant>,
}

impl Scope {
    pub(crate) fn new(
        store: Store,
        placement: Placement,
        tenant: TenantKey,
        context: &Context,
    ) -> Self {
        Self {
            store,
            target: Target {
                placement,
                tenant,
                deadline: context.deadline,
            },
            transaction: None,
        }
    }

    /// The same data, seen and changed inside a transaction under way.
    #[must_use]
    pub fn within(mut self, transaction: &Transaction) -> Self {
        self.transaction = Some(transaction.clone());
        self
    }

    async fn found(
        &self,
        transaction: &Transaction,
        view: &ModelView,
        read: Read,
    ) -> Result<Found, Error> {
        let reading = Reading {
            target: self.target.clone(),
            view: view.clone(),
            read,
        };
        transaction.read(reading).await
    }

    /// Locks records against other writers until the end of the transaction, in the order of their
    /// ids; those that are not there are left out. Outside of a transaction it does nothing.
    pub async fn lock(
        &self,
        view: &ModelView,
        resource: ResourceIndex,
        mut ids: Vec<Id>,
    ) -> Result<(), Error> {
        let Some(transaction) = &self.transaction else {
            return Ok(());
        };
        ids.sort_unstable();
        ids.dedup();
        let locking = Locking {
            target: self.target.clone(),
            view: view.clone(),
            resource,
            ids,
        };
        transaction.lock(locking).await
    }

    /// The tenant whose data it reaches; 0 for platform records.
    pub fn tenant(&self) -> TenantKey {
        self.target.tenant
    }

    /// Reads a list: one round trip on PostgreSQL, one snapshot on one reader thread on SQLite.
    pub async fn list(&self, view: &ModelView, query: &Query) -> Result<Listing, Error> {
        let prepared = Arc::new(PreparedQuery::new(query.clone()));
        self.list_prepared(view, &prepared).await
    }

    /// The same of a query that is asked again and again, prepared for `view`.
    pub async fn list_prepared(
        &self,
        view: &ModelView,
        prepared: &Arc<PreparedQuery>,
    ) -> Result<Listing, Error> {
        if let Some(transaction) = &self.transaction {
            let read = Read::List(Arc::clone(prepared));
            return match self.found(transaction, view, read).await? {
                Found::List(listing) => Ok(listing),
                _ => Err(unexpected()),
            };
        }
        match &self.store.inner.engine {
            Engine::Sqlite(engine) => engine.list(&self.target, view, prepared).await,
            Engine::Postgres(engine) => engine.list(&self.target, view, prepared).await,
        }
    }

    /// Reads groups of records: one round trip, one snapshot.
    pub async fn group(&self, view: &ModelView, grouping: &Grouping) -> Result<Groups, Error> {
        if let Some(transaction) = &self.transaction {
            let read = Read::Group(Box::new(grouping.clone()));
            return match self.found(transaction, view, read).await? {
                Found::Groups(groups) => Ok(groups),
                _ => Err(unexpected()),
            };
        }
        match &self.store.inner.engine {
            Engine::Sqlite(engine) => engine.group(&self.target, view, grouping).await,
            Engine::Postgres(engine) => engine.group(&self.target, view, grouping).await,
        }
    }

    /// Tells how groups would be read, without reading them.
    pub async fn explain_groups(
        &self,
        view: &ModelView,
        grouping: &Grouping,
    ) -> Result<Explanation, Error> {
        match &self.store.inner.engine {
            Engine::Sqlite(engine) => engine.explain_groups(&self.target, view, grouping).await,
            Engine::Postgres(engine) => engine.explain_groups(&self.target, view, grouping).await,
        }
    }

    /// Tells how a list would be read, without reading it.
    pub async fn explain(&self, view: &ModelView, query: &Query) -> Result<Explanation, Error> {
        match &self.store.inner.engine {
            Engine::Sqlite(engine) => engine.explain(&self.target, view, query).await,
            Engine::Postgres(engine) => engine.explain(&self.target, view, query).await,
        }
    }

    /// Reads the first record of a query, if there is one.
    pub async fn find(&self, view: &ModelView, query: &Query) -> Result<Option<Document>, Error> {
        self.sought(view, Sought::First(Box::new(query.clone())))
            .await
    }

    /// Reads the record with this key, if it is there; the read was prepared for `view`.
    pub async fn find_prepared(
        &self,
        view: &ModelView,
        prepared: &Arc<PreparedRecord>,
        key: Value,
    ) -> Result<Option<Document>, Error> {
        self.sought(view, Sought::ByKey(Arc::clone(prepared), key))
            .await
    }

    async fn sought(&self, view: &ModelView, sought: Sought) -> Result<Option<Document>, Error> {
        if let Some(transaction) = &self.transaction {
            // Boxed, like PostgreSQL's, because SQLite's own is much smaller.
            let found = Box::pin(self.found(transaction, view, Read::Find(sought)));
            return match found.await? {
                Found::Document(document) => Ok(document),
                _ => Err(unexpected()),
            };
        }
        match &self.store.inner.engine {
            Engine::Sqlite(engine) => engine.find(&self.target, view, &sought).await,
            Engine::Postgres(engine) => Box::pin(engine.find(&self.target, view, &sought)).await,
        }
    }

    /// Applies all units in one serialisable transaction with their journal rows, or none. Unit
    /// n loads after unit n − 1 was applied. Answers the changes that were applied, unit by unit.
    pub async fn write(
        &self,
        view: &ModelView,
        stamp: &Stamp,
        units: Vec<Arc<dyn Unit>>,
    ) -> Result<Vec<Changes>, WriteFailure> {
        self.write_with(view, stamp, units, &WriteOptions::default())
            .await?
            .into_changes()
    }

    /// The same, as `options` say. With a receipt: `KeyReused` for another request under the key,
    /// `UnderWay` while the same is being carried out. Inside a transaction under way a write that
    /// fails is undone and the transaction goes on; whether it happens once and whether it stays is
    /// the transaction's to say.
    pub async fn write_with(
        &self,
        view: &ModelView,
        stamp: &Stamp,
        units: Vec<Arc<dyn Unit>>,
        options: &WriteOptions,
    ) -> Result<Written, WriteFailure> {
        if let Some(transaction) = &self.transaction {
            let writing = Writing {
                target: self.target.clone(),
                view: view.clone(),
                stamp: stamp.clone(),
                units,
                policy: options.policy,
            };
            return transaction.write(writing).await.map(Written::now);
        }
        let under_way = &self.store.inner.under_way;
        let receipt = options.receipt.as_ref();
        let _entered = receipt
            .map(|receipt| under_way.enter(self.target.tenant, receipt.key))
            .transpose()
            .map_err(WriteFailure::nowhere)?;
        match &self.store.inner.engine {
            Engine::Sqlite(engine) => {
                engine
                    .write(&self.target, view, stamp, units, options)
                    .await
            }
            Engine::Postgres(engine) => {
                engine
                    .write(&self.target, view, stamp, units, options)
                    .await
            }
        }
    }
}

/// The process's own handle on platform tables. Not for anything a request asks for.
#[derive(Clone)]
pub struct SystemScope {
    store: Store,
}

impl SystemScope {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }

    /// Reads platform tables. `{home}` before a table name stands for the platform schema,
    /// `{records}` for the shared tier's. Values come as the database types them.
    pub async fn rows(&self, sql: &str, params: &[Param]) -> Result<Vec<Vec<Value>>, Error> {
        match &self.store.inner.engine {
            Engine::Sqlite(engine) => engine.platform_rows(sql, params).await,
            Engine::Postgres(engine) => engine.platform_rows(sql, params).await,
        }
    }

    /// Changes platform tables in one transaction; answers the rows changed by each statement.
    pub async fn execute(&self, statements: &[(&str, &[Param])]) -> Result<Vec<u64>, Error> {
        match &self.store.inner.engine {
            Engine::Sqlite(engine) => engine.platform_execute(statements).await,
            Engine::Postgres(engine) => engine.platform_execute(statements).await,
        }
    }

    /// The next journal rows of the shared tier after `cursor`, oldest first, at most `limit`,
    /// with the cursor after them. Nothing is lost and nothing comes twice, whatever writers do.
    pub async fn tail(
        &self,
        cursor: &JournalCursor,
        limit: u32,
    ) -> Result<(Vec<JournalRow>, JournalCursor), Error> {
        self.tail_of(&self.store.home(), cursor, limit).await
    }

    /// The same for another placement.
    pub async fn tail_of(
        &self,
        placement: &Placement,
        cursor: &JournalCursor,
        limit: u32,
    ) -> Result<(Vec<JournalRow>, JournalCursor), Error> {
        match &self.store.inner.engine {
            Engine::Sqlite(engine) => engine.tail(placement, cursor, limit).await,
            Engine::Postgres(engine) => engine.tail(placement, cursor, limit).await,
        }
    }

    /// Forgets receipts that have expired at `now`, at most `most` of each placement at a time;
    /// answers how many went.
    pub async fn forget_receipts(&self, now: Timestamp, most: u32) -> Result<u64, Error> {
        let oldest = Param::Value(Value::DateTime(now.0 - RECEIPT_LIFE));
        let params = [oldest, Param::Integer(i64::from(most))];
        let mut gone = 0;
        for table in self.receipt_tables().await? {
            let sql = format!(
                "delete from {table} where (tenant, key) in \
                 (select tenant, key from {table} where at <= $1 limit $2)"
            );
            gone += self.execute(&[(&sql, &params)]).await?.iter().sum::<u64>();
        }
        Ok(gone)
    }

    async fn receipt_tables(&self) -> Result<Vec<String>, Error> {
        let mut tables = vec!["{records}carnet_idempotency".to_owned()];
        let sql = "select distinct namespace from {home}carnet_tenants where namespace is not null";
        for row in self.rows(sql, &[]).await? {
            let namespace = row
                .first()
                .and_then(Value::as_text)
                .and_then(Namespace::new);
            let own = namespace.filter(|name| *name != self.store.home().namespace);
            tables.extend(
                own.map(|name| {
                    format!("{}.carnet_idempotency", crate::schema::quote(name.as_str()))
                }),
            );
        }
        Ok(tables)
    }

    /// Where a tenant's records live. Errors: `Refused` with `NOT_FOUND` for an unknown tenant.
    pub(crate) async fn placement_of(&self, tenant: TenantKey) -> Result<Placement, Error> {
        let sql = "select namespace from {home}carnet_tenants where key = $1";
        let rows = self.rows(sql, &[Param::Integer(tenant.0)]).await?;
        let namespace = match rows.first().and_then(|row| row.first()) {
            Some(Value::Text(name)) => Namespace::new(name),
            Some(_) => Some(self.store.home().namespace),
            None => None,
        };
        namespace
            .map(|namespace| Placement { namespace })
            .ok_or_else(|| Error::Refused(carnet_kernel::Refusal::not_found("tenants")))
    }
}
