//! How large the answer to one read may become. Not how long reading it may take.

use crate::{Error, Query};
use carnet_kernel::ByteSize;

/// The most bytes of an answer, and the query parameter by which a client asks for less.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    limit: ByteSize,
    parameter: &'static str,
}

impl Bound {
    /// The bound of a list.
    pub(crate) fn list(limit: ByteSize, query: &Query) -> Self {
        Self::new(limit, query, "limit")
    }

    /// The bound of one record.
    pub(crate) fn record(limit: ByteSize, query: &Query) -> Self {
        Self::new(limit, query, "fields")
    }

    /// The bound of groups, and of what is told about statements.
    pub(crate) fn groups(limit: ByteSize) -> Self {
        Self {
            limit,
            parameter: "limit",
        }
    }

    fn new(limit: ByteSize, query: &Query, without_includes: &'static str) -> Self {
        let parameter = if query.includes.is_empty() {
            without_includes
        } else {
            "include"
        };
        Self { limit, parameter }
    }

    /// So many bytes, whatever was asked.
    pub(crate) fn of(bytes: u64) -> Self {
        Self {
            limit: ByteSize(bytes),
            parameter: "include",
        }
    }

    /// Whether so many bytes still fit.
    pub(crate) fn check(&self, bytes: usize) -> Result<(), Error> {
        if bytes as u64 > self.limit.0 {
            return Err(self.exceeded());
        }
        Ok(())
    }

    /// The refusal of a larger answer.
    pub(crate) fn exceeded(&self) -> Error {
        Error::AnswerTooLarge {
            limit: self.limit,
            parameter: self.parameter,
        }
    }

    /// The most bytes that a database hands over for an answer that fits.
    pub(crate) fn handed_over(&self) -> usize {
        handed_over(self.limit)
    }
}

/// A database writes some values longer than the answer does: ids in hexadecimal, JSON with
/// spaces, every row with its head. Never by half.
pub(crate) fn handed_over(limit: ByteSize) -> usize {
    usize::try_from(limit.0.saturating_add(limit.0 / 2))
        .unwrap_or(usize::MAX)
        .max(LEAST_HANDED_OVER)
}

/// Below this a database is not bounded: what it costs is less than what bounding is worth.
const LEAST_HANDED_OVER: usize = 1 << 20;
