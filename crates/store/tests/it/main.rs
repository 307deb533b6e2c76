//! The store against real databases, one module for each part of its contract.

mod faults_postgres;
mod faults_sqlite;
mod fixture_postgres;
mod fixture_sqlite;
mod predicates;
mod reads;
mod reads_cases;
mod reads_place;
mod reads_values;
mod reads_world;
mod schema;
mod writes_postgres;
mod writes_sqlite;
