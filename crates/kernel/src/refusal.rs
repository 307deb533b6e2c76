//! The public form of every failure: what a client is told, and on its way what the log is told.

use crate::Code;
use std::borrow::Cow;
use std::fmt;

/// One broken rule at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// A dotted path into the body (`items[3].price`) or the name of a query parameter.
    pub field: String,
    /// The rule's stable word: `required`, `max`, `unknown`.
    pub rule: Cow<'static, str>,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Detail {
    /// A detail from its parts.
    pub fn new(
        field: impl Into<String>,
        rule: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            field: field.into(),
            rule: rule.into(),
            message: message.into(),
        }
    }
}

/// A request that was not carried out, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The stable code.
    pub code: Code,
    /// One sentence for people: lower case, no full stop, user input in backticks.
    pub message: String,
    /// Every broken rule with its place; may be empty.
    pub details: Vec<Detail>,
    /// After how many seconds it is worth trying again.
    pub retry_after: Option<u32>,
    /// What the log is told of it beside the message; no client is.
    pub cause: Option<Box<str>>,
    /// Whether the log was told: it is told once.
    pub logged: bool,
}

impl Refusal {
    /// A refusal without details.
    pub fn new(code: impl Into<Code>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            details: Vec::new(),
            retry_after: None,
            cause: None,
            logged: false,
        }
    }

    /// The same with what the log alone is told of it.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<str>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// The same with one more broken rule.
    #[must_use]
    pub fn with(mut self, detail: Detail) -> Self {
        self.details.push(detail);
        self
    }

    /// `VALIDATION_FAILED` with all its details.
    pub fn validation(details: Vec<Detail>) -> Self {
        let message = match details.len() {
            1 => "one rule is broken".to_owned(),
            count => format!("{count} rules are broken"),
        };
        Self {
            details,
            ..Self::new(Code::ValidationFailed, message)
        }
    }

    /// `NOT_FOUND` for a record of `resource`.
    pub fn not_found(resource: &str) -> Self {
        Self::new(
            Code::NotFound,
            format!("there is no such record in `{resource}`"),
        )
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Refusal {}
