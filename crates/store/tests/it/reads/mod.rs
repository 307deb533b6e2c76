//! Reads on both databases: what chance makes, against the evaluator and plain sorting, and what
//! it would not make.

#![cfg(test)]

mod bound;
mod cases;
mod evaluator;
mod memory;
mod place;
mod values;
mod world;
