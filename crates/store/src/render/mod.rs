//! `Query` to SQL with bound values. Pure: no connection, no clock.

mod load;
mod select;
mod statement;

pub use statement::{ListType, Param, Statement};

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
}
