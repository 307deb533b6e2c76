//! Actions: a body to checked input, what logic gave to an answer.

use super::own::Own;
use super::write::{Asked, locate, precondition};
use super::{Call, spoken};
use crate::command::Command;
use crate::parse::parse_write;
use crate::validate::read_input;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use carnet_kernel::Id;
use carnet_model::ActionIndex;
use carnet_web::body::{read, read_text};
use carnet_web::content_type::{BodyType, require};
use carnet_web::etag::etag;
use carnet_web::problem::Problem;
use http::{StatusCode, header};

pub(super) async fn act(
    call: Call,
    action: ActionIndex,
    id: Option<Id>,
    request: Request,
) -> Result<Response, Problem> {
    let asked = Asked::read(parse_write(&call.pairs)?, &request)?;
    let precondition = match id {
        Some(_) => precondition(request.headers())?,
        None => None,
    };
    let body = body(request).await?;
    let declared = call.resource().action(action);
    let command = Command::Action {
        resource: call.resource,
        action,
        id,
        input: read_input(declared, &body)?,
        precondition,
    };
    let done = asked.done(&call, command, &body).await?;
    let own = Own::any(&done.answer);
    let status = own.status(StatusCode::OK);
    let mut response = if status == StatusCode::NO_CONTENT {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        done.mark(&mut response);
        response
    } else {
        let message = own.message(|| format!("{}: done", declared.title));
        done.succeed(call.media, status, own.data, &message)
    };
    // What a dry run made is nowhere.
    if !done.options.dry_run {
        if let Some(version) = own.version {
            response.headers_mut().insert(header::ETAG, etag(version));
        }
        if let Some(id) = own.created.filter(|_| status == StatusCode::CREATED) {
            locate(&call, id, &mut response);
        }
    }
    Ok(response)
}

/// The body of an action, which may be left out where nothing is said in it.
async fn body(request: Request) -> Result<String, Problem> {
    let version = spoken(&request);
    let (parts, body) = request.into_parts();
    let bytes = read(body).await?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(String::new());
    }
    require(&parts.headers, &[BodyType::Json], version)?;
    read_text(Body::from(bytes)).await
}
