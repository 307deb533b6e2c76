//! Faults: a process that is killed, a disk or a server that fails, callers that go away, neighbours
//! on the same file. Nothing acknowledged is lost and nothing is half done.

#![cfg(test)]

mod child;
#[cfg(target_os = "linux")]
mod disk;
mod killed;
mod ledger;
mod postgres;
mod sqlite;
