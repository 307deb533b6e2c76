//! `Query` to SQL with bound values. Pure: no connection, no clock.

mod statement;

pub use statement::{ListType, Param, Statement};
