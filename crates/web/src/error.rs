//! What can go wrong while the web parts are put together. Not the failures of requests: those
//! are refusals.

use carnet_kernel::Code;

/// An error of configuration or composition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A setting of the web section cannot be used.
    #[error("`web.{key}` {message}")]
    Setting {
        /// The dotted key below `web`.
        key: String,
        /// What is wrong and what would be right.
        message: String,
    },
    /// Two contributors to the OpenAPI document define the same thing differently.
    #[error("the OpenAPI {kind} `{name}` of `{second}` is already defined by `{first}`")]
    Collision {
        /// `path`, `schema` or `tag`.
        kind: &'static str,
        /// The name in question.
        name: String,
        /// Who defined it first.
        first: String,
        /// Who defined it again.
        second: String,
    },
}

impl Error {
    /// The public code.
    pub fn code(&self) -> Code {
        match self {
            Self::Setting { .. } => Code::ConfigurationInvalid,
            Self::Collision { .. } => Code::DefinitionInvalid,
        }
    }
}
