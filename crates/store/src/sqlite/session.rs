//! One connection with its settings, its clock and its counters. Not what is asked over it.

use super::nested::Reading;
use super::{bind, calendar, errors, exact, functions, nested};
use crate::metrics::Counters;
use crate::shape::{Bound, Shape};
use crate::{Config, Error, Param, Synchronous};
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit::SQLITE_LIMIT_LENGTH;
use rusqlite::{OpenFlags, Row, Statement};
use std::cell::Cell;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long SQLite itself waits for a lock of another process before it says so; while opening
/// and reading, where only a recovery after a crash is ever waited for.
const BUSY: Duration = Duration::from_secs(5);

/// The same for the writer, which looks at its own clock in between.
const BUSY_WRITER: Duration = Duration::from_millis(100);

/// How many steps of its machine SQLite takes between two looks at the clock.
const STEPS_BETWEEN_LOOKS: i32 = 2_000;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The one that changes the file.
    Write,
    /// Reads of one thread.
    Read,
    /// Copying the log into the file.
    Checkpoint,
}

/// What all connections of one database have counted since it was opened.
#[derive(Debug, Default)]
pub(super) struct Meter {
    statements: AtomicU64,
    commits: AtomicU64,
}

impl Meter {
    pub(super) fn counters(&self) -> Counters {
        Counters {
            statements: self.statements.load(Ordering::Relaxed),
            round_trips: 0,
            commits: self.commits.load(Ordering::Relaxed),
        }
    }

    pub(super) fn count_commit(&self) {
        self.commits.fetch_add(1, Ordering::Relaxed);
    }
}

/// Until when and for whom a connection works.
#[derive(Clone, Debug, Default)]
pub(super) struct Limit {
    /// When it stops.
    pub(super) deadline: Option<Instant>,
    /// Set when nobody waits for the answer any more.
    pub(super) abandoned: Option<Arc<AtomicBool>>,
}

impl Limit {
    /// Until `deadline`, whoever waits.
    pub(super) fn until(deadline: Option<Instant>) -> Self {
        Self {
            deadline,
            abandoned: None,
        }
    }

    /// Whether the work should stop.
    pub(super) fn over(&self) -> bool {
        let late = self
            .deadline
            .is_some_and(|deadline| Instant::now() >= deadline);
        let abandoned = self
            .abandoned
            .as_ref()
            .is_some_and(|flag| flag.load(Ordering::Relaxed));
        late || abandoned
    }
}

/// A connection of one thread.
pub(super) struct Session {
    raw: rusqlite::Connection,
    limit: Arc<Mutex<Limit>>,
    /// What our own functions know of the read under way.
    reading: Reading,
    meter: Arc<Meter>,
    slow: Duration,
    counted: Cell<u64>,
    damaged: Cell<bool>,
}

impl Session {
    /// Opens the file; only a writer may make it.
    pub(super) fn open(
        path: &Path,
        purpose: Purpose,
        config: &Config,
        meter: Arc<Meter>,
    ) -> Result<Self, Error> {
        let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        if purpose == Purpose::Write {
            flags |= OpenFlags::SQLITE_OPEN_CREATE;
        }
        let mut raw = rusqlite::Connection::open_with_flags(path, flags)
            .map_err(|error| errors::opening(path, &error))?;
        prepare(&raw, purpose, config).map_err(|error| errors::opening(path, &error))?;
        let reading = Reading::default();
        if purpose != Purpose::Checkpoint {
            nested::install(&raw, &reading).map_err(|error| errors::opening(path, &error))?;
        }
        let limit = Arc::new(Mutex::new(Limit::default()));
        let watched = Arc::clone(&limit);
        raw.progress_handler(
            STEPS_BETWEEN_LOOKS,
            Some(move || {
                watched
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .over()
            }),
        )
        .map_err(|error| errors::opening(path, &error))?;
        Ok(Self {
            raw,
            limit,
            reading,
            meter,
            slow: config.slow_query.0,
            counted: Cell::new(0),
            damaged: Cell::new(false),
        })
    }

    /// The connection itself, for what is not a statement.
    pub(super) fn raw(&self) -> &rusqlite::Connection {
        &self.raw
    }

    /// The connection itself, to set hooks.
    pub(super) fn raw_mut(&mut self) -> &mut rusqlite::Connection {
        &mut self.raw
    }

    /// What all connections have counted.
    pub(super) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Sets until when statements may run from now on.
    pub(super) fn limit(&self, limit: Limit) {
        *self.limit.lock().unwrap_or_else(PoisonError::into_inner) = limit;
    }

    /// Whether the present limit is over.
    pub(super) fn over(&self) -> bool {
        self.limit
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .over()
    }

    /// How many statements this connection has run.
    pub(super) fn counted(&self) -> u64 {
        self.counted.get()
    }

    /// Whether an answer said that the file or the disk is not well.
    pub(super) fn damaged(&self) -> bool {
        self.damaged.get()
    }

    /// Whether a transaction is open.
    pub(super) fn in_transaction(&self) -> bool {
        !self.raw.is_autocommit()
    }

    /// Runs `work`, a read of this shape with these parameters, while no value may be so large that
    /// its answer would be beyond the bound.
    pub(super) fn within<T>(
        &self,
        bound: Bound,
        shape: &Shape,
        params: &[Param],
        work: impl FnOnce() -> Result<T, errors::Failure>,
    ) -> Result<T, errors::Failure> {
        let most = bound.handed_over().max(bind::largest(params));
        let calls = shape.calls();
        if !calls.is_empty() {
            self.reading.set(Arc::clone(calls), most);
        }
        let most = i32::try_from(most).unwrap_or(i32::MAX);
        let before = self.raw.set_limit(SQLITE_LIMIT_LENGTH, most)?;
        let outcome = work();
        self.raw.set_limit(SQLITE_LIMIT_LENGTH, before)?;
        if !calls.is_empty() {
            self.reading.clear();
        }
        outcome.map_err(|failure| match failure {
            errors::Failure::Database(error) if errors::is_too_big(&error) => {
                bound.exceeded().into()
            }
            other => other,
        })
    }

    /// Runs a statement that frames others: begin, commit, savepoints. Not counted.
    pub(super) fn frame(&self, sql: &'static str) -> rusqlite::Result<()> {
        let outcome = self
            .raw
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute([]));
        self.looked_at(outcome).map(|_| ())
    }

    /// Runs a statement that answers no rows; how many it changed.
    pub(super) fn execute(
        &self,
        sql: &str,
        bind: impl FnOnce(&mut Statement<'_>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<usize> {
        let started = self.start();
        let outcome = self.raw.prepare_cached(sql).and_then(|mut statement| {
            bind(&mut statement)?;
            statement.raw_execute()
        });
        self.finish(sql, started);
        self.looked_at(outcome)
    }

    /// Runs a statement and hands over its rows one by one.
    pub(super) fn query<E: From<rusqlite::Error>>(
        &self,
        sql: &str,
        bind: impl FnOnce(&mut Statement<'_>) -> rusqlite::Result<()>,
        mut each: impl FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let started = self.start();
        let outcome = (|| {
            let mut statement = self.looked_at(self.raw.prepare_cached(sql))?;
            self.looked_at(bind(&mut statement))?;
            let mut rows = statement.raw_query();
            while let Some(row) = self.looked_at(rows.next())? {
                each(row)?;
            }
            Ok(())
        })();
        self.finish(sql, started);
        outcome
    }

    /// Whether a statement answers any row.
    pub(super) fn exists(
        &self,
        sql: &str,
        bind: impl FnOnce(&mut Statement<'_>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<bool> {
        let mut found = false;
        self.query(sql, bind, |_| {
            found = true;
            Ok::<(), rusqlite::Error>(())
        })?;
        Ok(found)
    }

    /// Runs any statement to its end, rows or not; how many rows it changed.
    pub(super) fn run(
        &self,
        sql: &str,
        bind: impl FnOnce(&mut Statement<'_>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<u64> {
        let before = self.raw.total_changes();
        self.query(sql, bind, |_| Ok::<(), rusqlite::Error>(()))?;
        Ok(self.raw.total_changes().saturating_sub(before))
    }

    fn start(&self) -> Instant {
        self.counted.set(self.counted.get() + 1);
        self.meter.statements.fetch_add(1, Ordering::Relaxed);
        Instant::now()
    }

    fn finish(&self, sql: &str, started: Instant) {
        let elapsed = started.elapsed();
        if elapsed >= self.slow {
            tracing::warn!(
                statement = sql,
                elapsed.ms = elapsed.as_millis() as u64,
                "slow statement"
            );
        }
    }

    fn looked_at<T>(&self, outcome: rusqlite::Result<T>) -> rusqlite::Result<T> {
        if outcome.as_ref().err().is_some_and(errors::is_damage) {
            self.damaged.set(true);
        }
        outcome
    }
}

fn prepare(raw: &rusqlite::Connection, purpose: Purpose, config: &Config) -> rusqlite::Result<()> {
    raw.busy_timeout(BUSY)?;
    // A misspelt column in double quotes must be an error, not a text.
    raw.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    raw.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    raw.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    // A plan belongs to the text of a statement. Else SQLite looks at bound values while planning
    // and prepares many statements anew each time they run, a third of what a list costs.
    raw.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    raw.pragma_update(None, "trusted_schema", false)?;
    raw.pragma_update(None, "cell_size_check", true)?;
    raw.pragma_update(None, "foreign_keys", true)?;
    raw.pragma_update(None, "temp_store", "memory")?;
    exact::install(raw)?;
    calendar::install(raw)?;
    match purpose {
        Purpose::Write => {
            raw.pragma_update(None, "page_size", 4_096)?;
            let mode: String =
                raw.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
            if mode != "wal" {
                return Err(rusqlite::Error::SqliteFailure(
                    rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN),
                    Some("the file system does not support the write-ahead log".to_owned()),
                ));
            }
            let synchronous = match config.synchronous {
                Synchronous::Full => "full",
                Synchronous::Normal => "normal",
            };
            raw.pragma_update(None, "synchronous", synchronous)?;
            raw.pragma_update(None, "journal_size_limit", 64 << 20)?;
            raw.pragma_update(None, "cache_size", -8_192)?;
            if config.max_pages > 0 {
                raw.pragma_update_and_check(None, "max_page_count", config.max_pages, |row| {
                    row.get::<_, i64>(0)
                })?;
            }
            raw.set_prepared_statement_cache_capacity(256);
            raw.busy_timeout(BUSY_WRITER)?;
            functions::for_writes(raw)?;
            // Code in a transaction reads over this connection, too.
            functions::for_reads(raw)?;
        }
        Purpose::Read => {
            raw.pragma_update(None, "query_only", true)?;
            raw.pragma_update(None, "cache_size", -4_096)?;
            functions::for_reads(raw)?;
            raw.set_prepared_statement_cache_capacity(128);
        }
        Purpose::Checkpoint => {
            raw.pragma_update(None, "query_only", true)?;
            raw.pragma_update(None, "cache_size", -256)?;
        }
    }
    Ok(())
}
