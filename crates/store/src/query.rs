//! A read as a value. Made by planners, rendered by `render`, answered as bytes.

use carnet_expr::{FieldIndex, Operand, Path, Predicate, RelationIndex};
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
    pub counts: Vec<RelationIndex>,
    /// How far to count all that fulfil the predicate.
    pub count: Count,
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

/// How far to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Not at all.
    None,
    /// Exactly up to a bound, unknown above it.
    UpTo(u32),
    /// Exactly.
    Exact,
}

/// The answer to a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// A JSON array of objects.
    pub json: Vec<u8>,
    /// How many objects it holds.
    pub rows: usize,
    /// Whether more follow.
    pub more: bool,
    /// How many fulfil the predicate in all, as far as was asked and known.
    pub total: Option<u64>,
}

/// The answer to a read of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// A JSON object.
    pub json: Vec<u8>,
    /// Its version, when the query's fields hold it.
    pub version: Option<i64>,
}
