//! Defaults < file < environment < flags, with all mistakes at once and the origin of each value.

use super::Config;
use super::keys::{ALIASES, KEYS, Key};
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
    let mut problems = Vec::new();
    let mut origins = BTreeMap::new();
    let mut table = match file(sources) {
        Ok(Some((path, table))) => {
            note_file(&table, "", &path, &mut origins, &mut problems);
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
        if let (Some((_, value)), Some(key)) = (variable(name), find(path)) {
            set(
                key,
                value,
                Origin::Variable((*name).to_owned()),
                &mut problems,
            );
        }
    }
    for key in KEYS.iter() {
        if let Some((name, value)) = variable(&key.variable) {
            set(key, value, Origin::Variable(name.clone()), &mut problems);
        }
    }
    for (path, text) in &sources.flags {
        match find(path) {
            Some(key) => set(key, text, Origin::Flag, &mut problems),
            None => problems.push(format!("{path}: there is no such setting")),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let config: Config = Value::Table(table)
        .try_into()
        .map_err(|error: toml::de::Error| vec![error.message().replace('\n', " ")])?;
    let problems = config.problems();
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Loaded {
        config,
        origins,
        warnings: unknown_variables(sources),
    })
}

fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
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

/// Notes which keys the file sets and refuses those that do not exist.
fn note_file(
    table: &Table,
    prefix: &str,
    path: &Path,
    origins: &mut BTreeMap<String, Origin>,
    problems: &mut Vec<String>,
) {
    for (name, value) in table {
        let key = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}.{name}")
        };
        let section = format!("{key}.");
        let is_section = KEYS.iter().any(|known| known.path.starts_with(&section));
        match value {
            Value::Table(inner) if is_section => note_file(inner, &key, path, origins, problems),
            _ if find(&key).is_some() => {
                origins.insert(key, Origin::File(path.to_owned()));
            }
            _ => {
                let hint = suggest::hint(&key, KEYS.iter().map(|known| known.path.as_str()));
                problems.push(format!(
                    "{}: there is no setting `{key}`{hint}",
                    path.display()
                ));
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

fn unknown_variables(sources: &Sources) -> Vec<String> {
    let known = |name: &str| {
        name == "CARNET_CONFIG"
            || name.starts_with("CARNET_TEST_")
            || ALIASES.iter().any(|(alias, _)| *alias == name)
            || KEYS.iter().any(|key| key.variable == name)
    };
    let mut warnings: Vec<String> = sources
        .environment
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| name.starts_with("CARNET_") && !known(name))
        .map(|name| {
            let hint = suggest::hint(name, KEYS.iter().map(|key| key.variable.as_str()));
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
}
