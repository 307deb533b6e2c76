//! Sessions that are held by one caller at a time. Not what is said over them: that is `flight`.

use super::connect::{Connection, Connector, Role, Setting};
use crate::{Config, Error, metrics};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A session unused for longer is asked whether it lives before it is given out.
const TRUSTED: Duration = Duration::from_secs(5);

/// A bounded set of sessions of one role.
#[derive(Clone)]
pub(super) struct Pool {
    shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) connector: Arc<Connector>,
    pub(super) meter: Arc<Meter>,
    pub(super) slow: Duration,
    role: Role,
    min: usize,
    max: usize,
    idle: Duration,
    acquire: Duration,
    permits: Arc<Semaphore>,
    state: Mutex<State>,
    runtime: Handle,
}

#[derive(Default)]
struct State {
    idle: Vec<Connection>,
    open: usize,
    /// Sessions opened under another one are not used again.
    generation: u64,
    closed: bool,
    /// Why the last attempt to connect failed, until one succeeds.
    down: Option<String>,
    /// Somebody is finding out whether the server is back.
    probing: bool,
}

/// What was sent, for tests and metrics.
#[derive(Debug, Default)]
pub(super) struct Meter {
    pub(super) statements: AtomicU64,
    pub(super) round_trips: AtomicU64,
    pub(super) commits: AtomicU64,
}

/// How large a pool may be.
#[derive(Clone, Copy)]
pub(super) struct Size {
    pub(super) min: usize,
    pub(super) max: usize,
}

impl Pool {
    pub(super) fn new(
        config: &Config,
        connector: Arc<Connector>,
        meter: Arc<Meter>,
        role: Role,
        size: Size,
    ) -> Self {
        let max = size.max.max(1);
        let shared = Arc::new(Shared {
            connector,
            meter,
            slow: config.slow_query.0,
            role,
            min: size.min.min(max),
            max,
            idle: config.pool_idle.0,
            acquire: config.acquire_timeout.0,
            permits: Arc::new(Semaphore::new(max)),
            state: Mutex::default(),
            runtime: Handle::current(),
        });
        tokio::spawn(tend(Arc::downgrade(&shared), config.pool_idle.0));
        Self { shared }
    }

    /// A session of the caller's own, until it is dropped; if there is one, one of those that
    /// have the wanted setting already.
    ///
    /// Errors: `Unavailable`, `Timeout` when `deadline` comes first, and what
    /// [`Connector::connect`] says.
    pub(super) async fn take(
        &self,
        deadline: Option<Instant>,
        wanted: Option<Setting>,
    ) -> Result<Held, Error> {
        let shared = &self.shared;
        let started = Instant::now();
        let latest = started + shared.acquire;
        let until = deadline.map_or(latest, |deadline| deadline.min(latest));
        if until <= started {
            return Err(Error::Timeout);
        }
        let permit = Arc::clone(&shared.permits).acquire_owned();
        let permit = match tokio::time::timeout_at(until.into(), permit).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_)) => return Err(closed()),
            Err(_) if until < latest => return Err(Error::Timeout),
            Err(_) => {
                return Err(Error::Unavailable(format!(
                    "all {} connections were busy for {:?}",
                    shared.max, shared.acquire
                )));
            }
        };
        while let Some(connection) = shared.pop(wanted)? {
            let trusted = !connection.suspect && connection.used.elapsed() <= TRUSTED;
            match if trusted {
                Some(true)
            } else {
                alive(&connection).await
            } {
                Some(true) => return Ok(Held::new(shared, connection, permit)),
                Some(false) => shared.lost(connection),
                None => {
                    // Whoever asks the next one would wait as long.
                    shared.lost(connection);
                    shared.renew();
                }
            }
        }
        let connection = shared.connect().await?;
        Ok(Held::new(shared, connection, permit))
    }

    /// Lets no session be used again that is open now.
    pub(super) fn renew(&self) {
        self.shared.renew();
    }

    /// Waits for the sessions that are held, at most `patience`, and closes them all.
    pub(super) async fn close(&self, patience: Duration) {
        let shared = &self.shared;
        shared.lock().closed = true;
        let all = shared.permits.acquire_many(shared.max as u32);
        // Whoever holds a session for longer loses it when the process ends.
        drop(tokio::time::timeout(patience, all).await);
        shared.permits.close();
        let idle = std::mem::take(&mut shared.lock().idle);
        drop(idle);
    }
}

fn closed() -> Error {
    Error::Unavailable("the store is closed".to_owned())
}

/// Whether a session answers; `None` when not even a refusal comes.
async fn alive(connection: &Connection) -> Option<bool> {
    let check = connection.client.check_connection();
    let answered = tokio::time::timeout(Duration::from_secs(1), check).await;
    answered.ok().map(|outcome| outcome.is_ok())
}

/// Closes what nobody uses and keeps the smallest number open, as long as the pool lives.
async fn tend(pool: Weak<Shared>, idle: Duration) {
    let mut ticks =
        tokio::time::interval((idle / 4).clamp(Duration::from_millis(100), Duration::from_secs(5)));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(shared) = pool.upgrade() else { return };
        if shared.sweep() {
            return;
        }
        while shared.short_of_min() {
            let Ok(connection) = shared.connect().await else {
                break;
            };
            shared.give_back(connection);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self, state: &State) {
        if self.role == Role::Application {
            let idle = state.idle.len();
            metrics::record_connections(idle, state.open.saturating_sub(idle));
        }
    }

    /// The session used last, rather one with the wanted setting; `None` when one must be opened.
    fn pop(&self, wanted: Option<Setting>) -> Result<Option<Connection>, Error> {
        let mut state = self.lock();
        if state.closed {
            return Err(closed());
        }
        let mut found = None;
        loop {
            let set = state
                .idle
                .iter()
                .rposition(|idle| wanted.is_some() && idle.setting == wanted);
            let connection = match set {
                Some(place) => state.idle.remove(place),
                None => match state.idle.pop() {
                    Some(connection) => connection,
                    None => break,
                },
            };
            if connection.client.is_closed() {
                state.open -= 1;
                continue;
            }
            found = Some(connection);
            break;
        }
        self.report(&state);
        Ok(found)
    }

    async fn connect(self: &Arc<Self>) -> Result<Connection, Error> {
        {
            let mut state = self.lock();
            if state.closed {
                return Err(closed());
            }
            if let Some(reason) = &state.down {
                // One caller at a time finds out; the others need not wait for its timeout.
                if state.probing {
                    return Err(Error::Unavailable(reason.clone()));
                }
                state.probing = true;
            }
            state.open += 1;
        }
        let mut opening = Opening {
            shared: self,
            outcome: None,
        };
        let outcome = self.connector.connect(self.role).await;
        opening.outcome = Some(match &outcome {
            Err(Error::Unavailable(reason)) => Err(Some(reason.clone())),
            Err(_) => Err(None),
            Ok(_) => Ok(()),
        });
        drop(opening);
        let mut connection = outcome?;
        connection.generation = self.lock().generation;
        Ok(connection)
    }

    /// Trusts no idle session any more until it has answered.
    pub(super) fn suspect(&self) {
        for connection in &mut self.lock().idle {
            connection.suspect = true;
        }
    }

    /// Lets no session be used again that is open now.
    pub(super) fn renew(&self) {
        let mut state = self.lock();
        state.generation += 1;
        let old = std::mem::take(&mut state.idle);
        state.open -= old.len();
        drop(state);
        drop(old);
    }

    fn give_back(&self, mut connection: Connection) {
        let mut state = self.lock();
        let fit = !state.closed
            && connection.generation == state.generation
            && !connection.client.is_closed();
        let unfit = if fit {
            connection.used = Instant::now();
            connection.suspect = false;
            state.idle.push(connection);
            None
        } else {
            state.open -= 1;
            Some(connection)
        };
        self.report(&state);
        drop(state);
        drop(unfit);
    }

    fn lost(&self, connection: Connection) {
        let mut state = self.lock();
        state.open -= 1;
        self.report(&state);
        drop(state);
        drop(connection);
    }

    /// Closes idle sessions beyond the smallest number; whether the pool is closed.
    fn sweep(&self) -> bool {
        let mut state = self.lock();
        let State { idle, open, .. } = &mut *state;
        let mut gone = idle
            .extract_if(.., |connection| connection.client.is_closed())
            .collect::<Vec<_>>();
        *open -= gone.len();
        let spare = open.saturating_sub(self.min);
        let expired = idle
            .iter()
            .take_while(|connection| connection.used.elapsed() > self.idle)
            .count()
            .min(spare);
        gone.extend(idle.drain(..expired));
        *open -= expired;
        self.report(&state);
        let closed = state.closed;
        drop(state);
        drop(gone);
        closed
    }

    fn short_of_min(&self) -> bool {
        let state = self.lock();
        !state.closed && state.open < self.min
    }
}

/// Keeps the books of an attempt to connect, also when it is given up half-way.
struct Opening<'a> {
    shared: &'a Shared,
    outcome: Option<Result<(), Option<String>>>,
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.probing = false;
        match self.outcome.take() {
            Some(Ok(())) => state.down = None,
            Some(Err(reason)) => {
                state.down = reason;
                state.open -= 1;
            }
            None => state.open -= 1,
        }
    }
}

/// A session held by one caller. Dropping it gives it back, or ends it when something on it is
/// unfinished: a transaction, a lock, a statement that still runs.
pub(super) struct Held {
    pub(super) shared: Arc<Shared>,
    connection: Option<Connection>,
    permit: Option<OwnedSemaphorePermit>,
    /// Something was sent whose answer was not read to its end.
    pub(super) flying: bool,
    /// A transaction is open.
    pub(super) open: bool,
    /// Advisory locks are held.
    pub(super) locked: bool,
    /// The session is of no more use.
    pub(super) broken: bool,
    /// The transaction on it can only be undone.
    pub(super) spoilt: bool,
}

impl Held {
    fn new(shared: &Arc<Shared>, connection: Connection, permit: OwnedSemaphorePermit) -> Self {
        Self {
            shared: Arc::clone(shared),
            connection: Some(connection),
            permit: Some(permit),
            flying: false,
            open: false,
            locked: false,
            broken: false,
            spoilt: false,
        }
    }

    pub(super) fn connection(&mut self) -> &mut Connection {
        // INVARIANT: only `drop` takes the session out.
        #[expect(clippy::expect_used, reason = "nothing runs after drop")]
        self.connection.as_mut().expect("a held session is there")
    }

    /// What is set on it.
    pub(super) fn setting(&self) -> Option<Setting> {
        self.connection.as_ref().and_then(|open| open.setting)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        if !(self.flying || self.open || self.locked || self.broken) {
            self.shared.give_back(connection);
            return;
        }
        let (connector, permit) = (Arc::clone(&self.shared.connector), self.permit.take());
        let (flying, token) = (self.flying, connection.cancel.clone());
        self.shared.lost(connection);
        if flying {
            // The place in the pool is free again when the server has been told to stop.
            self.shared.runtime.spawn(async move {
                connector.cancel(token).await;
                drop(permit);
            });
        }
    }
}
