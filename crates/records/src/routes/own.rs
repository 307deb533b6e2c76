//! Answers of logic that are not the operation's own: a value, another status, another message.

use crate::command::{Answer, Told};
use axum::response::Response;
use carnet_web::accept::Media;
use carnet_web::envelope::{respond, success};
use http::StatusCode;

/// What of an answer goes out.
pub(super) struct Own<'a> {
    pub(super) data: &'a [u8],
    pub(super) version: Option<i64>,
    told: Option<&'a Told>,
}

impl<'a> Own<'a> {
    /// `None` for the answer of an operation as it is.
    pub(super) fn of(answer: &'a Answer) -> Option<Self> {
        let (answer, told) = match answer {
            Answer::Told(told) => (&told.answer, Some(told.as_ref())),
            Answer::Value(_) => (answer, None),
            _ => return None,
        };
        let (data, version): (&[u8], _) = match answer {
            Answer::Value(json) => (json, None),
            Answer::Record(record) => (&record.json, record.version),
            Answer::List(list) => (&list.listing.json, None),
            Answer::Groups(groups) => (&groups.groups.json, None),
            Answer::Matching { json, .. } | Answer::Batch { json, .. } => (json, None),
            Answer::Deleted | Answer::Replayed(_) | Answer::Told(_) => (b"null", None),
        };
        Some(Self {
            data,
            version,
            told,
        })
    }

    /// Its status, or the operation's.
    pub(super) fn status(&self, usual: StatusCode) -> StatusCode {
        let stated = self.told.and_then(|told| told.status);
        stated
            .and_then(|status| StatusCode::from_u16(status).ok())
            .unwrap_or(usual)
    }

    /// Its message, or the operation's.
    pub(super) fn message(&self, usual: impl FnOnce() -> String) -> String {
        let stated = self.told.and_then(|told| told.message.clone());
        stated.unwrap_or_else(usual)
    }

    /// As an answer to a read.
    pub(super) fn respond(&self, media: Media, usual: &str) -> Response {
        let message = self.message(|| usual.to_owned());
        respond(
            self.status(StatusCode::OK),
            media,
            success(self.data, &message),
        )
    }
}
