//! The SQLite adapter: one file, reader threads with a connection each, one writer thread with
//! group commit, a thread that copies the log. The async side hands over work and awaits answers;
//! it never blocks. Not the rendering of SQL.

mod apply;
mod bind;
mod calendar;
mod cells;
mod checkpoint;
mod errors;
pub(crate) mod exact;
mod functions;
mod health;
mod job;
mod journal;
pub(crate) mod nested;
mod platform;
mod queue;
mod read;
mod readers;
mod receipts;
mod script;
mod session;
mod statistics;
#[cfg(test)]
mod tests;
mod texts;
mod transact;
mod turnstile;
mod writer;

use crate::estimate::Estimates;
use crate::metrics::Counters;
use crate::prepared::Sought;
use crate::render::{self, Frame};
use crate::scope::Target;
use crate::shape::Bound;
use crate::{
    Config, Dialect, Document, Error, Explained, Explanation, Grouping, Groups, JournalCursor,
    JournalRow, Listing, Placement, PreparedQuery, Query, Stamp, Unit, Wall, WriteFailure,
    WriteOptions, Written, explain, metrics,
};
use apply::{Applier, Write};
use carnet_kernel::ByteSize;
use carnet_model::ModelView;
use checkpoint::Log;
use errors::Failure;
use health::Health;
use job::{Job, Task};
use queue::{Queue, Rejected};
use read::Listed;
use readers::{Readers, Span};
use session::{Meter, Purpose, Session};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use turnstile::Turnstile;
use writer::Writer;

/// How many writes may wait for the writer.
const MOST_WAITING: usize = 8_192;

/// An open database file.
pub(crate) struct Sqlite {
    path: PathBuf,
    /// The most bytes of an answer.
    limit: ByteSize,
    readers: Readers,
    /// How long one transaction may take.
    budget: Duration,
    queue: Arc<Queue<Job>>,
    health: Arc<Health>,
    meter: Arc<Meter>,
    estimates: Arc<Estimates>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Sqlite {
    /// Opens the file at `path`, making it and its folder when absent.
    pub(crate) async fn open(path: &str, config: &Config) -> Result<Self, Error> {
        let path = file(path)?;
        let config = config.clone();
        tokio::task::spawn_blocking(move || start(path, &config))
            .await
            .map_err(|error| Error::Unavailable(format!("opening the database: {error}")))?
    }

    pub(crate) fn describe(&self) -> String {
        format!("SQLite {}", self.path.display())
    }

    pub(crate) async fn ping(&self) -> Result<(), Error> {
        if let Some(reason) = self.health.fatal() {
            return Err(Error::Unavailable(reason));
        }
        self.readers
            .run(None, Span::Statement, |session| {
                session.exists("select 1 from sqlite_schema limit 1", |_| Ok(()))?;
                Ok(())
            })
            .await
    }

    /// Finishes what is queued, ends the threads, empties the log.
    pub(crate) async fn close(&self) {
        self.readers.close();
        self.queue.close();
        let mut threads = self.readers.threads();
        threads.append(&mut self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let joined = tokio::task::spawn_blocking(move || {
            for thread in threads {
                if thread.join().is_err() {
                    tracing::error!("a thread of the database panicked");
                }
            }
        });
        if let Err(error) = joined.await {
            tracing::error!(%error, "the threads of the database were not awaited");
        }
    }

    /// Waits until nothing may be written any more; answers why.
    pub(crate) async fn stopped(&self) -> String {
        self.health.stopped().await
    }

    /// What was done since the file was opened.
    pub(crate) fn counters(&self) -> Counters {
        self.meter.counters()
    }

    pub(crate) async fn list(
        &self,
        target: &Target,
        view: &ModelView,
        prepared: &Arc<PreparedQuery>,
    ) -> Result<Listing, Error> {
        let listed = Listed {
            select: prepared.select(frame(target, view)),
            prepared: Arc::clone(prepared),
            limit: self.limit,
            estimates: Arc::clone(&self.estimates),
        };
        // The page and its total must be of one snapshot.
        let span = match listed.select.fallback_count {
            Some(_) => Span::Several,
            None => Span::Statement,
        };
        self.read("read", target.deadline, span, move |session| {
            listed.run(session)
        })
        .await
    }

    pub(crate) async fn group(
        &self,
        target: &Target,
        view: &ModelView,
        grouping: &Grouping,
    ) -> Result<Groups, Error> {
        let rendered = render::grouping(frame(target, view), grouping);
        let grouping = grouping.clone();
        let limit = self.limit;
        self.read("group", target.deadline, Span::Statement, move |session| {
            read::groups(session, &rendered, &grouping, limit)
        })
        .await
    }

    pub(crate) async fn explain_groups(
        &self,
        target: &Target,
        view: &ModelView,
        grouping: &Grouping,
    ) -> Result<Explanation, Error> {
        let rendered = render::grouping(frame(target, view), grouping);
        self.explained(target, vec![("groups", rendered.statement)])
            .await
    }

    pub(crate) async fn explain(
        &self,
        target: &Target,
        view: &ModelView,
        query: &Query,
    ) -> Result<Explanation, Error> {
        let statements = explain::statements(render::select(frame(target, view), query));
        self.explained(target, statements).await
    }

    /// The plans of statements.
    async fn explained(
        &self,
        target: &Target,
        statements: Vec<(&'static str, crate::Statement)>,
    ) -> Result<Explanation, Error> {
        self.read("explain", target.deadline, Span::Several, move |session| {
            let mut explanation = Explanation::default();
            for (purpose, statement) in statements {
                let explaining = explain::explaining(Dialect::Sqlite, &statement);
                let mut lines = Vec::new();
                session.query(
                    &explaining.sql,
                    |prepared| bind::bind(prepared, &explaining.params),
                    |row| {
                        lines.push((row.get(0)?, row.get(1)?, row.get(3)?));
                        Ok::<(), Failure>(())
                    },
                )?;
                explanation.statements.push(Explained {
                    purpose,
                    sql: statement.sql.to_string(),
                    plan: explain::indented(&lines),
                });
            }
            Ok(explanation)
        })
        .await
    }

    pub(crate) async fn find(
        &self,
        target: &Target,
        view: &ModelView,
        sought: &Sought,
    ) -> Result<Option<Document>, Error> {
        let lookup = sought.lookup(frame(target, view));
        let bound = Bound::record(self.limit, sought.query());
        self.read("read", target.deadline, Span::Statement, move |session| {
            read::document(session, &lookup, bound)
        })
        .await
    }

    pub(crate) async fn write(
        &self,
        target: &Target,
        view: &ModelView,
        stamp: &Stamp,
        units: Vec<Arc<dyn Unit>>,
        options: &WriteOptions,
    ) -> Result<Written, WriteFailure> {
        let write = Write {
            target: target.clone(),
            view: view.clone(),
            stamp: stamp.clone(),
            units,
            options: options.clone(),
        };
        let (reply, answer) = oneshot::channel();
        self.enqueue(Job::new(Task::Write(Box::new(write), reply)))
            .map_err(WriteFailure::nowhere)?;
        let gone = |_| Err(WriteFailure::nowhere(gone()));
        answer.await.unwrap_or_else(gone)
    }

    pub(crate) async fn tail(
        &self,
        _placement: &Placement,
        cursor: &JournalCursor,
        limit: u32,
    ) -> Result<(Vec<JournalRow>, JournalCursor), Error> {
        let cursor = cursor.clone();
        self.read("journal", None, Span::Statement, move |session| {
            journal::tail(session, &cursor, limit)
        })
        .await
    }

    /// Runs a read on a reader thread and records it.
    async fn read<T: Send + 'static>(
        &self,
        kind: &'static str,
        deadline: Option<Instant>,
        span: Span,
        work: impl FnOnce(&Session) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Error> {
        let asked = Instant::now();
        let measured = move |session: &Session| {
            let before = session.counted();
            let outcome = work(session);
            let word = if outcome.is_ok() { "ok" } else { "error" };
            let statements = session.counted() - before;
            metrics::record_operation(kind, word, statements, asked.elapsed());
            outcome
        };
        self.readers.run(deadline, span, measured).await
    }

    fn enqueue(&self, job: Job) -> Result<(), Error> {
        self.queue.push(job).map_err(|rejected| {
            Error::Unavailable(match rejected {
                Rejected::Full => "too many writes wait for the database".to_owned(),
                Rejected::Closed => self
                    .health
                    .fatal()
                    .unwrap_or_else(|| "the database is closed".to_owned()),
            })
        })
    }
}

impl Drop for Sqlite {
    /// Without [`Sqlite::close`] the threads end by themselves, unawaited.
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// The writer went away with a write in its hands.
fn gone() -> Error {
    Error::OutcomeUnknown("the writer has stopped".to_owned())
}

fn frame<'a>(target: &'a Target, view: &'a ModelView) -> Frame<'a> {
    Frame {
        view,
        placement: &target.placement,
        dialect: Dialect::Sqlite,
        wall: Wall::None,
        tenant: target.tenant,
        largest_list: None,
    }
}

/// The file that `sqlite:<path>` names; `sqlite://<path>` is read alike.
fn file(path: &str) -> Result<PathBuf, Error> {
    let refused = |reason: &str| {
        Err(Error::Configuration(format!(
            "`database.url` is `sqlite:{path}`: {reason}"
        )))
    };
    let named = path.strip_prefix("//").unwrap_or(path);
    if named.is_empty() || named == ":memory:" {
        return refused("an in-memory database cannot be shared by connections; name a file");
    }
    if named.starts_with("file:") || named.contains('?') {
        return refused("name a plain path without options");
    }
    if Path::new(named).is_dir() {
        return refused("this is a folder; name a file in it");
    }
    Ok(PathBuf::from(named))
}

fn start(path: PathBuf, config: &Config) -> Result<Sqlite, Error> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder)
            .map_err(|error| Error::Unavailable(format!("{}: {error}", folder.display())))?;
    }
    let meter = Arc::new(Meter::default());
    let log = Arc::new(Log::default());
    let health = Arc::new(Health::default());
    let queue = Arc::new(Queue::new(MOST_WAITING));
    let turnstile = Arc::new(Turnstile::open(&path)?);
    let mut session = Session::open(&path, Purpose::Write, config, Arc::clone(&meter))?;
    let reported = Arc::clone(&log);
    session
        .raw_mut()
        .wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, frames| {
            reported.committed(u32::try_from(frames).unwrap_or(0));
            Ok(())
        }))
        .map_err(|error| errors::opening(&path, &error))?;
    let copying = checkpoint::start(&path, config, Arc::clone(&log))?;
    let writer = Writer {
        session,
        queue: Arc::clone(&queue),
        turnstile,
        log: Arc::clone(&log),
        health: Arc::clone(&health),
        budget: config.transaction_budget.0,
        applier: Applier::default(),
    };
    let writing = std::thread::Builder::new()
        .name("sqlite-writer".to_owned())
        .spawn(move || writer.run())
        .map_err(|error| Error::Unavailable(format!("no thread for writes: {error}")))?;
    let readers = Readers::start(&path, config, &meter)?;
    Ok(Sqlite {
        path,
        limit: config.answer_limit,
        readers,
        budget: config.transaction_budget.0,
        queue,
        health,
        meter,
        estimates: Arc::default(),
        threads: Mutex::new(vec![writing, copying]),
    })
}
