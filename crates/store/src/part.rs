//! A part of a transaction, and who may ask the transaction something while one is under way. Not how
//! a savepoint is carried out: that is the adapters'.

use crate::Error;
use crate::transaction::{Request, Savepoint, Transaction, over};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::{OwnedRwLockWriteGuard, RwLock, RwLockReadGuard};

/// Who may ask something of a transaction: one part, or everybody else.
#[derive(Default)]
pub(crate) struct Gate {
    turn: Arc<RwLock<()>>,
    over: AtomicBool,
}

impl Gate {
    pub(crate) async fn enter(&self) -> Result<RwLockReadGuard<'_, ()>, Error> {
        let among = self.turn.read().await;
        self.check().map(|()| among)
    }

    async fn enter_alone(&self) -> Result<OwnedRwLockWriteGuard<()>, Error> {
        let alone = Arc::clone(&self.turn).write_owned().await;
        self.check().map(|()| alone)
    }

    fn check(&self) -> Result<(), Error> {
        match self.over.load(Ordering::Acquire) {
            true => Err(over()),
            false => Ok(()),
        }
    }
}

/// A part of a transaction that stands or falls as a whole: what was done in it is undone when it is
/// dropped without [`keep`](Self::keep), as by code that stops waiting for it. What is asked of the
/// rest of the transaction meanwhile waits for its end; parts nest.
pub struct Part {
    inner: Transaction,
    ended: bool,
    _alone: OwnedRwLockWriteGuard<()>,
}

impl Part {
    pub(crate) async fn begin(outer: &Transaction) -> Result<Self, Error> {
        let alone = outer.gate.enter_alone().await?;
        outer.desk.put(Request::Savepoint(Savepoint::Mark))?;
        Ok(Self {
            inner: Transaction {
                desk: Arc::clone(&outer.desk),
                gate: Arc::default(),
            },
            ended: false,
            _alone: alone,
        })
    }

    /// The handle for what happens in it.
    pub fn transaction(&self) -> &Transaction {
        &self.inner
    }

    /// Lets what was done in it stand, as far as the transaction does.
    pub fn keep(mut self) {
        self.end(Savepoint::Release);
    }

    fn end(&mut self, how: Savepoint) {
        if !std::mem::replace(&mut self.ended, true) {
            self.inner.gate.over.store(true, Ordering::Release);
            // Where nothing more is taken, the transaction is over, and with it the part.
            drop(self.inner.desk.put(Request::Savepoint(how)));
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.end(Savepoint::Undo);
    }
}
