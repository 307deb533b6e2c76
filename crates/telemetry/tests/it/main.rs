//! The log, the recorder and the panic hook as a process installs them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use carnet_telemetry::metrics::{Kind, Metric};
use carnet_telemetry::{Config, Format, logs, metrics};
use serde_json::Value;
use std::io::Write;
use std::sync::{Arc, Mutex};

/// A writer that keeps what is written.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The lines that `run` logs as JSON at that level.
fn logged(level: &str, run: impl FnOnce()) -> Vec<Value> {
    let kept = Kept::default();
    let writer = kept.clone();
    let config = Config {
        level: level.to_owned(),
        format: Format::Json,
        ..Config::default()
    };
    let subscriber = logs::subscriber(&config, false, move || writer.clone()).unwrap();
    tracing::subscriber::with_default(subscriber, run);
    let bytes = kept.0.lock().unwrap().clone();
    String::from_utf8(bytes)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_line_has_the_fields_of_its_spans() {
    let lines = logged("info", || {
        let outer = tracing::info_span!(
            "http.request",
            correlation.id = "C",
            resource = "outer",
            tenant.id = tracing::field::Empty,
        );
        let _outer = outer.enter();
        outer.record("tenant.id", 7_i64);
        let inner = tracing::info_span!("records.list", resource = "inner");
        let _inner = inner.enter();
        tracing::warn!(rows = 3_u64, error = "a \"quoted\"\nline", "slow query");
    });
    assert_eq!(lines.len(), 1);
    let line = &lines[0];
    assert_eq!(line["level"], "WARN");
    assert_eq!(line["message"], "slow query");
    assert_eq!(line["rows"], 3);
    assert_eq!(line["error"], "a \"quoted\"\nline");
    assert_eq!(line["resource"], "inner");
    assert_eq!(line["correlation.id"], "C");
    assert_eq!(line["tenant.id"], 7);
    assert!(line["time"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn the_level_filters() {
    let lines = logged("warn,it=debug", || {
        tracing::debug!("kept by the exception");
        tracing::info!(target: "elsewhere", "left out");
        tracing::warn!(target: "elsewhere", "kept by the level");
    });
    let messages: Vec<_> = lines.iter().map(|line| line["message"].clone()).collect();
    assert_eq!(messages, ["kept by the exception", "kept by the level"]);
}

#[test]
fn installing_twice_is_harmless() {
    let config = Config::default();
    logs::install(&config).unwrap();
    logs::install(&config).unwrap();
    assert!(logs::panics_are_logged());
    metrics::install().unwrap();
    metrics::install().unwrap();
}

#[test]
fn whoever_catches_a_panic_tells_the_log() {
    logs::install(&Config::default()).unwrap();
    let lines = logged("error", || {
        let caught = logs::catch(|| panic!("caught {}", 1))
            .unwrap_err()
            .to_string();
        assert!(caught.starts_with("panicked: caught 1, at "), "{caught}");
        assert!(caught.contains("main.rs:"), "{caught}");
        // Of what is caught on the way nobody else tells.
        let inner = logs::catch(|| std::panic::catch_unwind(|| panic!("by itself")).is_err());
        assert!(inner.unwrap());
        let nested = logs::catch(|| logs::catch(|| panic!("inside")).unwrap_err().to_string());
        assert!(nested.unwrap().contains("inside"));
        assert!(std::panic::catch_unwind(|| panic!("nobody")).is_err());
    });
    let said: Vec<_> = lines
        .iter()
        .map(|line| line["panic.message"].clone())
        .collect();
    assert_eq!(said, ["by itself", "nobody"]);
}

#[test]
fn an_unusable_level_is_an_error_that_names_it() {
    let config = Config {
        level: "inof".to_owned(),
        ..Config::default()
    };
    let error = logs::install(&config).unwrap_err();
    assert!(error.to_string().contains("`inof`"), "{error}");
    assert_eq!(config.problems().len(), 1);
}

const TABLE: &[Metric] = &[
    Metric {
        name: "carnet_trial_requests_total",
        kind: Kind::Counter,
        labels: &["route"],
        help: "Trials.",
    },
    Metric {
        name: "carnet_trial_duration_seconds",
        kind: Kind::Histogram,
        labels: &[],
        help: "How long trials take.",
    },
    Metric {
        name: "carnet_trial_rows",
        kind: Kind::Histogram,
        labels: &[],
        help: "How many rows trials read.",
    },
];

#[test]
fn metrics_are_rendered_with_help_and_buckets() {
    let registry = metrics::install().unwrap();
    metrics::describe(TABLE);
    ::metrics::counter!("carnet_trial_requests_total", "route" => "/a\"b\n").increment(2);
    ::metrics::histogram!("carnet_trial_duration_seconds").record(0.003);
    ::metrics::histogram!("carnet_trial_rows").record(7.0);
    let text = registry.render();
    for expected in [
        "# HELP carnet_trial_requests_total Trials.",
        "# TYPE carnet_trial_duration_seconds histogram",
        "carnet_trial_requests_total{route=\"/a\\\"b\\n\"} 2",
        "carnet_trial_duration_seconds_bucket{le=\"0.0025\"} 0",
        "carnet_trial_duration_seconds_bucket{le=\"0.005\"} 1",
        "carnet_trial_rows_bucket{le=\"5\"} 0",
        "carnet_trial_rows_bucket{le=\"10\"} 1",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
}
