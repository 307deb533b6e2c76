//! The named stages of a request and the layers that an application places between them. What the
//! stages do is the edge's and the server's work.

use crate::middleware::catch_panic;
use crate::problem::Problem;
use axum::BoxError;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use carnet_kernel::{Code, suggest};
use http::Request;
use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower::util::BoxCloneSyncService;
use tower::{Layer, Service, ServiceExt};

/// The stages of every request, from the outside in, with what each does.
pub const STAGES: [(&str, &str); 6] = [
    (
        "ids",
        "request and correlation id, span, access log, metrics, security headers, `Server-Timing`",
    ),
    (
        "cors",
        "answers to preflights and the headers for other origins",
    ),
    ("compression", "compressed answers"),
    (
        "problems",
        "problem bodies, limits of address and body, deadline, load, panics",
    ),
    ("context", "who calls, for which tenant, until when"),
    ("routes", "what is at the address"),
];

/// How many places for layers there are: before each stage.
const PLACES: usize = STAGES.len();

/// The place before `routes`, which only requests with a context reach.
pub(crate) const BEFORE_CONTEXT: usize = PLACES - 2;
/// The place before the routes themselves.
const BEFORE_ROUTES: usize = PLACES - 1;

/// A service as layers see it.
pub type Routed = BoxCloneSyncService<Request<Body>, Response, Infallible>;

type Wrap = Arc<dyn Fn(Routed) -> Routed + Send + Sync>;

/// A place in the pipeline, beside a named stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    is_after: bool,
    name: String,
}

impl Stage {
    /// Outside of the stage: the layer sees a request before it.
    pub fn before(name: impl Into<String>) -> Self {
        Self {
            is_after: false,
            name: name.into(),
        }
    }

    /// Inside of the stage: the layer sees what it passes on.
    pub fn after(name: impl Into<String>) -> Self {
        Self {
            is_after: true,
            name: name.into(),
        }
    }

    /// The place, as the number of the stage that follows it.
    fn place(&self) -> Result<usize, String> {
        let names = || STAGES.iter().map(|(name, _)| *name);
        let Some(stage) = names().position(|name| name == self.name) else {
            let hint = suggest::hint(&self.name, names());
            let all: Vec<&str> = names().collect();
            return Err(format!(
                "there is no stage `{}`{hint}; the stages are {}",
                self.name,
                all.join(", ")
            ));
        };
        match stage + usize::from(self.is_after) {
            PLACES => Err("nothing is after the stage `routes`".to_owned()),
            place => Ok(place),
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = if self.is_after { "after" } else { "before" };
        write!(out, "{side} `{}`", self.name)
    }
}

/// A tower layer that can stand between stages: its service takes requests with axum's body, may
/// answer with anything that is a response, and may fail with any error.
pub trait StageLayer: Send + Sync + 'static {
    /// Its service round another one.
    fn round(&self, inner: Routed) -> Routed;
}

impl<L> StageLayer for L
where
    L: Layer<Routed> + Send + Sync + 'static,
    L::Service: Service<Request<Body>> + Clone + Send + Sync + 'static,
    <L::Service as Service<Request<Body>>>::Response: IntoResponse + 'static,
    <L::Service as Service<Request<Body>>>::Error: Into<BoxError>,
    <L::Service as Service<Request<Body>>>::Future: Send + 'static,
{
    fn round(&self, inner: Routed) -> Routed {
        Routed::new(Layered(self.layer(inner)))
    }
}

/// The layers of an application, each at its place. Those at one place see a request in the order
/// in which they were added.
#[derive(Clone, Default)]
pub struct Layers {
    placed: Vec<Placed>,
}

#[derive(Clone)]
struct Placed {
    stage: Stage,
    name: String,
    wrap: Wrap,
}

impl Layers {
    /// Adds a layer. Its service may fail and may panic: either is `INTERNAL` for the client and a
    /// line in the log.
    pub fn add<L: StageLayer>(&mut self, stage: Stage, layer: L) {
        self.placed.push(Placed {
            stage,
            name: short(std::any::type_name::<L>()),
            wrap: Arc::new(move |inner| layer.round(inner)),
        });
    }

    /// Takes over those of another set, behind its own.
    pub fn extend(&mut self, other: Self) {
        self.placed.extend(other.placed);
    }

    /// What is wrong with the places, one sentence each.
    pub fn problems(&self) -> Vec<String> {
        let place = |placed: &Placed| {
            let why = placed.stage.place().err()?;
            Some(format!("layer `{}` {}: {why}", placed.name, placed.stage))
        };
        self.placed.iter().filter_map(place).collect()
    }

    /// The stages and layers that a request passes, from the outside in: the names of stages, and
    /// those of layers with `true`.
    pub fn describe(&self) -> Vec<(String, bool)> {
        let mut all = Vec::new();
        for (place, (stage, _)) in STAGES.iter().enumerate() {
            all.extend(self.at(place).map(|placed| (placed.name.clone(), true)));
            all.push(((*stage).to_owned(), false));
        }
        all
    }

    /// The layers before the routes round `inner`, if there are any.
    pub fn before_routes(&self) -> Option<BeforeRoutes> {
        let mut found = self.at(BEFORE_ROUTES).peekable();
        found.peek()?;
        Some(BeforeRoutes(
            found.map(|placed| Arc::clone(&placed.wrap)).collect(),
        ))
    }

    /// `inner` with the layers of a place round it, if there are any.
    pub(crate) fn round<S>(&self, place: usize, inner: impl FnOnce() -> S) -> Option<Routed>
    where
        S: Service<Request<Body>, Response = Response, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        let mut found: Vec<&Placed> = self.at(place).collect();
        let innermost = found.pop()?;
        let service = (innermost.wrap)(Routed::new(inner()));
        let outwards = found.into_iter().rev();
        Some(outwards.fold(service, |inner, placed| (placed.wrap)(inner)))
    }

    pub(crate) fn has(&self, place: usize) -> bool {
        self.at(place).next().is_some()
    }

    fn at(&self, place: usize) -> impl Iterator<Item = &Placed> {
        self.placed
            .iter()
            .filter(move |placed| placed.stage.place() == Ok(place))
    }
}

impl fmt::Debug for Layers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.describe()).finish()
    }
}

/// The layers that stand directly before routes, as one layer for `Router::layer`.
#[derive(Clone)]
pub struct BeforeRoutes(Vec<Wrap>);

impl<S> Layer<S> for BeforeRoutes
where
    S: Service<Request<Body>, Response = Response, Error = Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send + 'static,
{
    type Service = Routed;

    fn layer(&self, inner: S) -> Routed {
        let outwards = self.0.iter().rev();
        outwards.fold(Routed::new(inner), |inner, wrap| wrap(inner))
    }
}

/// The service of an application's layer, whose failures become answers.
#[derive(Clone)]
struct Layered<S>(S);

impl<S> Service<Request<Body>> for Layered<S>
where
    S: Service<Request<Body>> + Clone + Send + 'static,
    S::Response: IntoResponse,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let service = self.0.clone();
        Box::pin(async move {
            let answered = catch_panic::guard(async move {
                let answered = service.oneshot(request).await;
                answered
                    .map(IntoResponse::into_response)
                    .map_err(Into::into)
            });
            Ok(match answered.await {
                Ok(Ok(response)) => response,
                Ok(Err(error)) => failed(&error).into_response(),
                Err(problem) => problem.into_response(),
            })
        })
    }
}

fn failed(error: &BoxError) -> Problem {
    tracing::error!(%error, "a layer of the application failed");
    Problem::new(
        Code::Internal,
        "something failed inside the platform; its log has the cause under this correlation id",
    )
}

/// The name of a type without the paths of its parts.
fn short(name: &str) -> String {
    let mut shown = String::new();
    let mut word = String::new();
    for letter in name.chars() {
        match letter {
            ':' => word.clear(),
            letter if letter.is_alphanumeric() || letter == '_' => word.push(letter),
            letter => {
                shown.push_str(&std::mem::take(&mut word));
                shown.push(letter);
            }
        }
    }
    shown + &word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_beside_stages() {
        assert_eq!(Stage::before("ids").place(), Ok(0));
        assert_eq!(Stage::after("ids").place(), Stage::before("cors").place());
        assert_eq!(Stage::after("problems").place(), Ok(BEFORE_CONTEXT));
        assert_eq!(Stage::after("context").place(), Ok(BEFORE_ROUTES));
        let error = Stage::after("routes").place().unwrap_err();
        assert_eq!(error, "nothing is after the stage `routes`");
        let error = Stage::before("contxt").place().unwrap_err();
        assert!(error.contains("did you mean `context`?"), "{error}");
    }

    #[test]
    fn names_of_types_are_shortened() {
        assert_eq!(
            short("axum::middleware::FromFnLayer<shop::check, (), (axum::extract::Request,)>"),
            "FromFnLayer<check, (), (Request,)>"
        );
    }
}
