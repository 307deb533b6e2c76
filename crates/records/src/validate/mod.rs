//! From a JSON body to typed values, with every broken rule of every field at once. Pure.

mod body;
mod rules;
mod structure;
#[cfg(test)]
mod tests;
mod value;

pub use body::{Input, Mode, Written, read_body, read_object};
pub(crate) use body::{MAX_FAULTS, read_entries, refuse};
pub(crate) use value::{parse_id, read_value};
