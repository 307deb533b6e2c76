//! What the commands share: the application, the flags, the configuration made from them, the
//! runtime. Reads the environment, as `server` and `cli` alone may.

use crate::arguments::Global;
use crate::console::{Console, is_plain};
use crate::error::Error;
use carnet_model::{Compiled, Diagnostic};
use carnet_server::config::{Loaded, Sources, load};
use carnet_server::{Application, Failure};
use carnet_store::Store;
use carnet_telemetry::{Color, Format};

/// One run of the program.
pub(crate) struct Session {
    pub(crate) application: Application,
    pub(crate) global: Global,
    pub(crate) console: Console,
}

impl Session {
    pub(crate) fn new(application: Application, global: Global, console: Console) -> Self {
        Self {
            application,
            global,
            console,
        }
    }

    /// The configuration from all its sources; warnings are told.
    pub(crate) fn load(&self) -> Result<Loaded, Error> {
        let loaded = self.load_with(Vec::new())?;
        for warning in &loaded.warnings {
            self.warn(warning);
        }
        Ok(loaded)
    }

    /// The same with a command's own flags as further settings; warnings are left to the caller.
    pub(crate) fn load_with(&self, flags: Vec<(String, String)>) -> Result<Loaded, Error> {
        let mut sources = Sources {
            file: self.global.config.clone(),
            environment: environment(),
            flags: settings(&self.global),
            sections: self.application.sections(),
        };
        sources.flags.extend(flags);
        load(&sources).map_err(|problems| Failure::Configuration(problems).into())
    }

    /// The compiled definition; its warnings are told.
    pub(crate) fn compile(&self, loaded: &Loaded) -> Result<Compiled, Error> {
        let compiled = carnet_server::compile(loaded, &self.application)?;
        for warning in &compiled.warnings {
            self.show(warning);
        }
        Ok(compiled)
    }

    /// Tells something odd.
    pub(crate) fn warn(&self, text: &str) {
        let word = self
            .console
            .on_err(crate::console::Paint::Warning, "warning");
        self.console.say(&format!("{word}: {text}"));
    }

    /// Tells a problem of the definition.
    pub(crate) fn show(&self, diagnostic: &Diagnostic) {
        self.console.say(&diagnostic.render(self.console.err));
    }

    /// Installs the log of a server, in the colours that the surroundings ask for.
    pub(crate) fn start_server_log(&self, loaded: &mut Loaded) -> Result<(), Error> {
        let config = &mut loaded.config.telemetry;
        if config.color == Color::Auto && is_plain() {
            config.color = Color::Never;
        }
        install(config)
    }

    /// Runs `work` with a connection to the configured database, which is closed afterwards.
    pub(crate) fn with_store<T>(
        &self,
        loaded: &Loaded,
        work: impl AsyncFnOnce(&Store) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.start_command_log(loaded)?;
        runtime()?.block_on(async {
            let store = carnet_server::connect(loaded).await?;
            let result = Box::pin(work(&store)).await;
            store.close().await;
            result
        })
    }

    /// Installs the log of a command: warnings for a person, unless the configuration says more.
    fn start_command_log(&self, loaded: &Loaded) -> Result<(), Error> {
        let mut config = loaded.config.telemetry.clone();
        if !loaded.origins.contains_key("telemetry.level") {
            config.level = "warn".to_owned();
        }
        if config.format == Format::Auto {
            config.format = Format::Pretty;
        }
        if config.color == Color::Auto && !self.console.err {
            config.color = Color::Never;
        }
        install(&config)
    }
}

fn install(config: &carnet_telemetry::Config) -> Result<(), Error> {
    carnet_telemetry::logs::install(config).map_err(|error| Error::Setup(error.to_string()))
}

/// The runtime of a command or a server.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::Setup(format!("the runtime cannot be started: {error}")))
}

/// The variables that are text; others name no setting.
fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// The global flags as settings. `--set` comes last and wins.
fn settings(global: &Global) -> Vec<(String, String)> {
    let mut settings = Vec::new();
    let mut set = |key: &str, value: Option<String>| {
        settings.extend(value.map(|value| (key.to_owned(), value)));
    };
    let path =
        |path: &Option<std::path::PathBuf>| path.as_ref().map(|one| one.display().to_string());
    set("definitions", path(&global.definitions));
    set("seeds", path(&global.seeds));
    set("database.url", global.database.as_deref().map(database));
    set(
        "profile",
        global.profile.map(|profile| profile.as_str().to_owned()),
    );
    set("telemetry.level", global.log_level.clone());
    let color = global.color.map(|choice| match choice {
        crate::console::Choice::Auto => "auto",
        crate::console::Choice::Always => "always",
        crate::console::Choice::Never => "never",
    });
    set("telemetry.color", color.map(str::to_owned));
    settings.extend(global.set.iter().cloned());
    settings
}

/// A database as `--database` names it: anything without a scheme is the path of a SQLite file.
fn database(text: &str) -> String {
    if text.starts_with("sqlite:") || text.contains("://") {
        text.to_owned()
    } else {
        format!("sqlite:{text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_path_is_a_sqlite_file() {
        assert_eq!(database("data/a.sqlite"), "sqlite:data/a.sqlite");
        assert_eq!(database("sqlite:a"), "sqlite:a");
        assert_eq!(database("postgres://localhost/a"), "postgres://localhost/a");
        assert_eq!(database("mysql://localhost/a"), "mysql://localhost/a");
    }

    #[test]
    fn a_set_flag_wins_over_its_short_form() {
        let global = Global {
            database: Some("a.sqlite".to_owned()),
            set: vec![("database.url".to_owned(), "sqlite:b".to_owned())],
            ..Global::default()
        };
        let settings = settings(&global);
        assert_eq!(
            settings.last().map(|(_, value)| value.as_str()),
            Some("sqlite:b")
        );
    }
}
