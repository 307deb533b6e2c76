//! Reader threads with a connection each. Tasks hand them work and await the answer; a read that
//! outlives its time or its caller is interrupted.

use super::errors;
use super::queue::{Queue, Rejected};
use super::session::{Limit, Meter, Purpose, Session};
use crate::{Config, Error};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How many reads may wait for a thread.
const MOST_WAITING: usize = 4_096;

/// The most threads that are taken without being asked for.
const MOST_THREADS: usize = 8;

type Work = Box<dyn FnOnce(Result<&Session, Error>) + Send>;

/// The threads and their queue.
pub(super) struct Readers {
    queue: Arc<Queue<Work>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    timeout: Duration,
}

/// How much a read asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Span {
    /// One statement, which is a snapshot by itself.
    Statement,
    /// Several of one snapshot.
    Several,
}

/// Tells a thread that nobody waits any more.
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Readers {
    /// Starts the threads; each opens its connection when it is first needed.
    pub(super) fn start(path: &Path, config: &Config, meter: &Arc<Meter>) -> Result<Self, Error> {
        let count = match config.readers {
            0 => std::thread::available_parallelism()
                .map_or(2, usize::from)
                .clamp(2, MOST_THREADS),
            count => count as usize,
        };
        let readers = Self {
            queue: Arc::new(Queue::new(MOST_WAITING)),
            threads: Mutex::default(),
            timeout: config.statement_timeout.0,
        };
        for number in 0..count {
            let queue = Arc::clone(&readers.queue);
            let path = path.to_path_buf();
            let config = config.clone();
            let meter = Arc::clone(meter);
            let thread = std::thread::Builder::new()
                .name(format!("sqlite-reader-{number}"))
                .spawn(move || serve(&queue, &path, &config, &meter))
                .map_err(|error| {
                    readers.queue.close();
                    Error::Unavailable(format!("no thread for reads: {error}"))
                })?;
            readers
                .threads
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(thread);
        }
        Ok(readers)
    }

    /// Runs `work` on a reader thread, in one snapshot, until `deadline` at the latest.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        deadline: Option<Instant>,
        span: Span,
        work: impl FnOnce(&Session) -> Result<T, errors::Failure> + Send + 'static,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        let abandoned = Arc::new(AtomicBool::new(false));
        let _waiting = Waiting(Arc::clone(&abandoned));
        let timeout = self.timeout;
        let work = move |session: Result<&Session, Error>| {
            if reply.is_closed() {
                return;
            }
            let outcome = session.and_then(|session| {
                let own = Instant::now() + timeout;
                let limit = Limit {
                    deadline: Some(deadline.map_or(own, |deadline| deadline.min(own))),
                    abandoned: Some(abandoned),
                };
                read(session, limit, span, work)
            });
            drop(reply.send(outcome));
        };
        self.queue.push(Box::new(work)).map_err(|rejected| {
            Error::Unavailable(
                match rejected {
                    Rejected::Full => "too many reads wait for the database",
                    Rejected::Closed => "the database is closed",
                }
                .to_owned(),
            )
        })?;
        answer
            .await
            .unwrap_or_else(|_| Err(Error::Unavailable("a reader has stopped".to_owned())))
    }

    /// Answers what waits, then ends the threads.
    pub(super) fn close(&self) {
        self.queue.close();
    }

    /// The threads, to be waited for.
    pub(super) fn threads(&self) -> Vec<JoinHandle<()>> {
        std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.queue.close();
    }
}

fn serve(queue: &Queue<Work>, path: &Path, config: &Config, meter: &Arc<Meter>) {
    let mut open: Option<Session> = None;
    while let Some(work) = queue.pop() {
        if open.as_ref().is_none_or(Session::damaged) {
            open = None;
            match Session::open(path, Purpose::Read, config, Arc::clone(meter)) {
                Ok(session) => open = Some(session),
                Err(error) => {
                    work(Err(error));
                    continue;
                }
            }
        }
        if let Some(session) = &open {
            work(Ok(session));
        }
    }
}

/// One read in one snapshot.
fn read<T>(
    session: &Session,
    limit: Limit,
    span: Span,
    work: impl FnOnce(&Session) -> Result<T, errors::Failure>,
) -> Result<T, Error> {
    if limit.over() {
        return Err(Error::Timeout);
    }
    session.limit(limit);
    let outcome = match span {
        Span::Statement => Ok(()),
        Span::Several => session.frame("begin").map_err(errors::Failure::from),
    };
    let outcome = outcome.and_then(|()| {
        catch_unwind(AssertUnwindSafe(|| work(session)))
            .unwrap_or_else(|_| Err(Error::Internal("a read panicked".to_owned()).into()))
    });
    session.limit(Limit::default());
    if session.in_transaction()
        && let Err(error) = session.frame("rollback")
    {
        tracing::warn!(%error, "a read snapshot was not given back");
    }
    outcome.map_err(errors::Failure::into_error)
}
