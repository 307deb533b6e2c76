//! How a write is carried out and what came of it. Not what it changes: that are its units.

use crate::{Changes, Error, WriteFailure};
use carnet_kernel::Id;
use std::fmt;
use std::sync::Arc;

/// How the units of a write are carried out.
#[derive(Clone, Debug, Default)]
pub struct WriteOptions {
    /// What a unit that fails does to the others.
    pub policy: Policy,
    /// Everything is done and then undone: the answer is what would have been.
    pub dry_run: bool,
    /// What makes the write happen once, however often it is asked for.
    pub receipt: Option<Receipt>,
}

/// What a unit that fails does to the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Policy {
    /// All units or none.
    #[default]
    Atomic,
    /// A unit that fails leaves the others alone.
    Each,
}

/// How long a receipt is kept: a day, in microseconds.
pub(crate) const RECEIPT_LIFE: i64 = 24 * 60 * 60 * 1_000_000;

/// A note in the transaction of a write that it took place, found again when it is asked for once
/// more.
#[derive(Clone)]
pub struct Receipt {
    /// The first 16 bytes of a SHA-256 over who asks, for what and under which key.
    pub key: Id,
    /// The same over what is asked. Another request under a key is refused.
    pub request: Id,
    /// What is kept to answer again; nothing is kept without it. Pure.
    pub answer: Arc<Note>,
}

/// Makes the text of a receipt from what came of all units.
pub type Note = dyn Fn(&[Outcome]) -> Option<String> + Send + Sync;

impl fmt::Debug for Receipt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Receipt")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// What came of one unit.
pub type Outcome = Result<Changes, WriteFailure>;

/// What came of a write.
#[derive(Debug, Default)]
pub struct Written {
    /// Unit by unit; empty when it had taken place before.
    pub outcomes: Vec<Outcome>,
    /// The text of the receipt, when it had taken place before.
    pub earlier: Option<String>,
}

impl Written {
    /// What every unit changed; the first failure, if there is one.
    pub fn into_changes(self) -> Result<Vec<Changes>, WriteFailure> {
        self.outcomes.into_iter().collect()
    }

    pub(crate) fn now(outcomes: Vec<Outcome>) -> Self {
        Self {
            outcomes,
            earlier: None,
        }
    }

    /// What a receipt that was found says to who asks for `receipt`.
    pub(crate) fn earlier(receipt: &Receipt, request: Id, answer: String) -> Result<Self, Error> {
        if request != receipt.request {
            return Err(Error::KeyReused);
        }
        Ok(Self {
            outcomes: Vec::new(),
            earlier: Some(answer),
        })
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

    /// Whether it is the unit's own, so that others may go on without it.
    pub(crate) fn is_own(&self) -> bool {
        match &self.error {
            Error::Refused(refusal) => refusal.code.status() < 500,
            Error::Unique { .. }
            | Error::ReferenceMissing { .. }
            | Error::InUse { .. }
            | Error::Conflict => true,
            _ => false,
        }
    }
}
