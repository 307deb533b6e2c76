//! Code that stands round operations: logic that takes one over, and hooks before and after. Code is
//! registered for a resource and a point, checked against the model at start, and run with a
//! [`Call`], through which it reads and writes in the transaction of its request.
//!
//! Not what an operation does by default: that is the rest of this crate.

mod argument;
mod call;
mod chain;
mod component;
mod hook;
mod items;
mod logics;
mod output;
mod passed;
mod point;
mod port;
mod reading;
mod record;
mod register;
mod reply;
mod repository;
mod run;
mod stated;
mod streamed;

pub use argument::{
    Body, Component, FromCall, IntoLogic, Late, Logic, Needs, Refusing, late, refusing,
};
pub use call::Call;
pub use component::Components;
pub use hook::{Hook, Moment, after, after_commit, after_validate, before, before_validate};
pub use logics::{Described, Logics};
pub use point::Point;
pub use port::{Request, Response};
pub use record::{Fits, Found, Record, RecordField, Repo};
pub use register::Registry;
pub use reply::{IntoReply, Json, Reply};
pub use repository::{Repository, Search};
pub use streamed::Streamed;

pub(crate) use passed::{NESTED, RESTORE, UPSERT};
pub(crate) use point::Spot;
pub(crate) use run::Within;
pub(crate) use streamed::ungrouped;
