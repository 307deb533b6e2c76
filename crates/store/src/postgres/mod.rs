//! The PostgreSQL adapter: how sessions are opened and shared, how reads and writes become flights
//! of statements, and what the server's errors mean. Not the SQL of reads or of the schema.

mod address;
mod apply;
mod assemble;
mod bind;
mod cells;
mod columns;
mod connect;
mod errors;
mod flight;
mod journal;
mod load;
mod platform;
mod pool;
mod read;
mod receipts;
mod retry;
mod text;
mod tls;
mod transact;
mod write;

use crate::estimate::{Estimates, Key, planned_rows};
use crate::metrics::Counters;
use crate::prepared::Sought;
use crate::render::{self, Frame, GroupStatement, Select};
use crate::scope::Target;
use crate::shape::{Bound, Cells, GroupPage, handed_over};
use crate::{
    Config, Dialect, Document, Error, Explained, Explanation, Grouping, Groups, JournalCursor,
    JournalRow, Listing, Param, Placement, PreparedQuery, Query, Stamp, Unit, WriteFailure,
    WriteOptions, Written, explain, metrics,
};
use carnet_kernel::Value;
use carnet_model::{ModelHash, ModelView};
use cells::RowCells;
use connect::{Connector, Role};
use flight::{Limit, Message};
use pool::{Meter, Pool, Size};
use read::Reader;
use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// Sessions of the owner are for rare things.
const OWNER: Size = Size { min: 0, max: 4 };

pub(crate) struct Postgres {
    config: Config,
    connector: Arc<Connector>,
    meter: Arc<Meter>,
    estimates: Box<Estimates>,
    serving: Pool,
    owner: Pool,
    turns: retry::Turns,
    /// The version of `carnet_schemas` that a model was recorded as.
    schema_versions: RwLock<HashMap<ModelHash, i64>>,
}

impl Postgres {
    /// Connects once as the owner, and once behind the wall when the application's role is there.
    pub(crate) async fn open(config: &Config) -> Result<Self, Error> {
        for schema in [&config.platform_schema, &config.records_schema] {
            if crate::Namespace::new(schema).is_none() {
                return Err(Error::Configuration(format!(
                    "`{schema}` cannot be the name of a schema: 1 to 48 of a-z, 0-9 and _, \
                     a letter first"
                )));
            }
        }
        let connector = Arc::new(Connector::new(config, address::read(config)?));
        let meter = Arc::new(Meter::default());
        let size = Size {
            min: config.pool_min as usize,
            max: config.pool_max as usize,
        };
        let pool = |role, size| {
            Pool::new(
                config,
                Arc::clone(&connector),
                Arc::clone(&meter),
                role,
                size,
            )
        };
        let opened = Self {
            owner: pool(Role::Owner, OWNER),
            serving: pool(Role::Application, size),
            turns: retry::Turns::new(),
            config: config.clone(),
            connector: Arc::clone(&connector),
            meter,
            estimates: Box::default(),
            schema_versions: RwLock::default(),
        };
        drop(opened.owner.take(None, None).await?);
        match opened.serving.take(None, None).await {
            // Before the first push there is no role, and it takes the owner to make one.
            Ok(_) | Err(Error::RoleMissing(_)) => Ok(opened),
            Err(error) => {
                opened.close().await;
                Err(error)
            }
        }
    }

    pub(crate) fn describe(&self) -> String {
        self.connector.address.describe()
    }

    pub(crate) async fn ping(&self) -> Result<(), Error> {
        let mut held = match self.serving.take(None, None).await {
            Err(Error::RoleMissing(_)) => self.owner.take(None, None).await?,
            taken => taken?,
        };
        let limit = Limit::reading(Some(Instant::now() + self.config.statement_timeout.0));
        held.flight(&[Message::plain("select 1")], limit)
            .await
            .map(|_| ())
            .map_err(|failed| match failed.cause.general() {
                Error::TooLong => Error::Timeout,
                error => error,
            })
    }

    pub(crate) async fn close(&self) {
        let patience = self.config.statement_timeout.0;
        self.serving.close(patience).await;
        self.owner.close(patience).await;
    }

    /// What was done since the store was opened.
    pub(crate) fn counters(&self) -> Counters {
        Counters {
            statements: self.meter.statements.load(Ordering::Relaxed),
            round_trips: self.meter.round_trips.load(Ordering::Relaxed),
            commits: self.meter.commits.load(Ordering::Relaxed),
        }
    }

    pub(crate) async fn list(
        &self,
        target: &Target,
        view: &ModelView,
        prepared: &PreparedQuery,
    ) -> Result<Listing, Error> {
        let started = Instant::now();
        let query = prepared.query();
        let select = prepared.select(self.frame(target, view));
        let reader = self.reader(target);
        let outcome = match reader.list(&select, query).await {
            Ok(listing) if listing.wants_estimate(query) => {
                Box::pin(self.estimated(&reader, &select, query, listing)).await
            }
            outcome => outcome,
        };
        record("read", &outcome, started);
        outcome
    }

    /// A list with what the planner thinks its total is.
    async fn estimated(
        &self,
        reader: &Reader<'_>,
        select: &Select,
        query: &Query,
        listing: Listing,
    ) -> Result<Listing, Error> {
        let Some(estimate) = &select.estimate else {
            return Ok(listing);
        };
        let key = Key::of(estimate);
        if let Some(known) = self.estimates.known(key) {
            return Ok(listing.estimated(query, known));
        }
        let bound = Bound::groups(self.config.answer_limit);
        let answers = reader.run(&[estimate], bound).await?;
        let plan = answers.first().and_then(|answer| answer.rows.first());
        let rows = match plan {
            Some(row) => RowCells(row).json(0)?.and_then(planned_rows),
            None => None,
        };
        let rows = rows.unwrap_or(0);
        self.estimates.keep(key, rows);
        Ok(listing.estimated(query, rows))
    }

    pub(crate) async fn group(
        &self,
        target: &Target,
        view: &ModelView,
        grouping: &Grouping,
    ) -> Result<Groups, Error> {
        let started = Instant::now();
        let GroupStatement { statement, shape } =
            render::grouping(self.frame(target, view), grouping);
        let bound = Bound::groups(self.config.answer_limit);
        let answers = self.reader(target).run(&[&statement], bound).await;
        let outcome = answers.and_then(|answers| {
            let mut page = GroupPage::new(&shape, grouping, bound);
            for row in answers
                .first()
                .map_or(&[][..], |answer| answer.rows.as_slice())
            {
                page.row(&RowCells(row))?;
            }
            Ok(page.finish())
        });
        record("group", &outcome, started);
        outcome
    }

    pub(crate) async fn explain_groups(
        &self,
        target: &Target,
        view: &ModelView,
        grouping: &Grouping,
    ) -> Result<Explanation, Error> {
        let rendered = render::grouping(self.frame(target, view), grouping);
        self.explained(target, vec![("groups", rendered.statement)])
            .await
    }

    pub(crate) async fn explain(
        &self,
        target: &Target,
        view: &ModelView,
        query: &Query,
    ) -> Result<Explanation, Error> {
        let statements = explain::statements(render::select(self.frame(target, view), query));
        self.explained(target, statements).await
    }

    /// The plans of statements, made under the application's role.
    async fn explained(
        &self,
        target: &Target,
        statements: Vec<(&'static str, crate::Statement)>,
    ) -> Result<Explanation, Error> {
        let started = Instant::now();
        let reader = self.reader(target);
        let mut explanation = Explanation::default();
        for (purpose, statement) in statements {
            let explaining = explain::explaining(Dialect::Postgres, &statement);
            let bound = Bound::groups(self.config.answer_limit);
            let answers = Box::pin(reader.run(&[&explaining], bound)).await;
            record("explain", &answers, started);
            let rows = answers?
                .into_iter()
                .next()
                .map_or(Vec::new(), |one| one.rows);
            let mut plan = Vec::with_capacity(rows.len());
            for row in &rows {
                plan.extend(RowCells(row).text(0)?.map(str::to_owned));
            }
            explanation.statements.push(Explained {
                purpose,
                sql: statement.sql.to_string(),
                plan,
            });
        }
        Ok(explanation)
    }

    pub(crate) async fn find(
        &self,
        target: &Target,
        view: &ModelView,
        sought: &Sought,
    ) -> Result<Option<Document>, Error> {
        let started = Instant::now();
        let lookup = sought.lookup(self.frame(target, view));
        let bound = Bound::record(self.config.answer_limit, sought.query());
        let answers = self.reader(target).run(&[&lookup.statement], bound).await;
        let shape = lookup.shape;
        let outcome = answers.and_then(|answers| {
            let row = answers.first().and_then(|answer| answer.rows.first());
            row.map(|row| shape.document(&RowCells(row), bound))
                .transpose()
        });
        record("read", &outcome, started);
        outcome
    }

    pub(crate) async fn write(
        &self,
        target: &Target,
        view: &ModelView,
        stamp: &Stamp,
        units: Vec<Arc<dyn Unit>>,
        options: &WriteOptions,
    ) -> Result<Written, WriteFailure> {
        let started = Instant::now();
        let before = self.meter.statements.load(Ordering::Relaxed);
        let outcome = match self.schema_version(view.schema_hash()).await {
            Ok(schema_version) => {
                let write = write::Write {
                    frame: apply::Frame {
                        view,
                        placement: &target.placement,
                        platform_schema: &self.config.platform_schema,
                        wall: self.config.wall,
                        tenant: target.tenant,
                        stamp,
                        schema_version,
                    },
                    units: &units,
                    options,
                    budget: self.config.transaction_budget.0,
                    deadline: target.deadline,
                    inside: None,
                };
                Box::pin(self.once(write, target)).await
            }
            Err(error) => Err(write::Place::default().failure(error)),
        };
        let changed = |written: &Written| written.earlier.is_none();
        if outcome.as_ref().is_ok_and(changed) && !options.dry_run {
            self.meter.commits.fetch_add(1, Ordering::Relaxed);
        }
        let word = if outcome.is_ok() { "ok" } else { "error" };
        // Other callers' statements are counted too when they come between: a rate, not an account.
        let statements = self.meter.statements.load(Ordering::Relaxed) - before;
        metrics::record_operation("write", word, statements, started.elapsed());
        outcome
    }

    /// Carries a write out, unless it took place before.
    async fn once(
        &self,
        write: write::Write<'_>,
        target: &Target,
    ) -> Result<Written, WriteFailure> {
        loop {
            let done = Box::pin(retry::run(write, &self.serving, &self.turns)).await?;
            let (None, Some(receipt)) = (&done, &write.options.receipt) else {
                return Ok(Written::now(done.unwrap_or_default()));
            };
            let known = self.recall(target, write.frame.stamp, receipt).await;
            // What is gone meanwhile has expired: then the write takes place.
            if let Some((request, answer)) = known.map_err(WriteFailure::nowhere)? {
                return Written::earlier(receipt, request, answer).map_err(WriteFailure::nowhere);
            }
        }
    }

    pub(crate) async fn tail(
        &self,
        placement: &Placement,
        cursor: &JournalCursor,
        limit: u32,
    ) -> Result<(Vec<JournalRow>, JournalCursor), Error> {
        let started = Instant::now();
        let outcome = Box::pin(journal::tail(&self.owner, placement, cursor, limit)).await;
        record("journal", &outcome, started);
        outcome
    }

    fn reader<'a>(&'a self, target: &Target) -> Reader<'a> {
        Reader {
            pool: &self.serving,
            tenant: target.tenant,
            deadline: target.deadline,
            patience: self.config.statement_timeout.0 + Duration::from_secs(1),
            limit: self.config.answer_limit,
        }
    }

    fn frame<'a>(&self, target: &'a Target, view: &'a ModelView) -> Frame<'a> {
        Frame {
            view,
            placement: &target.placement,
            dialect: Dialect::Postgres,
            wall: self.config.wall,
            tenant: target.tenant,
            largest_list: Some(handed_over(self.config.answer_limit)),
        }
    }

    /// The row of `carnet_schemas` that this model was recorded as.
    async fn schema_version(&self, hash: ModelHash) -> Result<i64, Error> {
        let known = self
            .schema_versions
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&hash)
            .copied();
        if let Some(version) = known {
            return Ok(version);
        }
        let sql = "select max(version) from {home}carnet_schemas where hash = $1";
        let rows = self
            .owner_rows(sql, &[Param::Text(hash.to_string())])
            .await?;
        let version = rows
            .first()
            .and_then(|row| row.first())
            .and_then(Value::as_integer);
        let version = version.ok_or_else(|| {
            Error::SchemaPending("the database does not know this definition yet".to_owned())
        })?;
        self.schema_versions
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(hash, version);
        Ok(version)
    }

    fn forget(&self) {
        self.schema_versions
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

fn record<T>(kind: &'static str, outcome: &Result<T, Error>, started: Instant) {
    let word = if outcome.is_ok() { "ok" } else { "error" };
    metrics::record_operation(kind, word, 1, started.elapsed());
}
