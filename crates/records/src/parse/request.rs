//! What a query asks for, once it is understood. Not the words of it.

use super::group::GroupRequest;
use super::window::{CountMode, DEFAULT_LIMIT};
use crate::cursor::Binding;
use carnet_expr::Predicate;
use carnet_model::{FieldIndex, RelationIndex};
use carnet_store::{Counted, Deleted, Order};

/// What a list request asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct ListRequest {
    /// Which records.
    pub predicate: Predicate,
    /// In which order, without the final key.
    pub sort: Vec<Order>,
    /// Whether the best match of the search comes first: there is one, and no sort was asked for.
    pub ranked: bool,
    /// Which fields; all when absent.
    pub fields: Option<Vec<FieldIndex>>,
    /// Which related records.
    pub included: Included,
    /// At most so many.
    pub limit: u32,
    /// After skipping so many.
    pub offset: u64,
    /// How far to count.
    pub count: CountMode,
    /// Where the page begins, as an answer told it; not together with an offset.
    pub cursor: Option<String>,
    /// What a cursor of this list is bound to.
    pub binding: Binding,
    /// Whether the answer tells how it was made.
    pub explain: bool,
    /// Whether records that are deleted softly are shown.
    pub deleted: Deleted,
}

impl Default for ListRequest {
    fn default() -> Self {
        Self {
            predicate: Predicate::True,
            sort: Vec::new(),
            ranked: false,
            fields: None,
            included: Included::default(),
            limit: DEFAULT_LIMIT,
            offset: 0,
            count: CountMode::Auto,
            cursor: None,
            binding: Binding::default(),
            explain: false,
            deleted: Deleted::Hidden,
        }
    }
}

/// What comes along with each record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Included {
    /// Related records.
    pub relations: Vec<IncludeRequest>,
    /// To-many relations whose records are counted.
    pub counts: Vec<Counted>,
}

impl Included {
    /// Whether nothing comes along.
    pub fn is_empty(&self) -> bool {
        self.relations.is_empty() && self.counts.is_empty()
    }
}

/// A relation to include, with what comes along with the related records.
#[derive(Clone, Debug, PartialEq)]
pub struct IncludeRequest {
    /// Over which relation.
    pub relation: RelationIndex,
    /// Whether its options were given.
    pub(super) configured: bool,
    /// Which of the related records.
    pub predicate: Predicate,
    /// In which order, without the final key.
    pub sort: Vec<Order>,
    /// Which of their fields; all when absent.
    pub fields: Option<Vec<FieldIndex>>,
    /// At most so many for each parent.
    pub limit: Option<u32>,
    /// After skipping so many of each parent.
    pub offset: u64,
    /// What comes along with the related records.
    pub included: Included,
}

/// What a read of one record asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadRequest {
    /// Which fields; all when absent.
    pub fields: Option<Vec<FieldIndex>>,
    /// Which related records.
    pub included: Included,
    /// Whether it is shown when it is deleted softly.
    pub deleted: Deleted,
}

/// A request for records, or for groups of them.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// Records.
    Records(ListRequest),
    /// Groups.
    Groups(GroupRequest),
}
