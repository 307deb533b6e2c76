//! Answers of logic that are not the operation's own: a value, another status, another message.

use crate::command::{Answer, Told};
use axum::response::Response;
use carnet_kernel::Id;
use carnet_web::accept::Media;
use carnet_web::envelope::{respond, success};
use http::StatusCode;

/// What of an answer goes out.
pub(super) struct Own<'a> {
    pub(super) data: &'a [u8],
    pub(super) version: Option<i64>,
    /// The id of a record that was made.
    pub(super) created: Option<Id>,
    told: Option<&'a Told>,
}

impl<'a> Own<'a> {
    /// `None` for the answer of an operation as it is.
    pub(super) fn of(answer: &'a Answer) -> Option<Self> {
        matches!(answer, Answer::Told(_) | Answer::Value(_)).then(|| Self::any(answer))
    }

    /// Of an action, which has no answer of its own: whatever its logic gave.
    pub(super) fn any(answer: &'a Answer) -> Self {
        let (answer, told) = match answer {
            Answer::Told(told) => (&told.answer, Some(told.as_ref())),
            answer => (answer, None),
        };
        let (mut version, mut created) = (None, None);
        let data: &[u8] = match answer {
            Answer::Value(json) => json,
            Answer::Record(record) => {
                (version, created) = (record.version, record.created);
                &record.json
            }
            Answer::List(list) => &list.listing.json,
            Answer::Groups(groups) => &groups.groups.json,
            Answer::Matching { json, .. } | Answer::Batch { json, .. } => json,
            Answer::Deleted | Answer::Replayed(_) | Answer::Told(_) | Answer::Streamed(_) => {
                b"null"
            }
        };
        Self {
            data,
            version,
            created,
            told,
        }
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
