//! What is printed for other tools and for reading: codes, the API's document, routes, the schema
//! of the language, a first definition.

use super::{TITLE, carnet, notes, run, write};
use serde_json::Value;

#[test]
fn a_code_explains_itself() {
    let out = run(&carnet(), ["explain", "unique_violation"]).good();
    assert!(out.starts_with("# UNIQUE_VIOLATION"), "{out}");
    assert!(out.contains("## What to do"), "{out}");
}

#[test]
fn an_unknown_code_has_a_suggestion() {
    let err = run(&carnet(), ["explain", "NOT_FUOND"]).misused();
    assert_eq!(
        err,
        "error: there is no code `NOT_FUOND` (did you mean `NOT_FOUND`?)\n"
    );
}

#[test]
fn without_a_code_all_are_listed() {
    let out = run(&carnet(), ["explain"]).good();
    for code in [
        "MALFORMED_REQUEST",
        "UNIQUE_VIOLATION",
        "TIMEOUT",
        "SCHEMA_PENDING",
    ] {
        assert!(out.contains(code), "{code}");
    }
}

#[test]
fn the_document_of_the_api_has_the_definition() {
    let launch = carnet();
    write(&launch, "d/app.yaml", &notes(&[TITLE]));
    let out = run(&launch, ["openapi", "--definitions", "d"]).good();
    let document: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["title"], "carnet");
    assert!(document["paths"]["/api/v1/notes/{id}"]["patch"].is_object());
    run(&launch, ["openapi", "--definitions", "d", "-o", "api.json"]).good();
    let written = std::fs::read_to_string(launch.folder().join("api.json")).unwrap();
    assert_eq!(written, out);
}

#[test]
fn routes_are_listed() {
    let launch = carnet();
    write(&launch, "d/app.yaml", &notes(&[TITLE]));
    let out = run(&launch, ["routes", "--definitions", "d"]).good();
    let routes: Vec<Vec<&str>> = out
        .lines()
        .map(|line| line.split_whitespace().take(3).collect())
        .collect();
    assert!(
        routes.contains(&vec!["DELETE", "/api/v1/notes/{id}", "deleteNotes"]),
        "{out}"
    );
    assert!(routes.contains(&vec!["GET", "/docs", "readDocs"]), "{out}");
    let arguments = ["routes", "--definitions", "d", "--profile", "prod"];
    let out = run(&launch, arguments).good();
    assert!(!out.contains("Swagger UI"), "{out}");
}

#[test]
fn the_schema_of_the_language_is_json() {
    let out = run(&carnet(), ["definition", "schema"]).good();
    let schema: Value = serde_json::from_str(&out).unwrap();
    assert!(schema["properties"]["resources"].is_object());
}

#[test]
fn a_first_definition_is_written_once() {
    let launch = carnet();
    let told = run(&launch, ["definition", "new", "mine"]);
    assert!(
        told.err.contains("carnet serve --definitions mine"),
        "{}",
        told.err
    );
    assert_eq!(told.good(), "mine/app.yaml\n");
    run(&launch, ["check", "mine"]).good();
    let err = run(&launch, ["definition", "new", "mine"]).failed();
    assert!(err.contains("mine/app.yaml"), "{err}");
}
