//! Writing seeds. Ids are chosen and kept with their labels before the records are written, so
//! that a run that is cut off is finished by the next one and nothing comes twice.

use super::read::{Row, SeedSet};
use crate::decide::{Change, Create, Kind, Precondition, fill, missing};
use crate::operations::Operations;
use crate::validate::{Mode, read_entries, refuse};
use crate::{plan, validate};
use carnet_kernel::{Context, Detail, Id, Refusal, Value};
use carnet_model::{ModelView, Resource};
use carnet_store::{Error, Param, Record, Stamp, Unit};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
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

/// What home keeps of one label.
struct Known {
    record: Id,
    /// 0: the record was announced but perhaps not written.
    version: i64,
    digest: String,
}

/// A row with everything the write needs.
struct Ready<'a> {
    row: &'a Row,
    id: Id,
    digest: String,
    entries: Vec<(String, Box<RawValue>)>,
    /// The same without references to records that do not exist yet, if there are any.
    first: Option<Vec<(String, Box<RawValue>)>>,
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
        known: HashMap::new(),
        report: Report::default(),
    };
    seeder.load().await.map_err(failed)?;
    seeder.choose_ids(set);
    let mut unwritten: Vec<&str> = set
        .files
        .iter()
        .flat_map(|(_, rows)| rows)
        .map(|row| row.label.as_str())
        .collect();
    unwritten.retain(|label| {
        seeder
            .known
            .get(*label)
            .is_none_or(|known| known.version == 0)
    });
    let mut waiting: std::collections::HashSet<&str> = unwritten.into_iter().collect();
    let mut second = Vec::new();
    for (index, rows) in &set.files {
        let resource = view.resource(*index);
        for chunk in rows.chunks(CHUNK) {
            second.extend(seeder.chunk(resource, chunk, &mut waiting).await?);
        }
    }
    for (index, entries, id, place) in second {
        seeder
            .complete(view.resource(index), entries, id, &place)
            .await?;
    }
    seeder.settle(set).await?;
    Ok(seeder.report)
}

type Completion = (
    carnet_model::ResourceIndex,
    Vec<(String, Box<RawValue>)>,
    Id,
    String,
);

struct Seeder<'a> {
    operations: &'a Operations,
    context: &'a Context,
    view: &'a ModelView,
    overwrite: bool,
    known: HashMap<String, Known>,
    report: Report,
}

impl Seeder<'_> {
    async fn load(&mut self) -> Result<(), Error> {
        let sql = "select label, record, version, digest from {home}carnet_seeds";
        for row in self.operations.store().system().rows(sql, &[]).await? {
            if let [
                Value::Text(label),
                Value::Id(record),
                Value::Integer(version),
                Value::Text(digest),
            ] = row.as_slice()
            {
                let known = Known {
                    record: *record,
                    version: *version,
                    digest: digest.clone(),
                };
                self.known.insert(label.clone(), known);
            }
        }
        Ok(())
    }

    /// Gives every label without a record an id, so that references can be written in any order.
    fn choose_ids(&mut self, set: &SeedSet) {
        for row in set.files.iter().flat_map(|(_, rows)| rows) {
            if !self.known.contains_key(&row.label) {
                let known = Known {
                    record: self.operations.next_id(),
                    version: 0,
                    digest: String::new(),
                };
                self.known.insert(row.label.clone(), known);
            }
        }
    }

    /// Writes the new rows of a chunk in one transaction and the changed ones each in its own.
    async fn chunk<'r>(
        &mut self,
        resource: &Resource,
        rows: &'r [Row],
        waiting: &mut std::collections::HashSet<&'r str>,
    ) -> Result<Vec<Completion>, Refusal> {
        let mut fresh = Vec::new();
        let mut second = Vec::new();
        for row in rows {
            let ready = self.ready(resource, row, waiting)?;
            let known = &self.known[&row.label];
            if known.version == 0 {
                if !known.digest.is_empty() && self.exists(resource, known.record).await? {
                    waiting.remove(row.label.as_str());
                    self.note(row, known.record, 1, &ready.digest)
                        .await
                        .map_err(failed)?;
                    self.report.unchanged += 1;
                    continue;
                }
                waiting.remove(row.label.as_str());
                fresh.push(ready);
            } else if known.digest == ready.digest {
                self.report.unchanged += 1;
            } else {
                self.change(resource, ready).await?;
            }
        }
        if fresh.is_empty() {
            return Ok(second);
        }
        self.announce(resource, &fresh).await.map_err(failed)?;
        let stamp = self.stamp();
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
        self.operations
            .apply_units(self.context, self.view, resource, &stamp, vec![unit])
            .await
            .map_err(|(row, refusal)| at(&fresh[row.min(fresh.len() - 1)].row.place, refusal))?;
        self.report.created += fresh.len();
        for ready in fresh {
            if ready.first.is_some() {
                second.push((
                    resource.index,
                    ready.entries,
                    ready.id,
                    ready.row.place.clone(),
                ));
            }
            self.known.insert(
                ready.row.label.clone(),
                Known {
                    record: ready.id,
                    version: 1,
                    digest: ready.digest,
                },
            );
        }
        Ok(second)
    }

    fn ready<'r>(
        &self,
        resource: &Resource,
        row: &'r Row,
        waiting: &std::collections::HashSet<&str>,
    ) -> Result<Ready<'r>, Refusal> {
        let mut entries = Vec::with_capacity(row.fields.len());
        let mut first = Vec::with_capacity(row.fields.len());
        let mut incomplete = false;
        for (name, value) in &row.fields {
            let mut later = false;
            let text = match Row::reference(value) {
                Some(label) => {
                    let field = resource
                        .field_named(name)
                        .map(|index| resource.field(index));
                    // A reference within the same file is written in order; one to a later file waits.
                    later = label != row.label
                        && waiting.contains(label)
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
                Refusal::new(
                    carnet_kernel::Code::SeedInvalid,
                    format!("{}: {error}", row.place),
                )
            })?;
            if later {
                incomplete = true;
            } else {
                first.push((name.clone(), raw.clone()));
            }
            entries.push((name.clone(), raw));
        }
        let mut hasher = Sha256::new();
        for (name, raw) in &entries {
            hasher.update(name.as_bytes());
            hasher.update([0]);
            hasher.update(raw.get().as_bytes());
            hasher.update([0]);
        }
        let digest = hasher
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Ok(Ready {
            row,
            id: self.known[&row.label].record,
            digest,
            entries,
            first: incomplete.then_some(first),
        })
    }

    async fn change(&mut self, resource: &Resource, ready: Ready<'_>) -> Result<(), Refusal> {
        let known = &self.known[&ready.row.label];
        let precondition = (!self.overwrite).then(|| Precondition::Versions(vec![known.version]));
        match self
            .replace(
                resource,
                &ready.entries,
                ready.id,
                precondition,
                &ready.row.place,
            )
            .await
        {
            Ok(version) => {
                self.report.updated += 1;
                self.note(ready.row, ready.id, version, &ready.digest)
                    .await
                    .map_err(failed)
            }
            Err(refusal)
                if matches!(
                    refusal.code,
                    carnet_kernel::Code::PreconditionFailed | carnet_kernel::Code::NotFound
                ) =>
            {
                self.report.kept += 1;
                Ok(())
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// Writes the references that had to wait, and notes the version they lead to.
    async fn complete(
        &mut self,
        resource: &Resource,
        entries: Vec<(String, Box<RawValue>)>,
        id: Id,
        place: &str,
    ) -> Result<(), Refusal> {
        let version = self.replace(resource, &entries, id, None, place).await?;
        if let Some(known) = self.known.values_mut().find(|known| known.record == id) {
            known.version = version;
        }
        Ok(())
    }

    async fn replace(
        &self,
        resource: &Resource,
        entries: &[(String, Box<RawValue>)],
        id: Id,
        precondition: Option<Precondition>,
        place: &str,
    ) -> Result<i64, Refusal> {
        let mut faults = Vec::new();
        let input = read_entries(resource, entries, Mode::Whole, "", &mut faults);
        missing(resource, entries, "", &mut faults);
        told(faults, place)?;
        let stamp = self.stamp();
        let change = Change {
            resource: resource.index,
            id,
            kind: Kind::Replace,
            input,
            precondition,
            stamp: stamp.clone(),
        };
        let changes = self
            .operations
            .apply_units(
                self.context,
                self.view,
                resource,
                &stamp,
                vec![Arc::new(change)],
            )
            .await
            .map_err(|(_, refusal)| at(place, refusal))?;
        let record = changes
            .first()
            .and_then(|changes| crate::operations::records_after(changes).next());
        Ok(record
            .and_then(|record| record.version(resource))
            .unwrap_or(1))
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

    /// Keeps labels and ids before the records are written.
    async fn announce(&self, resource: &Resource, fresh: &[Ready<'_>]) -> Result<(), Error> {
        let sql = "insert into {home}carnet_seeds (label, resource, record, version, digest) values ($1, $2, $3, 0, $4) \
                   on conflict (label) do update set record = excluded.record, version = 0, digest = excluded.digest";
        let params: Vec<[Param; 4]> = fresh
            .iter()
            .map(|ready| {
                [
                    Param::Text(ready.row.label.clone()),
                    Param::Text(resource.name.clone()),
                    Param::Value(Value::Id(ready.id)),
                    Param::Text(ready.digest.clone()),
                ]
            })
            .collect();
        let statements: Vec<(&str, &[Param])> = params
            .iter()
            .map(|params| (sql, params.as_slice()))
            .collect();
        self.operations
            .store()
            .system()
            .execute(&statements)
            .await
            .map(|_| ())
    }

    async fn note(&self, row: &Row, id: Id, version: i64, digest: &str) -> Result<(), Error> {
        let sql =
            "update {home}carnet_seeds set record = $2, version = $3, digest = $4 where label = $1";
        let params = [
            Param::Text(row.label.clone()),
            Param::Value(Value::Id(id)),
            Param::Integer(version),
            Param::Text(digest.to_owned()),
        ];
        self.operations
            .store()
            .system()
            .execute(&[(sql, &params)])
            .await
            .map(|_| ())
    }

    /// Notes that the announced records are written.
    async fn settle(&self, set: &SeedSet) -> Result<(), Refusal> {
        let sql = "update {home}carnet_seeds set version = $2 where label = $1 and version = 0";
        let params: Vec<[Param; 2]> = set
            .files
            .iter()
            .flat_map(|(_, rows)| rows)
            .map(|row| {
                [
                    Param::Text(row.label.clone()),
                    Param::Integer(self.known[&row.label].version.max(1)),
                ]
            })
            .collect();
        let statements: Vec<(&str, &[Param])> = params
            .iter()
            .map(|params| (sql, params.as_slice()))
            .collect();
        self.operations
            .store()
            .system()
            .execute(&statements)
            .await
            .map(|_| ())
            .map_err(failed)
    }

    fn stamp(&self) -> Stamp {
        self.operations.stamp(self.context)
    }
}

fn told(faults: Vec<Detail>, place: &str) -> Result<(), Refusal> {
    validate::refuse(faults).map_or(Ok(()), |refusal| Err(at(place, refusal)))
}

fn at(place: &str, refusal: Refusal) -> Refusal {
    if matches!(
        refusal.code,
        carnet_kernel::Code::PreconditionFailed | carnet_kernel::Code::NotFound
    ) {
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
        code: carnet_kernel::Code::SeedInvalid,
        ..refusal
    }
}

fn failed(error: Error) -> Refusal {
    Refusal::new(error.code(), error.to_string())
}
