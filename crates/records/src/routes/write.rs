//! `POST`, `PUT`, `PATCH` and `DELETE`.

use super::own::Own;
use super::read::unexpected;
use super::{Call, prefix, spoken};
use crate::command::{Answer, Command, Each, Once, Options, RecordAnswer};
use crate::decide::Precondition;
use crate::parse::{
    WriteRequest, parse_create, parse_delete, parse_delete_matching, parse_patch_matching,
    parse_write,
};
use axum::extract::Request;
use axum::response::Response;
use carnet_kernel::{Code, Detail, Id, Refusal};
use carnet_model::{IdForm, RelationIndex};
use carnet_web::accept::Media;
use carnet_web::body::{read, read_text};
use carnet_web::content_type::{BodyType, require};
use carnet_web::envelope::{respond, success_with};
use carnet_web::etag::{IfMatch, etag};
use carnet_web::idempotency;
use carnet_web::problem::Problem;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};

pub(super) async fn create(call: Call, request: Request) -> Result<Response, Problem> {
    let (key, how) = parse_create(call.resource(), &call.pairs)?;
    let asked = Asked::read(how, &request)?;
    // A create that is no upsert has no use for it, but it has to be readable.
    let precondition = precondition(request.headers())?;
    let body = body(request, &[BodyType::Json]).await?;
    let resource = call.resource;
    let command = match key {
        None => Command::Create {
            resource,
            body: body.clone(),
        },
        Some(key) => Command::Upsert {
            resource,
            key,
            body: body.clone(),
            precondition,
        },
    };
    let done = asked.done(&call, command, &body).await?;
    if let Some(response) = done.own(&call, StatusCode::CREATED, "created") {
        return Ok(response);
    }
    let Some(id) = done.record()?.created else {
        return record_answer(&call, StatusCode::OK, &done, "updated");
    };
    let mut response = record_answer(&call, StatusCode::CREATED, &done, "created")?;
    // What a dry run made is nowhere.
    if !done.options.dry_run {
        locate(&call, id, &mut response);
    }
    Ok(response)
}

/// Says where a new record is.
pub(super) fn locate(call: &Call, id: Id, response: &mut Response) {
    let resource = call.resource();
    let id = match resource.id.form {
        IdForm::Ulid => id.to_string(),
        IdForm::Uuid => id.to_uuid_text(),
    };
    if let Ok(location) = HeaderValue::try_from(format!(
        "{}/{}/{id}",
        prefix(call.view.version()),
        resource.name
    )) {
        response.headers_mut().insert(header::LOCATION, location);
    }
}

pub(super) async fn update(call: Call, id: Id, request: Request) -> Result<Response, Problem> {
    let asked = Asked::read(parse_write(&call.pairs)?, &request)?;
    let precondition = precondition(request.headers())?;
    let body = body(request, &[BodyType::Json]).await?;
    let command = Command::Update {
        resource: call.resource,
        id,
        body: body.clone(),
        precondition,
    };
    let done = asked.done(&call, command, &body).await?;
    match done.own(&call, StatusCode::OK, "updated") {
        Some(response) => Ok(response),
        None => record_answer(&call, StatusCode::OK, &done, "updated"),
    }
}

pub(super) async fn patch(call: Call, id: Id, request: Request) -> Result<Response, Problem> {
    let asked = Asked::read(parse_write(&call.pairs)?, &request)?;
    let precondition = precondition(request.headers())?;
    let body = body(request, &[BodyType::MergePatch, BodyType::Json]).await?;
    let command = Command::Patch {
        resource: call.resource,
        id,
        body: body.clone(),
        precondition,
    };
    let done = asked.done(&call, command, &body).await?;
    match done.own(&call, StatusCode::OK, "updated") {
        Some(response) => Ok(response),
        None => record_answer(&call, StatusCode::OK, &done, "updated"),
    }
}

pub(super) async fn restore(call: Call, id: Id, request: Request) -> Result<Response, Problem> {
    let asked = Asked::read(parse_write(&call.pairs)?, &request)?;
    let precondition = precondition(request.headers())?;
    no_body(request).await?;
    let command = Command::Restore {
        resource: call.resource,
        id,
        precondition,
    };
    let done = asked.done(&call, command, "").await?;
    record_answer(&call, StatusCode::OK, &done, "restored")
}

pub(super) async fn link(
    call: Call,
    (id, relation, target): (Id, RelationIndex, Id),
    make: bool,
    request: Request,
) -> Result<Response, Problem> {
    let asked = Asked::read(parse_write(&call.pairs)?, &request)?;
    no_body(request).await?;
    let resource = call.resource;
    if !make {
        let command = Command::Unlink {
            resource,
            id,
            relation,
            target,
        };
        let done = asked.done(&call, command, "").await?;
        return match &done.answer {
            Answer::Deleted => Ok(done.succeed(call.media, StatusCode::OK, b"null", "unlinked")),
            _ => Err(unexpected()),
        };
    }
    let command = Command::Link {
        resource,
        id,
        relation,
        target,
    };
    let done = asked.done(&call, command, "").await?;
    let record = done.record()?;
    let status = if record.created.is_some() {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok(done.succeed(call.media, status, &record.json, "linked"))
}

pub(super) async fn patch_matching(call: Call, request: Request) -> Result<Response, Problem> {
    let (matching, how) = parse_patch_matching(
        &call.view,
        call.resource(),
        &call.pairs,
        call.operations.now(),
    )?;
    let asked = Asked::read(how, &request)?;
    let precondition = precondition(request.headers())?;
    let body = body(request, &[BodyType::MergePatch, BodyType::Json]).await?;
    let command = Command::PatchMatching {
        resource: call.resource,
        request: Box::new(matching),
        body: body.clone(),
        precondition,
    };
    affected(&call, &asked.done(&call, command, &body).await?, "updated")
}

pub(super) async fn delete_matching(call: Call, request: Request) -> Result<Response, Problem> {
    let (matching, how) = parse_delete_matching(
        &call.view,
        call.resource(),
        &call.pairs,
        call.operations.now(),
    )?;
    let asked = Asked::read(how, &request)?;
    let precondition = precondition(request.headers())?;
    no_body(request).await?;
    let command = Command::DeleteMatching {
        resource: call.resource,
        request: Box::new(matching),
        precondition,
    };
    affected(&call, &asked.done(&call, command, "").await?, "deleted")
}

fn affected(call: &Call, done: &Done, what: &str) -> Result<Response, Problem> {
    match &done.answer {
        Answer::Matching { json, count } => {
            let message = if *count == 1 {
                format!("1 record {what}")
            } else {
                format!("{count} records {what}")
            };
            Ok(done.succeed(call.media, StatusCode::OK, json, &message))
        }
        _ => Err(unexpected()),
    }
}

pub(super) async fn delete(call: Call, id: Id, request: Request) -> Result<Response, Problem> {
    let (purge, how) = parse_delete(call.resource(), &call.pairs)?;
    let asked = Asked::read(how, &request)?;
    let precondition = precondition(request.headers())?;
    no_body(request).await?;
    let command = Command::Delete {
        resource: call.resource,
        id,
        purge,
        precondition,
    };
    let done = asked.done(&call, command, "").await?;
    if let Some(response) = done.own(&call, StatusCode::OK, "deleted") {
        return Ok(response);
    }
    match &done.answer {
        Answer::Deleted => {
            let message = format!("{} deleted", call.resource().title);
            Ok(done.succeed(call.media, StatusCode::OK, b"null", &message))
        }
        _ => Err(unexpected()),
    }
}

pub(super) async fn batch(call: Call, request: Request) -> Result<Response, Problem> {
    let asked = Asked::read(parse_write(&call.pairs)?, &request)?;
    let body = body(request, &[BodyType::Json]).await?;
    let command = Command::Batch {
        resource: call.resource,
        body: body.clone(),
    };
    asked.done(&call, command, &body).await?.items(call.media)
}

pub(super) async fn transaction(call: Call, request: Request) -> Result<Response, Problem> {
    let asked = Asked::read(parse_write(&call.pairs)?, &request)?;
    let body = body(request, &[BodyType::Json]).await?;
    let command = Command::Transaction { body: body.clone() };
    asked.done(&call, command, &body).await?.items(call.media)
}

/// How a write is carried out, and what of the request is the request.
pub(super) struct Asked {
    options: Options,
    key: Option<String>,
    hash: Sha256,
}

/// What came of a write.
pub(super) struct Done {
    pub(super) options: Options,
    pub(super) answer: Answer,
    /// It is what was answered before.
    replayed: bool,
}

impl Asked {
    /// What is wrong with the query or the key is found before the body is read.
    pub(super) fn read(how: WriteRequest, request: &Request) -> Result<Self, Refusal> {
        let WriteRequest { dry_run } = how;
        let key = idempotency::key(request.headers())?;
        let mut hash = Sha256::new();
        let uri = request.uri();
        let conditions = request.headers().get_all(header::IF_MATCH).iter();
        let parts = [
            request.method().as_str(),
            uri.path(),
            uri.query().unwrap_or_default(),
        ];
        for part in parts.into_iter().map(str::as_bytes) {
            add(&mut hash, part);
        }
        for condition in conditions {
            add(&mut hash, condition.as_bytes());
        }
        Ok(Self {
            options: Options {
                dry_run,
                ..Options::default()
            },
            key,
            hash,
        })
    }

    pub(super) async fn done(
        self,
        call: &Call,
        command: Command,
        body: &str,
    ) -> Result<Done, Problem> {
        let Self {
            mut options,
            key,
            mut hash,
        } = self;
        add(&mut hash, body.as_bytes());
        options.once = key.map(|key| {
            let request = hash.finalize().into();
            Box::new(Once { key, request })
        });
        let answer = call
            .operations
            .execute(&call.context, &call.view, command, options.clone())
            .await?;
        let (answer, replayed) = match answer {
            Answer::Replayed(answer) => (*answer, true),
            answer => (answer, false),
        };
        Ok(Done {
            options,
            answer,
            replayed,
        })
    }
}

/// Parts keep apart by their lengths.
fn add(hash: &mut Sha256, part: &[u8]) {
    hash.update((part.len() as u64).to_be_bytes());
    hash.update(part);
}

impl Done {
    fn record(&self) -> Result<&RecordAnswer, Problem> {
        match &self.answer {
            Answer::Record(record) => Ok(record),
            _ => Err(unexpected()),
        }
    }

    /// The answer of a logic that is not the operation's; `None` for the operation's own.
    fn own(&self, call: &Call, status: StatusCode, what: &str) -> Option<Response> {
        let own = Own::of(&self.answer)?;
        let status = own.status(status);
        let message = own.message(|| format!("{} {what}", call.resource().title));
        let mut response = self.succeed(call.media, status, own.data, &message);
        if let Some(version) = own.version.filter(|_| !self.options.dry_run) {
            response.headers_mut().insert(header::ETAG, etag(version));
        }
        Some(response)
    }

    fn items(&self, media: Media) -> Result<Response, Problem> {
        let Answer::Batch { json, items, each } = &self.answer else {
            return Err(unexpected());
        };
        let counted = |count: usize| match count {
            1 => "1 item".to_owned(),
            count => format!("{count} items"),
        };
        let message = match each {
            Some(Each { succeeded, failed }) if *failed > 0 => {
                format!("{succeeded} of {} applied", counted(*items))
            }
            _ => format!("{} applied", counted(*items)),
        };
        let status = match each {
            Some(Each { failed, .. }) if *failed > 0 => StatusCode::MULTI_STATUS,
            _ => StatusCode::OK,
        };
        Ok(self.succeed(media, status, json, &message))
    }

    pub(super) fn succeed(
        &self,
        media: Media,
        status: StatusCode,
        data: &[u8],
        message: &str,
    ) -> Response {
        let mut meta = Vec::new();
        if self.options.dry_run {
            meta.push("\"dryRun\":true".to_owned());
        }
        if let Answer::Batch {
            each: Some(Each { succeeded, failed }),
            ..
        } = &self.answer
        {
            meta.push(format!("\"succeeded\":{succeeded},\"failed\":{failed}"));
        }
        let meta = format!("{{{}}}", meta.join(","));
        let meta = Some(meta.as_bytes()).filter(|meta| meta.len() > 2);
        let body = if self.options.dry_run {
            success_with(data, meta, &format!("dry run: {message}"))
        } else {
            success_with(data, meta, message)
        };
        let mut response = respond(status, media, body);
        self.mark(&mut response);
        response
    }

    /// Says that this was answered before, if it was.
    pub(super) fn mark(&self, response: &mut Response) {
        if self.replayed {
            let replayed = HeaderValue::from_static("true");
            response
                .headers_mut()
                .insert(idempotency::REPLAYED, replayed);
        }
    }
}

/// The body of a write; what is wrong with its type or its text is found before.
pub(super) async fn body(request: Request, types: &[BodyType]) -> Result<String, Problem> {
    require(request.headers(), types, spoken(&request))?;
    read_text(request.into_body()).await
}

/// Refuses what a request says in a body that it does not have: fields of a link, a second filter.
/// An empty object says nothing; some clients send one with every request.
async fn no_body(request: Request) -> Result<(), Problem> {
    let bytes = read(request.into_body()).await?;
    let said = bytes
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .take(3);
    let said: Vec<u8> = said.copied().collect();
    if said.is_empty() || said == b"{}" {
        return Ok(());
    }
    let message = "this request has no body; leave it out";
    Err(Refusal::new(Code::MalformedRequest, message)
        .with(Detail::new("body", "conflict", message))
        .into())
}

fn record_answer(
    call: &Call,
    status: StatusCode,
    done: &Done,
    what: &str,
) -> Result<Response, Problem> {
    let record = done.record()?;
    let message = format!("{} {what}", call.resource().title);
    let mut response = done.succeed(call.media, status, &record.json, &message);
    if let Some(version) = record.version.filter(|_| !done.options.dry_run) {
        response.headers_mut().insert(header::ETAG, etag(version));
    }
    Ok(response)
}

pub(super) fn precondition(headers: &HeaderMap) -> Result<Option<Precondition>, Refusal> {
    Ok(IfMatch::from_headers(headers)?.map(|stated| match stated {
        IfMatch::Any => Precondition::Any,
        IfMatch::Versions(versions) => Precondition::Versions(versions),
    }))
}
