//! `completions`: scripts that let a shell complete the commands.

use crate::error::Error;
use crate::session::Session;
use clap::Args;
use clap_complete::Shell;

/// Print the script that lets a shell complete commands and flags
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  {name} completions bash > ~/.local/share/bash-completion/completions/{name}
  {name} completions fish > ~/.config/fish/completions/{name}.fish")]
pub(crate) struct Completions {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, session: &Session, mut grammar: clap::Command) -> Result<(), Error> {
        let mut script = Vec::new();
        let name = session.application.name.clone();
        clap_complete::generate(self.shell, &mut grammar, name, &mut script);
        session.console.print(&String::from_utf8_lossy(&script))
    }
}
