//! A read as a value. Made by planners, rendered by `render`, answered as bytes.

use carnet_expr::{FieldIndex, Operand, Path, Predicate, RelationIndex};
use carnet_kernel::Value;
use carnet_model::ResourceIndex;

/// Which records of one resource, in which order, with what of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Of which resource.
    pub resource: ResourceIndex,
    /// Which records; policy and request joined already.
    pub predicate: Predicate,
    /// Whether records that are deleted softly are among them.
    pub deleted: Deleted,
    /// In which order; a planner ends it with the resource's key.
    pub order: Vec<Order>,
    /// Whether the best match of the predicate's search comes first; `order` then decides between
    /// equal ones.
    pub ranked: bool,
    /// Which part of them.
    pub window: Window,
    /// Which fields, in the order of the JSON.
    pub fields: Vec<FieldIndex>,
    /// Which related records, in the order of the JSON, after the fields.
    pub includes: Vec<Include>,
    /// Of which to-many relations the records are counted, into the member `_count` that ends the
    /// object; no member when empty.
    pub counts: Vec<Counted>,
    /// How far to count all that fulfil the predicate.
    pub count: Count,
    /// Where in the order the page begins. Of the outermost query alone.
    pub seek: Seek,
}

/// Where in its order a page begins, told by the sort keys of a row instead of a number of rows:
/// as cheap at any depth, and steady while rows come and go.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seek {
    /// Whether the listing tells the sort keys of its first and last rows.
    pub marks: bool,
    /// The values of the sort keys of the row before the page, in the order of `Query::order` up to
    /// the resource's key; from the beginning when absent. Not together with an offset. A value of
    /// the field; of a count an integer; of a sum or a mean the text of its digits, in units of the
    /// last; of a place inside JSON what is there, where `[]` stands for any list or object.
    pub after: Option<Vec<Value>>,
    /// Whether the page ends before that row instead of beginning after it.
    pub backwards: bool,
    /// Whether the rows come one a line instead of as an array.
    pub lines: bool,
}

/// Whether a read shows records that are deleted softly. Rendered for every level of a statement:
/// what a path, an include or a condition over a relation leads to is hidden when it is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Deleted {
    /// It does not; the same as a read of records that were removed.
    #[default]
    Hidden,
    /// It shows them beside the others.
    With,
    /// It shows nothing else.
    Only,
}

/// One sort key. Null is the smallest value unless `nulls` says otherwise; a caseless field sorts
/// by its companion, then by itself; JSON by type (booleans, numbers, texts, the rest), then by value.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    /// By which field, also over to-one relations, or by what of related records.
    pub by: Operand,
    /// From large to small.
    pub descending: bool,
    /// Where null stands.
    pub nulls: Nulls,
}

impl Order {
    /// By a field, null as the smallest value.
    pub fn path(path: Path, descending: bool) -> Self {
        Self {
            by: Operand::Path(path),
            descending,
            nulls: Nulls::Smallest,
        }
    }

    /// The field it sorts by, if it is one.
    pub fn as_path(&self) -> Option<&Path> {
        match &self.by {
            Operand::Path(path) => Some(path),
            Operand::Value(_) | Operand::Aggregate(_) => None,
        }
    }
}

/// Where null stands in an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Nulls {
    /// As the smallest value: first in ascending order, last in descending order.
    #[default]
    Smallest,
    /// Before all values.
    First,
    /// After all values.
    Last,
}

/// A part of an ordered list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// At most so many.
    pub limit: u32,
    /// After skipping so many.
    pub offset: u64,
}

/// Related records nested into each record under the relation's name.
#[derive(Clone, Debug, PartialEq)]
pub struct Include {
    /// Over which relation.
    pub relation: RelationIndex,
    /// What of the related records. To-one: the object or null, whatever the window says.
    /// To-many: a list, the window applies to each parent.
    pub query: Query,
}

/// A to-many relation whose records are counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Counted {
    /// Its name in the JSON.
    pub name: String,
    /// Over which relation.
    pub relation: RelationIndex,
    /// Which of the related records.
    pub predicate: Predicate,
}

/// How far to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Not at all.
    None,
    /// Exactly up to a bound, unknown above it.
    UpTo(u32),
    /// Exactly.
    Exact,
    /// Exactly up to a bound, estimated above it; with a bound of 0 exactly only when the page
    /// itself tells. Never dear.
    Estimate(u32),
}

impl Count {
    /// Whether matching rows are counted one by one where the page does not tell.
    pub(crate) fn counts(self) -> bool {
        !matches!(self, Self::None | Self::Estimate(0))
    }
}

/// The answer to a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listing {
    /// A JSON array of objects, or one object a line.
    pub json: Vec<u8>,
    /// How many objects it holds.
    pub rows: usize,
    /// Whether more follow in the direction of the seek.
    pub more: bool,
    /// How many fulfil the predicate in all, as far as was asked and known.
    pub total: Option<u64>,
    /// Whether the total is an estimate.
    pub total_is_estimate: bool,
    /// The sort keys of the first row, when they were asked for and rows may stand before it.
    pub first: Option<Vec<Value>>,
    /// The sort keys of the last row, when they were asked for and rows may follow it.
    pub last: Option<Vec<Value>>,
}

impl Listing {
    /// Whether the total is to be estimated.
    pub(crate) fn wants_estimate(&self, query: &Query) -> bool {
        self.total.is_none() && matches!(query.count, Count::Estimate(_))
    }

    /// The list with an estimate of its total, never below what is known.
    pub(crate) fn estimated(mut self, query: &Query, estimate: u64) -> Self {
        let bound = match query.count {
            Count::Estimate(bound) if bound > 0 => u64::from(bound) + 1,
            _ => 0,
        };
        let seen = query.window.offset + self.rows as u64 + u64::from(self.more);
        self.total = Some(estimate.max(bound).max(seen));
        self.total_is_estimate = true;
        self
    }
}

/// The answer to a read of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// A JSON object.
    pub json: Vec<u8>,
    /// Its version, when the query's fields hold it.
    pub version: Option<i64>,
}
