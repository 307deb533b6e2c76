//! A write as values: what to load, what was loaded, what to change. Not how it is applied.

use crate::Outcome;
use carnet_expr::Predicate;
use carnet_kernel::{Id, PrincipalRef, Refusal, Timestamp, Value};
use carnet_model::{FieldIndex, IdForm, ModelView, Resource, ResourceIndex};
use std::collections::HashMap;
use std::hash::{Hash, Hasher};

/// All values of one record, in the order of its resource's fields.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// One value for each field of the resource.
    pub values: Vec<Value>,
}

impl Record {
    /// The value of a field.
    pub fn get(&self, field: FieldIndex) -> &Value {
        &self.values[usize::from(field.0)]
    }

    /// Replaces the value of a field.
    pub fn set(&mut self, field: FieldIndex, value: Value) {
        self.values[usize::from(field.0)] = value;
    }

    /// Its id.
    pub fn id(&self, resource: &Resource) -> Option<Id> {
        self.get(resource.key).as_id()
    }

    /// Its version.
    pub fn version(&self, resource: &Resource) -> Option<i64> {
        self.get(resource.standard?.version).as_integer()
    }
}

/// Drawn once for a command and reused by every rerun of its decisions.
#[derive(Clone, Debug)]
pub struct Stamp {
    /// The command's one present moment.
    pub now: Timestamp,
    /// Who; absent for an anonymous caller.
    pub principal: Option<PrincipalRef>,
    /// Joins what one request set in motion.
    pub correlation: Id,
    /// What set it in motion, if not a request.
    pub causation: Option<Id>,
}

/// One all-or-nothing part of a write. The store calls [`Unit::decide`] with what is loaded so far
/// until it answers [`Decision::Apply`]; it may start again from nothing after a lost race.
pub trait Unit: Send + Sync + 'static {
    /// Pure: the same `loaded` gives the same decision.
    fn decide(&self, view: &ModelView, loaded: &Loaded) -> Result<Decision, Refusal>;

    /// The same with what came of the units before it, for one that [`follows`](Self::follows).
    fn decide_after(
        &self,
        view: &ModelView,
        loaded: &Loaded,
        _earlier: &[Outcome],
    ) -> Result<Decision, Refusal> {
        self.decide(view, loaded)
    }

    /// Whether its decision depends on what came of earlier units. Those are settled before it
    /// decides.
    fn follows(&self) -> bool {
        false
    }

    /// What it will want to see first, as far as that is known beforehand: a database may load it
    /// for several units at once.
    fn foresees(&self, view: &ModelView) -> Vec<Load> {
        match self.decide(view, &Loaded::default()) {
            Ok(Decision::Load(loads)) if !self.follows() => loads,
            _ => Vec::new(),
        }
    }
}

/// What a unit wants next.
#[derive(Clone, Debug)]
pub enum Decision {
    /// To see these first.
    Load(Vec<Load>),
    /// To change this.
    Apply(Changes),
}

/// Records a decision needs to see.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Load {
    /// One record.
    Record {
        /// Of which resource.
        resource: ResourceIndex,
        /// Which one.
        id: Id,
    },
    /// The records that refer to one record.
    Referencing {
        /// The referring resource.
        resource: ResourceIndex,
        /// Its reference.
        field: FieldIndex,
        /// What it refers to.
        id: Id,
        /// At most so many are loaded.
        limit: u32,
    },
    /// The records that fulfil a condition, in the order of their ids, locked against other writers.
    Matching {
        /// Of which resource.
        resource: ResourceIndex,
        /// Which of its records; those that are deleted softly are among them.
        which: Condition,
        /// At most so many are loaded.
        limit: u32,
    },
}

impl Load {
    /// Whose records are loaded.
    pub fn resource(&self) -> ResourceIndex {
        match self {
            Self::Record { resource, .. }
            | Self::Referencing { resource, .. }
            | Self::Matching { resource, .. } => *resource,
        }
    }
}

/// A predicate as part of what a load is known by.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition(pub Predicate);

// INVARIANT: values of predicates are typed by fields, and no field holds a NaN.
impl Eq for Condition {}

impl Hash for Condition {
    fn hash<H: Hasher>(&self, state: &mut H) {
        format!("{:?}", self.0).hash(state);
    }
}

/// What has been loaded so far in one unit.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    found: HashMap<Load, Vec<Record>>,
}

impl Loaded {
    /// Keeps what a load found.
    pub fn insert(&mut self, load: Load, records: Vec<Record>) {
        self.found.insert(load, records);
    }

    /// Takes out what a load found.
    pub(crate) fn take(&mut self, load: &Load) -> Option<Vec<Record>> {
        self.found.remove(load)
    }

    /// What a load found; `None` when it was not asked for yet.
    pub fn get(&self, load: &Load) -> Option<&[Record]> {
        self.found.get(load).map(Vec::as_slice)
    }
}

/// What to change, applied wholly or not at all. Made by a decision; holds full images, so that
/// the answer to the client needs no second read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Rows that must still have the version the decision saw, beside those that are changed.
    pub guards: Vec<Guard>,
    /// In this order.
    pub steps: Vec<Step>,
    /// Records that a write names but leaves as they are: no new version, no journal row.
    pub kept: Vec<Record>,
    /// Unique constraints whose violation is a lost race, because the decision looked for a record
    /// with these values and found none.
    pub races: Vec<(ResourceIndex, Vec<FieldIndex>)>,
}

/// A row that a decision looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    /// Of which resource.
    pub resource: ResourceIndex,
    /// Which one.
    pub id: Id,
    /// With which version.
    pub version: i64,
}

/// Changes of one kind to rows of one resource.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// New rows.
    Insert {
        /// Of which resource.
        resource: ResourceIndex,
        /// In this order.
        rows: Vec<InsertRow>,
    },
    /// Changed rows.
    Update {
        /// Of which resource.
        resource: ResourceIndex,
        /// In this order.
        rows: Vec<UpdateRow>,
    },
    /// Removed rows.
    Delete {
        /// Of which resource.
        resource: ResourceIndex,
        /// In this order.
        rows: Vec<DeleteRow>,
    },
}

impl Step {
    /// What happens to its rows: the same to all.
    pub fn kind(&self) -> Option<JournalKind> {
        match self {
            Self::Insert { rows, .. } => rows.first().map(|row| row.journal.kind),
            Self::Update { rows, .. } => rows.first().map(|row| row.journal.kind),
            Self::Delete { rows, .. } => rows.first().map(|row| row.journal.kind),
        }
    }

    /// The journal rows of a step on a resource whose journal keeps summaries: one for each kind
    /// of change, with the record that it carries.
    pub fn summaries(&self, resource: &Resource) -> Vec<(Id, JournalEntry)> {
        let mut kinds: Vec<(&JournalEntry, Vec<Id>)> = Vec::new();
        let mut add = |id: Option<Id>, entry| {
            let Some(id) = id else { return };
            let entry: &JournalEntry = entry;
            match kinds.iter_mut().find(|(first, _)| first.kind == entry.kind) {
                Some((_, ids)) => ids.push(id),
                None => kinds.push((entry, vec![id])),
            }
        };
        match self {
            Self::Insert { rows, .. } => rows
                .iter()
                .for_each(|row| add(row.record.id(resource), &row.journal)),
            Self::Update { rows, .. } => {
                rows.iter().for_each(|row| add(Some(row.id), &row.journal));
            }
            Self::Delete { rows, .. } => {
                rows.iter().for_each(|row| add(Some(row.id), &row.journal));
            }
        }
        kinds
            .into_iter()
            .filter_map(|(first, ids)| {
                let entry = JournalEntry {
                    kind: first.kind,
                    version: first.version,
                    body: summary(resource, ids.iter().copied()),
                };
                Some((*ids.first()?, entry))
            })
            .collect()
    }
}

/// A new row.
#[derive(Clone, Debug, PartialEq)]
pub struct InsertRow {
    /// All its values, id and version 1 included.
    pub record: Record,
    /// Its journal row.
    pub journal: JournalEntry,
}

/// A changed row.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateRow {
    /// Which one.
    pub id: Id,
    /// The version it must still have.
    pub version: i64,
    /// The fields whose values differ, the standard ones included.
    pub changed: Vec<FieldIndex>,
    /// All its values afterwards.
    pub record: Record,
    /// Its journal row.
    pub journal: JournalEntry,
}

/// A removed row.
#[derive(Clone, Debug, PartialEq)]
pub struct DeleteRow {
    /// Which one.
    pub id: Id,
    /// The version it must still have.
    pub version: i64,
    /// Its journal row.
    pub journal: JournalEntry,
}

/// What the journal keeps of one change, beside what the [`Stamp`] and the row say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalEntry {
    /// What happened.
    pub kind: JournalKind,
    /// The record's version afterwards; for a delete the one it would have had.
    pub version: i64,
    /// JSON: create and restore `{after}`, update `{before, after}` of what changed, delete and
    /// purge `{before}`; `{summary}` where the journal keeps no images. See [`summary`].
    pub body: String,
}

/// What happened to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JournalKind {
    /// It was made.
    Create,
    /// It was changed.
    Update,
    /// It was removed, or marked as deleted where deletions are soft.
    Delete,
    /// It is no longer deleted.
    Restore,
    /// It was removed for good.
    Purge,
}

impl JournalKind {
    /// The stored and public word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Restore => "restore",
            Self::Purge => "purge",
        }
    }
}

/// The body of a journal row that stands for several records: `{"summary":{"count","ids"}}`, the
/// ids in the resource's text form. The row itself carries the first of them.
pub fn summary(resource: &Resource, ids: impl Iterator<Item = Id>) -> String {
    let mut body = String::from("{\"summary\":{\"ids\":[");
    let uuid = resource.id.form == IdForm::Uuid;
    let mut count = 0_usize;
    for id in ids {
        body.push_str(if count == 0 { "\"" } else { ",\"" });
        if uuid {
            body.push_str(&id.to_uuid_text());
        } else {
            body.push_str(&id.to_string());
        }
        body.push('"');
        count += 1;
    }
    body.push_str(&format!("],\"count\":{count}}}}}"));
    body
}
