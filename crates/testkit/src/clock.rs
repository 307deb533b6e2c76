//! A clock for tests: it stands still until it is told to move. Not for measuring durations.

use carnet_kernel::{Clock, Timestamp};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// A clock that shows what it was set to. Share it as an `Arc` to move it while others read it.
#[derive(Debug)]
pub struct FixedClock(AtomicI64);

impl FixedClock {
    /// A clock that stands at `moment`.
    pub fn new(moment: Timestamp) -> Self {
        Self(AtomicI64::new(moment.0))
    }

    /// Sets the clock to `moment`, forwards or backwards.
    pub fn set(&self, moment: Timestamp) {
        self.0.store(moment.0, Ordering::SeqCst);
    }

    /// Moves the clock forward and returns the new moment; what is finer than a microsecond is cut.
    pub fn advance(&self, by: Duration) -> Timestamp {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        let before = self.0.fetch_add(micros, Ordering::SeqCst);
        Timestamp(before.saturating_add(micros))
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stands_still_until_moved() {
        let clock = FixedClock::new(Timestamp(1_000));
        assert_eq!(clock.now(), clock.now());
        assert_eq!(clock.advance(Duration::from_millis(2)), Timestamp(3_000));
        assert_eq!(clock.now(), Timestamp(3_000));
        clock.set(Timestamp(5));
        assert_eq!(clock.now(), Timestamp(5));
    }
}
