//! The settings of logs, section `telemetry`. Metrics and health have none.

use crate::error::Error;
use serde::{Deserialize, Serialize};

/// Section `telemetry` of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What is logged: `off`, `error`, `warn`, `info`, `debug` or `trace`, optionally followed by
    /// exceptions for single modules: `info,carnet_store=debug`. Default `info`.
    pub level: String,
    /// How lines look: `json`, `pretty` (for people), or `auto`: pretty on a terminal, JSON
    /// otherwise. Default `auto`.
    pub format: Format,
    /// Whether pretty lines are coloured: `always`, `never`, or `auto`: on a terminal. Default `auto`.
    pub color: Color,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Pretty on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// For people.
    Pretty,
    /// One JSON object per line.
    Json,
}

/// Whether pretty lines are coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Color {
    /// On a terminal.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            level: "info".to_owned(),
            format: Format::Auto,
            color: Color::Auto,
        }
    }
}

impl Config {
    /// Every setting that cannot be used.
    pub fn problems(&self) -> Vec<Error> {
        crate::logs::filter(&self.level).err().into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_defaults() {
        assert_eq!(
            serde_json::from_str::<Config>("{}").unwrap(),
            Config::default()
        );
        let config: Config =
            serde_json::from_str(r#"{"level":"debug","format":"json","color":"never"}"#).unwrap();
        assert_eq!(config.format, Format::Json);
        assert!(serde_json::from_str::<Config>(r#"{"levle":"debug"}"#).is_err());
        assert!(Config::default().problems().is_empty());
    }
}
