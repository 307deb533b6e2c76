//! Gathers problems while a definition is compiled and gives them their lines at the end.

use crate::syntax::{Span, without_mark};
use crate::{Diagnostic, Severity, Source};
use std::collections::HashMap;
use std::sync::Arc;

/// How many problems are kept; a generated file can have one in every line.
const MAX_PROBLEMS: usize = 1_000;

/// The problems found so far.
#[derive(Debug, Default)]
pub(crate) struct Report {
    problems: Vec<Problem>,
    errors: usize,
    dropped: usize,
}

#[derive(Debug)]
struct Problem {
    severity: Severity,
    span: Span,
    message: String,
    hint: Option<String>,
}

impl Report {
    pub(crate) fn error(&mut self, span: Span, message: impl Into<String>) {
        self.add(Severity::Error, span, message.into(), None);
    }

    pub(crate) fn error_hint(
        &mut self,
        span: Span,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.add(Severity::Error, span, message.into(), Some(hint.into()));
    }

    /// An error with the nearest of `known` as its hint, if one is near.
    pub(crate) fn error_near<'a>(
        &mut self,
        span: Span,
        message: impl Into<String>,
        word: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) {
        let hint = self
            .nearest(word, known)
            .map(|name| format!("did you mean `{name}`?"));
        self.add(Severity::Error, span, message.into(), hint);
    }

    /// The known name nearest to `word`. A suggestion costs a look at every known name: there is
    /// none for what is not shown anyway.
    pub(crate) fn nearest<'a>(
        &self,
        word: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Option<&'a str> {
        if self.problems.len() < MAX_PROBLEMS {
            carnet_kernel::suggest::nearest(word, known)
        } else {
            None
        }
    }

    pub(crate) fn warning(
        &mut self,
        span: Span,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.add(Severity::Warning, span, message.into(), Some(hint.into()));
    }

    fn add(&mut self, severity: Severity, span: Span, message: String, hint: Option<String>) {
        self.errors += usize::from(severity == Severity::Error);
        if self.problems.len() >= MAX_PROBLEMS {
            self.dropped += 1;
            return;
        }
        self.problems.push(Problem {
            severity,
            span,
            message,
            hint,
        });
    }

    pub(crate) fn errors(&self) -> usize {
        self.errors
    }

    /// The problems with their lines, sorted by path and place.
    pub(crate) fn finish(self, sources: &[&Source]) -> Vec<Diagnostic> {
        let mut lines = Lines {
            sources,
            files: HashMap::new(),
        };
        let mut diagnostics: Vec<Diagnostic> = self
            .problems
            .into_iter()
            .map(|problem| lines.place(problem))
            .collect();
        diagnostics.sort_by(|left, right| {
            (
                &left.path,
                left.line,
                left.column,
                left.severity,
                &left.message,
            )
                .cmp(&(
                    &right.path,
                    right.line,
                    right.column,
                    right.severity,
                    &right.message,
                ))
        });
        diagnostics.dedup();
        if let (Some(last), true) = (diagnostics.last(), self.dropped > 0) {
            diagnostics.push(Diagnostic {
                severity: Severity::Error,
                message: format!("{} further problems are not shown", self.dropped),
                hint: None,
                line_text: "".into(),
                ..last.clone()
            });
        }
        diagnostics
    }
}

/// The lines of the files that have problems, split once.
struct Lines<'a> {
    sources: &'a [&'a Source],
    files: HashMap<u32, Vec<Arc<str>>>,
}

impl Lines<'_> {
    fn place(&mut self, problem: Problem) -> Diagnostic {
        let Span {
            file,
            line,
            column,
            length,
        } = problem.span;
        let source = self.sources.get(file as usize);
        let lines = self.files.entry(file).or_insert_with(|| {
            let text = source.map_or("", |source| without_mark(&source.text));
            split_lines(text).into_iter().map(Arc::from).collect()
        });
        // A parser may point behind the end of the file.
        let last = lines.len().max(1) as u32;
        let (line, column) = match lines.get(line.saturating_sub(1) as usize) {
            Some(_) => (line.max(1), column.max(1)),
            None => {
                let end = lines.last().map_or(0, |text| text.chars().count());
                (last, end as u32 + 1)
            }
        };
        let text = lines.get(line as usize - 1).cloned();
        Diagnostic {
            severity: problem.severity,
            path: source.map_or_else(String::new, |source| source.path.clone()),
            line,
            column,
            length,
            message: problem.message,
            hint: problem.hint,
            line_text: text.unwrap_or_else(|| Arc::from("")),
        }
    }
}

/// Lines as YAML counts them: ended by LF, CR LF or CR.
fn split_lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        lines.extend(line.split('\r'));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_as_in_yaml() {
        assert_eq!(split_lines("a\r\nb\rc\nd"), ["a", "b", "c", "d"]);
    }

    #[test]
    fn many_problems_are_cut() {
        let source = Source::application("a.yaml", "x");
        let mut report = Report::default();
        for line in 0..MAX_PROBLEMS as u32 + 5 {
            let span = Span {
                line: line + 1,
                ..Span::start_of(0)
            };
            report.error(span, format!("problem {line}"));
        }
        let diagnostics = report.finish(&[&source]);
        assert_eq!(diagnostics.len(), MAX_PROBLEMS + 1);
        assert!(
            diagnostics
                .last()
                .is_some_and(|last| last.message.starts_with("5 further"))
        );
    }
}
