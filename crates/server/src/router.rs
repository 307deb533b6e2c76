//! All routes of the server in one table, and what stands between the edge and the resources.

use crate::{docs, local};
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use carnet_kernel::{ApiVersion, ApplicationCodes, Code, Context, Principal, TenantKey, time};
use carnet_records::Operations;
use carnet_records::routes::{Api, PREFIX, is_below, prefix};
use carnet_telemetry::health::{Health, Status};
use carnet_telemetry::metrics::Registry;
use carnet_web::problem::{Problem, method_not_allowed};
use carnet_web::{Answer, Handler, Layers, RequestInfo};
use http::{HeaderValue, Method, StatusCode, header};
use serde::Serialize;
use std::sync::Arc;
use tower::util::MapRequestLayer;

/// What the routes are made of.
pub(crate) struct Parts {
    pub(crate) operations: Operations,
    /// As whom requests are made; as nobody if there is none.
    pub(crate) principal: Option<Principal>,
    /// Those of the application.
    pub(crate) routes: Router,
    /// Whether some of them stand below the prefix of the API.
    pub(crate) below_api: bool,
    /// What the application placed between context and routes.
    pub(crate) layers: Layers,
    pub(crate) health: Health,
    pub(crate) metrics: Option<Registry>,
    pub(crate) docs: bool,
    pub(crate) codes: ApplicationCodes,
    pub(crate) openapi: Documents,
}

/// Gives the OpenAPI document of a version, if it is served; of the newest where none is named.
pub(crate) type Documents = Arc<dyn Fn(Option<ApiVersion>) -> Option<Bytes> + Send + Sync>;

/// First segments of addresses that probes ask.
pub(crate) const PROBES: &[&str] = &["/health", "/metrics"];

/// Every route.
#[derive(Clone)]
pub(crate) struct Routes {
    table: Router,
    /// The API where nothing of the application stands before it or beside it below its prefix: it
    /// is then asked without the table.
    direct: Option<(Api, Arc<Given>)>,
}

impl Handler for Routes {
    fn handle(&self, mut request: Request) -> Answer {
        match &self.direct {
            Some((api, given)) if is_below(request.uri().path()) => {
                given.give(&mut request);
                Box::pin(api.clone().answer(request))
            }
            _ => self.table.handle(request),
        }
    }
}

/// Makes the routes.
pub(crate) fn router(parts: Parts) -> Routes {
    let root = get(serve_root).with_state(parts.operations.clone());
    let document = get(serve_version).with_state(parts.openapi.clone());
    let tenant = TenantKey::DEFAULT;
    let nobody = || Principal::anonymous(tenant);
    let assumed = parts.principal.is_some();
    let given = Arc::new(Given {
        tenant,
        principal: parts.principal.unwrap_or_else(nobody),
    });
    let api = carnet_records::routes::router(parts.operations);
    let mut served = Router::new()
        .route_service(PREFIX, api.clone())
        .route_service(&format!("{PREFIX}/"), api.clone())
        .route_service(&format!("{PREFIX}/{{*rest}}"), api.clone())
        .merge(parts.routes);
    let layers = parts.layers.before_routes();
    // Who is assumed to be somebody is looked at first, below.
    let is_direct = layers.is_none() && !parts.below_api && !assumed;
    let direct = is_direct.then(|| (api, Arc::clone(&given)));
    if let Some(layers) = layers {
        served = served.layer(layers);
    }
    let context = MapRequestLayer::new(move |mut request| {
        given.give(&mut request);
        request
    });
    served = served.layer(context);
    if assumed {
        served = served.layer(axum::middleware::from_fn(local::check));
    }
    let mut router = served
        .route("/", root)
        .route(
            "/openapi.json",
            get(serve_openapi).with_state(parts.openapi),
        )
        .route("/openapi/{file}", document)
        .merge(health_routes(parts.health))
        .merge(docs::error_pages(parts.codes));
    if let Some(registry) = parts.metrics {
        router = router.route("/metrics", get(serve_metrics).with_state(registry));
    }
    if parts.docs {
        router = router.merge(docs::user_interface());
    }
    let table = router
        .method_not_allowed_fallback(refuse_method)
        .fallback(refuse_path);
    Routes { table, direct }
}

fn health_routes(health: Health) -> Router {
    Router::new()
        .route("/health", get(serve_health))
        .route("/health/live", get(serve_liveness))
        .route("/health/ready", get(serve_readiness))
        .with_state(health)
}

/// The context of a request. Until sign-in and tenants come, the caller is the same for all: no
/// header makes one. Only who asks in process may say by an extension who it is.
struct Given {
    tenant: TenantKey,
    principal: Principal,
}

impl Given {
    fn give(&self, request: &mut Request) {
        if let Some(info) = RequestInfo::find(request.extensions()) {
            let said = request.extensions().get::<Principal>();
            let principal = said.unwrap_or(&self.principal).clone();
            let mut context = Context::new(self.tenant, principal, info.correlation());
            context.deadline = info.deadline();
            request.extensions_mut().insert(context);
        }
    }
}

async fn serve_root(info: RequestInfo, State(operations): State<Operations>) -> Response {
    info.set_route("/");
    let views = operations.views();
    let day = |day: i32| {
        let mut text = String::new();
        time::write_date(day, &mut text);
        text
    };
    let versions: Vec<serde_json::Value> = views
        .iter()
        .map(|view| {
            let version = view.version();
            let notice = view.notice();
            serde_json::json!({
                "version": version.to_string(),
                "api": prefix(version),
                "openapi": format!("/openapi/{version}.json"),
                "deprecated": notice.and_then(|one| one.deprecated).map(day),
                "sunset": notice.and_then(|one| one.sunset).map(day),
            })
        })
        .collect();
    json(
        StatusCode::OK,
        &serde_json::json!({
            "api": prefix(operations.view().version()),
            "versions": versions,
            "openapi": "/openapi.json",
            "docs": "/docs",
            "health": "/health",
        }),
    )
}

async fn serve_openapi(info: RequestInfo, State(documents): State<Documents>) -> Response {
    info.set_route("/openapi.json");
    let document = documents(None).unwrap_or_default();
    body("application/json", Body::from(document))
}

async fn serve_version(
    info: RequestInfo,
    State(documents): State<Documents>,
    Path(file): Path<String>,
) -> Response {
    info.set_route("/openapi/{version}.json");
    let version = file.strip_suffix(".json").and_then(ApiVersion::parse);
    match version.and_then(|version| documents(Some(version))) {
        Some(document) => body("application/json", Body::from(document)),
        None => {
            let message = "there is no such document; `/` lists the versions of the API";
            Problem::new(Code::NotFound, message).into_response()
        }
    }
}

async fn serve_metrics(info: RequestInfo, State(registry): State<Registry>) -> Response {
    info.set_route("/metrics");
    body(
        "text/plain; version=0.0.4; charset=utf-8",
        Body::from(registry.render()),
    )
}

async fn serve_health(info: RequestInfo, State(health): State<Health>) -> Response {
    info.set_route("/health");
    let report = health.report().await;
    let status = match report.status {
        Status::Healthy => StatusCode::OK,
        Status::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
    };
    json(status, &report)
}

async fn serve_liveness(info: RequestInfo) -> Response {
    info.set_route("/health/live");
    json(StatusCode::OK, &serde_json::json!({ "status": "alive" }))
}

async fn serve_readiness(info: RequestInfo, State(health): State<Health>) -> Response {
    info.set_route("/health/ready");
    if health.report().await.ready {
        json(StatusCode::OK, &serde_json::json!({ "status": "ready" }))
    } else {
        json(
            StatusCode::SERVICE_UNAVAILABLE,
            &serde_json::json!({ "status": "not ready" }),
        )
    }
}

async fn refuse_path(request: Request) -> Response {
    let path: String = request.uri().path().chars().take(100).collect();
    Problem::new(Code::NotFound, format!("there is nothing at `{path}`")).into_response()
}

async fn refuse_method(method: Method) -> Response {
    method_not_allowed(&method, "GET, HEAD", None)
}

fn json(status: StatusCode, value: &impl Serialize) -> Response {
    let mut response = body(
        "application/json",
        Body::from(serde_json::to_vec(value).unwrap_or_default()),
    );
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn body(kind: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
