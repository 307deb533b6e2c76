//! `db status`: how the database stands to the definition.

use super::{changes, definition};
use crate::arguments::Format;
use crate::commands::check::many;
use crate::console::Paint;
use crate::error::Error;
use crate::session::Session;
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
    /// How the state is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Status {
    pub(crate) fn run(self, session: &Session) -> Result<(), Error> {
        let (loaded, model) = definition(session)?;
        let (database, status) = session.with_store(&loaded, async |store| {
            Ok((store.describe(), store.schema().status(&model).await?))
        })?;
        session.console.print(&match self.format {
            Format::Text => text(session, &database, &status),
            Format::Json => format!("{:#}\n", to_json(&database, &status)),
        })?;
        if self.check && !is_current(&status) {
            return Err(Error::Told);
        }
        Ok(())
    }
}

fn is_current(status: &schema::Status) -> bool {
    !status.fresh && status.pending.is_empty()
}

fn text(session: &Session, database: &str, status: &schema::Status) -> String {
    let console = &session.console;
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
    let mut text = format!("database    {database}\nstate       {state}\nversion     {version}\n");
    if let Some(last) = status.migrations.last() {
        text.push_str(&format!(
            "migrations  {} applied, the last is {} of {}\n",
            status.migrations.len(),
            last.name,
            last.at
        ));
    }
    if !status.pending.is_empty() {
        text.push_str("\nPending:\n");
        text.push_str(&changes(session, &status.pending));
    }
    if !status.drift.is_empty() {
        text.push_str("\nChanged by another hand:\n");
        for line in &status.drift {
            text.push_str(&format!("  {line}\n"));
        }
    }
    text
}

fn to_json(database: &str, status: &schema::Status) -> Value {
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
        "database": database,
        "fresh": status.fresh,
        "current": is_current(status),
        "version": status.schema_version,
        "pending": pending,
        "drift": status.drift,
        "migrations": migrations,
    })
}
