#![doc = include_str!("../README.md")]

mod arguments;
mod commands;
mod console;
mod error;
mod project;
mod session;
mod words;

use arguments::Arguments;
use carnet_model::Diagnostic;
use carnet_server::{Application, Failure};
use clap::{CommandFactory, FromArgMatches};
use console::{Choice, Console};
use error::Error;
use session::Session;
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the command that `arguments` ask for, of which the first is the name of the program.
/// `problems` of the application's built-in definitions stop every command.
pub fn run(
    application: Application,
    problems: Vec<Diagnostic>,
    arguments: impl IntoIterator<Item = OsString>,
) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let command = named(Arguments::command(), &application)
        .color(console::clap_choice(console::asked_for(&arguments)))
        .version(commands::version::text(&application));
    let parsed = command
        .clone()
        .try_get_matches_from(&arguments)
        .and_then(|mut matches| Arguments::from_arg_matches_mut(&mut matches));
    let arguments = match parsed {
        Ok(arguments) => arguments,
        Err(error) => return refuse_arguments(&error),
    };
    let console = Console::new(arguments.global.color.unwrap_or(Choice::Auto));
    let session = Session::new(application, arguments.global, console);
    let outcome = if problems.is_empty() {
        arguments.command.run(&session, command)
    } else {
        Err(Failure::Definition(problems).into())
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error.report(&session.console, &session.application.name);
            error.exit_code()
        }
    }
}

/// Help that is asked for is a result; anything else is a mistake in the arguments.
fn refuse_arguments(error: &clap::Error) -> ExitCode {
    // There is nobody to tell when the terminal is gone.
    drop(error.print());
    if error.use_stderr() {
        Error::USAGE.into()
    } else {
        ExitCode::SUCCESS
    }
}

/// The commands under the application's own name, in examples too.
fn named(command: clap::Command, application: &Application) -> clap::Command {
    fn examples(command: clap::Command, name: &str) -> clap::Command {
        let text = command.get_after_help().map(|text| text.to_string());
        let command = match text {
            Some(text) => command.after_help(text.replace("{name}", name)),
            None => command,
        };
        command.mut_subcommands(|below| examples(below, name))
    }
    examples(command, &application.name)
        .name(application.name.clone())
        .bin_name(application.name.clone())
}
