//! The port through which every crate learns the time. Not for measuring durations of code.

use crate::time;
use std::fmt;

/// Microseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Whole milliseconds since the epoch, the resolution of a time-ordered id.
    pub fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with six fraction digits: `2026-11-21T05:32:00.123456Z`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&time::format_date_time(self.0))
    }
}

/// Where the time comes from: the system in production, a fixed value in tests.
pub trait Clock: Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Timestamp;
}
