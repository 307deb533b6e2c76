//! How logic says no: a constructor for each business code, and what can be added to a refusal.
//! Not the codes themselves: `code.rs`.

use crate::{Code, Detail, Refusal};
use std::borrow::Cow;
use std::time::Duration;

macro_rules! constructors {
    ($($(#[doc = $doc:literal])+ $name:ident => $variant:ident;)*) => {
        /// One constructor per business code. Each takes one sentence for the client: lower case,
        /// no full stop, the client's own words in backticks, nothing that is nobody's business.
        ///
        /// ```
        /// use carnet_kernel::{Code, Refusal};
        ///
        /// let refusal = Refusal::invalid_state("an archived product cannot be featured")
        ///     .field("status", "state", "it is `archived`")
        ///     .hint("restore it first");
        /// assert_eq!(refusal.code, Code::InvalidState);
        /// assert_eq!(
        ///     refusal.message,
        ///     "an archived product cannot be featured; restore it first"
        /// );
        /// ```
        impl Refusal {
            $(
                $(#[doc = $doc])+
                pub fn $name(message: impl Into<String>) -> Self {
                    Self::new(Code::$variant, message)
                }
            )*
        }

        #[cfg(test)]
        const CONSTRUCTORS: &[(Code, fn(&'static str) -> Refusal)] =
            &[$((Code::$variant, |message| Refusal::$name(message)),)*];
    };
}

constructors! {
    /// `BAD_REQUEST` 400: the request can be read, and the application can do nothing with it.
    bad_request => BadRequest;
    /// `REFERENCE_NOT_FOUND` 400: the request names another record that is not there.
    reference_not_found => ReferenceNotFound;
    /// `UNAUTHENTICATED` 401: only a caller who is known may do this.
    unauthenticated => Unauthenticated;
    /// `PAYMENT_REQUIRED` 402: the plan does not include it, or a bill is open.
    payment_required => PaymentRequired;
    /// `FORBIDDEN` 403: this caller may not do this. Where even existence is a secret, say
    /// [`Refusal::not_found`].
    forbidden => Forbidden;
    /// `CONFLICT` 409: it contradicts what is there, for a reason that no other code names.
    conflict => Conflict;
    /// `UNIQUE_VIOLATION` 409: there is one like it already.
    already_exists => UniqueViolation;
    /// `RECORD_IN_USE` 409: others build on it, so that it cannot go.
    in_use => RecordInUse;
    /// `INVALID_STATE` 409: it could be done in another state: published, shipped, open.
    invalid_state => InvalidState;
    /// `LIMIT_EXCEEDED` 409: there would be more than allowed, and time does not help.
    limit_exceeded => LimitExceeded;
    /// `DEPENDENCY_MISSING` 409: something must be there first.
    dependency_missing => DependencyMissing;
    /// `GONE` 410: it was here and will not come back: an expired link, a closed account.
    gone => Gone;
    /// `PRECONDITION_FAILED` 412: the request builds on a version that is not the present one.
    precondition_failed => PreconditionFailed;
    /// `PAYLOAD_TOO_LARGE` 413: there is more data than is taken.
    payload_too_large => PayloadTooLarge;
    /// `UNSUPPORTED_MEDIA_TYPE` 415: data of this type is not read here.
    unsupported_media_type => UnsupportedMediaType;
    /// `RULE_VIOLATED` 422: the data is well formed, and a rule of the business forbids it.
    rule_violated => RuleViolated;
    /// `LOCKED` 423: somebody else holds it at the moment.
    locked => Locked;
    /// `PRECONDITION_REQUIRED` 428: the request must state what it builds on.
    precondition_required => PreconditionRequired;
    /// `QUOTA_EXCEEDED` 429: what was granted for a period is used up. Add
    /// [`Refusal::retry_after`] when the next period is near.
    quota_exceeded => QuotaExceeded;
    /// `INTERNAL` 500: something that must not happen has happened. The client sees the message,
    /// so causes belong in the log.
    internal => Internal;
    /// `NOT_IMPLEMENTED` 501: it is not offered, or not yet.
    not_implemented => NotImplemented;
    /// `UPSTREAM_FAILED` 502: a service that this relies on failed or answered nonsense.
    upstream_failed => UpstreamFailed;
    /// `UNAVAILABLE` 503: not at the moment; the same request may succeed later.
    unavailable => Unavailable;
    /// `TIMEOUT` 503: it would take longer than allowed.
    timeout => Timeout;
    /// `UPSTREAM_TIMEOUT` 504: a service that this relies on did not answer in time.
    upstream_timeout => UpstreamTimeout;
}

impl Refusal {
    /// `VALIDATION_FAILED` 400 for one field: its dotted path, the rule's word, what is wrong.
    pub fn invalid(
        field: impl Into<String>,
        rule: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        let detail = Detail::new(field, rule, message);
        let message = format!("`{}`: {}", detail.field, detail.message);
        Self::new(Code::ValidationFailed, message).with(detail)
    }

    /// `RATE_LIMITED` 429: too many requests; after `wait` one more is welcome.
    pub fn rate_limited(message: impl Into<String>, wait: Duration) -> Self {
        Self::new(Code::RateLimited, message).retry_after(wait)
    }

    /// The same with one more broken rule: a dotted path into the body, the stable word of the
    /// rule, and what is wrong.
    #[must_use]
    pub fn field(
        self,
        field: impl Into<String>,
        rule: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        self.with(Detail::new(field, rule, message))
    }

    /// The same with more broken rules.
    #[must_use]
    pub fn details(mut self, details: impl IntoIterator<Item = Detail>) -> Self {
        self.details.extend(details);
        self
    }

    /// The same with advice after its message: `quota is used up; buy a larger plan`.
    #[must_use]
    pub fn hint(mut self, advice: &str) -> Self {
        self.message.push_str("; ");
        self.message.push_str(advice);
        self
    }

    /// The same with the time after which it is worth trying again, told as `Retry-After` in whole
    /// seconds, rounded up.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        let seconds = wait
            .as_secs()
            .saturating_add(u64::from(wait.subsec_nanos() > 0));
        self.retry_after = Some(u32::try_from(seconds).unwrap_or(u32::MAX));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_constructor_has_its_code() {
        let mut seen = HashSet::new();
        for (code, make) in CONSTRUCTORS {
            let refusal = make("no");
            assert_eq!((refusal.code, refusal.message.as_str()), (*code, "no"));
            assert!(seen.insert(*code), "{code}");
        }
        assert!(seen.len() >= 20);
    }

    #[test]
    fn waits_are_told_in_whole_seconds() {
        let wait = |wait| Refusal::rate_limited("slowly", wait).retry_after;
        assert_eq!(wait(Duration::from_millis(1_001)), Some(2));
        assert_eq!(wait(Duration::from_secs(60)), Some(60));
        assert_eq!(wait(Duration::MAX), Some(u32::MAX));
    }

    #[test]
    fn details_and_advice_add_up() {
        let refusal = Refusal::invalid("price", "min", "it is below 0")
            .field("name", "taken", "it is taken")
            .details([Detail::new("size", "max", "it is above 5")])
            .hint("look at the form again");
        assert_eq!(
            refusal.message,
            "`price`: it is below 0; look at the form again"
        );
        let fields: Vec<&str> = refusal
            .details
            .iter()
            .map(|one| one.field.as_str())
            .collect();
        assert_eq!(fields, ["price", "name", "size"]);
    }
}
