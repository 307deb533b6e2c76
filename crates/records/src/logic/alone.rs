//! A read of one record with logic and without hooks: nothing comes before the logic, and what comes
//! after it waits for nothing. Such reads are many, and a future for each step that is not taken would
//! cost them more than the steps do. Not what happens otherwise: that is `chain`.

use super::run::late;
use super::{Call, Reply, Spot, chain};
use crate::command::Answer;
use crate::fault::panicked;
use carnet_kernel::Refusal;
use carnet_model::Operation;
use carnet_telemetry::logs::catch;
use futures_util::future::{BoxFuture, ready};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::time::timeout_at;

/// The read, under way.
pub(super) struct Alone {
    call: Call,
    running: BoxFuture<'static, Result<Reply, Refusal>>,
}

impl Alone {
    /// Begins it; gives the call back where it is another one. Where the read is `timed`, whoever
    /// polls it does so at its deadline.
    pub(super) fn begin(call: Call, timed: bool) -> Result<Self, Call> {
        let (coded, entry) = (&call.shared.coded, call.entry());
        let is_read = coded.spot == Spot::Operation(Operation::Read);
        let logic = entry.logic.as_ref().filter(|_| coded.logic);
        let Some(logic) = logic.filter(|_| is_read && !entry.is_hooked()) else {
            return Err(call);
        };
        let begun = catch(|| logic.call(call.clone()));
        let mut running = begun.unwrap_or_else(|panic| Box::pin(ready(Err(panicked(&panic)))));
        if let Some(deadline) = call.deadline().filter(|_| !timed) {
            running = Box::pin(async move {
                let in_time = timeout_at(deadline.into(), running).await;
                in_time.unwrap_or_else(|_| Err(late()))
            });
        }
        Ok(Self { call, running })
    }
}

impl Future for Alone {
    type Output = Result<Answer, Refusal>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = match catch(|| self.running.as_mut().poll(context)) {
            Ok(Poll::Ready(outcome)) => outcome,
            Ok(Poll::Pending) => {
                let deadline = self.call.deadline();
                if deadline.is_none_or(|deadline| Instant::now() < deadline) {
                    return Poll::Pending;
                }
                Err(late())
            }
            Err(panic) => Err(panicked(&panic)),
        };
        let call = &self.call;
        call.end();
        let outcome = outcome.and_then(|mut reply| {
            chain::held(call, &mut reply)?;
            Ok(reply.into_answer())
        });
        Poll::Ready(outcome.map_err(|refusal| call.told(refusal)))
    }
}
