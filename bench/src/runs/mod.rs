//! The measurements, one file each.

pub(crate) mod connections;
pub(crate) mod growth;
pub(crate) mod hand;
pub(crate) mod logic;
pub(crate) mod peer;
mod table;
