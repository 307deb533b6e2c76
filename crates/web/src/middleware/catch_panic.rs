//! A panic of a handler becomes `INTERNAL`. What it said stays in the log.

use crate::metrics;
use crate::problem::Problem;
use carnet_kernel::Code;
use futures_util::FutureExt;
use std::any::Any;
use std::panic::AssertUnwindSafe;

/// Runs `future` to its end or its panic.
pub(crate) async fn guard<T>(future: impl Future<Output = T>) -> Result<T, Problem> {
    // Handlers share only what is behind locks and atomics, and those are used poison-aware.
    match AssertUnwindSafe(future).catch_unwind().await {
        Ok(value) => Ok(value),
        Err(payload) => {
            metrics::panicked();
            // The panic hook knows the place and has written the entry, where it is installed.
            if !carnet_telemetry::logs::panics_are_logged() {
                tracing::error!(panic.message = message(&*payload), "a handler panicked");
            }
            Err(Problem::new(
                Code::Internal,
                "something failed inside the platform; its log has the cause under this correlation id",
            ))
        }
    }
}

fn message(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message")
}
