//! Writes: one suite that both databases pass, and what is true of one of them alone.
//!
//! A case stands once and `on_both!` makes two tests of it. `sqlite`, `postgres` and `walls` hold
//! what only that database has: groups, reader threads and files there; flights, sessions, roles
//! and policies here.

#![cfg(test)]

mod constraints;
pub(crate) mod fixture;
mod journal;
mod limits;
mod parts;
mod platform;
mod postgres;
mod races;
mod records;
mod sqlite;
mod transactions;
pub(crate) mod units;
mod walls;
