//! Code that talks to its transaction, polled on the writer thread: what it asks is carried out at
//! once over the writer's session, without a hand-over, and it shares the commit of its group. Not
//! the group itself.

use super::apply::{Applied, Applier, Place, Write};
use super::errors::Failure;
use super::job::{Job, Task as JobTask};
use super::queue::Queue;
use super::read::{self, Listed};
use super::readers::Span;
use super::session::Session;
use super::{Sqlite, frame, gone, receipts};
use crate::estimate::Estimates;
use crate::render;
use crate::scope::Target;
use crate::shape::Bound;
use crate::transact::earlier;
use crate::transaction::{
    Asked, Desk, Found, Lost, Read, Reading, Request, Savepoint, Step, Writing, same_side,
};
use crate::{
    Ended, Error, How, Outcome, Receipt, Stamp, Task, Transacted, WriteFailure, WriteOptions,
    metrics,
};
use carnet_kernel::{ByteSize, Id};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// For how long code may wait for the outside world, in all, while other writes wait for it.
const MOST_PENDING: Duration = Duration::from_millis(5);

/// How often a waiting writer looks whether others wait and whether its caller is still there.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// A poll that takes longer keeps every other writer waiting and is told.
const BLOCKING: Duration = Duration::from_millis(50);

/// Code with its transaction, on its way to the writer thread.
pub(super) struct Logic {
    pub(super) target: Target,
    stamp: Stamp,
    pub(super) how: How,
    desk: Arc<Desk>,
    /// Gone once it ran: code never runs twice from one start.
    state: Mutex<Option<Begun>>,
    patient: bool,
    runtime: Handle,
    means: Means,
    budget: Duration,
}

/// What is left of code that began elsewhere.
struct Begun {
    task: Task,
    seen: Vec<(Reading, Found)>,
    first: Vec<Request>,
}

/// What reads need besides the session.
#[derive(Clone)]
struct Means {
    limit: ByteSize,
    estimates: Arc<Estimates>,
}

/// What came of code.
pub(super) struct Run {
    pub(super) transacted: Transacted,
    /// What it wrote is to be undone.
    pub(super) undone: bool,
    pub(super) bytes: usize,
}

impl Sqlite {
    /// Hands code over to the writer thread, where it runs to its end.
    pub(crate) async fn transact(&self, asked: Asked<'_>, task: Task) -> Result<(), Lost> {
        let logic = Logic {
            target: asked.target.clone(),
            stamp: asked.stamp.clone(),
            how: asked.how.clone(),
            desk: asked.desk,
            state: Mutex::new(Some(Begun {
                task,
                seen: asked.seen,
                first: asked.first,
            })),
            patient: asked.patient,
            runtime: Handle::current(),
            means: Means {
                limit: self.limit,
                estimates: Arc::clone(&self.estimates),
            },
            budget: self.budget,
        };
        let (reply, answer) = oneshot::channel();
        self.enqueue(Job::new(JobTask::Logic(Box::new(logic), reply)))?;
        match answer.await.unwrap_or_else(|_| Err(gone())) {
            Ok(Transacted::Ended) => Ok(()),
            Ok(Transacted::Earlier(text)) => Err(Lost::Earlier(text)),
            // Its group was lost, or what it read early was overtaken.
            Err(Error::Conflict) => Err(Lost::Again),
            Err(error) => Err(error.into()),
        }
    }

    /// What was kept under the key of a receipt, if it is still there.
    pub(crate) async fn recall(
        &self,
        target: &Target,
        stamp: &Stamp,
        receipt: &Receipt,
    ) -> Result<Option<(Id, String)>, Error> {
        let (tenant, now, key) = (target.tenant, stamp.now, receipt.key);
        self.read(
            "receipt",
            target.deadline,
            Span::Statement,
            move |session| receipts::look(session, tenant, now, key),
        )
        .await
    }
}

/// Runs code to its end over the writer's session. After an error the transaction holds whatever
/// was applied before it.
pub(super) fn run(
    session: &Session,
    applier: &mut Applier,
    queue: &Queue<Job>,
    logic: &Logic,
    abandoned: &dyn Fn() -> bool,
) -> Result<Run, Failure> {
    let begun = logic
        .state
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    let Some(begun) = begun else {
        // Its group has to be done again, and code cannot be.
        return Err(Error::Conflict.into());
    };
    let _runtime = logic.runtime.enter();
    let mut course = Course {
        session,
        applier,
        logic,
        bytes: 0,
    };
    let receipt = logic.how.receipt.as_ref();
    if let Some(receipt) = receipt
        && let Some((request, text)) =
            receipts::look(session, logic.target.tenant, logic.stamp.now, receipt.key)?
    {
        return Ok(Run {
            transacted: earlier(receipt, request, text)?,
            undone: false,
            bytes: 0,
        });
    }
    for (reading, found) in &begun.seen {
        if course.read(reading)? != *found {
            return Err(Error::Conflict.into());
        }
    }
    let ended = course.course(begun, queue, abandoned);
    logic.desk.close();
    let ended = ended?;
    let undone = !ended.keep;
    if let (false, Some(_), Some(note)) = (undone, receipt, &ended.note) {
        course.keep(note)?;
    }
    Ok(Run {
        transacted: Transacted::Ended,
        undone,
        bytes: course.bytes,
    })
}

/// Code under way on the writer thread.
struct Course<'a> {
    session: &'a Session,
    applier: &'a mut Applier,
    logic: &'a Logic,
    bytes: usize,
}

impl Course<'_> {
    fn course(
        &mut self,
        begun: Begun,
        queue: &Queue<Job>,
        abandoned: &dyn Fn() -> bool,
    ) -> Result<Ended, Failure> {
        let Begun {
            mut task, first, ..
        } = begun;
        let logic = self.logic;
        let started = Instant::now();
        let bell = Arc::new(Bell {
            thread: std::thread::current(),
            rung: AtomicBool::new(false),
        });
        let waker = Waker::from(Arc::clone(&bell));
        let mut context = Context::from_waker(&waker);
        let mut pending = Duration::ZERO;
        let mut requests = first;
        loop {
            for request in requests {
                self.serve(request)?;
            }
            if abandoned() {
                return Err(Error::Timeout.into());
            }
            if started.elapsed() >= logic.budget {
                return Err(Error::TooLong.into());
            }
            let before = Instant::now();
            let polled = logic.desk.poll(&mut task, &mut context);
            let took = before.elapsed();
            if took >= BLOCKING {
                metrics::record_blocking();
                tracing::warn!(
                    elapsed.ms = took.as_millis() as u64,
                    "code kept the writer of the database busy without asking it anything"
                );
            }
            requests = match polled {
                Poll::Ready(step) => match step? {
                    Step::Ended(ended) => {
                        let left = logic.desk.close();
                        if ended.keep {
                            for savepoint in left {
                                self.savepoint(savepoint)?;
                            }
                        }
                        return Ok(ended);
                    }
                    Step::Asks => logic.desk.take(),
                },
                Poll::Pending => {
                    let before = Instant::now();
                    bell.wait(LOOK_EVERY);
                    pending += before.elapsed();
                    if pending >= MOST_PENDING && !logic.patient && queue.has_waiting() {
                        metrics::record_stalled();
                        return Err(Error::Stalled.into());
                    }
                    Vec::new()
                }
            };
        }
    }

    /// Carries one request out. An error ends the transaction; a refusal goes to the code.
    fn serve(&mut self, request: Request) -> Result<(), Failure> {
        match request {
            Request::Read(reading, reply) => {
                let outcome = self.read(&reading);
                drop(reply.send(self.told(outcome)?));
            }
            Request::Write(writing, reply) => {
                let outcome = self.write(*writing)?;
                drop(reply.send(outcome));
            }
            Request::Savepoint(savepoint) => self.savepoint(savepoint)?,
            // Whoever writes is alone.
            Request::Lock(_, reply) => drop(reply.send(Ok(()))),
        }
        Ok(())
    }

    fn savepoint(&self, savepoint: Savepoint) -> Result<(), Failure> {
        for statement in savepoint.statements() {
            self.session.frame(statement)?;
        }
        Ok(())
    }

    /// What the code is told of a failure, unless it ends the transaction.
    fn told<T>(&self, outcome: Result<T, Failure>) -> Result<Result<T, Error>, Failure> {
        match outcome {
            Ok(done) => Ok(Ok(done)),
            Err(Failure::Settled(error)) if self.session.in_transaction() => Ok(Err(error)),
            Err(failure) => Err(failure),
        }
    }

    fn read(&self, reading: &Reading) -> Result<Found, Failure> {
        let Reading { target, view, read } = reading;
        let frame = frame(target, view);
        let means = &self.logic.means;
        match read {
            Read::List(prepared) => Listed {
                select: prepared.select(frame),
                prepared: Arc::clone(prepared),
                limit: means.limit,
                estimates: Arc::clone(&means.estimates),
            }
            .run(self.session)
            .map(Found::List),
            Read::Group(grouping) => {
                let rendered = render::grouping(frame, grouping);
                read::groups(self.session, &rendered, grouping, means.limit).map(Found::Groups)
            }
            Read::Find(sought) => {
                let lookup = sought.lookup(frame);
                let bound = Bound::record(means.limit, sought.query());
                read::document(self.session, &lookup, bound).map(Found::Document)
            }
        }
    }

    /// A write of the code's own: undone when it fails, and the code goes on.
    fn write(&mut self, writing: Writing) -> Result<Result<Vec<Outcome>, WriteFailure>, Failure> {
        if let Err(error) = same_side(&writing.target, self.logic.target.tenant) {
            return Ok(Err(WriteFailure::nowhere(error)));
        }
        let write = Write {
            target: writing.target,
            view: writing.view,
            stamp: writing.stamp,
            units: writing.units,
            options: WriteOptions {
                policy: writing.policy,
                ..WriteOptions::default()
            },
        };
        self.session.frame("savepoint asked")?;
        let mut place = Place::default();
        let failure = match self.applier.run(self.session, &write, &mut place) {
            Ok(Applied { written, bytes }) => {
                self.session.frame("release asked")?;
                self.bytes += bytes;
                return Ok(Ok(written.outcomes));
            }
            Err(failure) => failure,
        };
        let failed = self.told::<()>(Err(failure))?;
        self.session.frame("rollback to asked")?;
        self.session.frame("release asked")?;
        let error = failed.err().unwrap_or(Error::Conflict);
        Ok(Err(place.failure(error)))
    }

    fn keep(&mut self, note: &str) -> Result<(), Failure> {
        let logic = self.logic;
        if let Some(receipt) = &logic.how.receipt {
            self.bytes += receipts::put(
                self.session,
                logic.target.tenant,
                logic.stamp.now,
                receipt,
                note,
            )?;
        }
        Ok(())
    }
}

impl Logic {
    /// Whether what it does is undone in the end.
    pub(super) fn is_dry(&self) -> bool {
        self.how.dry_run
    }

    /// It ended without having run to its end: nobody may wait for it.
    pub(super) fn give_up(&self) {
        self.desk.close();
    }
}

/// Wakes the writer thread when what the code waits for has happened.
struct Bell {
    thread: Thread,
    rung: AtomicBool,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            self.thread.unpark();
        }
    }
}

impl Bell {
    /// Waits until it rings, at most so long.
    fn wait(&self, most: Duration) {
        let until = Instant::now() + most;
        while !self.rung.swap(false, Ordering::AcqRel) {
            let Some(left) = until.checked_duration_since(Instant::now()) else {
                return;
            };
            std::thread::park_timeout(left);
        }
    }
}
