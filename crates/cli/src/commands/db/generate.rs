//! `db generate`: the next migration as files that people review.

use super::{Folder, definition};
use crate::console::Paint;
use crate::error::Error;
use crate::session::Session;
use clap::Args;

/// Write the next migration, for both databases, up and down
///
/// It leads from the definition that the newest migration of the folder ends at to this one; no
/// database is changed. The files may be edited until they are applied.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  {name} db generate first
  {name} db generate \"add sku\" --migrations deploy/migrations")]
pub(crate) struct Generate {
    /// What the migration is about, in a few words
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    folder: Folder,
}

impl Generate {
    pub(crate) fn run(self, session: &Session) -> Result<(), Error> {
        let (loaded, model) = definition(session)?;
        let generated = session.with_store(&loaded, async |store| {
            let schema = store.schema();
            Ok(schema.generate(&model, &self.folder.migrations, &self.name)?)
        })?;
        let Some(generated) = generated else {
            return session
                .console
                .print("nothing to do: the migrations reach the definition\n");
        };
        let mut text = String::new();
        for change in &generated.changes {
            text.push_str(&format!("  {change}\n"));
        }
        let word = session.console.on_out(Paint::Warning, "may lose data");
        for loss in &generated.losses {
            text.push_str(&format!("  {word}: {loss}\n"));
        }
        for file in &generated.files {
            text.push_str(&format!("{}\n", file.display()));
        }
        session.console.print(&text)
    }
}
