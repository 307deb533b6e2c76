//! The facade as applications use it.

#![cfg(test)]

mod record;
