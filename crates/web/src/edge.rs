//! The whole middleware round an axum router, in its one order. Not the routes, not the server.
//!
//! From the outside in: ids and span → access log and metrics → security headers → CORS →
//! compression → problem bodies → limits of address and body → deadline → load → panics →
//! routes. Layers of an application stand between the stages that `stage.rs` names. So every answer has its ids and headers, and every failure inside has its body.

use crate::config::Config;
use crate::error::Error;
use crate::middleware::access_log::{self, Line, Observation};
use crate::middleware::load_limit::LoadLimit;
use crate::middleware::render_problems::{self, Asked};
use crate::middleware::security_headers::SecurityHeaders;
use crate::middleware::{
    body_limit, catch_panic, compression, cors, head, request_id, server_timing, timeout,
};
use crate::problem::Problem;
use crate::query_string::Limits;
use crate::request_info::RequestInfo;
use crate::stage::{BEFORE_CONTEXT, Layers, Routed};
use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use carnet_kernel::{Clock, Code, IdGenerator, Refusal};
use http::Request;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower::{Layer, Service, ServiceExt};
use tracing::Instrument;

type Inner = Routed;
type Answer = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

/// What the edge is made from.
#[derive(Clone)]
pub struct EdgeOptions {
    /// The settings of section `web`.
    pub config: Config,
    /// Where moments come from.
    pub clock: Arc<dyn Clock>,
    /// Where request ids come from.
    pub ids: Arc<IdGenerator>,
    /// First path segments (`/health`, `/metrics`) that are answered even under full load and
    /// leave no line in the log.
    pub probes: &'static [&'static str],
    /// What the application placed between the stages.
    pub layers: Layers,
}

/// A router with everything round it: a tower service for any request body, cheap to clone.
#[derive(Clone)]
pub struct Edge {
    core: Core,
    /// The core with layers of the application round it, if there are any.
    layered: Option<Inner>,
}

/// The edge from its first stage inwards.
#[derive(Clone)]
struct Core {
    shared: Arc<Shared>,
    choice: Choice,
    /// The choice with layers round it.
    layered: Option<Inner>,
    /// Whether layers stand outside of what gives refusals their bodies.
    may_refuse: bool,
}

/// What stands behind the ids: with CORS or without.
#[derive(Clone)]
struct Choice {
    /// Without CORS, for plain `OPTIONS` requests and where no other origin may call.
    plain: Inner,
    cors: Option<Inner>,
}

struct Shared {
    config: Config,
    clock: Arc<dyn Clock>,
    ids: Arc<IdGenerator>,
    probes: &'static [&'static str],
    load: LoadLimit,
    security: SecurityHeaders,
}

impl std::fmt::Debug for Edge {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Edge")
            .field("config", &self.core.shared.config)
            .finish_non_exhaustive()
    }
}

impl Edge {
    /// Puts the middleware round `routes`. Fails with the first setting that cannot be used.
    pub fn new(routes: Router, options: EdgeOptions) -> Result<Self, Error> {
        let config = options.config;
        if let Some(problem) = config.problems().into_iter().next() {
            return Err(problem);
        }
        let shared = Arc::new(Shared {
            load: LoadLimit::new(config.concurrent_requests, config.waiting_requests),
            security: SecurityHeaders::new(&config),
            clock: options.clock,
            ids: options.ids,
            probes: options.probes,
            config,
        });
        let layers = options.layers;
        let guard = Guard {
            shared: Arc::clone(&shared),
            layered: layers.round(BEFORE_CONTEXT, || routes.clone()),
            routes,
        };
        let guard = match layers.round(3, || guard.clone()) {
            Some(layered) => layered,
            None => Inner::new(guard),
        };
        let plain = if shared.config.compression {
            let compressed = compression::layer(&shared.config).layer(guard);
            Inner::new(compressed.map_response(|response| response.map(Body::new)))
        } else {
            guard
        };
        let plain = layers.round(2, || plain.clone()).unwrap_or(plain);
        let cors = cors::layer(&shared.config.cors).map(|layer| {
            Inner::new(
                layer
                    .layer(plain.clone())
                    .map_response(|response| response.map(Body::new)),
            )
        });
        let choice = Choice { plain, cors };
        let core = Core {
            layered: layers.round(1, || choice.clone()),
            may_refuse: (1..BEFORE_CONTEXT).any(|place| layers.has(place)),
            choice,
            shared,
        };
        let layered = layers.round(0, || core.clone());
        Ok(Self { core, layered })
    }
}

impl<B> Service<Request<B>> for Edge
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Answer {
        let request = request.map(Body::new);
        match &self.layered {
            Some(layered) => Box::pin(layered.clone().oneshot(request)),
            None => self.core.call(request),
        }
    }
}

impl Service<Request<Body>> for Core {
    type Response = Response;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Answer {
        let inner = match &self.layered {
            Some(layered) => layered.clone(),
            None => self.choice.of(&request),
        };
        let shared = Arc::clone(&self.shared);
        // A layer may answer with a refusal, which then still lacks its body.
        let asked = self.may_refuse.then(|| Asked::of(&request));
        Box::pin(async move { Ok(shared.answer(inner, request, asked).await) })
    }
}

impl Choice {
    fn of(&self, request: &Request<Body>) -> Inner {
        match &self.cors {
            Some(cors) if cors::concerns(request) => cors.clone(),
            _ => self.plain.clone(),
        }
    }
}

impl Service<Request<Body>> for Choice {
    type Response = Response;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Answer {
        Box::pin(self.of(&request).oneshot(request))
    }
}

impl Shared {
    /// The outer half: what every answer gets, preflights and failures included.
    async fn answer(&self, inner: Inner, request: Request<Body>, asked: Option<Asked>) -> Response {
        let (mut parts, body) = request.into_parts();
        let now = self.clock.now();
        let timeout = self.config.timeout.0;
        let info = request_id::identify(&parts.headers, self.ids.next(now), now, timeout);
        let span = access_log::span(&parts, &info);
        let line = self.line(parts.uri.path());
        let observation = span.in_scope(|| Observation::begin(&parts.method, info.clone(), line));
        let encrypted = self.security.encrypted(&parts.headers);
        let is_head = head::to_get(&mut parts);
        parts.extensions.insert(info.clone());
        parts.extensions.insert(self.query_limits());
        let request = Request::from_parts(parts, body);

        let answered = async {
            let Ok(mut response) = inner.oneshot(request).await;
            if let Some(asked) = asked.filter(|_| has_refusal(&response)) {
                response = render_problems::render(response, &asked, &info, || self.clock.now());
            }
            let headers = response.headers_mut();
            request_id::echo(&info, headers);
            self.security.apply(encrypted, headers);
            if self.config.server_timing == Some(true) {
                server_timing::apply(&info, headers);
            }
            if is_head {
                response = head::strip(response);
            }
            observation.finish(&response);
            response
        };
        answered.instrument(span).await
    }

    /// The inner half: what stands between a request and its handler.
    async fn guard(
        &self,
        routes: Router,
        layered: Option<Inner>,
        request: Request<Body>,
    ) -> Response {
        let asked = Asked::of(&request);
        let Some(info) = RequestInfo::find(request.extensions()).cloned() else {
            return Problem::new(Code::Internal, "the request did not come through the edge")
                .into_response();
        };
        let probe = self.is_probe(request.uri().path());
        let outcome = match self.bound(request) {
            Err(problem) => Err(problem),
            Ok(request) => {
                timeout::until_deadline(&info, async {
                    let _place = if probe {
                        None
                    } else {
                        Some(self.load.admit().await?)
                    };
                    let Ok(response) = match layered {
                        Some(layered) => catch_panic::guard(layered.oneshot(request)).await?,
                        None => catch_panic::guard(routes.oneshot(request)).await?,
                    };
                    Ok(response)
                })
                .await
            }
        };
        let response = outcome.unwrap_or_else(IntoResponse::into_response);
        render_problems::render(response, &asked, &info, || self.clock.now())
    }

    /// The limits that are known before a handler runs.
    fn bound(&self, request: Request<Body>) -> Result<Request<Body>, Problem> {
        let limit = self.config.uri_limit.0;
        let length = request
            .uri()
            .path_and_query()
            .map_or(0, |address| address.as_str().len()) as u64;
        if length > limit {
            return Err(Problem::new(
                Code::UriTooLong,
                format!("the address has {length} bytes, the limit is {limit}"),
            ));
        }
        let (parts, body) = request.into_parts();
        let body = body_limit::limit(body, &parts.headers, self.config.body_limit.0)
            .map_err(|too_large| Problem(too_large.refusal()))?;
        Ok(Request::from_parts(parts, body))
    }

    fn query_limits(&self) -> Limits {
        Limits {
            bytes: usize::try_from(self.config.uri_limit.0).unwrap_or(usize::MAX),
            pairs: self.config.query_parameters,
        }
    }

    fn is_probe(&self, path: &str) -> bool {
        self.probes.iter().any(|probe| {
            path.strip_prefix(probe)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    fn line(&self, path: &str) -> Line {
        match (self.config.access_log, self.is_probe(path)) {
            (false, _) => Line::Off,
            (true, true) => Line::Quiet,
            (true, false) => Line::Shown,
        }
    }
}

/// Whether a response still waits for the body of its refusal.
fn has_refusal(response: &Response) -> bool {
    response.extensions().get::<Refusal>().is_some()
}

/// The inner half as a service, so that CORS and compression stand round it.
#[derive(Clone)]
struct Guard {
    shared: Arc<Shared>,
    routes: Router,
    /// The routes with layers round them.
    layered: Option<Inner>,
}

impl Service<Request<Body>> for Guard {
    type Response = Response;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Answer {
        let shared = Arc::clone(&self.shared);
        let (routes, layered) = (self.routes.clone(), self.layered.clone());
        Box::pin(async move { Ok(shared.guard(routes, layered, request).await) })
    }
}
