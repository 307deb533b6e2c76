//! What operations fail with: for each status a response whose schema names the codes that it can
//! carry, so that clients and checkers know them. Not which operation fails with what.

use super::{Fragment, JSON, PROBLEM_JSON, schema};
use carnet_kernel::{ApplicationCodes, Code, Stage};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};

/// What an operation can fail with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    described: Vec<Code>,
    shown: Vec<Code>,
    passed_on: Vec<Code>,
    open: bool,
}

impl Failures {
    /// These codes, each described under its status.
    pub fn of(codes: impl IntoIterator<Item = Code>) -> Self {
        let mut failures = Self::default();
        failures.add(codes);
        failures
    }

    /// Adds codes that are described.
    pub fn add(&mut self, codes: impl IntoIterator<Item = Code>) {
        extend(&mut self.described, codes);
    }

    /// Adds codes that are described and shown by an example: those of the application's code.
    pub fn show(&mut self, codes: impl IntoIterator<Item = Code>) {
        extend(&mut self.shown, codes);
    }

    /// Adds codes that an answer can carry where its status is there for others: what code may pass
    /// on. They are not worth words at every operation.
    pub fn pass_on(&mut self, codes: impl IntoIterator<Item = Code>) {
        extend(&mut self.passed_on, codes);
    }

    /// Says that there may be other codes as well: code does not say what it refuses with.
    pub fn open(&mut self) {
        self.open = true;
    }

    /// The `responses` members for them, by status. Merge them into the operation's own successes.
    pub fn responses(&self) -> Map<String, Value> {
        let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
        for code in self.described.iter().chain(&self.shown) {
            extend(by_status.entry(code.status()).or_default(), [*code]);
        }
        by_status
            .into_iter()
            .map(|(status, codes)| (status.to_string(), self.response(status, &codes)))
            .collect()
    }

    fn response(&self, status: u16, described: &[Code]) -> Value {
        let of_status = |code: &&Code| code.status() == status;
        let mut carried = described.to_vec();
        extend(
            &mut carried,
            self.passed_on.iter().filter(of_status).copied(),
        );
        let shown: Vec<&Code> = self.shown.iter().filter(of_status).collect();
        if let ([code], false, true) = (carried.as_slice(), self.open, shown.is_empty()) {
            return json!({ "$ref": format!("#/components/responses/{code}") });
        }
        let mut response = failure(described, &carried, self.open);
        for code in shown {
            response["content"][JSON]["examples"][code.as_str()] = example(*code);
        }
        response
    }
}

impl Fragment {
    /// Puts failures that several operations answer alike among the components, each once: every
    /// resource has them, and they would be most of the document.
    pub fn share_failures(&mut self) {
        let mut seen: HashMap<String, usize> = HashMap::new();
        each_failure(&mut self.paths, &mut |_, response| {
            *seen.entry(response.to_string()).or_default() += 1;
        });
        let shared = &mut self.responses;
        each_failure(&mut self.paths, &mut |status, response| {
            let text = response.to_string();
            let name = format!("{status}.{:08x}", hash(&text));
            if seen.get(&text).is_none_or(|times| *times < 2)
                || shared.get(&name).is_some_and(|other| other != response)
            {
                return;
            }
            let reference = json!({ "$ref": format!("#/components/responses/{name}") });
            shared.insert(name, std::mem::replace(response, reference));
        });
    }
}

/// Every response that tells a failure and is written out.
fn each_failure(paths: &mut Map<String, Value>, visit: &mut dyn FnMut(&str, &mut Value)) {
    let items = paths.values_mut().filter_map(Value::as_object_mut);
    let operations = items.flat_map(|item| item.values_mut());
    let responses = operations.filter_map(|one| one.get_mut("responses")?.as_object_mut());
    for (status, response) in responses.flatten() {
        if status.starts_with(['4', '5']) && response.get("$ref").is_none() {
            visit(status, response);
        }
    }
}

/// FNV-1a: the same name for the same text in every release.
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

/// Adds codes that are answered and not there yet.
fn extend(codes: &mut Vec<Code>, more: impl IntoIterator<Item = Code>) {
    for code in more.into_iter().filter(|code| answered(*code)) {
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
}

/// `components.responses`: one per code that a request can meet.
pub(super) fn shared(codes: &ApplicationCodes) -> Map<String, Value> {
    codes
        .all()
        .filter(|code| answered(*code))
        .map(|code| (code.to_string(), failure(&[code], &[code], false)))
        .collect()
}

/// Codes of the command line are never an answer, except the one a running server can meet.
fn answered(code: Code) -> bool {
    code.stage() != Stage::Command || code == Code::SchemaPending
}

/// One status: what is said of it, and which codes it carries, or some of them.
fn failure(described: &[Code], carried: &[Code], open: bool) -> Value {
    let description: Vec<_> = described
        .iter()
        .map(|code| format!("`{code}`: {}.", code.title()))
        .collect();
    let mut names = vec!["X-Request-Id", "X-Correlation-Id"];
    if described
        .iter()
        .any(|code| matches!(code.status(), 429 | 503))
    {
        names.push("Retry-After");
    }
    if described.iter().any(|code| code.status() == 401) {
        names.push("WWW-Authenticate");
    }
    if described.contains(&Code::MethodNotAllowed) {
        names.push("Allow");
    }
    let words: Vec<&str> = carried.iter().map(|code| code.as_str()).collect();
    let code = match open {
        true => json!({ "code": { "examples": words } }),
        false => json!({ "code": { "enum": words } }),
    };
    let narrowed = |name: &str, properties: Value| json!({ "allOf": [schema(name), { "properties": properties }] });
    json!({
        "description": description.join("\n\n"),
        "headers": headers(&names),
        "content": {
            JSON: { "schema": narrowed("Error", json!({ "error": { "properties": code } })) },
            PROBLEM_JSON: { "schema": narrowed("Problem", code) },
        },
    })
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

pub(super) fn headers(names: &[&str]) -> Value {
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
    use carnet_kernel::ApplicationCode;

    const SOLD_OUT: ApplicationCode = ApplicationCode::new("SOLD_OUT", 409, "Nothing is left");

    fn codes(response: &Value, word: &str) -> Value {
        let json = &response["content"][JSON]["schema"]["allOf"];
        let problem = &response["content"][PROBLEM_JSON]["schema"]["allOf"];
        let code = &json[1]["properties"]["error"]["properties"]["code"];
        assert_eq!(code, &problem[1]["properties"]["code"], "{response}");
        assert_eq!(json[0], schema("Error"));
        assert_eq!(problem[0], schema("Problem"));
        code[word].clone()
    }

    #[test]
    fn codes_of_one_status_share_a_response() {
        let found = Failures::of([
            Code::NotFound,
            Code::ValidationFailed,
            Code::UnknownField,
            Code::ValidationFailed,
            Code::DataLossRefused,
        ])
        .responses();
        assert_eq!(found.keys().collect::<Vec<_>>(), ["400", "404"]);
        assert_eq!(
            found["404"],
            json!({ "$ref": "#/components/responses/NOT_FOUND" })
        );
        let description = found["400"]["description"].as_str().unwrap();
        assert_eq!(description.matches("VALIDATION_FAILED").count(), 1);
        let expected = json!(["VALIDATION_FAILED", "UNKNOWN_FIELD"]);
        assert_eq!(codes(&found["400"], "enum"), expected);
    }

    #[test]
    fn codes_of_code_are_shown_and_what_it_passes_on_is_carried() {
        let mut failures = Failures::of([Code::VersionConflict, Code::Internal]);
        failures.show([Code::from(&SOLD_OUT), Code::Locked]);
        failures.pass_on([Code::UniqueViolation, Code::NotFound]);
        let found = failures.responses();
        // What is passed on brings no status of its own.
        assert_eq!(found.keys().collect::<Vec<_>>(), ["409", "423", "500"]);
        let expected = json!(["VERSION_CONFLICT", "SOLD_OUT", "UNIQUE_VIOLATION"]);
        assert_eq!(codes(&found["409"], "enum"), expected);
        let description = found["409"]["description"].as_str().unwrap();
        assert!(description.contains("`SOLD_OUT`: Nothing is left."));
        assert!(!description.contains("UNIQUE_VIOLATION"));
        let example = &found["409"]["content"][JSON]["examples"]["SOLD_OUT"]["value"];
        assert_eq!(example["error"]["statusCode"], 409);
        assert_eq!(codes(&found["423"], "enum"), json!(["LOCKED"]));
    }

    #[test]
    fn failures_that_are_alike_are_written_once() {
        let both = || Value::Object(Failures::of([Code::Conflict, Code::Locked]).responses());
        let two = Failures::of([Code::Conflict, Code::InvalidState]);
        let two = || Value::Object(two.responses());
        let mut fragment = Fragment::default();
        let item = json!({ "get": { "responses": two() }, "put": { "responses": both() } });
        fragment.paths.insert("/a".to_owned(), item);
        let item = json!({ "parameters": [], "get": { "responses": two() } });
        fragment.paths.insert("/b".to_owned(), item);
        fragment.share_failures();
        assert_eq!(fragment.responses.len(), 1);
        let (name, response) = fragment.responses.iter().next().unwrap();
        assert_eq!(
            codes(response, "enum"),
            json!(["CONFLICT", "INVALID_STATE"])
        );
        let reference = json!({ "$ref": format!("#/components/responses/{name}") });
        for path in ["/a", "/b"] {
            assert_eq!(fragment.paths[path]["get"]["responses"]["409"], reference);
        }
        assert_eq!(fragment.paths["/a"]["put"]["responses"], both());
    }

    #[test]
    fn what_is_not_known_is_left_open() {
        let mut failures = Failures::of([Code::Internal]);
        failures.open();
        let found = failures.responses();
        assert_eq!(codes(&found["500"], "enum"), Value::Null);
        assert_eq!(codes(&found["500"], "examples"), json!(["INTERNAL"]));
    }

    #[test]
    fn command_line_codes_are_no_answers() {
        let shared = shared(&ApplicationCodes::default());
        assert!(!shared.contains_key("DATA_LOSS_REFUSED"));
        assert!(shared.contains_key("SCHEMA_PENDING"));
        assert!(shared["TIMEOUT"]["headers"].get("Retry-After").is_some());
        assert_eq!(codes(&shared["TIMEOUT"], "enum"), json!(["TIMEOUT"]));
    }
}
