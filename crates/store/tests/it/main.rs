//! The store against real databases, one folder for each part of its contract.

mod database;
mod faults;
mod predicates;
mod reads;
mod schema;
mod writes;
