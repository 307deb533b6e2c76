//! Code before and after an operation. Hooks of one moment run in their order, then in that of
//! their registration.

use super::Point;

/// When a hook runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Moment {
    /// Before the body is validated: it may still be changed.
    BeforeValidate,
    /// After the body was found valid.
    AfterValidate,
    /// In the transaction, before the logic or the operation.
    Before,
    /// In the transaction, after it; may change the reply.
    After,
    /// After the commit, when nothing can be refused any more. A crash between the commit and the
    /// hook loses it.
    AfterCommit,
}

impl Moment {
    /// Every moment, in the order of a request.
    pub const ALL: [Self; 5] = [
        Self::BeforeValidate,
        Self::AfterValidate,
        Self::Before,
        Self::After,
        Self::AfterCommit,
    ];

    /// Its name for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BeforeValidate => "before validate",
            Self::AfterValidate => "after validate",
            Self::Before => "before",
            Self::After => "after",
            Self::AfterCommit => "after commit",
        }
    }
}

/// Where and when a hook runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    pub(crate) moment: Moment,
    pub(crate) point: Point,
    pub(crate) order: i32,
}

impl Hook {
    fn new(moment: Moment, point: impl Into<Point>) -> Self {
        Self {
            moment,
            point: point.into(),
            order: 0,
        }
    }

    /// Lower runs earlier; 0 unless said.
    #[must_use]
    pub fn order(mut self, order: i32) -> Self {
        self.order = order;
        self
    }
}

/// Before the body is validated.
pub fn before_validate(point: impl Into<Point>) -> Hook {
    Hook::new(Moment::BeforeValidate, point)
}

/// After the body was found valid.
pub fn after_validate(point: impl Into<Point>) -> Hook {
    Hook::new(Moment::AfterValidate, point)
}

/// In the transaction, before the operation.
pub fn before(point: impl Into<Point>) -> Hook {
    Hook::new(Moment::Before, point)
}

/// In the transaction, after the operation.
pub fn after(point: impl Into<Point>) -> Hook {
    Hook::new(Moment::After, point)
}

/// After the commit.
pub fn after_commit(point: impl Into<Point>) -> Hook {
    Hook::new(Moment::AfterCommit, point)
}
