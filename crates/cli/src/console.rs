//! Where results and messages go, and whether in colour. Results go to standard output alone, so
//! that they can be piped; messages go to standard error.

use crate::error::Error;
use clap::{ColorChoice, ValueEnum};
use std::ffi::OsString;
use std::io::{ErrorKind, IsTerminal, Write};

/// When colours are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Choice {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Everywhere
    Always,
    /// Nowhere
    Never,
}

/// A role that a piece of text has.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Paint {
    Error,
    Warning,
    Good,
    Strong,
    Faint,
}

impl Paint {
    fn code(self) -> &'static str {
        match self {
            Self::Error => "\u{1b}[1;31m",
            Self::Warning => "\u{1b}[1;33m",
            Self::Good => "\u{1b}[1;32m",
            Self::Strong => "\u{1b}[1m",
            Self::Faint => "\u{1b}[2m",
        }
    }
}

/// The two streams.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console {
    /// Whether results are coloured.
    pub(crate) out: bool,
    /// Whether messages are coloured.
    pub(crate) err: bool,
}

impl Console {
    pub(crate) fn new(choice: Choice) -> Self {
        let decide = |terminal: bool| match choice {
            Choice::Always => true,
            Choice::Never => false,
            Choice::Auto => terminal && !is_plain(),
        };
        Self {
            out: decide(std::io::stdout().is_terminal()),
            err: decide(std::io::stderr().is_terminal()),
        }
    }

    /// Writes a result. A reader that goes away early, as `head` does, has what it wanted.
    pub(crate) fn print(&self, text: &str) -> Result<(), Error> {
        let mut out = std::io::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        match written {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Error::Output(error)),
            _ => Ok(()),
        }
    }

    /// Writes a message, with a line break.
    pub(crate) fn say(&self, text: &str) {
        let mut err = std::io::stderr().lock();
        // There is nobody to tell when standard error is gone.
        drop(writeln!(err, "{text}"));
    }

    /// A piece of a result in its colour.
    pub(crate) fn on_out(&self, paint: Paint, text: &str) -> String {
        painted(self.out, paint, text)
    }

    /// A piece of a message in its colour.
    pub(crate) fn on_err(&self, paint: Paint, text: &str) -> String {
        painted(self.err, paint, text)
    }
}

fn painted(colour: bool, paint: Paint, text: &str) -> String {
    if colour {
        format!("{}{text}\u{1b}[0m", paint.code())
    } else {
        text.to_owned()
    }
}

/// Whether the surroundings ask for plain text (<https://no-color.org>).
pub(crate) fn is_plain() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    is_set("NO_COLOR") || std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// What `--color` says, read before the arguments are: help and mistakes in them are coloured too.
pub(crate) fn asked_for(arguments: &[OsString]) -> Choice {
    let texts: Vec<&str> = arguments.iter().filter_map(|one| one.to_str()).collect();
    let after = texts.windows(2).find_map(|pair| match pair {
        ["--color", value] => Some(*value),
        _ => None,
    });
    let value = after.or_else(|| texts.iter().find_map(|text| text.strip_prefix("--color=")));
    value
        .and_then(|value| Choice::from_str(value, false).ok())
        .unwrap_or(Choice::Auto)
}

/// The same for clap, which looks at terminals by itself.
pub(crate) fn clap_choice(choice: Choice) -> ColorChoice {
    match choice {
        Choice::Auto => ColorChoice::Auto,
        Choice::Always => ColorChoice::Always,
        Choice::Never => ColorChoice::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(arguments: &[&str], expected: Choice) {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        assert_eq!(asked_for(&arguments), expected);
    }

    #[test]
    fn colours_are_asked_for_anywhere() {
        check(&["carnet", "serve"], Choice::Auto);
        check(&["carnet", "--color", "always", "serve"], Choice::Always);
        check(&["carnet", "serve", "--color=never"], Choice::Never);
        check(&["carnet", "--color=blue"], Choice::Auto);
    }
}
