//! Numbers made of many records, by groups, as a value. Rendered by `render`, answered as bytes.

use crate::{Deleted, Window};
use carnet_expr::{AVERAGE_DIGITS, CompareOp, Path, Predicate};
use carnet_kernel::{CalendarUnit, MAX_PRECISION, Value};
use carnet_model::{FieldType, ResourceIndex};

/// Which records of one resource, in which groups, and what is told of each group.
#[derive(Clone, Debug, PartialEq)]
pub struct Grouping {
    /// Of which resource.
    pub resource: ResourceIndex,
    /// Which records; policy and request joined already.
    pub predicate: Predicate,
    /// Whether records that are deleted softly are among them.
    pub deleted: Deleted,
    /// What groups have in common, and what is made of each; in the order of the JSON. One group of
    /// all records when none is a key.
    pub columns: Vec<GroupColumn>,
    /// Which groups.
    pub having: Having,
    /// In which order; a planner ends it with every key.
    pub order: Vec<GroupOrder>,
    /// Which part of them.
    pub window: Window,
}

/// One member of a group's object.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupColumn {
    /// Its name in the JSON.
    pub name: String,
    /// What it is.
    pub made: Made,
}

/// What a group is told by, or what is made of its records. Paths lead over to-one relations; null
/// values do not count.
#[derive(Clone, Debug, PartialEq)]
pub enum Made {
    /// What its records have in common.
    Key {
        /// The field.
        path: Path,
        /// The beginning of this unit, for dates and moments.
        unit: Option<CalendarUnit>,
    },
    /// How many records it has, or how many values.
    Count(Option<Path>),
    /// The exact sum of an integer or decimal field.
    Sum(Path),
    /// Its mean, with [`AVERAGE_DIGITS`] more fraction digits, half away from zero.
    Average(Path),
    /// The smallest value; text by code point.
    Min(Path),
    /// The largest value.
    Max(Path),
}

/// A condition on groups.
#[derive(Clone, Debug, PartialEq)]
pub enum Having {
    /// All of them; every group when empty.
    All(Vec<Having>),
    /// One of them.
    Any(Vec<Having>),
    /// The opposite; unknown stays unknown.
    Not(Box<Having>),
    /// A comparison, unknown beside null but for `Eq` and `Ne`.
    Compare {
        /// Of what.
        made: Made,
        /// How.
        op: CompareOp,
        /// With what: an integer beside a count, a decimal of the fitting scale beside a sum or a
        /// mean, a value of the field beside a smallest or largest one.
        value: Value,
    },
    /// Whether it is null.
    IsNull(Made),
}

/// One sort key of groups; null is the smallest value.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupOrder {
    /// By what; a key is one of the grouping's.
    pub by: Made,
    /// From large to small.
    pub descending: bool,
}

/// The answer to a grouping.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Groups {
    /// A JSON array of objects.
    pub json: Vec<u8>,
    /// How many objects it holds.
    pub rows: usize,
    /// Whether more follow.
    pub more: bool,
    /// How many groups there are in all; unknown for a page behind the last.
    pub total: Option<u64>,
}

/// How many fraction digits a sum of such a field has; none for what cannot be added.
pub fn sum_scale(kind: &FieldType) -> Option<u8> {
    match kind {
        FieldType::Integer { .. } => Some(0),
        FieldType::Decimal { scale, .. } => Some(*scale),
        _ => None,
    }
}

/// How many fraction digits a mean of such a field has.
pub fn average_scale(kind: &FieldType) -> Option<u8> {
    let scale = sum_scale(kind)?;
    Some(scale + AVERAGE_DIGITS.min(MAX_PRECISION - scale))
}
