//! The whole configuration: one section per crate. Loading it is `load`'s work.

mod keys;
mod load;
mod reference;
mod section;

pub use keys::setting_names;
pub use load::{Loaded, Origin, Sources, load};
pub use reference::reference;
pub use section::Section;
pub(crate) use section::Settings;

use carnet_kernel::Period;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

/// Everything that can be set. Unknown keys are errors.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How much the deployment trusts its surroundings.
    pub profile: Profile,
    /// A folder or file of definitions instead of those built in.
    pub definitions: Option<PathBuf>,
    /// A folder of seeds instead of those built in.
    pub seeds: Option<PathBuf>,
    /// The listener.
    pub server: ServerConfig,
    /// The database.
    pub database: carnet_store::Config,
    /// The HTTP side.
    pub web: carnet_web::Config,
    /// Logs.
    pub telemetry: carnet_telemetry::Config,
    /// Requests to services outside.
    pub client: carnet_client::Config,
    /// The sections of the application's modules as they were given.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub modules: BTreeMap<String, toml::Table>,
}

/// How much the deployment trusts its surroundings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// A developer's machine: docs page on, an empty database is set up by itself.
    #[default]
    Dev,
    /// Like production, with the docs page.
    Stage,
    /// Production: no docs page, the schema is changed by commands alone.
    Prod,
}

/// Section `server`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// The address to listen on; only loopback until there is access control.
    pub host: IpAddr,
    /// The port; 0 takes a free one.
    pub port: u16,
    /// How long a stop waits for requests that are under way.
    pub shutdown_timeout: Period,
    /// How long a client may take to send its request's head.
    pub header_timeout: Period,
    /// Whether `/docs` is served; by default in every profile but `prod`.
    pub docs: Option<bool>,
    /// Whether `/metrics` is served.
    pub metrics: bool,
    /// Whether lists may be asked how they were read (`explain=true`); by default in profile `dev`.
    pub explain: Option<bool>,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            host: IpAddr::from([127, 0, 0, 1]),
            port: 3000,
            shutdown_timeout: Period::seconds(30),
            header_timeout: Period::seconds(10),
            docs: None,
            metrics: true,
            explain: None,
        }
    }
}

impl Config {
    /// Every setting that cannot be used, all at once, as `section.key: what is wrong`.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !self.server.host.is_loopback() {
            problems.push(format!(
                "server.host: `{}` is not a loopback address; the API is open to everybody until access control exists",
                self.server.host
            ));
        }
        let section = |name: &str, error: &dyn std::fmt::Display| format!("{name}: {error}");
        problems.extend(
            self.web
                .problems()
                .iter()
                .map(|error| section("web", error)),
        );
        problems.extend(
            self.telemetry
                .problems()
                .iter()
                .map(|error| section("telemetry", error)),
        );
        let url = self.database.url.reveal();
        if !["sqlite:", "postgres://", "postgresql://"]
            .iter()
            .any(|scheme| url.starts_with(scheme))
        {
            problems.push(
                "database.url: it starts with neither `sqlite:` nor `postgres://`".to_owned(),
            );
        }
        if self.database.pool_min > self.database.pool_max || self.database.pool_max == 0 {
            problems.push(
                "database.pool_max: it must be at least 1 and at least database.pool_min"
                    .to_owned(),
            );
        }
        problems
    }

    /// Whether lists may be asked how they were read.
    pub fn explains(&self) -> bool {
        self.server.explain.unwrap_or(self.profile == Profile::Dev)
    }

    /// Whether answers tell how long their stages took.
    pub fn tells_timing(&self) -> bool {
        self.web
            .server_timing
            .unwrap_or(self.profile == Profile::Dev)
    }

    /// Whether `/docs` is served.
    pub fn serves_docs(&self) -> bool {
        self.server.docs.unwrap_or(self.profile != Profile::Prod)
    }
}
