//! Which fields an object is read as: those of a resource's records, or those of an action. Pure.

use crate::parse::shorten;
use carnet_kernel::{Detail, suggest};
use carnet_model::{Field, FieldIndex, RelationKind, Resource, Role};
use serde_json::value::RawValue;

/// The fields of an object.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape<'m> {
    /// A record's.
    Record(&'m Resource),
    /// An action's, of which every one is given by whoever writes the object.
    Passing(&'m [Field]),
}

impl<'m> From<&'m Resource> for Shape<'m> {
    fn from(resource: &'m Resource) -> Self {
        Self::Record(resource)
    }
}

impl<'m> From<&'m [Field]> for Shape<'m> {
    fn from(fields: &'m [Field]) -> Self {
        Self::Passing(fields)
    }
}

impl<'m> Shape<'m> {
    /// The field of that API name.
    pub(super) fn find(self, name: &str) -> Option<(FieldIndex, &'m Field)> {
        match self {
            Self::Record(resource) => {
                let index = resource.field_named(name)?;
                Some((index, resource.field(index)))
            }
            Self::Passing(fields) => (0..)
                .zip(fields)
                .find(|(_, field)| field.name == name)
                .map(|(index, field)| (FieldIndex(index), field)),
        }
    }

    /// Whether the object may say what the field is.
    pub(super) fn takes(self, field: &Field) -> bool {
        match self {
            Self::Record(resource) => {
                field.role == Role::Declared || (field.role == Role::Id && resource.id.client)
            }
            Self::Passing(_) => true,
        }
    }

    /// What is said of a name that no field has.
    pub(super) fn unknown(self, name: &str, path: String) -> Detail {
        let hint = match self {
            Self::Record(resource) => match resource.relation_named(name) {
                Some(relation) => reference_hint(resource, relation),
                None => suggest::hint(
                    name,
                    resource
                        .shown_fields()
                        .map(|(_, field)| field.name.as_str()),
                ),
            },
            Self::Passing(fields) => match fields.iter().find(|field| field.declared == name) {
                Some(reference) => format!(" (write the reference as `{}`)", reference.name),
                None => suggest::hint(name, fields.iter().map(|field| field.name.as_str())),
            },
        };
        let message = format!("there is no field `{}`{hint}", shorten(name));
        Detail::new(path, "unknown", message)
    }
}

fn reference_hint(resource: &Resource, relation: carnet_model::RelationIndex) -> String {
    match resource.relation(relation).kind {
        RelationKind::ToOne { field } => {
            format!(" (write the reference as `{}`)", resource.field(field).name)
        }
        RelationKind::Through { .. } => {
            " (records are linked through the link resource)".to_owned()
        }
        RelationKind::ToMany { .. } => {
            " (related records are written through their own resource)".to_owned()
        }
    }
}

/// Names the required ones of `fields` that an object leaves out.
pub(crate) fn missing<'f>(
    fields: impl Iterator<Item = &'f Field>,
    entries: &[(String, Box<RawValue>)],
    prefix: &str,
    faults: &mut Vec<Detail>,
) {
    for field in fields {
        if field.required() && !entries.iter().any(|(name, _)| *name == field.name) {
            faults.push(Detail::new(
                format!("{prefix}{}", field.name),
                "required",
                "it is required",
            ));
        }
    }
}
