//! The journal's images: JSON in the API's shape, keyed by field as the newest version of the API
//! names it. Where the journal keeps summaries there are none, but the ids.

use carnet_model::{FieldIndex, Journal, Resource, Role};
use carnet_store::{JournalEntry, JournalKind, Record, shape, summary};

/// `{"after":{…}}` of a new record.
pub(super) fn created(resource: &Resource, record: &Record) -> JournalEntry {
    whole(resource, "after", record, JournalKind::Create, 1)
}

/// `{"after":{…}}` of a record that is no longer deleted.
pub(super) fn restored(resource: &Resource, record: &Record, version: i64) -> JournalEntry {
    whole(resource, "after", record, JournalKind::Restore, version)
}

/// `{"before":{…}}` of a record that is marked or removed.
pub(super) fn deleted(
    resource: &Resource,
    record: &Record,
    kind: JournalKind,
    version: i64,
) -> JournalEntry {
    whole(resource, "before", record, kind, version)
}

/// `{"before":{…},"after":{…}}` of the declared fields that changed.
pub(super) fn updated(
    resource: &Resource,
    before: &Record,
    after: &Record,
    changed: &[FieldIndex],
    version: i64,
) -> JournalEntry {
    let kind = JournalKind::Update;
    if resource.journal == Journal::Summary {
        return summed(resource, after, kind, version);
    }
    let declared: Vec<FieldIndex> = changed
        .iter()
        .copied()
        .filter(|index| resource.field(*index).role == Role::Declared)
        .collect();
    let mut body = String::from("{\"before\":");
    shape::write_image(resource, before, &declared, &mut body);
    body.push_str(",\"after\":");
    shape::write_image(resource, after, &declared, &mut body);
    body.push('}');
    JournalEntry {
        kind,
        version,
        body,
    }
}

fn whole(
    resource: &Resource,
    side: &str,
    record: &Record,
    kind: JournalKind,
    version: i64,
) -> JournalEntry {
    if resource.journal == Journal::Summary {
        return summed(resource, record, kind, version);
    }
    let all: Vec<FieldIndex> = resource.each_field().map(|(index, _)| index).collect();
    let mut body = format!("{{\"{side}\":");
    shape::write_image(resource, record, &all, &mut body);
    body.push('}');
    JournalEntry {
        kind,
        version,
        body,
    }
}

fn summed(resource: &Resource, record: &Record, kind: JournalKind, version: i64) -> JournalEntry {
    JournalEntry {
        kind,
        version,
        body: summary(resource, record.id(resource).into_iter()),
    }
}
