//! Where a tenant's records live. Not which tenants there are: that is the home's table.

use std::fmt;

/// The schema that holds a placement's tables on PostgreSQL; SQLite has one per file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Namespace(String);

impl Namespace {
    /// A namespace by its schema name: 1 to 48 of `a-z`, `0-9` and `_`, a letter first.
    pub fn new(name: &str) -> Option<Self> {
        let good = (1..=48).contains(&name.len())
            && name.starts_with(|first: char| first.is_ascii_lowercase())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
            && !name.starts_with("pg_");
        good.then(|| Self(name.to_owned()))
    }

    /// `app`, the shared tier's default.
    pub(crate) fn shared() -> Self {
        Self("app".to_owned())
    }

    /// The schema of the tables: `app`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The schema of the find views: `app_find`.
    pub fn find(&self) -> String {
        format!("{}_find", self.0)
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Where the records, the journal and the idempotency table of a tenant live. Further databases
/// than home come with the tenancy tiers; a namespace of its own is a placement already.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Placement {
    /// In which namespace of the home database.
    pub namespace: Namespace,
}
