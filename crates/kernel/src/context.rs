//! What is known of one request, job or run from its first moment. Not its body or its rights.

use crate::{ApiVersion, Id, Principal, PrincipalKind, Refusal, TenantKey};
use std::borrow::Cow;
use std::time::Instant;

/// Made once at the edge and passed down by reference; cheap to clone.
#[derive(Clone, Debug)]
pub struct Context {
    /// The tenant whose data is touched.
    pub tenant: TenantKey,
    /// Who calls, with its own home tenant and the roles that count for `tenant`.
    pub principal: Principal,
    /// Joins everything that one outside request set in motion.
    pub correlation: Id,
    /// The journal row or job that caused this one, if any.
    pub causation: Option<Id>,
    /// When the caller stops waiting.
    pub deadline: Option<Instant>,
    /// A BCP 47 tag for messages and i18n values.
    pub locale: Cow<'static, str>,
    /// The version of the API that the caller speaks.
    pub version: ApiVersion,
}

impl Context {
    /// A context for `principal` on `tenant`: version 1, English, no deadline. Roles of another
    /// tenant do not count.
    pub fn new(tenant: TenantKey, principal: Principal, correlation: Id) -> Self {
        Self {
            principal: principal.in_tenant(tenant),
            tenant,
            correlation,
            causation: None,
            deadline: None,
            locale: Cow::Borrowed("en"),
            version: ApiVersion::FIRST,
        }
    }

    /// Whether the caller has a role that counts for this tenant.
    pub fn has_role(&self, role: &str) -> bool {
        self.principal.has_role(role)
    }

    /// Lets nobody pass who has not this role. The process itself and the holder of the deployment
    /// pass.
    ///
    /// Errors: `FORBIDDEN`; `UNAUTHENTICATED` when nobody is signed in.
    pub fn require_role(&self, role: &str) -> Result<(), Refusal> {
        if self.has_role(role) || self.principal.is_trusted() {
            return Ok(());
        }
        let message = format!("only callers with the role `{role}` may do this");
        Err(match self.principal.kind {
            PrincipalKind::Anonymous => Refusal::unauthenticated(message),
            _ => Refusal::forbidden(message),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    #[track_caller]
    fn check(principal: Principal, tenant: TenantKey, refused: Option<Code>) {
        let context = Context::new(tenant, principal, Id::from_u128(1));
        let outcome = context.require_role("admin");
        assert_eq!(outcome.err().map(|refusal| refusal.code), refused);
    }

    #[test]
    fn roles_let_pass() {
        let home = TenantKey::DEFAULT;
        let ada = Principal::user_named(home, "ada").with_roles(["admin"]);
        check(ada.clone(), home, None);
        check(ada, TenantKey::PLATFORM, Some(Code::Forbidden));
        check(
            Principal::user_named(home, "eve"),
            home,
            Some(Code::Forbidden),
        );
        check(
            Principal::anonymous(home),
            home,
            Some(Code::Unauthenticated),
        );
        check(Principal::system(), home, None);
    }
}
