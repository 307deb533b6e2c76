//! Turns between processes that write one file: two file locks around each commit group. SQLite's
//! own waiting starves the second process; whoever holds the first lock here is next for sure.
//! The locks go with the process that held them, however it ends.

use crate::Error;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// The two lock files beside a database file, opened once. Never the database file itself: closing
/// a second descriptor of it would drop SQLite's own locks.
pub(super) struct Turnstile {
    queue: File,
    work: File,
    unsupported: AtomicBool,
}

/// The right to write, given back when dropped.
pub(super) struct Turn<'a> {
    work: Option<&'a File>,
}

impl Turnstile {
    /// Opens `<database>.lock-a` and `<database>.lock-b`.
    pub(super) fn open(database: &Path) -> Result<Self, Error> {
        let open = |ending: &str| {
            let mut name = OsString::from(database);
            name.push(ending);
            OpenOptions::new()
                .create(true)
                .truncate(false)
                .read(true)
                .write(true)
                .open(&name)
                .map_err(|error| {
                    Error::Unavailable(format!("{}: {error}", Path::new(&name).display()))
                })
        };
        Ok(Self {
            queue: open(".lock-a")?,
            work: open(".lock-b")?,
            unsupported: AtomicBool::new(false),
        })
    }

    /// Waits for this process's turn. Where the file system has no locks, every turn is free:
    /// SQLite still keeps writers apart, only not fairly.
    pub(super) fn enter(&self) -> Turn<'_> {
        if self.unsupported.load(Ordering::Relaxed) {
            return Turn { work: None };
        }
        let entered = lock(&self.queue).and_then(|()| {
            let locked = lock(&self.work);
            locked.and(self.queue.unlock())
        });
        match entered {
            Ok(()) => Turn {
                work: Some(&self.work),
            },
            Err(error) => {
                self.unsupported.store(true, Ordering::Relaxed);
                tracing::warn!(%error, "file locks do not work here; several processes on this database may starve one another");
                release(&self.queue);
                Turn {
                    work: Some(&self.work),
                }
            }
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(work) = self.work {
            release(work);
        }
    }
}

fn lock(file: &File) -> io::Result<()> {
    loop {
        match file.lock() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// A lock that cannot be released is not held either.
fn release(file: &File) {
    if let Err(error) = file.unlock() {
        tracing::debug!(%error, "a file lock was not released");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn one_at_a_time_and_everyone_in_turn() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let database = folder.path().join("t.sqlite");
        let inside = AtomicUsize::new(0);
        let turns = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let turnstile = Turnstile::open(&database).ok();
                    for _ in 0..200 {
                        let turn = turnstile.as_ref().map(Turnstile::enter);
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        turns.fetch_add(1, Ordering::SeqCst);
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(turn);
                    }
                });
            }
        });
        assert_eq!(turns.into_inner(), 600);
        Ok(())
    }
}
