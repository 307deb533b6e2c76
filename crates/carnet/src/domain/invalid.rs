//! Why a value cannot be made, before anybody knows which field it belongs to. Not the refusal of a
//! whole request.

use carnet_kernel::{Code, Detail, Refusal};
use std::borrow::Cow;
use std::fmt;

/// What is wrong with a value: the stable word of the rule, and a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The rule's word: `format`, `max`.
    pub rule: Cow<'static, str>,
    /// What is wrong and what would be right: lower case, no full stop.
    pub message: String,
}

impl Invalid {
    /// From its parts.
    pub fn new(rule: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            rule: rule.into(),
            message: message.into(),
        }
    }

    /// `VALIDATION_FAILED` at `field`, a dotted path into the body.
    pub fn at(self, field: impl Into<String>) -> Refusal {
        Refusal::invalid(field, self.rule, self.message)
    }

    /// The broken rule at `field`, for a refusal that collects several.
    pub fn detail(self, field: impl Into<String>) -> Detail {
        Detail::new(field, self.rule, self.message)
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for Invalid {}

/// Without a field: `VALIDATION_FAILED` with the message alone.
impl From<Invalid> for Refusal {
    fn from(invalid: Invalid) -> Self {
        Self::new(Code::ValidationFailed, invalid.message)
    }
}

/// Says at which field a value was not valid.
///
/// ```
/// use carnet::prelude::*;
///
/// fn read(body: &str) -> Result<Email, Refusal> {
///     Email::new(body).at("contact.email")
/// }
///
/// let refusal = read("nobody").unwrap_err();
/// assert_eq!(refusal.code, Code::ValidationFailed);
/// assert_eq!(refusal.details[0].field, "contact.email");
/// ```
pub trait AtField<T> {
    /// The value, or `VALIDATION_FAILED` at `field`.
    fn at(self, field: &str) -> Result<T, Refusal>;
}

impl<T, E: Into<Invalid>> AtField<T> for Result<T, E> {
    fn at(self, field: &str) -> Result<T, Refusal> {
        self.map_err(|error| error.into().at(field))
    }
}
