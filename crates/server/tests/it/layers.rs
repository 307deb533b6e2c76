//! Layers of an application between the stages of a request.

use crate::{Story, application, start};
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use carnet_kernel::{Context, Refusal};
use carnet_server::Application;
use carnet_web::{Layers, Problem, RequestInfo, Stage};
use tower::util::MapRequestLayer;
use tower::{Layer, ServiceBuilder};

/// A layer that tells where it is and what the request has there.
fn telling(layers: &mut Layers, stage: Stage, story: &Story) {
    let story = story.clone();
    let name = stage.to_string();
    layers.add(
        stage,
        MapRequestLayer::new(move |request: Request| {
            let info = RequestInfo::find(request.extensions()).is_some();
            let context = request.extensions().get::<Context>().is_some();
            story.tell(format!("{name} {info} {context}"));
            request
        }),
    );
}

#[tokio::test]
async fn each_stands_at_its_place() {
    let story = Story::default();
    let mut application = application();
    for stage in [
        "routes",
        "context",
        "problems",
        "compression",
        "cors",
        "ids",
    ] {
        telling(&mut application.layers, Stage::before(stage), &story);
    }
    telling(&mut application.layers, Stage::after("context"), &story);
    let server = start(application).await.unwrap();
    server
        .client
        .get("/api/v1/notes")
        .await
        .unwrap()
        .expect(200)
        .unwrap();
    let told = story.told();
    assert_eq!(
        told,
        [
            "before `ids` false false",
            "before `cors` true false",
            "before `compression` true false",
            "before `problems` true false",
            "before `context` true false",
            "before `routes` true true",
            "after `context` true true",
        ]
    );
    // Pages of the platform need no context.
    server
        .client
        .get("/health")
        .await
        .unwrap()
        .expect(200)
        .unwrap();
    assert_eq!(story.told().len(), told.len() + 5);
    server.stop().await;
}

fn with_layer(stage: Stage, layer: impl carnet_web::StageLayer) -> Application {
    let mut application = application();
    application.layers.add(stage, layer);
    application
}

async fn refuse(request: Request, next: Next) -> Response {
    match request.headers().contains_key("x-key") {
        true => next.run(request).await,
        false => Problem(Refusal::forbidden("there is no key")).into_response(),
    }
}

#[tokio::test]
async fn a_layer_may_refuse_with_a_problem() {
    for stage in ["cors", "compression", "problems", "context", "routes"] {
        let server = start(with_layer(Stage::before(stage), from_fn(refuse)))
            .await
            .unwrap();
        let refused = server.client.get("/api/v1/notes").await.unwrap();
        let refused = refused.expect(403).unwrap();
        assert_eq!(refused["error"]["code"], "FORBIDDEN", "{stage}");
        let headers = [("x-key", "1")];
        let passed = server
            .client
            .send("GET", "/api/v1/notes", &headers, "")
            .await;
        passed.unwrap().expect(200).unwrap();
        server.stop().await;
    }
}

/// A layer whose service fails or panics.
#[derive(Clone)]
struct Broken {
    panics: bool,
}

impl<S> Layer<S> for Broken {
    type Service = Self;

    fn layer(&self, _inner: S) -> Self {
        self.clone()
    }
}

impl tower::Service<Request> for Broken {
    type Response = Response;
    type Error = String;
    type Future = std::future::Ready<Result<Response, String>>;

    fn poll_ready(
        &mut self,
        _context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), String>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _request: Request) -> Self::Future {
        assert!(!self.panics, "a bug");
        std::future::ready(Err("a secret cause".to_owned()))
    }
}

#[tokio::test]
async fn a_layer_that_fails_or_panics_is_an_internal_failure() {
    for stage in ["cors", "context", "routes"] {
        for panics in [false, true] {
            let layer = ServiceBuilder::new().layer(Broken { panics }).into_inner();
            let server = start(with_layer(Stage::before(stage), layer))
                .await
                .unwrap();
            let failed = server.client.get("/api/v1/notes").await.unwrap();
            assert!(!failed.text().contains("secret"));
            let failed = failed.expect(500).unwrap();
            assert_eq!(failed["error"]["code"], "INTERNAL", "{stage} {panics}");
            server.stop().await;
        }
    }
}
