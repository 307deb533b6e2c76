//! The measurements, one file each.

pub(crate) mod hand;
pub(crate) mod peer;
