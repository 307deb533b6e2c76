//! Why an exchange with a service outside failed. Texts name the host, never the query or a header.

use carnet_kernel::{Code, Refusal};

/// A failed exchange.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The request cannot be sent as it was written.
    #[error("the request cannot be sent: {0}")]
    Request(String),
    /// There was no whole answer in time.
    #[error("`{0}` did not answer in time")]
    Timeout(String),
    /// There was no connection or it broke.
    #[error("`{host}` cannot be reached: {why}")]
    Unreachable {
        /// Who was asked.
        host: String,
        /// What failed.
        why: String,
    },
    /// The answer is larger than allowed.
    #[error("the answer of `{host}` is larger than {limit} bytes")]
    TooLarge {
        /// Who was asked.
        host: String,
        /// How much is allowed.
        limit: u64,
    },
    /// The service answered, but not with success.
    #[error("`{host}` answered {status}")]
    Status {
        /// Who was asked.
        host: String,
        /// The status of the answer.
        status: u16,
    },
    /// The answer is not what it is read as.
    #[error("the answer of `{host}` cannot be read: {why}")]
    Unreadable {
        /// Who was asked.
        host: String,
        /// What is wrong.
        why: String,
    },
}

impl Error {
    /// The public code.
    pub fn code(&self) -> Code {
        match self {
            Self::Request(_) => Code::LogicMisused,
            Self::Timeout(_) => Code::UpstreamTimeout,
            Self::Unreachable { .. }
            | Self::TooLarge { .. }
            | Self::Status { .. }
            | Self::Unreadable { .. } => Code::UpstreamFailed,
        }
    }
}

impl From<Error> for Refusal {
    /// What a client may know; the rest goes to the log.
    fn from(error: Error) -> Self {
        tracing::warn!(%error, "a service outside failed");
        let message = match &error {
            Error::Request(_) => "a request to another service is written wrongly",
            Error::Timeout(_) => "a service that this relies on did not answer in time",
            _ => "a service that this relies on failed",
        };
        Self::new(error.code(), message)
    }
}
