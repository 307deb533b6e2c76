//! References to records that may be deleted softly: to the database their rows are there, to a
//! client they are not. What is read here the isolation of the transaction protects.

use super::living;
use carnet_kernel::{Code, Detail, Refusal};
use carnet_model::{FieldIndex, FieldType, ModelView, Resource};
use carnet_store::{Load, Loaded, Record};

/// Refuses when one of the references among `fields` leads to a deleted record. Answers what has
/// to be seen first. A row that is not there at all is the foreign key's to tell.
pub(super) fn alive(
    view: &ModelView,
    loaded: &Loaded,
    resource: &Resource,
    record: &Record,
    fields: impl Iterator<Item = FieldIndex>,
) -> Result<Vec<Load>, Refusal> {
    let mut missing = Vec::new();
    let mut faults = Vec::new();
    for index in fields {
        let field = resource.field(index);
        let FieldType::Ref { to, .. } = field.kind else {
            continue;
        };
        let target = view.resource(to);
        let Some(id) = record
            .get(index)
            .as_id()
            .filter(|_| target.deleted().is_some())
        else {
            continue;
        };
        let load = Load::Record { resource: to, id };
        match loaded.get(&load) {
            None => missing.push(load),
            Some(found) if found.iter().all(|record| living(target, record)) => {}
            Some(_) => {
                let name = &field.name;
                let message = format!("`{name}` refers to a record that does not exist");
                faults.push(Detail::new(name.clone(), "reference", message));
            }
        }
    }
    match faults.first() {
        None => Ok(missing),
        Some(first) => Err(Refusal {
            details: faults.clone(),
            ..Refusal::new(Code::ReferenceNotFound, first.message.clone())
        }),
    }
}

/// Whether some reference of `resource` leads to records whose deletions are soft.
pub(crate) fn needs_alive(view: &ModelView, resource: &Resource) -> bool {
    resource.fields.iter().any(|field| match field.kind {
        FieldType::Ref { to, .. } => view.resource(to).deleted().is_some(),
        _ => false,
    })
}
