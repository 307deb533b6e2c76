//! The panic hook: one log entry per panic, within the spans it happened in; none where somebody
//! catches the panic who tells the log more of it.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, PanicHookInfo};
use std::sync::atomic::{AtomicBool, Ordering};

static HOOKED: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Whether what runs here is run by [`catch`].
    static CATCHING: Cell<bool> = const { Cell::new(false) };
    /// What the hook saw of a panic on its way to [`catch`].
    static SEEN: Cell<Option<Box<Panic>>> = const { Cell::new(None) };
}

/// A panic that was caught, for whoever tells the log of it.
#[derive(Debug)]
pub struct Panic {
    message: String,
    /// Where it happened, if the hook is installed.
    location: Option<String>,
    /// Only of a process that was started with `RUST_BACKTRACE`.
    backtrace: Option<String>,
}

/// Whether a panic has already been logged by the time it is caught.
pub fn hooked() -> bool {
    HOOKED.load(Ordering::Relaxed)
}

/// Runs `run` and catches its panic, which the hook then leaves to the caller to log. What `run`
/// shares with others must bear being left in the middle.
pub fn catch<T>(run: impl FnOnce() -> T) -> Result<T, Box<Panic>> {
    let before = CATCHING.replace(true);
    let outcome = std::panic::catch_unwind(AssertUnwindSafe(run));
    CATCHING.set(before);
    let seen = SEEN.take();
    match outcome {
        Ok(value) => {
            // Caught on its way by the code itself: it is logged as any other.
            if let Some(panic) = seen {
                panic.log();
            }
            Ok(value)
        }
        Err(payload) => Err(seen.unwrap_or_else(|| Box::new(Panic::unseen(&*payload)))),
    }
}

/// Sends panics to the log; to the former hook when errors are not logged at all.
pub(super) fn install() {
    let former = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !tracing::enabled!(tracing::Level::ERROR) {
            former(info);
        } else if CATCHING.try_with(Cell::get).unwrap_or(false) {
            keep(Box::new(Panic::of(info)));
        } else {
            Panic::of(info).log();
        }
    }));
    HOOKED.store(true, Ordering::Relaxed);
}

/// Keeps a panic for whoever catches it; a second one on the way may end the process.
fn keep(panic: Box<Panic>) {
    match SEEN.take() {
        None => SEEN.set(Some(panic)),
        Some(first) => {
            first.log();
            panic.log();
        }
    }
}

impl Panic {
    fn of(info: &PanicHookInfo<'_>) -> Self {
        // Captured only when the process was started with RUST_BACKTRACE.
        let backtrace = Backtrace::capture();
        let captured = backtrace.status() == BacktraceStatus::Captured;
        Self {
            message: info.payload_as_str().unwrap_or(SILENT).to_owned(),
            location: info.location().map(ToString::to_string),
            backtrace: captured.then(|| backtrace.to_string()),
        }
    }

    fn unseen(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        Self {
            message: text.unwrap_or(SILENT).to_owned(),
            location: None,
            backtrace: None,
        }
    }

    fn log(&self) {
        tracing::error!(
            panic.message = self.message,
            panic.location = self.location,
            panic.backtrace = self.backtrace,
            "the program panicked"
        );
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "panicked: {}", self.message)?;
        if let Some(location) = &self.location {
            write!(out, ", at {location}")?;
        }
        match &self.backtrace {
            Some(backtrace) => write!(out, "\n{backtrace}"),
            None => Ok(()),
        }
    }
}

/// What is said of a panic that says nothing.
const SILENT: &str = "a panic without a message";
