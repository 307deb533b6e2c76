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

#[tokio::test]
async fn requests_are_made_as_the_user_that_the_developer_names() {
    let launch = carnet();
    write(&launch, "d/app.yaml", &notes(&[TITLE]));
    let arguments = ["serve", "--definitions", "d", "--as", "ada:admin"];
    let server = launch.start(arguments).await.unwrap();
    let client = server.client();
    let body = json!({ "title": "Hers" });
    let made = client.json("POST", "/api/v1/notes", &body).await.unwrap();
    let made = made.expect(201).unwrap();
    let by = &made["data"]["createdBy"];
    assert_eq!(by["kind"], "user");
    let journal = client.get("/api/v1/journal").await.unwrap();
    let journal = journal.expect(200).unwrap();
    assert_eq!(journal["data"][0]["principal"], *by, "{journal}");
    assert!(
        server
            .logs()
            .contains("every request is made as the user `ada` with the roles admin"),
        "{}",
        server.logs()
    );
    // The same name is the same user after a new start, and no header makes another one.
    drop(server);
    let server = launch.start(arguments).await.unwrap();
    let path = format!("/api/v1/notes/{}", made["data"]["id"].as_str().unwrap());
    let headers = [
        ("content-type", "application/json"),
        ("x-user", "eve"),
        ("authorization", "Bearer eve"),
    ];
    let body = json!({ "title": "Still hers" }).to_string();
    let changed = server
        .client()
        .send("PATCH", &path, &headers, body)
        .await
        .unwrap();
    assert_eq!(changed.expect(200).unwrap()["data"]["updatedBy"], *by);
}

#[test]
fn nobody_is_assumed_where_others_could_be_that_user() {
    let launch = carnet();
    write(&launch, "d/app.yaml", &notes(&[TITLE]));
    let serve = ["serve", "--definitions", "d", "--as", "ada"];
    let err = run(&launch, serve.iter().chain(&["--profile", "prod"])).failed();
    assert!(err.contains("--as: not in the profile prod"), "{err}");
    let err = run(&launch, serve.iter().chain(&["--host", "0.0.0.0"])).failed();
    assert!(err.contains("loopback"), "{err}");
    let err = run(&launch, ["serve", "--as", "ada:"]).misused();
    assert!(err.contains("there is no role behind the colon"), "{err}");
    assert!(!launch.folder().join("data").exists(), "nothing was made");
}
