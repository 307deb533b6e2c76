//! The Prometheus recorder and the tables in which crates declare their metrics. Not an
//! endpoint: `server` serves what [`Registry::render`] gives.

mod custom;
mod process;

pub use custom::Custom;

use crate::error::Error;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What a metric counts up, shows or spreads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Spreads over buckets.
    Histogram,
}

/// One metric of a crate; each crate lists its own in `metrics.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// The ecosystem's standard name where there is one, else `carnet_<area>_<what>_<unit>`.
    pub name: &'static str,
    /// What kind it is.
    pub kind: Kind,
    /// Its labels, in the order they are given.
    pub labels: &'static [&'static str],
    /// What it says, in one sentence.
    pub help: &'static str,
}

/// Upper bounds for durations, by the suffix `_seconds`.
pub const SECONDS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// Upper bounds for sizes, by the suffix `_bytes`.
pub const BYTES: &[f64] = &[
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

/// Upper bounds for every other histogram: numbers of things.
pub const COUNTS: &[f64] = &[
    1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 10_000.0,
];

/// The metrics of the process, which [`Registry::render`] adds on Linux.
pub const PROCESS: &[Metric] = process::METRICS;

/// How often recorded samples are moved into their buckets when nobody scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

static INSTALLED: Mutex<Option<Registry>> = Mutex::new(None);

/// The recorded metrics of the process.
#[derive(Clone)]
pub struct Registry(PrometheusHandle);

impl std::fmt::Debug for Registry {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Registry")
    }
}

/// Installs the recorder; a second call gives the one that is there.
///
/// Fails when another recorder than ours was installed before.
pub fn install() -> Result<Registry, Error> {
    let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(registry) = &*installed {
        return Ok(registry.clone());
    }
    let handle = builder()
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| Error::Recorder(error.to_string()))?;
    // Without upkeep the samples of histograms pile up until somebody scrapes.
    let kept = handle.clone();
    std::thread::Builder::new()
        .name("metrics-upkeep".to_owned())
        .spawn(move || {
            loop {
                std::thread::sleep(UPKEEP);
                kept.run_upkeep();
            }
        })
        .map_err(|error| Error::Recorder(error.to_string()))?;
    let registry = Registry(handle);
    *installed = Some(registry.clone());
    Ok(registry)
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_bytes".to_owned()), BYTES)?
        .set_buckets(COUNTS)
}

/// Tells the recorder what the metrics of a crate mean, for `# HELP`.
pub fn describe(metrics: &'static [Metric]) {
    for metric in metrics {
        match metric.kind {
            Kind::Counter => metrics::describe_counter!(metric.name, metric.help),
            Kind::Gauge => metrics::describe_gauge!(metric.name, metric.help),
            Kind::Histogram => metrics::describe_histogram!(metric.name, metric.help),
        }
    }
}

impl Registry {
    /// Everything recorded, in the Prometheus text format, with the figures of the process.
    pub fn render(&self) -> String {
        let mut text = self.0.render();
        process::append(&mut text);
        text
    }
}

/// The value of `Content-Type` for [`Registry::render`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
