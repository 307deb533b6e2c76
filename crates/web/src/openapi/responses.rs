//! The responses that operations share: one per code, grouped by status where several apply.

use super::{JSON, PROBLEM_JSON, schema};
use carnet_kernel::{ApplicationCodes, Code, Stage};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The `responses` members for the codes an operation can fail with, by status. Merge it into
/// the operation's own successes.
pub fn responses(codes: &[Code]) -> Map<String, Value> {
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in codes.iter().filter(|code| answered(**code)) {
        let group = by_status.entry(code.status()).or_default();
        if !group.contains(code) {
            group.push(*code);
        }
    }
    by_status
        .into_iter()
        .map(|(status, codes)| {
            let response = match codes.as_slice() {
                [code] => json!({ "$ref": format!("#/components/responses/{code}") }),
                several => failure(several),
            };
            (status.to_string(), response)
        })
        .collect()
}

/// Adds codes that an operation can fail with to its `responses`, each with an example.
pub fn add_responses(responses: &mut Map<String, Value>, codes: &[Code]) {
    for code in codes.iter().copied().filter(|code| answered(*code)) {
        let response = responses
            .entry(code.status().to_string())
            .or_insert_with(|| failure(&[code]));
        // One that stands for itself is written out.
        let reference = response.get("$ref").and_then(Value::as_str);
        let alone = reference.and_then(|reference| Code::parse(reference.rsplit('/').next()?));
        if let Some(alone) = alone {
            *response = failure(&[alone]);
        }
        let told = format!("`{code}`: {}.", code.title());
        let before = response["description"].as_str().unwrap_or_default();
        if !before.contains(&told) {
            response["description"] = format!("{before}\n\n{told}").into();
        }
        if let (Some(headers), Value::Object(more)) = (
            response["headers"].as_object_mut(),
            failure(&[code])["headers"].take(),
        ) {
            headers.extend(more);
        }
        response["content"][JSON]["examples"][code.as_str()] = example(code);
    }
}

/// What a client sees of a code.
fn example(code: Code) -> Value {
    json!({
        "summary": code.title(),
        "value": {
            "success": false,
            "error": {
                "statusCode": code.status(),
                "code": code.as_str(),
                "message": code.title(),
                "details": [],
                "correlationId": "0196BG0E5RV19DAYYYHEF21QXZ",
                "timestamp": "2026-11-21T05:32:00.123456Z",
            },
        },
    })
}

/// A response with a JSON body and the headers every answer has.
pub fn success(description: &str, body: Value) -> Value {
    json!({
        "description": description,
        "headers": headers(&["X-Request-Id", "X-Correlation-Id"]),
        "content": { JSON: { "schema": body } },
    })
}

/// `components.responses`: one per code that a request can meet.
pub(super) fn shared(codes: &ApplicationCodes) -> Map<String, Value> {
    codes
        .all()
        .filter(|code| answered(*code))
        .map(|code| (code.to_string(), failure(&[code])))
        .collect()
}

/// Codes of the command line are never an answer, except the one a running server can meet.
fn answered(code: Code) -> bool {
    code.stage() != Stage::Command || code == Code::SchemaPending
}

fn failure(codes: &[Code]) -> Value {
    let description: Vec<_> = codes
        .iter()
        .map(|code| format!("`{code}`: {}.", code.title()))
        .collect();
    let mut names = vec!["X-Request-Id", "X-Correlation-Id"];
    if codes.iter().any(|code| matches!(code.status(), 429 | 503)) {
        names.push("Retry-After");
    }
    if codes.iter().any(|code| code.status() == 401) {
        names.push("WWW-Authenticate");
    }
    if codes.contains(&Code::MethodNotAllowed) {
        names.push("Allow");
    }
    json!({
        "description": description.join("\n\n"),
        "headers": headers(&names),
        "content": {
            JSON: { "schema": schema("Error") },
            PROBLEM_JSON: { "schema": schema("Problem") },
        },
    })
}

fn headers(names: &[&str]) -> Value {
    names
        .iter()
        .map(|name| {
            (
                (*name).to_owned(),
                json!({ "$ref": format!("#/components/headers/{name}") }),
            )
        })
        .collect::<Map<_, _>>()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_one_status_share_a_response() {
        let found = responses(&[
            Code::NotFound,
            Code::ValidationFailed,
            Code::UnknownField,
            Code::ValidationFailed,
            Code::DataLossRefused,
        ]);
        assert_eq!(found.keys().collect::<Vec<_>>(), ["400", "404"]);
        assert_eq!(
            found["404"],
            json!({ "$ref": "#/components/responses/NOT_FOUND" })
        );
        let description = found["400"]["description"].as_str().unwrap();
        assert!(
            description.contains("`VALIDATION_FAILED`") && description.contains("`UNKNOWN_FIELD`")
        );
        assert_eq!(description.matches("VALIDATION_FAILED").count(), 1);
    }

    #[test]
    fn command_line_codes_are_no_answers() {
        let shared = shared(&ApplicationCodes::default());
        assert!(!shared.contains_key("DATA_LOSS_REFUSED"));
        assert!(shared.contains_key("SCHEMA_PENDING"));
        assert!(shared["TIMEOUT"]["headers"].get("Retry-After").is_some());
    }
}
