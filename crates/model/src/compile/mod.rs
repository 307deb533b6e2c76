//! From definition files to a model, or to every problem of them at once. Not the reading of
//! files, not the tables made from the model.

use crate::{Diagnostic, Model, Severity, Source};
use carnet_kernel::JsonText;

/// A definition without errors.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The model.
    pub model: Model,
    /// What is doubtful, sorted by path and line.
    pub warnings: Vec<Diagnostic>,
}

/// Compiles a whole definition: the application's files and what the platform ships. The error
/// holds every problem of every file, warnings included, sorted by path and line.
pub fn compile(sources: &[Source]) -> Result<Compiled, Vec<Diagnostic>> {
    Err(vec![unfinished(
        sources.first().map_or("", |source| &source.path),
    )])
}

/// Compiles a definition as [`Model::definition`] holds it, alone. Gives a model with the same hash.
pub fn compile_stored(definition: &JsonText) -> Result<Model, Vec<Diagnostic>> {
    Err(vec![unfinished(definition.as_str())])
}

fn unfinished(path: &str) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        path: path.to_owned(),
        line: 1,
        column: 1,
        length: 0,
        message: "the compiler is not finished".to_owned(),
        hint: None,
        line_text: "".into(),
    }
}
