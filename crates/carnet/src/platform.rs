//! An application put together: name, definitions, first data; and its start. What the commands do
//! is `cli`'s and `server`'s work.

use crate::Embedded;
use crate::routes::{Routes, Stage, StageLayer};
use carnet_kernel::ApplicationCode;
use carnet_model::{Diagnostic, Source};
use carnet_records::logic::{Hook, IntoLogic, Point};
use carnet_records::seed::SeedFile;
use carnet_server::{Application, Module};
use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

/// A complete application on the platform.
#[derive(Debug)]
pub struct Platform {
    application: Application,
    problems: Vec<Diagnostic>,
}

/// Puts an application together.
#[derive(Debug)]
pub struct Builder {
    application: Application,
    problems: Vec<Diagnostic>,
}

impl Platform {
    /// Begins with an application that has no definitions.
    pub fn builder() -> Builder {
        Builder {
            application: Application {
                name: "carnet".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                ..Application::default()
            },
            problems: Vec::new(),
        }
    }

    /// Runs the command that the process was started with: `serve`, `check`, `db push` and all
    /// others. The exit code is 0 for success, 1 for a failure, 2 for a mistake in the arguments.
    pub fn main(self) -> ExitCode {
        self.run(std::env::args_os())
    }

    /// The same with given arguments, of which the first is the name of the program.
    pub fn run(self, arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
        // Fails only when the embedding program has chosen a provider already, which is as good.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        carnet_cli::run(self.application, self.problems, arguments)
    }
}

impl Builder {
    /// The name of the application and of its binary: the title of its API and of its help.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.application.name = name.into();
        self
    }

    /// The application's own version: `env!("CARGO_PKG_VERSION")`.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.application.version = version.into();
        self
    }

    /// Adds the definition files (`.yaml`, `.yml`, `.json`) of a folder.
    #[must_use]
    pub fn definitions(mut self, folder: Embedded) -> Self {
        for (path, bytes) in folder.into_files(&["yaml", "yml", "json"]) {
            match Source::from_bytes(path, bytes.into_owned()) {
                Ok(source) => self.application.definitions.push(source),
                Err(problem) => self.problems.push(*problem),
            }
        }
        self
    }

    /// Adds one definition file; diagnostics show it by `path`.
    #[must_use]
    pub fn definition(mut self, path: impl Into<String>, text: impl Into<String>) -> Self {
        self.application
            .definitions
            .push(Source::application(path, text));
        self
    }

    /// Adds the seed files (`NN-<resource>.yaml`, `.json`, `.csv`) of a folder.
    #[must_use]
    pub fn seeds(mut self, folder: Embedded) -> Self {
        let files = folder.into_files(&["yaml", "yml", "json", "csv"]);
        self.application.seeds.extend(files.map(|(path, bytes)| {
            let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
            SeedFile {
                name,
                bytes: bytes.into_owned(),
            }
        }));
        self
    }

    /// Lets `logic` take over an operation or an action of a resource in one API version: an
    /// `async fn(Call, arguments…) -> Result<reply, Refusal>`, whose arguments are found by their
    /// types ([`Component`](crate::Component), [`Body`](crate::Body)).
    ///
    /// A closure that captures values and moves them into its `async` block does not fit, because
    /// it can run only once; take what it needs as a component.
    #[must_use]
    pub fn logic<A>(
        mut self,
        version: u16,
        resource: impl Into<String>,
        point: impl Into<Point>,
        logic: impl IntoLogic<A>,
    ) -> Self {
        self.application
            .logic
            .logic(version, resource, point, logic);
        self
    }

    /// Runs code before or after an operation of a resource, in every API version:
    /// `.hook("products", before(Operation::Create), check_name)`.
    #[must_use]
    pub fn hook<A>(
        mut self,
        resource: impl Into<String>,
        hook: Hook,
        code: impl IntoLogic<A>,
    ) -> Self {
        self.application.logic.hook(resource, hook, code);
        self
    }

    /// Adds a client or a service of the application's own, which logic takes as an argument
    /// [`Component<T>`](crate::Component).
    #[must_use]
    pub fn component<T: Send + Sync + 'static>(mut self, component: T) -> Self {
        self.application.logic.component(Arc::new(component));
        self
    }

    /// Registers a code of the application's own, so that OpenAPI, `explain` and
    /// `/docs/errors/<CODE>` know it. A name that is badly written, the platform's or given twice,
    /// and a status that is no failure's, are told at start, all at once.
    #[must_use]
    pub fn code(mut self, code: &'static ApplicationCode) -> Self {
        self.application.codes.push(code);
        self
    }

    /// Adds a module: a named part with its own settings, components, logic, routes and life. What
    /// it registers comes behind what was registered before it.
    #[must_use]
    pub fn module<C: Send + Sync + 'static>(mut self, module: Module<C>) -> Self {
        self.application.add_module(module);
        self
    }

    /// Adds routes beside those of the resources.
    #[must_use]
    pub fn routes(mut self, routes: Routes) -> Self {
        self.application.routes.extend(routes);
        self
    }

    /// Places a tower layer beside a named stage of the pipeline:
    /// `.layer(Stage::before("context"), layer)`. Those at one place see a request in the order in
    /// which they were added.
    #[must_use]
    pub fn layer(mut self, stage: Stage, layer: impl StageLayer) -> Self {
        self.application.layers.add(stage, layer);
        self
    }

    /// The application without its commands, for tests.
    ///
    /// # Panics
    /// When a definition file cannot be read.
    #[cfg(feature = "testing")]
    pub(crate) fn into_application(self) -> Application {
        let problems: Vec<String> = self
            .problems
            .iter()
            .map(|problem| problem.render(false))
            .collect();
        assert!(problems.is_empty(), "{}", problems.join("\n"));
        self.application
    }

    /// The application, ready to run.
    pub fn build(self) -> Platform {
        Platform {
            application: self.application,
            problems: self.problems,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedded_files_become_definitions_and_seeds() {
        let builder = Platform::builder()
            .name("hello")
            .definition("more.yaml", "carnet: 1\n")
            .definitions(crate::embedded::<Definitions>())
            .seeds(crate::embedded::<Seeds>());
        let application = builder.build().application;
        let paths: Vec<&str> = application
            .definitions
            .iter()
            .map(|source| source.path.as_str())
            .collect();
        assert_eq!(application.name, "hello");
        assert_eq!(paths, ["more.yaml", "hello.yaml"]);
        assert_eq!(application.seeds.len(), 1);
        assert_eq!(application.seeds[0].name, "01-greetings.yaml");
    }

    #[test]
    fn codes_are_registered_in_order() {
        const FIRST: ApplicationCode = ApplicationCode::new("FIRST", 409, "First");
        const SECOND: ApplicationCode = ApplicationCode::new("SECOND", 422, "Second");
        let application = Platform::builder()
            .code(&FIRST)
            .code(&SECOND)
            .build()
            .application;
        assert_eq!(application.codes, [&FIRST, &SECOND]);
    }

    #[derive(rust_embed::RustEmbed)]
    #[folder = "../../examples/hello/definitions"]
    struct Definitions;

    #[derive(rust_embed::RustEmbed)]
    #[folder = "../../examples/hello/seeds"]
    struct Seeds;
}
