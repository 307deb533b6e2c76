//! What can be written on the command line: the global flags and the table of commands. Each
//! command's own flags stand in its file.

use crate::commands;
use crate::console::Choice;
use crate::error::Error;
use crate::session::Session;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// An application backend: resources declared in definition files become a database, a validated
/// REST API and its documentation.
#[derive(Debug, Parser)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 100,
    after_help = "Examples:
  {name} serve                              serve the API on http://127.0.0.1:3000
  {name} serve --definitions shop --port 0  serve other definitions on a free port
  {name} check                              every problem of definition, configuration and seeds
  {name} db push                            bring a changed definition to the database
  {name} new shop --carnet-path ../carnet     an application of your own, to be written in Rust
  {name} explain UNIQUE_VIOLATION           what a code means and what to do

Exit codes: 0 success, 1 failure, 2 a mistake in the arguments.
Settings come from defaults, then a file, then CARNET_… variables, then flags: `{name} config`."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that every command takes.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The configuration file; else the one that CARNET_CONFIG names, else ./carnet.toml
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// A folder or file of definitions instead of those built in
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) definitions: Option<PathBuf>,
    /// A folder of seeds instead of those built in
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(crate) seeds: Option<PathBuf>,
    /// The path of a SQLite file, or postgres://user:password@host/database
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) database: Option<String>,
    /// dev, stage or prod: how much the deployment trusts its surroundings
    #[arg(long, global = true, value_enum, hide_possible_values = true)]
    pub(crate) profile: Option<Profile>,
    /// off, error, warn, info, debug or trace, also per module: info,carnet_store=debug
    #[arg(long, global = true, value_name = "LEVEL")]
    pub(crate) log_level: Option<String>,
    /// Any setting by its key, such as server.port=8080; may be given several times
    #[arg(long = "set", global = true, value_name = "KEY=VALUE", value_parser = setting)]
    pub(crate) set: Vec<(String, String)>,
    /// Colours: always, never or auto: on a terminal, unless NO_COLOR is set
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        hide_possible_values = true
    )]
    pub(crate) color: Option<Choice>,
}

/// The profiles, as `carnet_server::Profile` knows them.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Profile {
    /// A developer's machine: an empty database is set up by itself, /docs is served
    Dev,
    /// Like production, with /docs and an empty database set up by itself
    Stage,
    /// Production: the schema is changed by commands alone, no /docs
    Prod,
}

impl Profile {
    /// As the configuration writes it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Stage => "stage",
            Self::Prod => "prod",
        }
    }
}

/// How a result is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Serve(commands::serve::Serve),
    Check(commands::check::Check),
    Db(commands::db::Db),
    Explain(commands::explain::Explain),
    Openapi(commands::openapi::Openapi),
    Routes(commands::routes::Routes),
    Config(commands::config::Show),
    Definition(commands::definition::Definition),
    New(commands::new::New),
    Generate(commands::generate::Generate),
    Completions(commands::completions::Completions),
    Version(commands::version::Version),
}

impl Command {
    /// Carries it out; `grammar` is all that the command line knows.
    pub(crate) fn run(self, session: &Session, grammar: clap::Command) -> Result<(), Error> {
        match self {
            Self::Serve(command) => command.run(session),
            Self::Check(command) => command.run(session),
            Self::Db(command) => command.run(session),
            Self::Explain(command) => command.run(session),
            Self::Openapi(command) => command.run(session),
            Self::Routes(command) => command.run(session),
            Self::Config(command) => command.run(session),
            Self::Definition(command) => command.run(session),
            Self::New(command) => command.run(session),
            Self::Generate(command) => command.run(session),
            Self::Completions(command) => command.run(session, grammar),
            Self::Version(command) => command.run(session),
        }
    }
}

/// `key=value`, with a suggestion for a key that does not exist.
fn setting(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or("write it as KEY=VALUE, such as server.port=8080")?;
    let known = carnet_server::config::setting_names();
    // Those of modules are known when the application is.
    if known.contains(&key) || key.starts_with("modules.") {
        Ok((key.to_owned(), value.to_owned()))
    } else {
        let hint = carnet_kernel::suggest::hint(key, known);
        Err(format!("there is no setting `{key}`{hint}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_grammar_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn settings_are_checked_where_they_are_written() {
        assert_eq!(
            setting("server.port=8080"),
            Ok(("server.port".to_owned(), "8080".to_owned()))
        );
        assert_eq!(
            setting("server.prot=1"),
            Err("there is no setting `server.prot` (did you mean `server.port`?)".to_owned())
        );
        assert!(setting("server.port").is_err());
    }
}
