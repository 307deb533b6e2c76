//! The REST adapter: addresses and methods to commands, answers to envelopes. Every resource is
//! served by the same routes, resolved against the model view of the request.

mod action;
mod own;
mod read;
mod stream;
mod version;
mod write;

pub use version::{Versioned, prefix};

use crate::Operations;
use crate::parse::{Given, QueryBody, in_body, parse_none, read_body};
use crate::validate::parse_id;
use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use carnet_kernel::{ApiVersion, Code, Context, Detail, Id, Refusal, Value};
use carnet_model::{
    ActionIndex, ActionOn, FieldType, ModelView, Operation, Resource, ResourceIndex, Storage,
};
use carnet_web::accept::{Media, negotiate, negotiate_list};
use carnet_web::content_type::BodyType;
use carnet_web::problem::{Problem, method_not_allowed};
use carnet_web::query_string::{self, Limits};
use carnet_web::{RequestInfo, percent};
use http::Method;
use std::time::Instant;

/// Where the API is mounted; `Location` headers and route labels begin with it and a version.
pub const PREFIX: &str = "/api";

/// The routes of all resources in all versions, to be mounted under [`PREFIX`]. A request needs a
/// `Context` in its extensions.
pub fn router(operations: Operations) -> Versioned {
    let routes = Router::new()
        .route("/transactions", any(serve_transactions))
        .route("/{resource}", any(serve_collection))
        .route("/{resource}/batch", any(serve_batch))
        .route("/{resource}/query", any(serve_query))
        .route("/{resource}/{id}", any(serve_record))
        .route("/{resource}/{id}/restore", any(serve_restore))
        .route("/{resource}/{id}/{relation}", any(serve_action))
        .route("/{resource}/{id}/{relation}/{target}", any(serve_link))
        .fallback(refuse_path)
        .with_state(operations.clone());
    Versioned::new(operations, routes)
}

async fn refuse_path(request: Request) -> Problem {
    let path: String = request.uri().path().chars().take(100).collect();
    let message = format!("there is nothing at `{PREFIX}/{}{path}`", spoken(&request));
    Problem::new(Code::NotFound, message)
}

/// The version that a request speaks.
fn spoken(request: &Request) -> ApiVersion {
    let context = request.extensions().get::<Context>();
    context.map_or(ApiVersion::FIRST, |context| context.version)
}

/// What every handler needs of a request, taken apart once.
struct Call {
    operations: Operations,
    view: ModelView,
    resource: ResourceIndex,
    context: Context,
    media: Media,
    pairs: Vec<(String, String)>,
    /// The body of a query, but for its pairs.
    body: QueryBody,
    info: Option<RequestInfo>,
}

impl Call {
    /// What a list is read from.
    fn given(&self) -> Given<'_> {
        Given {
            pairs: &self.pairs,
            trees: self.body.trees(),
            now: self.operations.now(),
        }
    }

    /// Notes for `Server-Timing` how long a stage took.
    fn stage(&self, name: &'static str, started: Instant) {
        if let Some(info) = &self.info {
            info.add_stage(name, started.elapsed());
        }
    }

    fn resource(&self) -> &Resource {
        self.view.resource(self.resource)
    }
}

async fn serve_collection(
    State(operations): State<Operations>,
    request: Request,
) -> Result<Response, Problem> {
    let (view, segments) = (version::view(&operations, &request), segments(&request)?);
    let resource = addressed(&view, &segments, &request, "")?;
    let methods = collection_methods(resource);
    if methods.is_empty() {
        return Err(nothing_here(resource));
    }
    let call = match *request.method() {
        Method::GET | Method::HEAD if resource.operations.contains(Operation::List) => {
            let media = negotiate_list(request.headers(), spoken(&request))?;
            let call = open_as(operations, &view, resource.index, &request, media)?;
            return match media {
                Media::Lines => stream::list(call).await,
                _ => read::list(call).await,
            };
        }
        _ if methods.contains(&request.method().as_str()) => {
            open(operations, &view, resource.index, &request)?
        }
        _ => return Ok(refuse_method(&request, &methods)),
    };
    match *request.method() {
        Method::PATCH => write::patch_matching(call, request).await,
        Method::DELETE => write::delete_matching(call, request).await,
        _ => write::create(call, request).await,
    }
}

async fn serve_batch(
    State(operations): State<Operations>,
    request: Request,
) -> Result<Response, Problem> {
    let (view, segments) = (version::view(&operations, &request), segments(&request)?);
    let resource = addressed(&view, &segments, &request, "/batch")?;
    if !resource.operations.contains(Operation::Batch) {
        return Err(Refusal::new(
            Code::NotFound,
            format!("`{}` offers no batch", resource.name),
        )
        .into());
    }
    if request.method() != Method::POST {
        return Ok(refuse_method(&request, &["POST"]));
    }
    write::batch(open(operations, &view, resource.index, &request)?, request).await
}

/// A list whose parameters are a JSON body.
async fn serve_query(
    State(operations): State<Operations>,
    request: Request,
) -> Result<Response, Problem> {
    let (view, segments) = (version::view(&operations, &request), segments(&request)?);
    let resource = addressed(&view, &segments, &request, "/query")?;
    if !takes_query(resource) {
        let message = format!("`{}` offers no list by a query", resource.name);
        return Err(Refusal::new(Code::NotFound, message).into());
    }
    if request.method() != Method::POST {
        return Ok(refuse_method(&request, &["POST"]));
    }
    let media = negotiate_list(request.headers(), spoken(&request))?;
    let mut call = open_as(operations, &view, resource.index, &request, media)?;
    parse_none(&call.pairs)?;
    let body = write::body(request, &[BodyType::Json]).await?;
    call.body = read_body(&body)?;
    call.pairs = std::mem::take(&mut call.body.pairs);
    let outcome = match media {
        Media::Lines => stream::list(call).await,
        _ => read::list(call).await,
    };
    outcome.map_err(|problem| Problem(in_body(problem.0)))
}

async fn serve_record(
    State(operations): State<Operations>,
    request: Request,
) -> Result<Response, Problem> {
    let (view, segments) = (version::view(&operations, &request), segments(&request)?);
    let text = segments.get(1).map(String::as_str).unwrap_or_default();
    let resource = find(&view, &segments, &request)?;
    if let Some(action) = action_named(resource, text, ActionOn::Collection) {
        return act(operations, &view, (resource, action), None, request).await;
    }
    label(&request, resource, "/{id}");
    let methods = record_methods(resource);
    if methods.is_empty() {
        return Err(nothing_here(resource));
    }
    if !methods.contains(&request.method().as_str()) {
        return Ok(refuse_method(&request, &methods));
    }
    let call = open(operations, &view, resource.index, &request)?;
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return read::read(call, key(resource, text)?).await;
    }
    let id = record_id(resource, text)?;
    match *request.method() {
        Method::PUT => write::update(call, id, request).await,
        Method::PATCH => write::patch(call, id, request).await,
        _ => write::delete(call, id, request).await,
    }
}

async fn serve_restore(
    State(operations): State<Operations>,
    request: Request,
) -> Result<Response, Problem> {
    let (view, segments) = (version::view(&operations, &request), segments(&request)?);
    let resource = addressed(&view, &segments, &request, "/{id}/restore")?;
    if !restores(resource) {
        let message = format!("`{}` offers nothing at this address", resource.name);
        let message = match resource.deleted() {
            None => format!("{message}: its deletions are not soft"),
            Some(_) => message,
        };
        return Err(Refusal::new(Code::NotFound, message).into());
    }
    if request.method() != Method::POST {
        return Ok(refuse_method(&request, &["POST"]));
    }
    let text = segments.get(1).map(String::as_str).unwrap_or_default();
    let id = record_id(resource, text)?;
    let call = open(operations, &view, resource.index, &request)?;
    write::restore(call, id, request).await
}

async fn serve_action(
    State(operations): State<Operations>,
    request: Request,
) -> Result<Response, Problem> {
    let (view, segments) = (version::view(&operations, &request), segments(&request)?);
    let resource = addressed(&view, &segments, &request, "/{id}/{action}")?;
    let segment = |place: usize| segments.get(place).map(String::as_str).unwrap_or_default();
    let Some(action) = action_named(resource, segment(2), ActionOn::Record) else {
        return Err(no_action(resource, segment(2)).into());
    };
    let target = (resource, action);
    act(operations, &view, target, Some(segment(1)), request).await
}

/// An action; `id` is the text of the record's id where it is for one.
async fn act(
    operations: Operations,
    view: &ModelView,
    (resource, action): (&Resource, ActionIndex),
    id: Option<&str>,
    request: Request,
) -> Result<Response, Problem> {
    let declared = resource.action(action);
    let place = if id.is_some() { "/{id}" } else { "" };
    label(&request, resource, &format!("{place}/{}", declared.name));
    let method = declared.method.as_http();
    if request.method().as_str() != method {
        return Ok(refuse_method(&request, &[method]));
    }
    let id = id.map(|text| record_id(resource, text)).transpose()?;
    let call = open(operations, view, resource.index, &request)?;
    action::act(call, action, id, request).await
}

/// The action of that name, where it is for the same.
fn action_named(resource: &Resource, name: &str, on: ActionOn) -> Option<ActionIndex> {
    let index = resource.action_named(name)?;
    (resource.action(index).on == on).then_some(index)
}

fn no_action(resource: &Resource, name: &str) -> Refusal {
    let actions = resource.actions.iter();
    let names = actions
        .filter(|action| action.on == ActionOn::Record)
        .map(|action| action.name.as_str());
    let hint = carnet_kernel::suggest::hint(name, names);
    let short: String = name.chars().take(64).collect();
    let message = format!(
        "records of `{}` have no action `{short}`{hint}",
        resource.name
    );
    Refusal::new(Code::NotFound, message)
}

async fn serve_link(
    State(operations): State<Operations>,
    request: Request,
) -> Result<Response, Problem> {
    let (view, segments) = (version::view(&operations, &request), segments(&request)?);
    let resource = addressed(&view, &segments, &request, "/{id}/{relation}/{target}")?;
    let segment = |place: usize| segments.get(place).map(String::as_str).unwrap_or_default();
    let links = resource.relation_named(segment(2)).and_then(|index| {
        let relation = resource.relation(index);
        let through = crate::linking::through(&view, relation)?;
        Some((index, relation, crate::linking::link_methods(through.link)))
    });
    let (index, relation, methods) = match links {
        Some(found) if !found.2.is_empty() => found,
        _ => return Err(no_links(&view, resource, segment(2))),
    };
    label(
        &request,
        resource,
        &format!("/{{id}}/{}/{{target}}", relation.name),
    );
    if !methods.contains(&request.method().as_str()) {
        return Ok(refuse_method(&request, &methods));
    }
    let id = record_id(resource, segment(1))?;
    let target = record_id(view.resource(relation.target), segment(3))?;
    let call = open(operations, &view, resource.index, &request)?;
    let make = *request.method() == Method::PUT;
    write::link(call, (id, index, target), make, request).await
}

/// Whether deleted records of `resource` can be restored.
pub(crate) fn restores(resource: &Resource) -> bool {
    resource.deleted().is_some() && resource.operations.contains(Operation::Delete)
}

async fn serve_transactions(
    State(operations): State<Operations>,
    request: Request,
) -> Result<Response, Problem> {
    if let Some(info) = RequestInfo::find(request.extensions()) {
        info.set_route(format!("{PREFIX}/{}/transactions", spoken(&request)));
    }
    if request.method() != Method::POST {
        return Ok(refuse_method(&request, &["POST"]));
    }
    let view = version::view(&operations, &request);
    // Each item names its resource; the call has none of its own.
    let any = ResourceIndex(0);
    let call = open(operations, &view, any, &request)?;
    write::transaction(call, request).await
}

/// The methods that the collection of `resource` answers.
pub(crate) fn collection_methods(resource: &Resource) -> Vec<&'static str> {
    let all: [(Operation, &[&'static str]); 4] = [
        (Operation::List, &["GET", "HEAD"]),
        (Operation::Create, &["POST"]),
        (Operation::Patch, &["PATCH"]),
        (Operation::Delete, &["DELETE"]),
    ];
    // Writes by filter are the database's.
    let most = if resource.has_table() { 4 } else { 2 };
    offered(resource, &all[..most])
}

/// Whether lists of `resource` are asked for by a query in a body.
pub(crate) fn takes_query(resource: &Resource) -> bool {
    resource.has_table() && resource.operations.contains(Operation::List)
}

/// The methods that a record of `resource` answers.
pub(crate) fn record_methods(resource: &Resource) -> Vec<&'static str> {
    let all: [(Operation, &[&'static str]); 4] = [
        (Operation::Read, &["GET", "HEAD"]),
        (Operation::Update, &["PUT"]),
        (Operation::Patch, &["PATCH"]),
        (Operation::Delete, &["DELETE"]),
    ];
    offered(resource, &all)
}

fn offered(resource: &Resource, all: &[(Operation, &[&'static str])]) -> Vec<&'static str> {
    all.iter()
        .filter(|(operation, _)| resource.operations.contains(*operation))
        .flat_map(|(_, methods)| methods.iter().copied())
        .collect()
}

fn nothing_here(resource: &Resource) -> Problem {
    let message = format!("`{}` offers nothing at this address", resource.name);
    Refusal::new(Code::NotFound, message).into()
}

/// No records are linked under `name`.
fn no_links(view: &ModelView, resource: &Resource, name: &str) -> Problem {
    let known: Vec<&str> = crate::linking::linkable(view, resource)
        .map(|(relation, _)| relation.name.as_str())
        .collect();
    if known.is_empty() {
        return nothing_here(resource);
    }
    let hint = carnet_kernel::suggest::hint(name, known.iter().copied());
    let short: String = name.chars().take(64).collect();
    let message = format!(
        "`{}` has no relation `{short}` that links records{hint}; they are linked over: {}",
        resource.name,
        known.join(", ")
    );
    Refusal::new(Code::NotFound, message).into()
}

fn refuse_method(request: &Request, methods: &[&str]) -> Response {
    method_not_allowed(request.method(), &methods.join(", "))
}

/// The decoded segments behind the prefix; the router only says how many there are.
fn segments(request: &Request) -> Result<Vec<String>, Refusal> {
    request
        .uri()
        .path()
        .trim_start_matches('/')
        .split('/')
        .map(|segment| percent::decode_segment(segment, "path"))
        .collect()
}

fn find<'v>(
    view: &'v ModelView,
    segments: &[String],
    request: &Request,
) -> Result<&'v Resource, Refusal> {
    let name = segments.first().map(String::as_str).unwrap_or_default();
    if let Some(resource) = view.resource_named(name) {
        return Ok(resource);
    }
    if let Some(info) = RequestInfo::find(request.extensions()) {
        info.set_route(format!("{PREFIX}/{}/{{resource}}", spoken(request)));
    }
    let short: String = name.chars().take(64).collect();
    let hint = carnet_kernel::suggest::hint(
        name,
        view.shown_resources()
            .map(|resource| resource.name.as_str()),
    );
    Err(Refusal::new(
        Code::NotFound,
        format!("there is no resource `{short}`{hint}"),
    ))
}

/// The resource that a request addresses, noted with what stands behind its name.
fn addressed<'v>(
    view: &'v ModelView,
    segments: &[String],
    request: &Request,
    tail: &str,
) -> Result<&'v Resource, Refusal> {
    let resource = find(view, segments, request)?;
    label(request, resource, tail);
    Ok(resource)
}

fn label(request: &Request, resource: &Resource, tail: &str) {
    if let Some(info) = RequestInfo::find(request.extensions()) {
        let version = spoken(request);
        info.set_route(format!("{PREFIX}/{version}/{}{tail}", resource.name));
    }
}

fn open(
    operations: Operations,
    view: &ModelView,
    resource: ResourceIndex,
    request: &Request,
) -> Result<Call, Refusal> {
    let media = negotiate(request.headers(), spoken(request))?;
    open_as(operations, view, resource, request, media)
}

fn open_as(
    operations: Operations,
    view: &ModelView,
    resource: ResourceIndex,
    request: &Request,
    media: Media,
) -> Result<Call, Refusal> {
    let limits: Limits = request.extensions().get().copied().unwrap_or_default();
    let pairs = query_string::parse(request.uri().query(), limits)?;
    let context = request
        .extensions()
        .get::<Context>()
        .cloned()
        .ok_or_else(|| Refusal::new(Code::Internal, "the request has no context"))?;
    Ok(Call {
        operations,
        view: view.clone(),
        resource,
        context,
        media,
        pairs,
        body: QueryBody::default(),
        info: RequestInfo::find(request.extensions()).cloned(),
    })
}

/// The value of a resource's key in an address.
fn key(resource: &Resource, text: &str) -> Result<Value, Refusal> {
    match (&resource.field(resource.key).kind, resource.storage) {
        (FieldType::Integer { .. }, Storage::Platform) => text
            .parse::<i64>()
            .ok()
            .map(Value::Integer)
            .ok_or_else(|| bad_key(text, "a whole number")),
        _ => record_id(resource, text).map(Value::Id),
    }
}

fn record_id(resource: &Resource, text: &str) -> Result<Id, Refusal> {
    parse_id(resource.id.form, text).map_err(|why| {
        let short: String = text.chars().take(64).collect();
        Refusal::new(
            Code::InvalidParameter,
            format!("`{short}` is not an id of `{}`", resource.name),
        )
        .with(Detail::new("id", "format", why))
    })
}

fn bad_key(text: &str, wanted: &str) -> Refusal {
    let short: String = text.chars().take(64).collect();
    Refusal::new(Code::InvalidParameter, format!("`{short}` is not {wanted}")).with(Detail::new(
        "id",
        "format",
        format!("it must be {wanted}"),
    ))
}
