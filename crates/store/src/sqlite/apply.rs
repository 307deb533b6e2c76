//! The units of one write against an open transaction: load, decide, apply, unit after unit. Not
//! the transaction itself.

use super::bind::Key;
use super::cells::Line;
use super::errors::{self, Attempt, Change, Failure, Fields};
use super::receipts;
use super::session::Session;
use super::texts::{JOURNAL, Texts, bind_field};
use crate::render;
use crate::scope::Target;
use crate::{
    Changes, Decision, Dialect, Error, Guard, JournalEntry, Load, Loaded, Outcome, Policy, Stamp,
    Step, Unit, Wall, WriteFailure, WriteOptions, Written,
};
use carnet_kernel::{Code, Id, Refusal, TenantKey};
use carnet_model::{Journal, ModelHash, ModelView, Resource, ResourceIndex};
use std::collections::HashMap;
use std::sync::Arc;

/// How often a unit may ask to see more before it decides.
const MOST_ROUNDS: usize = 64;

/// A write as it was asked for; run again from the start as often as needed.
pub(super) struct Write {
    pub(super) target: Target,
    pub(super) view: ModelView,
    pub(super) stamp: Stamp,
    pub(super) units: Vec<Arc<dyn Unit>>,
    pub(super) options: WriteOptions,
}

/// How far a write came.
#[derive(Clone, Copy, Debug, Default)]
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

/// Whether what a job changes is undone without what others of its group changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Frame {
    /// Nothing stands round it.
    #[default]
    None,
    /// A savepoint is opened before it changes more than one row.
    Awaited,
    /// A savepoint is open.
    Open,
}

/// What the writer keeps between writes.
#[derive(Default)]
pub(super) struct Applier {
    /// Of the job that runs.
    pub(super) frame: Frame,
    texts: Texts,
    schema_versions: HashMap<ModelHash, i64>,
}

/// What was applied, and about how many bytes that put into the log.
pub(super) struct Applied {
    pub(super) written: Written,
    pub(super) bytes: usize,
}

impl Applier {
    /// Forgets what a changed schema may have made wrong.
    pub(super) fn forget(&mut self) {
        self.schema_versions.clear();
    }

    /// Runs all units. After an error the transaction holds whatever was applied before it.
    pub(super) fn run(
        &mut self,
        session: &Session,
        write: &Write,
        place: &mut Place,
    ) -> Result<Applied, Failure> {
        self.texts.turn_to(&write.view);
        let receipt = write.options.receipt.as_ref();
        if let Some(receipt) = receipt
            && let Some(written) = receipts::find(session, write, receipt)?
        {
            return Ok(Applied { written, bytes: 0 });
        }
        let each = write.options.policy == Policy::Each;
        let mut bytes = 0;
        let mut outcomes: Vec<Outcome> = Vec::with_capacity(write.units.len());
        for (index, unit) in write.units.iter().enumerate() {
            *place = Place {
                unit: index,
                ..Place::default()
            };
            if each {
                session.frame("savepoint item")?;
            }
            let done = self.unit(
                session,
                write,
                (unit.as_ref(), &outcomes),
                place,
                &mut bytes,
            );
            outcomes.push(match done {
                Ok(changes) => Ok(changes),
                Err(failure) if each => Err(alone(session, failure, *place)?),
                Err(failure) => return Err(failure),
            });
            if each {
                session.frame("release item")?;
            }
        }
        if let Some(receipt) = receipt {
            bytes += receipts::keep(session, write, receipt, &outcomes)?;
        }
        let written = Written::now(outcomes);
        Ok(Applied { written, bytes })
    }

    fn unit(
        &mut self,
        session: &Session,
        write: &Write,
        (unit, earlier): (&dyn Unit, &[Outcome]),
        place: &mut Place,
        bytes: &mut usize,
    ) -> Result<Changes, Failure> {
        let changes = decide(session, write, unit, earlier)?;
        if self.frame == Frame::Awaited && !is_one_row(&changes) {
            session.frame("savepoint unit")?;
            self.frame = Frame::Open;
        }
        self.apply(session, write, &changes, place, bytes)?;
        Ok(changes)
    }

    fn apply(
        &mut self,
        session: &Session,
        write: &Write,
        changes: &Changes,
        place: &mut Place,
        bytes: &mut usize,
    ) -> Result<(), Failure> {
        for guard in &changes.guards {
            self.check(session, write, guard)?;
        }
        for (index, step) in changes.steps.iter().enumerate() {
            place.step = index;
            place.row = 0;
            let resource = writable(write, step_resource(step))?;
            let analysis = resource.analysis();
            let summed = resource.journal == Journal::Summary;
            match step {
                Step::Insert { rows, .. } => {
                    let text = self.texts.insert(resource);
                    for (row, insert) in rows.iter().enumerate() {
                        place.row = row;
                        in_time(session)?;
                        let id = insert
                            .record
                            .id(resource)
                            .ok_or_else(|| Error::Internal("a new row has no id".to_owned()))?;
                        let outcome = session.execute(&text, |statement| {
                            let mut at = 1;
                            if resource.is_tenant() {
                                statement.raw_bind_parameter(at, write.target.tenant.0)?;
                                at += 1;
                            }
                            for (field, value) in resource.fields.iter().zip(&insert.record.values)
                            {
                                at = bind_field(statement, at, field, analysis, value)?;
                            }
                            Ok(())
                        });
                        let change = Change::Set(&insert.record, Fields::All);
                        one_row(session, write, resource, outcome, change)?;
                        if !summed {
                            *bytes +=
                                self.journal(session, write, resource, id, &insert.journal)?;
                        }
                    }
                }
                Step::Update { rows, .. } => {
                    for (row, update) in rows.iter().enumerate() {
                        place.row = row;
                        in_time(session)?;
                        let text = self.texts.update(resource, &update.changed);
                        let outcome = session.execute(&text, |statement| {
                            let mut at = 1;
                            for index in &update.changed {
                                let field = resource.field(*index);
                                at = bind_field(
                                    statement,
                                    at,
                                    field,
                                    analysis,
                                    update.record.get(*index),
                                )?;
                            }
                            bind_version(statement, at, write, resource, update.id, update.version)
                        });
                        let change = Change::Set(&update.record, Fields::Some(&update.changed));
                        one_row(session, write, resource, outcome, change)?;
                        if !summed {
                            *bytes +=
                                self.journal(session, write, resource, update.id, &update.journal)?;
                        }
                    }
                }
                Step::Delete { rows, .. } => {
                    let text = self.texts.delete(resource);
                    for (row, delete) in rows.iter().enumerate() {
                        place.row = row;
                        in_time(session)?;
                        let outcome = session.execute(&text, |statement| {
                            bind_version(statement, 1, write, resource, delete.id, delete.version)
                        });
                        one_row(session, write, resource, outcome, Change::Remove(delete.id))?;
                        if !summed {
                            *bytes +=
                                self.journal(session, write, resource, delete.id, &delete.journal)?;
                        }
                    }
                }
            }
            if summed {
                for (id, entry) in step.summaries(resource) {
                    *bytes += self.journal(session, write, resource, id, &entry)?;
                }
            }
        }
        Ok(())
    }

    fn check(&mut self, session: &Session, write: &Write, guard: &Guard) -> Result<(), Failure> {
        let resource = reachable(write, guard.resource)?;
        let text = self.texts.guard(resource);
        let stands = session.exists(&text, |statement| {
            bind_version(statement, 1, write, resource, guard.id, guard.version)
        })?;
        if stands {
            Ok(())
        } else {
            Err(Error::Conflict.into())
        }
    }

    /// Writes the journal row of a change; about how many bytes both took.
    fn journal(
        &mut self,
        session: &Session,
        write: &Write,
        resource: &Resource,
        id: Id,
        entry: &JournalEntry,
    ) -> Result<usize, Failure> {
        let schema_version = self.schema_version(session, write.view.schema_hash())?;
        let stamp = &write.stamp;
        session.execute(JOURNAL, |statement| {
            statement.raw_bind_parameter(1, write.target.tenant.0)?;
            statement.raw_bind_parameter(2, &resource.name)?;
            statement.raw_bind_parameter(3, Key(id))?;
            statement.raw_bind_parameter(4, entry.version)?;
            statement.raw_bind_parameter(5, entry.kind.as_str())?;
            let principal = stamp.principal;
            statement.raw_bind_parameter(6, principal.map(|known| known.kind.as_str()))?;
            statement.raw_bind_parameter(7, principal.and_then(|known| known.id).map(Key))?;
            statement.raw_bind_parameter(8, Key(stamp.correlation))?;
            statement.raw_bind_parameter(9, stamp.causation.map(Key))?;
            statement.raw_bind_parameter(10, stamp.now.0)?;
            statement.raw_bind_parameter(11, schema_version)?;
            statement.raw_bind_parameter(12, &entry.body)
        })?;
        Ok(256 + 2 * entry.body.len())
    }

    /// The row of `carnet_schemas` that this model was recorded as.
    fn schema_version(&mut self, session: &Session, hash: ModelHash) -> Result<i64, Failure> {
        if let Some(version) = self.schema_versions.get(&hash) {
            return Ok(*version);
        }
        let mut found = None;
        session.query(
            "select \"version\" from \"carnet_schemas\" where \"hash\" = ? \
             order by \"version\" desc limit 1",
            |statement| statement.raw_bind_parameter(1, hash.to_string()),
            |row| {
                found = Some(row.get(0)?);
                Ok::<(), rusqlite::Error>(())
            },
        )?;
        let version = found.ok_or_else(|| {
            Error::SchemaPending("the database does not know this definition yet".to_owned())
        })?;
        self.schema_versions.insert(hash, version);
        Ok(version)
    }
}

/// Whether at most one row is changed, but for the journal's.
fn is_one_row(changes: &Changes) -> bool {
    match changes.steps.as_slice() {
        [] => true,
        [Step::Insert { rows, .. }] => rows.len() <= 1,
        [Step::Update { rows, .. }] => rows.len() <= 1,
        [Step::Delete { rows, .. }] => rows.len() <= 1,
        _ => false,
    }
}

/// The failure of a unit that leaves the others alone, undone; anything worse fails them all.
fn alone(session: &Session, failure: Failure, place: Place) -> Result<WriteFailure, Failure> {
    if matches!(&failure, Failure::Database(_)) || !session.in_transaction() {
        return Err(failure);
    }
    let failure = place.failure(failure.into_error());
    if !failure.is_own() {
        return Err(failure.error.into());
    }
    session.frame("rollback to item")?;
    Ok(failure)
}

/// Asks a unit until it knows what to change, showing it what it wants to see.
fn decide(
    session: &Session,
    write: &Write,
    unit: &dyn Unit,
    earlier: &[Outcome],
) -> Result<Changes, Failure> {
    let mut loaded = Loaded::default();
    for _ in 0..MOST_ROUNDS {
        in_time(session)?;
        let decision = unit.decide_after(&write.view, &loaded, earlier);
        match decision.map_err(Error::Refused)? {
            Decision::Apply(changes) => return Ok(changes),
            Decision::Load(loads) => {
                for load in loads {
                    if loaded.get(&load).is_none() {
                        let records = fetch(session, write, &load)?;
                        loaded.insert(load, records);
                    }
                }
            }
        }
    }
    Err(Error::Internal(format!("a unit did not decide after {MOST_ROUNDS} loads")).into())
}

fn fetch(session: &Session, write: &Write, load: &Load) -> Result<Vec<crate::Record>, Failure> {
    reachable(write, load.resource())?;
    let frame = render::Frame {
        view: &write.view,
        placement: &write.target.placement,
        dialect: Dialect::Sqlite,
        wall: Wall::None,
        tenant: write.target.tenant,
        largest_list: None,
    };
    let rendered = render::load(frame, load, false);
    let mut records = Vec::new();
    session.query(
        &rendered.statement.sql,
        |statement| super::bind::bind(statement, &rendered.statement.params),
        |row| {
            records.push(rendered.shape.read(&Line(row))?);
            Ok::<(), Failure>(())
        },
    )?;
    Ok(records)
}

fn step_resource(step: &Step) -> ResourceIndex {
    match step {
        Step::Insert { resource, .. }
        | Step::Update { resource, .. }
        | Step::Delete { resource, .. } => *resource,
    }
}

/// A resource that this write may look at: the tenant's own or the platform's.
fn reachable(write: &Write, index: ResourceIndex) -> Result<&Resource, Error> {
    let resource = write.view.resource(index);
    if resource.is_tenant() && write.target.tenant == TenantKey::PLATFORM {
        return Err(mixed(resource));
    }
    Ok(resource)
}

/// A resource that this write may change: one transaction touches one tenant or the platform.
fn writable(write: &Write, index: ResourceIndex) -> Result<&Resource, Error> {
    let resource = write.view.resource(index);
    if resource.standard.is_none() {
        return Err(Error::Internal(format!(
            "`{}` is a platform table and not written by units",
            resource.name
        )));
    }
    if resource.is_tenant() == (write.target.tenant == TenantKey::PLATFORM) {
        return Err(mixed(resource));
    }
    Ok(resource)
}

fn mixed(resource: &Resource) -> Error {
    Error::Refused(Refusal::new(
        Code::PlacementMixed,
        format!(
            "`{}` cannot be part of this transaction: it is written {}",
            resource.name,
            if resource.is_tenant() {
                "by a tenant"
            } else {
                "by the platform"
            }
        ),
    ))
}

fn bind_version(
    statement: &mut rusqlite::Statement<'_>,
    mut at: usize,
    write: &Write,
    resource: &Resource,
    id: Id,
    version: i64,
) -> rusqlite::Result<()> {
    if resource.is_tenant() {
        statement.raw_bind_parameter(at, write.target.tenant.0)?;
        at += 1;
    }
    statement.raw_bind_parameter(at, Key(id))?;
    statement.raw_bind_parameter(at + 1, version)
}

/// A change of a row that is not there with that version has lost its race.
fn one_row(
    session: &Session,
    write: &Write,
    resource: &Resource,
    outcome: rusqlite::Result<usize>,
    change: Change<'_>,
) -> Result<(), Failure> {
    match outcome {
        Ok(1) => Ok(()),
        Ok(_) => Err(Error::Conflict.into()),
        Err(error) => Err(errors::of_row(
            session,
            error,
            Attempt {
                view: &write.view,
                tenant: write.target.tenant.0,
                resource: resource.index,
                change,
            },
        )),
    }
}

fn in_time(session: &Session) -> Result<(), Error> {
    if session.over() {
        Err(Error::TooLong)
    } else {
        Ok(())
    }
}
