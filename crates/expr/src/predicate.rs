//! The tree itself. Not its text forms: those are parsed by the crates that own a syntax.

use carnet_kernel::search::Analysis;
use carnet_kernel::{JsonText, Value};

/// A field by its place in its resource's field list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldIndex(pub u16);

/// A relation by its place in its resource's relation list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelationIndex(pub u16);

/// A field of the row itself or of a row reached over to-one relations.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path {
    /// To-one relations, each of the resource the one before leads to; empty for the row itself.
    pub steps: Vec<RelationIndex>,
    /// The field of the resource the last step leads to.
    pub field: FieldIndex,
    /// The way inside a json field; empty for the field as a whole. What is not there is null, as
    /// is JSON's own null.
    pub inside: Vec<JsonStep>,
}

impl Path {
    /// A field of the row itself.
    pub fn own(field: FieldIndex) -> Self {
        Self::over(Vec::new(), field)
    }

    /// A field over to-one steps.
    pub fn over(steps: Vec<RelationIndex>, field: FieldIndex) -> Self {
        Self {
            steps,
            field,
            inside: Vec::new(),
        }
    }
}

/// One step inside a JSON value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JsonStep {
    /// A member of an object; nothing in anything else.
    Key(String),
    /// A member of an array, from 0; nothing in anything else.
    Index(u32),
}

/// A number made of the records over a to-many relation.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    /// To-one steps to the resource that has the relation.
    pub steps: Vec<RelationIndex>,
    /// The to-many relation.
    pub relation: RelationIndex,
    /// Which of the related records it is made of.
    pub predicate: Predicate,
    /// What is made of them.
    pub function: Function,
}

/// What is made of many records. Fields belong to the related resource; null values do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    /// How many records there are; an integer, 0 for none.
    Count,
    /// The exact sum of an integer, decimal or duration field, or that of a float field as
    /// [`FloatSum`](crate::FloatSum) has it; null for none.
    Sum(FieldIndex),
    /// The mean of such a field, with [`AVERAGE_DIGITS`] more fraction digits than the field (but
    /// at most 18; a duration keeps whole microseconds), half away from zero; of a float field the
    /// sum divided as floats are; null for none.
    Average(FieldIndex),
    /// The smallest value; null for none. Text compares by code point.
    Min(FieldIndex),
    /// The largest value; null for none.
    Max(FieldIndex),
}

/// How many fraction digits a mean has beyond those of its field.
pub const AVERAGE_DIGITS: u8 = 4;

/// The mean of `count` numbers with that sum, `10^digits` times, rounded half away from zero;
/// nothing for none.
pub fn average(sum: i128, count: u64, digits: u8) -> Option<i128> {
    if count == 0 {
        return None;
    }
    let count = i128::from(count);
    // At most 2^63 values of 18 digits: the product stays below 2^127 up to 10^15 of them.
    let scaled = sum.saturating_mul(10_i128.saturating_pow(u32::from(digits)));
    let size = scaled
        .unsigned_abs()
        .saturating_mul(2)
        .saturating_add(count.unsigned_abs())
        / (count.unsigned_abs() * 2);
    i128::try_from(size).ok().map(|size| size * scaled.signum())
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// A field.
    Path(Path),
    /// A literal, already of the type of the field it is compared with. Beside a sum it has the
    /// type of the field, beside a mean that of [`Function::Average`].
    Value(Value),
    /// A number made of related records.
    Aggregate(Box<Aggregate>),
}

/// Comparison of two operands of one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CompareOp {
    /// Same value; null is the same as null. Never unknown.
    Eq,
    /// Not the same value. Never unknown.
    Ne,
    /// Greater; unknown beside null.
    Gt,
    /// Greater or same; unknown beside null.
    Gte,
    /// Less; unknown beside null.
    Lt,
    /// Less or same; unknown beside null.
    Lte,
}

/// A test of a text against a pattern; unknown for null.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextOp {
    /// The pattern stands somewhere in the text.
    Contains,
    /// The text starts with the pattern.
    StartsWith,
    /// The text ends with the pattern.
    EndsWith,
    /// `%` any characters, `_` one character, `\` takes the next character as it is.
    Like,
}

/// One thing a search looks for, made of words as `kernel::search` makes them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SearchTerm {
    /// These words one after another in one field; the last may be the beginning of one.
    Words {
        /// At least one.
        words: Vec<String>,
        /// Whether the last is a beginning.
        prefix: bool,
    },
    /// A word whose stem is one of these stored words.
    Stem(Vec<String>),
    /// A word that is like this one.
    Similar(String),
}

impl SearchTerm {
    /// Whether an index ranks by it; likeness is told apart by us.
    pub fn is_ranked(&self) -> bool {
        !matches!(self, Self::Similar(_))
    }

    /// What the stored form of a field must hold for words that stand together.
    pub fn needle(&self) -> Option<String> {
        match self {
            Self::Words { words, prefix } => {
                let mut needle = String::new();
                for word in words {
                    needle.push(' ');
                    needle.push_str(word);
                }
                if !prefix {
                    needle.push(' ');
                }
                Some(needle)
            }
            Self::Stem(_) | Self::Similar(_) => None,
        }
    }
}

/// A condition over one row of one resource.
#[derive(Clone, Debug, PartialEq)]
pub enum Predicate {
    /// Every row.
    True,
    /// No row.
    False,
    /// All of them; `True` when empty.
    And(Vec<Predicate>),
    /// One of them; `False` when empty.
    Or(Vec<Predicate>),
    /// The opposite; unknown stays unknown.
    Not(Box<Predicate>),
    /// A comparison.
    Compare {
        /// How.
        op: CompareOp,
        /// The left side.
        left: Operand,
        /// The right side.
        right: Operand,
    },
    /// Membership. Never unknown: null is a member when the list holds null.
    In {
        /// What is looked for.
        operand: Operand,
        /// Where, all of one type.
        list: Vec<Value>,
    },
    /// A null test. Never unknown.
    IsNull(Operand),
    /// A text test.
    Text {
        /// How.
        op: TextOp,
        /// Of which field.
        path: Path,
        /// With which pattern; folded already when `caseless`.
        pattern: String,
        /// Compares the field's folded companion.
        caseless: bool,
    },
    /// A search: every term is found in the row's own `fields`, each in any of them. Never unknown.
    Search {
        /// The fields that the resource searches, in its order.
        fields: Vec<FieldIndex>,
        /// How their words are made.
        analysis: Analysis,
        /// What is looked for; at least one.
        terms: Vec<SearchTerm>,
    },
    /// A test of a list's members. Never unknown: a null list has none.
    Has {
        /// The list field.
        path: Path,
        /// Whether all of `list` must be members, or one of them.
        all: bool,
        /// What is looked for.
        list: Vec<JsonText>,
    },
    /// Whether the inner predicate is true. Never unknown.
    Holds(Box<Predicate>),
    /// At least one record over a to-many relation fulfils the inner predicate.
    Exists {
        /// To-one steps to the resource that has the relation.
        steps: Vec<RelationIndex>,
        /// The to-many relation.
        relation: RelationIndex,
        /// Over the related resource.
        predicate: Box<Predicate>,
    },
}

impl Predicate {
    /// `field op value` over the row itself.
    pub fn compare(field: FieldIndex, op: CompareOp, value: Value) -> Self {
        Self::Compare {
            op,
            left: Operand::Path(Path::own(field)),
            right: Operand::Value(value),
        }
    }

    /// Some record over a to-many relation makes `condition` true.
    pub fn some(steps: Vec<RelationIndex>, relation: RelationIndex, condition: Self) -> Self {
        Self::Exists {
            steps,
            relation,
            predicate: Box::new(condition),
        }
    }

    /// No record over a to-many relation is such that `condition` is not true of it: false and
    /// unknown both count against it, and where there is no record it holds.
    pub fn every(steps: Vec<RelationIndex>, relation: RelationIndex, condition: Self) -> Self {
        let against = Self::Not(Box::new(Self::Holds(Box::new(condition))));
        Self::Not(Box::new(Self::some(steps, relation, against)))
    }

    /// Both, without needless nesting.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::True, rest) | (rest, Self::True) => rest,
            (Self::And(mut left), Self::And(right)) => {
                left.extend(right);
                Self::And(left)
            }
            (Self::And(mut list), one) => {
                list.push(one);
                Self::And(list)
            }
            (one, other) => Self::And(vec![one, other]),
        }
    }

    /// How many tests the tree holds, for cost bounds.
    pub fn terms(&self) -> usize {
        match self {
            Self::True | Self::False => 0,
            Self::And(list) | Self::Or(list) => list.iter().map(Self::terms).sum(),
            Self::Not(inner) | Self::Holds(inner) => inner.terms(),
            Self::Exists { predicate, .. } => 1 + predicate.terms(),
            Self::In { list, .. } => 1 + list.len() / 100,
            Self::Search { terms, .. } => terms.len(),
            Self::Has { list, .. } => 1 + list.len() / 100,
            Self::Compare { .. } | Self::IsNull(_) | Self::Text { .. } => 1,
        }
    }
}
