//! Carnet's own binary with the benchmark's definition: built, started, filled through its API.

use crate::data;
use crate::process::{Process, free_port};
use crate::wire::{self, Connection};
use crate::workload::{self, Known};
use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map_or_else(|| PathBuf::from(".."), Path::to_path_buf)
}

/// The shipped binary, built unless `given`.
pub fn binary(given: Option<&Path>) -> Result<PathBuf> {
    if let Some(given) = given {
        anyhow::ensure!(given.is_file(), "there is no `{}`", given.display());
        return Ok(given.canonicalize()?);
    }
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--release", "--package", "carnet"])
        .current_dir(root())
        .env_remove("CARGO_TARGET_DIR")
        .status()
        .context("cargo does not start")?;
    if !status.success() {
        bail!("cargo cannot build `carnet`: {status}");
    }
    Ok(root().join("target/release/carnet"))
}

/// How Carnet is started.
#[derive(Clone, Debug)]
pub struct Carnet {
    /// The binary.
    pub binary: PathBuf,
    /// What stands before its own arguments.
    pub before: Vec<&'static str>,
    /// `sqlite:<path>` or `postgres://…`.
    pub database: String,
    /// Where its log goes.
    pub folder: PathBuf,
    /// The definition it serves.
    pub definitions: PathBuf,
    /// Further settings, `key=value`.
    pub settings: Vec<String>,
}

/// The definition that the other sides serve as well.
pub fn definitions() -> PathBuf {
    root().join("bench/definitions")
}

impl Carnet {
    /// Starts it; an empty database is set up.
    pub fn start(&self) -> Result<Process> {
        let port = free_port()?;
        let mut command = Command::new(&self.binary);
        command
            .args(&self.before)
            .args(["serve", "--log-level", "warn", "--database", &self.database])
            .arg("--definitions")
            .arg(&self.definitions)
            .args(["--set", &format!("server.port={port}")])
            // The other side writes no log either.
            .args(["--set", "web.access_log=false"])
            .args(["--set", "web.server_timing=false"])
            .args(["--set", "server.explain=false"])
            .current_dir(&self.folder);
        for setting in &self.settings {
            command.args(["--set", setting]);
        }
        Process::start("carnet", command, port, &self.folder.join("carnet.log"))
    }
}

/// Fills an empty database through the API: categories, `products` products, their reviews.
pub fn fill(process: &Process, products: u64) -> Result<Known> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut connection = Connection::open(process.address).await?;
        let categories = create(
            &mut connection,
            "categories",
            (0..data::CATEGORIES).map(data::category),
        )
        .await?;
        let mut ids = Vec::with_capacity(products as usize);
        let mut number = 0;
        while number < products {
            let end = (number + 1_000).min(products);
            let made = (number..end).map(|number| {
                let category = data::spread(number) % data::CATEGORIES;
                data::product(number, &categories[category as usize])
            });
            ids.extend(create(&mut connection, "products", made).await?);
            number = end;
        }
        let reviews = products * data::REVIEWS;
        let mut number = 0;
        while number < reviews {
            let end = (number + 1_000).min(reviews);
            let made = (number..end)
                .map(|number| data::review(number, &ids[(number / data::REVIEWS) as usize]));
            create(&mut connection, "reviews", made).await?;
            number = end;
        }
        Ok(Known {
            categories: Arc::new(categories),
            products: Arc::new(ids),
        })
    })
}

/// Creates records, a thousand at most, in one batch; their ids.
pub async fn create(
    connection: &mut Connection,
    resource: &str,
    records: impl Iterator<Item = serde_json::Value>,
) -> Result<Vec<String>> {
    let target = format!("/api/v1/{resource}/batch");
    let request = wire::post(&target, &workload::batch(records));
    let answer = connection.exchange(&request).await?;
    let text = connection.text(&answer)?;
    if answer.status != 200 {
        bail!("{resource} cannot be loaded: {text}");
    }
    let body: serde_json::Value = serde_json::from_str(&text)?;
    let ids: Option<Vec<String>> = body["data"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|record| record["id"].as_str().map(str::to_owned))
        .collect();
    ids.context("a batch answered no ids")
}
