//! Schema sync against real databases.

mod change;
mod migrate;
mod push;
mod support;
