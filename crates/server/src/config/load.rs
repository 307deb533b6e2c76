//! Defaults < file < environment < flags, with all mistakes at once and the origin of each value.

use super::keys::{ALIASES, KEYS, Key};
use super::{Config, Section};
use carnet_kernel::suggest;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// What configuration is made of.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The file that `--config` names.
    pub file: Option<PathBuf>,
    /// The process's environment.
    pub environment: Vec<(String, String)>,
    /// Flags as (dotted key, text).
    pub flags: Vec<(String, String)>,
    /// The settings of the application's modules.
    pub sections: Vec<Section>,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The configuration file.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
    /// A flag.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(out, "{}", path.display()),
            Self::Variable(name) => write!(out, "the variable {name}"),
            Self::Flag => out.write_str("a flag"),
        }
    }
}

/// A configuration with its history.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The values that hold.
    pub config: Config,
    /// For each dotted key that is not at its default: where it was set.
    pub origins: BTreeMap<String, Origin>,
    /// The settings of each module as they hold, without secrets.
    pub modules: BTreeMap<String, serde_json::Value>,
    /// What is odd but no error.
    pub warnings: Vec<String>,
}

impl Loaded {
    /// Where a key was set, in words.
    pub fn origin(&self, key: &str) -> String {
        self.origins
            .get(key)
            .map_or_else(|| "the default".to_owned(), Origin::to_string)
    }
}

/// Loads the configuration, or tells everything that is wrong with it.
pub fn load(sources: &Sources) -> Result<Loaded, Vec<String>> {
    let keys = keys(sources);
    let mut problems = shared_variables(sources);
    let mut origins = BTreeMap::new();
    let mut table = match file(sources) {
        Ok(Some((path, table))) => {
            let mut noted = Noted {
                keys: &keys,
                path: &path,
                origins: &mut origins,
                problems: &mut problems,
            };
            noted.note(&table, "");
            table
        }
        Ok(None) => Table::new(),
        Err(problem) => return Err(vec![problem]),
    };
    let mut set =
        |key: &Key, text: &str, origin: Origin, problems: &mut Vec<String>| match key.read(text) {
            Ok(value) => {
                insert(&mut table, &key.path, value);
                origins.insert(key.path.clone(), origin);
            }
            Err(why) => problems.push(format!("{}: {why} (set by {origin})", key.path)),
        };
    let variable = |name: &str| {
        sources
            .environment
            .iter()
            .find(|(known, value)| known == name && !value.is_empty())
    };
    for (name, path) in ALIASES {
        if let (Some((_, value)), Some(key)) = (variable(name), find(&keys, path)) {
            set(
                key,
                value,
                Origin::Variable((*name).to_owned()),
                &mut problems,
            );
        }
    }
    for key in &keys {
        if let Some((name, value)) = variable(&key.variable) {
            set(key, value, Origin::Variable(name.clone()), &mut problems);
        }
    }
    for (path, text) in &sources.flags {
        match find(&keys, path) {
            Some(key) => set(key, text, Origin::Flag, &mut problems),
            None => {
                let hint = suggest::hint(path, keys.iter().map(|key| key.path.as_str()));
                problems.push(format!("{path}: there is no such setting{hint}"));
            }
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let config: Config = Value::Table(table)
        .try_into()
        .map_err(|error: toml::de::Error| vec![error.message().replace('\n', " ")])?;
    let mut problems = config.problems();
    let mut modules = BTreeMap::new();
    for section in &sources.sections {
        let name = &section.name;
        match section.read(config.modules.get(name)) {
            Ok((_, shown)) => drop(modules.insert(name.clone(), shown)),
            Err(why) => problems.push(format!("modules.{name}: {why}")),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Loaded {
        config,
        origins,
        modules,
        warnings: unknown_variables(sources, &keys),
    })
}

/// Every setting: the platform's and those of modules.
fn keys(sources: &Sources) -> Vec<&Key> {
    let modules = sources.sections.iter().flat_map(|section| &section.keys);
    KEYS.iter().chain(modules).collect()
}

/// Settings of modules that would be set by the variable of another one.
fn shared_variables(sources: &Sources) -> Vec<String> {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    let mut problems = Vec::new();
    for key in keys(sources) {
        if let Some(other) = seen.insert(&key.variable, &key.path)
            && other != key.path
        {
            problems.push(format!(
                "{}: its variable {} is that of {other} too; give the module or the setting another name",
                key.path, key.variable
            ));
        }
    }
    problems
}

fn find<'k>(keys: &[&'k Key], path: &str) -> Option<&'k Key> {
    keys.iter().find(|key| key.path == path).copied()
}

/// `--config`, then `CARNET_CONFIG`, then `./carnet.toml` if it is there.
fn file(sources: &Sources) -> Result<Option<(PathBuf, Table)>, String> {
    let named = sources.file.clone().or_else(|| {
        let variable = sources
            .environment
            .iter()
            .find(|(name, value)| name == "CARNET_CONFIG" && !value.is_empty());
        variable.map(|(_, value)| PathBuf::from(value))
    });
    let path = match named {
        Some(path) => path,
        None if Path::new("carnet.toml").is_file() => PathBuf::from("carnet.toml"),
        None => return Ok(None),
    };
    let text =
        std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let table = text
        .parse::<Table>()
        .map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(Some((path, table)))
}

/// What is noted of a file while it is read.
struct Noted<'a> {
    keys: &'a [&'a Key],
    path: &'a Path,
    origins: &'a mut BTreeMap<String, Origin>,
    problems: &'a mut Vec<String>,
}

impl Noted<'_> {
    /// Notes which keys the file sets and refuses those that do not exist.
    fn note(&mut self, table: &Table, prefix: &str) {
        for (name, value) in table {
            let key = if prefix.is_empty() {
                name.clone()
            } else {
                format!("{prefix}.{name}")
            };
            let section = format!("{key}.");
            let is_section = self
                .keys
                .iter()
                .any(|known| known.path.starts_with(&section));
            match value {
                Value::Table(inner) if is_section => self.note(inner, &key),
                _ if find(self.keys, &key).is_some() => {
                    self.origins.insert(key, Origin::File(self.path.to_owned()));
                }
                _ => {
                    let known = self.keys.iter().map(|known| known.path.as_str());
                    let hint = suggest::hint(&key, known);
                    self.problems.push(format!(
                        "{}: there is no setting `{key}`{hint}",
                        self.path.display()
                    ));
                }
            }
        }
    }
}

fn insert(table: &mut Table, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            table.insert(path.to_owned(), value);
        }
        Some((section, rest)) => {
            let entry = table
                .entry(section)
                .or_insert_with(|| Value::Table(Table::new()));
            if !entry.is_table() {
                *entry = Value::Table(Table::new());
            }
            if let Value::Table(inner) = entry {
                insert(inner, rest, value);
            }
        }
    }
}

fn unknown_variables(sources: &Sources, keys: &[&Key]) -> Vec<String> {
    let known = |name: &str| {
        name == "CARNET_CONFIG"
            || name.starts_with("CARNET_TEST_")
            || ALIASES.iter().any(|(alias, _)| *alias == name)
            || keys.iter().any(|key| key.variable == name)
    };
    let mut warnings: Vec<String> = sources
        .environment
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| name.starts_with("CARNET_") && !known(name))
        .map(|name| {
            let hint = suggest::hint(name, keys.iter().map(|key| key.variable.as_str()));
            format!("the variable {name} names no setting{hint}")
        })
        .collect();
    warnings.sort();
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Sources {
        let owned = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect()
        };
        Sources {
            file: None,
            environment: owned(environment),
            flags: owned(flags),
            sections: Vec::new(),
        }
    }

    #[test]
    fn later_sources_win() {
        let loaded = load(&sources(
            &[
                ("PORT", "1"),
                ("CARNET_PORT", "2"),
                ("CARNET_SERVER_PORT", "3"),
                ("DATABASE_URL", "postgres://x/y"),
            ],
            &[],
        ))
        .unwrap();
        assert_eq!(loaded.config.server.port, 3);
        assert_eq!(
            loaded.origin("server.port"),
            "the variable CARNET_SERVER_PORT"
        );
        assert_eq!(loaded.config.database.url.reveal(), "postgres://x/y");
        let loaded = load(&sources(&[("PORT", "1")], &[("server.port", "4")])).unwrap();
        assert_eq!(
            (loaded.config.server.port, loaded.origin("server.port")),
            (4, "a flag".to_owned())
        );
    }

    #[test]
    fn all_mistakes_are_told() {
        let problems = load(&sources(
            &[("PORT", "x"), ("CARNET_WEB_COMPRESSION", "maybe")],
            &[],
        ))
        .unwrap_err();
        assert_eq!(problems.len(), 2, "{problems:?}");
        let problems = load(&sources(&[("CARNET_SERVER_HOST", "0.0.0.0")], &[])).unwrap_err();
        assert!(problems[0].contains("loopback"), "{problems:?}");
    }

    #[test]
    fn a_file_is_read_strictly() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("carnet.toml");
        std::fs::write(&path, "profile = \"prod\"\n[server]\nprot = 1\n").unwrap();
        let problems = load(&Sources {
            file: Some(path.clone()),
            ..Sources::default()
        })
        .unwrap_err();
        assert!(
            problems[0].contains("`server.prot` (did you mean `server.port`?)"),
            "{problems:?}"
        );
        std::fs::write(
            &path,
            "profile = \"prod\"\n[server]\nport = 1\n[web.cors]\norigins = [\"https://a.eu\"]\n",
        )
        .unwrap();
        let loaded = load(&Sources {
            file: Some(path),
            ..Sources::default()
        })
        .unwrap();
        assert_eq!(loaded.config.server.port, 1);
        assert_eq!(loaded.config.web.cors.origins, ["https://a.eu"]);
    }

    #[test]
    fn unknown_variables_are_warnings() {
        let loaded = load(&sources(
            &[("CARNET_SERVER_PROT", "1"), ("CARNET_TEST_POSTGRES", "x")],
            &[],
        ))
        .unwrap();
        assert_eq!(
            loaded.warnings,
            [
                "the variable CARNET_SERVER_PROT names no setting (did you mean `CARNET_SERVER_PORT`?)"
            ]
        );
    }

    #[derive(serde::Serialize, serde::Deserialize)]
    struct Mail {
        host: String,
        port: u16,
    }

    impl Default for Mail {
        fn default() -> Self {
            Self {
                host: "localhost".to_owned(),
                port: 25,
            }
        }
    }

    #[test]
    fn modules_have_settings_like_the_platform() {
        let with = |environment: &[(&str, &str)], flags: &[(&str, &str)]| Sources {
            sections: vec![Section::of::<Mail>("mail")],
            ..sources(environment, flags)
        };
        let loaded = load(&with(
            &[("CARNET_MODULES_MAIL_PORT", "587")],
            &[("modules.mail.host", "smtp.example")],
        ))
        .unwrap();
        assert_eq!(loaded.modules["mail"]["port"], 587);
        assert_eq!(loaded.modules["mail"]["host"], "smtp.example");
        assert_eq!(loaded.origin("modules.mail.host"), "a flag");
        assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
        let problems = load(&with(&[("CARNET_MODULES_MAIL_PORT", "99999")], &[])).unwrap_err();
        assert!(problems[0].starts_with("modules.mail: "), "{problems:?}");
        let problems = load(&with(&[], &[("modules.mail.prot", "1")])).unwrap_err();
        assert!(
            problems[0].contains("did you mean `modules.mail.port`?"),
            "{problems:?}"
        );
        let loaded = load(&with(&[("CARNET_MODULES_MALI_PORT", "1")], &[])).unwrap();
        assert!(loaded.warnings[0].contains("CARNET_MODULES_MAIL_PORT"));
    }

    #[test]
    fn one_variable_sets_one_setting() {
        #[derive(Default, serde::Serialize, serde::Deserialize)]
        struct Long {
            host_name: String,
        }

        #[derive(Default, serde::Serialize, serde::Deserialize)]
        struct Short {
            name: String,
        }

        let mut sources = sources(&[], &[]);
        sources.sections = vec![Section::of::<Long>("out"), Section::of::<Short>("out_host")];
        let problems = load(&sources).unwrap_err();
        assert!(
            problems[0].contains("CARNET_MODULES_OUT_HOST_NAME"),
            "{problems:?}"
        );
    }
}
