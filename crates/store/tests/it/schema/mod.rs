//! Schema sync against real databases.

#![cfg(test)]

mod change;
mod convert;
mod migrate;
mod placement;
mod push;
mod roles;
mod search;
mod support;
mod walls;
