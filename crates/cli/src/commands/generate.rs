//! `generate`: the next resource, piece of code or test of a project, to be filled in.

use crate::error::Error;
use crate::project::parts::{self, Place};
use crate::project::register::{MODULES, REGISTER, Registration};
use crate::project::{File, Project, names};
use crate::session::Session;
use carnet_kernel::suggest;
use carnet_model::{Model, Operation, Resource, Source};
use carnet_records::logic::Moment;
use carnet_server::config::{Config, Loaded};
use carnet_server::{Application, Failure};
use clap::{Args, Subcommand};
use std::collections::BTreeMap;
use std::path::Path;

/// Add a resource, logic, an action, a hook or a test to a project
///
/// Runs in the folder of a project that `new` made. Names are held against its definitions. What is
/// there already is not written over.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  {name} generate resource products
  {name} generate logic products create
  {name} generate action products feature
  {name} generate hook products before create
  {name} generate test products")]
pub(crate) struct Generate {
    #[command(subcommand)]
    part: Part,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// A definition file with a first few fields: definitions/RESOURCE.yaml
    #[command(after_help = "Examples:
  {name} generate resource products")]
    Resource {
        /// The plural in camelCase: products
        #[arg(value_name = "RESOURCE")]
        resource: String,
    },
    /// Code that takes over an operation or a declared action: src/logic/RESOURCE_POINT.rs
    #[command(after_help = "Examples:
  {name} generate logic products create
  {name} generate logic products delete --api-version 2")]
    Logic {
        /// A declared resource
        #[arg(value_name = "RESOURCE")]
        resource: String,
        /// list, create, read, update, patch, delete, or a declared action
        #[arg(value_name = "POINT")]
        point: String,
        #[command(flatten)]
        version: Version,
    },
    /// Code for an operation of your own, and how it is declared: src/logic/RESOURCE_ACTION.rs
    #[command(after_help = "Examples:
  {name} generate action products feature")]
    Action {
        /// A declared resource
        #[arg(value_name = "RESOURCE")]
        resource: String,
        /// Its name in camelCase, the end of its address: feature
        #[arg(value_name = "ACTION")]
        action: String,
        #[command(flatten)]
        version: Version,
    },
    /// Code before or after an operation or action: src/logic/RESOURCE_MOMENT_POINT.rs
    #[command(after_help = "Examples:
  {name} generate hook products before create
  {name} generate hook products before-validate patch
  {name} generate hook products after-commit feature")]
    Hook {
        /// A declared resource
        #[arg(value_name = "RESOURCE")]
        resource: String,
        /// before-validate, after-validate, before, after or after-commit
        #[arg(value_name = "MOMENT", value_parser = moment)]
        moment: Moment,
        /// list, create, read, update, patch, delete, or a declared action
        #[arg(value_name = "POINT")]
        point: String,
    },
    /// Tests of a resource that ask its API: tests/RESOURCE.rs
    #[command(after_help = "Examples:
  {name} generate test products && cargo test --test products")]
    Test {
        /// A declared resource
        #[arg(value_name = "RESOURCE")]
        resource: String,
    },
}

/// Which version of the API the code is for.
#[derive(Debug, Args)]
struct Version {
    /// The version of the API that the code is for
    #[arg(long = "api-version", value_name = "NUMBER", default_value_t = 1,
          value_parser = clap::value_parser!(u16).range(1..))]
    number: u16,
}

/// A project with its definitions, as far as they can be used.
struct Work<'s> {
    session: &'s Session,
    project: Project,
    sources: Vec<Source>,
    /// Absent while the definitions have errors.
    model: Option<Model>,
}

impl Generate {
    pub(crate) fn run(self, session: &Session) -> Result<(), Error> {
        let work = Work::begin(session)?;
        match self.part {
            Part::Resource { resource } => work.resource(&resource),
            Part::Logic {
                resource,
                point,
                version,
            } => {
                let place = work.place(&resource, &point)?;
                work.list(parts::logic(&resource, &place, version.number))
            }
            Part::Action {
                resource,
                action,
                version,
            } => work.action(&resource, &action, version.number),
            Part::Hook {
                resource,
                moment,
                point,
            } => {
                let place = work.place(&resource, &point)?;
                check_moment(moment, &place)?;
                work.list(parts::hook(&resource, moment, &place))
            }
            Part::Test { resource } => work.test(&resource),
        }
    }
}

impl<'s> Work<'s> {
    fn begin(session: &'s Session) -> Result<Self, Error> {
        let here = std::env::current_dir().map_err(|error| Error::File {
            path: ".".to_owned(),
            error,
        })?;
        let project = Project::find(&here, &session.application.name)?;
        let folder = session.global.definitions.clone();
        let folder = folder.unwrap_or_else(|| project.path("definitions"));
        let sources = if folder.exists() {
            carnet_server::read_definitions(&folder)?
        } else {
            Vec::new()
        };
        let model = match compile(session, sources.clone()) {
            Ok(model) => Some(model),
            Err(Failure::NoDefinition) => None,
            Err(_) => {
                session.warn(&format!(
                    "the definitions have errors, so that names are not held against them; \
                     `{} check {}` tells them",
                    session.application.name,
                    folder.display()
                ));
                None
            }
        };
        Ok(Self {
            session,
            project,
            sources,
            model,
        })
    }

    fn resource(&self, name: &str) -> Result<(), Error> {
        check_word("a resource", name)?;
        let file = parts::resource(name);
        self.project.require_absent(std::slice::from_ref(&file))?;
        // A name that is taken or reserved is told as a mistake of the new file would be.
        let mut sources = match &self.model {
            Some(_) => self.sources.clone(),
            None => Vec::new(),
        };
        sources.push(Source::application(&file.path, &file.text));
        compile(self.session, sources)?;
        self.project.make(std::slice::from_ref(&file))?;
        self.session.console.print(&format!("{}\n", file.path))
    }

    fn action(&self, resource: &str, name: &str, version: u16) -> Result<(), Error> {
        check_word("an action", name)?;
        if Operation::parse(name).is_some() {
            return Err(Error::Usage(format!(
                "`{name}` is an operation; `{} generate logic {resource} {name}` takes it over",
                self.session.application.name
            )));
        }
        let known = self.known(resource)?;
        let declared = known.and_then(|known| {
            let index = known.action_named(name)?;
            Some(known.action(index).clone())
        });
        if let Some(action) = declared {
            return self.list(parts::logic(resource, &Place::Action(action), version));
        }
        self.check_declaration(name)?;
        self.list(parts::logic(resource, &Place::new_action(name), version))?;
        let has_actions = known.is_some_and(|known| !known.actions.is_empty());
        let below = if has_actions {
            format!("the `actions` of `{resource}`")
        } else {
            format!("`{resource}`")
        };
        self.session.console.say(&format!(
            "declare it in {}, below {below}:",
            self.place_of(resource)
        ));
        self.session
            .console
            .print(&parts::declaration(name, has_actions))
    }

    fn test(&self, resource: &str) -> Result<(), Error> {
        let offered = match self.known(resource)? {
            Some(known) => known.operations,
            None => [Operation::List].into_iter().collect(),
        };
        let file = parts::test(&self.project.library, resource, offered).ok_or_else(|| {
            let message = format!("`{resource}` offers neither list, read nor create");
            Error::Usage(format!("{message}: there is no test to begin with"))
        })?;
        self.project.make(std::slice::from_ref(&file))?;
        self.session.console.print(&format!("{}\n", file.path))
    }

    /// Makes a file of code and lists it.
    fn list(&self, (file, listed): (File, Registration)) -> Result<(), Error> {
        let is_listed = self.project.make_listed(&file, &listed)?;
        self.session.console.print(&format!("{}\n", file.path))?;
        if !is_listed {
            self.session.console.say(&format!(
                "src/logic/mod.rs lacks a line `{MODULES}` or `{REGISTER}`; add to it:\n  {}\nand \
                 to its `register`:\n  {}",
                listed.module,
                listed.call.replace('\n', "\n  ")
            ));
        }
        Ok(())
    }

    /// The declared resource, where the definitions can be used.
    fn known(&self, resource: &str) -> Result<Option<&Resource>, Error> {
        check_word("a resource", resource)?;
        let Some(model) = &self.model else {
            return Ok(None);
        };
        let found = model.resource_named(resource);
        found.map(Some).ok_or_else(|| {
            let all = model.resources.iter().map(|known| known.name.as_str());
            let hint = suggest::hint(resource, all);
            Error::Usage(format!("there is no resource `{resource}`{hint}"))
        })
    }

    /// The operation or action that a word means.
    fn place(&self, resource: &str, word: &str) -> Result<Place, Error> {
        check_word("an operation or action", word)?;
        let known = self.known(resource)?;
        let operation = Operation::parse(word);
        if operation == Some(Operation::Batch) {
            return Err(Error::Usage(
                "a batch runs the code of its items: create, update, patch and delete".to_owned(),
            ));
        }
        let Some(known) = known else {
            return Ok(operation.map_or_else(|| Place::new_action(word), Place::Operation));
        };
        let operations = known.operations.iter();
        let operations = operations.filter(|operation| *operation != Operation::Batch);
        let mut offered: Vec<&str> = operations.map(Operation::as_str).collect();
        offered.extend(known.actions.iter().map(|action| action.name.as_str()));
        match operation {
            Some(operation) if known.operations.contains(operation) => {
                Ok(Place::Operation(operation))
            }
            Some(_) => Err(Error::Usage(format!(
                "`{resource}` does not offer `{word}`; it offers {}",
                offered.join(", ")
            ))),
            None => match known.action_named(word) {
                Some(index) => Ok(Place::Action(known.action(index).clone())),
                None => {
                    let hint = suggest::hint(word, offered);
                    Err(Error::Usage(format!(
                        "`{resource}` has no operation or action `{word}`{hint}; `{} generate \
                         action {resource} {word}` begins one",
                        self.session.application.name
                    )))
                }
            },
        }
    }

    /// Whether an action may have this name, asked of the compiler with a resource of its own.
    fn check_declaration(&self, name: &str) -> Result<(), Error> {
        let mut text = parts::resource("examples").text;
        text.push_str(&parts::declaration(name, false));
        let source = Source::application("the declaration", text);
        compile(self.session, vec![source])?;
        Ok(())
    }

    /// The file in which a resource is declared, as far as its text tells.
    fn place_of(&self, resource: &str) -> String {
        let key = format!("{resource}:");
        let declares = |source: &&Source| {
            let mut lines = source.text.lines();
            lines.any(|line| line.starts_with(' ') && line.trim_start().starts_with(&key))
        };
        let named = format!("{resource}.yaml");
        let by_name = |source: &&Source| Path::new(&source.path).ends_with(&named);
        let found = self.sources.iter().find(by_name);
        match found.or_else(|| self.sources.iter().find(declares)) {
            Some(source) => source.path.clone(),
            None => format!("definitions/{named}"),
        }
    }
}

/// A definition as the application would have it.
fn compile(session: &Session, definitions: Vec<Source>) -> Result<Model, Failure> {
    let loaded = Loaded {
        config: Config::default(),
        origins: BTreeMap::new(),
        modules: BTreeMap::new(),
        warnings: Vec::new(),
    };
    let application = Application {
        definitions,
        ..session.application.clone()
    };
    Ok(carnet_server::compile(&loaded, &application)?.model)
}

fn check_word(what: &str, word: &str) -> Result<(), Error> {
    match names::fault_of_word(what, word) {
        Some(fault) => Err(Error::Usage(fault)),
        None => Ok(()),
    }
}

/// Whether there is such a moment of an operation.
fn check_moment(moment: Moment, place: &Place) -> Result<(), Error> {
    let fault = match (moment, place) {
        (_, Place::Action(_)) => None,
        (
            Moment::BeforeValidate | Moment::AfterValidate,
            Place::Operation(Operation::List | Operation::Read | Operation::Delete),
        ) => Some("has no body to validate"),
        (Moment::AfterCommit, Place::Operation(Operation::List | Operation::Read)) => {
            Some("commits nothing")
        }
        _ => None,
    };
    match (fault, place) {
        (Some(fault), Place::Operation(operation)) => Err(Error::Usage(format!(
            "there is no {} `{}`: it {fault}",
            moment.as_str(),
            operation.as_str()
        ))),
        _ => Ok(()),
    }
}

/// A moment as the command line writes it: `before-validate`.
fn moment(text: &str) -> Result<Moment, String> {
    let word = |moment: Moment| moment.as_str().replace(' ', "-");
    let found = Moment::ALL.into_iter().find(|known| word(*known) == text);
    found.ok_or_else(|| {
        let all = Moment::ALL.map(word);
        let hint = suggest::hint(text, all.iter().map(String::as_str));
        format!(
            "there is no such moment{hint}; there are {}",
            all.join(", ")
        )
    })
}
