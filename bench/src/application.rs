//! Carnet as an application: with logic that only proceeds round what is measured, or without any.

use carnet::Platform;
use carnet::prelude::*;
use std::ffi::OsString;
use std::process::ExitCode;

/// The flags.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// With logic.
    #[arg(long)]
    logic: bool,
    /// What follows is Carnet's own: `serve --database …`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

/// Runs the application.
pub(crate) fn run(options: Options) -> ExitCode {
    let mut builder = Platform::builder().name("bench");
    if options.logic {
        for operation in [Operation::Read, Operation::List, Operation::Create] {
            builder = builder.logic(v1, "products", operation, proceed);
        }
    }
    let name = OsString::from("bench");
    let arguments = std::iter::once(name).chain(options.arguments);
    builder.build().run(arguments)
}

async fn proceed(call: Call) -> Result<Reply, Refusal> {
    call.proceed().await
}
