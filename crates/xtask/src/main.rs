#![doc = include_str!("../README.md")]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool speaks on its terminal"
)]

mod bench;
mod ci;
mod codegen;
mod contract;
mod deps;
mod differ;
mod footprint;
mod fuzz;
mod guide;
mod kill;
mod lint;
mod newproject;
mod postgres;
mod product;
mod scenarios;
mod shell;
mod signals;
mod source;
mod test;
mod tidy;
mod tree;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// The task runner of Carnet.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Check the rules of the house that no linter knows.
    Tidy(tidy::Options),
    /// Check formatting and run clippy; warnings are errors.
    Lint,
    /// Run every test, with a private PostgreSQL.
    Test(test::Options),
    /// Make a project with `carnet new`, generate everything in it, and run its tests.
    Newproject(newproject::Options),
    /// Run the API scenarios against the built binaries, on SQLite and PostgreSQL.
    Scenarios(scenarios::Options),
    /// Check the OpenAPI document against the running server.
    Contract(contract::Options),
    /// Compare the two databases, and both with the evaluator, on random requests.
    Differ(differ::Options),
    /// Kill the server while clients write, and look at what is left.
    Kill(kill::Options),
    /// Measure Carnet beside hand-written handlers and its peers: `bench/`.
    Bench(bench::Options),
    /// Build what is shipped and measure its size, start and memory.
    Footprint(footprint::Options),
    /// Run the commands of the guide as they are printed.
    Guide(guide::Options),
    /// Run the fuzz targets for a while.
    Fuzz(fuzz::Options),
    /// Check licences and known vulnerabilities of the dependencies.
    Deps,
    /// Write the generated reference pages.
    Codegen(codegen::Options),
    /// Run everything, cheap stages first.
    Ci,
}

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::Tidy(options) => tidy::run(&options),
        Task::Lint => lint::run(),
        Task::Test(options) => test::run(&options),
        Task::Newproject(options) => newproject::run(&options),
        Task::Scenarios(options) => scenarios::run(&options),
        Task::Contract(options) => contract::run(&options),
        Task::Differ(options) => differ::run(&options),
        Task::Kill(options) => kill::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Footprint(options) => footprint::run(&options),
        Task::Guide(options) => guide::run(&options),
        Task::Fuzz(options) => fuzz::run(&options),
        Task::Deps => deps::run(),
        Task::Codegen(options) => codegen::run(&options),
        Task::Ci => ci::run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
