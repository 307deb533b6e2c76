//! Why a start or a command failed, with everything a person needs to mend it.

use carnet_kernel::{Code, Refusal};
use carnet_model::Diagnostic;
use thiserror::Error;

/// A failure of a start or a command.
#[derive(Debug, Error)]
pub enum Failure {
    /// The configuration cannot be used.
    #[error("the configuration has {} error(s)", .0.len())]
    Configuration(Vec<String>),
    /// The definition cannot be used.
    #[error("the definition has {} error(s)", .0.len())]
    Definition(Vec<Diagnostic>),
    /// The code of the application does not fit its definition.
    #[error("the code of the application has {} error(s)", .0.len())]
    Logic(Vec<String>),
    /// A module of the application did not start.
    #[error("the module `{name}` did not start: {message}")]
    Module {
        /// Which module.
        name: String,
        /// What it failed with.
        message: String,
    },
    /// There is no definition.
    #[error(
        "there is no definition to serve; give one with `--definitions <folder or file>`, for example `--definitions examples/hello/definitions`"
    )]
    NoDefinition,
    /// A definition or seed file cannot be read.
    #[error("{path}: {error}")]
    File {
        /// Which file or folder.
        path: String,
        /// Why not.
        error: std::io::Error,
    },
    /// The seeds cannot be used.
    #[error("the seeds have {} error(s)", .0.len())]
    Seeds(Vec<String>),
    /// A seed could not be written.
    #[error("{0}")]
    Refused(Refusal),
    /// The database failed or is not ready.
    #[error(transparent)]
    Store(#[from] carnet_store::Error),
    /// Logs, metrics or the HTTP side could not be set up.
    #[error("{0}")]
    Setup(String),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// Which address.
        address: std::net::SocketAddr,
        /// Why not.
        error: std::io::Error,
    },
}

impl Failure {
    /// Its public code.
    pub fn code(&self) -> Code {
        match self {
            Self::Configuration(_) | Self::Listen { .. } => Code::ConfigurationInvalid,
            Self::Definition(_) | Self::NoDefinition | Self::File { .. } => Code::DefinitionInvalid,
            Self::Seeds(_) => Code::SeedInvalid,
            Self::Logic(_) => Code::LogicInvalid,
            Self::Module { .. } => Code::ModuleFailed,
            Self::Refused(refusal) => refusal.code,
            Self::Store(error) => error.code(),
            Self::Setup(_) => Code::Internal,
        }
    }

    /// Every single mistake, ready to print, when there are several.
    pub fn details(&self) -> Vec<String> {
        match self {
            Self::Configuration(problems) | Self::Seeds(problems) | Self::Logic(problems) => {
                problems.clone()
            }
            Self::Definition(diagnostics) => diagnostics
                .iter()
                .map(|diagnostic| diagnostic.render(false))
                .collect(),
            _ => Vec::new(),
        }
    }
}
