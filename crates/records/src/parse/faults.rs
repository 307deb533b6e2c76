//! What is wrong with a query, and the words that say so.

use carnet_kernel::{Code, Detail, Refusal, suggest};
use carnet_model::{RelationKind, Resource};

/// Faults in the order they were found, with a bound on how many are told.
#[derive(Default)]
pub(crate) struct Faults {
    list: Vec<(Code, Detail)>,
}

/// More faults than this are not told.
const MAX_FAULTS: usize = 50;

impl Faults {
    pub(crate) fn push(
        &mut self,
        code: Code,
        place: impl Into<String>,
        rule: &'static str,
        message: impl Into<String>,
    ) {
        if self.list.len() < MAX_FAULTS {
            self.list.push((code, Detail::new(place, rule, message)));
        }
    }

    pub(super) fn into_result<T>(self, value: T) -> Result<T, Refusal> {
        let Some((code, first)) = self.list.first() else {
            return Ok(value);
        };
        let mut refusal = Refusal::new(*code, first.message.clone());
        refusal.details = self.list.into_iter().map(|(_, detail)| detail).collect();
        Err(refusal)
    }
}

pub(crate) fn unknown_field(resource: &Resource, name: &str) -> String {
    let names = resource
        .shown_fields()
        .map(|(_, field)| field.name.as_str());
    let hint = match resource
        .relation_named(name)
        .map(|relation| resource.relation(relation).kind)
    {
        Some(RelationKind::ToOne { field }) => {
            format!(
                " (did you mean `{}`, or a field of it such as `{name}.id`?)",
                resource.field(field).name
            )
        }
        Some(RelationKind::ToMany { .. } | RelationKind::Through { .. }) => {
            " (it is a to-many relation)".to_owned()
        }
        None => suggest::hint(name, names),
    };
    format!("`{}` has no field `{}`{hint}", resource.name, shorten(name))
}

pub(crate) fn unknown_relation(resource: &Resource, name: &str) -> String {
    let names = resource
        .shown_relations()
        .map(|relation| relation.name.as_str());
    format!(
        "`{}` has no relation `{}`{}",
        resource.name,
        shorten(name),
        suggest::hint(name, names)
    )
}

/// User input in a message, bounded.
pub(crate) fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(64).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
