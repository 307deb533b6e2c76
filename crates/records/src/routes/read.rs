//! `GET` of collections and records.

use super::own::Own;
use super::{Call, pairs};
use crate::asked::AskedList;
use crate::command::{Answer, Command, Explained};
use crate::parse::{GroupRequest, Wanted, parse_read, parse_wanted};
use axum::extract::Request;
use axum::response::Response;
use carnet_kernel::{Code, Refusal, Value};
use carnet_web::envelope::{Pagination, list as list_envelope, respond, success};
use carnet_web::etag::etag;
use carnet_web::problem::Problem;
use http::{StatusCode, header};
use std::sync::Arc;
use std::time::Instant;

/// What a collection is asked for.
pub(super) enum Asked {
    Records(Arc<AskedList>),
    Groups(Box<GroupRequest>),
}

impl Asked {
    /// By the query of an address.
    pub(super) fn by_address(call: &mut Call, request: &Request) -> Result<Self, Refusal> {
        let started = Instant::now();
        let query = request.uri().query().unwrap_or_default();
        let lists = call.operations.asked_lists();
        let asked = match lists.find(&call.view, call.resource, query) {
            Some(list) => Self::Records(list),
            None => {
                call.pairs = pairs(request)?;
                match parse_wanted(&call.view, call.resource(), call.given())? {
                    Wanted::Records(wanted) => {
                        let at = (&call.view, call.resource);
                        Self::Records(lists.keep(at, query, &call.pairs, wanted))
                    }
                    Wanted::Groups(wanted) => Self::Groups(Box::new(wanted)),
                }
            }
        };
        call.stage("parse", started);
        Ok(asked)
    }

    /// By a body, whose members the call holds.
    pub(super) fn by_body(call: &Call) -> Result<Self, Refusal> {
        let started = Instant::now();
        let wanted = parse_wanted(&call.view, call.resource(), call.given())?;
        call.stage("parse", started);
        Ok(match wanted {
            Wanted::Records(wanted) => Self::Records(Arc::new(wanted.into())),
            Wanted::Groups(wanted) => Self::Groups(Box::new(wanted)),
        })
    }
}

pub(super) async fn list(call: &Call, asked: Asked) -> Result<Response, Problem> {
    match asked {
        Asked::Records(request) => records(call, request).await,
        Asked::Groups(request) => Box::pin(groups(call, request)).await,
    }
}

async fn records(call: &Call, request: Arc<AskedList>) -> Result<Response, Problem> {
    let started = Instant::now();
    let (limit, offset) = (request.limit, request.offset);
    let page = request
        .cursor
        .is_none()
        .then_some(offset / u64::from(limit) + 1);
    let command = Command::List {
        resource: call.resource,
        request,
    };
    let answer = call
        .operations
        .execute(&call.context, &call.view, command, call.reading())
        .await?;
    if let Some(own) = Own::of(&answer) {
        return Ok(own.respond(call.media, "found"));
    }
    let Answer::List(answer) = answer else {
        return Err(unexpected());
    };
    call.stage("read", started);
    let listing = answer.listing;
    let pagination = Pagination {
        page,
        limit: u64::from(limit),
        total: listing.total,
        total_is_estimate: listing.total_is_estimate,
        next_cursor: answer.next,
        prev_cursor: answer.prev,
    };
    let message = match listing.rows {
        1 => "1 record".to_owned(),
        rows => format!("{rows} records"),
    };
    let meta = answer.explained.as_ref().map(explained);
    let body = list_envelope(
        &listing.json,
        listing.rows,
        &pagination,
        meta.as_deref(),
        &message,
    );
    Ok(respond(StatusCode::OK, call.media, body))
}

async fn groups(call: &Call, request: Box<GroupRequest>) -> Result<Response, Problem> {
    let (limit, offset) = (request.limit, request.offset);
    let page = request
        .cursor
        .is_none()
        .then_some(offset / u64::from(limit) + 1);
    let started = Instant::now();
    let command = Command::Group {
        resource: call.resource,
        request,
    };
    let answer = call
        .operations
        .execute(&call.context, &call.view, command, call.reading())
        .await?;
    if let Some(own) = Own::of(&answer) {
        return Ok(own.respond(call.media, "found"));
    }
    let Answer::Groups(answer) = answer else {
        return Err(unexpected());
    };
    call.stage("read", started);
    let groups = answer.groups;
    let pagination = Pagination {
        page,
        limit: u64::from(limit),
        total: groups.total,
        total_is_estimate: false,
        next_cursor: answer.next,
        prev_cursor: answer.prev,
    };
    let message = match groups.rows {
        1 => "1 group".to_owned(),
        rows => format!("{rows} groups"),
    };
    let meta = answer.explained.as_ref().map(explained);
    let body = list_envelope(
        &groups.json,
        groups.rows,
        &pagination,
        meta.as_deref(),
        &message,
    );
    Ok(respond(StatusCode::OK, call.media, body))
}

/// The member `meta` of an answer that tells how it was made.
fn explained(explained: &Explained) -> Vec<u8> {
    let statements: Vec<_> = explained
        .explanation
        .statements
        .iter()
        .map(|one| serde_json::json!({ "purpose": one.purpose, "sql": one.sql, "plan": one.plan }))
        .collect();
    let milliseconds = (explained.took.as_secs_f64() * 1_000_000.0).round() / 1_000.0;
    let explain = serde_json::json!({
        "statements": statements,
        "timings": { "read": milliseconds },
    });
    serde_json::json!({ "explain": explain })
        .to_string()
        .into_bytes()
}

pub(super) async fn read(call: &Call, key: Value) -> Result<Response, Problem> {
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
    let answer = call
        .operations
        .execute(&call.context, &call.view, command, call.reading())
        .await?;
    if let Some(own) = Own::of(&answer) {
        return Ok(own.respond(call.media, "found"));
    }
    let Answer::Record(record) = answer else {
        return Err(unexpected());
    };
    let message = [call.resource().title.as_str(), " found"].concat();
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
