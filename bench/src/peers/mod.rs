//! Other servers that are measured beside Carnet: installed from their registries into the target
//! folder, started with the same data, asked for the same records.

pub mod pocketbase;
pub mod postrust;

use crate::load::Requests;
use crate::process::Process;
use anyhow::{Context as _, Result, bail};
use std::path::PathBuf;
use std::process::Command;

/// A peer that runs and has its data.
pub struct Peer {
    /// The server.
    pub process: Process,
    /// How it is called.
    pub name: &'static str,
    /// The newest 20 products.
    pub list: Requests,
    /// One product.
    pub get: Requests,
    /// The newest 20 products with their reviews.
    pub include: Requests,
    /// A new product.
    pub create: Requests,
    /// Where the records of a list stand in its answer (a JSON pointer).
    pub records: &'static str,
    /// Where the reviews of a record stand.
    pub reviews: &'static str,
}

/// Where peers are installed.
pub fn folder() -> PathBuf {
    crate::carnet::root().join("bench/target/peers")
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("{:?} does not start", command.get_program()))?;
    if !status.success() {
        bail!("{:?} failed: {status}", command.get_program());
    }
    Ok(())
}
