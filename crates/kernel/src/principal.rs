//! Who calls. Not what they may do: that is the policy's word.

use crate::{Id, TenantKey};
use std::sync::Arc;

/// The kinds of caller; stored as text, so a name never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrincipalKind {
    /// Nobody signed in.
    Anonymous,
    /// A person.
    User,
    /// A key issued to a program.
    ApiKey,
    /// A program with an identity of its own.
    ServiceAccount,
    /// The holder of the deployment, through the command line.
    Operator,
    /// The process itself.
    System,
}

impl PrincipalKind {
    /// Every kind, in the order of the schema.
    pub const ALL: [Self; 6] = [
        Self::Anonymous,
        Self::User,
        Self::ApiKey,
        Self::ServiceAccount,
        Self::Operator,
        Self::System,
    ];

    /// The stored and public name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::User => "user",
            Self::ApiKey => "apiKey",
            Self::ServiceAccount => "serviceAccount",
            Self::Operator => "operator",
            Self::System => "system",
        }
    }

    /// The kind of that stored name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A principal as a record remembers it: `createdBy`, `updatedBy`, the journal's actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PrincipalRef {
    /// What kind of caller it was.
    pub kind: PrincipalKind,
    /// Its id; absent for the system and for an anonymous caller.
    pub id: Option<Id>,
}

/// The caller of one request, job or run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// What kind of caller.
    pub kind: PrincipalKind,
    /// Its id, if its kind has one.
    pub id: Option<Id>,
    /// The tenant it belongs to, which need not be the one whose data is touched.
    pub home: TenantKey,
    /// What it is called, where that is known.
    name: Option<Arc<str>>,
    /// Sorted, each once; none are no allocation.
    roles: Option<Arc<[String]>>,
}

impl Principal {
    /// A caller without a name and without roles.
    pub fn new(kind: PrincipalKind, id: Option<Id>, home: TenantKey) -> Self {
        Self {
            kind,
            id,
            home,
            name: None,
            roles: None,
        }
    }

    /// A caller about whom nothing is known.
    pub fn anonymous(tenant: TenantKey) -> Self {
        Self::new(PrincipalKind::Anonymous, None, tenant)
    }

    /// The process itself: seeding, migrations, sealing.
    pub fn system() -> Self {
        Self::new(PrincipalKind::System, None, TenantKey::PLATFORM)
    }

    /// A user who is known by a name alone, for tests and for a developer's own server: the same
    /// name is always the same id.
    pub fn user_named(home: TenantKey, name: &str) -> Self {
        Self {
            name: Some(name.into()),
            ..Self::new(PrincipalKind::User, Some(id_of(name)), home)
        }
    }

    /// The same with these roles in its home tenant.
    #[must_use]
    pub fn with_roles<R: Into<String>>(mut self, roles: impl IntoIterator<Item = R>) -> Self {
        let mut roles: Vec<String> = roles.into_iter().map(Into::into).collect();
        roles.sort_unstable();
        roles.dedup();
        self.roles = (!roles.is_empty()).then(|| roles.into());
        self
    }

    /// The same as it is seen from `tenant`: roles of the home tenant do not count in another one.
    #[must_use]
    pub fn in_tenant(mut self, tenant: TenantKey) -> Self {
        if self.home != tenant {
            self.roles = None;
        }
        self
    }

    /// What it is called.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Its roles, sorted.
    pub fn roles(&self) -> &[String] {
        self.roles.as_deref().unwrap_or_default()
    }

    /// Whether it has a role. In a [`Context`](crate::Context) only roles that count for its tenant
    /// are left.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles()
            .binary_search_by(|known| known.as_str().cmp(role))
            .is_ok()
    }

    /// Whether it is the process or the holder of the deployment, who stand outside of roles.
    pub fn is_trusted(&self) -> bool {
        matches!(self.kind, PrincipalKind::System | PrincipalKind::Operator)
    }

    /// What a record keeps of the caller; nothing of an anonymous one.
    pub fn reference(&self) -> Option<PrincipalRef> {
        (self.kind != PrincipalKind::Anonymous).then_some(PrincipalRef {
            kind: self.kind,
            id: self.id,
        })
    }
}

/// FNV-1a over 128 bits: stable for ever, and nobody's secret.
fn id_of(name: &str) -> Id {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let bytes = b"carnet user ".iter().chain(name.as_bytes());
    let hash = bytes.fold(OFFSET, |hash, byte| {
        (hash ^ u128::from(*byte)).wrapping_mul(PRIME)
    });
    Id::from_u128(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_always_the_same_id() {
        let ada = Principal::user_named(TenantKey::DEFAULT, "ada");
        assert_eq!(
            ada.id.map(|id| id.to_string()).as_deref(),
            Some("6M5PWJ241SXDZHNVDVRWJBNY0V")
        );
        let grace = Principal::user_named(TenantKey::DEFAULT, "grace");
        assert_ne!(ada.id, grace.id);
        assert_eq!(ada.name(), Some("ada"));
    }

    #[test]
    fn roles_count_at_home_alone() {
        let ada = Principal::user_named(TenantKey::DEFAULT, "ada").with_roles(["b", "admin", "b"]);
        assert_eq!(ada.roles(), ["admin", "b"]);
        assert!(ada.has_role("admin") && !ada.has_role("adm"));
        let at_home = ada.clone().in_tenant(TenantKey::DEFAULT);
        assert!(at_home.has_role("b"));
        let abroad = ada.in_tenant(TenantKey::PLATFORM);
        assert!(!abroad.has_role("b"));
    }
}
