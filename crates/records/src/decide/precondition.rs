//! What a write states about the version it is based on (RFC 9110, If-Match).

use carnet_kernel::{Code, Refusal};
use carnet_model::{Concurrency, Resource};

/// The versions a write accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// Whatever is there (`If-Match: *`).
    Any,
    /// One of these.
    Versions(Vec<i64>),
}

impl Precondition {
    /// Whether a write of `resource` may go without one.
    pub fn require(stated: Option<&Self>, resource: &Resource) -> Result<(), Refusal> {
        if stated.is_none() && resource.concurrency == Concurrency::Optimistic {
            return Err(Refusal::new(
                Code::PreconditionRequired,
                format!(
                    "writes to `{}` must state the version they are based on: send `If-Match` with the ETag of the record",
                    resource.name
                ),
            ));
        }
        Ok(())
    }

    /// Whether `version` is one of those stated.
    pub fn check(stated: Option<&Self>, version: i64) -> Result<(), Refusal> {
        match stated {
            Some(Self::Versions(versions)) if !versions.contains(&version) => Err(Refusal::new(
                Code::PreconditionFailed,
                format!("the record has version {version} now; read it again before you write"),
            )),
            _ => Ok(()),
        }
    }
}
