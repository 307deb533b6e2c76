//! From a JSON body to typed values, with every broken rule of every field at once. Pure.

mod body;
mod operation;
mod passing;
mod rules;
mod shape;
mod structure;
#[cfg(test)]
mod tests;
mod value;

pub use body::{Input, Mode, Written, read_body, read_object};
pub(crate) use body::{MAX_FAULTS, read_entries, refuse};
pub use operation::FieldOperation;
pub(crate) use operation::{operand, operations};
pub use passing::{read_input, read_output, record_faults};
pub(crate) use shape::missing;
pub(crate) use value::{parse_id, read_value, read_version};
