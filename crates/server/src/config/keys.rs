//! The generated table of settings: dotted key, environment variable, kind of value.

use super::Config;
use std::sync::LazyLock;
use toml::Value;

/// One setting.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    /// `server.port`
    pub(crate) path: String,
    /// `CARNET_SERVER_PORT`
    pub(crate) variable: String,
    /// Its default as the file would write it; texts for settings that have none.
    pub(crate) default: Value,
}

/// Every setting, made from the default configuration.
pub(crate) static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
    let mut keys = Vec::new();
    if let Ok(table) = Value::try_from(Config::default()) {
        walk(&table, "", &mut keys);
    }
    for optional in ["definitions", "seeds"] {
        keys.push(key(optional, Value::String(String::new())));
    }
    for switch in ["server.docs", "server.explain", "web.server_timing"] {
        keys.push(key(switch, Value::Boolean(true)));
    }
    keys.sort_by(|left: &Key, right| left.path.cmp(&right.path));
    keys
});

/// Variables that name a setting in a shorter or an older way, weakest first.
pub(crate) const ALIASES: &[(&str, &str)] = &[
    ("PORT", "server.port"),
    ("LOG_LEVEL", "telemetry.level"),
    ("CORS_ORIGIN", "web.cors.origins"),
    ("POSTGRES_DB_URI", "database.url"),
    ("DATABASE_URL", "database.url"),
    ("CARNET_PORT", "server.port"),
];

/// The dotted keys of every setting, sorted.
pub fn setting_names() -> Vec<&'static str> {
    KEYS.iter().map(|key| key.path.as_str()).collect()
}

fn walk(value: &Value, path: &str, keys: &mut Vec<Key>) {
    match value {
        Value::Table(table) => {
            for (name, value) in table {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                walk(value, &path, keys);
            }
        }
        leaf => keys.push(key(path, leaf.clone())),
    }
}

fn key(path: &str, default: Value) -> Key {
    Key {
        path: path.to_owned(),
        variable: format!("CARNET_{}", path.to_uppercase().replace('.', "_")),
        default,
    }
}

impl Key {
    /// A variable's or flag's text as a value of this setting's kind.
    pub(crate) fn read(&self, text: &str) -> Result<Value, String> {
        match &self.default {
            Value::Integer(_) => text
                .trim()
                .parse()
                .map(Value::Integer)
                .map_err(|_| format!("`{text}` is not a whole number")),
            Value::Float(_) => text
                .trim()
                .parse()
                .map(Value::Float)
                .map_err(|_| format!("`{text}` is not a number")),
            Value::Boolean(_) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => Ok(Value::Boolean(true)),
                "false" | "0" | "no" | "off" => Ok(Value::Boolean(false)),
                _ => Err(format!("`{text}` is neither `true` nor `false`")),
            },
            Value::Array(_) => Ok(Value::Array(
                text.split(',')
                    .map(str::trim)
                    .filter(|part| !part.is_empty())
                    .map(|part| part.into())
                    .collect(),
            )),
            _ => Ok(Value::String(text.to_owned())),
        }
    }
}
