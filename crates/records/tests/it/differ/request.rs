//! A request as a value that both sides can be sent: ids of records stand in it as tokens (`⟦12⟧`),
//! which each side replaces by its own.

use serde_json::Value;
use std::fmt;

/// A request.
#[derive(Clone, Debug, Default)]
pub(super) struct Request {
    pub(super) method: &'static str,
    /// Below the prefix: `/products/⟦3⟧`.
    pub(super) path: String,
    /// The query, not encoded.
    pub(super) pairs: Vec<(String, String)>,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Option<Value>,
    /// Text to send instead of a body of JSON.
    pub(super) raw: Option<String>,
}

impl Request {
    pub(super) fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            ..Self::default()
        }
    }

    pub(super) fn with(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.pairs.push((key.into(), value.into()));
        self
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// The text of the body.
    pub(super) fn text(&self) -> Option<String> {
        self.raw
            .clone()
            .or_else(|| self.body.as_ref().map(Value::to_string))
    }

    /// The address, with every value written by `write`.
    pub(super) fn address(&self, write: &dyn Fn(&str) -> String) -> String {
        let mut out = write(&self.path);
        for (position, (key, value)) in self.pairs.iter().enumerate() {
            out.push(if position == 0 { '?' } else { '&' });
            encode(&write(key), &mut out);
            out.push('=');
            encode(&write(value), &mut out);
        }
        out
    }
}

impl fmt::Display for Request {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.method, self.path)?;
        for (position, (key, value)) in self.pairs.iter().enumerate() {
            let sign = if position == 0 { '?' } else { '&' };
            write!(out, "\n  {sign}{key}={value}")?;
        }
        for (name, value) in &self.headers {
            write!(out, "\n  {name}: {value}")?;
        }
        match self.text() {
            Some(text) => write!(out, "\n  {text}"),
            None => Ok(()),
        }
    }
}

fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~[],:()*".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}
