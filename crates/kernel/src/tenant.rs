//! The deployment-wide number of a tenant. Not its public id or its name.

use std::fmt;

/// The integer key that starts every primary key of tenant data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantKey(pub i64);

impl TenantKey {
    /// The platform itself: owner of `tenancy: platform` records in the journal.
    pub const PLATFORM: Self = Self(0);
    /// The tenant `default`, made by the first schema step.
    pub const DEFAULT: Self = Self(1);
}

impl fmt::Display for TenantKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}
