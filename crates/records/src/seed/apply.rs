//! Writing seeds. Ids are chosen and kept with their labels before the records are written, so
//! that a run that is cut off is finished by the next one and nothing comes twice.

use super::labels::{self, Announcement, Known, Line};
use super::read::{Row, SeedSet};
use crate::Operations;
use crate::decide::{Change, Create, Kind, Precondition, fill, missing, records_after};
use crate::plan;
use crate::validate::{Mode, read_entries, refuse};
use crate::write::stamp_at;
use carnet_kernel::{Code, Context, Detail, Id, Refusal};
use carnet_model::{ModelView, Resource, ResourceIndex};
use carnet_store::{Error, Record, Unit};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Records written together.
const CHUNK: usize = 250;

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Records that were made.
    pub created: usize,
    /// Records whose seed changed since.
    pub updated: usize,
    /// Records that are as their seed says.
    pub unchanged: usize,
    /// Records that somebody changed or deleted since; left as they are.
    pub kept: usize,
}

/// Fields of a record as a body would have them.
type Entries = Vec<(String, Box<RawValue>)>;

/// A row with everything the write needs.
struct Ready<'a> {
    row: &'a Row,
    id: Id,
    digest: String,
    entries: Entries,
    /// The same without references to records that do not exist yet, if there are any.
    first: Option<Entries>,
}

/// A record that is written, but perhaps not yet with all its references.
struct Waiting<'a> {
    resource: ResourceIndex,
    ready: Ready<'a>,
    /// Whether an earlier run wrote it and was cut off.
    resumed: bool,
}

/// Writes `set`; with `overwrite` also over records that somebody changed since.
///
/// Errors: `SEED_INVALID` naming the file and line of the record that could not be written.
pub async fn apply(
    operations: &Operations,
    context: &Context,
    set: &SeedSet,
    overwrite: bool,
) -> Result<Report, Refusal> {
    let view = operations.view();
    let mut seeder = Seeder {
        operations,
        context,
        view: &view,
        overwrite,
        known: labels::load(operations).await.map_err(failed)?,
        unwritten: HashSet::new(),
        announced: Vec::new(),
        report: Report::default(),
    };
    seeder.choose_ids(set);
    let mut waiting = Vec::new();
    for (index, rows) in &set.files {
        let resource = view.resource(*index);
        for chunk in rows.chunks(CHUNK) {
            seeder.chunk(resource, chunk, &mut waiting).await?;
        }
    }
    for waiting in waiting {
        seeder.complete(waiting).await?;
    }
    seeder.settle().await?;
    if seeder.report.created > 0 {
        operations
            .store()
            .schema()
            .measure()
            .await
            .map_err(failed)?;
    }
    Ok(seeder.report)
}

struct Seeder<'a> {
    operations: &'a Operations,
    context: &'a Context,
    view: &'a ModelView,
    overwrite: bool,
    known: HashMap<String, Known>,
    /// Labels whose record does not exist yet.
    unwritten: HashSet<&'a str>,
    /// Labels that this run announced or found announced, with the digest of their seed.
    announced: Vec<(&'a str, String)>,
    report: Report,
}

impl<'a> Seeder<'a> {
    /// Gives every label without a record an id, so that references can be written in any order.
    fn choose_ids(&mut self, set: &'a SeedSet) {
        for (index, rows) in &set.files {
            let resource = &self.view.resource(*index).name;
            for row in rows {
                // A label that moved to another resource stands for another record.
                let fits = |known: &Known| known.resource == *resource;
                if !self.known.get(&row.label).is_some_and(fits) {
                    let record = self.operations.next_id();
                    let before = self.known.get(&row.label).map(|known| known.stored);
                    let known = Known {
                        resource: resource.clone(),
                        record,
                        stored: before.unwrap_or(record),
                        version: 0,
                        digest: String::new(),
                    };
                    self.known.insert(row.label.clone(), known);
                }
                if self.known[&row.label].version == 0 {
                    self.unwritten.insert(&row.label);
                }
            }
        }
    }

    /// Writes the new rows of a chunk in one transaction and the changed ones each in its own.
    async fn chunk(
        &mut self,
        resource: &Resource,
        rows: &'a [Row],
        waiting: &mut Vec<Waiting<'a>>,
    ) -> Result<(), Refusal> {
        let mut fresh = Vec::new();
        for row in rows {
            let ready = self.ready(resource, row)?;
            let known = &self.known[&row.label];
            if known.version > 0 {
                if known.digest == ready.digest {
                    self.report.unchanged += 1;
                } else {
                    self.change(resource, ready).await?;
                }
                continue;
            }
            let announced = !known.digest.is_empty();
            self.unwritten.remove(row.label.as_str());
            self.announced.push((&row.label, ready.digest.clone()));
            if announced && self.exists(resource, ready.id).await? {
                waiting.push(Waiting {
                    resource: resource.index,
                    ready,
                    resumed: true,
                });
            } else {
                fresh.push(ready);
            }
        }
        self.create(resource, fresh, waiting).await
    }

    /// Writes new records, without what has to wait.
    async fn create(
        &mut self,
        resource: &Resource,
        fresh: Vec<Ready<'a>>,
        waiting: &mut Vec<Waiting<'a>>,
    ) -> Result<(), Refusal> {
        if fresh.is_empty() {
            return Ok(());
        }
        let announcements = fresh.iter().map(|ready| Announcement {
            row: ready.row,
            record: ready.id,
            stored: self.known[&ready.row.label].stored,
            digest: &ready.digest,
        });
        if !labels::announce(self.operations, resource, announcements)
            .await
            .map_err(failed)?
        {
            return Err(raced());
        }
        let stamp = stamp_at(self.context, self.operations.now());
        let mut records: Vec<Record> = Vec::with_capacity(fresh.len());
        for ready in &fresh {
            let entries = ready.first.as_ref().unwrap_or(&ready.entries);
            let mut faults = Vec::new();
            let input = read_entries(resource, entries, Mode::Whole, "", &mut faults);
            records.push(fill(
                resource,
                entries,
                input,
                ready.id,
                &stamp,
                "",
                &mut faults,
            ));
            told(faults, &ready.row.place)?;
        }
        let unit: Arc<dyn Unit> = Arc::new(Create {
            resource: resource.index,
            records,
        });
        let written = self
            .operations
            .apply_units(self.context, self.view, resource, &stamp, vec![unit])
            .await;
        if let Err((row, refusal)) = written {
            let ready = &fresh[row.min(fresh.len() - 1)];
            if refusal.code == Code::UniqueViolation && self.exists(resource, ready.id).await? {
                return Err(raced());
            }
            return Err(at(&ready.row.place, refusal));
        }
        self.report.created += fresh.len();
        for ready in fresh {
            if let Some(known) = self.known.get_mut(&ready.row.label) {
                known.version = 1;
            }
            if ready.first.is_some() {
                waiting.push(Waiting {
                    resource: resource.index,
                    ready,
                    resumed: false,
                });
            }
        }
        Ok(())
    }

    fn ready(&self, resource: &Resource, row: &'a Row) -> Result<Ready<'a>, Refusal> {
        let mut entries = Vec::with_capacity(row.fields.len());
        let mut first = Vec::with_capacity(row.fields.len());
        let mut incomplete = false;
        for (name, value) in &row.fields {
            let mut later = false;
            let text = match Row::reference(resource, name, value) {
                Some(label) => {
                    let field = resource
                        .field_named(name)
                        .map(|index| resource.field(index));
                    // A reference within the same file is written in order; one to a later file waits.
                    later = label != row.label
                        && self.unwritten.contains(label)
                        && field.is_some_and(|field| field.optional);
                    let form = field.and_then(|field| field.kind.id_form());
                    let id = self.known[label].record;
                    match form {
                        Some(carnet_model::IdForm::Uuid) => format!("\"{}\"", id.to_uuid_text()),
                        _ => format!("\"{id}\""),
                    }
                }
                None => value.to_string(),
            };
            let raw = RawValue::from_string(text).map_err(|error| {
                Refusal::new(Code::SeedInvalid, format!("{}: {error}", row.place))
            })?;
            if later {
                incomplete = true;
            } else {
                first.push((name.clone(), raw.clone()));
            }
            entries.push((name.clone(), raw));
        }
        Ok(Ready {
            row,
            id: self.known[&row.label].record,
            digest: digest(&entries),
            entries,
            first: incomplete.then_some(first),
        })
    }

    /// Writes a seed that changed over the record it made.
    async fn change(&mut self, resource: &Resource, ready: Ready<'a>) -> Result<(), Refusal> {
        let version = self.known[&ready.row.label].version;
        match self.replace(resource, &ready, version).await? {
            Some(version) => {
                self.report.updated += 1;
                let line = Line {
                    label: &ready.row.label,
                    record: ready.id,
                    version,
                    digest: &ready.digest,
                };
                labels::note(self.operations, std::iter::once(line))
                    .await
                    .map_err(failed)
            }
            None => {
                self.report.kept += 1;
                Ok(())
            }
        }
    }

    /// Writes the references that had to wait.
    async fn complete(&mut self, waiting: Waiting<'a>) -> Result<(), Refusal> {
        let Waiting {
            resource,
            ready,
            resumed,
        } = waiting;
        let resource = self.view.resource(resource);
        let written = self.replace(resource, &ready, 1).await?;
        let count = match written {
            _ if !resumed => None,
            Some(1) => Some(&mut self.report.unchanged),
            Some(_) => Some(&mut self.report.updated),
            None => Some(&mut self.report.kept),
        };
        if let Some(count) = count {
            *count += 1;
        }
        if let Some(known) = self.known.get_mut(&ready.row.label) {
            known.version = written.unwrap_or(1);
        }
        Ok(())
    }

    /// Replaces a record that still has `version`; the version it has then, or `None` when
    /// somebody changed or deleted it and nothing was written.
    async fn replace(
        &self,
        resource: &Resource,
        ready: &Ready<'_>,
        version: i64,
    ) -> Result<Option<i64>, Refusal> {
        let place = &ready.row.place;
        let mut faults = Vec::new();
        let input = read_entries(resource, &ready.entries, Mode::Whole, "", &mut faults);
        missing(resource, &ready.entries, "", &mut faults);
        told(faults, place)?;
        let stamp = stamp_at(self.context, self.operations.now());
        let precondition = (!self.overwrite).then(|| Precondition::Versions(vec![version]));
        let change = Change {
            resource: resource.index,
            id: ready.id,
            kind: Kind::Replace,
            input,
            precondition,
            stamp: stamp.clone(),
        };
        let units: Vec<Arc<dyn Unit>> = vec![Arc::new(change)];
        let changes = self
            .operations
            .apply_units(self.context, self.view, resource, &stamp, units)
            .await;
        match changes {
            Ok(changes) => {
                let record = changes
                    .first()
                    .and_then(|changes| records_after(changes).next());
                Ok(Some(
                    record
                        .and_then(|record| record.version(resource))
                        .unwrap_or(version),
                ))
            }
            Err((_, refusal))
                if matches!(refusal.code, Code::PreconditionFailed | Code::NotFound) =>
            {
                Ok(None)
            }
            Err((_, refusal)) => Err(at(place, refusal)),
        }
    }

    async fn exists(&self, resource: &Resource, id: Id) -> Result<bool, Refusal> {
        let query = plan::whole(self.view, resource, id);
        let scope = self
            .operations
            .scope(self.context, resource)
            .await
            .map_err(failed)?;
        Ok(scope
            .find(self.view, &query)
            .await
            .map_err(failed)?
            .is_some())
    }

    /// Notes that the announced records are written.
    async fn settle(&self) -> Result<(), Refusal> {
        let lines = self.announced.iter().map(|(label, digest)| {
            let known = &self.known[*label];
            Line {
                label,
                record: known.record,
                version: known.version.max(1),
                digest,
            }
        });
        labels::note(self.operations, lines).await.map_err(failed)
    }
}

/// Of the fields as they are written: a reference counts by the record it leads to.
fn digest(entries: &Entries) -> String {
    let mut hasher = Sha256::new();
    for (name, raw) in entries {
        hasher.update(name.as_bytes());
        hasher.update([0]);
        hasher.update(raw.get().as_bytes());
        hasher.update([0]);
    }
    let bytes = hasher.finalize();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn told(faults: Vec<Detail>, place: &str) -> Result<(), Refusal> {
    refuse(faults).map_or(Ok(()), |refusal| Err(at(place, refusal)))
}

/// A refusal with the file and line it belongs to; what is no fault of the seeds stays as it is.
fn at(place: &str, refusal: Refusal) -> Refusal {
    if refusal.code.status() >= 500 {
        return refusal;
    }
    let details: Vec<String> = refusal
        .details
        .iter()
        .map(|detail| format!("\n  {}: {}", detail.field, detail.message))
        .collect();
    let message = format!("{place}: {}{}", refusal.message, details.concat());
    Refusal {
        message,
        code: Code::SeedInvalid,
        ..refusal
    }
}

/// Two runs at once: one of them gives way.
fn raced() -> Refusal {
    let message = "somebody else writes seeds at this moment; run it again afterwards";
    Refusal::new(Code::VersionConflict, message)
}

fn failed(error: Error) -> Refusal {
    Refusal::new(error.code(), error.to_string())
}
