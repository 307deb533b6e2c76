//! Writes by filter: the records are loaded, locked and bounded, and decided one by one, so that
//! each has its images in the journal.

use super::change::revise;
use super::reach::{living_only, removal};
use super::{Kind, references};
use crate::validate::Input;
use carnet_expr::Predicate;
use carnet_kernel::{Code, Detail, Refusal};
use carnet_model::{ModelView, Resource, ResourceIndex};
use carnet_store::{
    Changes, Condition, Decision, Deleted, Load, Loaded, Record, Stamp, Step, Unit, UpdateRow,
};

/// How many rows one step of a write by filter changes at most.
pub(super) const CHUNK: usize = 1_000;

/// A patch of all records that fulfil a condition.
#[derive(Clone, Debug)]
pub struct ChangeMatching {
    /// Of which resource.
    pub resource: ResourceIndex,
    /// Which of its records.
    pub predicate: Predicate,
    /// More than so many are refused.
    pub max_affected: u32,
    /// What the body says.
    pub input: Input,
    /// The command's moment and caller.
    pub stamp: Stamp,
}

impl Unit for ChangeMatching {
    fn decide(&self, view: &ModelView, loaded: &Loaded) -> Result<Decision, Refusal> {
        let resource = view.resource(self.resource);
        let which = self.predicate.clone().and(living_only(resource));
        let found = match matching(resource, which, self.max_affected, loaded)? {
            Found::Missing(load) => return Ok(Decision::Load(vec![load])),
            Found::Records(found) => found,
        };
        let mut changes = Changes::default();
        let mut missing = Vec::new();
        for record in found {
            let placed = |refusal| of_record(resource, record, refusal);
            let row =
                revise(resource, record, Kind::Patch, &self.input, &self.stamp).map_err(placed)?;
            let Some(row) = row else {
                changes.kept.push(record.clone());
                continue;
            };
            let changed = row.changed.iter().copied();
            let more =
                references::alive(view, loaded, resource, &row.record, changed).map_err(placed)?;
            for load in more {
                if !missing.contains(&load) {
                    missing.push(load);
                }
            }
            update(&mut changes.steps, self.resource, row);
        }
        if !missing.is_empty() {
            return Ok(Decision::Load(missing));
        }
        Ok(Decision::Apply(changes))
    }
}

/// A deletion of all records that fulfil a condition, with what each deletion reaches.
#[derive(Clone, Debug)]
pub struct DeleteMatching {
    /// Of which resource.
    pub resource: ResourceIndex,
    /// Which of its records.
    pub predicate: Predicate,
    /// Whether records that are deleted softly are among them.
    pub deleted: Deleted,
    /// More than so many are refused.
    pub max_affected: u32,
    /// Whether they go for good.
    pub purge: bool,
    /// The command's moment and caller.
    pub stamp: Stamp,
}

impl Unit for DeleteMatching {
    fn decide(&self, view: &ModelView, loaded: &Loaded) -> Result<Decision, Refusal> {
        let resource = view.resource(self.resource);
        let shown = match self.deleted {
            Deleted::Hidden => living_only(resource),
            Deleted::With => Predicate::True,
            Deleted::Only => Predicate::Not(Box::new(living_only(resource))),
        };
        let which = self.predicate.clone().and(shown);
        let found = match matching(resource, which, self.max_affected, loaded)? {
            Found::Missing(load) => return Ok(Decision::Load(vec![load])),
            Found::Records(found) => found,
        };
        let roots = found.iter().filter_map(|record| {
            let id = record.id(resource)?;
            Some(((self.resource, id), record.clone()))
        });
        removal(view, loaded, roots.collect(), self.purge, &self.stamp)
    }
}

enum Found<'l> {
    Missing(Load),
    Records(&'l [Record]),
}

fn matching<'l>(
    resource: &Resource,
    which: Predicate,
    max_affected: u32,
    loaded: &'l Loaded,
) -> Result<Found<'l>, Refusal> {
    let load = Load::Matching {
        resource: resource.index,
        which: Condition(which),
        limit: max_affected.saturating_add(1),
    };
    match loaded.get(&load) {
        None => Ok(Found::Missing(load)),
        Some(found) if found.len() > max_affected as usize => {
            let message = format!(
                "more than {max_affected} records match and nothing was changed; narrow the filter or raise `maxAffected`"
            );
            Err(
                Refusal::new(Code::TooManyMatches, message.clone()).with(Detail::new(
                    "maxAffected",
                    "max",
                    message,
                )),
            )
        }
        Some(found) => Ok(Found::Records(found)),
    }
}

/// Adds a changed row to the last step when that has room for it.
pub(super) fn update(steps: &mut Vec<Step>, index: ResourceIndex, row: UpdateRow) {
    let kind = Some(row.journal.kind);
    match steps.last_mut().filter(|last| last.kind() == kind) {
        Some(Step::Update { resource, rows }) if *resource == index && rows.len() < CHUNK => {
            rows.push(row);
        }
        _ => steps.push(Step::Update {
            resource: index,
            rows: vec![row],
        }),
    }
}

/// The refusal of one of the records: its details say of which.
fn of_record(resource: &Resource, record: &Record, mut refusal: Refusal) -> Refusal {
    let key = resource.field(resource.key);
    let id = match key.kind.to_json(record.get(resource.key)) {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    for detail in &mut refusal.details {
        detail.field = format!("records[{id}].{}", detail.field);
    }
    refusal
}
