//! The panic hook: one log entry per panic, within the spans it happened in. Not the catching.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, Ordering};

static HOOKED: AtomicBool = AtomicBool::new(false);

/// Whether a panic has already been logged by the time it is caught.
pub fn hooked() -> bool {
    HOOKED.load(Ordering::Relaxed)
}

/// Sends panics to the log; to the former hook when errors are not logged at all.
pub(super) fn install() {
    let former = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if tracing::enabled!(tracing::Level::ERROR) {
            log(info);
        } else {
            former(info);
        }
    }));
    HOOKED.store(true, Ordering::Relaxed);
}

fn log(info: &PanicHookInfo<'_>) {
    let message = info.payload_as_str().unwrap_or("a panic without a message");
    let location = info.location().map(ToString::to_string).unwrap_or_default();
    // Captured only when the process was started with RUST_BACKTRACE.
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        tracing::error!(
            panic.message = message,
            panic.location = location,
            panic.backtrace = %backtrace,
            "the program panicked"
        );
    } else {
        tracing::error!(
            panic.message = message,
            panic.location = location,
            "the program panicked"
        );
    }
}
