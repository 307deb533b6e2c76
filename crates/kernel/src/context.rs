//! What is known of one request, job or run from its first moment. Not its body or its rights.

use crate::{ApiVersion, Id, Principal, TenantKey};
use std::time::Instant;

/// Made once at the edge and passed down by reference; cheap to clone.
#[derive(Clone, Debug)]
pub struct Context {
    /// The tenant whose data is touched.
    pub tenant: TenantKey,
    /// Who calls, with its own home tenant.
    pub principal: Principal,
    /// Joins everything that one outside request set in motion.
    pub correlation: Id,
    /// The journal row or job that caused this one, if any.
    pub causation: Option<Id>,
    /// When the caller stops waiting.
    pub deadline: Option<Instant>,
    /// A BCP 47 tag for messages and i18n values.
    pub locale: String,
    /// The version of the API that the caller speaks.
    pub version: ApiVersion,
}

impl Context {
    /// A context for `principal` on `tenant`: version 1, English, no deadline.
    pub fn new(tenant: TenantKey, principal: Principal, correlation: Id) -> Self {
        Self {
            tenant,
            principal,
            correlation,
            causation: None,
            deadline: None,
            locale: "en".to_owned(),
            version: ApiVersion::FIRST,
        }
    }
}
