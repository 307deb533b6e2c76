//! `POST`, `PUT`, `PATCH` and `DELETE`.

use super::read::unexpected;
use super::{Call, PREFIX};
use crate::command::{Answer, Command, Options, RecordAnswer};
use crate::decide::Precondition;
use crate::parse::{
    WriteRequest, parse_create, parse_delete, parse_delete_matching, parse_patch_matching,
    parse_write,
};
use axum::extract::Request;
use axum::response::Response;
use carnet_kernel::{Id, Refusal};
use carnet_model::{IdForm, RelationIndex};
use carnet_web::body::read_text;
use carnet_web::content_type::{BodyType, require};
use carnet_web::envelope::{respond, success_with};
use carnet_web::etag::{IfMatch, etag};
use carnet_web::problem::Problem;
use http::{HeaderMap, HeaderValue, StatusCode, header};

pub(super) async fn create(call: Call, request: Request) -> Result<Response, Problem> {
    let (key, asked) = parse_create(call.resource(), &call.pairs)?;
    let options = Options::from(asked);
    let command = match key {
        None => Command::Create {
            resource: call.resource,
            body: body(request, &[BodyType::Json]).await?,
        },
        Some(key) => {
            let precondition = precondition(request.headers())?;
            Command::Upsert {
                resource: call.resource,
                key,
                body: body(request, &[BodyType::Json]).await?,
                precondition,
            }
        }
    };
    let record = record(&call, command, &options).await?;
    if record.created.is_none() {
        return Ok(answer(
            &call,
            StatusCode::OK,
            (&record, &options),
            "updated",
        ));
    }
    let mut response = answer(&call, StatusCode::CREATED, (&record, &options), "created");
    // What a dry run made is nowhere.
    if let Some(id) = record.created.filter(|_| !options.dry_run) {
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
    let options = options(&call)?;
    let precondition = precondition(request.headers())?;
    let body = body(request, &[BodyType::Json]).await?;
    let command = Command::Update {
        resource: call.resource,
        id,
        body,
        precondition,
    };
    let record = record(&call, command, &options).await?;
    Ok(answer(
        &call,
        StatusCode::OK,
        (&record, &options),
        "updated",
    ))
}

pub(super) async fn patch(call: Call, id: Id, request: Request) -> Result<Response, Problem> {
    let options = options(&call)?;
    let precondition = precondition(request.headers())?;
    let body = body(request, &[BodyType::MergePatch, BodyType::Json]).await?;
    let command = Command::Patch {
        resource: call.resource,
        id,
        body,
        precondition,
    };
    let record = record(&call, command, &options).await?;
    Ok(answer(
        &call,
        StatusCode::OK,
        (&record, &options),
        "updated",
    ))
}

pub(super) async fn restore(call: Call, id: Id, request: Request) -> Result<Response, Problem> {
    let options = options(&call)?;
    let precondition = precondition(request.headers())?;
    let command = Command::Restore {
        resource: call.resource,
        id,
        precondition,
    };
    let record = record(&call, command, &options).await?;
    Ok(answer(
        &call,
        StatusCode::OK,
        (&record, &options),
        "restored",
    ))
}

pub(super) async fn link(
    call: Call,
    (id, relation, target): (Id, RelationIndex, Id),
    make: bool,
) -> Result<Response, Problem> {
    let options = options(&call)?;
    let resource = call.resource;
    if !make {
        let command = Command::Unlink {
            resource,
            id,
            relation,
            target,
        };
        return match execute(&call, command, &options).await? {
            Answer::Deleted => Ok(succeed(
                &call,
                StatusCode::OK,
                (b"null", &options),
                "unlinked",
            )),
            _ => Err(unexpected()),
        };
    }
    let command = Command::Link {
        resource,
        id,
        relation,
        target,
    };
    let record = record(&call, command, &options).await?;
    let status = if record.created.is_some() {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok(succeed(&call, status, (&record.json, &options), "linked"))
}

pub(super) async fn patch_matching(call: Call, request: Request) -> Result<Response, Problem> {
    let (matching, asked) = parse_patch_matching(
        &call.view,
        call.resource(),
        &call.pairs,
        call.operations.now(),
    )?;
    let precondition = precondition(request.headers())?;
    let command = Command::PatchMatching {
        resource: call.resource,
        request: matching,
        body: body(request, &[BodyType::MergePatch, BodyType::Json]).await?,
        precondition,
    };
    affected(&call, command, &Options::from(asked), "updated").await
}

pub(super) async fn delete_matching(call: Call, request: Request) -> Result<Response, Problem> {
    let (matching, asked) = parse_delete_matching(
        &call.view,
        call.resource(),
        &call.pairs,
        call.operations.now(),
    )?;
    let command = Command::DeleteMatching {
        resource: call.resource,
        request: matching,
        precondition: precondition(request.headers())?,
    };
    affected(&call, command, &Options::from(asked), "deleted").await
}

async fn affected(
    call: &Call,
    command: Command,
    options: &Options,
    what: &str,
) -> Result<Response, Problem> {
    match execute(call, command, options).await? {
        Answer::Matching { json, count } => {
            let message = if count == 1 {
                format!("1 record {what}")
            } else {
                format!("{count} records {what}")
            };
            Ok(succeed(call, StatusCode::OK, (&json, options), &message))
        }
        _ => Err(unexpected()),
    }
}

pub(super) async fn delete(call: Call, id: Id, request: Request) -> Result<Response, Problem> {
    let (purge, asked) = parse_delete(call.resource(), &call.pairs)?;
    let options = Options::from(asked);
    let precondition = precondition(request.headers())?;
    let command = Command::Delete {
        resource: call.resource,
        id,
        purge,
        precondition,
    };
    match execute(&call, command, &options).await? {
        Answer::Deleted => {
            let message = format!("{} deleted", call.resource().title);
            Ok(succeed(
                &call,
                StatusCode::OK,
                (b"null", &options),
                &message,
            ))
        }
        _ => Err(unexpected()),
    }
}

pub(super) async fn batch(call: Call, request: Request) -> Result<Response, Problem> {
    let options = options(&call)?;
    let body = body(request, &[BodyType::Json]).await?;
    let command = Command::Batch {
        resource: call.resource,
        body,
    };
    match execute(&call, command, &options).await? {
        Answer::Batch { json, items } => {
            let message = if items == 1 {
                "1 item applied".to_owned()
            } else {
                format!("{items} items applied")
            };
            Ok(succeed(&call, StatusCode::OK, (&json, &options), &message))
        }
        _ => Err(unexpected()),
    }
}

/// How the write is carried out; what is wrong with that is found before its body is read.
fn options(call: &Call) -> Result<Options, Refusal> {
    Ok(parse_write(&call.pairs)?.into())
}

impl From<WriteRequest> for Options {
    fn from(request: WriteRequest) -> Self {
        Self {
            dry_run: request.dry_run,
        }
    }
}

/// The body of a write; what is wrong with its type or its text is found before.
pub(super) async fn body(request: Request, types: &[BodyType]) -> Result<String, Problem> {
    require(request.headers(), types)?;
    read_text(request.into_body()).await
}

async fn execute(call: &Call, command: Command, options: &Options) -> Result<Answer, Problem> {
    let answer = call
        .operations
        .execute(&call.context, &call.view, command, options.clone())
        .await?;
    Ok(answer)
}

async fn record(call: &Call, command: Command, options: &Options) -> Result<RecordAnswer, Problem> {
    match execute(call, command, options).await? {
        Answer::Record(record) => Ok(record),
        _ => Err(unexpected()),
    }
}

fn answer(
    call: &Call,
    status: StatusCode,
    (record, options): (&RecordAnswer, &Options),
    what: &str,
) -> Response {
    let message = format!("{} {what}", call.resource().title);
    let mut response = succeed(call, status, (&record.json, options), &message);
    if let Some(version) = record.version.filter(|_| !options.dry_run) {
        response.headers_mut().insert(header::ETAG, etag(version));
    }
    response
}

fn succeed(
    call: &Call,
    status: StatusCode,
    (data, options): (&[u8], &Options),
    message: &str,
) -> Response {
    let body = if options.dry_run {
        let message = format!("dry run: {message}");
        success_with(data, Some(br#"{"dryRun":true}"#), &message)
    } else {
        success_with(data, None, message)
    };
    respond(status, call.media, body)
}

fn precondition(headers: &HeaderMap) -> Result<Option<Precondition>, Refusal> {
    Ok(IfMatch::from_headers(headers)?.map(|stated| match stated {
        IfMatch::Any => Precondition::Any,
        IfMatch::Versions(versions) => Precondition::Versions(versions),
    }))
}
