//! What goes wrong outside a definition file's text: a pattern or a JSON schema that cannot be
//! used. Problems of definition files are [`Diagnostic`](crate::Diagnostic)s.

use carnet_kernel::Code;

/// A part of a definition that cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A regular expression.
    #[error("the pattern cannot be used: {0}")]
    Pattern(String),
    /// A JSON schema.
    #[error("the JSON schema cannot be used: {0}")]
    Schema(String),
}

impl Error {
    /// The public code.
    pub fn code(&self) -> Code {
        match self {
            Self::Pattern(_) | Self::Schema(_) => Code::DefinitionInvalid,
        }
    }
}
