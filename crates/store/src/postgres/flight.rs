//! Statements sent together and answered in order: one round trip. Not what they say.

use super::bind::Bind;
use super::connect::{SET, Setting};
use super::errors::{self, Meaning};
use super::pool::Held;
use crate::Error;
use futures_util::StreamExt;
use std::borrow::Cow;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio_postgres::{Client, Row, Statement};

/// How long a stopped statement may take to say so.
const GRACE: Duration = Duration::from_secs(2);

/// One statement of a flight.
pub(super) struct Message<'a> {
    sql: Cow<'a, str>,
    binds: Vec<Bind<'a>>,
    effect: Effect,
    /// After how many bytes of rows no more are wanted.
    most: Option<usize>,
}

/// What a message does to its session, and how it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// Prepared; nothing that outlives the transaction.
    Statement,
    /// Not prepared; the same.
    Plain,
    /// Not prepared; stands around what was asked.
    Frame,
    Begin,
    End,
    Set(Setting),
    Lock,
    Unlock,
}

impl<'a> Message<'a> {
    /// A statement with its values.
    pub(super) fn new(sql: impl Into<Cow<'a, str>>, binds: Vec<Bind<'a>>) -> Self {
        Self::with(sql, binds, Effect::Statement)
    }

    /// The same, of whose rows at most so many bytes are wanted.
    pub(super) fn bounded(sql: &'a str, binds: Vec<Bind<'a>>, most: usize) -> Self {
        Self {
            most: Some(most),
            ..Self::new(sql, binds)
        }
    }

    /// Text without values that is not worth preparing.
    pub(super) fn plain(sql: impl Into<Cow<'a, str>>) -> Self {
        Self::with(sql, Vec::new(), Effect::Plain)
    }

    /// Text that stands around what was asked: savepoints.
    pub(super) fn frame(sql: &'static str) -> Self {
        Self::with(sql, Vec::new(), Effect::Frame)
    }

    /// Opens a transaction with these words.
    pub(super) fn begin(sql: &'static str) -> Self {
        Self::with(sql, Vec::new(), Effect::Begin)
    }

    pub(super) fn commit() -> Self {
        Self::with("commit", Vec::new(), Effect::End)
    }

    pub(super) fn rollback() -> Self {
        Self::with("rollback", Vec::new(), Effect::End)
    }

    /// Tells the session whose data is meant and how, until something else is set.
    pub(super) fn set(setting: Setting) -> Self {
        let tenant = Bind::Owned(setting.tenant.to_string());
        let isolation = Bind::Text(setting.isolation.as_str());
        Self::with(SET, vec![tenant, isolation], Effect::Set(setting))
    }

    /// Waits for its turn before the transaction and its snapshot begin.
    pub(super) fn lock(keys: &[i64]) -> Self {
        let keys = keys.iter().copied().map(Bind::Integer).collect();
        Self::with(
            "select count(pg_advisory_lock(k)) from unnest($1::bigint[]) as k",
            vec![Bind::Array(keys)],
            Effect::Lock,
        )
    }

    pub(super) fn unlock() -> Self {
        let sql = "select pg_advisory_unlock_all()";
        Self::with(sql, Vec::new(), Effect::Unlock)
    }

    fn with(sql: impl Into<Cow<'a, str>>, binds: Vec<Bind<'a>>, effect: Effect) -> Self {
        Self {
            sql: sql.into(),
            binds,
            effect,
            most: None,
        }
    }

    #[cfg(test)]
    pub(super) fn text(&self) -> &str {
        &self.sql
    }

    fn is_prepared(&self) -> bool {
        matches!(
            self.effect,
            Effect::Statement | Effect::Set(_) | Effect::Lock
        )
    }

    /// Whether it is part of the envelope rather than of what was asked.
    fn is_envelope(&self) -> bool {
        !matches!(self.effect, Effect::Statement | Effect::Plain)
    }
}

/// What a statement answered.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) rows: Vec<Row>,
    /// Rows it returned or changed.
    pub(super) affected: u64,
    /// More rows came than were wanted; they are not here, and the session is of no more use.
    pub(super) cut: bool,
}

/// The first message of a flight that did not succeed.
#[derive(Debug)]
pub(super) struct Failed {
    /// Its place in the flight.
    pub(super) at: usize,
    pub(super) cause: Cause,
}

#[derive(Debug)]
pub(super) enum Cause {
    /// The server or the session says so.
    Driver(tokio_postgres::Error),
    /// Time ran out, and nothing of it took effect.
    Expired,
    /// Time ran out or the session ended while the end of a transaction was on its way.
    Unknown(String),
    /// There was no session to send it on.
    Refused(Error),
}

impl Cause {
    pub(super) fn meaning(&self) -> Meaning {
        match self {
            Self::Driver(error) => errors::meaning(error),
            Self::Expired => Meaning::Slow,
            Self::Unknown(_) => Meaning::Gone,
            Self::Refused(_) => Meaning::Other,
        }
    }

    /// Whether a value became larger than the server can hold.
    pub(super) fn outgrew(&self) -> bool {
        matches!(self, Self::Driver(error) if error.code().is_some_and(|code| code.code() == "54000"))
    }

    /// The error of a flight that belongs to no record.
    pub(super) fn general(self) -> Error {
        match self {
            Self::Driver(error) => errors::general(&error),
            Self::Expired => Error::TooLong,
            Self::Unknown(reason) => Error::OutcomeUnknown(reason),
            Self::Refused(error) => error,
        }
    }
}

/// How long a flight may take, and what running out of time means.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    pub(super) at: Option<Instant>,
    /// The flight ends a transaction or is one: its effect must be known.
    pub(super) settles: bool,
}

impl Limit {
    /// Time runs out at `at`; nothing would be lost by giving up.
    pub(super) fn reading(at: Option<Instant>) -> Self {
        Self { at, settles: false }
    }
}

impl Held {
    /// Sends all messages at once and reads all answers. Success means that every message
    /// succeeded. On failure later messages may have been refused, or, outside a transaction,
    /// carried out.
    pub(super) async fn flight(
        &mut self,
        messages: &[Message<'_>],
        limit: Limit,
    ) -> Result<Vec<Answer>, Failed> {
        self.flying = true;
        let prepared = within(limit.at, Box::pin(self.prepare(messages)))
            .await
            .unwrap_or(Err(Failed {
                at: 0,
                cause: Cause::Expired,
            }));
        let statements = match prepared {
            Ok(statements) => statements,
            Err(failed) => {
                self.landed(&failed.cause);
                return Err(failed);
            }
        };
        let asked = messages.iter().filter(|one| !one.is_envelope()).count() as u64;
        let meter = &self.shared.meter;
        meter.statements.fetch_add(asked, Ordering::Relaxed);
        meter.round_trips.fetch_add(1, Ordering::Relaxed);

        match self.send(messages, &statements, limit).await {
            Ok(outcomes) => self.land(messages, outcomes, limit),
            Err(cause) => Err(Failed { at: 0, cause }),
        }
    }

    /// Sends everything and reads all answers, or gives up when time runs out.
    async fn send(
        &mut self,
        messages: &[Message<'_>],
        statements: &[Option<Statement>],
        limit: Limit,
    ) -> Result<Vec<Outcome>, Cause> {
        let slow = self.shared.slow;
        let outcomes = {
            let connector = Arc::clone(&self.shared.connector);
            let connection = self.connection();
            let client = &connection.client;
            let each = messages
                .iter()
                .zip(statements)
                .map(|(message, statement)| run(client, message, statement.as_ref()))
                .collect();
            let mut all = pin!(in_order(each, messages, slow));
            if let Some(outcomes) = within(limit.at, all.as_mut()).await {
                return Ok(outcomes);
            }
            if !limit.settles {
                return Err(Cause::Expired);
            }
            connector.cancel(connection.cancel.clone()).await;
            tokio::time::timeout(GRACE, all.as_mut()).await
        };
        // The cancellation may come late; it must not meet the statement of another caller.
        self.broken = true;
        outcomes.map_err(|_| Cause::Unknown("the server did not answer in time".to_owned()))
    }

    /// Reads what the outcomes mean for the session.
    fn land(
        &mut self,
        messages: &[Message<'_>],
        outcomes: Vec<Outcome>,
        limit: Limit,
    ) -> Result<Vec<Answer>, Failed> {
        let mut answers = Vec::with_capacity(outcomes.len());
        let mut first = None;
        let mut failures = 0;
        for (at, (message, outcome)) in messages.iter().zip(outcomes).enumerate() {
            let done = outcome.is_ok();
            match message.effect {
                Effect::Begin if done => self.open = true,
                // A commit that fails, and one after a failure, ends the transaction as well.
                Effect::End => self.open = false,
                Effect::Set(setting) => self.connection().setting = done.then_some(setting),
                Effect::Lock => self.locked = true,
                Effect::Unlock if done => self.locked = false,
                _ => {}
            }
            match outcome {
                Ok(answer) => answers.push(answer),
                Err(error) => {
                    if errors::meaning(&error) == Meaning::Outdated {
                        // Others know the same statement from before the table was changed.
                        self.connection().statements.forget(&message.sql);
                        self.shared.renew();
                    }
                    self.doubt(&error);
                    failures += 1;
                    first.get_or_insert((at, error));
                }
            }
        }
        // What is still on its way keeps the session from being given back.
        self.flying = answers.iter().any(|answer| answer.cut);
        let Some((at, error)) = first else {
            return Ok(answers);
        };
        let setting = |message: &Message<'_>| matches!(message.effect, Effect::Set(_));
        if limit.settles && failures == 1 && !self.broken && messages.get(at).is_some_and(setting) {
            // Behind no wall a write succeeds without it, and that is what its caller must hear.
            answers.insert(at, Answer::default());
            return Ok(answers);
        }
        // The session ended: what ends the transaction may have arrived, unless the server itself
        // said good-bye before it came to that.
        let end = messages
            .iter()
            .position(|message| message.effect == Effect::End)
            .unwrap_or(messages.len().saturating_sub(1));
        let early = at < end && error.as_db_error().is_some();
        let cause = if limit.settles && errors::meaning(&error) == Meaning::Gone && !early {
            Cause::Unknown(errors::text(&error))
        } else {
            Cause::Driver(error)
        };
        Err(Failed { at, cause })
    }

    fn landed(&mut self, cause: &Cause) {
        if let Cause::Driver(error) = cause {
            self.flying = false;
            self.doubt(error);
        }
    }

    /// What an error says about this session and the others.
    fn doubt(&mut self, error: &tokio_postgres::Error) {
        if errors::ends_session(error) {
            self.broken = true;
            self.shared.suspect();
        }
    }

    /// Prepares what is not prepared yet, together.
    async fn prepare(
        &mut self,
        messages: &[Message<'_>],
    ) -> Result<Vec<Option<Statement>>, Failed> {
        let mut statements = Vec::with_capacity(messages.len());
        let mut missing: Vec<usize> = Vec::new();
        let connection = self.connection();
        for (at, message) in messages.iter().enumerate() {
            let known = message
                .is_prepared()
                .then(|| connection.statements.get(&message.sql))
                .flatten();
            let new = message.is_prepared()
                && known.is_none()
                && !missing
                    .iter()
                    .any(|other| messages[*other].sql == message.sql);
            if new {
                missing.push(at);
            }
            statements.push(known);
        }
        if missing.is_empty() {
            return Ok(statements);
        }
        let client = &connection.client;
        let each: Vec<Preparing<'_>> = missing
            .iter()
            .map(|at| Box::pin(client.prepare(&messages[*at].sql)) as Preparing<'_>)
            .collect();
        let prepared = Slots::new(each).all().await;
        for (at, outcome) in missing.iter().zip(prepared) {
            let statement = outcome.map_err(|error| Failed {
                at: *at,
                cause: Cause::Driver(error),
            })?;
            connection.statements.insert(&messages[*at].sql, statement);
        }
        for (statement, message) in statements.iter_mut().zip(messages) {
            if statement.is_none() && message.is_prepared() {
                *statement = connection.statements.get(&message.sql);
            }
        }
        let meter = &self.shared.meter;
        meter.round_trips.fetch_add(1, Ordering::Relaxed);
        Ok(statements)
    }
}

/// The output of `future`, unless the time comes first.
async fn within<F: Future>(at: Option<Instant>, future: F) -> Option<F::Output> {
    match at {
        Some(at) => tokio::time::timeout_at(at.into(), future).await.ok(),
        None => Some(future.await),
    }
}

type Outcome = Result<Answer, tokio_postgres::Error>;
type Running<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;
type Preparing<'a> =
    Pin<Box<dyn Future<Output = Result<Statement, tokio_postgres::Error>> + Send + 'a>>;

fn run<'a>(
    client: &'a Client,
    message: &'a Message<'a>,
    statement: Option<&'a Statement>,
) -> Running<'a> {
    Box::pin(async move {
        let Some(statement) = statement else {
            client.batch_execute(&message.sql).await?;
            return Ok(Answer::default());
        };
        let rows = client.query_raw(statement, message.binds.iter()).await?;
        let mut rows = pin!(rows);
        let mut answer = Answer::default();
        let mut bytes = 0;
        while let Some(row) = rows.next().await {
            let row = row?;
            bytes += row.raw_size_bytes();
            if message.most.is_some_and(|most| bytes > most) {
                answer.cut = true;
                return Ok(answer);
            }
            answer.rows.push(row);
        }
        answer.affected = rows.rows_affected().unwrap_or(0);
        Ok(answer)
    })
}

async fn in_order(
    each: Vec<Running<'_>>,
    messages: &[Message<'_>],
    slow: Duration,
) -> Vec<Outcome> {
    let mut slots = Slots::new(each);
    slots.first().await;
    let mut since = Instant::now();
    for (at, message) in messages.iter().enumerate() {
        slots.finish(at).await;
        let elapsed = since.elapsed();
        if elapsed > slow {
            let elapsed = elapsed.as_millis() as u64;
            tracing::warn!(db.statement = %message.sql, elapsed_ms = elapsed, "slow statement");
        }
        since = Instant::now();
    }
    slots.outputs()
}

/// Futures that send when they are first polled: all are polled once in order, then each to its
/// end in order. The order of sending is the order of the messages, whatever wakes when.
struct Slots<F: Future> {
    slots: Vec<Slot<F>>,
}

enum Slot<F: Future> {
    Running(F),
    Done(Option<F::Output>),
}

impl<F: Future + Unpin> Slots<F> {
    fn new(each: Vec<F>) -> Self {
        Self {
            slots: each.into_iter().map(Slot::Running).collect(),
        }
    }

    /// Polls one of them; whether it is done.
    fn advance(&mut self, at: usize, context: &mut Context<'_>) -> bool {
        let Some(slot) = self.slots.get_mut(at) else {
            return true;
        };
        if let Slot::Running(future) = slot {
            match Pin::new(future).poll(context) {
                Poll::Ready(output) => *slot = Slot::Done(Some(output)),
                Poll::Pending => return false,
            }
        }
        true
    }

    async fn first(&mut self) {
        poll_fn(|context| {
            for at in 0..self.slots.len() {
                self.advance(at, context);
            }
            Poll::Ready(())
        })
        .await;
    }

    async fn all(mut self) -> Vec<F::Output> {
        self.first().await;
        for at in 0..self.slots.len() {
            self.finish(at).await;
        }
        self.outputs()
    }

    async fn finish(&mut self, at: usize) {
        poll_fn(|context| match self.advance(at, context) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }

    fn outputs(self) -> Vec<F::Output> {
        self.slots
            .into_iter()
            .filter_map(|slot| match slot {
                Slot::Done(output) => output,
                Slot::Running(_) => None,
            })
            .collect()
    }
}
