//! The writer thread: takes what is queued, applies it in one transaction, commits, then
//! acknowledges. What a write does to the rows is `apply`'s; here is who shares its transaction and
//! what happens when that fails.
//!
//! Nothing is acknowledged before its commit succeeded. A disk that is full or fails ends a whole
//! transaction without saying so, therefore every error is followed by a look at whether the
//! transaction still stands; if not, each write of the group is run again alone, in order, and only
//! those that fail alone have failed.

use super::Health;
use super::apply::{Applied, Applier, Frame, Place};
use super::checkpoint::{self, Log};
use super::errors::{self, Failure};
use super::job::{Done, Job, Task, Trouble};
use super::queue::Queue;
use super::script;
use super::session::{Limit, Session};
use super::transact;
use super::turnstile::Turnstile;
use crate::{Error, Param, metrics};
use rusqlite::config::DbConfig;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The most units in one group.
const MOST_UNITS: usize = 256;

/// About how many bytes a group may put into the log.
const MOST_BYTES: usize = 1 << 20;

/// For how long a group takes in more.
const LONGEST: Duration = Duration::from_millis(5);

/// A job of the open group with what came of it so far.
struct Member {
    job: Job,
    outcome: Result<Done, Trouble>,
    statements: u64,
    /// Not run again with the others: it took its whole time already.
    spent: bool,
}

/// The writer thread's belongings.
pub(super) struct Writer {
    pub(super) session: Session,
    pub(super) queue: Arc<Queue<Job>>,
    pub(super) turnstile: Arc<Turnstile>,
    pub(super) log: Arc<Log>,
    pub(super) health: Arc<Health>,
    pub(super) budget: Duration,
    pub(super) applier: Applier,
}

impl Writer {
    /// Works until the queue is closed and empty.
    pub(super) fn run(mut self) {
        let mut next = None;
        while let Some(job) = next.take().or_else(|| self.queue.pop()) {
            let Some(job) = self.worthwhile(job) else {
                continue;
            };
            next = match job.task {
                Task::Script(statements, reply) => {
                    let outcome = self.script(job.queued, &statements);
                    drop(reply.send(outcome));
                    None
                }
                _ => self.group(job),
            };
        }
        if self.health.fatal().is_some() {
            let kept = self
                .session
                .raw()
                .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
            if let Err(error) = kept {
                tracing::warn!(%error, "the write-ahead log may be copied at close");
            }
        } else {
            checkpoint::finish(&self.session);
        }
    }

    /// A job that somebody still waits for and that may still begin; others are answered.
    fn worthwhile(&self, job: Job) -> Option<Job> {
        let refused = if job.abandoned() {
            return None;
        } else if let Some(reason) = self.health.fatal() {
            Error::Unavailable(reason)
        } else if job
            .deadline()
            .is_some_and(|deadline| deadline <= Instant::now())
        {
            Error::Timeout
        } else {
            return Some(job);
        };
        job.answer(Err(refused.into()), 0);
        None
    }

    /// One transaction for `first` and what is queued behind it; answers a job that was taken but
    /// needs a transaction of its own.
    fn group(&mut self, first: Job) -> Option<Job> {
        let queue = Arc::clone(&self.queue);
        let turnstile = Arc::clone(&self.turnstile);
        let turn = turnstile.enter();
        if let Err(error) = begin(&self.session, first.queued + self.budget) {
            drop(turn);
            first.answer(Err(errors::general(&error).into()), 0);
            return None;
        }
        let started = Instant::now();
        let mut members: Vec<Member> = Vec::new();
        let (mut units, mut bytes) = (0, 0);
        let mut next = Some(first);
        let mut left = None;
        let mut broken = false;
        while let Some(job) = next.take() {
            if matches!(job.task, Task::Script(..)) {
                left = Some(job);
                break;
            }
            let Some(job) = self.worthwhile(job) else {
                next = queue.try_pop();
                continue;
            };
            units += job.units();
            let before = self.session.counted();
            let attempt = attempt(
                &self.session,
                &mut self.applier,
                (&queue, self.budget),
                &job,
                Framing::of(&job),
            );
            let statements = self.session.counted() - before;
            broken = attempt.broken;
            bytes += attempt.bytes;
            members.push(Member {
                job,
                spent: matches!(&attempt.outcome, Err(trouble) if matches!(trouble.error, Error::TooLong)),
                outcome: attempt.outcome,
                statements,
            });
            if broken || units >= MOST_UNITS || bytes >= MOST_BYTES || started.elapsed() >= LONGEST
            {
                break;
            }
            next = queue.try_pop();
        }
        if broken {
            self.replay(&mut members);
        } else if let Err(error) = self.session.frame("commit") {
            if errors::is_failed_sync(&error) {
                self.doubt(&error, &mut members);
            } else {
                tracing::warn!(%error, members = members.len(), "a group was not committed and is run again one by one");
                self.replay(&mut members);
            }
        } else if !members.is_empty() {
            self.session.meter().count_commit();
            metrics::record_group(units);
        }
        rollback(&self.session);
        for member in members {
            member.job.answer(member.outcome, member.statements);
        }
        // Still in turn: only while nobody writes can the log start anew.
        self.tend();
        drop(turn);
        left
    }

    /// Between two transactions.
    fn tend(&self) {
        if self.health.fatal().is_some() {
            // What the disk did not confirm must not be copied over what it did.
            self.log.stop();
        } else {
            self.log.tend(&self.session);
        }
    }

    /// Runs each member again in a transaction of its own, in order.
    fn replay(&mut self, members: &mut [Member]) {
        rollback(&self.session);
        self.applier.forget();
        for member in members.iter_mut() {
            if member.spent {
                continue;
            }
            if let Some(reason) = self.health.fatal() {
                member.outcome = Err(Error::Unavailable(reason).into());
                continue;
            }
            member.outcome = match begin(&self.session, Instant::now() + self.budget) {
                Err(error) => Err(errors::general(&error).into()),
                Ok(()) => {
                    let attempt = attempt(
                        &self.session,
                        &mut self.applier,
                        (&self.queue, self.budget),
                        &member.job,
                        Framing::Whole,
                    );
                    match attempt.outcome {
                        Err(trouble) => Err(trouble),
                        Ok(_) if attempt.broken => {
                            Err(Error::Internal("a transaction ended by itself".to_owned()).into())
                        }
                        Ok(done) if member.job.is_dry() => Ok(done),
                        Ok(done) => match self.session.frame("commit") {
                            Ok(()) => {
                                self.session.meter().count_commit();
                                metrics::record_group(member.job.units());
                                Ok(done)
                            }
                            Err(error) if errors::is_failed_sync(&error) => {
                                Err(self.health.fail(&error).into())
                            }
                            Err(error) => Err(errors::general(&error).into()),
                        },
                    }
                }
            };
            rollback(&self.session);
        }
    }

    /// The disk did not confirm a commit: what it holds is not known, and a later confirmation
    /// would prove nothing about it.
    fn doubt(&self, error: &rusqlite::Error, members: &mut [Member]) {
        for member in members {
            if member.outcome.is_ok() {
                member.outcome = Err(self.health.fail(error).into());
            }
        }
    }

    /// Statements of the tables' owner: foreign keys off, so that tables can be rebuilt, and
    /// checked before the commit.
    fn script(
        &mut self,
        queued: Instant,
        statements: &[(String, Vec<Param>)],
    ) -> Result<(), Error> {
        let turnstile = Arc::clone(&self.turnstile);
        let turn = turnstile.enter();
        let before = self.session.counted();
        let started = Instant::now();
        let outcome = script::run(
            &self.session,
            &self.health,
            queued + self.budget,
            statements,
        );
        rollback(&self.session);
        let restored = self.session.raw().pragma_update(None, "foreign_keys", true);
        if let Err(error) = restored {
            self.health
                .stop(format!("foreign keys cannot be switched on again: {error}"));
        }
        self.applier.forget();
        self.tend();
        drop(turn);
        let word = if outcome.is_ok() { "ok" } else { "error" };
        let count = self.session.counted() - before;
        metrics::record_operation("schema", word, count, started.elapsed());
        outcome
    }
}

impl Drop for Writer {
    /// Also when the thread panics: nobody may wait for a writer that is gone.
    fn drop(&mut self) {
        self.queue.close();
        if std::thread::panicking() {
            self.health.stop("the writer panicked".to_owned());
            while self.queue.try_pop().is_some() {}
        }
        self.log.stop();
    }
}

/// How a job is kept apart from others.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// By a savepoint in a transaction it shares.
    Savepoint,
    /// The same, but not where it changes one row: SQLite copies each page that is changed within a
    /// savepoint. The statement that fails has changed nothing; what fails behind it is no fault of
    /// the job's, and the group is run again one by one.
    Light,
    /// It has the transaction for itself.
    Whole,
}

impl Framing {
    /// How a job is kept apart in a group.
    fn of(job: &Job) -> Self {
        match job.is_light() {
            true => Self::Light,
            false => Self::Savepoint,
        }
    }
}

/// What came of running a job.
struct Attempted {
    outcome: Result<Done, Trouble>,
    bytes: usize,
    /// The transaction is gone or cannot be trusted.
    broken: bool,
}

fn attempt(
    session: &Session,
    applier: &mut Applier,
    (queue, budget): (&Queue<Job>, Duration),
    job: &Job,
    framing: Framing,
) -> Attempted {
    session.limit(Limit::until(Some(Instant::now() + budget)));
    let mut place = Place::default();
    let changed = session.raw().total_changes();
    applier.frame = match framing {
        Framing::Light => Frame::Awaited,
        Framing::Savepoint | Framing::Whole => Frame::None,
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        if framing == Framing::Savepoint {
            session.frame("savepoint unit")?;
            applier.frame = Frame::Open;
        }
        let done = perform(session, applier, queue, job, &mut place)?;
        if applier.frame == Frame::Open {
            if job.is_dry() || done.0.is_undone() {
                session.frame("rollback to unit")?;
            }
            session.frame("release unit")?;
        }
        Ok(done)
    }))
    .unwrap_or_else(|_| {
        Err(Failure::Settled(Error::Internal(
            "a unit of a write panicked".to_owned(),
        )))
    });
    session.limit(Limit::default());
    let failure = match outcome {
        Ok((done, bytes)) => {
            return Attempted {
                outcome: Ok(done),
                bytes,
                broken: !session.in_transaction(),
            };
        }
        Err(failure) => failure,
    };
    let storage = matches!(&failure, Failure::Database(error) if errors::is_storage(error));
    let late = matches!(&failure, Failure::Database(error) if errors::is_interrupt(error));
    let mut broken = storage || !session.in_transaction();
    if !broken && applier.frame == Frame::Open {
        let undone = session
            .frame("rollback to unit")
            .and_then(|()| session.frame("release unit"));
        broken = undone.is_err() || !session.in_transaction();
    } else if framing == Framing::Light && session.raw().total_changes() != changed {
        broken = true;
    }
    let error = if late {
        Error::TooLong
    } else {
        failure.into_error()
    };
    Attempted {
        outcome: Err(Trouble { place, error }),
        bytes: 0,
        broken,
    }
}

fn perform(
    session: &Session,
    applier: &mut Applier,
    queue: &Queue<Job>,
    job: &Job,
    place: &mut Place,
) -> Result<(Done, usize), Failure> {
    match &job.task {
        Task::Write(write, _) => {
            let Applied { written, bytes } = applier.run(session, write, place)?;
            Ok((Done::Written(written), bytes))
        }
        Task::Logic(logic, _) => {
            let run = transact::run(session, applier, queue, logic, &|| job.abandoned())?;
            let done = Done::Ran {
                transacted: run.transacted,
                undone: run.undone,
            };
            Ok((done, run.bytes))
        }
        Task::Platform(statements, _) => {
            let mut counts = Vec::with_capacity(statements.len());
            for (sql, params) in statements {
                counts.push(session.run(sql, |statement| super::bind::bind(statement, params))?);
            }
            Ok((Done::Counts(counts), 256 * statements.len()))
        }
        Task::Script(..) => Err(Error::Internal("a script has no group".to_owned()).into()),
    }
}

/// Begins a transaction that may write, waiting until then while a foreign program holds the
/// database.
pub(super) fn begin(session: &Session, until: Instant) -> rusqlite::Result<()> {
    loop {
        match session.frame("begin immediate") {
            Err(error) if errors::is_busy(&error) && Instant::now() < until => {}
            other => return other,
        }
    }
}

/// Ends whatever transaction is left.
fn rollback(session: &Session) {
    if session.in_transaction()
        && let Err(error) = session.frame("rollback")
    {
        tracing::error!(%error, "a transaction was not rolled back");
    }
}
