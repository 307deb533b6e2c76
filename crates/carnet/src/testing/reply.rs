//! What a request of a test was answered, with assertions that show the whole answer.

use http::response::Parts;
use serde_json::Value;

/// An answer.
#[derive(Debug)]
pub struct TestReply {
    path: String,
    parts: Parts,
    body: Value,
}

impl TestReply {
    pub(super) fn new(path: String, parts: Parts, bytes: &[u8]) -> Self {
        let body = serde_json::from_slice(bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()));
        Self { path, parts, body }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.parts.status.as_u16()
    }

    /// A header, if it is there.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name)?.to_str().ok()
    }

    /// The whole body.
    pub fn body(&self) -> &Value {
        &self.body
    }

    /// The member `data`.
    pub fn data(&self) -> &Value {
        &self.body["data"]
    }

    /// The id of the record that is answered.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    pub fn id(&self) -> String {
        match self.body["data"]["id"].as_str() {
            Some(id) => id.to_owned(),
            None => panic!("{}: no id in {:#}", self.path, self.body),
        }
    }

    /// The stable code of a refusal; empty for a success.
    pub fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    /// Fails unless the status is this one.
    #[track_caller]
    pub fn assert_status(&self, status: u16) -> &Self {
        assert_eq!(self.status(), status, "{}: {:#}", self.path, self.body);
        self
    }

    /// Fails unless it was refused with this code.
    #[track_caller]
    pub fn assert_code(&self, code: &str) -> &Self {
        assert_eq!(self.code(), code, "{}: {:#}", self.path, self.body);
        self
    }
}
