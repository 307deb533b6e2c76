//! What handlers and logic have of the world outside: the HTTP client and metrics of their own.

use crate::{application, start};
use carnet_client::Client;
use carnet_kernel::Refusal;
use carnet_model::Operation;
use carnet_records::logic::{Call, Component, Reply, late};
use carnet_server::{Http, Routes};
use carnet_telemetry::metrics::Custom;
use carnet_web::Problem;
use serde_json::json;

/// Tells the correlation id that came along.
async fn echo(http: Http) -> String {
    http.correlation().to_string()
}

async fn ask(http: Http, address: String) -> Result<String, Problem> {
    let answer = http
        .http()
        .get(&address)
        .send()
        .await
        .map_err(Refusal::from)?;
    Ok(answer.text())
}

async fn create(
    call: Call,
    client: Component<Client>,
    metrics: Component<Custom>,
) -> Result<Reply, Refusal> {
    let client = client.on_behalf(call.correlation(), call.deadline());
    let address = call.input()["title"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let answer = client.get(&address).send().await?;
    metrics.count("notes checked", 1, &[("kind", "plain")]);
    call.change_input(|input| input["title"] = json!(answer.text()))?;
    call.proceed().await
}

#[tokio::test]
async fn services_outside_are_asked_on_behalf_of_the_request() {
    let outside = {
        let mut application = application();
        application.routes.extend(Routes::new().get("/echo", echo));
        start(application).await.unwrap()
    };
    let address = format!("{}/echo", outside.address);
    let mut inside = application();
    inside
        .logic
        .logic(1, "notes", Operation::Create, late(create));
    inside.routes.extend(Routes::new().post("/ask", ask));
    let inside = start(inside).await.unwrap();
    let correlation = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let headers = [
        ("x-correlation-id", correlation),
        ("content-type", "application/json"),
    ];
    let asked = inside
        .client
        .send("POST", "/ask", &headers, address.clone())
        .await;
    assert_eq!(asked.unwrap().text(), correlation);
    let body = json!({ "title": address }).to_string();
    let made = inside
        .client
        .send("POST", "/api/v1/notes", &headers, body)
        .await;
    assert_eq!(
        made.unwrap().expect(201).unwrap()["data"]["title"],
        correlation
    );
    let metrics = inside.client.get("/metrics").await.unwrap().text();
    assert!(
        metrics.contains("desk_notes_checked_total{kind=\"plain\"} 1"),
        "{metrics}"
    );
    assert!(metrics.contains("carnet_client_requests_total{outcome=\"2xx\"}"));
    outside.stop().await;
    let away = inside
        .client
        .send("POST", "/ask", &headers, address)
        .await
        .unwrap();
    let away = away.expect(502).unwrap();
    assert_eq!(away["error"]["code"], "UPSTREAM_FAILED");
    inside.stop().await;
}
