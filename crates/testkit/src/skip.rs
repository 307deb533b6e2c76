//! Tests that need a service which is not there: reported by name, or failed where services are
//! required. Not for switching tests off for any other reason.

use std::io::Write;

/// Says that the running test cannot run for want of `service`.
///
/// The test's name goes to standard error and to the file named by `CARNET_TEST_SKIPPED_FILE`.
/// With `CARNET_TEST_REQUIRE_SERVICES=1` the test fails here instead.
#[track_caller]
#[expect(
    clippy::print_stderr,
    reason = "a test reports to the person who runs it"
)]
pub fn record(service: &str) {
    let test = test_name();
    if std::env::var("CARNET_TEST_REQUIRE_SERVICES").is_ok_and(|value| value == "1") {
        panic!("`{test}` needs {service}, and CARNET_TEST_REQUIRE_SERVICES=1 allows no skipping");
    }
    eprintln!("skipped: {test} needs {service}; `cargo xtask test` starts it");
    if let Ok(path) = std::env::var("CARNET_TEST_SKIPPED_FILE") {
        let line = format!("{test} (needs {service})\n");
        let written = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(line.as_bytes()));
        if let Err(error) = written {
            eprintln!("cannot add to `{path}`: {error}");
        }
    }
}

/// The name of the running test with its package, as its runner or its thread knows it.
pub fn test_name() -> String {
    let from_runner = std::env::var("NEXTEST_TEST_NAME").ok();
    let from_thread = || std::thread::current().name().map(str::to_owned);
    let name = from_runner
        .or_else(from_thread)
        .unwrap_or_else(|| "a test without a name".to_owned());
    match std::env::var("CARGO_PKG_NAME") {
        Ok(package) => format!("{package} {name}"),
        Err(_) => name,
    }
}
