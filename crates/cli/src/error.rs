//! Why a command failed, how it is told, and the exit code it ends with.

use crate::console::{Console, Paint};
use crate::words::many;
use carnet_kernel::Code;
use carnet_model::Severity;
use carnet_server::Failure;
use std::process::ExitCode;
use thiserror::Error as ThisError;

/// A command that was not carried out.
#[derive(Debug, ThisError)]
pub(crate) enum Error {
    /// What it set out to do failed.
    #[error("{0}")]
    Failed(Failure),
    /// Its arguments make no sense together or name what is not there.
    #[error("{0}")]
    Usage(String),
    /// A file or folder that is no part of a definition could not be read or written.
    #[error("{path}: {error}")]
    File {
        /// Which one.
        path: String,
        /// Why not.
        error: std::io::Error,
    },
    /// The result could not be written.
    #[error("the result cannot be written: {0}")]
    Output(std::io::Error),
    /// The runtime or the log could not be started.
    #[error("{0}")]
    Setup(String),
    /// Problems were found and have been told already.
    #[error("problems were found")]
    Told,
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<carnet_store::Error> for Error {
    fn from(error: carnet_store::Error) -> Self {
        Self::Failed(Failure::Store(error))
    }
}

impl Error {
    /// The exit code of a failure.
    pub(crate) const FAILURE: u8 = 1;
    /// The exit code of a mistake in the arguments.
    pub(crate) const USAGE: u8 = 2;

    /// Its public code; mistakes in arguments have none.
    pub(crate) fn code(&self) -> Option<Code> {
        match self {
            Self::Failed(failure) => Some(failure.code()),
            Self::Setup(_) => Some(Code::Internal),
            Self::Usage(_) | Self::File { .. } | Self::Output(_) | Self::Told => None,
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => Self::USAGE.into(),
            _ => Self::FAILURE.into(),
        }
    }

    /// Tells it on standard error, with the command that explains its code.
    pub(crate) fn report(&self, console: &Console, program: &str) {
        if let Self::Told = self {
            return;
        }
        if let Self::Failed(failure) = self {
            for detail in details(failure, console.err) {
                console.say(detail.trim_end());
                if detail.ends_with('\n') {
                    console.say("");
                }
            }
        }
        let word = match self.code() {
            Some(code) => format!("error[{code}]"),
            None => "error".to_owned(),
        };
        let message = match self {
            Self::Failed(Failure::Refused(refusal)) => refusal.message.clone(),
            Self::Failed(Failure::Configuration(found)) => {
                format!("the configuration has {}", many(found.len(), "error"))
            }
            Self::Failed(Failure::Logic(found)) => {
                format!(
                    "the code of the application has {}",
                    many(found.len(), "error")
                )
            }
            Self::Failed(Failure::Seeds(found)) => {
                format!("the seeds have {}", many(found.len(), "error"))
            }
            Self::Failed(Failure::Definition(found)) => {
                let errors = found.iter().filter(|one| one.severity == Severity::Error);
                format!("the definition has {}", many(errors.count(), "error"))
            }
            other => other.to_string(),
        };
        console.say(&format!(
            "{}: {message}",
            console.on_err(Paint::Error, &word)
        ));
        if let Self::Failed(Failure::NoDefinition) = self {
            console.say(&format!(
                "  `{program} definition new definitions` writes a first one"
            ));
        }
        if let Some(code) = self.code() {
            let hint = format!("  `{program} explain {code}` tells more");
            console.say(&console.on_err(Paint::Faint, &hint));
        }
    }
}

/// Every single mistake below a failure.
fn details(failure: &Failure, colour: bool) -> Vec<String> {
    match failure {
        Failure::Definition(diagnostics) => diagnostics
            .iter()
            .map(|diagnostic| diagnostic.render(colour))
            .collect(),
        other => other
            .details()
            .iter()
            .map(|detail| format!("  {detail}"))
            .collect(),
    }
}
