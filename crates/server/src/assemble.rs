//! Everything that an application registers, held against its model and its configuration: every
//! mistake at once, then what a start is made of.

use crate::application::Application;
use crate::config::Config;
use crate::error::Failure;
use crate::module::Life;
use carnet_client::Client;
use carnet_kernel::{ApplicationCodes, Code};
use carnet_model::Model;
use carnet_records::logic::{Components, Logics, Registry};
use carnet_telemetry::metrics::Custom;
use std::sync::Arc;

/// Names of checks that are the platform's own.
const OWN_CHECKS: [&str; 1] = ["database"];

/// An application whose parts fit together.
pub struct Assembled {
    /// Its logic and hooks by their places.
    pub logics: Logics,
    pub(crate) components: Components,
    pub(crate) lives: Vec<Life>,
}

/// Puts the application together for a model and a configuration.
pub fn assemble(
    config: &Config,
    application: &Application,
    model: &Arc<Model>,
) -> Result<Assembled, Failure> {
    let known = ApplicationCodes::new(&application.codes);
    let mut problems = known.as_ref().err().cloned().unwrap_or_default();
    let mut registry = application.logic.clone();
    own_components(config, application, &mut registry);
    check_names(application, &mut problems);
    let mut lives = Vec::new();
    for part in &application.modules {
        match (part.make)(config.modules.get(&part.name)) {
            Ok((components, life)) => {
                registry.merge(components);
                lives.push(life);
            }
            Err(why) => {
                let told = |why| format!("module `{}`: {why}", part.name);
                problems.extend(why.into_iter().map(told));
            }
        }
    }
    problems.extend(application.layers.problems());
    problems.extend(application.routes.problems(model));
    let components = registry.components().clone();
    let compiled = registry.compile(model);
    if let (Ok(logics), Ok(codes)) = (&compiled, &known) {
        let mut unknown: Vec<Code> = logics
            .codes()
            .filter(|code| matches!(code, Code::Application(_)) && !codes.knows(*code))
            .collect();
        unknown.sort_unstable_by_key(|code| code.as_str());
        unknown.dedup();
        let told = |code: Code| {
            format!("code `{code}`: logic says that it refuses with it, and it is not registered")
        };
        problems.extend(unknown.into_iter().map(told));
    }
    match compiled {
        Ok(logics) if problems.is_empty() => Ok(Assembled {
            logics,
            components,
            lives,
        }),
        compiled => {
            problems.extend(compiled.err().unwrap_or_default());
            Err(Failure::Logic(problems))
        }
    }
}

/// What logic finds without anybody adding it.
fn own_components(config: &Config, application: &Application, registry: &mut Registry) {
    let agent = format!("{}/{}", application.name, application.version);
    let client = Client::new(config.client.clone(), agent);
    registry.component(Arc::new(client));
    registry.component(Arc::new(Custom::new(&application.name)));
}

fn check_names(application: &Application, problems: &mut Vec<String>) {
    let names = || application.modules.iter().map(|part| part.name.as_str());
    for (place, name) in names().enumerate() {
        if !is_name(name) {
            problems.push(format!(
                "module `{name}`: a name is of up to 40 lower-case letters, digits and `_`, and begins with a letter"
            ));
        }
        if OWN_CHECKS.contains(&name) {
            problems.push(format!(
                "module `{name}`: the platform has a check of that name"
            ));
        }
        if names().take(place).any(|other| other == name) {
            problems.push(format!(
                "module `{name}`: there is another one of that name"
            ));
        }
    }
}

fn is_name(name: &str) -> bool {
    (1..=40).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}
