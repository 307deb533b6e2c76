//! The REST adapter: addresses and methods to commands, answers to envelopes. Every resource is
//! served by the same routes, resolved against the model view of the request.

mod action;
mod address;
mod own;
mod read;
mod stream;
mod version;
mod write;

pub use version::prefix;

use crate::offered::{Offered, collection_methods, record_methods, restores, takes_query};
use crate::parse::{Given, QueryBody, in_body, parse_none, read_body};
use crate::validate::parse_id;
use crate::{Operations, Options};
use address::Route;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use carnet_kernel::{ApiVersion, Code, Context, Detail, Id, Refusal, Value};
use carnet_model::{
    ActionIndex, ActionOn, FieldType, ModelView, Operation, Resource, ResourceIndex, Storage,
};
use carnet_web::RequestInfo;
use carnet_web::accept::{Media, negotiate, negotiate_list};
use carnet_web::content_type::BodyType;
use carnet_web::problem::{Problem, method_not_allowed};
use carnet_web::query_string::{self, Limits};
use futures_util::future::BoxFuture;
use http::Method;
use read::Asked;
use std::convert::Infallible;
use std::task::{self, Poll};
use std::time::Instant;
use tower::Service;
use version::Spoken;

/// Where the API is mounted; `Location` headers and route labels begin with it and a version.
pub const PREFIX: &str = "/api";

/// The routes of all resources in all versions: a service that is mounted where addresses begin
/// with [`PREFIX`], and sees them whole. A request needs a `Context` in its extensions.
#[derive(Clone)]
pub struct Api {
    operations: Operations,
}

/// The routes of `operations`.
pub fn router(operations: Operations) -> Api {
    Api { operations }
}

/// Whether an address belongs to the API.
pub fn is_below(path: &str) -> bool {
    address::behind_prefix(path).is_some()
}

impl Service<Request> for Api {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _context: &mut task::Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let api = self.clone();
        Box::pin(async move { Ok(api.answer(request).await) })
    }
}

impl Api {
    /// Answers a request.
    pub async fn answer(self, mut request: Request) -> Response {
        let spoken = match version::choose(&self.operations, &request) {
            Ok(spoken) => spoken,
            Err(refusal) => return Problem::from(refusal).into_response(),
        };
        if let Some(context) = request.extensions_mut().get_mut::<Context>() {
            context.version = spoken.view.version();
        }
        let notice = spoken.notice();
        let answered = dispatch(self.operations, spoken, request).await;
        let mut response = answered.unwrap_or_else(IntoResponse::into_response);
        for (name, value) in notice {
            response.headers_mut().append(name, value);
        }
        response
    }
}

async fn dispatch(
    operations: Operations,
    spoken: Spoken,
    request: Request,
) -> Result<Response, Problem> {
    let rest = spoken.rest(&request);
    let Some(route) = Route::of(rest) else {
        let path: String = rest.chars().take(100).collect();
        let version = spoken.view.version();
        let message = format!("there is nothing at `{PREFIX}/{version}/{path}`");
        return Err(Problem::new(Code::NotFound, message));
    };
    let at = At {
        segments: address::segments(rest)?,
        operations,
        view: spoken.view,
    };
    match route {
        Route::Transactions => Box::pin(serve_transactions(at, request)).await,
        Route::Collection => Box::pin(serve_collection(at, request)).await,
        Route::Batch => Box::pin(serve_batch(at, request)).await,
        Route::Query => Box::pin(serve_query(at, request)).await,
        Route::Record => Box::pin(serve_record(at, request)).await,
        Route::Restore => Box::pin(serve_restore(at, request)).await,
        Route::Action => Box::pin(serve_action(at, request)).await,
        Route::Link => Box::pin(serve_link(at, request)).await,
    }
}

/// What a request addresses, in its version.
struct At {
    operations: Operations,
    view: ModelView,
    /// The decoded segments behind the version.
    segments: Vec<String>,
}

impl At {
    fn segment(&self, place: usize) -> &str {
        self.segments
            .get(place)
            .map(String::as_str)
            .unwrap_or_default()
    }

    /// What is offered, with the code that stands at the moment.
    fn offered<T>(&self, look: impl FnOnce(Offered<'_>) -> T) -> T {
        let logics = self.operations.logics();
        look(Offered {
            view: &self.view,
            logics: &logics,
        })
    }

    fn find(&self, request: &Request) -> Result<&Resource, Refusal> {
        let name = self.segment(0);
        if let Some(resource) = self.view.resource_named(name) {
            return Ok(resource);
        }
        self.label(request, &["/{resource}"]);
        let short: String = name.chars().take(64).collect();
        let names = self.view.shown_resources();
        let hint = carnet_kernel::suggest::hint(name, names.map(|one| one.name.as_str()));
        Err(Refusal::new(
            Code::NotFound,
            format!("there is no resource `{short}`{hint}"),
        ))
    }

    /// The resource that a request addresses, noted with what stands behind its name.
    fn addressed(&self, request: &Request, tail: &str) -> Result<&Resource, Refusal> {
        let resource = self.find(request)?;
        self.label(request, &["/", &resource.name, tail]);
        Ok(resource)
    }

    /// Notes the template of the address behind its version.
    fn label(&self, request: &Request, template: &[&str]) {
        if let Some(info) = RequestInfo::find(request.extensions()) {
            let mut label = String::with_capacity(64);
            label.push_str(PREFIX);
            label.push_str("/v");
            label.push_str(&self.view.version().0.to_string());
            label.extend(template.iter().copied());
            info.set_route(label);
        }
    }

    fn open(self, resource: ResourceIndex, request: &Request) -> Result<Call, Refusal> {
        let media = negotiate(request.headers(), self.view.version())?;
        self.open_as(resource, request, media)
    }

    fn open_as(
        self,
        resource: ResourceIndex,
        request: &Request,
        media: Media,
    ) -> Result<Call, Refusal> {
        let mut call = self.open_unread(resource, request, media)?;
        call.pairs = pairs(request)?;
        Ok(call)
    }

    /// The same without the pairs of the query.
    fn open_unread(
        self,
        resource: ResourceIndex,
        request: &Request,
        media: Media,
    ) -> Result<Call, Refusal> {
        let context = request
            .extensions()
            .get::<Context>()
            .cloned()
            .ok_or_else(|| Refusal::new(Code::Internal, "the request has no context"))?;
        Ok(Call {
            operations: self.operations,
            view: self.view,
            resource,
            context,
            media,
            pairs: Vec::new(),
            body: QueryBody::default(),
            info: RequestInfo::find(request.extensions()).cloned(),
        })
    }
}

/// The decoded pairs of a query.
fn pairs(request: &Request) -> Result<Vec<(String, String)>, Refusal> {
    let limits: Limits = request.extensions().get().copied().unwrap_or_default();
    query_string::parse(request.uri().query(), limits)
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

    /// How a read is carried out: the edge polls it at the deadline that it gave the request.
    fn reading(&self) -> Options {
        let edge = self.info.as_ref().and_then(RequestInfo::deadline);
        Options {
            timed: edge.is_some() && edge == self.context.deadline,
            ..Options::default()
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

async fn serve_collection(at: At, request: Request) -> Result<Response, Problem> {
    let resource = at.addressed(&request, "")?;
    let methods = collection_methods(resource);
    if methods.is_empty() {
        return Err(nothing_here(resource));
    }
    let index = resource.index;
    let call = match *request.method() {
        Method::GET | Method::HEAD if resource.operations.contains(Operation::List) => {
            let media = negotiate_list(request.headers(), at.view.version())?;
            if media == Media::Lines {
                let call = at.open_as(index, &request, media)?;
                return Box::pin(stream::list(call)).await;
            }
            let mut call = at.open_unread(index, &request, media)?;
            let asked = Asked::by_address(&mut call, &request)?;
            return read::list(&call, asked).await;
        }
        Method::POST if methods.contains(&"POST") => at.open(index, &request)?,
        _ => {
            let offered = at.offered(|offered| offered.collection_methods(resource));
            if !offered.contains(&request.method().as_str()) {
                return Ok(refuse_coded(&request, &offered, &methods));
            }
            at.open(index, &request)?
        }
    };
    match *request.method() {
        Method::PATCH => Box::pin(write::patch_matching(call, request)).await,
        Method::DELETE => Box::pin(write::delete_matching(call, request)).await,
        _ => Box::pin(write::create(call, request)).await,
    }
}

async fn serve_batch(at: At, request: Request) -> Result<Response, Problem> {
    let resource = at.addressed(&request, "/batch")?;
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
    let index = resource.index;
    write::batch(at.open(index, &request)?, request).await
}

/// A list whose parameters are a JSON body.
async fn serve_query(at: At, request: Request) -> Result<Response, Problem> {
    let resource = at.addressed(&request, "/query")?;
    if !takes_query(resource) {
        let message = format!("`{}` offers no list by a query", resource.name);
        return Err(Refusal::new(Code::NotFound, message).into());
    }
    if request.method() != Method::POST {
        return Ok(refuse_method(&request, &["POST"]));
    }
    let media = negotiate_list(request.headers(), at.view.version())?;
    let index = resource.index;
    let mut call = at.open_as(index, &request, media)?;
    parse_none(&call.pairs)?;
    let body = write::body(request, &[BodyType::Json]).await?;
    call.body = read_body(&body)?;
    call.pairs = std::mem::take(&mut call.body.pairs);
    let outcome = match media {
        Media::Lines => stream::list(call).await,
        _ => match Asked::by_body(&call) {
            Ok(asked) => read::list(&call, asked).await,
            Err(refusal) => Err(refusal.into()),
        },
    };
    outcome.map_err(|problem| Problem(in_body(problem.0)))
}

async fn serve_record(at: At, request: Request) -> Result<Response, Problem> {
    let text = at.segment(1);
    let resource = at.find(&request)?;
    if let Some(action) = action_named(resource, text, ActionOn::Collection) {
        let target = (resource.index, action);
        return Box::pin(act(at, target, request)).await;
    }
    at.label(&request, &["/", &resource.name, "/{id}"]);
    let methods = record_methods(resource);
    if methods.is_empty() {
        return Err(nothing_here(resource));
    }
    if !methods.contains(&request.method().as_str()) {
        return Ok(refuse_method(&request, &methods));
    }
    let index = resource.index;
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        let key = key(resource, text);
        let call = at.open(index, &request)?;
        return read::read(&call, key?).await;
    }
    let id = record_id(resource, text);
    let call = at.open(index, &request)?;
    let id = id?;
    // Boxed, so that a read does not move what a write would need.
    match *request.method() {
        Method::PUT => Box::pin(write::update(call, id, request)).await,
        Method::PATCH => Box::pin(write::patch(call, id, request)).await,
        _ => Box::pin(write::delete(call, id, request)).await,
    }
}

async fn serve_restore(at: At, request: Request) -> Result<Response, Problem> {
    let resource = at.addressed(&request, "/{id}/restore")?;
    if !restores(resource) {
        let message = format!("`{}` offers nothing at this address", resource.name);
        let message = match resource.deleted() {
            None => format!("{message}: its deletions are not soft"),
            Some(_) => message,
        };
        return Err(Refusal::new(Code::NotFound, message).into());
    }
    let offered = match at.offered(|offered| offered.restores(resource)) {
        true => &["POST"][..],
        false => &[],
    };
    if !offered.contains(&request.method().as_str()) {
        return Ok(refuse_coded(&request, offered, &["POST"]));
    }
    let id = record_id(resource, at.segment(1))?;
    let index = resource.index;
    write::restore(at.open(index, &request)?, id, request).await
}

async fn serve_action(at: At, request: Request) -> Result<Response, Problem> {
    let resource = at.addressed(&request, "/{id}/{action}")?;
    let Some(action) = action_named(resource, at.segment(2), ActionOn::Record) else {
        return Err(no_action(resource, at.segment(2)).into());
    };
    let target = (resource.index, action);
    act(at, target, request).await
}

async fn act(
    at: At,
    (index, action): (ResourceIndex, ActionIndex),
    request: Request,
) -> Result<Response, Problem> {
    let resource = at.view.resource(index);
    let declared = resource.action(action);
    let id = (declared.on == ActionOn::Record).then(|| at.segment(1));
    let place = if id.is_some() { "/{id}" } else { "" };
    at.label(&request, &["/", &resource.name, place, "/", &declared.name]);
    let method = declared.method.as_http();
    if request.method().as_str() != method {
        return Ok(refuse_method(&request, &[method]));
    }
    let id = id.map(|text| record_id(resource, text)).transpose()?;
    let call = at.open(index, &request)?;
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

async fn serve_link(at: At, request: Request) -> Result<Response, Problem> {
    let resource = at.addressed(&request, "/{id}/{relation}/{target}")?;
    let links = resource.relation_named(at.segment(2)).and_then(|index| {
        let relation = resource.relation(index);
        let through = crate::linking::through(&at.view, relation)?;
        Some((index, relation, crate::linking::link_methods(through.link)))
    });
    let (index, relation, methods) = match links {
        Some(found) if !found.2.is_empty() => found,
        _ => return Err(no_links(&at.view, resource, at.segment(2))),
    };
    at.label(
        &request,
        &["/", &resource.name, "/{id}/", &relation.name, "/{target}"],
    );
    let offered = at.offered(|offered| offered.link_methods(relation));
    if !offered.contains(&request.method().as_str()) {
        return Ok(refuse_coded(&request, &offered, &methods));
    }
    let id = record_id(resource, at.segment(1))?;
    let target = record_id(at.view.resource(relation.target), at.segment(3))?;
    let owner = resource.index;
    let call = at.open(owner, &request)?;
    let make = *request.method() == Method::PUT;
    write::link(call, (id, index, target), make, request).await
}

async fn serve_transactions(at: At, request: Request) -> Result<Response, Problem> {
    at.label(&request, &["/transactions"]);
    if request.method() != Method::POST {
        return Ok(refuse_method(&request, &["POST"]));
    }
    // Each item names its resource; the call has none of its own.
    let any = ResourceIndex(0);
    let call = at.open(any, &request)?;
    write::transaction(call, request).await
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
    refuse_coded(request, methods, methods)
}

/// The same where the definition offers more than code lets pass.
fn refuse_coded(request: &Request, offered: &[&str], defined: &[&str]) -> Response {
    let why = match defined.contains(&request.method().as_str()) {
        true => Some(
            "it would change records without the logic that stands round their operations; write \
             them one by one, in a transaction where they belong together",
        ),
        false => None,
    };
    method_not_allowed(request.method(), &offered.join(", "), why)
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
