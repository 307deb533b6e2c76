//! What `Operations` takes and gives: plain values, the same for every interface.

use crate::asked::AskedList;
use crate::decide::Precondition;
use crate::logic::Streamed;
use crate::parse::{GroupRequest, MatchingRequest, ReadRequest};
use carnet_kernel::{Code, Id, Refusal, Value};
use carnet_model::{ActionIndex, FieldIndex, ModelView, ResourceIndex};
use carnet_store::{Explanation, Groups, Listing};
use std::sync::Arc;
use std::time::Duration;

/// One operation on one resource of the view it is executed with.
#[derive(Clone, Debug)]
pub enum Command {
    /// Reads a list.
    List {
        /// Of which resource.
        resource: ResourceIndex,
        /// Which part, in which order, with what.
        request: Arc<AskedList>,
    },
    /// Reads groups of records.
    Group {
        /// Of which resource.
        resource: ResourceIndex,
        /// Which groups, and what is told of each.
        request: Box<GroupRequest>,
    },
    /// Reads one record.
    Read {
        /// Of which resource.
        resource: ResourceIndex,
        /// The value of the resource's key.
        key: Value,
        /// What of it.
        request: ReadRequest,
    },
    /// Makes one record.
    Create {
        /// Of which resource.
        resource: ResourceIndex,
        /// A JSON object.
        body: String,
    },
    /// Replaces one record.
    Update {
        /// Of which resource.
        resource: ResourceIndex,
        /// Which record.
        id: Id,
        /// A JSON object.
        body: String,
        /// The versions it may be based on.
        precondition: Option<Precondition>,
    },
    /// Changes some fields of one record (RFC 7396).
    Patch {
        /// Of which resource.
        resource: ResourceIndex,
        /// Which record.
        id: Id,
        /// A JSON object.
        body: String,
        /// The versions it may be based on.
        precondition: Option<Precondition>,
    },
    /// Removes one record.
    Delete {
        /// Of which resource.
        resource: ResourceIndex,
        /// Which record.
        id: Id,
        /// Whether it goes for good; only where deletions are soft.
        purge: bool,
        /// The versions it may be based on.
        precondition: Option<Precondition>,
    },
    /// Takes the soft deletion of one record back.
    Restore {
        /// Of which resource.
        resource: ResourceIndex,
        /// Which record.
        id: Id,
        /// The versions it may be based on.
        precondition: Option<Precondition>,
    },
    /// Links one record with another over a many-to-many relation.
    Link {
        /// Of which resource.
        resource: ResourceIndex,
        /// Which record.
        id: Id,
        /// Over which of its relations.
        relation: carnet_model::RelationIndex,
        /// Which record of the relation's target.
        target: Id,
    },
    /// Removes such a link.
    Unlink {
        /// Of which resource.
        resource: ResourceIndex,
        /// Which record.
        id: Id,
        /// Over which of its relations.
        relation: carnet_model::RelationIndex,
        /// Which record of the relation's target.
        target: Id,
    },
    /// Makes one record, or changes the one that has the same key.
    Upsert {
        /// Of which resource.
        resource: ResourceIndex,
        /// The members of one unique constraint.
        key: Vec<FieldIndex>,
        /// A JSON object: a whole record.
        body: String,
        /// The versions a change may be based on.
        precondition: Option<Precondition>,
    },
    /// Changes some fields of all records that fulfil a condition.
    PatchMatching {
        /// Of which resource.
        resource: ResourceIndex,
        /// Which records, and how many at most.
        request: Box<MatchingRequest>,
        /// A JSON object.
        body: String,
        /// `Any` where the resource asks for one.
        precondition: Option<Precondition>,
    },
    /// Removes all records that fulfil a condition.
    DeleteMatching {
        /// Of which resource.
        resource: ResourceIndex,
        /// Which records, and how many at most.
        request: Box<MatchingRequest>,
        /// `Any` where the resource asks for one.
        precondition: Option<Precondition>,
    },
    /// An operation of the application's own, done by logic.
    Action {
        /// Of which resource.
        resource: ResourceIndex,
        /// Which of its actions.
        action: ActionIndex,
        /// Which record, where the action is for one.
        id: Option<Id>,
        /// A JSON object as `validate::read_input` makes it: every input has a member.
        input: String,
        /// The versions of the record it may be based on.
        precondition: Option<Precondition>,
    },
    /// Several writes of one resource in one transaction.
    Batch {
        /// Of which resource.
        resource: ResourceIndex,
        /// A JSON object: `{"policy"?,"items":[{"operation","id"?,"data"?,"version"?,…}]}`.
        body: String,
    },
    /// Several writes of any resources in one transaction.
    Transaction {
        /// The same, with `resourceName` in each item.
        body: String,
    },
}

/// How a command is carried out. The same for every command; each takes notice of what concerns it.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// A write is done and then undone: the answer is what would have been.
    pub dry_run: bool,
    /// What makes a write happen once, however often it is asked for. A dry run takes no notice of
    /// it.
    pub once: Option<Box<Once>>,
    /// Whether a list may be answered by [`Answer::Streamed`]: whoever asks reads the records.
    pub streams: bool,
    /// Whether whoever asks polls the command at the deadline of its context: a read then needs no
    /// timer of its own to end there.
    pub timed: bool,
}

/// The caller's key of one write: the same request under the same key takes effect once and is
/// answered alike for a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Once {
    /// Chosen by the caller, one for each write. Other callers' keys are others.
    pub key: String,
    /// A SHA-256 over all that is asked; another one under the same key is refused.
    pub request: [u8; 32],
}

/// What a command gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A list.
    List(Box<ListAnswer>),
    /// Groups.
    Groups(Box<GroupAnswer>),
    /// A record as it is after the command.
    Record(RecordAnswer),
    /// The record is gone.
    Deleted,
    /// What a write by filter changed: `{"count","unchanged","ids"}`.
    Matching {
        /// The object.
        json: Vec<u8>,
        /// How many records were changed.
        count: usize,
    },
    /// A JSON array: the record after each item, null for a deleted one; where each item stands by
    /// itself, an object with `status` and `data` or `error`.
    Batch {
        /// The array.
        json: Vec<u8>,
        /// How many items it has.
        items: usize,
        /// What came of them where each stands by itself.
        each: Option<Each>,
    },
    /// What a write with the same [`Once`] was answered before.
    Replayed(Box<Answer>),
    /// A JSON value of a logic's own.
    Value(Vec<u8>),
    /// Records that a logic left to be streamed; only where that was asked for.
    Streamed(Box<Streamed>),
    /// An answer to which a logic gave a status or a message of its own.
    Told(Box<Told>),
}

/// An answer with a status or a message of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// What is answered.
    pub answer: Answer,
    /// The HTTP status, when the operation's own does not fit.
    pub status: Option<u16>,
    /// The message for people, when the operation's own does not fit.
    pub message: Option<String>,
}

/// What came of items that stand by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Each {
    /// Items that took effect.
    pub succeeded: usize,
    /// Items that were refused.
    pub failed: usize,
}

/// A list in an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct ListAnswer {
    /// The records.
    pub listing: Listing,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
    /// Where the page before ends, if there is one.
    pub prev: Option<String>,
    /// How the list was read, when that was asked for.
    pub explained: Option<Explained>,
}

/// Groups in an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupAnswer {
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
    /// Where the page before ends, if there may be one.
    pub prev: Option<String>,
    /// The groups.
    pub groups: Groups,
    /// How they were read, when that was asked for.
    pub explained: Option<Explained>,
}

/// How a list was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// The statements with their plans.
    pub explanation: Explanation,
    /// How long the read took.
    pub took: Duration,
}

/// One record in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordAnswer {
    /// A JSON object.
    pub json: Vec<u8>,
    /// Its id, when the command made it.
    pub created: Option<Id>,
    /// Its version, when the object is the whole record without includes.
    pub version: Option<i64>,
}

/// The body of a command, borrowed as the command is.
macro_rules! body {
    ($command:ident) => {
        match $command {
            Command::Create { body, .. }
            | Command::Update { body, .. }
            | Command::Patch { body, .. }
            | Command::Upsert { body, .. }
            | Command::PatchMatching { body, .. }
            | Command::Batch { body, .. }
            | Command::Transaction { body }
            | Command::Action { input: body, .. } => Some(body),
            _ => None,
        }
    };
}

impl Command {
    /// Its body, where it has one.
    pub(crate) fn body(&self) -> Option<&str> {
        body!(self).map(String::as_str)
    }

    /// The same, to be changed.
    pub(crate) fn body_mut(&mut self) -> Option<&mut String> {
        body!(self)
    }

    /// Whether it may change records.
    pub(crate) fn writes(&self) -> bool {
        !matches!(
            self,
            Self::List { .. } | Self::Group { .. } | Self::Read { .. }
        )
    }

    /// What it states of the version that it is based on, where it is for one record.
    pub(crate) fn stated(&self) -> Option<&Precondition> {
        match self {
            Self::Update { precondition, .. }
            | Self::Patch { precondition, .. }
            | Self::Delete { precondition, .. }
            | Self::Action { precondition, .. } => precondition.as_ref(),
            _ => None,
        }
    }

    /// Lets pass what the database can do; without a table there is nothing by default.
    pub(crate) fn check_table(&self, view: &ModelView) -> Result<(), Refusal> {
        let (Some(index), false) = (self.name().1, matches!(self, Self::Action { .. })) else {
            return Ok(());
        };
        let resource = view.resource(index);
        if resource.has_table() {
            return Ok(());
        }
        let (operation, name) = (self.name().0, &resource.name);
        let message = format!("`{name}` has no table, and no logic does `{operation}` of it");
        Err(Refusal::new(Code::LogicMissing, message))
    }

    pub(crate) fn name(&self) -> (&'static str, Option<ResourceIndex>) {
        match self {
            Self::List { resource, .. } => ("list", Some(*resource)),
            Self::Group { resource, .. } => ("group", Some(*resource)),
            Self::Read { resource, .. } => ("read", Some(*resource)),
            Self::Create { resource, .. } => ("create", Some(*resource)),
            Self::Update { resource, .. } => ("update", Some(*resource)),
            Self::Patch { resource, .. } => ("patch", Some(*resource)),
            Self::Delete { resource, .. } => ("delete", Some(*resource)),
            Self::Link { resource, .. } => ("link", Some(*resource)),
            Self::Unlink { resource, .. } => ("unlink", Some(*resource)),
            Self::Restore { resource, .. } => ("restore", Some(*resource)),
            Self::Upsert { resource, .. } => ("upsert", Some(*resource)),
            Self::PatchMatching { resource, .. } => ("patchMatching", Some(*resource)),
            Self::DeleteMatching { resource, .. } => ("deleteMatching", Some(*resource)),
            Self::Batch { resource, .. } => ("batch", Some(*resource)),
            Self::Transaction { .. } => ("transaction", None),
            Self::Action { resource, .. } => ("action", Some(*resource)),
        }
    }
}
