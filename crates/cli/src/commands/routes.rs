//! `routes`: every address of the API, read from its own OpenAPI document, with what a request
//! passes on its way there.

use super::chain::{Chain, Passed};
use super::openapi::{document, views};
use crate::arguments::Format;
use crate::console::Paint;
use crate::error::Error;
use crate::session::Session;
use crate::words;
use clap::Args;
use serde_json::{Value, json};

/// List every route of every version with its method and operation
///
/// Under each stands what its requests pass in order: validation, hooks, logic; and once what they
/// all pass before. HEAD is answered wherever GET is.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  {name} routes
  {name} routes --definitions examples/hello/definitions")]
pub(crate) struct Routes {
    /// How the list is printed: text or json
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    format: Format,
}

/// Methods in the order in which a route shows them.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// What serves people and machines beside the API and is in no OpenAPI document.
const PAGES: [(&str, &str, &str); 6] = [
    ("/", "readRoot", "Where everything is"),
    ("/openapi.json", "readOpenapi", "The OpenAPI document"),
    (
        "/openapi/{version}.json",
        "readVersion",
        "The OpenAPI document of a version",
    ),
    ("/metrics", "readMetrics", "Metrics for Prometheus"),
    ("/docs", "readDocs", "Swagger UI"),
    (
        "/docs/errors/{code}",
        "readErrorPage",
        "What an error code means",
    ),
];

struct Route {
    method: String,
    path: String,
    operation: String,
    summary: String,
    /// Whether clients should leave its version.
    deprecated: bool,
    passed: Passed,
}

impl Routes {
    pub(crate) fn run(self, session: &Session) -> Result<(), Error> {
        let config = session.load_with(Vec::new())?.config;
        let chain = Chain::of(session)?;
        let mut routes: Vec<Route> = Vec::new();
        for view in views(session)? {
            let known: Vec<String> = routes.iter().map(Route::key).collect();
            let of_version = declared(&document(session, &view, &chain.logics())?, &chain);
            // What stands beside the API is in the document of every version.
            let new = |route: &Route| !known.contains(&route.key());
            routes.extend(of_version.into_iter().filter(new));
        }
        let of_application = own(&routes, &chain);
        routes.extend(of_application);
        for (path, operation, summary) in PAGES {
            let is_served = match path {
                "/metrics" => config.server.metrics,
                "/docs" => config.serves_docs(),
                _ => true,
            };
            if is_served {
                routes.push(Route {
                    method: "GET".to_owned(),
                    path: path.to_owned(),
                    operation: operation.to_owned(),
                    summary: summary.to_owned(),
                    deprecated: false,
                    passed: chain.passed("GET", path, None),
                });
            }
        }
        match self.format {
            Format::Text => session.console.print(&text(&routes, &chain, session)),
            Format::Json => {
                let routes: Vec<Value> = routes.iter().map(Route::json).collect();
                session.console.print(&format!("{:#}\n", json!(routes)))
            }
        }
    }
}

/// The routes of an OpenAPI document, in its order.
fn declared(document: &Value, chain: &Chain) -> Vec<Route> {
    let mut routes = Vec::new();
    let paths = document.get("paths").and_then(Value::as_object);
    for (path, item) in paths.into_iter().flatten() {
        for method in METHODS {
            let Some(operation) = item.get(method) else {
                continue;
            };
            let word = |name: &str| {
                let text = operation.get(name).and_then(Value::as_str);
                text.unwrap_or_default().to_owned()
            };
            routes.push(Route {
                method: method.to_uppercase(),
                path: path.clone(),
                operation: word("operationId"),
                summary: word("summary"),
                deprecated: operation.get("deprecated") == Some(&Value::Bool(true)),
                passed: chain.passed(&method.to_uppercase(), path, Some(operation)),
            });
        }
    }
    routes
}

/// The application's own routes that its document does not describe.
fn own(declared: &[Route], chain: &Chain) -> Vec<Route> {
    let is_new = |method: &str, path: &str| {
        let mut known = declared.iter();
        !known.any(|route| route.method == method && route.path == path)
    };
    let own = chain.routes().iter();
    let own = own.filter(|route| is_new(route.method, &route.path));
    let own = own.map(|route| Route {
        deprecated: false,
        method: route.method.to_owned(),
        path: route.path.clone(),
        operation: "-".to_owned(),
        summary: "The application's own".to_owned(),
        passed: chain.passed(route.method, &route.path, None),
    });
    own.collect()
}

fn text(routes: &[Route], chain: &Chain, session: &Session) -> String {
    let rows: Vec<[String; 4]> = routes
        .iter()
        .map(|route| {
            [
                route.method.clone(),
                route.path.clone(),
                route.operation.clone(),
                match route.deprecated {
                    true => format!("{} (deprecated)", route.summary),
                    false => route.summary.clone(),
                },
            ]
        })
        .collect();
    let (mut text, mut below) = (String::new(), String::new());
    for (route, [method, path, operation, summary]) in routes.iter().zip(words::align(&rows)) {
        let passed = route.passed.text();
        if !passed.is_empty() {
            let indent = " ".repeat(method.len() + 2);
            below = format!(
                "{indent}{}\n",
                session.console.on_out(Paint::Faint, &passed)
            );
        }
        let method = session.console.on_out(Paint::Strong, &method);
        let summary = session.console.on_out(Paint::Faint, &summary);
        text.push_str(&format!("{method}  {path}  {operation}  {summary}\n"));
        text.push_str(&std::mem::take(&mut below));
    }
    text.push_str(&format!("\nBefore all of these: {}\n", chain.stages()));
    text
}

impl Route {
    fn key(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    fn json(&self) -> Value {
        let mut told = json!({
            "method": self.method,
            "path": self.path,
            "operation": self.operation,
            "summary": self.summary,
            "deprecated": self.deprecated,
        });
        if let (Value::Object(told), Value::Object(passed)) = (&mut told, self.passed.json()) {
            told.extend(passed);
        }
        told
    }
}
