//! The compiler from outside: whole definitions in, models and diagnostics out.

mod actions;
mod bad;
mod diff;
mod good;
mod large;
mod rubbish;
mod schema;
mod stored;
mod tableless;
mod versions;

use carnet_model::{Compiled, Diagnostic, Source};

/// What a platform would ship: a set taken by `use`, and a table that is always there.
fn shipped() -> Vec<Source> {
    vec![
        Source::shipped(
            "settings",
            "carnet/settings.yaml",
            include_str!("../fixtures/settings.yaml"),
        ),
        Source::shipped(
            "",
            "carnet/journal.yaml",
            include_str!("../fixtures/journal.yaml"),
        ),
    ]
}

/// Compiles application files beside what is shipped.
fn compile(files: &[(&str, &str)]) -> Result<Compiled, Vec<Diagnostic>> {
    let mut sources = shipped();
    sources.extend(
        files
            .iter()
            .map(|(path, text)| Source::application(*path, *text)),
    );
    carnet_model::compile(&sources)
}

/// Diagnostics as a terminal shows them.
fn shown(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(ToString::to_string).collect()
}

const SHOP: &str = include_str!("../fixtures/shop.yaml");

#[track_caller]
fn shop() -> Compiled {
    match compile(&[("carnet.yaml", SHOP)]) {
        Ok(compiled) => compiled,
        Err(diagnostics) => panic!("{}", shown(&diagnostics)),
    }
}
