//! `config`: the settings that hold, without secrets, each with where it was set; and the
//! reference of all of them.

use crate::arguments::Format;
use crate::console::Paint;
use crate::error::Error;
use crate::session::Session;
use crate::words;
use carnet_server::config::{Loaded, reference, setting_names};
use clap::Args;
use serde_json::{Value, json};

/// Show the settings that hold and where each was set
///
/// Settings come from defaults, then the file, then the environment, then flags. Passwords are not
/// shown.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  {name} config
  {name} config --profile prod --format json
  {name} config --reference")]
pub(crate) struct Show {
    /// Print what every setting means, as Markdown
    #[arg(long)]
    reference: bool,
    /// How the settings are printed: text or json
    #[arg(
        long,
        value_enum,
        default_value_t,
        hide_possible_values = true,
        conflicts_with = "reference"
    )]
    format: Format,
}

/// One setting as it holds.
struct Entry {
    key: String,
    value: Value,
    origin: String,
}

impl Show {
    pub(crate) fn run(self, session: &Session) -> Result<(), Error> {
        if self.reference {
            return session.console.print(&reference());
        }
        let loaded = session.load()?;
        let entries = entries(&loaded, session)?;
        match self.format {
            Format::Text => session.console.print(&text(&entries, session)),
            Format::Json => {
                let map: serde_json::Map<String, Value> = entries
                    .into_iter()
                    .map(|entry| {
                        let shown = json!({ "value": entry.value, "origin": entry.origin });
                        (entry.key, shown)
                    })
                    .collect();
                session
                    .console
                    .print(&format!("{:#}\n", Value::Object(map)))
            }
        }
    }
}

fn entries(loaded: &Loaded, session: &Session) -> Result<Vec<Entry>, Error> {
    let values = serde_json::to_value(&loaded.config)
        .map_err(|error| Error::Setup(format!("the configuration cannot be shown: {error}")))?;
    let entries = setting_names().into_iter().map(|key| {
        let value = match key {
            "database.url" => json!(redacted(loaded.config.database.url.reveal())),
            "server.docs" => json!(loaded.config.serves_docs()),
            "server.explain" => json!(loaded.config.explains()),
            "web.server_timing" => json!(loaded.config.tells_timing()),
            _ => {
                let pointer = format!("/{}", key.replace('.', "/"));
                values.pointer(&pointer).cloned().unwrap_or_default()
            }
        };
        Entry {
            key: key.to_owned(),
            value,
            origin: loaded.origin(key),
        }
    });
    Ok(entries.chain(of_modules(loaded, session)).collect())
}

/// The settings of the application's modules.
fn of_modules(loaded: &Loaded, session: &Session) -> Vec<Entry> {
    let mut entries = Vec::new();
    for section in session.application.sections() {
        for key in section.keys() {
            let inside = key.trim_start_matches("modules.").replace('.', "/");
            let value = inside.split_once('/').and_then(|(module, rest)| {
                let settings = loaded.modules.get(module)?;
                settings.pointer(&format!("/{rest}")).cloned()
            });
            entries.push(Entry {
                value: harmless(key, value.unwrap_or_default()),
                origin: loaded.origin(key),
                key: key.to_owned(),
            });
        }
    }
    entries
}

/// A setting of a module without what its name or its form says is secret.
fn harmless(key: &str, value: Value) -> Value {
    const TELLTALE: [&str; 6] = ["password", "secret", "token", "key", "credential", "dsn"];
    let name = key.rsplit('.').next().unwrap_or(key).to_lowercase();
    let is_secret = TELLTALE.iter().any(|word| name.contains(word));
    match value {
        Value::String(text) if text.is_empty() => Value::String(text),
        Value::String(_) if is_secret => json!("[redacted]"),
        Value::String(text) => json!(redacted(&text)),
        Value::Array(_) | Value::Object(_) if is_secret => json!("[redacted]"),
        other => other,
    }
}

fn text(entries: &[Entry], session: &Session) -> String {
    let rows: Vec<[String; 3]> = entries
        .iter()
        .map(|entry| {
            let value = match &entry.value {
                Value::String(text) => text.clone(),
                Value::Null if entry.key.starts_with("modules.") => "none".to_owned(),
                Value::Null => "built in".to_owned(),
                other => other.to_string(),
            };
            [entry.key.clone(), value, entry.origin.clone()]
        })
        .collect();
    let mut text = String::new();
    for [key, value, origin] in words::align(&rows) {
        let origin = match origin.as_str() {
            "the default" => session.console.on_out(Paint::Faint, &origin),
            _ => session.console.on_out(Paint::Strong, &origin),
        };
        text.push_str(&format!("{key}  {value}  {origin}\n"));
    }
    text
}

/// The address of a database without what must stay secret: the password, and every parameter but
/// those that are known to hold none.
fn redacted(url: &str) -> String {
    const HARMLESS: [&str; 4] = [
        "sslmode",
        "application_name",
        "connect_timeout",
        "target_session_attrs",
    ];
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    // A password may hold any character, so it ends at the last `@`.
    let (login, place) = match rest.rsplit_once('@') {
        Some((login, _)) if login.contains('?') => return format!("{scheme}://[redacted]"),
        Some((login, place)) => (Some(login), place),
        None => (None, rest),
    };
    let (place, query) = match place.split_once('?') {
        Some((place, query)) => (place, Some(query)),
        None => (place, None),
    };
    let mut shown = format!("{scheme}://");
    if let Some(login) = login {
        match login.split_once(':') {
            Some((user, _)) => shown.push_str(&format!("{user}:[redacted]@")),
            None => shown.push_str(&format!("{login}@")),
        }
    }
    shown.push_str(place);
    if let Some(query) = query {
        let parts: Vec<String> = query
            .split('&')
            .map(|part| match part.split_once('=') {
                Some((name, _)) if !HARMLESS.contains(&name) => format!("{name}=[redacted]"),
                _ => part.to_owned(),
            })
            .collect();
        shown.push('?');
        shown.push_str(&parts.join("&"));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: &str) {
        assert_eq!(redacted(url), expected);
    }

    #[test]
    fn passwords_are_not_shown() {
        check("sqlite:./data/carnet.sqlite", "sqlite:./data/carnet.sqlite");
        check(
            "postgres://me:s3cret@db:5432/app?sslmode=require",
            "postgres://me:[redacted]@db:5432/app?sslmode=require",
        );
        check("postgres://me@db/app", "postgres://me@db/app");
        check("postgres://db/app", "postgres://db/app");
        check(
            "postgres://me:a@b/c:e@db/app",
            "postgres://me:[redacted]@db/app",
        );
        check(
            "postgres://db/app?user=me&password=s3cret",
            "postgres://db/app?user=[redacted]&password=[redacted]",
        );
        check(
            "postgres://db/app?password=s3@cret",
            "postgres://[redacted]",
        );
    }

    #[test]
    fn secrets_of_modules_are_known_by_their_names() {
        let shown = |key: &str, value: Value| harmless(key, value).to_string();
        assert_eq!(shown("modules.a.apiKey", json!("s3cret")), "\"[redacted]\"");
        assert_eq!(
            shown("modules.a.tokens", json!(["s3cret"])),
            "\"[redacted]\""
        );
        assert_eq!(
            shown("modules.a.url", json!("amqp://me:s3cret@mq/")),
            "\"amqp://me:[redacted]@mq/\""
        );
        assert_eq!(shown("modules.key.port", json!(25)), "25");
        assert_eq!(shown("modules.a.token", json!(null)), "null");
    }
}
