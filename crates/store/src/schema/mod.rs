//! The physical schema: what a model wants, what a database has, and the way from one to the other.
//! Not record SQL.

mod names;
mod platform;
mod script;

pub(crate) use names::{application_role, check_name, foreign_key_name, key_name, quote};
#[cfg(test)]
pub(crate) use platform::bootstrap;
pub use platform::{SchemaStep, StepAt};
