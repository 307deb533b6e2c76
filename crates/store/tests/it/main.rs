//! The store against real databases, one module for each part of its contract.

mod faults_sqlite;
mod fixture_sqlite;
mod schema;
mod writes_sqlite;
