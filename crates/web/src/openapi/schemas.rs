//! The schemas, parameters and headers that operations share.

use super::JSON;
use super::failures::headers as named;
use carnet_kernel::ApplicationCodes;
use serde_json::{Map, Value, json};

/// A reference to a schema of the document.
pub fn schema(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// A reference to a shared parameter: `RequestId`, `CorrelationId`,
/// `IfMatch`, `DryRun`, `IdempotencyKey`.
pub fn parameter(name: &str) -> Value {
    json!({ "$ref": format!("#/components/parameters/{name}") })
}

/// The envelope round one record (or null after a delete).
pub fn record_envelope(data: Value) -> Value {
    json!({
        "type": "object",
        "required": ["success", "data", "message"],
        "properties": {
            "success": { "const": true },
            "data": data,
            "message": { "type": "string" },
        },
    })
}

/// The envelope round what a write answers, which may be a dry run.
pub fn write_envelope(data: Value) -> Value {
    let mut envelope = record_envelope(data);
    envelope["properties"]["meta"] = json!({
        "type": "object",
        "required": ["dryRun"],
        "properties": { "dryRun": { "const": true } },
    });
    envelope
}

/// The envelope round a list of records.
pub fn list_envelope(item: Value) -> Value {
    json!({
        "type": "object",
        "required": ["success", "data", "message", "count", "pagination"],
        "properties": {
            "success": { "const": true },
            "data": { "type": "array", "items": item },
            "message": { "type": "string" },
            "count": { "type": "integer", "minimum": 0, "description": "How many records this page holds." },
            "pagination": schema("Pagination"),
            "meta": { "type": "object" },
        },
    })
}

/// A response with a JSON body and the headers every answer has.
pub fn success(description: &str, body: Value) -> Value {
    json!({
        "description": description,
        "headers": named(&["X-Request-Id", "X-Correlation-Id"]),
        "content": { JSON: { "schema": body } },
    })
}

pub(super) fn shared(codes: &ApplicationCodes) -> Map<String, Value> {
    let codes: Vec<_> = codes.all().map(|code| code.as_str()).collect();
    let members = json!({
        "statusCode": { "type": "integer", "description": "The HTTP status." },
        "code": { "type": "string", "enum": codes, "description": "The stable code; its page is `/docs/errors/<code>`." },
        "message": { "type": "string" },
        "details": { "type": "array", "items": schema("ErrorDetail") },
        "correlationId": { "type": "string" },
        "timestamp": { "type": "string", "format": "date-time" },
    });
    let required = json!([
        "statusCode",
        "code",
        "message",
        "details",
        "correlationId",
        "timestamp"
    ]);
    let mut problem = json!({
        "type": "object",
        "description": "RFC 9457; sent to clients that accept `application/problem+json`.",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": { "type": "string", "format": "uri-reference" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string" },
        },
    });
    if let (Some(properties), Some(members)) =
        (problem["properties"].as_object_mut(), members.as_object())
    {
        properties.extend(members.clone());
    }
    if let (Some(all), Some(more)) = (problem["required"].as_array_mut(), required.as_array()) {
        all.extend(more.iter().cloned());
    }
    let mut schemas = Map::new();
    schemas.insert(
        "Error".to_owned(),
        json!({
            "type": "object",
            "required": ["success", "error"],
            "properties": {
                "success": { "const": false },
                "error": { "type": "object", "required": required, "properties": members },
            },
        }),
    );
    schemas.insert("Problem".to_owned(), problem);
    schemas.insert(
        "ErrorDetail".to_owned(),
        json!({
            "type": "object",
            "required": ["field", "rule", "message"],
            "properties": {
                "field": { "type": "string", "description": "A dotted path into the body, or the name of a parameter or header." },
                "rule": { "type": "string", "description": "The stable word of the broken rule." },
                "message": { "type": "string" },
            },
        }),
    );
    schemas.insert(
        "Pagination".to_owned(),
        json!({
            "type": "object",
            "required": ["page", "limit", "total", "totalPages"],
            "properties": {
                "page": { "type": ["integer", "null"], "minimum": 1, "description": "Null when the page was reached by a cursor." },
                "limit": { "type": "integer", "minimum": 1 },
                "total": { "type": ["integer", "null"], "minimum": 0, "description": "Null when it was not counted to the end." },
                "totalPages": { "type": ["integer", "null"], "minimum": 0 },
                "totalIsEstimate": { "const": true, "description": "There when `total` is an estimate." },
                "nextCursor": { "type": "string", "description": "Where the next page begins; absent on the last." },
                "prevCursor": { "type": "string", "description": "Where the page before ends; absent on the first." },
            },
        }),
    );
    schemas
}

pub(super) fn parameters() -> Value {
    json!({
        "RequestId": header_parameter("X-Request-Id", "The caller's own id of this request; echoed. Up to 128 letters, digits and `-_.:`."),
        "CorrelationId": header_parameter("X-Correlation-Id", "Joins everything that one request sets in motion; echoed, and part of every error. Up to 128 letters, digits and `-_.:`."),
        "IdempotencyKey": json!({
            "name": "Idempotency-Key",
            "in": "header",
            "required": false,
            "description": "The caller's key of this write, 1 to 255 visible ASCII characters: the same request under the same key takes effect once and is answered alike for a day; another request under it is `IDEMPOTENCY_KEY_REUSED`.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]{1,255}$" },
        }),
        "DryRun": json!({
            "name": "dryRun",
            "in": "query",
            "required": false,
            "description": "Do everything and then undo it: the answer, or the refusal, is what would have been, with `meta.dryRun`. Nothing is kept, and the journal says nothing.",
            "schema": { "type": "boolean", "default": false },
        }),
        "IfMatch": json!({
            "name": "If-Match",
            "in": "header",
            "required": false,
            "description": "The `ETag` of the version the write is based on: `\"3\"`. Another version is `PRECONDITION_FAILED`.",
            "schema": entity_tags(),
        }),
    })
}

pub(super) fn headers() -> Value {
    json!({
        "X-Request-Id": header("The id of this request."),
        "X-Correlation-Id": header("The correlation id of this request."),
        "ETag": header("The version of the record as a strong entity tag."),
        "Location": header("The address of the created record."),
        "Retry-After": { "description": "After how many seconds to try again.", "schema": { "type": "integer" } },
        "Idempotency-Replayed": header("`true` on an answer that was given before, under the same `Idempotency-Key`."),
        "Allow": header("The methods that the address offers."),
        "WWW-Authenticate": header("How to say who is asking."),
    })
}

/// The schema of `If-Match`: `*`, or entity tags.
pub fn entity_tags() -> Value {
    json!({
        "type": "string",
        "pattern": r#"^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$"#,
        "examples": ["\"3\"", "*"],
    })
}

fn header(description: &str) -> Value {
    json!({ "description": description, "schema": { "type": "string" } })
}

fn header_parameter(name: &str, description: &str) -> Value {
    json!({
        "name": name,
        "in": "header",
        "required": false,
        "description": description,
        "schema": { "type": "string" },
    })
}
