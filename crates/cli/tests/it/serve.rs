//! `serve`: what it refuses to begin with, and that it serves what `routes` lists. What the API
//! does is shown by the scenarios.

use super::{TITLE, carnet, notes, run, write};
use carnet_testkit::binary::{self, Launch};
use serde_json::{Value, json};

#[test]
fn without_a_definition_it_says_how_to_get_one() {
    let launch = carnet();
    let err = run(&launch, ["serve", "--port", "0"]).failed();
    assert!(
        err.contains("error[DEFINITION_INVALID]: there is no definition"),
        "{err}"
    );
    assert!(err.contains("`carnet definition new definitions`"), "{err}");
    assert!(!launch.folder().join("data").exists(), "nothing was made");
}

#[test]
fn a_bad_definition_is_told_whole() {
    let launch = carnet();
    write(
        &launch,
        "d/app.yaml",
        &notes(&["title: txet", "tag: nmuber"]),
    );
    let err = run(&launch, ["serve", "--port", "0", "--definitions", "d"]).failed();
    assert!(err.contains("--> d/app.yaml:6:"), "{err}");
    assert!(err.contains("--> d/app.yaml:7:"), "{err}");
    assert!(
        err.contains("error[DEFINITION_INVALID]: the definition has 2 errors"),
        "{err}"
    );
    assert!(err.contains("`carnet explain DEFINITION_INVALID`"), "{err}");
    assert!(!launch.folder().join("data").exists(), "nothing was made");
}

#[test]
fn production_sets_up_no_database_by_itself() {
    let launch = carnet();
    write(&launch, "d/app.yaml", &notes(&[TITLE]));
    let arguments = [
        "serve",
        "--port",
        "0",
        "--definitions",
        "d",
        "--profile",
        "prod",
    ];
    let err = run(&launch, arguments).failed();
    assert!(err.contains("error[SCHEMA_PENDING]"), "{err}");
    assert!(err.contains("carnet db "), "{err}");
}

#[test]
fn an_open_address_is_refused() {
    let launch = carnet();
    write(&launch, "d/app.yaml", &notes(&[TITLE]));
    let err = run(
        &launch,
        ["serve", "--definitions", "d", "--host", "0.0.0.0"],
    )
    .failed();
    assert!(err.contains("server.host"), "{err}");
    assert!(err.contains("loopback"), "{err}");
}

#[tokio::test]
async fn a_taken_port_is_refused() {
    let launch = carnet();
    write(&launch, "d/app.yaml", &notes(&[TITLE]));
    let server = launch.start(["serve", "--definitions", "d"]).await.unwrap();
    let (_, port) = server.base_url().rsplit_once(':').unwrap();
    let arguments = ["serve", "--definitions", "d", "--port", port];
    let err = run(&launch, arguments).failed();
    assert!(
        err.contains(&format!("cannot listen on 127.0.0.1:{port}")),
        "{err}"
    );
}

#[tokio::test]
async fn it_serves_seeded_records_at_every_listed_route_and_stops_when_told() {
    let launch = carnet();
    write(&launch, "d/app.yaml", &notes(&[TITLE]));
    write(
        &launch,
        "s/01-notes.yaml",
        "- { $label: a, title: Seeded }\n",
    );
    let arguments = ["serve", "--definitions", "d", "--seeds", "s"];
    let mut server = launch.start(arguments).await.unwrap();
    let client = server.client();
    let list = client.get("/api/v1/notes").await.unwrap();
    let list = list.expect(200).unwrap();
    assert_eq!(list["data"][0]["title"], "Seeded");
    for (method, path) in routes(&launch) {
        if method == "GET" && !path.contains('{') {
            let answer = client.get(&path).await.unwrap();
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        }
    }
    let status = server.terminate().await.unwrap();
    assert!(status.success(), "{status}: {}", server.logs());
}

fn routes(launch: &Launch) -> Vec<(String, String)> {
    let arguments = ["routes", "--definitions", "d", "--format", "json"];
    let out = run(launch, arguments).good();
    let routes: Vec<Value> = serde_json::from_str(&out).unwrap();
    let word = |route: &Value, name: &str| route[name].as_str().unwrap().to_owned();
    routes
        .iter()
        .map(|route| (word(route, "method"), word(route, "path")))
        .collect()
}

#[tokio::test]
async fn seeds_can_be_left_out() {
    let launch = carnet();
    write(&launch, "d/app.yaml", &notes(&[TITLE]));
    write(
        &launch,
        "s/01-notes.yaml",
        "- { $label: a, title: Seeded }\n",
    );
    let arguments = ["serve", "--definitions", "d", "--seeds", "s", "--no-seed"];
    let server = launch.start(arguments).await.unwrap();
    let list = server.client().get("/api/v1/notes").await.unwrap();
    assert_eq!(list.expect(200).unwrap()["data"], json!([]));
}

#[tokio::test]
async fn an_application_brings_its_definitions_and_seeds() {
    let launch = Launch::new(&binary::path("passport").unwrap()).unwrap();
    let out = run(&launch, ["check"]).good();
    assert!(out.starts_with("no problems"), "{out}");
    let out = run(&launch, ["version"]).good();
    assert!(out.starts_with("passport "), "{out}");
    assert!(out.contains("(carnet "), "{out}");
    let server = launch.start(["serve"]).await.unwrap();
    let document = server.client().get("/openapi.json").await.unwrap();
    assert_eq!(document.expect(200).unwrap()["info"]["title"], "passport");
    let passports = server.client().get("/api/v1/dpps").await.unwrap();
    assert_eq!(passports.expect(200).unwrap()["count"], 3);
}
