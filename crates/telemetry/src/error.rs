//! What can go wrong while telemetry is set up. Once it runs, it never fails a request.

use carnet_kernel::Code;

/// An error of setting up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The log level cannot be read.
    #[error("`telemetry.level` is `{text}`: {message}")]
    Level {
        /// What was configured.
        text: String,
        /// What is wrong and what would be right.
        message: String,
    },
    /// The metrics recorder could not be installed.
    #[error("the metrics recorder cannot be installed: {0}")]
    Recorder(String),
}

impl Error {
    /// The public code.
    pub fn code(&self) -> Code {
        match self {
            Self::Level { .. } => Code::ConfigurationInvalid,
            Self::Recorder(_) => Code::Internal,
        }
    }
}
