//! `config`: what holds, where it came from, and what stays secret.

use super::{carnet, run, write};
use serde_json::Value;

#[test]
fn each_value_names_its_origin_and_no_password_is_shown() {
    let launch = carnet()
        .env("CARNET_WEB_BODY_LIMIT", "1MB")
        .env("DATABASE_URL", "postgres://me:hunter2@db/app");
    let file = "[server]\nport = 4000\n[telemetry]\nlevel = \"debug\"\n";
    write(&launch, "carnet.toml", file);
    let arguments = ["config", "--format", "json", "--log-level", "warn"];
    let told = run(&launch, arguments);
    assert!(!told.out.contains("hunter2") && !told.err.contains("hunter2"));
    let shown: Value = serde_json::from_str(&told.good()).unwrap();
    let check = |key: &str, value: &str, origin: &str| {
        let text = match &shown[key]["value"] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        assert_eq!(
            (text.as_str(), shown[key]["origin"].as_str()),
            (value, Some(origin))
        );
    };
    check("server.port", "4000", "carnet.toml");
    check("server.host", "127.0.0.1", "the default");
    check("telemetry.level", "warn", "a flag");
    check(
        "web.body_limit",
        "1MB",
        "the variable CARNET_WEB_BODY_LIMIT",
    );
    check(
        "database.url",
        "postgres://me:[redacted]@db/app",
        "the variable DATABASE_URL",
    );
}

#[test]
fn any_setting_can_be_a_flag() {
    let out = run(&carnet(), ["config", "--set", "web.compression=false"]).good();
    let line = out
        .lines()
        .find(|line| line.starts_with("web.compression "));
    let words: Vec<&str> = line.unwrap().split_whitespace().collect();
    assert_eq!(words, ["web.compression", "false", "a", "flag"]);
}

#[test]
fn a_slip_in_a_setting_has_a_suggestion() {
    let launch = carnet();
    let err = run(&launch, ["config", "--set", "server.prot=1"]).misused();
    assert!(err.contains("did you mean `server.port`?"), "{err}");
    write(&launch, "other.toml", "prfile = \"prod\"\n");
    let err = run(&launch, ["config", "--config", "other.toml"]).failed();
    assert!(err.contains("did you mean `profile`?"), "{err}");
    assert!(
        err.contains("error[CONFIGURATION_INVALID]: the configuration has 1 error"),
        "{err}"
    );
}

#[test]
fn unknown_variables_are_told() {
    let launch = carnet().env("CARNET_SERVER_PROT", "1");
    let told = run(&launch, ["config"]);
    assert!(
        told.err
            .starts_with("warning: the variable CARNET_SERVER_PROT"),
        "{}",
        told.err
    );
    told.good();
}

#[test]
fn the_reference_names_every_setting() {
    let out = run(&carnet(), ["config", "--reference"]).good();
    for line in run(&carnet(), ["config"]).good().lines() {
        let key = line.split_whitespace().next().unwrap();
        assert!(out.contains(&format!("| `{key}` |")), "{key}");
    }
}
