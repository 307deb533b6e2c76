//! `version`: what runs here.

use crate::error::Error;
use crate::session::Session;
use carnet_server::Application;
use clap::Args;

/// Print the version of the application and of the platform
#[derive(Debug, Args)]
pub(crate) struct Version {}

impl Version {
    pub(crate) fn run(self, session: &Session) -> Result<(), Error> {
        let application = &session.application;
        let text = format!("{} {}\n", application.name, text(application));
        session.console.print(&text)
    }
}

/// `0.1.0`, for an application `0.3.0 (carnet 0.1.0)`.
pub(crate) fn text(application: &Application) -> String {
    let platform = env!("CARGO_PKG_VERSION");
    if application.name == "carnet" {
        application.version.clone()
    } else {
        format!("{} (carnet {platform})", application.version)
    }
}
