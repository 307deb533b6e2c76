//! What fails inside the platform or in the code of an application, told to the log: once, with all
//! that a client is not told. The one place that writes such a line.

use carnet_kernel::{Code, Context, Refusal};
use carnet_telemetry::logs::{Panic, catch};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// What was under way.
pub(crate) struct Place<'a> {
    pub(crate) resource: &'a str,
    /// The operation or the action.
    pub(crate) point: &'a str,
    /// The code that stands there.
    pub(crate) logic: Option<&'a str>,
}

/// Tells the log of a failure that is no client's, unless it knows already.
pub(crate) fn tell(context: &Context, place: &Place<'_>, refusal: &mut Refusal) {
    if refusal.code.status() < 500 || refusal.logged {
        return;
    }
    refusal.logged = true;
    tracing::error!(
        correlation.id = %context.correlation,
        tenant.id = context.tenant.0,
        resource = place.resource,
        point = place.point,
        logic = place.logic,
        code = refusal.code.as_str(),
        cause = refusal.cause.as_deref(),
        "an operation failed: {}",
        refusal.message
    );
}

/// `LOGIC_MISUSED`: the log is told how, the client only that.
pub(crate) fn misused(cause: impl Into<Box<str>>) -> Refusal {
    let message = "the code of this operation uses the platform wrongly";
    Refusal::new(Code::LogicMisused, message).because(cause)
}

/// `LOGIC_PANICKED`, of what was caught.
pub(crate) fn panicked(panic: &Panic) -> Refusal {
    let message = "the code of this operation failed";
    Refusal::new(Code::LogicPanicked, message).because(panic.to_string())
}

/// Runs code of an application; its panic is a refusal.
pub(crate) async fn guarded<T>(
    mut running: Pin<&mut impl Future<Output = Result<T, Refusal>>>,
) -> Result<T, Refusal> {
    poll_fn(|context| match catch(|| running.as_mut().poll(context)) {
        Ok(polled) => polled,
        Err(panic) => Poll::Ready(Err(panicked(&panic))),
    })
    .await
}
