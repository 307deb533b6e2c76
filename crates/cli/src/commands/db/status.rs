//! `db status`: how the database stands to the definition.

use super::{Folder, changes, definition};
use crate::arguments::Format;
use crate::console::Paint;
use crate::error::Error;
use crate::session::Session;
use crate::words::many;
use carnet_store::schema;
use clap::Args;
use serde_json::{Value, json};

/// Show how the database stands to the definition
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  {name} db status
  {name} db status --check && {name} serve --profile prod")]
pub(crate) struct Status {
    /// End with 1 unless the database has the definition
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    folder: Folder,
    /// How the state is printed: text or json
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    format: Format,
}

impl Status {
    pub(crate) fn run(self, session: &Session) -> Result<(), Error> {
        let (loaded, model) = definition(session)?;
        let state = session.with_store(&loaded, async |store| {
            let schema = store.schema();
            Ok(State {
                database: store.describe(),
                schema: schema.status(&model).await?,
                unapplied: schema.pending_migrations(&self.folder.migrations).await?,
            })
        })?;
        session.console.print(&match self.format {
            Format::Text => state.text(session),
            Format::Json => format!("{:#}\n", state.json()),
        })?;
        if self.check && !state.is_current() {
            return Err(Error::Told);
        }
        Ok(())
    }
}

/// Everything that is shown.
struct State {
    database: String,
    schema: schema::Status,
    /// Migrations in the folder that the database has not had.
    unapplied: Vec<String>,
}

impl State {
    fn is_current(&self) -> bool {
        !self.schema.fresh && self.schema.pending.is_empty()
    }

    fn text(&self, session: &Session) -> String {
        let console = &session.console;
        let status = &self.schema;
        let state = if status.fresh {
            console.on_out(Paint::Warning, "empty")
        } else if status.pending.is_empty() {
            console.on_out(Paint::Good, "has the definition")
        } else {
            let count = many(status.pending.len(), "change");
            console.on_out(Paint::Warning, &format!("{count} pending"))
        };
        let version = match status.schema_version {
            Some(version) => version.to_string(),
            None => "none".to_owned(),
        };
        let mut text = format!(
            "database    {}\nstate       {state}\nversion     {version}\n",
            self.database
        );
        if let Some(last) = status.migrations.last() {
            text.push_str(&format!(
                "migrations  {} applied, the last is {} of {}\n",
                status.migrations.len(),
                last.name,
                last.at
            ));
        }
        let mut section = |title: &str, lines: &str| {
            if !lines.is_empty() {
                text.push_str(&format!("\n{title}:\n{lines}"));
            }
        };
        let lines = |of: &[String]| {
            of.iter()
                .map(|line| format!("  {line}\n"))
                .collect::<String>()
        };
        section("Pending changes", &changes(session, &status.pending));
        section("Migrations to apply", &lines(&self.unapplied));
        section("Changed by another hand", &lines(&status.drift));
        text
    }

    fn json(&self) -> Value {
        let status = &self.schema;
        let pending: Vec<Value> = status
            .pending
            .iter()
            .map(|change| {
                json!({
                    "summary": change.summary,
                    "losses": change.losses,
                    "refusals": change.refusals,
                })
            })
            .collect();
        let migrations: Vec<Value> = status
            .migrations
            .iter()
            .map(|migration| json!({ "name": migration.name, "at": migration.at.to_string() }))
            .collect();
        json!({
            "database": self.database,
            "fresh": status.fresh,
            "current": self.is_current(),
            "version": status.schema_version,
            "pending": pending,
            "migrations": migrations,
            "unapplied": self.unapplied,
            "drift": status.drift,
        })
    }
}
