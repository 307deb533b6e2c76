//! The success envelope, written straight to bytes round data that is already JSON. Not for
//! failures: those are problems.

use crate::accept::Media;
use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};

/// Where a list stands in the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pagination {
    /// The page, counted from 1; `None` (JSON null) when it was reached by a cursor.
    pub page: Option<u64>,
    /// The most records of one page.
    pub limit: u64,
    /// How many records there are; `None` (JSON null) when it was not counted to the end.
    pub total: Option<u64>,
    /// Whether the total is an estimate.
    pub total_is_estimate: bool,
    /// Where the next page begins; left out when there is none or cursors are not offered.
    pub next_cursor: Option<String>,
    /// Where the page before ends; left out when there is none or cursors are not offered.
    pub prev_cursor: Option<String>,
}

impl Pagination {
    /// How many pages there are; `None` when the total is not known.
    pub fn total_pages(&self) -> Option<u64> {
        self.total.map(|total| total.div_ceil(self.limit.max(1)))
    }
}

/// Begins an envelope: the caller appends the JSON of `data`, then closes it.
pub fn open(out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"success":true,"data":"#);
}

/// Ends the envelope of one record.
pub fn close(out: &mut Vec<u8>, message: &str) {
    push_message(out, message);
    out.push(b'}');
}

/// Ends the envelope of a list. `meta` is JSON that is written as it is.
pub fn close_list(
    out: &mut Vec<u8>,
    count: usize,
    pagination: &Pagination,
    meta: Option<&[u8]>,
    message: &str,
) {
    push_message(out, message);
    out.extend_from_slice(br#","count":"#);
    push_number(out, count as u64);
    out.extend_from_slice(br#","pagination":{"page":"#);
    push_optional(out, pagination.page);
    out.extend_from_slice(br#","limit":"#);
    push_number(out, pagination.limit);
    out.extend_from_slice(br#","total":"#);
    push_optional(out, pagination.total);
    out.extend_from_slice(br#","totalPages":"#);
    push_optional(out, pagination.total_pages());
    if pagination.total_is_estimate {
        out.extend_from_slice(br#","totalIsEstimate":true"#);
    }
    for (name, cursor) in [
        (br#","nextCursor":"#, &pagination.next_cursor),
        (br#","prevCursor":"#, &pagination.prev_cursor),
    ] {
        if let Some(cursor) = cursor {
            out.extend_from_slice(name);
            push_string(out, cursor);
        }
    }
    out.push(b'}');
    if let Some(meta) = meta {
        out.extend_from_slice(br#","meta":"#);
        out.extend_from_slice(meta);
    }
    out.push(b'}');
}

/// A whole envelope round `data`.
pub fn success(data: &[u8], message: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() + message.len() + 64);
    open(&mut out);
    out.extend_from_slice(data);
    close(&mut out, message);
    out
}

/// The same with `meta`, which is JSON that is written as it is.
pub fn success_with(data: &[u8], meta: Option<&[u8]>, message: &str) -> Vec<u8> {
    let Some(meta) = meta else {
        return success(data, message);
    };
    let mut out = Vec::with_capacity(data.len() + message.len() + meta.len() + 72);
    open(&mut out);
    out.extend_from_slice(data);
    push_message(&mut out, message);
    out.extend_from_slice(br#","meta":"#);
    out.extend_from_slice(meta);
    out.push(b'}');
    out
}

/// A whole list envelope round `data`, which is a JSON array of `count` elements.
pub fn list(
    data: &[u8],
    count: usize,
    pagination: &Pagination,
    meta: Option<&[u8]>,
    message: &str,
) -> Vec<u8> {
    let capacity = data.len() + message.len() + meta.map_or(0, <[u8]>::len) + 192;
    let mut out = Vec::with_capacity(capacity);
    open(&mut out);
    out.extend_from_slice(data);
    close_list(&mut out, count, pagination, meta, message);
    out
}

/// The answer with a finished envelope as its body.
pub fn respond(status: StatusCode, media: Media, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    // With what the edge and the server add, so that the map is made once.
    headers.reserve(20);
    headers.insert(header::CONTENT_TYPE, media.content_type());
    headers.append(header::VARY, HeaderValue::from_static("accept"));
    response
}

/// Appends `text` as a JSON string.
pub(crate) fn push_string(out: &mut Vec<u8>, text: &str) {
    let before = out.len();
    // INVARIANT: writing a string to a vector cannot fail; were it to, the JSON stays well-formed.
    if serde_json::to_writer(&mut *out, text).is_err() {
        out.truncate(before);
        out.extend_from_slice(br#""""#);
    }
}

pub(crate) fn push_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(number.to_string().as_bytes());
}

fn push_optional(out: &mut Vec<u8>, number: Option<u64>) {
    match number {
        Some(number) => push_number(out, number),
        None => out.extend_from_slice(b"null"),
    }
}

fn push_message(out: &mut Vec<u8>, message: &str) {
    out.extend_from_slice(br#","message":"#);
    push_string(out, message);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(found: Vec<u8>, expected: &str) {
        let found = String::from_utf8(found).unwrap();
        assert_eq!(found, expected);
        serde_json::from_str::<serde_json::Value>(&found).unwrap();
    }

    #[test]
    fn one_record() {
        check(
            success(br#"{"id":"X"}"#, "Product \"a\"\ncreated"),
            r#"{"success":true,"data":{"id":"X"},"message":"Product \"a\"\ncreated"}"#,
        );
        check(
            success_with(b"1", Some(br#"{"dryRun":true}"#), "a"),
            r#"{"success":true,"data":1,"message":"a","meta":{"dryRun":true}}"#,
        );
        check(
            success(b"null", ""),
            r#"{"success":true,"data":null,"message":""}"#,
        );
    }

    #[test]
    fn lists() {
        let mut pagination = Pagination {
            page: Some(2),
            limit: 20,
            total: Some(41),
            ..Pagination::default()
        };
        check(
            list(b"[1]", 1, &pagination, None, "Found"),
            r#"{"success":true,"data":[1],"message":"Found","count":1,"pagination":{"page":2,"limit":20,"total":41,"totalPages":3}}"#,
        );
        pagination.total = Some(1_500);
        pagination.total_is_estimate = true;
        pagination.prev_cursor = Some("p".to_owned());
        check(
            list(b"[1]", 1, &pagination, None, "Found"),
            r#"{"success":true,"data":[1],"message":"Found","count":1,"pagination":{"page":2,"limit":20,"total":1500,"totalPages":75,"totalIsEstimate":true,"prevCursor":"p"}}"#,
        );
        pagination = Pagination {
            page: None,
            limit: 20,
            ..Pagination::default()
        };
        pagination.next_cursor = Some("a\"b".to_owned());
        check(
            list(b"[]", 0, &pagination, Some(br#"{"took":1}"#), "Found"),
            r#"{"success":true,"data":[],"message":"Found","count":0,"pagination":{"page":null,"limit":20,"total":null,"totalPages":null,"nextCursor":"a\"b"},"meta":{"took":1}}"#,
        );
    }

    #[test]
    fn an_empty_whole_has_no_pages() {
        let pagination = Pagination {
            total: Some(0),
            limit: 0,
            ..Pagination::default()
        };
        assert_eq!(pagination.total_pages(), Some(0));
    }
}
