//! The whole middleware round the routes, in its one order. Not the routes, not the server.
//!
//! From the outside in: ids and span → access log and metrics → security headers → CORS →
//! compression → problem bodies → limits of address and body → deadline → load → panics →
//! routes. Layers of an application stand between the stages that `stage.rs` names. So every answer
//! has its ids and headers, and every failure inside has its body. Where no layer stands, the
//! stages call each other directly: a boxed service and future at each would cost a request more
//! than what most of them do.

use crate::config::Config;
use crate::error::Error;
use crate::middleware::access_log::{self, Line, Observation};
use crate::middleware::compression::{self, Compressed};
use crate::middleware::load_limit::LoadLimit;
use crate::middleware::render_problems::{self, Asked};
use crate::middleware::security_headers::SecurityHeaders;
use crate::middleware::{body_limit, catch_panic, cors, head, request_id, server_timing, timeout};
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
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use tower::{Layer, Service, ServiceExt};
use tracing::Instrument;

/// An answer on its way.
pub type Answer = Pin<Box<dyn Future<Output = Response> + Send>>;

type Answered = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

/// What answers requests behind the edge.
pub trait Handler: Send + Sync + 'static {
    /// Begins to answer a request.
    fn handle(&self, request: Request<Body>) -> Answer;
}

impl Handler for Router {
    fn handle(&self, request: Request<Body>) -> Answer {
        let routes = self.clone();
        Box::pin(async move {
            let Ok(response) = routes.oneshot(request).await;
            response
        })
    }
}

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

/// Routes with everything round them: a tower service for any request body, cheap to clone.
#[derive(Clone)]
pub struct Edge(Arc<Whole>);

struct Whole {
    core: Core,
    /// The core with layers of the application round it, if there are any.
    layered: Option<Routed>,
}

/// The edge from its first stage inwards.
#[derive(Clone)]
struct Core {
    shared: Arc<Shared>,
    choice: Choice,
    /// The choice with layers round it.
    layered: Option<Routed>,
    /// Whether layers stand outside of what gives refusals their bodies.
    may_refuse: bool,
}

/// What stands behind the ids: with CORS or without.
#[derive(Clone)]
struct Choice {
    /// Without CORS, for plain `OPTIONS` requests and where no other origin may call.
    plain: Inner,
    cors: Option<Routed>,
}

/// What stands behind the ids, of one of several kinds.
#[derive(Clone)]
enum Inner {
    /// No layer of the application stands here.
    Own(Arc<Own>),
    Layered(Routed),
}

struct Own {
    guard: Guard,
    compressed: Option<Compressed<Guard>>,
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
            .field("config", &self.0.core.shared.config)
            .finish_non_exhaustive()
    }
}

impl Edge {
    /// Puts the middleware round `routes`. Fails with the first setting that cannot be used.
    pub fn new(routes: impl Handler, options: EdgeOptions) -> Result<Self, Error> {
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
        let routes: Arc<dyn Handler> = Arc::new(routes);
        let guard = Guard {
            shared: Arc::clone(&shared),
            layered: layers.round(BEFORE_CONTEXT, || Routes(Arc::clone(&routes))),
            routes,
        };
        let compression = shared.config.compression.then_some(&shared.config);
        let plain = match layers.round(3, || guard.clone()) {
            None => Inner::Own(Arc::new(Own {
                compressed: compression
                    .map(|config| compression::layer(config).layer(guard.clone())),
                guard,
            })),
            Some(layered) => Inner::Layered(match compression {
                None => layered,
                Some(config) => {
                    let compressed = compression::layer(config).layer(layered);
                    Routed::new(compressed.map_response(|response| response.map(Body::new)))
                }
            }),
        };
        let layered = layers.round(2, || plain.clone());
        let plain = layered.map_or(plain, Inner::Layered);
        let cors = cors::layer(&shared.config.cors).map(|layer| {
            Routed::new(
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
        Ok(Self(Arc::new(Whole { core, layered })))
    }
}

impl<B> Service<Request<B>> for Edge
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Answered;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Answered {
        let request = request.map(Body::new);
        match &self.0.layered {
            Some(layered) => Box::pin(layered.clone().oneshot(request)),
            None => self.0.core.begin(request),
        }
    }
}

/// A service that is always ready and answers by an asynchronous function of its own.
macro_rules! service {
    ($name:ty, $self:ident, $request:ident, $answer:expr) => {
        impl Service<Request<Body>> for $name {
            type Response = Response;
            type Error = Infallible;
            type Future = Answered;

            fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
                Poll::Ready(Ok(()))
            }

            fn call(&mut self, $request: Request<Body>) -> Answered {
                let $self = self.clone();
                Box::pin(async move { Ok($answer.await) })
            }
        }
    };
}

service!(Choice, choice, request, choice.of(&request).answer(request));
service!(Inner, inner, request, inner.answer(request));
service!(Guard, guard, request, guard.answer(request));
service!(Routes, routes, request, routes.0.handle(request));

impl Service<Request<Body>> for Core {
    type Response = Response;
    type Error = Infallible;
    type Future = Answered;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Answered {
        self.begin(request)
    }
}

impl Core {
    fn begin(&self, request: Request<Body>) -> Answered {
        // Only what the request goes through is cloned.
        let inner = match &self.layered {
            Some(layered) => Inner::Layered(layered.clone()),
            None => self.choice.of(&request),
        };
        // A layer may answer with a refusal, which then still lacks its body.
        let asked = self.may_refuse.then(|| Asked::of(&request));
        let shared = Arc::clone(&self.shared);
        Box::pin(async move { Ok(shared.answer(inner, request, asked).await) })
    }
}

impl Choice {
    fn of(&self, request: &Request<Body>) -> Inner {
        match &self.cors {
            Some(cors) if cors::concerns(request) => Inner::Layered(cors.clone()),
            _ => self.plain.clone(),
        }
    }
}

impl Inner {
    async fn answer(self, request: Request<Body>) -> Response {
        match self {
            Self::Own(own) => match &own.compressed {
                None => own.guard.answer(request).await,
                Some(compressed) if compression::is_asked(&request) => {
                    let Ok(response) = compressed.clone().oneshot(request).await;
                    response.map(Body::new)
                }
                Some(_) => {
                    let response = own.guard.answer(request).await;
                    compression::tell(response, &own.guard.shared.config)
                }
            },
            Self::Layered(service) => {
                let Ok(response) = service.oneshot(request).await;
                response
            }
        }
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
            let mut response = inner.answer(request).await;
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

/// The inner half: what stands between a request and its handler.
#[derive(Clone)]
struct Guard {
    shared: Arc<Shared>,
    routes: Arc<dyn Handler>,
    /// The routes with layers round them.
    layered: Option<Routed>,
}

impl Guard {
    async fn answer(&self, request: Request<Body>) -> Response {
        let asked = Asked::of(&request);
        let Some(info) = RequestInfo::find(request.extensions()).cloned() else {
            return Problem::new(Code::Internal, "the request did not come through the edge")
                .into_response();
        };
        let shared = &self.shared;
        let probe = shared.is_probe(request.uri().path());
        let outcome = match shared.bound(request) {
            Err(problem) => Err(problem),
            Ok(request) => {
                // Pinned here, because whoever takes it by value moves all of it.
                let running = pin!(async {
                    let _place = if probe {
                        None
                    } else {
                        Some(shared.load.admit().await?)
                    };
                    match &self.layered {
                        Some(layered) => {
                            let answer = layered.clone().oneshot(request);
                            let Ok(response) = catch_panic::guard(answer).await?;
                            Ok(response)
                        }
                        None => catch_panic::guard(self.routes.handle(request)).await,
                    }
                });
                timeout::until_deadline(&info, running).await
            }
        };
        let response = outcome.unwrap_or_else(IntoResponse::into_response);
        render_problems::render(response, &asked, &info, || shared.clock.now())
    }
}

/// The routes as a service, for layers round them.
#[derive(Clone)]
struct Routes(Arc<dyn Handler>);
