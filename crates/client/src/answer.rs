//! What a service outside answered, read whole.

use crate::Error;
use bytes::Bytes;
use http::HeaderMap;
use serde::de::DeserializeOwned;

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub(crate) host: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// Its status: 200, 404.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Whether the status tells success.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Itself when the status tells success.
    ///
    /// Errors: [`Error::Status`].
    pub fn success(self) -> Result<Self, Error> {
        match self.is_success() {
            true => Ok(self),
            false => Err(Error::Status {
                host: self.host,
                status: self.status,
            }),
        }
    }

    /// The value of a header that is there once and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body.
    pub fn bytes(&self) -> &Bytes {
        &self.body
    }

    /// The body as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body, which is JSON, as a value.
    ///
    /// Errors: [`Error::Unreadable`].
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| Error::Unreadable {
            host: self.host.clone(),
            why: error.to_string(),
        })
    }
}
