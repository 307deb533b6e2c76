//! `POST`, `PUT`, `PATCH` and `DELETE`.

use super::read::unexpected;
use super::{Call, PREFIX};
use crate::command::{Answer, Command, RecordAnswer};
use crate::decide::Precondition;
use crate::parse::parse_none;
use axum::extract::Request;
use axum::response::Response;
use carnet_kernel::{Id, Refusal};
use carnet_model::IdForm;
use carnet_web::body::read_text;
use carnet_web::content_type::{BodyType, require};
use carnet_web::envelope::{respond, success};
use carnet_web::etag::{IfMatch, etag};
use carnet_web::problem::Problem;
use http::{HeaderMap, HeaderValue, StatusCode, header};

pub(super) async fn create(call: Call, request: Request) -> Result<Response, Problem> {
    let body = body(&call, request, &[BodyType::Json]).await?;
    let command = Command::Create {
        resource: call.resource,
        body,
    };
    let record = record(&call, command).await?;
    let mut response = answer(&call, StatusCode::CREATED, &record, "created");
    if let Some(id) = record.created {
        let resource = call.resource();
        let id = match resource.id.form {
            IdForm::Ulid => id.to_string(),
            IdForm::Uuid => id.to_uuid_text(),
        };
        if let Ok(location) = HeaderValue::try_from(format!("{PREFIX}/{}/{id}", resource.name)) {
            response.headers_mut().insert(header::LOCATION, location);
        }
    }
    Ok(response)
}

pub(super) async fn update(call: Call, id: Id, request: Request) -> Result<Response, Problem> {
    let precondition = precondition(request.headers())?;
    let body = body(&call, request, &[BodyType::Json]).await?;
    let command = Command::Update {
        resource: call.resource,
        id,
        body,
        precondition,
    };
    let record = record(&call, command).await?;
    Ok(answer(&call, StatusCode::OK, &record, "updated"))
}

pub(super) async fn patch(call: Call, id: Id, request: Request) -> Result<Response, Problem> {
    let precondition = precondition(request.headers())?;
    let body = body(&call, request, &[BodyType::MergePatch, BodyType::Json]).await?;
    let command = Command::Patch {
        resource: call.resource,
        id,
        body,
        precondition,
    };
    let record = record(&call, command).await?;
    Ok(answer(&call, StatusCode::OK, &record, "updated"))
}

pub(super) async fn delete(call: Call, id: Id, request: Request) -> Result<Response, Problem> {
    parse_none(&call.pairs)?;
    let precondition = precondition(request.headers())?;
    let command = Command::Delete {
        resource: call.resource,
        id,
        precondition,
    };
    match call
        .operations
        .execute(&call.context, &call.view, command)
        .await?
    {
        Answer::Deleted => {
            let message = format!("{} deleted", call.resource().title);
            Ok(respond(
                StatusCode::OK,
                call.media,
                success(b"null", &message),
            ))
        }
        _ => Err(unexpected()),
    }
}

pub(super) async fn batch(call: Call, request: Request) -> Result<Response, Problem> {
    let body = body(&call, request, &[BodyType::Json]).await?;
    let command = Command::Batch {
        resource: call.resource,
        body,
    };
    match call
        .operations
        .execute(&call.context, &call.view, command)
        .await?
    {
        Answer::Batch { json, items } => {
            let message = if items == 1 {
                "1 item applied".to_owned()
            } else {
                format!("{items} items applied")
            };
            Ok(respond(
                StatusCode::OK,
                call.media,
                success(&json, &message),
            ))
        }
        _ => Err(unexpected()),
    }
}

/// The body of a write; what is wrong with its query, its type or its text is found before.
async fn body(call: &Call, request: Request, types: &[BodyType]) -> Result<String, Problem> {
    parse_none(&call.pairs)?;
    require(request.headers(), types)?;
    read_text(request.into_body()).await
}

async fn record(call: &Call, command: Command) -> Result<RecordAnswer, Problem> {
    match call
        .operations
        .execute(&call.context, &call.view, command)
        .await?
    {
        Answer::Record(record) => Ok(record),
        _ => Err(unexpected()),
    }
}

fn answer(call: &Call, status: StatusCode, record: &RecordAnswer, what: &str) -> Response {
    let message = format!("{} {what}", call.resource().title);
    let mut response = respond(status, call.media, success(&record.json, &message));
    if let Some(version) = record.version {
        response.headers_mut().insert(header::ETAG, etag(version));
    }
    response
}

fn precondition(headers: &HeaderMap) -> Result<Option<Precondition>, Refusal> {
    Ok(IfMatch::from_headers(headers)?.map(|stated| match stated {
        IfMatch::Any => Precondition::Any,
        IfMatch::Versions(versions) => Precondition::Versions(versions),
    }))
}
