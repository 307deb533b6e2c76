//! A whole read as one statement: the page first, then what is nested into its rows.

use crate::shape::Shape;
use crate::{Query, Statement};

use super::Frame;

/// A rendered read.
#[derive(Clone, Debug)]
pub(crate) struct Select {
    /// The rows, one more than the window's limit, with everything nested into them.
    pub(crate) main: Statement,
    /// How its rows are written.
    pub(crate) shape: Shape,
    /// One row with one number (`bigint`), to be run in the same snapshot only when
    /// [`Page::finish`](crate::shape::Page::finish) says that the rows did not tell the total.
    pub(crate) fallback_count: Option<Statement>,
}

/// Renders a read.
pub(crate) fn select(frame: Frame<'_>, query: &Query) -> Select {
    let _ = (frame, query);
    Select {
        main: Statement {
            sql: String::new(),
            params: Vec::new(),
        },
        shape: Shape::default(),
        fallback_count: None,
    }
}
