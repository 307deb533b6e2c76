//! `Query` to SQL with bound values. Pure: no connection, no clock.
//!
//! One statement holds a whole read. The page comes first, in a subquery of its own; what is
//! included is made by correlated subqueries for the rows of the page alone. Nothing of a request
//! stands in the text but names of the model and, on PostgreSQL, a rounded limit; the text is the
//! key under which a statement is kept prepared.
//!
//! Hand-written platform tables have no find view. A leaky predicate on one is rendered against
//! the table: the answer is right and walled, but the policy comes first, and no index serves the
//! predicate itself.

mod aggregate;
mod compare;
#[cfg(test)]
pub(crate) mod fixture;
mod grouping;
#[cfg(test)]
mod index_plans;
mod json;
mod leak;
mod level;
mod literal;
mod load;
mod nest;
mod order;
mod pattern;
#[cfg(test)]
mod plans;
mod predicate;
#[cfg(test)]
mod properties;
mod search;
#[cfg(test)]
mod search_plans;
mod seek;
mod select;
mod statement;
#[cfg(test)]
mod tests;
mod text;
mod writer;

pub use statement::{ListType, Param, Statement};

pub(crate) use grouping::{GroupStatement, grouping};
pub(crate) use load::{LoadStatement, load, load_records};
pub(crate) use select::{Select, select};

use crate::{Dialect, Placement, Wall};
use carnet_kernel::TenantKey;
use carnet_model::ModelView;

/// What every statement of one scope is rendered for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) view: &'a ModelView,
    pub(crate) placement: &'a Placement,
    pub(crate) dialect: Dialect,
    /// Of no meaning on SQLite.
    pub(crate) wall: Wall,
    pub(crate) tenant: TenantKey,
    /// How many bytes a list of related records may have, if that matters; null stands for a longer
    /// one. Of no meaning on SQLite, whose connections are told.
    pub(crate) largest_list: Option<usize>,
}

/// The statements of a list in the shared tier, for the fuzz targets alone.
#[cfg(fuzzing)]
pub fn rendered(view: &ModelView, query: &crate::Query, dialect: Dialect) -> Vec<Statement> {
    let select = select(fuzzed(view, &shared(), dialect), query);
    std::iter::once(select.main)
        .chain(select.fallback_count)
        .chain(select.estimate)
        .collect()
}

/// The same for groups.
#[cfg(fuzzing)]
pub fn rendered_groups(
    view: &ModelView,
    groups: &crate::Grouping,
    dialect: Dialect,
) -> Vec<Statement> {
    vec![grouping(fuzzed(view, &shared(), dialect), groups).statement]
}

#[cfg(fuzzing)]
fn shared() -> Placement {
    Placement {
        namespace: crate::Namespace::shared(),
    }
}

#[cfg(fuzzing)]
fn fuzzed<'a>(view: &'a ModelView, placement: &'a Placement, dialect: Dialect) -> Frame<'a> {
    Frame {
        view,
        placement,
        dialect,
        wall: Wall::Rls,
        tenant: TenantKey::DEFAULT,
        largest_list: None,
    }
}
