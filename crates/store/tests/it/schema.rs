//! Schema sync against real databases.

mod push;
mod support;
