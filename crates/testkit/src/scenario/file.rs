//! A scenario file read into steps; every unknown or misspelt key is an error with its step. Not
//! for running them.

use super::yaml;
use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value};
use std::path::Path;

/// A file of steps, run in order against one fresh database.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// The file's name without its ending.
    pub name: String,
    /// The steps in order.
    pub steps: Vec<Step>,
}

/// One request and what must come of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What the step shows, in a few words.
    pub name: String,
    /// What is sent.
    pub request: Request,
    /// What must come back.
    pub expect: Expectation,
    /// What later steps may use: name and JSON pointer into the answer's body.
    pub save: Vec<(String, String)>,
}

/// What is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The method, `GET` when nothing is said.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// The headers; a `content-type` is added to a body that has none.
    pub headers: Vec<(String, String)>,
    /// The body as a value, sent as JSON.
    pub body: Option<Value>,
    /// The body as text, sent as it is; for what is not JSON.
    pub text: Option<String>,
}

/// What must come back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expectation {
    /// The status; without one any 2xx.
    pub status: Option<u16>,
    /// Headers by name; `$any` for any value, null for a header that must be absent.
    pub headers: Vec<(String, Option<String>)>,
    /// What the body must hold.
    pub body: Option<Value>,
    /// Texts that the body must contain; for what is not JSON.
    pub text: Vec<String>,
    /// The newest journal rows, the newest last.
    pub journal: Option<Vec<Value>>,
}

impl Scenario {
    /// Reads a `.yaml`, `.yml` or `.json` file.
    pub fn load(path: &Path) -> Result<Self> {
        let place = || format!("`{}`", path.display());
        let text = std::fs::read_to_string(path).with_context(place)?;
        let name = path
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default();
        Self::parse(&name, &text).with_context(place)
    }

    /// Reads the text of a scenario.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let Value::Array(items) = yaml::parse(text)? else {
            bail!("a scenario is a list of steps");
        };
        if items.is_empty() {
            bail!("a scenario has at least one step");
        }
        let mut steps = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            steps.push(step(item).with_context(|| format!("step {}", index + 1))?);
        }
        Ok(Self {
            name: name.to_owned(),
            steps,
        })
    }
}

fn step(value: Value) -> Result<Step> {
    let mut members = object(value, "a step")?;
    let name = match members.remove("name") {
        Some(Value::String(name)) => name,
        _ => bail!("a step has a `name`"),
    };
    let read = |members: &mut Map<String, Value>| -> Result<Step> {
        let request = members.remove("request").context("`request` is missing")?;
        let request = request_of(object(request, "`request`")?)?;
        let expect = match members.remove("expect") {
            Some(value) => expectation(object(value, "`expect`")?)?,
            None => Expectation::default(),
        };
        let mut save = Vec::new();
        for (name, pointer) in optional_object(members, "save")? {
            match pointer {
                Value::String(pointer) if pointer.starts_with('/') => save.push((name, pointer)),
                other => bail!("`save.{name}` is a JSON pointer such as `/data/id`, not {other}"),
            }
        }
        nothing_left(members, "a step", "name, request, expect, save")?;
        Ok(Step {
            name: name.clone(),
            request,
            expect,
            save,
        })
    };
    read(&mut members).with_context(|| format!("`{name}`"))
}

fn request_of(mut members: Map<String, Value>) -> Result<Request> {
    let method = optional_text(&mut members, "method")?.unwrap_or_else(|| "GET".to_owned());
    let path = optional_text(&mut members, "path")?.context("`request.path` is missing")?;
    if !path.starts_with('/') {
        bail!("`request.path` begins with `/`, not `{path}`");
    }
    let mut headers = Vec::new();
    for (name, value) in optional_object(&mut members, "headers")? {
        headers.push((name, scalar_text(value)?));
    }
    let body = members.remove("body");
    let text = optional_text(&mut members, "text")?;
    if body.is_some() && text.is_some() {
        bail!("a request has a `body` or a `text`, not both");
    }
    nothing_left(&members, "`request`", "method, path, headers, body, text")?;
    Ok(Request {
        method,
        path,
        headers,
        body,
        text,
    })
}

fn expectation(mut members: Map<String, Value>) -> Result<Expectation> {
    let status = match members.remove("status") {
        None => None,
        Some(value) => Some(
            value
                .as_u64()
                .and_then(|status| u16::try_from(status).ok())
                .with_context(|| format!("`expect.status` is a number, not {value}"))?,
        ),
    };
    let mut headers = Vec::new();
    for (name, value) in optional_object(&mut members, "headers")? {
        let value = match value {
            Value::Null => None,
            other => Some(scalar_text(other)?),
        };
        headers.push((name, value));
    }
    let journal = match members.remove("journal") {
        None => None,
        Some(Value::Array(rows)) => Some(rows),
        Some(other) => bail!("`expect.journal` is a list of rows, not {other}"),
    };
    let text = match members.remove("text") {
        None => Vec::new(),
        Some(Value::Array(texts)) => texts
            .into_iter()
            .map(scalar_text)
            .collect::<Result<_>>()
            .context("`expect.text`")?,
        Some(text) => vec![scalar_text(text).context("`expect.text`")?],
    };
    let body = members.remove("body");
    nothing_left(&members, "`expect`", "status, headers, body, text, journal")?;
    Ok(Expectation {
        status,
        headers,
        body,
        text,
        journal,
    })
}

fn object(value: Value, what: &str) -> Result<Map<String, Value>> {
    match value {
        Value::Object(members) => Ok(members),
        other => bail!("{what} is an object, not {other}"),
    }
}

fn optional_object(members: &mut Map<String, Value>, key: &str) -> Result<Map<String, Value>> {
    match members.remove(key) {
        None => Ok(Map::new()),
        Some(value) => object(value, &format!("`{key}`")),
    }
}

fn optional_text(members: &mut Map<String, Value>, key: &str) -> Result<Option<String>> {
    match members.remove(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => bail!("`{key}` is a text, not {other}"),
    }
}

fn scalar_text(value: Value) -> Result<String> {
    match value {
        Value::String(text) => Ok(text),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        other => bail!("a text is expected, not {other}"),
    }
}

fn nothing_left(members: &Map<String, Value>, what: &str, known: &str) -> Result<()> {
    match members.keys().next() {
        None => Ok(()),
        Some(key) => bail!("{what} has no `{key}`; it has {known}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_step_is_read_whole() {
        let text = "
- name: create
  request:
    method: POST
    path: /api/v1/products
    headers: { x-a: 1 }
    body: { name: pen }
  expect:
    status: 201
    headers: { location: $any, x-none: null }
    body: { data: { id: $ulid } }
    text: one
    journal: [{ resource: products }]
  save: { id: /data/id }
- name: list
  request: { path: /api/v1/products }
";
        let scenario = Scenario::parse("one", text).unwrap();
        assert_eq!(
            scenario.steps,
            [
                Step {
                    name: "create".into(),
                    request: Request {
                        method: "POST".into(),
                        path: "/api/v1/products".into(),
                        headers: vec![("x-a".into(), "1".into())],
                        body: Some(json!({"name": "pen"})),
                        text: None,
                    },
                    expect: Expectation {
                        status: Some(201),
                        headers: vec![
                            ("location".into(), Some("$any".into())),
                            ("x-none".into(), None)
                        ],
                        body: Some(json!({"data": {"id": "$ulid"}})),
                        text: vec!["one".into()],
                        journal: Some(vec![json!({"resource": "products"})]),
                    },
                    save: vec![("id".into(), "/data/id".into())],
                },
                Step {
                    name: "list".into(),
                    request: Request {
                        method: "GET".into(),
                        path: "/api/v1/products".into(),
                        headers: vec![],
                        body: None,
                        text: None,
                    },
                    expect: Expectation::default(),
                    save: vec![],
                },
            ]
        );
    }

    #[track_caller]
    fn check_error(text: &str, expected: &str) {
        let error = format!("{:#}", Scenario::parse("one", text).unwrap_err());
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn mistakes_are_named_with_their_step() {
        check_error("a: 1", "a list of steps");
        check_error("[]", "at least one step");
        check_error("- request: {path: /}", "step 1: a step has a `name`");
        check_error("- {name: a}", "step 1: `a`: `request` is missing");
        check_error("- {name: a, request: {path: x}}", "begins with `/`");
        check_error(
            "- {name: a, request: {path: /, bdy: 1}}",
            "`request` has no `bdy`",
        );
        check_error(
            "- {name: a, request: {path: /}, expects: {}}",
            "no `expects`",
        );
        check_error(
            "- {name: a, request: {path: /}, expect: {status: ok}}",
            "a number",
        );
        check_error(
            "- {name: a, request: {path: /}, save: {id: data}}",
            "JSON pointer",
        );
        check_error(
            "- {name: a, request: {path: /, body: 1, text: x}}",
            "not both",
        );
    }
}
