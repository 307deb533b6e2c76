//! Installing the log: filter, form, panic hook. Not the choice of what is worth a line.

mod layer;
mod line;
mod panic_hook;

pub use panic_hook::{Panic, catch, hooked as panics_are_logged};

use crate::config::{Color, Config, Format};
use crate::error::Error;
use layer::LogLayer;
use line::Form;
use std::io::IsTerminal;
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;

/// Modules of dependencies that say nothing of use below `info`.
const CHATTY: &[&str] = &[
    "h2",
    "hyper",
    "hyper_util",
    "rustls",
    "tokio_postgres",
    "tower",
];

/// Installs the log of the process on standard error, and a panic hook that writes to it.
///
/// A subscriber that is already there (an embedding application's, or ours from an earlier call)
/// stays.
pub fn install(config: &Config) -> Result<(), Error> {
    let terminal = std::io::stderr().is_terminal();
    let subscriber = subscriber(config, terminal, std::io::stderr)?;
    if tracing::subscriber::set_global_default(subscriber).is_ok() {
        panic_hook::install();
    }
    Ok(())
}

/// The subscriber that [`install`] would install, writing elsewhere: for tests and tools.
pub fn subscriber<W>(
    config: &Config,
    terminal: bool,
    writer: W,
) -> Result<impl Subscriber + Send + Sync + 'static, Error>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let pretty = match config.format {
        Format::Auto => terminal,
        Format::Pretty => true,
        Format::Json => false,
    };
    let color = match config.color {
        Color::Auto => terminal,
        Color::Always => true,
        Color::Never => false,
    };
    let form = if pretty {
        Form::Pretty { color }
    } else {
        Form::Json
    };
    Ok(tracing_subscriber::registry()
        .with(filter(&config.level)?)
        .with(LogLayer::new(form, writer)))
}

/// Reads a level text. A lone word that is no level is an error, not a module's name: else a
/// slip of the pen would silence everything.
pub(crate) fn filter(text: &str) -> Result<EnvFilter, Error> {
    let error = |message: String| Error::Level {
        text: text.to_owned(),
        message,
    };
    let mut directives = Vec::new();
    for part in text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        let level = part.rsplit_once('=').map_or(part, |(_, level)| level);
        if level
            .parse::<tracing_subscriber::filter::LevelFilter>()
            .is_err()
        {
            return Err(error(format!(
                "`{level}` is not a level; levels are off, error, warn, info, debug, trace"
            )));
        }
        directives.push(part.to_owned());
    }
    if directives.is_empty() {
        return Err(error("it is empty".to_owned()));
    }
    for module in CHATTY {
        if matches!(directives[0].as_str(), "debug" | "trace")
            && !text.contains(&format!("{module}="))
        {
            directives.push(format!("{module}=info"));
        }
    }
    EnvFilter::builder()
        .with_regex(false)
        .parse(directives.join(","))
        .map_err(|cause| error(cause.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(level: &str, usable: bool) {
        assert_eq!(filter(level).is_ok(), usable, "{level}");
    }

    #[test]
    fn levels() {
        for usable in [
            "info",
            "OFF",
            "warn,carnet_store=debug",
            "debug, carnet_web=trace",
        ] {
            check(usable, true);
        }
        for slip in [
            "",
            " ",
            "inof",
            "info,carnet_store",
            "carnet_store=loud",
            "verbose",
        ] {
            check(slip, false);
        }
    }

    #[test]
    fn dependencies_stay_quiet() {
        let text = filter("debug,hyper=trace").unwrap().to_string();
        assert!(
            text.contains("hyper=trace") && text.contains("h2=info"),
            "{text}"
        );
        assert!(!filter("info").unwrap().to_string().contains("h2"));
    }
}
