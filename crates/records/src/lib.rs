#![doc = include_str!("../README.md")]

mod asked;
mod batch;

mod command;
pub mod cursor;
pub mod decide;
mod fault;
#[cfg(test)]
mod fixture;
mod linking;
pub mod logic;
pub mod metrics;
mod nest;
mod offered;
pub mod openapi;
mod operations;
pub mod parse;
pub mod plan;
mod prepare;
mod read;
mod replay;
pub mod routes;
pub mod seed;
mod shipped;
mod stream;
mod units;
pub mod validate;
mod write;

pub use asked::AskedList;
pub use batch::MAX_ITEMS;
pub use command::{
    Answer, Command, Each, Explained, GroupAnswer, ListAnswer, Once, Options, RecordAnswer, Told,
};
pub use operations::Operations;
pub use shipped::definitions;
pub use stream::{Broken, Stream};
