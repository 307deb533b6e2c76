//! From an absent or failed value to a refusal, in one word. Not the refusals themselves.

use carnet_kernel::{Code, Refusal};

/// Turns an absent or failed value into a refusal. A cause that is dropped here is told to nobody:
/// log it where it matters.
///
/// ```
/// use carnet::prelude::*;
///
/// fn stock_of(sku: &str) -> Result<u32, Refusal> {
///     let stock = [("PAP-1", "12"), ("PAP-2", "?")];
///     let (_, text) = stock
///         .iter()
///         .find(|(known, _)| *known == sku)
///         .or_not_found("products")?;
///     text.parse().or_invalid_state("the stock was never counted")
/// }
///
/// assert_eq!(stock_of("PAP-1"), Ok(12));
/// assert_eq!(stock_of("PAP-2").unwrap_err().code, Code::InvalidState);
/// assert_eq!(stock_of("PAP-3").unwrap_err().code, Code::NotFound);
/// ```
pub trait OrRefuse<T>: Sized {
    /// The value, or what `refusal` says.
    fn or_refuse(self, refusal: impl FnOnce() -> Refusal) -> Result<T, Refusal>;

    /// The value, or a refusal with any code, the application's too.
    fn or_code(self, code: impl Into<Code>, message: &str) -> Result<T, Refusal> {
        self.or_refuse(|| Refusal::new(code, message))
    }

    /// The value, or `NOT_FOUND` for a record of `resource`.
    fn or_not_found(self, resource: &str) -> Result<T, Refusal> {
        self.or_refuse(|| Refusal::not_found(resource))
    }

    /// The value, or `VALIDATION_FAILED` at `field`, by `rule`.
    fn or_invalid(self, field: &str, rule: &'static str, message: &str) -> Result<T, Refusal> {
        self.or_refuse(|| Refusal::invalid(field, rule, message))
    }

    /// The value, or `FORBIDDEN`.
    fn or_forbidden(self, message: &str) -> Result<T, Refusal> {
        self.or_code(Code::Forbidden, message)
    }

    /// The value, or `CONFLICT`.
    fn or_conflict(self, message: &str) -> Result<T, Refusal> {
        self.or_code(Code::Conflict, message)
    }

    /// The value, or `INVALID_STATE`.
    fn or_invalid_state(self, message: &str) -> Result<T, Refusal> {
        self.or_code(Code::InvalidState, message)
    }

    /// The value, or `DEPENDENCY_MISSING`.
    fn or_dependency_missing(self, message: &str) -> Result<T, Refusal> {
        self.or_code(Code::DependencyMissing, message)
    }

    /// The value, or `RULE_VIOLATED`.
    fn or_rule_violated(self, message: &str) -> Result<T, Refusal> {
        self.or_code(Code::RuleViolated, message)
    }

    /// The value, or `UPSTREAM_FAILED`.
    fn or_upstream_failed(self, message: &str) -> Result<T, Refusal> {
        self.or_code(Code::UpstreamFailed, message)
    }

    /// The value, or `UNAVAILABLE`.
    fn or_unavailable(self, message: &str) -> Result<T, Refusal> {
        self.or_code(Code::Unavailable, message)
    }
}

impl<T> OrRefuse<T> for Option<T> {
    fn or_refuse(self, refusal: impl FnOnce() -> Refusal) -> Result<T, Refusal> {
        self.ok_or_else(refusal)
    }
}

impl<T, E> OrRefuse<T> for Result<T, E> {
    fn or_refuse(self, refusal: impl FnOnce() -> Refusal) -> Result<T, Refusal> {
        self.map_err(|_| refusal())
    }
}
