//! The journal's images: JSON in the API's shape, keyed by field.

use carnet_model::{FieldIndex, Resource, Role};
use carnet_store::{JournalEntry, JournalKind, Record, shape};

/// `{"after":{…}}` of a new record.
pub(super) fn created(resource: &Resource, record: &Record) -> JournalEntry {
    let mut body = String::from("{\"after\":");
    shape::write_record(resource, record, &all(resource), &mut body);
    body.push('}');
    JournalEntry {
        kind: JournalKind::Create,
        version: 1,
        body,
    }
}

/// `{"before":{…},"after":{…}}` of the declared fields that changed.
pub(super) fn updated(
    resource: &Resource,
    before: &Record,
    after: &Record,
    changed: &[FieldIndex],
    version: i64,
) -> JournalEntry {
    let declared: Vec<FieldIndex> = changed
        .iter()
        .copied()
        .filter(|index| resource.field(*index).role == Role::Declared)
        .collect();
    let mut body = String::from("{\"before\":");
    shape::write_record(resource, before, &declared, &mut body);
    body.push_str(",\"after\":");
    shape::write_record(resource, after, &declared, &mut body);
    body.push('}');
    JournalEntry {
        kind: JournalKind::Update,
        version,
        body,
    }
}

/// `{"before":{…}}` of a removed record.
pub(super) fn deleted(resource: &Resource, record: &Record, version: i64) -> JournalEntry {
    let mut body = String::from("{\"before\":");
    shape::write_record(resource, record, &all(resource), &mut body);
    body.push('}');
    JournalEntry {
        kind: JournalKind::Delete,
        version,
        body,
    }
}

fn all(resource: &Resource) -> Vec<FieldIndex> {
    resource.each_field().map(|(index, _)| index).collect()
}
