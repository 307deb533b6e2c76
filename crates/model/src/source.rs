//! One definition file as text with where it comes from. Not the reading of files.

use crate::{Diagnostic, Severity};
use std::sync::Arc;

/// The largest definition file: 1 MB.
pub const MAX_SOURCE_BYTES: usize = 1_048_576;

/// Who wrote a definition file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The application.
    Application,
    /// A crate of the platform. Such files may use words that applications may not.
    Shipped {
        /// The name an application writes in `use` to take it; empty when it is always there.
        set: &'static str,
    },
}

/// One definition file.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its path as diagnostics show it; `.json` is read as JSON, anything else as YAML.
    pub path: String,
    /// Its text.
    pub text: String,
    /// Who wrote it.
    pub origin: Origin,
}

impl Source {
    /// A file of the application.
    pub fn application(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            text: text.into(),
            origin: Origin::Application,
        }
    }

    /// A file shipped with the platform, taken by `use: [set]`; an empty `set` is always there.
    pub fn shipped(set: &'static str, path: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            text: text.into(),
            origin: Origin::Shipped { set },
        }
    }

    /// A file of the application from its bytes: invalid UTF-8 and more than
    /// [`MAX_SOURCE_BYTES`] are diagnostics.
    pub fn from_bytes(path: impl Into<String>, bytes: Vec<u8>) -> Result<Self, Box<Diagnostic>> {
        let path = path.into();
        if bytes.len() > MAX_SOURCE_BYTES {
            return Err(Box::new(too_large(path, bytes.len())));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self::application(path, text)),
            Err(error) => Err(Box::new(not_utf8(
                path,
                error.as_bytes(),
                error.utf8_error().valid_up_to(),
            ))),
        }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.path
            .rsplit_once('.')
            .is_some_and(|(_, ending)| ending.eq_ignore_ascii_case("json"))
    }
}

pub(crate) fn too_large(path: String, bytes: usize) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        path,
        line: 1,
        column: 1,
        length: 0,
        message: format!(
            "the file has {bytes} bytes; a definition file has at most {MAX_SOURCE_BYTES}"
        ),
        hint: Some("split it into several files".to_owned()),
        line_text: Arc::from(""),
    }
}

fn not_utf8(path: String, bytes: &[u8], valid_up_to: usize) -> Diagnostic {
    let (before, after) = bytes.split_at(valid_up_to.min(bytes.len()));
    let before = String::from_utf8_lossy(before);
    let line = before.matches('\n').count() + 1;
    let start = before.rsplit('\n').next().unwrap_or_default();
    let rest = after
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let rest = String::from_utf8_lossy(rest);
    Diagnostic {
        severity: Severity::Error,
        path,
        line: line as u32,
        column: start.chars().count() as u32 + 1,
        length: 1,
        message: "the file is not valid UTF-8".to_owned(),
        hint: Some("save it in the encoding UTF-8".to_owned()),
        line_text: format!("{start}{rest}").trim_end_matches('\r').into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_utf8_have_a_place() {
        let error = Source::from_bytes("a.yaml", b"carnet: 1\nservice: \xff\xfe\n".to_vec())
            .map(|source| source.text);
        assert_eq!(
            error.map_err(|diagnostic| diagnostic.to_string()),
            Err(
                "error: the file is not valid UTF-8\n --> a.yaml:2:10\n  |\n2 | service: \u{fffd}\u{fffd}\n  |          ^\n  = hint: save it in the encoding UTF-8\n"
                    .to_owned()
            )
        );
    }

    #[test]
    fn a_large_file_is_refused() {
        let error = Source::from_bytes("a.yaml", vec![b' '; MAX_SOURCE_BYTES + 1]);
        assert!(error.is_err_and(|diagnostic| diagnostic.message.contains("1048577 bytes")));
    }
}
