//! Everything the store can answer instead of what was asked. Database text stays in
//! `Error::Internal` and `Error::Unavailable`, which are logged and never shown.

use carnet_kernel::{ByteSize, Code, Detail, Refusal};
use carnet_model::{FieldIndex, ModelView, ResourceIndex};
use thiserror::Error;

/// A store failure.
#[derive(Debug, Error)]
pub enum Error {
    /// A unit refused.
    #[error("{0}")]
    Refused(Refusal),
    /// Another record has the same values.
    #[error("a unique constraint is violated")]
    Unique {
        /// Of which resource.
        resource: ResourceIndex,
        /// The members of the constraint; the key alone for a duplicate id.
        fields: Vec<FieldIndex>,
    },
    /// A reference leads nowhere.
    #[error("a reference leads nowhere")]
    ReferenceMissing {
        /// Of which resource.
        resource: ResourceIndex,
        /// Which reference.
        field: FieldIndex,
    },
    /// Other records refer to the one that was to be deleted.
    #[error("other records refer to this one")]
    InUse {
        /// The deleted record's resource.
        resource: ResourceIndex,
        /// The resource and reference that hold it, when known.
        by: Option<(ResourceIndex, FieldIndex)>,
    },
    /// The write lost its race again and again.
    #[error("the record keeps changing")]
    Conflict,
    /// The key of the receipt stands for another request.
    #[error("the key of the receipt stands for another request")]
    KeyReused,
    /// A write with the same receipt is being carried out.
    #[error("a write with the same receipt is being carried out")]
    UnderWay,
    /// The transaction outlived its budget.
    #[error("the transaction outlived its budget")]
    TooLong,
    /// The code of a transaction waited for the outside world while others waited for it.
    #[error("a transaction waited for something else while others waited for it")]
    Stalled,
    /// The code of a transaction holds on to it after its end.
    #[error("the transaction has ended")]
    TransactionOver,
    /// A statement outlived its time.
    #[error("a statement outlived its time")]
    Timeout,
    /// The database cannot be reached or takes no more work.
    #[error("the database cannot be reached: {0}")]
    Unavailable(String),
    /// The answer to a read outgrew what one answer may take.
    #[error("the answer is larger than {limit}")]
    AnswerTooLarge {
        /// The most that is allowed.
        limit: ByteSize,
        /// The query parameter that asks for less.
        parameter: &'static str,
    },
    /// The disk or the file's page limit is full.
    #[error("the storage is full")]
    Full,
    /// A commit failed in a way that leaves its effect unknown.
    #[error("it is not known whether the write took effect: {0}")]
    OutcomeUnknown(String),
    /// The database has not the definition's schema.
    #[error("{0}")]
    SchemaPending(String),
    /// The application role does not exist and may not be created by this login.
    #[error("{0}")]
    RoleMissing(String),
    /// The role would see every tenant.
    #[error("{0}")]
    WallBypassed(String),
    /// A change would lose data and was not allowed to.
    #[error("{0}")]
    DataLoss(String),
    /// A migration could not be applied.
    #[error("{0}")]
    Migration(String),
    /// The database was changed by another hand.
    #[error("{0}")]
    Drift(String),
    /// The configuration cannot be used.
    #[error("{0}")]
    Configuration(String),
    /// A mistake of ours or an answer nobody expected.
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// Its public code.
    pub fn code(&self) -> Code {
        match self {
            Self::Refused(refusal) => refusal.code,
            Self::Unique { .. } => Code::UniqueViolation,
            Self::ReferenceMissing { .. } => Code::ReferenceNotFound,
            Self::InUse { .. } => Code::RecordInUse,
            Self::Conflict => Code::VersionConflict,
            Self::KeyReused => Code::IdempotencyKeyReused,
            Self::UnderWay => Code::IdempotencyInProgress,
            Self::TooLong => Code::TransactionTooLong,
            Self::Stalled => Code::TransactionStalled,
            Self::TransactionOver => Code::TransactionOver,
            Self::Timeout => Code::Timeout,
            Self::Unavailable(_) => Code::DatabaseUnavailable,
            Self::AnswerTooLarge { .. } => Code::AnswerTooLarge,
            Self::Full => Code::StorageFull,
            Self::OutcomeUnknown(_) => Code::OutcomeUnknown,
            Self::SchemaPending(_) => Code::SchemaPending,
            Self::RoleMissing(_) => Code::RoleMissing,
            Self::WallBypassed(_) => Code::WallBypassed,
            Self::DataLoss(_) => Code::DataLossRefused,
            Self::Migration(_) => Code::MigrationFailed,
            Self::Drift(_) => Code::SchemaDrift,
            Self::Configuration(_) => Code::ConfigurationInvalid,
            Self::Internal(_) => Code::Internal,
        }
    }

    /// What a client is told, with the names of `view`.
    pub fn refusal(&self, view: &ModelView) -> Refusal {
        let code = self.code();
        // What a version does not show it does not name either.
        let shown = |resource: ResourceIndex, field: FieldIndex| {
            let field = view.resource(resource).field(field);
            (!field.hidden).then(|| field.name.clone())
        };
        match self {
            Self::Refused(refusal) => refusal.clone(),
            Self::Unique { resource, fields } => {
                let names: Vec<String> = fields
                    .iter()
                    .filter_map(|field| shown(*resource, *field))
                    .collect();
                let message = match names.as_slice() {
                    [] => "another record has the same values".to_owned(),
                    names => format!("another record has the same {}", names.join(" and ")),
                };
                let details = names
                    .into_iter()
                    .map(|name| Detail::new(name, "unique", message.clone()))
                    .collect();
                Refusal {
                    details,
                    ..Refusal::new(code, message)
                }
            }
            Self::ReferenceMissing { resource, field } => {
                let Some(name) = shown(*resource, *field) else {
                    return Refusal::new(code, "a referenced record does not exist");
                };
                let message = format!("`{name}` refers to a record that does not exist");
                Refusal::new(code, message.clone()).with(Detail::new(name, "reference", message))
            }
            Self::InUse {
                by: Some((resource, field)),
                ..
            } => {
                let name = shown(*resource, *field);
                let resource = view.resource(*resource);
                let message = match name.filter(|_| !resource.hidden) {
                    Some(name) => {
                        let of = &resource.name;
                        format!("records of `{of}` refer to this one by `{name}`")
                    }
                    None => "other records refer to this one".to_owned(),
                };
                Refusal::new(code, message)
            }
            Self::Conflict => Refusal::new(
                code,
                "the record kept changing while it was written; read it again and retry",
            ),
            Self::KeyReused => Refusal::new(
                code,
                "this `Idempotency-Key` was used for another request; take a new key for each write",
            ),
            Self::UnderWay => Refusal {
                retry_after: Some(1),
                ..Refusal::new(
                    code,
                    "the same request is being carried out; ask again for its answer",
                )
            },
            Self::TooLong | Self::Stalled | Self::Timeout | Self::Unavailable(_) => Refusal {
                retry_after: Some(1),
                ..Refusal::new(code, lower(code.title()))
            },
            Self::AnswerTooLarge { limit, parameter } => {
                let hint = match *parameter {
                    "include" => {
                        "ask for fewer related records (`include=…(limit:20)`), fewer of their \
                         fields, or fewer records (`limit`)"
                    }
                    "limit" => "ask for fewer records at once, or for fewer fields (`fields`)",
                    _ => "ask for fewer fields",
                };
                let message = format!("the answer would be larger than {} bytes", limit.0);
                Refusal::new(code, message).with(Detail::new(*parameter, "max", hint))
            }
            Self::OutcomeUnknown(_) => Refusal::new(
                code,
                "the connection broke during the commit; read the record to see what holds",
            ),
            Self::SchemaPending(message) => Refusal {
                retry_after: Some(5),
                ..Refusal::new(code, message.clone())
            },
            // Whoever runs the process has something to mend; a client can only come again.
            Self::Configuration(_)
            | Self::RoleMissing(_)
            | Self::WallBypassed(_)
            | Self::DataLoss(_)
            | Self::Migration(_)
            | Self::Drift(_) => Refusal {
                retry_after: Some(5),
                ..Refusal::new(
                    Code::DatabaseUnavailable,
                    lower(Code::DatabaseUnavailable.title()),
                )
            },
            _ => Refusal::new(code, lower(code.title())),
        }
    }
}

fn lower(title: &str) -> String {
    let mut characters = title.chars();
    characters
        .next()
        .map(|first| first.to_lowercase().collect::<String>() + characters.as_str())
        .unwrap_or_default()
}

/// A failed write, with the place in the units that caused it.
#[derive(Debug, Error)]
#[error("unit {unit}, step {step}, row {row}: {error}")]
pub struct WriteFailure {
    /// Which unit.
    pub unit: usize,
    /// Which of its steps; 0 when no step was reached.
    pub step: usize,
    /// Which row of that step; 0 when no row was reached.
    pub row: usize,
    /// What happened.
    pub error: Error,
}
