#![doc = include_str!("../README.md")]

mod changes;
mod config;
mod dialect;
mod error;
mod estimate;
mod explain;
mod grouping;
mod journal;
pub mod metrics;
mod options;
mod part;
mod placement;
mod postgres;
mod prepared;
mod query;
mod render;
pub mod schema;
mod scope;
mod secret;
pub mod shape;
mod sqlite;
mod store;
mod transact;
mod transaction;
mod under_way;

pub use changes::{
    Changes, Condition, Decision, DeleteRow, Guard, InsertRow, JournalEntry, JournalKind, Load,
    Loaded, Record, Stamp, Step, Unit, UpdateRow, summary,
};
pub use config::{Config, Synchronous, Wall};
pub use dialect::Dialect;
pub use error::{Error, WriteFailure};
pub use explain::{Explained, Explanation};
pub use grouping::{
    GroupColumn, GroupOrder, Grouping, Groups, Having, Made, average_type, sum_type,
};
pub use journal::{JournalCursor, JournalRow};
pub use options::{Note, Outcome, Policy, Receipt, WriteOptions, Written};
pub use part::Part;
pub use placement::{Namespace, Placement};
pub use prepared::{PreparedQuery, PreparedRecord};
pub use query::{
    Count, Counted, Deleted, Document, Include, Listing, Nulls, Order, Query, Seek, Window,
};
pub use render::{ListType, Param, Statement};
#[cfg(fuzzing)]
pub use render::{rendered, rendered_groups};
pub use scope::{Scope, SystemScope};
pub use store::Store;
pub use transaction::{Apart, Ended, How, Task, Transacted, Transaction};
