//! The store against real databases, one module for each part of its contract.

mod schema;
