//! Numbers made of many records, by groups, as a value. Rendered by `render`, answered as bytes.

use crate::{Deleted, Seek, Window};
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
    /// Where in the order the page begins.
    pub seek: Seek,
    /// Whether all groups are counted.
    pub counted: bool,
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
    /// The sum of a number or duration field; what it is like tells [`sum_type`].
    Sum(Path),
    /// Its mean, as [`average_type`] tells: with [`AVERAGE_DIGITS`] more fraction digits, half away
    /// from zero; of floats their sum, divided as floats are.
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
        /// With what: an integer beside a count, a value of its type beside a sum or a mean, a
        /// value of the field beside a key and beside a smallest or largest one.
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
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Groups {
    /// A JSON array of objects, or one object a line.
    pub json: Vec<u8>,
    /// How many objects it holds.
    pub rows: usize,
    /// Whether more follow.
    pub more: bool,
    /// How many groups there are in all, if it was asked for; unknown for a page behind the last.
    pub total: Option<u64>,
    /// The values of the order of the first group, when they were asked for and groups may stand
    /// before it.
    pub first: Option<Vec<Value>>,
    /// The same of the last group, when groups may follow it.
    pub last: Option<Vec<Value>>,
}

/// The type of the sum of such a field; none for what cannot be added. A sum of integers, decimals
/// and durations may be larger than any value of that type.
pub fn sum_type(kind: &FieldType) -> Option<FieldType> {
    Some(match kind {
        FieldType::Integer { .. } => FieldType::Integer {
            min: None,
            max: None,
        },
        FieldType::Decimal { scale, .. } => decimal(*scale),
        FieldType::Float { .. } => FieldType::Float {
            min: None,
            max: None,
        },
        FieldType::Duration => FieldType::Duration,
        _ => return None,
    })
}

/// The type of the mean of such a field.
pub fn average_type(kind: &FieldType) -> Option<FieldType> {
    match kind {
        FieldType::Integer { .. } => Some(decimal(AVERAGE_DIGITS)),
        FieldType::Decimal { scale, .. } => Some(decimal(scale + average_digits(kind))),
        kind => sum_type(kind),
    }
}

/// How many fraction digits a mean of such a field has more than the field.
pub(crate) fn average_digits(kind: &FieldType) -> u8 {
    match kind {
        FieldType::Decimal { scale, .. } => AVERAGE_DIGITS.min(MAX_PRECISION - *scale),
        FieldType::Integer { .. } => AVERAGE_DIGITS,
        _ => 0,
    }
}

fn decimal(scale: u8) -> FieldType {
    FieldType::Decimal {
        precision: MAX_PRECISION,
        scale,
        min: None,
        max: None,
    }
}
