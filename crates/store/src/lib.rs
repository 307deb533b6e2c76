#![doc = include_str!("../README.md")]

mod changes;
mod config;
mod dialect;
mod error;
mod journal;
pub mod metrics;
mod options;
mod placement;
mod postgres;
mod query;
mod render;
pub mod schema;
mod scope;
pub mod shape;
mod sqlite;
mod store;

pub use changes::{
    Changes, Condition, Decision, DeleteRow, Guard, InsertRow, JournalEntry, JournalKind, Load,
    Loaded, Record, Stamp, Step, Unit, UpdateRow, summary,
};
pub use config::{Config, Synchronous, Wall};
pub use dialect::Dialect;
pub use error::{Error, WriteFailure};
pub use journal::{JournalCursor, JournalRow};
pub use options::{Outcome, WriteOptions, Written};
pub use placement::{Namespace, Placement};
pub use query::{Count, Deleted, Document, Include, Listing, Nulls, Order, Query, Window};
#[cfg(fuzzing)]
pub use render::rendered;
pub use render::{ListType, Param, Statement};
pub use scope::{Scope, SystemScope};
pub use store::Store;
