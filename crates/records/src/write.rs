//! Commands that write: units to the store, what they left to answers. Not what a unit decides, nor
//! how it is made of a body.

use crate::batch::{self, Whose};
use crate::command::{Answer, Options, RecordAnswer};
use crate::decide::{Delete, Precondition, Restore, records_after};
use crate::fault::{self, Place};
use crate::nest;
use crate::operations::{Operations, every_field, told};
use crate::prepare::Prepared;
use crate::replay::{Named, Note};
use crate::units;
use carnet_kernel::{Code, Context, Id, Refusal, Timestamp};
use carnet_model::{FieldIndex, ModelView, Resource, ResourceIndex};
use carnet_store::{
    Changes, Outcome, Policy, Receipt, Record, Stamp, Step, Unit, WriteFailure, WriteOptions,
    Written, shape,
};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// One command under way.
#[derive(Clone)]
pub(crate) struct Work<'a> {
    pub(crate) context: &'a Context,
    pub(crate) view: &'a ModelView,
    /// The one moment of the command.
    pub(crate) now: Timestamp,
    pub(crate) options: Options,
    /// Operation and resource: keys of callers stand for one of them.
    pub(crate) route: (&'a str, &'a str),
}

/// Which record a change is for.
pub(crate) struct Target {
    pub(crate) resource: ResourceIndex,
    pub(crate) id: Id,
    pub(crate) precondition: Option<Precondition>,
}

/// What writes of a request are marked with.
pub(crate) fn stamp_at(context: &Context, now: Timestamp) -> Stamp {
    Stamp {
        now,
        principal: context.principal.reference(),
        correlation: context.correlation,
        causation: context.causation,
    }
}

impl Work<'_> {
    /// What its writes are marked with, the same in every rerun.
    pub(crate) fn stamp(&self) -> Stamp {
        stamp_at(self.context, self.now)
    }

    /// How the store carries it out; `note` makes what a receipt keeps.
    pub(crate) fn options(&self, policy: Policy, note: Arc<MakeNote>) -> WriteOptions {
        let once = self.options.once.as_ref();
        let once = once.filter(|_| !self.options.dry_run);
        let view = self.view.clone();
        let receipt = once.map(|once| Receipt {
            key: self.key(&once.key),
            request: half(&once.request),
            answer: Arc::new(move |outcomes| note(&view, outcomes).map(|note| note.write())),
        });
        WriteOptions {
            policy,
            dry_run: self.options.dry_run,
            receipt,
        }
    }

    /// The caller's key, as long as it is the same caller who asks for the same operation.
    fn key(&self, key: &str) -> Id {
        let principal = &self.context.principal;
        let who = principal.id.map_or([0; 16], Id::to_bytes);
        let (operation, resource) = self.route;
        let mut hash = Sha256::new();
        hash.update(self.context.tenant.0.to_be_bytes());
        hash.update(principal.home.0.to_be_bytes());
        hash.update(who);
        hash.update(self.view.version().0.to_be_bytes());
        for part in [principal.kind.as_str(), operation, resource, key] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        half(&hash.finalize().into())
    }

    fn told(&self, failure: &WriteFailure) -> Refusal {
        told(&failure.error, self.view)
    }

    /// The same where nobody looks at it any more but a client.
    fn told_last(&self, failure: &WriteFailure) -> Refusal {
        let mut refusal = self.told(failure);
        let (point, resource) = self.route;
        let place = Place {
            resource,
            point,
            logic: None,
        };
        fault::tell(self.context, &place, &mut refusal);
        refusal
    }
}

/// Makes what a receipt keeps.
pub(crate) type MakeNote = dyn Fn(&ModelView, &[Outcome]) -> Option<Note> + Send + Sync;

/// The first half of a hash.
fn half(hash: &[u8; 32]) -> Id {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    Id::from_bytes(bytes)
}

/// What came of one unit.
pub(crate) enum Done {
    /// It took effect.
    Now(Vec<Changes>),
    /// It had taken effect, and this was the answer.
    Before(Answer),
}

impl Operations {
    /// Carries out what was read.
    pub(crate) async fn apply(
        &self,
        work: &Work<'_>,
        prepared: Prepared,
    ) -> Result<Answer, Refusal> {
        let (resource, unit, shown, creates) = match prepared {
            Prepared::One {
                resource,
                unit,
                created,
            } => {
                let resource = work.view.resource(resource);
                return self.write_one(work, resource, unit, created).await;
            }
            Prepared::Nested {
                resource,
                unit,
                shown,
                creates,
            } => (work.view.resource(resource), unit, shown, creates),
        };
        let noted = Arc::clone(&shown);
        let note = move |view: &ModelView, outcomes: &[Outcome]| {
            let changes = outcomes.first()?.as_ref().ok()?;
            nest::note(view, &noted, changes, creates).map(Note::Nested)
        };
        let options = work.options(Policy::Atomic, Arc::new(note));
        let units = vec![Arc::clone(&unit) as Arc<dyn Unit>];
        let placed = |failure: WriteFailure| unit.place(&failure, work.told(&failure));
        let written = self.write(work, resource, units, &options).await;
        let written = written.map_err(placed)?;
        if let Some(text) = &written.earlier {
            return self.replay(work, text).await;
        }
        let changes = written.into_changes().map_err(placed)?;
        nest::answer(work.view, &shown, &changes, creates)
    }

    pub(crate) async fn restore(&self, work: &Work<'_>, target: Target) -> Result<Answer, Refusal> {
        let Target {
            resource,
            id,
            precondition,
        } = target;
        let resource = work.view.resource(resource);
        Precondition::require(precondition.as_ref(), resource)?;
        let unit = Restore {
            resource: resource.index,
            id,
            precondition,
            stamp: work.stamp(),
        };
        self.write_one(work, resource, Arc::new(unit), None).await
    }

    pub(crate) async fn upsert(
        &self,
        work: &Work<'_>,
        resource: ResourceIndex,
        key: Vec<FieldIndex>,
        (body, precondition): (&str, Option<Precondition>),
    ) -> Result<Answer, Refusal> {
        let resource = work.view.resource(resource);
        let new = (self.next_id(), &work.stamp());
        let unit = units::upsert(resource, key, body, new, precondition)?;
        let index = resource.index;
        let note = move |view: &ModelView, outcomes: &[Outcome]| {
            let changes = outcomes.first()?.as_ref().ok()?;
            let record = records_after(changes).next()?;
            let made = matches!(changes.steps.first(), Some(Step::Insert { .. }));
            Named::of(view.resource(index), record, made).map(Note::Record)
        };
        let options = work.options(Policy::Atomic, Arc::new(note));
        match self.once(work, resource, Arc::new(unit), &options).await? {
            Done::Before(answer) => Ok(answer),
            Done::Now(changes) => units::upserted(resource, changes.first()),
        }
    }

    /// A write by filter.
    pub(crate) async fn matching(
        &self,
        work: &Work<'_>,
        resource: &Resource,
        unit: Arc<dyn Unit>,
    ) -> Result<Answer, Refusal> {
        let index = resource.index;
        let note = move |view: &ModelView, outcomes: &[Outcome]| {
            let changes = outcomes.first()?.as_ref().ok()?;
            match units::matching_answer(view.resource(index), Some(changes)) {
                Answer::Matching { json, count } => Some(Note::Matching {
                    json: String::from_utf8(json).ok()?,
                    count,
                }),
                _ => None,
            }
        };
        let options = work.options(Policy::Atomic, Arc::new(note));
        match self.once(work, resource, unit, &options).await? {
            Done::Before(answer) => Ok(answer),
            Done::Now(changes) => Ok(units::matching_answer(resource, changes.first())),
        }
    }

    pub(crate) async fn delete(
        &self,
        work: &Work<'_>,
        target: Target,
        purge: bool,
    ) -> Result<Answer, Refusal> {
        let Target {
            resource,
            id,
            precondition,
        } = target;
        let resource = work.view.resource(resource);
        Precondition::require(precondition.as_ref(), resource)?;
        let unit = Delete {
            resource: resource.index,
            id,
            purge,
            precondition,
            stamp: work.stamp(),
        };
        let options = work.options(Policy::Atomic, Arc::new(|_, _| Some(Note::Deleted)));
        match self.once(work, resource, Arc::new(unit), &options).await? {
            Done::Before(answer) => Ok(answer),
            Done::Now(_) => Ok(Answer::Deleted),
        }
    }

    pub(crate) async fn batch(
        &self,
        work: &Work<'_>,
        whose: Whose<'_>,
        body: &str,
    ) -> Result<Answer, Refusal> {
        let view = work.view;
        let batch = batch::read(view, whose, body, &work.stamp(), || self.next_id())?;
        let batch = Arc::new(batch);
        let Some(resource) = batch.resource() else {
            // Nothing is left to ask the database for.
            return Ok(batch.answer(view, &[], |failure| work.told(failure)));
        };
        let noted = Arc::clone(&batch);
        let note = move |view: &ModelView, outcomes: &[Outcome]| noted.note(view, outcomes);
        let options = work.options(batch.policy(), Arc::new(note));
        let written = self
            .write(work, view.resource(resource), batch.units(), &options)
            .await;
        let placed = |failure: &WriteFailure| batch.place(failure, work.told(failure));
        let written = written.map_err(|failure| placed(&failure))?;
        if let Some(text) = written.earlier {
            return self.replay(work, &text).await;
        }
        if batch.policy() == Policy::Atomic
            && let Some(failure) = written.outcomes.iter().find_map(|one| one.as_ref().err())
        {
            return Err(placed(failure));
        }
        Ok(batch.answer(view, &written.outcomes, |failure| work.told_last(failure)))
    }

    /// One unit that leaves one record, which is answered; `created` when it made that record.
    async fn write_one(
        &self,
        work: &Work<'_>,
        resource: &Resource,
        unit: Arc<dyn Unit>,
        created: Option<Id>,
    ) -> Result<Answer, Refusal> {
        let index = resource.index;
        let note = move |view: &ModelView, outcomes: &[Outcome]| {
            let changes = outcomes.first()?.as_ref().ok()?;
            let record = records_after(changes).next()?;
            Named::of(view.resource(index), record, created.is_some()).map(Note::Record)
        };
        let options = work.options(Policy::Atomic, Arc::new(note));
        let changes = match self.once(work, resource, unit, &options).await? {
            Done::Before(answer) => return Ok(answer),
            Done::Now(changes) => changes,
        };
        let record = changes.first().and_then(|all| records_after(all).next());
        let left = || Refusal::new(Code::Internal, "the write left no record");
        Ok(whole(resource, record.ok_or_else(left)?, created))
    }

    /// One unit, unless it took effect before.
    pub(crate) async fn once(
        &self,
        work: &Work<'_>,
        resource: &Resource,
        unit: Arc<dyn Unit>,
        options: &WriteOptions,
    ) -> Result<Done, Refusal> {
        let written = self.write(work, resource, vec![unit], options).await;
        let written = written.map_err(|failure| work.told(&failure))?;
        if let Some(text) = &written.earlier {
            return self.replay(work, text).await.map(Done::Before);
        }
        let changes = written.into_changes();
        changes
            .map(Done::Now)
            .map_err(|failure| work.told(&failure))
    }

    /// Applies units of the crate's own making; a failure comes with the row it belongs to.
    pub(crate) async fn apply_units(
        &self,
        context: &Context,
        view: &ModelView,
        resource: &Resource,
        stamp: &Stamp,
        units: Vec<Arc<dyn Unit>>,
    ) -> Result<Vec<Changes>, (usize, Refusal)> {
        let work = Work {
            context,
            view,
            now: stamp.now,
            options: Options::default(),
            route: ("seed", &resource.name),
        };
        self.write(&work, resource, units, &WriteOptions::default())
            .await
            .and_then(Written::into_changes)
            .map_err(|failure| (failure.row, work.told_last(&failure)))
    }

    async fn write(
        &self,
        work: &Work<'_>,
        resource: &Resource,
        units: Vec<Arc<dyn Unit>>,
        options: &WriteOptions,
    ) -> Result<Written, WriteFailure> {
        let scope = self.scope(work.context, resource).await;
        let scope = scope.map_err(|error| WriteFailure {
            unit: 0,
            step: 0,
            row: 0,
            error,
        })?;
        scope
            .write_with(work.view, &work.stamp(), units, options)
            .await
    }
}

pub(crate) fn whole(resource: &Resource, record: &Record, created: Option<Id>) -> Answer {
    let mut json = String::with_capacity(256);
    shape::write_record(resource, record, &every_field(resource), &mut json);
    Answer::Record(RecordAnswer {
        json: json.into_bytes(),
        created,
        version: record.version(resource),
    })
}
