//! The settings of a module of the application: section `modules.<name>`, as the type that the
//! module reads them as. Keys, variables and defaults come from the type's default value.

use super::keys::Key;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use std::any::Any;
use std::fmt;
use std::sync::Arc;
use toml::{Table, Value};

/// What a secret is written as; such a default is none.
const REDACTED: &str = "[redacted]";

/// Settings as their type, and as they are shown.
pub(crate) type Settings = (Arc<dyn Any + Send + Sync>, Json);

type Read = Arc<dyn Fn(&Table) -> Result<Settings, String> + Send + Sync>;

/// The settings of one module.
#[derive(Clone)]
pub struct Section {
    pub(crate) name: String,
    pub(crate) keys: Vec<Key>,
    read: Read,
}

impl fmt::Debug for Section {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Section")
            .field("name", &self.name)
            .field("keys", &self.keys.len())
            .finish_non_exhaustive()
    }
}

impl Section {
    /// The section of the module `name`, read as `C`.
    pub(crate) fn of<C>(name: &str) -> Self
    where
        C: Default + Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        let defaults = serde_json::to_value(C::default());
        let mut keys = Vec::new();
        if let Ok(defaults) = &defaults {
            walk(defaults, &format!("modules.{name}"), &mut keys);
        }
        let defaults = defaults.map_err(|error| error.to_string());
        Self {
            name: name.to_owned(),
            keys,
            read: Arc::new(move |given| {
                let defaults = defaults.clone()?;
                let settings: C = read(defaults, given)?;
                let shown = serde_json::to_value(&settings).map_err(|error| error.to_string())?;
                let settings: Arc<dyn Any + Send + Sync> = Arc::new(settings);
                Ok((settings, shown))
            }),
        }
    }

    /// The dotted keys of its settings: `modules.billing.url`.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.path.as_str())
    }

    /// The settings that `given` and the defaults make.
    pub(crate) fn read(&self, given: Option<&Table>) -> Result<Settings, String> {
        match given {
            Some(given) => (self.read)(given),
            None => (self.read)(&Table::new()),
        }
    }
}

fn read<C: DeserializeOwned>(defaults: Json, given: &Table) -> Result<C, String> {
    let given = serde_json::to_value(given).map_err(|error| error.to_string())?;
    let mut typed = given.clone();
    let has_untyped = type_texts(&mut typed, &defaults);
    let attempt = |given: Json| {
        let mut all = defaults.clone();
        drop_unsaid(&mut all);
        overlay(&mut all, given);
        serde_json::from_value(all).map_err(|error: serde_json::Error| error.to_string())
    };
    match attempt(given) {
        Err(why) if has_untyped => attempt(typed).map_err(|_| why),
        outcome => outcome,
    }
}

/// Settings without a default tell no kind, so a variable's text stands for any. Makes numbers and
/// switches of such texts; whether there were any.
fn type_texts(given: &mut Json, defaults: &Json) -> bool {
    match (given, defaults) {
        (Json::Object(given), Json::Object(defaults)) => {
            let mut found = false;
            for (name, value) in given {
                let default = defaults.get(name).unwrap_or(&Json::Null);
                found |= type_texts(value, default);
            }
            found
        }
        (value, Json::Null) => {
            let text = value.as_str();
            let Some(typed) = text.and_then(|text| serde_json::from_str::<Json>(text).ok()) else {
                return false;
            };
            *value = typed;
            true
        }
        _ => false,
    }
}

/// Takes out what a default cannot say: nothing, and secrets.
fn drop_unsaid(value: &mut Json) {
    if let Json::Object(members) = value {
        members.retain(|_, member| !member.is_null() && member.as_str() != Some(REDACTED));
        members.values_mut().for_each(drop_unsaid);
    }
}

/// Puts `given` over `all`; sections are joined, everything else is replaced.
fn overlay(all: &mut Json, given: Json) {
    match (all, given) {
        (Json::Object(all), Json::Object(given)) => {
            for (name, value) in given {
                overlay(all.entry(name).or_insert(Json::Null), value);
            }
        }
        (all, given) => *all = given,
    }
}

fn walk(value: &Json, path: &str, keys: &mut Vec<Key>) {
    match value {
        Json::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                walk(member, &format!("{path}.{name}"), keys);
            }
        }
        leaf => keys.push(Key {
            path: path.to_owned(),
            variable: variable(path),
            default: Value::try_from(leaf).unwrap_or_else(|_| Value::String(String::new())),
        }),
    }
}

/// `modules.billing.base-url` as `CARNET_MODULES_BILLING_BASE_URL`.
fn variable(path: &str) -> String {
    let letters = path.chars().map(|letter| match letter {
        letter if letter.is_ascii_alphanumeric() => letter.to_ascii_uppercase(),
        _ => '_',
    });
    format!("CARNET_{}", letters.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use carnet_kernel::{Period, Secret};
    use serde::Deserialize;

    #[derive(Debug, Serialize, Deserialize)]
    struct Billing {
        url: String,
        key: Option<Secret>,
        most: Option<u32>,
        retry: Retry,
    }

    #[derive(Debug, Serialize, Deserialize)]
    struct Retry {
        wait: Period,
        times: u8,
    }

    impl Default for Billing {
        fn default() -> Self {
            Self {
                url: "https://pay.example".to_owned(),
                key: None,
                most: None,
                retry: Retry {
                    wait: Period::seconds(1),
                    times: 3,
                },
            }
        }
    }

    fn billing(given: &str) -> Result<(Arc<Billing>, Json), String> {
        let section = Section::of::<Billing>("billing");
        let given = given.parse::<Table>().map_err(|error| error.to_string())?;
        let (settings, shown) = section.read(Some(&given))?;
        Ok((settings.downcast().map_err(|_| "another type")?, shown))
    }

    #[test]
    fn keys_come_from_the_default() {
        let section = Section::of::<Billing>("billing");
        let keys: Vec<_> = section.keys.iter().map(|key| key.path.as_str()).collect();
        assert_eq!(
            keys,
            [
                "modules.billing.url",
                "modules.billing.key",
                "modules.billing.most",
                "modules.billing.retry.wait",
                "modules.billing.retry.times",
            ]
        );
        assert_eq!(
            section.keys[3].variable,
            "CARNET_MODULES_BILLING_RETRY_WAIT"
        );
    }

    #[test]
    fn what_is_not_given_is_the_default() {
        let (billing, shown) = billing("key = \"s3cret\"\nretry = { times = 5 }").unwrap();
        assert_eq!(billing.url, "https://pay.example");
        assert_eq!(billing.retry.times, 5);
        assert_eq!(billing.retry.wait, Period::seconds(1));
        assert_eq!(billing.key.as_ref().unwrap().reveal(), "s3cret");
        assert_eq!(shown["key"], REDACTED);
    }

    #[test]
    fn a_text_from_a_variable_becomes_what_the_setting_is() {
        let (billing, _) = billing("key = \"123\"").unwrap();
        assert_eq!(billing.key.as_ref().unwrap().reveal(), "123");
        let (billing, _) = self::billing("most = \"123\"").unwrap();
        assert_eq!(billing.most, Some(123));
        let why = self::billing("most = \"many\"").unwrap_err();
        assert!(why.contains("many"), "{why}");
    }
}
