//! The journal as its readers see it: rows and cursors. Written only by the write path.

use carnet_kernel::{Id, PrincipalRef, TenantKey, Timestamp};
use std::fmt;
use std::str::FromStr;

/// One change of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalRow {
    /// Rises with time; on PostgreSQL not the order of commits.
    pub sequence: i64,
    /// Whose record; 0 for the platform's.
    pub tenant: TenantKey,
    /// The resource's name.
    pub resource: String,
    /// The record's id.
    pub record: Id,
    /// The record's version afterwards.
    pub version: i64,
    /// `create`, `update`, `delete`, `restore`, `purge`.
    pub kind: String,
    /// Who did it.
    pub principal: Option<PrincipalRef>,
    /// What request it belongs to.
    pub correlation: Id,
    /// What set it in motion.
    pub causation: Option<Id>,
    /// When.
    pub at: Timestamp,
    /// Which row of `carnet_schemas` the body is written by.
    pub schema_version: i64,
    /// JSON images: create and restore `{after}`, update `{before, after}`, delete and purge
    /// `{before}`; `{summary}` where the resource keeps no images, with the ids of all records that
    /// one statement changed.
    pub body: String,
}

impl JournalRow {
    /// The records that the row is about: its own, or all those of a summary.
    pub fn records(&self) -> Vec<Id> {
        #[derive(serde::Deserialize)]
        struct Body {
            summary: Summary,
        }
        #[derive(serde::Deserialize)]
        struct Summary {
            ids: Vec<String>,
        }
        if !self.body.starts_with("{\"summary\"") {
            return vec![self.record];
        }
        match serde_json::from_str::<Body>(&self.body) {
            Ok(Body { summary }) => {
                let id = |text: &String| text.parse().or_else(|_| Id::parse_uuid(text)).ok();
                summary.ids.iter().filter_map(id).collect()
            }
            Err(_) => vec![self.record],
        }
    }
}

/// How far a reader of one placement's journal has come. Opaque outside; two kinds, because on
/// PostgreSQL a sequence is drawn before it is known which transaction commits first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JournalCursor {
    /// Everything.
    Start,
    /// SQLite: all rows up to this sequence were seen.
    Sequence(i64),
    /// PostgreSQL: all rows visible to the snapshot `done` were seen, and of those visible to
    /// `doing` but not to `done` the ones up to `sequence`; `doing` equals `done` between batches.
    Snapshot {
        /// `pg_snapshot` text.
        done: String,
        /// `pg_snapshot` text.
        doing: String,
        /// The last sequence of the batch that is being read.
        sequence: i64,
    },
}

impl fmt::Display for JournalCursor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => out.write_str("start"),
            Self::Sequence(sequence) => write!(out, "s/{sequence}"),
            Self::Snapshot {
                done,
                doing,
                sequence,
            } => write!(out, "p/{done}/{doing}/{sequence}"),
        }
    }
}

/// The text is not a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadCursor;

impl FromStr for JournalCursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let snapshot = |text: &str| {
            let good = !text.is_empty()
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || byte == b':' || byte == b',');
            good.then(|| text.to_owned()).ok_or(BadCursor)
        };
        let parts: Vec<&str> = text.split('/').collect();
        match parts.as_slice() {
            ["start"] => Ok(Self::Start),
            ["s", sequence] => sequence.parse().map(Self::Sequence).map_err(|_| BadCursor),
            ["p", done, doing, sequence] => Ok(Self::Snapshot {
                done: snapshot(done)?,
                doing: snapshot(doing)?,
                sequence: sequence.parse().map_err(|_| BadCursor)?,
            }),
            _ => Err(BadCursor),
        }
    }
}
