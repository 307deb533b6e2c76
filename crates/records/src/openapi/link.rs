//! The operation objects of links over a many-to-many relation.

use super::codes::{CHANGE, plain};
use super::operation::{answers, operation as object};
use super::stem;
use crate::linking::through;
use carnet_kernel::Code;
use carnet_model::{ModelView, Relation, Resource};
use carnet_web::openapi::{parameter, schema, success, write_envelope};
use serde_json::{Value, json};

/// Linking, or unlinking, one record with another.
pub(super) fn operation(
    view: &ModelView,
    resource: &Resource,
    relation: &Relation,
    make: bool,
) -> Value {
    let mut letters = relation.name.chars();
    let name: String = letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default();
    let codes: &[Code] = &[
        Code::InvalidParameter,
        Code::NotFound,
        Code::ValidationFailed,
        Code::UniqueViolation,
        Code::ReferenceNotFound,
        Code::RecordInUse,
    ];
    let failures = plain(&[&CHANGE, codes]);
    let link = through(view, relation).map_or(resource, |through| through.link);
    let record = || write_envelope(schema(&stem(link)));
    let (verb, what) = if make {
        ("link", "Link")
    } else {
        ("unlink", "Unlink")
    };
    let mut responses = if make {
        answers(("201", success("The new link.", record())), &failures)
    } else {
        let gone = write_envelope(json!({ "type": "null" }));
        let gone = success("They are no longer linked.", gone);
        answers(("200", gone), &failures)
    };
    if make {
        responses["200"] = success("They are linked already.", record());
    }
    object(
        resource,
        &format!("{verb}{name}Of"),
        format!(
            "{what} one of {} with one of its {}",
            resource.name, relation.name
        ),
        vec![parameter("DryRun"), parameter("IdempotencyKey")],
        responses,
    )
}
