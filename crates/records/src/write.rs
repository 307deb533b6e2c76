//! Commands that write: bodies to units, units to the store, what they left to answers. Not what a
//! unit decides.

use crate::batch;
use crate::command::{Answer, Options, RecordAnswer};
use crate::decide::{
    Change, Create, Delete, Kind, Precondition, Restore, fill, missing, records_after,
};
use crate::nest::{self, Root};
use crate::operations::{Operations, every_field, told};
use crate::units;
use crate::validate::{Mode, read_entries, read_object, refuse};
use carnet_kernel::{Code, Context, Id, Refusal};
use carnet_model::{FieldIndex, ModelView, Resource, ResourceIndex};
use carnet_store::{Changes, Record, Stamp, Unit, WriteFailure, WriteOptions, Written, shape};
use serde_json::value::RawValue;
use std::sync::Arc;

/// One command under way.
pub(crate) struct Work<'a> {
    pub(crate) context: &'a Context,
    pub(crate) view: &'a ModelView,
    pub(crate) stamp: Stamp,
    pub(crate) options: Options,
}

/// Which record a change is for.
pub(crate) struct Target {
    pub(crate) resource: ResourceIndex,
    pub(crate) id: Id,
    pub(crate) precondition: Option<Precondition>,
}

impl Work<'_> {
    /// How the store carries it out.
    fn options(&self) -> WriteOptions {
        WriteOptions {
            dry_run: self.options.dry_run,
        }
    }

    fn told(&self, failure: &WriteFailure) -> Refusal {
        told(&failure.error, self.view, self.context)
    }
}

impl Operations {
    pub(crate) async fn create(
        &self,
        work: &Work<'_>,
        resource: ResourceIndex,
        body: &str,
    ) -> Result<Answer, Refusal> {
        let resource = work.view.resource(resource);
        let entries = read_object(body)?;
        if nest::names_relation(resource, &entries) {
            return self.nested(work, resource, &entries, Root::Create).await;
        }
        let record = self.record(resource, &entries, &work.stamp)?;
        let id = record.id(resource);
        let unit = Create {
            resource: resource.index,
            records: vec![record],
        };
        let record = self.write_one(work, resource, Arc::new(unit)).await?;
        Ok(whole(resource, &record, id))
    }

    /// A record with related ones in its body.
    async fn nested(
        &self,
        work: &Work<'_>,
        resource: &Resource,
        entries: &[(String, Box<RawValue>)],
        root: Root,
    ) -> Result<Answer, Refusal> {
        let creates = matches!(root, Root::Create);
        let (unit, shown) =
            nest::read(work.view, resource, entries, root, &work.stamp, &mut || {
                self.next_id()
            })?;
        let unit = Arc::new(unit);
        let changes = self
            .write(work, resource, vec![Arc::clone(&unit) as Arc<dyn Unit>])
            .await
            .and_then(Written::into_changes)
            .map_err(|failure| unit.place(&failure, work.told(&failure)))?;
        nest::answer(work.view, &shown, &changes, creates)
    }

    fn record(
        &self,
        resource: &Resource,
        entries: &[(String, Box<RawValue>)],
        stamp: &Stamp,
    ) -> Result<Record, Refusal> {
        let mut faults = Vec::new();
        let input = read_entries(resource, entries, Mode::Whole, "", &mut faults);
        let record = fill(
            resource,
            entries,
            input,
            self.next_id(),
            stamp,
            "",
            &mut faults,
        );
        refuse(faults).map_or(Ok(record), Err)
    }

    pub(crate) async fn change(
        &self,
        work: &Work<'_>,
        target: Target,
        body: &str,
        kind: Kind,
    ) -> Result<Answer, Refusal> {
        let Target {
            resource,
            id,
            precondition,
        } = target;
        let resource = work.view.resource(resource);
        Precondition::require(precondition.as_ref(), resource)?;
        let mode = match kind {
            Kind::Replace => Mode::Whole,
            Kind::Patch => Mode::Patch,
        };
        let entries = read_object(body)?;
        if nest::names_relation(resource, &entries) {
            let root = Root::Change {
                id,
                kind,
                precondition,
            };
            return self.nested(work, resource, &entries, root).await;
        }
        let mut faults = Vec::new();
        let input = read_entries(resource, &entries, mode, "", &mut faults);
        if kind == Kind::Replace {
            missing(resource, &entries, "", &mut faults);
        }
        if let Some(refusal) = refuse(faults) {
            return Err(refusal);
        }
        let unit = Change {
            resource: resource.index,
            id,
            kind,
            input,
            precondition,
            stamp: work.stamp.clone(),
        };
        let record = self.write_one(work, resource, Arc::new(unit)).await?;
        Ok(whole(resource, &record, None))
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
            stamp: work.stamp.clone(),
        };
        let record = self.write_one(work, resource, Arc::new(unit)).await?;
        Ok(whole(resource, &record, None))
    }

    pub(crate) async fn upsert(
        &self,
        work: &Work<'_>,
        resource: ResourceIndex,
        key: Vec<FieldIndex>,
        (body, precondition): (&str, Option<Precondition>),
    ) -> Result<Answer, Refusal> {
        let resource = work.view.resource(resource);
        let new = (self.next_id(), &work.stamp);
        let unit = units::upsert(resource, key, body, new, precondition)?;
        let changes = self
            .write(work, resource, vec![Arc::new(unit)])
            .await
            .and_then(Written::into_changes)
            .map_err(|failure| work.told(&failure))?;
        units::upserted(resource, changes.first())
    }

    /// A write by filter.
    pub(crate) async fn matching(
        &self,
        work: &Work<'_>,
        resource: &Resource,
        unit: Arc<dyn Unit>,
    ) -> Result<Answer, Refusal> {
        let changes = self.changed(work, resource, unit).await?;
        Ok(units::matching_answer(resource, Some(&changes)))
    }

    /// What one unit changed.
    pub(crate) async fn changed(
        &self,
        work: &Work<'_>,
        resource: &Resource,
        unit: Arc<dyn Unit>,
    ) -> Result<Changes, Refusal> {
        let changes = self
            .write(work, resource, vec![unit])
            .await
            .and_then(Written::into_changes)
            .map_err(|failure| work.told(&failure))?;
        Ok(changes.into_iter().next().unwrap_or_default())
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
            stamp: work.stamp.clone(),
        };
        self.write(work, resource, vec![Arc::new(unit)])
            .await
            .map_err(|failure| work.told(&failure))?;
        Ok(Answer::Deleted)
    }

    pub(crate) async fn batch(
        &self,
        work: &Work<'_>,
        resource: ResourceIndex,
        body: &str,
    ) -> Result<Answer, Refusal> {
        let resource = work.view.resource(resource);
        let batch = batch::read(work.view, resource, body, &work.stamp, || self.next_id())?;
        let changes = self
            .write(work, resource, batch.units())
            .await
            .and_then(Written::into_changes)
            .map_err(|failure| batch.place(&failure, work.told(&failure)))?;
        Ok(batch.answer(resource, &changes))
    }

    /// One unit that leaves one record.
    async fn write_one(
        &self,
        work: &Work<'_>,
        resource: &Resource,
        unit: Arc<dyn Unit>,
    ) -> Result<Record, Refusal> {
        let changes = self
            .write(work, resource, vec![unit])
            .await
            .and_then(Written::into_changes)
            .map_err(|failure| work.told(&failure))?;
        changes
            .first()
            .and_then(|changes| records_after(changes).next())
            .cloned()
            .ok_or_else(|| Refusal::new(Code::Internal, "the write left no record"))
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
            stamp: stamp.clone(),
            options: Options::default(),
        };
        self.write(&work, resource, units)
            .await
            .and_then(Written::into_changes)
            .map_err(|failure| (failure.row, work.told(&failure)))
    }

    async fn write(
        &self,
        work: &Work<'_>,
        resource: &Resource,
        units: Vec<Arc<dyn Unit>>,
    ) -> Result<Written, WriteFailure> {
        let scope = self.scope(work.context, resource).await;
        let scope = scope.map_err(|error| WriteFailure {
            unit: 0,
            step: 0,
            row: 0,
            error,
        })?;
        scope
            .write_with(work.view, &work.stamp, units, &work.options())
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
