//! Interruption: a task that is told to stop passes it on to the command it runs and then cleans
//! up, instead of leaving servers and folders behind.

use rustix::process::{Pid, Signal, kill_process};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
use tokio::signal::unix::{SignalKind, signal};

static CHILD: AtomicI32 = AtomicI32::new(0);
static RECEIVED: AtomicUsize = AtomicUsize::new(0);

static WATCHING: AtomicBool = AtomicBool::new(false);

/// From now on SIGINT, SIGTERM and SIGHUP end the running command, not this process.
pub(crate) fn watch() -> std::io::Result<()> {
    if WATCHING.swap(true, Ordering::SeqCst) {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let guard = runtime.enter();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    drop(guard);
    std::thread::spawn(move || {
        runtime.block_on(async {
            loop {
                let from_terminal = tokio::select! {
                    _ = interrupt.recv() => true,
                    _ = terminate.recv() => false,
                    _ = hangup.recv() => false,
                };
                let before = RECEIVED.fetch_add(1, Ordering::SeqCst);
                // A terminal interrupts the command as well: the first one is not passed on.
                if !from_terminal || before > 0 {
                    terminate_child();
                }
            }
        });
    });
    Ok(())
}

/// Whether a signal has come.
pub(crate) fn interrupted() -> bool {
    RECEIVED.load(Ordering::SeqCst) > 0
}

/// Names the process that a signal is passed on to, until the value is dropped.
#[must_use]
pub(crate) fn forward_to(child: u32) -> Forwarding {
    CHILD.store(child.cast_signed(), Ordering::SeqCst);
    Forwarding
}

/// See [`forward_to`].
pub(crate) struct Forwarding;

impl Drop for Forwarding {
    fn drop(&mut self) {
        CHILD.store(0, Ordering::SeqCst);
    }
}

fn terminate_child() {
    if let Some(child) = Pid::from_raw(CHILD.load(Ordering::SeqCst)) {
        // Fails only when the process is already gone.
        kill_process(child, Signal::TERM).ok();
    }
}
