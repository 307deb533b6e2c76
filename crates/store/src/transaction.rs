//! A transaction under way that code talks to. What the code asks is put on a desk; whoever drives
//! the code takes it from there and carries it out. Not how that is done: that is the adapters'.

use crate::part::{Open, Part};
use crate::prepared::Sought;
use crate::scope::Target;
use crate::{
    Document, Error, Grouping, Groups, Listing, Outcome, Policy, PreparedQuery, Receipt, Stamp,
    Unit, WriteFailure,
};
use carnet_kernel::{Id, TenantKey};
use carnet_model::{ModelView, ResourceIndex};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use tokio::sync::{RwLock, oneshot};

/// Code that works in a transaction, from its first line to its end.
pub type Task = Pin<Box<dyn Future<Output = Ended> + Send>>;

/// How the code of a transaction ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// Whether what it wrote is to stand.
    pub keep: bool,
    /// What the receipt keeps, where there is one.
    pub note: Option<String>,
}

/// How a transaction is carried out.
#[derive(Clone, Debug, Default)]
pub struct How {
    /// How it is kept apart from others.
    pub apart: Apart,
    /// Reads before the first write happen outside, so that the code may wait for the outside world
    /// in between; they are checked when the first write begins the transaction.
    pub late: bool,
    /// Everything is done and then undone.
    pub dry_run: bool,
    /// What makes it happen once, however often it is asked for. Its text comes from [`Ended`].
    pub receipt: Option<Receipt>,
}

/// How a transaction is kept apart from others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Apart {
    /// As if it were alone; it runs again when it was not.
    #[default]
    Serializable,
    /// By the locks that its code takes first. On SQLite, where writes take turns, the same.
    Locked,
}

/// What came of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transacted {
    /// The code ran, and what it wrote stands or was undone, as it said.
    Ended,
    /// It had taken place before: the text of the receipt.
    Earlier(String),
}

/// The handle that code has on its transaction, or on a part of it. Cheap to clone; of no use after
/// its end.
#[derive(Clone)]
pub struct Transaction {
    pub(crate) desk: Arc<Desk>,
    /// Held while a part is under way: what else is asked waits.
    pub(crate) gate: Arc<RwLock<()>>,
    /// The part that it is for.
    pub(crate) part: Option<u32>,
}

/// What code may read.
#[derive(Clone)]
pub(crate) enum Read {
    List(Arc<PreparedQuery>),
    Group(Box<Grouping>),
    Find(Sought),
}

/// What was read.
#[derive(Clone, PartialEq)]
pub(crate) enum Found {
    List(Listing),
    Groups(Groups),
    Document(Option<Document>),
}

/// A read with what it is for.
#[derive(Clone)]
pub(crate) struct Reading {
    pub(crate) target: Target,
    pub(crate) view: ModelView,
    pub(crate) read: Read,
}

/// Units to apply.
pub(crate) struct Writing {
    pub(crate) target: Target,
    pub(crate) view: ModelView,
    pub(crate) stamp: Stamp,
    pub(crate) units: Vec<Arc<dyn Unit>>,
    pub(crate) policy: Policy,
}

/// Records to lock, in the order of their ids.
pub(crate) struct Locking {
    pub(crate) target: Target,
    pub(crate) view: ModelView,
    pub(crate) resource: ResourceIndex,
    pub(crate) ids: Vec<Id>,
}

/// The beginning or an end of a part, with its depth: 1 for the outermost. Nobody waits for what comes
/// of it; when it fails, so does the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Savepoint {
    Mark(usize),
    Release(usize),
    Undo(usize),
}

/// One thing that code asks for.
pub(crate) enum Request {
    Savepoint(Savepoint),
    Read(Box<Reading>, Reply<Result<Found, Error>>),
    Write(Box<Writing>, Reply<Result<Vec<Outcome>, WriteFailure>>),
    Lock(Locking, Reply<Result<(), Error>>),
}

pub(crate) type Reply<T> = oneshot::Sender<T>;

/// Where requests lie until they are carried out.
#[derive(Default)]
pub(crate) struct Desk {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    requests: Vec<Request>,
    /// Whose turn it is to look here, while nobody polls the code.
    driver: Option<Waker>,
    open: Open,
    closed: bool,
}

/// How far the code came.
pub(crate) enum Step {
    /// It wants something carried out.
    Asks,
    /// It is done.
    Ended(Ended),
}

impl Transaction {
    pub(crate) fn new() -> Self {
        Self {
            desk: Arc::default(),
            gate: Arc::default(),
            part: None,
        }
    }

    pub(crate) fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// Begins a part of the transaction, when no other part is under way in it.
    ///
    /// Errors: `TransactionOver`.
    pub async fn part(&self) -> Result<Part, Error> {
        Part::begin(self).await
    }

    pub(crate) async fn read(&self, reading: Reading) -> Result<Found, Error> {
        let (reply, answer) = oneshot::channel();
        self.ask(Request::Read(Box::new(reading), reply)).await?;
        answer.await.unwrap_or_else(|_| Err(over()))
    }

    pub(crate) async fn write(&self, writing: Writing) -> Result<Vec<Outcome>, WriteFailure> {
        let (reply, answer) = oneshot::channel();
        self.ask(Request::Write(Box::new(writing), reply))
            .await
            .map_err(WriteFailure::nowhere)?;
        let gone = |_| Err(WriteFailure::nowhere(over()));
        answer.await.unwrap_or_else(gone)
    }

    pub(crate) async fn lock(&self, locking: Locking) -> Result<(), Error> {
        let (reply, answer) = oneshot::channel();
        self.ask(Request::Lock(locking, reply)).await?;
        answer.await.unwrap_or_else(|_| Err(over()))
    }

    /// Puts a request on the desk when no part is under way. What lies there is carried out in its
    /// order, so a part may begin before the answer is there: whoever does not poll what it has asked
    /// keeps nobody waiting.
    async fn ask(&self, request: Request) -> Result<(), Error> {
        let _turn = self.gate.read().await;
        self.desk.put(self.part, request)
    }
}

/// An answer of another kind than what was asked: a mistake of ours.
pub(crate) fn unexpected() -> Error {
    Error::Internal("a transaction answered something else than was asked".to_owned())
}

/// The code holds on to a transaction that has ended.
fn over() -> Error {
    Error::TransactionOver
}

impl Desk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, part: Option<u32>, request: Request) -> Result<(), Error> {
        self.change(|state| {
            if !state.open.has(part) {
                return Err(over());
            }
            state.requests.push(request);
            Ok(())
        })
    }

    /// Begins a part inside `outer`; its number.
    pub(crate) fn begin(&self, outer: Option<u32>) -> Result<u32, Error> {
        self.change(|state| {
            if !state.open.has(outer) {
                return Err(over());
            }
            let (part, mark) = state.open.begin()?;
            state.requests.push(Request::Savepoint(mark));
            Ok(part)
        })
    }

    /// Ends a part.
    pub(crate) fn end(&self, part: u32, keep: bool) -> Result<(), Error> {
        self.change(|state| {
            let end = state.open.end(part, keep).ok_or_else(over)?;
            state.requests.push(Request::Savepoint(end));
            Ok(())
        })
    }

    /// Changes what lies there, and wakes whoever looks after it.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> Result<T, Error>) -> Result<T, Error> {
        let mut state = self.state();
        if state.closed {
            return Err(over());
        }
        let changed = change(&mut state)?;
        let driver = state.driver.take();
        drop(state);
        if let Some(driver) = driver {
            driver.wake();
        }
        Ok(changed)
    }

    /// What lies there, in the order it was asked for.
    pub(crate) fn take(&self) -> Vec<Request> {
        std::mem::take(&mut self.state().requests)
    }

    /// Takes nothing more; whoever waits for an answer is told that there will be none. Answers what
    /// is still to be done before the transaction may stand: the savepoints that lie there, and the
    /// undoing of parts that are still open.
    pub(crate) fn close(&self) -> Vec<Savepoint> {
        let (left, open) = {
            let mut state = self.state();
            state.closed = true;
            (std::mem::take(&mut state.requests), state.open.undo())
        };
        let savepoints = left.into_iter().filter_map(|request| match request {
            Request::Savepoint(savepoint) => Some(savepoint),
            _ => None,
        });
        savepoints.chain(open).collect()
    }

    /// Lets the code go on until it asks for something, waits for the outside world, or ends.
    pub(crate) fn poll(
        &self,
        task: &mut Task,
        context: &mut Context<'_>,
    ) -> Poll<Result<Step, Error>> {
        self.state().driver = None;
        let polled = catch_unwind(AssertUnwindSafe(|| task.as_mut().poll(context)));
        match polled {
            Err(_) => Poll::Ready(Err(Error::Internal(
                "the code of a transaction panicked".to_owned(),
            ))),
            Ok(Poll::Ready(ended)) => Poll::Ready(Ok(Step::Ended(ended))),
            Ok(Poll::Pending) => {
                let mut state = self.state();
                if !state.requests.is_empty() {
                    return Poll::Ready(Ok(Step::Asks));
                }
                // Another task may hold the handle and ask while nobody polls.
                state.driver = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    /// The same, waiting for the outside world.
    pub(crate) async fn step(&self, task: &mut Task) -> Result<Step, Error> {
        poll_fn(|context| self.poll(task, context)).await
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.close();
    }
}

/// What an adapter is asked to carry out.
pub(crate) struct Asked<'a> {
    pub(crate) target: &'a Target,
    pub(crate) view: &'a ModelView,
    pub(crate) stamp: &'a Stamp,
    pub(crate) how: &'a How,
    pub(crate) desk: Arc<Desk>,
    /// How often it was tried before.
    pub(crate) reruns: u32,
    /// What was read outside before the first write, to be checked.
    pub(crate) seen: Vec<(Reading, Found)>,
    /// What the code asked for first.
    pub(crate) first: Vec<Request>,
    /// It may wait for the outside world although others wait for it.
    pub(crate) patient: bool,
}

/// Why a transaction came to nothing.
#[derive(Debug)]
pub(crate) enum Lost {
    /// Another writer was faster; the code may be run again.
    Again,
    /// It took place before: the text of the receipt.
    Earlier(String),
    /// Anything else.
    Failed(Error),
}

impl From<Error> for Lost {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Whether records of `target` may be written in a transaction of `tenant`.
pub(crate) fn same_side(target: &Target, tenant: TenantKey) -> Result<(), Error> {
    if target.tenant == tenant {
        return Ok(());
    }
    Err(Error::Refused(carnet_kernel::Refusal::new(
        carnet_kernel::Code::PlacementMixed,
        "one transaction writes the records of one tenant or of the platform",
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    #[test]
    fn a_handle_that_outlives_its_transaction_is_told_so() {
        let transaction = Transaction::new();
        let held = transaction.clone();
        let mut task: Task = Box::pin(async { Ended::default() });
        let mut context = Context::from_waker(Waker::noop());
        let step = transaction.desk.poll(&mut task, &mut context);
        assert!(matches!(step, Poll::Ready(Ok(Step::Ended(_)))));
        transaction.desk.close();
        let late = held.lock(Locking {
            target: Target {
                placement: crate::Placement {
                    namespace: crate::Namespace::shared(),
                },
                tenant: TenantKey::DEFAULT,
                deadline: None,
            },
            view: ModelView::new(Arc::new(empty())),
            resource: ResourceIndex(0),
            ids: Vec::new(),
        });
        let outcome = Box::pin(late).as_mut().poll(&mut context);
        assert!(matches!(outcome, Poll::Ready(Err(Error::TransactionOver))));
    }

    #[test]
    fn code_that_panics_is_an_error() {
        let transaction = Transaction::new();
        let mut task: Task = Box::pin(async { panic!("on purpose") });
        let mut context = Context::from_waker(Waker::noop());
        let step = transaction.desk.poll(&mut task, &mut context);
        assert!(matches!(step, Poll::Ready(Err(Error::Internal(_)))));
    }

    fn empty() -> carnet_model::Model {
        let source = carnet_model::Source::application("a.yaml", "carnet: 1\n");
        carnet_model::compile(&[source]).expect("compiles").model
    }
}
