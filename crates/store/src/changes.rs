//! A write as values: what to load, what was loaded, what to change. Not how it is applied.

use carnet_kernel::{Id, PrincipalRef, Refusal, Timestamp, Value};
use carnet_model::{FieldIndex, ModelView, Resource, ResourceIndex};
use std::collections::HashMap;

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
    /// JSON: create `{after}`, update `{before, after}` of what changed, delete `{before}`.
    pub body: String,
}

/// What happened to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JournalKind {
    /// It was made.
    Create,
    /// It was changed.
    Update,
    /// It was removed.
    Delete,
}

impl JournalKind {
    /// The stored and public word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}
