//! `definition`: what helps those who write one.

use crate::error::Error;
use crate::session::Session;
use clap::{Args, Subcommand};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Help with writing definitions
#[derive(Debug, Args)]
pub(crate) struct Definition {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the JSON schema of the language, for editors
    #[command(after_help = "Examples:
  {name} definition schema > carnet.schema.json

The first line of a definition file tells an editor to use it:
  # yaml-language-server: $schema=carnet.schema.json")]
    Schema,
    /// Write a first definition to begin with
    #[command(after_help = "Examples:
  {name} definition new definitions
  {name} serve --definitions definitions")]
    New {
        /// The folder to make, or the name of a .yaml file
        #[arg(value_name = "PATH", default_value = "definitions")]
        path: PathBuf,
    },
}

/// The file that `new` writes.
const FIRST: &str = include_str!("first.yaml");

impl Definition {
    pub(crate) fn run(self, session: &Session) -> Result<(), Error> {
        match self.command {
            Command::Schema => session
                .console
                .print(&format!("{:#}\n", carnet_model::schema())),
            Command::New { path } => {
                let file = write_first(&path)?;
                session.console.print(&format!("{}\n", file.display()))?;
                session.console.say(&format!(
                    "serve it with `{} serve --definitions {}`",
                    session.application.name,
                    path.display()
                ));
                Ok(())
            }
        }
    }
}

/// Writes the first definition; never over a file that is there.
fn write_first(path: &Path) -> Result<PathBuf, Error> {
    let failed = |path: &Path| {
        let path = path.display().to_string();
        move |error| Error::File { path, error }
    };
    let is_file = path
        .extension()
        .is_some_and(|ending| ending == "yaml" || ending == "yml");
    let file = if is_file {
        path.to_owned()
    } else {
        path.join("app.yaml")
    };
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(failed(folder))?;
    }
    std::fs::File::create_new(&file)
        .and_then(|mut out| out.write_all(FIRST.as_bytes()))
        .map_err(failed(&file))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use carnet_model::{Source, compile};

    #[test]
    fn the_first_definition_compiles_without_a_warning() {
        let mut sources = carnet_records::definitions();
        sources.push(Source::application("app.yaml", FIRST));
        let compiled = compile(&sources).unwrap();
        assert_eq!(compiled.warnings, []);
        assert!(compiled.model.resource_named("tasks").is_some());
    }
}
