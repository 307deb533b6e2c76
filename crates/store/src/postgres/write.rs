//! Units against the database: load, decide, apply, in as few flights as their decisions allow.
//! When to run again is `retry`'s; the SQL is `apply`'s.

use super::apply::{self, Form};
use super::connect::{Isolation, Setting};
use super::errors::{self, Change, Meaning};
use super::flight::{Answer, Cause, Failed, Limit, Message};
use super::load::{self, Group};
use super::pool::{Held, Pool};
use super::retry::Plan;
use crate::{Changes, Decision, Error, Load, Loaded, Step, Unit, WriteFailure, WriteOptions};
use carnet_kernel::{Code, Refusal, TenantKey};
use carnet_model::{FieldIndex, Resource, ResourceIndex};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often a unit may ask to see more before it decides.
const MOST_ROUNDS: usize = 64;

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
}

impl Write<'_> {
    fn setting(&self) -> Setting {
        Setting {
            tenant: self.frame.tenant,
            isolation: Isolation::Serializable,
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
enum Purpose {
    Envelope,
    Load,
    Guard(Place),
    Row {
        place: Place,
        resource: ResourceIndex,
        change: Change,
        rows: usize,
    },
}

/// One run of a write over one session.
pub(super) struct Attempt<'a> {
    held: Held,
    work: Work<'a>,
}

/// How far a run has come.
struct Work<'a> {
    write: Write<'a>,
    plan: &'a Plan,
    /// Decisions so far, unit by unit.
    done: Vec<Changes>,
    /// How many of them were sent.
    sent: usize,
    /// When the transaction began.
    began: Option<Instant>,
    /// What was loaded, as numbers to wait for; empty when nothing was.
    keys: Vec<i64>,
}

/// What matters of the session before a flight.
#[derive(Clone, Copy)]
struct Session {
    setting: Option<Setting>,
    locked: bool,
}

impl<'a> Attempt<'a> {
    /// Runs all units; on success they are committed, or undone when the write is a dry run.
    pub(super) async fn run(
        write: Write<'a>,
        plan: &'a Plan,
        pool: &Pool,
    ) -> Result<Vec<Changes>, Trouble> {
        let held = pool
            .take(write.deadline, Some(write.setting()))
            .await
            .map_err(|error| Trouble::at(Place::default(), error))?;
        let work = Work {
            write,
            plan,
            done: Vec::with_capacity(write.units.len()),
            sent: 0,
            began: None,
            keys: Vec::new(),
        };
        let mut attempt = Self { held, work };
        match Box::pin(attempt.units()).await {
            Ok(()) => Ok(attempt.work.done),
            Err(trouble) => {
                attempt.undo().await;
                Err(trouble)
            }
        }
    }

    async fn units(&mut self) -> Result<(), Trouble> {
        for (index, unit) in self.work.write.units.iter().enumerate() {
            let changes = self.decide(index, unit.as_ref()).await?;
            self.work.done.push(changes);
        }
        Box::pin(self.send(&[], true)).await.map(|_| ())
    }

    /// Asks a unit until it knows what to change, showing it what it wants to see.
    async fn decide(&mut self, index: usize, unit: &dyn Unit) -> Result<Changes, Trouble> {
        let place = Place {
            unit: index,
            ..Place::default()
        };
        let view = self.work.write.frame.view;
        let mut loaded = Loaded::default();
        for _ in 0..MOST_ROUNDS {
            let failed = match unit.decide(view, &loaded) {
                Ok(Decision::Load(loads)) => {
                    let mut asked = HashSet::new();
                    let mut new = loads;
                    new.retain(|load| loaded.get(load).is_none() && asked.insert(load.clone()));
                    self.work.remember(&new);
                    let lock = self.work.plan.locks();
                    let groups = load::groups(self.work.write.frame, new, lock)
                        .map_err(|error| Trouble::at(place, error))?;
                    let answers = Box::pin(self.send(&groups, false)).await?;
                    for (group, answer) in groups.into_iter().zip(answers) {
                        group
                            .read(view, &answer, &mut loaded)
                            .map_err(|error| Trouble::at(place, error))?;
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
            if self.work.sent < self.work.done.len() {
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
            Err(failed) => return Err(work.trouble(failed, &purposes, limit)),
        };
        drop(messages);
        if work.began.is_none() {
            let waited = !work.plan.keys().is_empty();
            work.began = Some(if waited { Instant::now() } else { now });
        }
        work.sent = work.done.len();
        let mut found = Vec::with_capacity(loads.len());
        for (purpose, answer) in purposes.iter().zip(answers) {
            match purpose {
                Purpose::Load => found.push(answer),
                // A quiet statement tells a lost race by its count; others never come back short.
                Purpose::Row { place, .. } if answer.affected == 0 => {
                    return Err(work.lost(*place, !work.keys.is_empty()));
                }
                _ => {}
            }
        }
        Ok(found)
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
            settles: end && !self.write.options.dry_run,
        }
    }

    fn messages<'m>(
        &'m self,
        loads: &'m [Group],
        end: bool,
        session: Session,
    ) -> (Vec<Message<'m>>, Vec<Purpose>) {
        let frame: apply::Frame<'m> = self.write.frame;
        let pending = self.done.get(self.sent..).unwrap_or_default();
        let steps: usize = pending.iter().map(|changes| changes.steps.len()).sum();
        let guards: usize = pending
            .iter()
            .filter(|changes| !changes.guards.is_empty())
            .count();
        let rows = pending
            .iter()
            .flat_map(|changes| &changes.steps)
            .map(apply::size)
            .max()
            .unwrap_or(0);
        let dry = self.write.options.dry_run;
        let only = steps == 1 && guards == 0 && end && self.sent == 0 && !dry;
        let form = match self.plan.form() {
            Form::Set if only && rows == 1 && self.write.units.len() == 1 => Form::Quiet,
            form => form,
        };
        let alone = self.began.is_none() && only && (form != Form::RowByRow || rows == 1);

        let mut messages = Vec::new();
        let mut purposes = Vec::new();
        for (position, changes) in pending.iter().enumerate() {
            let unit = self.sent + position;
            if let Some(message) = apply::guards(frame, changes) {
                messages.push(message);
                purposes.push(Purpose::Guard(Place {
                    unit,
                    ..Place::default()
                }));
            }
            for (index, step) in changes.steps.iter().enumerate() {
                for part in apply::step(frame, step, form) {
                    purposes.push(Purpose::Row {
                        place: Place {
                            unit,
                            step: index,
                            row: part.row,
                        },
                        resource: apply::resource_of(step),
                        change: change_of(step),
                        rows: if form == Form::RowByRow {
                            1
                        } else {
                            apply::size(step)
                        },
                    });
                    messages.push(part.message);
                }
            }
        }
        for group in loads {
            messages.push(group.message());
            purposes.push(Purpose::Load);
        }
        if messages.is_empty() && !(end && self.began.is_some()) {
            return (messages, purposes);
        }
        if end && !alone {
            messages.push(if dry {
                Message::rollback()
            } else {
                Message::commit()
            });
            purposes.push(Purpose::Envelope);
        }
        if end && session.locked {
            messages.push(Message::unlock());
            purposes.push(Purpose::Envelope);
        }
        self.envelope((alone, end), session, &mut messages, &mut purposes);
        (messages, purposes)
    }

    /// Puts before the messages what they need.
    fn envelope<'m>(
        &'m self,
        (alone, end): (bool, bool),
        session: Session,
        messages: &mut Vec<Message<'m>>,
        purposes: &mut Vec<Purpose>,
    ) {
        if self.began.is_some() {
            return;
        }
        let mut before = Vec::new();
        let wanted = self.write.setting();
        let fits = match session.setting {
            // Only a statement by itself is isolated by what the session says.
            Some(set) if !alone => set.tenant == wanted.tenant,
            set => set == Some(wanted),
        };
        if !fits {
            before.push(Message::set(wanted));
        }
        // A flight that also commits must not do so when it did not get its turn.
        if !end && !self.plan.keys().is_empty() {
            before.push(Message::lock(self.plan.keys()));
        }
        if !alone {
            before.push(Message::begin("begin isolation level serializable"));
        }
        purposes.splice(0..0, before.iter().map(|_| Purpose::Envelope));
        messages.splice(0..0, before);
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

fn change_of(step: &Step) -> Change {
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
