//! Whether the engine may go on. Not the health of the process: that is the server's to tell.

use crate::Error;
use std::sync::OnceLock;
use tokio::sync::Notify;

/// Set once, never unset: a process that cannot trust its disk must be started again.
#[derive(Debug, Default)]
pub(super) struct Health {
    fatal: OnceLock<String>,
    changed: Notify,
}

impl Health {
    /// Why nothing may be written any more.
    pub(super) fn fatal(&self) -> Option<String> {
        self.fatal.get().cloned()
    }

    /// The disk did not confirm a commit.
    pub(super) fn fail(&self, error: &rusqlite::Error) -> Error {
        let reason = format!("the disk did not confirm a commit: {error}");
        self.stop(reason.clone());
        Error::OutcomeUnknown(reason)
    }

    /// Nothing may be written from now on.
    pub(super) fn stop(&self, reason: String) {
        if self.fatal.set(reason.clone()).is_ok() {
            tracing::error!(
                reason,
                "the database takes no more writes; restart the process"
            );
            self.changed.notify_waiters();
        }
    }

    /// Waits until nothing may be written any more.
    pub(super) async fn stopped(&self) -> String {
        loop {
            let changed = self.changed.notified();
            if let Some(reason) = self.fatal() {
                return reason;
            }
            changed.await;
        }
    }
}
