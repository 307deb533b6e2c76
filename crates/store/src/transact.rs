//! Code in a transaction, from its beginning to its end: run until it first needs the database, then
//! handed to the adapter, and run again when it lost a race. Not what an adapter does with it.

use crate::store::Engine;
use crate::transaction::{Asked, Desk, Found, Lost, Read, Reading, Request, Step};
use crate::{Error, How, Scope, Stamp, Task, Transacted, Transaction, metrics};
use carnet_model::ModelView;
use futures_util::future::join_all;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

/// How often code that lost its race runs again.
const MOST_RERUNS: u32 = 5;

/// How often code whose early reads were overtaken runs again before it reads inside.
const MOST_LATE: u32 = 3;

/// What the code did before it needed the database.
enum Begun {
    Asked(Vec<Request>),
    Ended(crate::Ended),
}

impl Scope {
    /// Runs the code that `make` gives in one transaction of this tenant, which begins when it first
    /// asks for something. Its writes stand when it ends with `keep`. It may run several times: a
    /// race that was lost starts it anew.
    ///
    /// Errors: `Conflict` when it lost too often, `TooLong` and `Stalled` for its limits, `KeyReused`
    /// and `UnderWay` as for other writes, and whatever ended the transaction.
    pub async fn transact(
        &self,
        view: &ModelView,
        stamp: &Stamp,
        how: &How,
        make: &(dyn Fn(Transaction) -> Task + Send + Sync),
    ) -> Result<Transacted, Error> {
        let under_way = &self.store.inner.under_way;
        let receipt = how.receipt.as_ref();
        let _entered = receipt
            .map(|receipt| under_way.enter(self.target.tenant, receipt.key))
            .transpose()?;
        if let Some(receipt) = receipt
            && let Some((request, text)) = self.recall(stamp, receipt).await?
        {
            return earlier(receipt, request, text);
        }
        let mut reruns = 0;
        loop {
            let transaction = Transaction::new();
            let task = make(transaction.clone());
            let outcome =
                Box::pin(self.attempt(view, stamp, how, &transaction, task, reruns)).await;
            transaction.desk().close();
            match outcome {
                Ok(()) => return Ok(Transacted::Ended),
                Err(Lost::Earlier(text)) => return Ok(Transacted::Earlier(text)),
                Err(Lost::Failed(error)) => return Err(error),
                Err(Lost::Again) if reruns >= MOST_RERUNS => return Err(Error::Conflict),
                Err(Lost::Again) => {
                    reruns += 1;
                    metrics::record_rerun();
                    tokio::time::sleep(jitter(reruns)).await;
                }
            }
        }
    }

    async fn attempt(
        &self,
        view: &ModelView,
        stamp: &Stamp,
        how: &How,
        transaction: &Transaction,
        mut task: Task,
        reruns: u32,
    ) -> Result<(), Lost> {
        let late = how.late && reruns < MOST_LATE;
        let desk = transaction.desk();
        let mut seen = Vec::new();
        let first = match self.begin(desk, &mut task, late, &mut seen).await? {
            Begun::Asked(requests) => requests,
            // Nothing was asked of the database, so there is nothing to keep but a receipt.
            Begun::Ended(ended) if !ended.keep || how.receipt.is_none() => return Ok(()),
            Begun::Ended(ended) => {
                task = Box::pin(std::future::ready(ended));
                Vec::new()
            }
        };
        let asked = Asked {
            target: &self.target,
            view,
            stamp,
            how,
            desk: Arc::clone(desk),
            reruns,
            seen,
            first,
            patient: how.late && !late,
        };
        match &self.store.inner.engine {
            Engine::Sqlite(engine) => Box::pin(engine.transact(asked, task)).await,
            Engine::Postgres(engine) => Box::pin(engine.transact(asked, task)).await,
        }
    }

    /// Runs the code as far as it comes without a transaction.
    async fn begin(
        &self,
        desk: &Desk,
        task: &mut Task,
        late: bool,
        seen: &mut Vec<(Reading, Found)>,
    ) -> Result<Begun, Error> {
        loop {
            let requests = match desk.step(task).await? {
                Step::Ended(ended) => return Ok(Begun::Ended(ended)),
                Step::Asks => desk.take(),
            };
            let reads_alone = requests.iter().all(|one| matches!(one, Request::Read(..)));
            if !late || !reads_alone {
                return Ok(Begun::Asked(requests));
            }
            let reads = requests.into_iter().filter_map(|request| match request {
                Request::Read(reading, reply) => Some((*reading, reply)),
                _ => None,
            });
            let served = reads.map(|(reading, reply)| async move {
                let outcome = self.outside(&reading).await;
                let kept = outcome.as_ref().ok().cloned();
                drop(reply.send(outcome));
                kept.map(|found| (reading, found))
            });
            seen.extend(join_all(served).await.into_iter().flatten());
        }
    }

    /// A read beside the transaction.
    async fn outside(&self, reading: &Reading) -> Result<Found, Error> {
        let Reading { target, view, read } = reading;
        match (&self.store.inner.engine, read) {
            (Engine::Sqlite(engine), Read::List(prepared)) => {
                engine.list(target, view, prepared).await.map(Found::List)
            }
            (Engine::Sqlite(engine), Read::Group(grouping)) => engine
                .group(target, view, grouping)
                .await
                .map(Found::Groups),
            (Engine::Sqlite(engine), Read::Find(sought)) => {
                engine.find(target, view, sought).await.map(Found::Document)
            }
            (Engine::Postgres(engine), Read::List(prepared)) => {
                engine.list(target, view, prepared).await.map(Found::List)
            }
            (Engine::Postgres(engine), Read::Group(grouping)) => engine
                .group(target, view, grouping)
                .await
                .map(Found::Groups),
            (Engine::Postgres(engine), Read::Find(sought)) => {
                engine.find(target, view, sought).await.map(Found::Document)
            }
        }
    }

    async fn recall(
        &self,
        stamp: &Stamp,
        receipt: &crate::Receipt,
    ) -> Result<Option<(carnet_kernel::Id, String)>, Error> {
        match &self.store.inner.engine {
            Engine::Sqlite(engine) => engine.recall(&self.target, stamp, receipt).await,
            Engine::Postgres(engine) => engine.recall(&self.target, stamp, receipt).await,
        }
    }
}

/// What a receipt that was found says to who asks for `receipt`.
pub(crate) fn earlier(
    receipt: &crate::Receipt,
    request: carnet_kernel::Id,
    text: String,
) -> Result<Transacted, Error> {
    if request != receipt.request {
        return Err(Error::KeyReused);
    }
    Ok(Transacted::Earlier(text))
}

/// From 0.2 ms up to 1, 2, 4, 8, 12 ms, at random, so that those who lost together do not meet again.
pub(crate) fn jitter(rerun: u32) -> Duration {
    let most = (1_000_u64 << rerun.saturating_sub(1).min(4)).min(12_000);
    let random = RandomState::new().hash_one(rerun);
    Duration::from_micros(200 + random % (most - 200))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay_short() {
        for rerun in 0..100 {
            let wait = jitter(rerun);
            assert!(wait >= Duration::from_micros(200) && wait <= Duration::from_millis(12));
        }
        assert!((0..100).all(|_| jitter(1) < Duration::from_millis(1)));
    }
}
