//! Routes of an application beside those of its resources: how they are given, what is wrong with
//! them, and the router that serves them.

use crate::handle::Handle;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, any, on};
use carnet_model::Model;
use carnet_records::routes::is_below;
use carnet_web::RequestInfo;
use carnet_web::openapi::{Fragment, Tag};
use carnet_web::problem::method_not_allowed;
use http::Method;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use tower::util::MapRequestLayer;

/// Routes of an application.
#[derive(Clone, Default)]
pub struct Routes {
    routes: Vec<Route>,
    documents: Vec<Value>,
}

/// One route for people: `carnet routes` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// `GET`; `ANY` for every method.
    pub method: &'static str,
    /// The template of its address.
    pub path: String,
    /// The name of the handler's function.
    pub handler: &'static str,
}

#[derive(Clone)]
struct Route {
    method: Option<&'static str>,
    path: String,
    handler: &'static str,
    serve: Serve,
}

#[derive(Clone)]
enum Serve {
    One(Box<MethodRouter>),
    Below(Router),
}

impl fmt::Debug for Routes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.list()).finish()
    }
}

impl Routes {
    /// No routes.
    pub fn new() -> Self {
        Self::default()
    }

    /// `GET path`, and `HEAD` with it. A path is written as for axum: `/reports/{year}`.
    #[must_use]
    pub fn get<H: Handler<T, ()>, T: 'static>(self, path: &str, handler: H) -> Self {
        self.on("GET", MethodFilter::GET, path, handler)
    }

    /// `POST path`.
    #[must_use]
    pub fn post<H: Handler<T, ()>, T: 'static>(self, path: &str, handler: H) -> Self {
        self.on("POST", MethodFilter::POST, path, handler)
    }

    /// `PUT path`.
    #[must_use]
    pub fn put<H: Handler<T, ()>, T: 'static>(self, path: &str, handler: H) -> Self {
        self.on("PUT", MethodFilter::PUT, path, handler)
    }

    /// `PATCH path`.
    #[must_use]
    pub fn patch<H: Handler<T, ()>, T: 'static>(self, path: &str, handler: H) -> Self {
        self.on("PATCH", MethodFilter::PATCH, path, handler)
    }

    /// `DELETE path`.
    #[must_use]
    pub fn delete<H: Handler<T, ()>, T: 'static>(self, path: &str, handler: H) -> Self {
        self.on("DELETE", MethodFilter::DELETE, path, handler)
    }

    /// Every method of a path.
    #[must_use]
    pub fn any<H: Handler<T, ()>, T: 'static>(self, path: &str, handler: H) -> Self {
        let name = std::any::type_name::<H>();
        self.with(None, path, name, Serve::One(Box::new(any(handler))))
    }

    /// Everything below a path, by a router of axum's own. `carnet routes` sees it as one.
    #[must_use]
    pub fn nest(self, path: &str, router: Router) -> Self {
        self.with(None, path, "Router", Serve::Below(router))
    }

    /// A part of an OpenAPI document (3.1) for these routes: an object with `paths`, and where they
    /// are needed `components.schemas` and `tags`.
    #[must_use]
    pub fn openapi(mut self, document: Value) -> Self {
        self.documents.push(document);
        self
    }

    /// Takes over those of another set, behind its own.
    pub fn extend(&mut self, other: Self) {
        self.routes.extend(other.routes);
        self.documents.extend(other.documents);
    }

    /// Whether they add to the OpenAPI document.
    pub(crate) fn has_documents(&self) -> bool {
        !self.documents.is_empty()
    }

    /// Whether some stand below the prefix of the API.
    pub(crate) fn has_below_api(&self) -> bool {
        self.routes.iter().any(|route| is_below(&route.path))
    }

    /// Every route, in order.
    pub fn list(&self) -> Vec<Listed> {
        let all = self.routes.iter().map(|route| Listed {
            method: route.method.unwrap_or("ANY"),
            path: match route.serve {
                Serve::One(_) => route.path.clone(),
                Serve::Below(_) => format!("{}/{{*rest}}", route.path),
            },
            handler: route.handler,
        });
        all.collect()
    }

    fn on<H: Handler<T, ()>, T: 'static>(
        self,
        method: &'static str,
        filter: MethodFilter,
        path: &str,
        handler: H,
    ) -> Self {
        let name = std::any::type_name::<H>();
        self.with(
            Some(method),
            path,
            name,
            Serve::One(Box::new(on(filter, handler))),
        )
    }

    fn with(
        mut self,
        method: Option<&'static str>,
        path: &str,
        handler: &'static str,
        serve: Serve,
    ) -> Self {
        self.routes.push(Route {
            method,
            path: path.to_owned(),
            handler,
            serve,
        });
        self
    }

    /// What is wrong with them, one sentence each.
    pub(crate) fn problems(&self, model: &Model) -> Vec<String> {
        let mut problems = Vec::new();
        let mut taken = platform();
        let mut methods: BTreeMap<&str, Vec<Option<&str>>> = BTreeMap::new();
        for route in &self.routes {
            let place = format!("route `{} {}`", route.method.unwrap_or("ANY"), route.path);
            let known = methods.entry(&route.path).or_default();
            let is_new = known.is_empty();
            // `ANY` leaves nothing for another one.
            let is_taken = known.contains(&route.method) || known.contains(&None);
            let clashes = is_taken || (!is_new && route.method.is_none());
            known.push(route.method);
            if clashes {
                problems.push(format!("{place}: there is one for it already"));
                continue;
            }
            if !is_new {
                continue;
            }
            if let Some(why) = unusable(route, model) {
                problems.push(format!("{place}: {why}"));
                continue;
            }
            for path in route.covered() {
                if let Err(error) = taken.insert(&path, ()) {
                    problems.push(format!("{place}: {}", collision(&error)));
                }
            }
        }
        for document in &self.documents {
            match fragment(document) {
                Ok(fragment) => self.check_document(&fragment, &mut problems),
                Err(why) => problems.push(format!("OpenAPI of routes: {why}")),
            }
        }
        problems
    }

    /// Every operation of the document must be a route.
    fn check_document(&self, fragment: &Fragment, problems: &mut Vec<String>) {
        for (path, item) in &fragment.paths {
            let below = |route: &&Route| match route.serve {
                Serve::One(_) => route.path == *path,
                Serve::Below(_) => path.starts_with(&format!("{}/", route.path)),
            };
            let routes: Vec<&Route> = self.routes.iter().filter(below).collect();
            let members = item.as_object().into_iter().flatten();
            for method in members.map(|(name, _)| name.to_uppercase()) {
                let is_method = METHODS.contains(&method.as_str());
                let is_there = |route: &&Route| route.method.is_none_or(|known| known == method);
                if is_method && !routes.iter().any(is_there) {
                    let message = format!("OpenAPI of routes: there is no route `{method} {path}`");
                    problems.push(message);
                }
            }
        }
    }

    /// What they add to the OpenAPI document. The documents were checked.
    pub(crate) fn fragments(&self) -> impl Iterator<Item = Fragment> {
        self.documents
            .iter()
            .filter_map(|document| fragment(document).ok())
    }

    /// The router that serves them. They were checked.
    pub(crate) fn router(&self, handle: &Handle) -> Router {
        let mut router = Router::new();
        let mut paths: BTreeMap<&str, (MethodRouter, Vec<&str>)> = BTreeMap::new();
        for route in &self.routes {
            match &route.serve {
                Serve::Below(inner) => {
                    let label = format!("{}/{{*rest}}", route.path);
                    let inner = inner.clone().layer(given(label, handle.clone()));
                    router = router.nest(&route.path, inner);
                }
                Serve::One(serve) => {
                    let (all, methods) = paths.entry(&route.path).or_default();
                    *all = std::mem::take(all).merge(serve.as_ref().clone());
                    methods.extend(route.method);
                    if route.method == Some("GET") {
                        methods.push("HEAD");
                    }
                }
            }
        }
        for (path, (mut serve, methods)) in paths {
            if !methods.is_empty() {
                let allow = methods.join(", ");
                serve = serve.fallback(async move |method: Method| {
                    method_not_allowed(&method, &allow, None)
                });
            }
            router = router.route(path, serve.layer(given(path.to_owned(), handle.clone())));
        }
        // The edge bounds bodies.
        router.layer(DefaultBodyLimit::disable())
    }
}

const METHODS: [&str; 8] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE",
];

impl Route {
    /// The patterns that it takes.
    fn covered(&self) -> Vec<String> {
        match self.serve {
            Serve::One(_) => vec![self.path.clone()],
            Serve::Below(_) => vec![
                self.path.clone(),
                format!("{}/", self.path),
                format!("{}/{{*rest}}", self.path),
            ],
        }
    }
}

/// Gives a request the platform, and its route a name.
fn given(
    label: String,
    handle: Handle,
) -> MapRequestLayer<impl Fn(Request) -> Request + Clone + Send + Sync + 'static> {
    MapRequestLayer::new(move |mut request: Request| {
        if let Some(info) = RequestInfo::find(request.extensions()) {
            info.set_route(label.clone());
        }
        request.extensions_mut().insert(handle.clone());
        request
    })
}

/// What the platform serves itself.
fn platform() -> matchit::Router<()> {
    const OWN: [&str; 11] = [
        "/",
        "/api",
        "/api/{*rest}",
        "/docs",
        "/docs/{*rest}",
        "/health",
        "/health/{*rest}",
        "/metrics",
        "/openapi.json",
        "/openapi",
        "/openapi/{*rest}",
    ];
    let mut taken = matchit::Router::new();
    for path in OWN {
        // INVARIANT: these do not collide with one another; a test looks.
        drop(taken.insert(path, ()));
    }
    taken
}

fn collision(error: &matchit::InsertError) -> String {
    match error {
        matchit::InsertError::Conflict { with } => {
            format!("it collides with `{with}`")
        }
        other => format!("its path cannot be used: {other}"),
    }
}

/// Why a path cannot be used, beside collisions.
fn unusable(route: &Route, model: &Model) -> Option<String> {
    let path = route.path.as_str();
    let Some(rest) = path.strip_prefix('/') else {
        return Some("its path does not begin with `/`".to_owned());
    };
    if rest.len() > 500 || rest.split('/').count() > 32 {
        return Some("its path is too long".to_owned());
    }
    let segments: Vec<&str> = rest.split('/').collect();
    let old = segments.iter().find(|part| part.starts_with([':', '*']));
    if let Some(old) = old {
        return Some(format!(
            "`{old}` is not how a parameter is written; it is `{{name}}` or `{{*rest}}`"
        ));
    }
    let odd =
        |part: &&&str| part.contains(['{', '}']) && !(part.starts_with('{') && part.ends_with('}'));
    if let Some(odd) = segments.iter().find(odd) {
        return Some(format!("`{odd}` is a parameter in part only"));
    }
    if matches!(route.serve, Serve::Below(_))
        && (path == "/" || path.ends_with('/') || path.contains("{*"))
    {
        return Some("a router stands below a path such as `/legacy`".to_owned());
    }
    let platform = ["docs", "health", "metrics", "openapi", "openapi.json", ""];
    if segments
        .first()
        .is_some_and(|first| platform.contains(first))
    {
        return Some("the platform itself serves this address".to_owned());
    }
    if segments.first() != Some(&"api") {
        return None;
    }
    let version = segments.get(1).copied().unwrap_or_default();
    let is_version = version
        .strip_prefix('v')
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()));
    let name = segments.get(2).copied().unwrap_or_default();
    if !is_version || name.is_empty() || name.starts_with('{') {
        return Some("below `/api` it must begin as `/api/v1/<name>`".to_owned());
    }
    if name == "transactions" {
        return Some("the platform itself serves this address".to_owned());
    }
    model.resource_named(name).map(|_| {
        format!("`{name}` is a resource; what it can do besides is an action of its definition")
    })
}

/// A part of a document as the document's owner reads it.
fn fragment(document: &Value) -> Result<Fragment, String> {
    let members = document.as_object().ok_or("it is no object")?;
    let mut fragment = Fragment::default();
    let object = |value: &Value, name: &str| {
        let members = value.as_object().cloned();
        members.ok_or_else(|| format!("`{name}` is no object"))
    };
    for (name, value) in members {
        match name.as_str() {
            "paths" => fragment.paths = object(value, name)?,
            "components" => {
                for (kind, value) in object(value, name)? {
                    match kind.as_str() {
                        "schemas" => fragment.schemas = object(&value, "components.schemas")?,
                        _ => return Err(format!("`components.{kind}` is not taken, only schemas")),
                    }
                }
            }
            "tags" => {
                let tags = value.as_array().ok_or("`tags` is no array")?;
                for tag in tags {
                    let word = |name: &str| tag.get(name).and_then(Value::as_str);
                    fragment.tags.push(Tag {
                        name: word("name").ok_or("a tag has no name")?.to_owned(),
                        description: word("description").map(str::to_owned),
                    });
                }
            }
            "openapi" | "info" => {}
            _ => {
                return Err(format!(
                    "`{name}` is not taken, only paths, components and tags"
                ));
            }
        }
    }
    Ok(fragment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use carnet_model::{Source, compile};
    use serde_json::json;

    async fn nothing() {}

    fn model() -> Model {
        let text = "carnet: 1\nservice: s\nresources:\n  notes:\n    fields:\n      title: { type: text, max: 9 }\n";
        compile(&[Source::application("a.yaml", text)])
            .unwrap()
            .model
    }

    #[track_caller]
    fn check(routes: Routes, expected: &[&str]) {
        assert_eq!(routes.problems(&model()), expected);
        if expected.is_empty() {
            // Nothing that passes makes axum panic.
            let paths = routes.list();
            assert_eq!(paths.is_empty(), routes.routes.is_empty());
        }
    }

    #[test]
    fn good_routes_pass() {
        let routes = Routes::new()
            .get("/api/v1/reports/{year}", nothing)
            .post("/api/v1/reports/{year}", nothing)
            .any("/hooks/{*rest}", nothing)
            .nest("/legacy", Router::new())
            .openapi(
                json!({ "paths": { "/api/v1/reports/{year}": { "get": {}, "parameters": [] } } }),
            );
        check(routes, &[]);
    }

    #[test]
    fn every_mistake_is_told() {
        let routes = Routes::new()
            .get("reports", nothing)
            .get("/a/:id", nothing)
            .get("/b/{id}.json", nothing)
            .get("/c/{x}", nothing)
            .get("/c/{y}", nothing)
            .get("/d", nothing)
            .get("/d", nothing)
            .any("/e", nothing)
            .post("/e", nothing)
            .nest("/", Router::new())
            .get("/health/deep", nothing)
            .get("/api/v1/notes/export", nothing)
            .get("/api/{version}/x", nothing)
            .openapi(json!({ "paths": { "/none": { "get": {} } } }))
            .openapi(json!({ "servers": [] }));
        check(
            routes,
            &[
                "route `GET reports`: its path does not begin with `/`",
                "route `GET /a/:id`: `:id` is not how a parameter is written; it is `{name}` or `{*rest}`",
                "route `GET /b/{id}.json`: `{id}.json` is a parameter in part only",
                "route `GET /c/{y}`: it collides with `/c/{x}`",
                "route `GET /d`: there is one for it already",
                "route `POST /e`: there is one for it already",
                "route `ANY /`: a router stands below a path such as `/legacy`",
                "route `GET /health/deep`: the platform itself serves this address",
                "route `GET /api/v1/notes/export`: `notes` is a resource; what it can do besides is an action of its definition",
                "route `GET /api/{version}/x`: below `/api` it must begin as `/api/v1/<name>`",
                "OpenAPI of routes: there is no route `GET /none`",
                "OpenAPI of routes: `servers` is not taken, only paths, components and tags",
            ],
        );
    }

    #[test]
    fn the_paths_of_the_platform_do_not_collide() {
        let mut taken = platform();
        assert!(taken.insert("/health", ()).is_err());
        assert!(taken.insert("/openapi/{*other}", ()).is_err());
        assert!(taken.at("/metrics").is_ok());
    }
}
