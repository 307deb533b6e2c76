//! A part of a transaction, and the parts that are open. Not how a savepoint is carried out: that is
//! the adapters'.

use crate::Error;
use crate::transaction::{Savepoint, Transaction};
use std::sync::Arc;
use tokio::sync::OwnedRwLockWriteGuard;

/// How deep parts nest: what nests them, logic that calls logic, is bounded far below.
const MOST_OPEN: usize = 32;

/// A part of a transaction that stands or falls as a whole: what was done in it is undone when it is
/// dropped without [`keep`](Self::keep), as with the future of code that is not waited for any more.
/// What is asked of the rest of the transaction meanwhile waits for its end; parts nest.
pub struct Part {
    inner: Transaction,
    part: u32,
    _alone: OwnedRwLockWriteGuard<()>,
}

impl Part {
    pub(crate) async fn begin(outer: &Transaction) -> Result<Self, Error> {
        let alone = Arc::clone(&outer.gate).write_owned().await;
        let part = outer.desk.begin(outer.part)?;
        Ok(Self {
            inner: Transaction {
                desk: Arc::clone(&outer.desk),
                gate: Arc::default(),
                part: Some(part),
            },
            part,
            _alone: alone,
        })
    }

    /// The handle for what happens in it.
    pub fn transaction(&self) -> &Transaction {
        &self.inner
    }

    /// Lets what was done in it stand, as far as what is around it does.
    ///
    /// Errors: `TransactionOver` where that has ended before, and with it this part.
    pub fn keep(self) -> Result<(), Error> {
        self.inner.desk.end(self.part, true)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Of a part that is kept, or over with what was around it, there is nothing to end.
        drop(self.inner.desk.end(self.part, false));
    }
}

/// The parts of a transaction that are open, the innermost last. Only the code of the innermost one
/// may ask for anything: the gates of the others are closed by the part within.
#[derive(Debug, Default)]
pub(crate) struct Open {
    parts: Vec<u32>,
    last: u32,
}

impl Open {
    /// Whether a part is open; the whole transaction always is.
    pub(crate) fn has(&self, part: Option<u32>) -> bool {
        part.is_none_or(|part| self.parts.contains(&part))
    }

    /// Opens one more: its number and its mark.
    pub(crate) fn begin(&mut self) -> Result<(u32, Savepoint), Error> {
        if self.parts.len() >= MOST_OPEN {
            return Err(Error::Internal("parts nest too deeply".to_owned()));
        }
        self.last += 1;
        self.parts.push(self.last);
        Ok((self.last, Savepoint::Mark(self.parts.len())))
    }

    /// Ends a part and all within it; `None` where that happened before.
    pub(crate) fn end(&mut self, part: u32, keep: bool) -> Option<Savepoint> {
        let place = self.parts.iter().position(|open| *open == part)?;
        self.parts.truncate(place);
        Some(match keep {
            true => Savepoint::Release(place + 1),
            false => Savepoint::Undo(place + 1),
        })
    }

    /// Undoes all that are open.
    pub(crate) fn undo(&mut self) -> Option<Savepoint> {
        let outermost = *self.parts.first()?;
        self.end(outermost, false)
    }
}

/// The statements for savepoints, by depth.
macro_rules! savepoints {
    ($($depth:literal)*) => {
        &[$((
            concat!("savepoint part_", $depth),
            concat!("release savepoint part_", $depth),
            concat!("rollback to savepoint part_", $depth),
        )),*]
    };
}

const STATEMENTS: &[(&str, &str, &str)] = savepoints! {
    1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32
};

const _: () = assert!(STATEMENTS.len() == MOST_OPEN);

impl Savepoint {
    /// The statements for it, the same on both databases. Those of a part end the parts within, too.
    pub(crate) fn statements(self) -> Vec<&'static str> {
        let (Self::Mark(depth) | Self::Release(depth) | Self::Undo(depth)) = self;
        let known = depth.checked_sub(1).and_then(|place| STATEMENTS.get(place));
        let Some((mark, release, undo)) = known else {
            return Vec::new();
        };
        match self {
            Self::Mark(_) => vec![mark],
            Self::Release(_) => vec![release],
            Self::Undo(_) => vec![undo, release],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_takes_the_parts_within_along() {
        let mut open = Open::default();
        let (outer, mark) = open.begin().unwrap();
        assert_eq!(mark.statements(), ["savepoint part_1"]);
        let (inner, mark) = open.begin().unwrap();
        assert_eq!(mark, Savepoint::Mark(2));
        assert_eq!(open.end(outer, true), Some(Savepoint::Release(1)));
        assert!(!open.has(Some(inner)));
        assert_eq!(open.end(inner, false), None);
        assert_eq!(open.undo(), None);
        let (_, mark) = open.begin().unwrap();
        open.begin().unwrap();
        assert_eq!(mark, Savepoint::Mark(1));
        assert_eq!(open.undo(), Some(Savepoint::Undo(1)));
        assert_eq!(
            Savepoint::Undo(1).statements(),
            ["rollback to savepoint part_1", "release savepoint part_1"]
        );
    }

    #[test]
    fn parts_nest_so_deep_and_no_deeper() {
        let mut open = Open::default();
        for _ in 0..MOST_OPEN {
            let (_, mark) = open.begin().unwrap();
            assert_eq!(mark.statements().len(), 1);
        }
        assert!(open.begin().is_err());
    }
}
