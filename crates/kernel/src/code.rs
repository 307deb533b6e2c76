//! The one table of public codes: name, HTTP status, title, stage. A code is never reused. Codes
//! of applications stand beside it: `application_code.rs`.

use crate::ApplicationCode;

/// Where in the life of a request, a start or a command a code arises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Reading the request: path, query, headers, body.
    Request,
    /// The data refused: missing, in conflict, in use.
    Data,
    /// The application's own logic refused.
    Logic,
    /// The platform could not do it.
    Platform,
    /// Starting, checking or migrating, on the command line.
    Command,
}

impl Stage {
    /// Its word in pages and lists.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Data => "data",
            Self::Logic => "logic",
            Self::Platform => "platform",
            Self::Command => "command",
        }
    }
}

macro_rules! codes {
    ($($variant:ident $name:literal $status:literal $stage:ident $title:literal;)*) => {
        /// A stable public code. Each has a page in `docs/errors/` and `carnet explain` shows it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = $title] $variant,)*
            /// A code of the application's own.
            Application(&'static ApplicationCode),
        }

        impl Code {
            /// Every code of the platform, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable name: `VALIDATION_FAILED`.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Application(code) => code.name(),
                }
            }

            /// The HTTP status it is answered with.
            pub fn status(self) -> u16 {
                match self {
                    $(Self::$variant => $status,)*
                    Self::Application(code) => code.status(),
                }
            }

            /// A short sentence for people.
            pub fn title(self) -> &'static str {
                match self {
                    $(Self::$variant => $title,)*
                    Self::Application(code) => code.title(),
                }
            }

            /// Where it arises.
            pub fn stage(self) -> Stage {
                match self {
                    $(Self::$variant => Stage::$stage,)*
                    Self::Application(_) => Stage::Logic,
                }
            }
        }
    };
}

codes! {
    MalformedRequest "MALFORMED_REQUEST" 400 Request "The request cannot be read";
    BadRequest "BAD_REQUEST" 400 Logic "The application cannot use the request";
    UnknownParameter "UNKNOWN_PARAMETER" 400 Request "A query parameter is not known";
    InvalidParameter "INVALID_PARAMETER" 400 Request "A query parameter has an unusable value";
    CursorInvalid "CURSOR_INVALID" 400 Request "A cursor does not fit the request";
    UnknownField "UNKNOWN_FIELD" 400 Request "A field is not known";
    UnknownOperator "UNKNOWN_OPERATOR" 400 Request "A filter operator is not known or does not fit the field";
    ValidationFailed "VALIDATION_FAILED" 400 Request "The data breaks rules of the definition";
    ReadOnlyField "READ_ONLY_FIELD" 400 Request "A field cannot be written";
    ReferenceNotFound "REFERENCE_NOT_FOUND" 400 Data "A referenced record does not exist";
    LogicBypassed "LOGIC_BYPASSED" 400 Request "The write would go round the logic of a resource";
    PlacementMixed "PLACEMENT_MIXED" 400 Request "One transaction cannot span a tenant and the platform";
    Unauthenticated "UNAUTHENTICATED" 401 Request "It is not known who is asking";
    PaymentRequired "PAYMENT_REQUIRED" 402 Logic "This must be paid for first";
    Forbidden "FORBIDDEN" 403 Request "The caller may not do this";
    NotFound "NOT_FOUND" 404 Data "There is nothing at this address";
    MethodNotAllowed "METHOD_NOT_ALLOWED" 405 Request "The address does not offer this method";
    NotAcceptable "NOT_ACCEPTABLE" 406 Request "No offered representation fits the Accept header";
    UniqueViolation "UNIQUE_VIOLATION" 409 Data "Another record has the same value";
    RecordInUse "RECORD_IN_USE" 409 Data "Other records refer to this one";
    VersionConflict "VERSION_CONFLICT" 409 Data "The record keeps changing while it is written";
    TooManyMatches "TOO_MANY_MATCHES" 409 Data "More records match than the write may change";
    IdempotencyInProgress "IDEMPOTENCY_IN_PROGRESS" 409 Data "The same request is being carried out";
    Conflict "CONFLICT" 409 Logic "The request conflicts with what is there";
    InvalidState "INVALID_STATE" 409 Logic "The present state does not allow this";
    LimitExceeded "LIMIT_EXCEEDED" 409 Logic "There would be more than allowed";
    DependencyMissing "DEPENDENCY_MISSING" 409 Logic "Something that this needs is not there";
    Gone "GONE" 410 Logic "What was here is gone for good";
    ReplayUnavailable "REPLAY_UNAVAILABLE" 410 Data "The write took effect, but its answer cannot be given again";
    PreconditionFailed "PRECONDITION_FAILED" 412 Data "The record has another version than stated";
    PayloadTooLarge "PAYLOAD_TOO_LARGE" 413 Request "The body is larger than allowed";
    AnswerTooLarge "ANSWER_TOO_LARGE" 413 Request "The answer would be larger than allowed";
    UriTooLong "URI_TOO_LONG" 414 Request "The address is longer than allowed";
    UnsupportedMediaType "UNSUPPORTED_MEDIA_TYPE" 415 Request "The body has a type that is not read here";
    IdempotencyKeyReused "IDEMPOTENCY_KEY_REUSED" 422 Request "The idempotency key stands for another request";
    RuleViolated "RULE_VIOLATED" 422 Logic "A rule of the application is broken";
    Locked "LOCKED" 423 Logic "Somebody else holds this at the moment";
    PreconditionRequired "PRECONDITION_REQUIRED" 428 Request "The write must state the version it is based on";
    RateLimited "RATE_LIMITED" 429 Logic "Too many requests in too short a time";
    QuotaExceeded "QUOTA_EXCEEDED" 429 Logic "The quota is used up";
    Internal "INTERNAL" 500 Platform "Something failed inside the platform";
    LogicPanicked "LOGIC_PANICKED" 500 Platform "The code of an operation failed";
    LogicMisused "LOGIC_MISUSED" 500 Platform "The code of an operation uses the platform wrongly";
    LogicCycle "LOGIC_CYCLE" 500 Platform "The code of operations calls itself in a circle";
    OutcomeUnknown "OUTCOME_UNKNOWN" 500 Platform "It is not known whether the write took effect";
    NotImplemented "NOT_IMPLEMENTED" 501 Logic "This is not offered";
    LogicMissing "LOGIC_MISSING" 501 Platform "Nothing is registered that does this";
    UpstreamFailed "UPSTREAM_FAILED" 502 Logic "A service that this relies on failed";
    Unavailable "UNAVAILABLE" 503 Logic "This cannot be done at the moment";
    TransactionTooLong "TRANSACTION_TOO_LONG" 503 Platform "A write took longer than its budget";
    TransactionStalled "TRANSACTION_STALLED" 503 Platform "A transaction waited for the outside world while others waited for it";
    TransactionOver "TRANSACTION_OVER" 500 Platform "Code used a transaction after its end";
    Timeout "TIMEOUT" 503 Platform "The request took longer than allowed";
    Overloaded "OVERLOADED" 503 Platform "More requests are under way than the platform takes";
    DatabaseUnavailable "DATABASE_UNAVAILABLE" 503 Platform "The database cannot be reached";
    SchemaPending "SCHEMA_PENDING" 503 Command "The database does not have the definition's schema yet";
    StorageFull "STORAGE_FULL" 507 Platform "The storage is full";
    UpstreamTimeout "UPSTREAM_TIMEOUT" 504 Logic "A service that this relies on did not answer in time";
    DefinitionInvalid "DEFINITION_INVALID" 500 Command "The definition has errors";
    LogicInvalid "LOGIC_INVALID" 500 Command "The code of the application does not fit its definition";
    ModuleFailed "MODULE_FAILED" 500 Command "A module of the application did not start";
    ConfigurationInvalid "CONFIGURATION_INVALID" 500 Command "The configuration has errors";
    DataLossRefused "DATA_LOSS_REFUSED" 500 Command "A schema change would lose data";
    MigrationFailed "MIGRATION_FAILED" 500 Command "A migration could not be applied";
    SchemaDrift "SCHEMA_DRIFT" 500 Command "The database was changed by another hand";
    SeedInvalid "SEED_INVALID" 500 Command "A seed file has errors";
    RoleMissing "ROLE_MISSING" 500 Command "The database role of the application does not exist";
    WallBypassed "WALL_BYPASSED" 500 Command "The database role would bypass the tenant wall";
}

impl Code {
    /// The platform's code of that name; [`ApplicationCodes::find`](crate::ApplicationCodes::find)
    /// knows the application's too.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name)
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.as_str())
    }
}
