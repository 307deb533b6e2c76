//! Data files in the syntax of definitions: the same strict YAML and JSON, without a meaning of
//! ours. Seeds are read by it.

use crate::report::Report;
use crate::syntax::{self, Kind};
use crate::{Diagnostic, Source};
use serde_json::Value;

/// A data file's value.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The value under the rules of `carnet_kernel::json`.
    pub value: Value,
    /// For a list: the line, from 1, on which each member begins.
    pub lines: Vec<u32>,
}

/// Reads a data file, or tells everything that is wrong with its syntax.
pub fn read_document(source: &Source) -> Result<Document, Vec<Diagnostic>> {
    let mut report = Report::default();
    let node = syntax::parse(source, 0, &mut report);
    let value = node.as_ref().map(syntax::Node::to_json);
    if let Some(Err((span, reason))) = &value {
        report.error(*span, reason.clone());
    }
    match (node, value) {
        (Some(node), Some(Ok(value))) if report.errors() == 0 => {
            let lines = match &node.kind {
                Kind::List(items) => items.iter().map(|item| item.span.line).collect(),
                _ => Vec::new(),
            };
            Ok(Document { value, lines })
        }
        _ => Err(report.finish(&[source])),
    }
}
