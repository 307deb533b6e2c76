//! `check`: every problem of definition, configuration and seeds at once, without a database.

use crate::arguments::Format;
use crate::console::Paint;
use crate::error::Error;
use crate::session::Session;
use crate::words::many;
use carnet_model::{Compiled, Diagnostic, Model, Severity};
use carnet_server::config::Loaded;
use carnet_server::{Config, Failure};
use clap::Args;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Report every problem of definition, configuration and seeds at once
///
/// Nothing is started or changed and no database is asked. Ends with 1 when there are errors;
/// warnings alone are no failure.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  {name} check
  {name} check examples/hello/definitions examples/shop/definitions
  {name} check --definitions examples/shop/definitions --seeds examples/shop/seeds
  {name} check --format json | jq '.problems[].message'")]
pub(crate) struct Check {
    /// Folders or files to check instead of the configured definition, each a definition of its own
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// How the report is printed: text or json
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    format: Format,
}

/// Everything that was found.
#[derive(Default)]
struct Report {
    problems: Vec<Problem>,
    definitions: usize,
    resources: usize,
    seeds: usize,
}

enum Problem {
    /// Of a definition.
    Diagnostic(Diagnostic),
    /// Of something without lines to show.
    Other {
        area: &'static str,
        severity: Severity,
        message: String,
    },
}

impl Check {
    pub(crate) fn run(self, session: &Session) -> Result<(), Error> {
        let mut report = Report::default();
        let config = report.configuration(session)?;
        let mut targets = Vec::new();
        if self.paths.is_empty() {
            targets.push(config);
        } else {
            targets.extend(self.paths.into_iter().map(|path| Config {
                definitions: Some(path),
                seeds: session.global.seeds.clone(),
                ..config.clone()
            }));
        }
        for config in targets {
            report.definition(config, session);
        }
        let errors = report.count(Severity::Error);
        match self.format {
            Format::Text => session.console.print(&report.text(session))?,
            Format::Json => session.console.print(&format!("{:#}\n", report.json()))?,
        }
        if errors > 0 { Err(Error::Told) } else { Ok(()) }
    }
}

impl Report {
    /// The configuration; when it has errors, what the flags say of the definition.
    fn configuration(&mut self, session: &Session) -> Result<Config, Error> {
        match session.load_with(Vec::new()) {
            Ok(loaded) => {
                for warning in loaded.warnings {
                    self.other("configuration", Severity::Warning, warning);
                }
                Ok(loaded.config)
            }
            Err(Error::Failed(Failure::Configuration(problems))) => {
                for problem in problems {
                    self.other("configuration", Severity::Error, problem);
                }
                Ok(Config {
                    definitions: session.global.definitions.clone(),
                    seeds: session.global.seeds.clone(),
                    ..Config::default()
                })
            }
            Err(other) => Err(other),
        }
    }

    fn definition(&mut self, config: Config, session: &Session) {
        let loaded = Loaded {
            config,
            origins: BTreeMap::new(),
            modules: BTreeMap::new(),
            warnings: Vec::new(),
        };
        match carnet_server::compile(&loaded, &session.application) {
            Ok(Compiled { model, warnings }) => {
                self.definitions += 1;
                let model = Arc::new(model);
                self.resources += model.resources.len();
                self.problems
                    .extend(warnings.into_iter().map(Problem::Diagnostic));
                // Another definition than the application's own is not what its code is for.
                let own = loaded.config.definitions.is_none();
                if own {
                    self.code(&loaded.config, session, &model);
                }
                match carnet_server::read_seeds(&loaded.config, &session.application, &model) {
                    Ok(seeds) => {
                        self.seeds += seeds.len();
                        for message in carnet_records::seed::check(&model, &seeds) {
                            self.other("seeds", Severity::Error, message);
                        }
                    }
                    Err(failure) => self.failure("seeds", failure),
                }
            }
            Err(failure) => self.failure("definition", failure),
        }
    }

    /// What the application registers, held against its definition.
    fn code(&mut self, config: &Config, session: &Session, model: &Arc<Model>) {
        match carnet_server::assemble(config, &session.application, model) {
            Ok(assembled) => {
                for warning in assembled.logics.warnings() {
                    self.other("code", Severity::Warning, warning.clone());
                }
            }
            Err(failure) => self.failure("code", failure),
        }
    }

    fn failure(&mut self, area: &'static str, failure: Failure) {
        match failure {
            Failure::Definition(found) => {
                self.problems
                    .extend(found.into_iter().map(Problem::Diagnostic));
            }
            Failure::Seeds(found) | Failure::Logic(found) => {
                for message in found {
                    self.other(area, Severity::Error, message);
                }
            }
            other => self.other(area, Severity::Error, other.to_string()),
        }
    }

    fn other(&mut self, area: &'static str, severity: Severity, message: String) {
        self.problems.push(Problem::Other {
            area,
            severity,
            message,
        });
    }

    fn count(&self, severity: Severity) -> usize {
        self.problems
            .iter()
            .filter(|problem| problem.severity() == severity)
            .count()
    }

    fn text(&self, session: &Session) -> String {
        let console = &session.console;
        let mut text = String::new();
        for problem in &self.problems {
            match problem {
                Problem::Diagnostic(diagnostic) => {
                    part(&mut text);
                    text.push_str(&diagnostic.render(console.out));
                    text.push('\n');
                }
                Problem::Other {
                    area,
                    severity,
                    message,
                } => {
                    let paint = match severity {
                        Severity::Error => Paint::Error,
                        Severity::Warning => Paint::Warning,
                    };
                    let word = console.on_out(paint, severity.as_str());
                    text.push_str(&format!("{word}: {area}: {}\n", message.trim_end()));
                }
            }
        }
        part(&mut text);
        let (errors, warnings) = (self.count(Severity::Error), self.count(Severity::Warning));
        let counted = format!(
            "{} checked with {} and {}",
            many(self.definitions, "definition"),
            many(self.resources, "resource"),
            many(self.seeds, "seed record"),
        );
        let found = format!("{}, {}", many(errors, "error"), many(warnings, "warning"));
        let verdict = match (errors, warnings) {
            (0, 0) => format!("{}: {counted}", console.on_out(Paint::Good, "no problems")),
            (0, _) => format!("{}; {counted}", console.on_out(Paint::Warning, &found)),
            _ => console.on_out(Paint::Error, &found),
        };
        text.push_str(&verdict);
        text.push('\n');
        text
    }

    fn json(&self) -> Value {
        let errors = self.count(Severity::Error);
        json!({
            "ok": errors == 0,
            "errors": errors,
            "warnings": self.count(Severity::Warning),
            "problems": self.problems.iter().map(Problem::json).collect::<Vec<_>>(),
        })
    }
}

/// A blank line between blocks.
fn part(text: &mut String) {
    if !text.is_empty() && !text.ends_with("\n\n") {
        text.push('\n');
    }
}

impl Problem {
    fn severity(&self) -> Severity {
        match self {
            Self::Diagnostic(diagnostic) => diagnostic.severity,
            Self::Other { severity, .. } => *severity,
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Diagnostic(diagnostic) => json!({
                "area": "definition",
                "severity": diagnostic.severity.as_str(),
                "message": diagnostic.message,
                "hint": diagnostic.hint,
                "path": diagnostic.path,
                "line": diagnostic.line,
                "column": diagnostic.column,
                "length": diagnostic.length,
            }),
            Self::Other {
                area,
                severity,
                message,
            } => json!({
                "area": area,
                "severity": severity.as_str(),
                "message": message.trim_end(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::Global;
    use crate::console::{Choice, Console};
    use carnet_kernel::Refusal;
    use carnet_model::{Operation, Source};
    use carnet_records::logic::{Call, FromCall, Needs, Reply};
    use carnet_server::Application;

    /// An argument that wants people to be told something.
    struct Slow;

    impl FromCall for Slow {
        fn needs(needs: &mut Needs) {
            needs.warnings(|model| vec![format!("{} is slow", model.resources[0].name)]);
        }

        fn from_call(_: &Call) -> Result<Self, Refusal> {
            Ok(Self)
        }
    }

    async fn create(call: Call, _: Slow) -> Result<Reply, Refusal> {
        call.proceed().await
    }

    #[test]
    fn warnings_of_code_are_told() {
        let text = "carnet: 1\nservice: s\nresources:\n  notes:\n    fields:\n      title: { type: text, max: 9 }\n";
        let mut application = Application {
            definitions: vec![Source::application("a.yaml", text)],
            ..Application::default()
        };
        application
            .logic
            .logic(1, "notes", Operation::Create, create);
        let console = Console::new(Choice::Never);
        let session = Session::new(application, Global::default(), console);
        let mut report = Report::default();
        report.definition(Config::default(), &session);
        let text = report.text(&session);
        assert!(text.starts_with("warning: code: "), "{text}");
        assert!(text.contains(" is slow"), "{text}");
        assert_eq!(report.count(Severity::Error), 0, "{text}");
    }
}
