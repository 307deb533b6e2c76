//! Who calls. Not what they may do: that is the policy's word.

use crate::{Id, TenantKey};

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
}

impl Principal {
    /// A caller about whom nothing is known.
    pub fn anonymous(tenant: TenantKey) -> Self {
        Self {
            kind: PrincipalKind::Anonymous,
            id: None,
            home: tenant,
        }
    }

    /// The process itself: seeding, migrations, sealing.
    pub fn system() -> Self {
        Self {
            kind: PrincipalKind::System,
            id: None,
            home: TenantKey::PLATFORM,
        }
    }

    /// What a record keeps of the caller; nothing of an anonymous one.
    pub fn reference(&self) -> Option<PrincipalRef> {
        (self.kind != PrincipalKind::Anonymous).then_some(PrincipalRef {
            kind: self.kind,
            id: self.id,
        })
    }
}
