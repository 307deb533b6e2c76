//! Lists as `application/x-ndjson`: one record a line, as fast as the client takes them.

use super::Call;
use crate::parse::parse_stream;
use crate::stream::{Broken, Stream};
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use carnet_web::envelope::respond;
use carnet_web::problem::Problem;
use futures_util::stream;
use http::StatusCode;
use std::convert::Infallible;

pub(super) async fn list(call: Call) -> Result<Response, Problem> {
    let (request, limit) = parse_stream(&call.view, call.resource(), call.given())?;
    let mut records = call
        .operations
        .stream(&call.context, &call.view, call.resource, request, limit)
        .await?;
    // What fails before the first record is a problem like any other.
    let first = match records.next().await {
        Some(Err(broken)) => return Err(broken.refusal.into()),
        Some(Ok(first)) => first,
        None => Vec::new(),
    };
    let pieces = stream::unfold((Some(first), records), |(first, mut records)| async move {
        let piece = match first {
            Some(first) => first,
            None => next(&mut records).await?,
        };
        Some((Ok::<_, Infallible>(Bytes::from(piece)), (None, records)))
    });
    let mut response = respond(StatusCode::OK, call.media, Vec::new());
    *response.body_mut() = Body::from_stream(pieces);
    Ok(response)
}

/// The next lines. The status went out long ago: a failure is the last line.
async fn next(records: &mut Stream) -> Option<Vec<u8>> {
    Some(match records.next().await? {
        Ok(lines) => lines,
        Err(broken) => last_line(&broken, records),
    })
}

fn last_line(broken: &Broken, records: &Stream) -> Vec<u8> {
    let mut error = serde_json::json!({
        "statusCode": broken.refusal.code.status(),
        "code": broken.refusal.code.as_str(),
        "message": broken.refusal.message,
        "correlationId": records.context().correlation.to_string(),
    });
    if let Some(cursor) = &broken.cursor {
        error["cursor"] = cursor.as_str().into();
    }
    let mut line = serde_json::json!({ "error": error })
        .to_string()
        .into_bytes();
    line.push(b'\n');
    line
}
