//! `GET` of collections and records.

use super::Call;
use crate::command::{Answer, Command, Options};
use crate::parse::{parse_list, parse_read};
use axum::response::Response;
use carnet_kernel::{Code, Refusal, Value};
use carnet_web::envelope::{Pagination, list as list_envelope, respond, success};
use carnet_web::etag::etag;
use carnet_web::problem::Problem;
use http::{StatusCode, header};

pub(super) async fn list(call: Call) -> Result<Response, Problem> {
    let request = parse_list(
        &call.view,
        call.resource(),
        &call.pairs,
        call.operations.now(),
    )?;
    let (limit, offset) = (request.limit, request.offset);
    let command = Command::List {
        resource: call.resource,
        request,
    };
    let Answer::List(listing) = call
        .operations
        .execute(&call.context, &call.view, command, Options::default())
        .await?
    else {
        return Err(unexpected());
    };
    let pagination = Pagination {
        page: offset / u64::from(limit) + 1,
        limit: u64::from(limit),
        total: listing.total,
        next_cursor: None,
    };
    let message = match listing.rows {
        1 => "1 record".to_owned(),
        rows => format!("{rows} records"),
    };
    let body = list_envelope(&listing.json, listing.rows, &pagination, None, &message);
    Ok(respond(StatusCode::OK, call.media, body))
}

pub(super) async fn read(call: Call, key: Value) -> Result<Response, Problem> {
    let request = parse_read(
        &call.view,
        call.resource(),
        &call.pairs,
        call.operations.now(),
    )?;
    let command = Command::Read {
        resource: call.resource,
        key,
        request,
    };
    let Answer::Record(record) = call
        .operations
        .execute(&call.context, &call.view, command, Options::default())
        .await?
    else {
        return Err(unexpected());
    };
    let message = format!("{} found", call.resource().title);
    let mut response = respond(StatusCode::OK, call.media, success(&record.json, &message));
    if let Some(version) = record.version {
        response.headers_mut().insert(header::ETAG, etag(version));
    }
    Ok(response)
}

/// An answer of another kind than the command's: a mistake of ours.
pub(super) fn unexpected() -> Problem {
    Refusal::new(
        Code::Internal,
        "the operation gave an answer of another kind",
    )
    .into()
}
