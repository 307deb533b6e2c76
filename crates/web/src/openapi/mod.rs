//! Pieces of an OpenAPI 3.1 document: fragments, their merge, and what every operation shares.
//! Not the operations of any resource.

mod document;
mod failures;
mod schemas;

pub use document::{Document, Fragment, Info, Tag};
pub use failures::Failures;
pub use schemas::{
    entity_tags, list_envelope, parameter, record_envelope, schema, success, write_envelope,
};

/// The media types a success is offered in, for `content` maps.
pub(crate) const JSON: &str = "application/json";

/// The media type of RFC 9457.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";
