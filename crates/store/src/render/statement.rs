//! A rendered statement: text with `$1` placeholders and the values bound to them.

use carnet_kernel::{TenantKey, Value};
use std::sync::Arc;

/// SQL text and its parameters; no value ever stands in the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// With `$1`, `$2`, … on both databases (SQLite reads them as named parameters `$1`; an
    /// adapter binds by number of first appearance or rewrites to `?1`).
    pub sql: Arc<str>,
    /// The value of `$n` is `params[n - 1]`.
    pub params: Vec<Param>,
    /// Which of the parameters is the tenant.
    pub(crate) tenant: Option<usize>,
}

impl Statement {
    /// The same for another tenant.
    pub(crate) fn of_tenant(&self, tenant: TenantKey) -> Self {
        let mut statement = self.clone();
        if let Some(place) = self.tenant.and_then(|at| statement.params.get_mut(at)) {
            *place = Param::Integer(tenant.0);
        }
        statement
    }
}

/// A bound value with the database type it is sent as.
#[derive(Clone, Debug, PartialEq)]
pub enum Param {
    /// One value of a field. Id: `uuid`/16-byte blob; dateTime: `timestamptz`/µs; date: `date`/days;
    /// decimal, time, duration: `bigint`; json: `jsonb`/text; null fits any type.
    Value(Value),
    /// A number that is not a field's: tenant, limit, offset (`bigint`).
    Integer(i64),
    /// A number that an exact sum is compared with, in units of its last digit: its digits as
    /// `text`; on SQLite the sortable 16-byte blob of our aggregates.
    Exact(i128),
    /// A text that is not a field's (`text`).
    Text(String),
    /// Many values of one type: an array on PostgreSQL, a JSON array for `json_each` on SQLite
    /// (ids as upper-case hex for `unhex`).
    List(ListType, Vec<Value>),
}

/// What a list holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListType {
    /// `bigint[]`
    Integer,
    /// `float8[]`
    Float,
    /// `boolean[]`
    Boolean,
    /// `text[]`
    Text,
    /// `uuid[]`
    Id,
    /// `timestamptz[]`
    DateTime,
    /// `date[]`
    Date,
}
