//! A read with code, which has no transaction: until its deadline, with the records that its code left
//! to be read. With logic and without hooks nothing comes before the logic; such reads are many, and a
//! future for each step of `chain` that is not taken would cost them more than the steps do.

use super::run::{late, settled};
use super::{Call, Reply, chain};
use crate::command::Answer;
use crate::fault::panicked;
use crate::operations::Carried;
use carnet_kernel::Refusal;
use carnet_telemetry::logs::catch;
use futures_util::future::{BoxFuture, ready};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::time::timeout_at;

/// The read, under way.
pub(super) struct Reading {
    call: Call,
    /// Whether whoever asked reads the records that logic left.
    streams: bool,
    /// Whether whoever polls has a timer for the deadline.
    timed: bool,
    /// Whether the logic runs without `chain`.
    alone: bool,
    under_way: UnderWay,
}

enum UnderWay {
    Code(BoxFuture<'static, Result<Reply, Refusal>>),
    /// The records that it left.
    Records(Carried<'static>),
}

impl Reading {
    /// Begins it, to be polled at once: what of the logic waits for nothing runs here.
    pub(super) fn begin(call: Call, streams: bool, timed: bool) -> Self {
        let entry = call.entry();
        let logic = entry.logic.as_ref().filter(|_| call.shared.coded.logic);
        let logic = logic.filter(|_| !entry.is_hooked());
        let running: BoxFuture<'static, _> = match logic {
            Some(logic) => catch(|| logic.call(call.clone()))
                .unwrap_or_else(|panic| Box::pin(ready(Err(panicked(&panic))))),
            None => {
                let call = call.clone();
                Box::pin(async move { chain::run(&call).await })
            }
        };
        Self {
            alone: logic.is_some(),
            under_way: UnderWay::Code(with_timer(&call, timed, running)),
            call,
            streams,
            timed,
        }
    }

    /// The answer, or nothing yet when records are to be read for it.
    fn replied(&mut self, mut reply: Reply) -> Result<Option<Answer>, Refusal> {
        if self.alone {
            chain::held(&self.call, &mut reply)?;
        }
        if self.streams || !reply.is_streamed() {
            return Ok(Some(reply.into_answer()));
        }
        let call = self.call.clone();
        let reading = Box::pin(async move { settled(&call, reply, false).await });
        self.under_way = UnderWay::Records(with_timer(&self.call, self.timed, reading));
        Ok(None)
    }

    fn step(&mut self, context: &mut Context<'_>) -> Poll<Result<Answer, Refusal>> {
        if let UnderWay::Code(running) = &mut self.under_way {
            let Poll::Ready(outcome) = running.as_mut().poll(context) else {
                return Poll::Pending;
            };
            self.call.end();
            match outcome.and_then(|reply| self.replied(reply)) {
                Ok(None) => {}
                Ok(Some(answer)) => return Poll::Ready(Ok(answer)),
                Err(refusal) => return Poll::Ready(Err(refusal)),
            }
        }
        match &mut self.under_way {
            UnderWay::Records(reading) => reading.as_mut().poll(context),
            UnderWay::Code(_) => Poll::Pending,
        }
    }
}

impl Future for Reading {
    type Output = Result<Answer, Refusal>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = match catch(|| self.step(context)) {
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
        self.call.end();
        Poll::Ready(outcome.map_err(|refusal| self.call.told(refusal)))
    }
}

/// With a timer, unless whoever polls has one.
fn with_timer<T: 'static>(
    call: &Call,
    timed: bool,
    running: BoxFuture<'static, Result<T, Refusal>>,
) -> BoxFuture<'static, Result<T, Refusal>> {
    match call.deadline() {
        Some(deadline) if !timed => Box::pin(async move {
            let outcome = timeout_at(deadline.into(), running).await;
            outcome.unwrap_or_else(|_| Err(late()))
        }),
        _ => running,
    }
}
