//! How a write is carried out and what came of it. Not what it changes: that are its units.

use crate::{Changes, Error, WriteFailure};

/// How the units of a write are carried out.
#[derive(Clone, Debug, Default)]
pub struct WriteOptions {
    /// Everything is done and then undone: the answer is what would have been.
    pub dry_run: bool,
}

/// What came of one unit.
pub type Outcome = Result<Changes, WriteFailure>;

/// What came of a write.
#[derive(Debug)]
pub struct Written {
    /// Unit by unit.
    pub outcomes: Vec<Outcome>,
}

impl Written {
    /// What every unit changed; the first failure, if there is one.
    pub fn into_changes(self) -> Result<Vec<Changes>, WriteFailure> {
        self.outcomes.into_iter().collect()
    }
}

impl From<Vec<Changes>> for Written {
    fn from(changes: Vec<Changes>) -> Self {
        Self {
            outcomes: changes.into_iter().map(Ok).collect(),
        }
    }
}

impl WriteFailure {
    /// A failure that belongs to no unit.
    pub(crate) fn nowhere(error: Error) -> Self {
        Self {
            unit: 0,
            step: 0,
            row: 0,
            error,
        }
    }
}
