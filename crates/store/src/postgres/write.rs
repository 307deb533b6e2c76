//! Units against the database: load, decide, apply, in as few flights as their decisions allow.
//! When to run again is `retry`'s; the SQL is `apply`'s.

use super::apply;
use super::connect::{Isolation, Setting};
use super::errors::{self, Change, Meaning};
use super::flight::{Answer, Cause, Failed, Limit, Message};
use super::load::{self, Group};
use super::pool::{Held, Pool};
use super::receipts;
use super::retry::Plan;
use crate::{
    Changes, Decision, Error, Load, Loaded, Outcome, Policy, Record, Step, Unit, WriteFailure,
    WriteOptions,
};
use carnet_kernel::{Code, Id, Refusal, TenantKey};
use carnet_model::{FieldIndex, Resource, ResourceIndex};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often a unit may ask to see more before it decides.
const MOST_ROUNDS: usize = 64;

/// How many things are loaded ahead at most.
const MOST_AHEAD: usize = 2_000;

/// How many things that were loaded a rerun waits for before its transaction begins.
const MOST_KEYS: usize = 16;

/// A write as it was asked for.
#[derive(Clone, Copy)]
pub(super) struct Write<'a> {
    pub(super) frame: apply::Frame<'a>,
    pub(super) units: &'a [Arc<dyn Unit>],
    pub(super) options: &'a WriteOptions,
    pub(super) budget: Duration,
    pub(super) deadline: Option<Instant>,
    /// Part of a transaction under way, which goes on after it, whatever comes of it.
    pub(super) inside: Option<Isolation>,
}

impl Write<'_> {
    pub(super) fn setting(&self) -> Setting {
        Setting {
            tenant: self.frame.tenant,
            isolation: self.inside.unwrap_or(Isolation::Serializable),
        }
    }
}

/// Where in a write something happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) unit: usize,
    pub(super) step: usize,
    pub(super) row: usize,
}

impl Place {
    pub(super) fn failure(self, error: Error) -> WriteFailure {
        WriteFailure {
            unit: self.unit,
            step: self.step,
            row: self.row,
            error,
        }
    }
}

/// Why an attempt came to nothing.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Another writer was faster.
    Lost {
        place: Place,
        /// Running again could end otherwise.
        hopeful: bool,
        /// What was loaded, to wait for next time.
        keys: Vec<i64>,
    },
    /// A set of rows failed, and it is not known by which.
    Set(WriteFailure),
    /// The session is of no use, and nothing of the write arrived.
    Session(WriteFailure),
    /// It took place before: there is a receipt.
    Known,
    /// Anything else.
    Failed(WriteFailure),
}

impl Trouble {
    fn at(place: Place, error: Error) -> Self {
        Self::Failed(place.failure(error))
    }
}

/// What a message of a flight is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    Envelope,
    Load,
    /// Whether there is a receipt already.
    Check,
    /// The receipt.
    Keep,
    Guard(Place),
    Row {
        place: Place,
        resource: ResourceIndex,
        change: Change,
        rows: usize,
    },
}

/// One run of a write over one session.
pub(super) struct Attempt<'h, 'a> {
    held: &'h mut Held,
    work: Work<'a>,
}

/// How far a run has come.
pub(super) struct Work<'a> {
    pub(super) write: Write<'a>,
    pub(super) plan: &'a Plan,
    /// Decisions so far, unit by unit.
    pub(super) done: Vec<Outcome>,
    /// How many of them were sent.
    pub(super) sent: usize,
    /// A unit that is sent row by row.
    pub(super) row_by_row: Option<usize>,
    /// What the receipt keeps, once everything is decided.
    pub(super) note: Option<String>,
    /// When the transaction began.
    pub(super) began: Option<Instant>,
    /// Whether the savepoint of a write inside a transaction stands.
    pub(super) framed: bool,
    /// Whether a flight failed: the server then takes nothing but going back.
    failed: bool,
    /// What was loaded for several units at once, without what was changed since.
    ahead: Loaded,
    touched: HashSet<(ResourceIndex, Id)>,
    /// What was loaded, as numbers to wait for; empty when nothing was.
    keys: Vec<i64>,
}

/// What matters of the session before a flight.
#[derive(Clone, Copy)]
pub(super) struct Session {
    pub(super) setting: Option<Setting>,
    pub(super) locked: bool,
}

/// Runs all units; on success they are committed, or undone when the write is a dry run.
pub(super) async fn run(
    write: Write<'_>,
    plan: &Plan,
    pool: &Pool,
) -> Result<Vec<Outcome>, Trouble> {
    let mut held = pool
        .take(write.deadline, Some(write.setting()))
        .await
        .map_err(|error| Trouble::at(Place::default(), error))?;
    let mut attempt = Attempt::new(write, plan, &mut held, None);
    match Box::pin(attempt.units()).await {
        Ok(()) => Ok(attempt.work.done),
        Err(trouble) => {
            attempt.undo().await;
            Err(trouble)
        }
    }
}

/// Runs all units in the transaction under way on `held`, beginning it where there is none. When
/// they fail they are undone, and the transaction goes on as long as the session is open.
pub(super) async fn run_inside(
    write: Write<'_>,
    plan: &Plan,
    held: &mut Held,
    began: &mut Option<Instant>,
) -> Result<Vec<Outcome>, Trouble> {
    let mut attempt = Attempt::new(write, plan, held, *began);
    let outcome = Box::pin(attempt.units()).await;
    if outcome.is_err() {
        attempt.undo_inside().await;
    }
    *began = attempt.work.began;
    outcome.map(|()| attempt.work.done)
}

impl<'h, 'a> Attempt<'h, 'a> {
    fn new(write: Write<'a>, plan: &'a Plan, held: &'h mut Held, began: Option<Instant>) -> Self {
        let work = Work {
            write,
            plan,
            done: Vec::with_capacity(write.units.len()),
            sent: 0,
            row_by_row: None,
            note: None,
            began,
            framed: false,
            failed: false,
            ahead: Loaded::default(),
            touched: HashSet::new(),
            keys: Vec::new(),
        };
        Self { held, work }
    }

    async fn units(&mut self) -> Result<(), Trouble> {
        let Write { units, options, .. } = self.work.write;
        let each = options.policy == Policy::Each;
        Box::pin(self.foresee()).await?;
        for (index, unit) in units.iter().enumerate() {
            if each && unit.follows() {
                Box::pin(self.settle()).await?;
            }
            let outcome = match self.decide(index, unit.as_ref()).await {
                Ok(changes) => Ok(changes),
                Err(Trouble::Failed(failure)) if each && failure.is_own() => Err(failure),
                Err(trouble) => return Err(trouble),
            };
            if let Ok(changes) = &outcome {
                self.work.touch(changes);
            }
            self.work.done.push(outcome);
        }
        if each {
            Box::pin(self.settle()).await?;
        }
        let receipt = options.receipt.as_ref();
        let receipt = receipt.filter(|_| self.work.write.inside.is_none());
        self.work.note = receipt.and_then(|receipt| (receipt.answer)(&self.work.done));
        Box::pin(self.send(&[], true)).await.map(|_| ())
    }

    /// Loads at once what several units will want to see first.
    async fn foresee(&mut self) -> Result<(), Trouble> {
        let write = self.work.write;
        let view = write.frame.view;
        if write.units.len() < 2 {
            return Ok(());
        }
        let (mut all, mut seen, mut wanting) = (Vec::new(), HashSet::new(), 0);
        for unit in write.units {
            let loads = unit.foresees(view);
            wanting += usize::from(!loads.is_empty());
            let reachable = |load: &Load| load::is_reachable(write.frame, load);
            for load in loads.into_iter().filter(reachable) {
                if all.len() < MOST_AHEAD && seen.insert(load.clone()) {
                    all.push(load);
                }
            }
        }
        if wanting < 2 {
            return Ok(());
        }
        let mut ahead = Loaded::default();
        self.fetch(Place::default(), all, &mut ahead).await?;
        self.work.ahead = ahead;
        Ok(())
    }

    /// Loads what is asked for.
    async fn fetch(
        &mut self,
        place: Place,
        loads: Vec<Load>,
        loaded: &mut Loaded,
    ) -> Result<(), Trouble> {
        let write = self.work.write;
        self.work.remember(&loads);
        let groups = load::groups(write.frame, loads, self.work.plan.locks())
            .map_err(|error| Trouble::at(place, error))?;
        let answers = Box::pin(self.send(&groups, false)).await?;
        for (group, answer) in groups.into_iter().zip(answers) {
            group
                .read(write.frame.view, &answer, loaded)
                .map_err(|error| Trouble::at(place, error))?;
        }
        Ok(())
    }

    /// Sends what was decided, each unit behind a savepoint, until all stand or have failed alone.
    async fn settle(&mut self) -> Result<(), Trouble> {
        while self.work.sent < self.work.done.len() {
            let failure = match Box::pin(self.send(&[], false)).await {
                Ok(_) => return Ok(()),
                Err(Trouble::Set(failure)) if self.has_unknown_row(&failure) => {
                    // Once more by itself and row by row, to learn which one it was.
                    self.work.row_by_row = Some(failure.unit);
                    self.work.sent = failure.unit;
                    Box::pin(self.undo_item()).await?;
                    continue;
                }
                Err(Trouble::Failed(failure) | Trouble::Set(failure)) if failure.is_own() => {
                    failure
                }
                Err(trouble) => return Err(trouble),
            };
            let unit = failure.unit;
            let known = self
                .work
                .done
                .get_mut(unit)
                .filter(|_| unit >= self.work.sent);
            match known {
                Some(outcome) if outcome.is_ok() && self.held.open => *outcome = Err(failure),
                _ => return Err(Trouble::Failed(failure)),
            }
            self.work.sent = unit + 1;
            Box::pin(self.undo_item()).await?;
        }
        Ok(())
    }

    /// Whether the failure of a unit alone is of a row of it that is not known yet.
    fn has_unknown_row(&self, failure: &WriteFailure) -> bool {
        let pending = failure.unit >= self.work.sent && failure.unit < self.work.done.len();
        let new = self.work.row_by_row != Some(failure.unit);
        failure.is_own() && pending && new && self.held.open
    }

    /// Asks a unit until it knows what to change, showing it what it wants to see.
    async fn decide(&mut self, index: usize, unit: &dyn Unit) -> Result<Changes, Trouble> {
        let place = Place {
            unit: index,
            ..Place::default()
        };
        let Write { frame, options, .. } = self.work.write;
        let view = frame.view;
        let each = options.policy == Policy::Each;
        let mut loaded = Loaded::default();
        for _ in 0..MOST_ROUNDS {
            let failed = match unit.decide_after(view, &loaded, &self.work.done) {
                Ok(Decision::Load(loads)) => {
                    let mut asked = HashSet::new();
                    let mut missing = Vec::new();
                    for load in loads {
                        if loaded.get(&load).is_some() || !asked.insert(load.clone()) {
                            continue;
                        }
                        match self.work.foreseen(&load) {
                            Some(records) => loaded.insert(load, records),
                            None => missing.push(load),
                        }
                    }
                    if each && !missing.is_empty() {
                        // A unit that fails alone must not take a later one's load with it.
                        Box::pin(self.settle()).await?;
                    }
                    if !missing.is_empty() {
                        self.fetch(place, missing, &mut loaded).await?;
                    }
                    continue;
                }
                Ok(Decision::Apply(changes)) => match self.work.check(&changes) {
                    Ok(()) => return Ok(changes),
                    Err((step, error)) => (step, error),
                },
                Err(refusal) => (0, Error::Refused(refusal)),
            };
            // What earlier units change must stand before a later one may be to blame.
            if !each && self.work.sent < self.work.done.len() {
                Box::pin(self.send(&[], false)).await?;
            }
            let (step, error) = failed;
            return Err(Trouble::at(Place { step, ..place }, error));
        }
        let error = format!("a unit did not decide after {MOST_ROUNDS} loads");
        Err(Trouble::at(place, Error::Internal(error)))
    }

    /// Sends the decisions that were not sent yet, then the loads; with `end` the transaction ends.
    /// Answers the loads.
    async fn send(&mut self, loads: &[Group], end: bool) -> Result<Vec<Answer>, Trouble> {
        let Self { held, work } = self;
        let session = Session {
            setting: held.setting(),
            locked: held.locked,
        };
        let (messages, purposes) = work.messages(loads, end, session);
        if messages.is_empty() {
            work.sent = work.done.len();
            return Ok(Vec::new());
        }
        let now = Instant::now();
        let limit = work.limit(now, end);
        let answers = match Box::pin(held.flight(&messages, limit)).await {
            Ok(answers) => answers,
            Err(failed) => {
                if held.open && work.began.is_none() {
                    work.began = Some(now);
                }
                work.framed |= work.frames(end);
                work.failed = true;
                return Err(work.trouble(failed, &purposes, limit));
            }
        };
        drop(messages);
        if work.began.is_none() {
            let waited = !work.plan.keys().is_empty();
            work.began = Some(if waited { Instant::now() } else { now });
        }
        work.framed |= work.frames(end);
        work.sent = work.done.len();
        let mut found = Vec::with_capacity(loads.len());
        for (purpose, answer) in purposes.iter().zip(answers) {
            match purpose {
                Purpose::Load => found.push(answer),
                // Another one kept its receipt first.
                Purpose::Keep if answer.affected == 0 => {
                    return Err(work.lost(Place::default(), true));
                }
                // A quiet statement tells a lost race by its count; others never come back short.
                Purpose::Row { place, .. } if answer.affected == 0 => {
                    return Err(work.lost(*place, !work.keys.is_empty()));
                }
                _ => {}
            }
        }
        Ok(found)
    }

    /// Undoes what the last unit did. Until then the server does not even prepare a statement.
    async fn undo_item(&mut self) -> Result<(), Trouble> {
        let Self { held, work } = self;
        let undo = [Message::frame(
            "rollback to savepoint item; release savepoint item",
        )];
        let limit = work.limit(Instant::now(), false);
        let undone = Box::pin(held.flight(&undo, limit)).await;
        undone
            .map(|_| ())
            .map_err(|failed| work.trouble(failed, &[Purpose::Envelope], limit))
    }

    /// Undoes what the units did in a transaction that goes on. Where that cannot be, the session
    /// is of no more use.
    async fn undo_inside(&mut self) {
        if !self.held.open || self.held.broken || self.held.flying {
            return;
        }
        let frames = std::mem::take(&mut self.work.framed);
        if !frames {
            // Nothing was changed; a load that failed took the whole transaction with it.
            self.held.spoilt |= self.work.failed;
            return;
        }
        let undo = [Message::frame(
            "rollback to savepoint asked; release savepoint asked",
        )];
        let limit = self.work.limit(Instant::now(), false);
        if Box::pin(self.held.flight(&undo, limit)).await.is_err() {
            self.held.spoilt = true;
        }
    }

    /// Leaves the session as it was found, when it can still be talked to.
    async fn undo(&mut self) {
        let mut messages = Vec::new();
        if self.held.open {
            messages.push(Message::rollback());
        }
        if self.held.locked {
            messages.push(Message::unlock());
        }
        if messages.is_empty() || self.held.flying || self.held.broken {
            return;
        }
        let limit = Limit::reading(Some(Instant::now() + Duration::from_secs(1)));
        if let Err(failed) = Box::pin(self.held.flight(&messages, limit)).await {
            tracing::debug!(cause = ?failed.cause.general(), "a rollback failed");
        }
    }
}

impl Work<'_> {
    /// Whether a flight opens the savepoint of a write inside a transaction.
    pub(super) fn frames(&self, _end: bool) -> bool {
        let changes = |outcome: &Outcome| {
            outcome
                .as_ref()
                .is_ok_and(|changes| !(changes.steps.is_empty() && changes.guards.is_empty()))
        };
        self.write.inside.is_some()
            && !self.framed
            && self
                .done
                .get(self.sent..)
                .is_some_and(|pending| pending.iter().any(changes))
    }

    /// Whether this write may change what it is about to change.
    fn check(&self, changes: &Changes) -> Result<(), (usize, Error)> {
        for (index, step) in changes.steps.iter().enumerate() {
            let resource = self.write.frame.view.resource(apply::resource_of(step));
            let platform = self.write.frame.tenant == TenantKey::PLATFORM;
            if resource.standard.is_none() {
                let reason = format!("`{}` is not written by units", resource.name);
                return Err((index, Error::Internal(reason)));
            }
            if resource.is_tenant() == platform {
                return Err((index, mixed(resource)));
            }
        }
        Ok(())
    }

    /// Takes note of what is no longer as it was loaded ahead.
    fn touch(&mut self, changes: &Changes) {
        for step in &changes.steps {
            let index = apply::resource_of(step);
            let resource = self.write.frame.view.resource(index);
            let touched = &mut self.touched;
            match step {
                Step::Insert { rows, .. } => {
                    let ids = rows.iter().filter_map(|row| row.record.id(resource));
                    touched.extend(ids.map(|id| (index, id)));
                }
                Step::Update { rows, .. } => touched.extend(rows.iter().map(|row| (index, row.id))),
                Step::Delete { rows, .. } => touched.extend(rows.iter().map(|row| (index, row.id))),
            }
        }
    }

    /// What was loaded ahead, as long as it is known to be still so.
    fn foreseen(&mut self, load: &Load) -> Option<Vec<Record>> {
        let stale = match load {
            Load::Record { resource, id } => self.touched.contains(&(*resource, *id)),
            Load::Referencing { .. } | Load::Matching { .. } => !self.touched.is_empty(),
        };
        if stale {
            return None;
        }
        self.ahead.take(load)
    }

    /// Keeps what is loaded as what a rerun waits for.
    fn remember(&mut self, loads: &[Load]) {
        let frame = self.write.frame;
        let room = MOST_KEYS.saturating_sub(self.keys.len());
        self.keys
            .extend(loads.iter().take(room).map(|load| load::key(frame, load)));
    }

    /// Until when a flight may take, and whether its effect must be known.
    fn limit(&self, now: Instant, end: bool) -> Limit {
        let mut until = self.began.unwrap_or(now) + self.write.budget;
        if self.began.is_none() && !self.plan.keys().is_empty() {
            // Waiting for its turn is not the transaction's time.
            until += self.write.budget;
        }
        let deadline = self.write.deadline;
        Limit {
            at: Some(deadline.map_or(until, |deadline| deadline.min(until))),
            settles: end && !self.write.options.dry_run && self.write.inside.is_none(),
        }
    }

    fn lost(&self, place: Place, hopeful: bool) -> Trouble {
        let mut keys = self.keys.clone();
        keys.sort_unstable();
        keys.dedup();
        Trouble::Lost {
            place,
            hopeful,
            keys,
        }
    }

    /// Whether the unit looked for a record with these values and found none.
    fn is_race(&self, unit: usize, error: &Error) -> bool {
        let Error::Unique { resource, fields } = error else {
            return false;
        };
        let same = |race: &(ResourceIndex, Vec<FieldIndex>)| {
            race.0 == *resource
                && race.1.len() == fields.len()
                && race.1.iter().all(|field| fields.contains(field))
        };
        self.done
            .get(unit)
            .and_then(|outcome| outcome.as_ref().ok())
            .is_some_and(|changes| changes.races.iter().any(same))
    }

    fn trouble(&self, failed: Failed, purposes: &[Purpose], limit: Limit) -> Trouble {
        let purpose = purposes
            .get(failed.at)
            .copied()
            .unwrap_or(Purpose::Envelope);
        // A failure that names no step belongs to the unit that was being worked on.
        let current = Place {
            unit: self
                .done
                .len()
                .min(self.write.units.len().saturating_sub(1)),
            ..Place::default()
        };
        let place = match purpose {
            Purpose::Row { place, .. } | Purpose::Guard(place) => place,
            Purpose::Load | Purpose::Envelope => current,
            Purpose::Check | Purpose::Keep => Place::default(),
        };
        let late = limit.at.is_some_and(|at| Instant::now() >= at);
        let out_of_time = || match self.write.deadline {
            Some(deadline) if deadline <= Instant::now() => Error::Timeout,
            _ => Error::TooLong,
        };
        let error = match &failed.cause {
            Cause::Expired => return Trouble::at(place, out_of_time()),
            Cause::Unknown(reason) => {
                return Trouble::at(place, Error::OutcomeUnknown(reason.clone()));
            }
            Cause::Refused(_) => return Trouble::at(place, failed.cause.general()),
            Cause::Driver(error) => error,
        };
        if matches!(purpose, Purpose::Check) {
            match error.as_db_error().map(|error| error.message()) {
                Some(receipts::KNOWN) => return Trouble::Known,
                Some(receipts::UNDER_WAY) => return Trouble::at(place, Error::UnderWay),
                _ => {}
            }
        }
        match errors::meaning(error) {
            Meaning::Lost => {
                let serial = error
                    .code()
                    .is_some_and(|code| code.code().starts_with('4'));
                self.lost(place, serial || !self.keys.is_empty())
            }
            Meaning::Unique | Meaning::Reference => {
                let Purpose::Row {
                    resource,
                    change,
                    rows,
                    ..
                } = purpose
                else {
                    return Trouble::at(place, errors::general(error));
                };
                let view = self.write.frame.view;
                let error = errors::of_constraint(error, view, resource, change);
                if self.is_race(place.unit, &error) {
                    return self.lost(place, true);
                }
                let failure = place.failure(error);
                if rows > 1 {
                    Trouble::Set(failure)
                } else {
                    Trouble::Failed(failure)
                }
            }
            Meaning::Stopped if late => Trouble::at(place, out_of_time()),
            Meaning::Gone | Meaning::Outdated => {
                Trouble::Session(place.failure(errors::general(error)))
            }
            _ => Trouble::at(place, errors::general(error)),
        }
    }
}

pub(super) fn change_of(step: &Step) -> Change {
    match step {
        Step::Insert { .. } | Step::Update { .. } => Change::Put,
        Step::Delete { .. } => Change::Remove,
    }
}

/// A resource of the other side: one transaction touches one tenant or the platform.
pub(super) fn mixed(resource: &Resource) -> Error {
    let whose = if resource.is_tenant() {
        "a tenant"
    } else {
        "the platform"
    };
    Error::Refused(Refusal::new(
        Code::PlacementMixed,
        format!(
            "`{}` cannot be part of this transaction: it is written by {whose}",
            resource.name
        ),
    ))
}
