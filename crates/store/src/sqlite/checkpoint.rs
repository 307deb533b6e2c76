//! Copying the write-ahead log into the file, off the writer's path. The writer's commit hook tells
//! how long the log is; a thread copies once it is long enough; the writer itself copies only when
//! it grows past a cap, because under constant writing nobody else finds a quiet moment to let it
//! start anew.

use super::session::{Purpose, Session};
use crate::{Config, Error};
use rusqlite::DEFAULT_NAME;
use rusqlite::wal::CheckpointMode;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// The thread copies when so many frames of 4 KB are not copied yet: 4 MB.
const DUE: u32 = 1_000;

/// The writer copies when the log is so many frames long: 32 MB.
const CAP: u32 = 8_000;

/// At so many frames, 64 MB, the writer waits for the thread: a disk that copies more slowly than it
/// takes commits must hold them up at last.
const FLOOD: u32 = 16_000;

/// The least time between two copies by the thread.
const PAUSE: Duration = Duration::from_millis(10);

/// What is known of the log's length, shared by the writer and the copying thread.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// Frames in the log after the last commit.
    frames: AtomicU32,
    /// Frames of it that are in the file.
    copied: AtomicU32,
    /// From how many frames on the writer tries again.
    next_try: AtomicU32,
    /// Held by the thread while it copies.
    copying: Mutex<()>,
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    due: bool,
    stopped: bool,
}

impl Log {
    /// The commit hook's report.
    pub(super) fn committed(&self, frames: u32) {
        let before = self.frames.swap(frames, Ordering::Relaxed);
        if frames < before {
            // The log started anew.
            self.copied.store(0, Ordering::Relaxed);
            self.next_try.store(0, Ordering::Relaxed);
        }
    }

    /// Between two groups: wakes the thread or, past the cap, copies at once.
    pub(super) fn tend(&self, session: &Session) {
        let frames = self.frames.load(Ordering::Relaxed);
        if frames >= CAP.max(self.next_try.load(Ordering::Relaxed)) {
            if frames >= FLOOD {
                drop(self.copying.lock());
            }
            let next = match self.copy(session) {
                // A reader that holds an old snapshot pins the log: do not try at every commit.
                Some(copied) if copied < frames => frames.saturating_add(DUE),
                // The thread is at it: what it leaves is copied after the next commit.
                Some(_) | None => 0,
            };
            self.next_try.store(next, Ordering::Relaxed);
        } else if frames.saturating_sub(self.copied.load(Ordering::Relaxed)) >= DUE {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if !state.due {
                state.due = true;
                drop(state);
                self.wake.notify_one();
            }
        }
    }

    /// Copies what no reader needs any more; answers how far the log is copied now, or nothing when
    /// somebody else is copying.
    fn copy(&self, session: &Session) -> Option<u32> {
        match session
            .raw()
            .wal_checkpoint_v2(DEFAULT_NAME, CheckpointMode::PASSIVE)
        {
            Ok((_, copied)) => {
                let copied = u32::try_from(copied).unwrap_or(0);
                self.copied.store(copied, Ordering::Relaxed);
                Some(copied)
            }
            Err(error) => {
                if !super::errors::is_busy(&error) {
                    tracing::warn!(%error, "the write-ahead log cannot be copied into the database");
                    return Some(self.copied.load(Ordering::Relaxed));
                }
                None
            }
        }
    }

    /// Ends the thread.
    pub(super) fn stop(&self) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .stopped = true;
        self.wake.notify_all();
    }

    /// Waits until there is something to copy; `false` when it is time to end.
    fn wait(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self
            .wake
            .wait_while(state, |state| !state.due && !state.stopped)
            .unwrap_or_else(PoisonError::into_inner);
        state.due = false;
        !state.stopped
    }

    fn pause(&self) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        drop(
            self.wake
                .wait_timeout_while(state, PAUSE, |state| !state.stopped),
        );
    }
}

/// Starts the copying thread.
pub(super) fn start(path: &Path, config: &Config, log: Arc<Log>) -> Result<JoinHandle<()>, Error> {
    let session = Session::open(path, Purpose::Checkpoint, config, Arc::default())?;
    std::thread::Builder::new()
        .name("sqlite-checkpoint".to_owned())
        .spawn(move || {
            while log.wait() {
                let copying = log.copying.lock();
                log.copy(&session);
                drop(copying);
                log.pause();
            }
        })
        .map_err(|error| Error::Unavailable(format!("no thread for checkpoints: {error}")))
}

/// Copies all of the log and empties it, when nothing else uses the database.
pub(super) fn finish(session: &Session) {
    let outcome = session
        .raw()
        .wal_checkpoint_v2(DEFAULT_NAME, CheckpointMode::TRUNCATE);
    if let Err(error) = outcome {
        tracing::debug!(%error, "the write-ahead log stays beside the database");
    }
}
