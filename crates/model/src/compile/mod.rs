//! From definition files to a model, or to every problem of them at once. Not the reading of
//! files, not the tables made from the model.

mod action;
mod build;
mod constraint;
mod cycle;
mod merge;
mod names;
mod relation;
mod stored;
mod version;

pub use names::snake_case;

use crate::declared::{Document, Grammar};
use crate::read::{self, Reader};
use crate::report::Report;
use crate::syntax;
use crate::{Diagnostic, Model, Origin, Severity, Source};
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
    // Sorted, so that neither the model nor the report depends on who found which file first.
    let mut files: Vec<&Source> = sources.iter().collect();
    files.sort_by(|left, right| left.path.cmp(&right.path));
    let mut report = Report::default();
    let mut documents = Vec::new();
    let mut complete = true;
    for (file, source) in (0..).zip(&files) {
        match syntax::parse(source, file, &mut report) {
            Some(root) => {
                let mut reader = Reader {
                    report: &mut report,
                    grammar: match source.origin {
                        Origin::Application => Grammar::Application,
                        Origin::Shipped { .. } => Grammar::Shipped,
                    },
                };
                documents.push(read::document(&root, file, &mut reader));
            }
            None => complete = false,
        }
    }
    let merged = merge::merge(documents, &files, complete, &mut report);
    let model = build::build(&merged, &mut report);
    let failed = report.errors() > 0;
    let diagnostics = report.finish(&files);
    match model {
        Some(model) if !failed => Ok(Compiled {
            model,
            warnings: diagnostics,
        }),
        _ => Err(diagnostics),
    }
}

/// Compiles a definition as [`Model::definition`] holds it, alone. Gives a model with the same hash.
pub fn compile_stored(definition: &JsonText) -> Result<Model, Vec<Diagnostic>> {
    let source = Source::application("definition.json", definition.as_str());
    let mut report = Report::default();
    let model = syntax::parse_json(definition.as_str(), 0, &mut report).and_then(|root| {
        let mut reader = Reader {
            report: &mut report,
            grammar: Grammar::Stored,
        };
        let document: Document = read::document(&root, 0, &mut reader);
        build::build(&merge::stored(document), &mut report)
    });
    let failed = report.errors() > 0;
    match model {
        Some(model) if !failed => Ok(model),
        _ => {
            let mut diagnostics = report.finish(&[&source]);
            diagnostics.retain(|diagnostic| diagnostic.severity == Severity::Error);
            Err(diagnostics)
        }
    }
}
