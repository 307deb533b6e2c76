//! Texts to trees of nodes with places: YAML and JSON give the same tree. Not what the keys mean.

mod json;
mod node;
mod scalar;
mod yaml;

pub(crate) use node::{Entry, Kind, Name, Node, Span};

use crate::report::Report;
use crate::source::{self, Source};

/// How deep a definition may nest.
pub(crate) const MAX_DEPTH: usize = 64;

/// The tree of a definition file, or nothing after reporting why there is none.
pub(crate) fn parse(source: &Source, file: u32, report: &mut Report) -> Option<Node> {
    if source.text.len() > source::MAX_SOURCE_BYTES {
        let error = source::too_large(source.path.clone(), source.text.len());
        report.error_hint(
            Span::start_of(file),
            error.message,
            error.hint.unwrap_or_default(),
        );
        return None;
    }
    let text = without_mark(&source.text);
    if source.is_json() {
        json::parse(text, file, report)
    } else {
        yaml::parse(text, file, report)
    }
}

/// The tree of a JSON text of any size.
pub(crate) fn parse_json(text: &str, file: u32, report: &mut Report) -> Option<Node> {
    json::parse(text, file, report)
}

/// The text without a byte order mark.
pub(crate) fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}
