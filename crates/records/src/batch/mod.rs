//! Several writes of one resource in one transaction: reading the items, joining consecutive
//! creates to one set-based step, and finding the item that a failure belongs to.

use crate::command::Answer;
use crate::decide::{Change, Create, Delete, Kind, Precondition, fill, missing};
use crate::operations::{records_after, write_whole};
use crate::parse::shorten;
use crate::validate::{MAX_FAULTS, Mode, parse_id, read_entries, read_object, refuse};
use carnet_kernel::{Detail, Id, MAX_SAFE_INTEGER, Refusal, suggest};
use carnet_model::{Operation, Resource};
use carnet_store::{Changes, Stamp, Step, Unit, WriteFailure};
use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// The most items of one batch.
pub const MAX_ITEMS: usize = 1_000;

/// A batch that is valid as far as can be known without the database.
pub(crate) struct Batch {
    units: Vec<(Arc<dyn Unit>, Range<usize>)>,
}

/// Reads the body of a batch. All faults of all items are found at once.
pub(crate) fn read(
    resource: &Resource,
    body: &str,
    stamp: &Stamp,
    mut next_id: impl FnMut() -> Id,
) -> Result<Batch, Refusal> {
    let mut faults = Vec::new();
    let items = items(body, &mut faults)?;
    let mut units: Vec<(Arc<dyn Unit>, Range<usize>)> = Vec::new();
    let mut creates = Vec::new();
    for (place, raw) in items.iter().enumerate() {
        if faults.len() >= MAX_FAULTS {
            break;
        }
        let Some(item) = Item::read(resource, raw, place, &mut faults) else {
            continue;
        };
        let prefix = format!("items[{place}].");
        if item.operation == Operation::Create {
            let input = read_entries(resource, &item.data, Mode::Whole, &prefix, &mut faults);
            creates.push(fill(
                resource,
                &item.data,
                input,
                next_id(),
                stamp,
                &prefix,
                &mut faults,
            ));
            continue;
        }
        flush(resource, &mut creates, place, &mut units);
        let Some(id) = item.id else { continue };
        let precondition = item
            .version
            .map(|version| Precondition::Versions(vec![version]));
        if Precondition::require(precondition.as_ref(), resource).is_err() {
            let message = format!(
                "writes to `{}` must state the version they are based on",
                resource.name
            );
            faults.push(Detail::new(
                format!("items[{place}].version"),
                "required",
                message,
            ));
        }
        let stamp = stamp.clone();
        let unit: Arc<dyn Unit> = match item.operation {
            Operation::Delete => Arc::new(Delete {
                resource: resource.index,
                id,
                precondition,
                stamp,
            }),
            operation => {
                let (kind, mode) = match operation {
                    Operation::Update => (Kind::Replace, Mode::Whole),
                    _ => (Kind::Patch, Mode::Patch),
                };
                let input = read_entries(resource, &item.data, mode, &prefix, &mut faults);
                if kind == Kind::Replace {
                    missing(resource, &item.data, &prefix, &mut faults);
                }
                Arc::new(Change {
                    resource: resource.index,
                    id,
                    kind,
                    input,
                    precondition,
                    stamp,
                })
            }
        };
        units.push((unit, place..place + 1));
    }
    flush(resource, &mut creates, items.len(), &mut units);
    refuse(faults).map_or(Ok(Batch { units }), Err)
}

fn flush(
    resource: &Resource,
    creates: &mut Vec<carnet_store::Record>,
    end: usize,
    units: &mut Vec<(Arc<dyn Unit>, Range<usize>)>,
) {
    if !creates.is_empty() {
        let records = std::mem::take(creates);
        let start = end - records.len();
        units.push((
            Arc::new(Create {
                resource: resource.index,
                records,
            }),
            start..end,
        ));
    }
}

/// The items of a batch, unread; those beyond the bound are only counted.
#[derive(Default)]
struct Items {
    kept: Vec<Box<RawValue>>,
    count: usize,
}

impl<'de> Deserialize<'de> for Items {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_seq(ItemsVisitor)
    }
}

struct ItemsVisitor;

impl<'de> Visitor<'de> for ItemsVisitor {
    type Value = Items;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Items, A::Error> {
        let mut items = Items::default();
        while items.kept.len() < MAX_ITEMS {
            match all.next_element()? {
                Some(item) => items.kept.push(item),
                None => break,
            }
        }
        items.count = items.kept.len();
        while all.next_element::<IgnoredAny>()?.is_some() {
            items.count += 1;
        }
        Ok(items)
    }
}

fn items(body: &str, faults: &mut Vec<Detail>) -> Result<Vec<Box<RawValue>>, Refusal> {
    let mut items = None;
    for (name, raw) in read_object(body)? {
        if name == "items" {
            items = serde_json::from_str::<Items>(raw.get()).ok();
            if items.is_none() {
                faults.push(Detail::new("items", "type", "it must be a list of items"));
            }
        } else {
            let hint = suggest::hint(&name, ["items"]);
            let name = shorten(&name);
            let message = format!("there is no field `{name}`{hint}");
            faults.push(Detail::new(name, "unknown", message));
        }
    }
    let items = match items {
        Some(items) => items,
        None => {
            if faults.iter().all(|fault| fault.field != "items") {
                faults.push(Detail::new(
                    "items",
                    "required",
                    "it is required: a list of items",
                ));
            }
            Items::default()
        }
    };
    if items.count > MAX_ITEMS {
        let message = format!("a batch has at most {MAX_ITEMS} items, not {}", items.count);
        return Err(Refusal::validation(vec![Detail::new(
            "items", "max", message,
        )]));
    }
    if items.count == 0 && faults.is_empty() {
        faults.push(Detail::new("items", "min", "a batch has at least one item"));
    }
    Ok(items.kept)
}

/// One item, before its data is read.
struct Item {
    operation: Operation,
    id: Option<Id>,
    version: Option<i64>,
    data: Vec<(String, Box<RawValue>)>,
}

const OPERATIONS: [Operation; 4] = [
    Operation::Create,
    Operation::Update,
    Operation::Patch,
    Operation::Delete,
];

impl Item {
    fn read(
        resource: &Resource,
        raw: &RawValue,
        place: usize,
        faults: &mut Vec<Detail>,
    ) -> Option<Self> {
        let at = |name: &str| format!("items[{place}].{name}");
        let Ok(entries) = read_object(raw.get()) else {
            let message =
                "an item is an object `{operation, id, data, version}` without repeated keys";
            faults.push(Detail::new(format!("items[{place}]"), "type", message));
            return None;
        };
        let before = faults.len();
        let (mut operation, mut id, mut version, mut data) = (None, None, None, None);
        for (name, raw) in entries {
            match name.as_str() {
                "operation" => {
                    operation = read_operation(resource, raw.get(), &at("operation"), faults)
                }
                "id" => match serde_json::from_str::<String>(raw.get()) {
                    Ok(text) => match parse_id(resource.id.form, &text) {
                        Ok(found) => id = Some(found),
                        Err(error) => faults.push(Detail::new(at("id"), "format", error)),
                    },
                    Err(_) => faults.push(Detail::new(at("id"), "type", "it must be a text")),
                },
                "version" => match raw.get().parse::<i64>() {
                    Ok(number) if (1..=MAX_SAFE_INTEGER).contains(&number) => {
                        version = Some(number)
                    }
                    _ => faults.push(Detail::new(
                        at("version"),
                        "type",
                        "it must be a whole number from 1",
                    )),
                },
                "data" => match read_object(raw.get()) {
                    Ok(entries) => data = Some(entries),
                    Err(_) => faults.push(Detail::new(
                        at("data"),
                        "type",
                        "it must be an object without repeated keys",
                    )),
                },
                _ => {
                    let hint = suggest::hint(&name, ["operation", "id", "data", "version"]);
                    let name = shorten(&name);
                    let message = format!("there is no field `{name}`{hint}");
                    faults.push(Detail::new(at(&name), "unknown", message));
                }
            }
        }
        if faults.len() > before {
            return None;
        }
        let Some(operation) = operation else {
            faults.push(Detail::new(at("operation"), "required", "it is required"));
            return None;
        };
        let takes_id = operation != Operation::Create;
        if takes_id && id.is_none() {
            faults.push(Detail::new(at("id"), "required", "it is required"));
        }
        if !takes_id && (id.is_some() || version.is_some()) {
            let message = "a create takes neither `id` nor `version` beside its data";
            faults.push(Detail::new(format!("items[{place}]"), "conflict", message));
        }
        match (operation, data.is_some()) {
            (Operation::Delete, true) => faults.push(Detail::new(
                at("data"),
                "conflict",
                "a delete takes no data",
            )),
            (Operation::Delete, false) | (_, true) => {}
            (_, false) => faults.push(Detail::new(at("data"), "required", "it is required")),
        }
        (faults.len() == before).then(|| Self {
            operation,
            id,
            version,
            data: data.unwrap_or_default(),
        })
    }
}

fn read_operation(
    resource: &Resource,
    raw: &str,
    path: &str,
    faults: &mut Vec<Detail>,
) -> Option<Operation> {
    let word: String = serde_json::from_str(raw).unwrap_or_default();
    let known = Operation::parse(&word).filter(|operation| OPERATIONS.contains(operation));
    match known {
        Some(operation) if resource.operations.contains(operation) => Some(operation),
        Some(_) => {
            faults.push(Detail::new(
                path,
                "operation",
                format!("`{}` does not offer `{word}`", resource.name),
            ));
            None
        }
        None => {
            let hint = suggest::hint(&word, OPERATIONS.map(Operation::as_str));
            faults.push(Detail::new(
                path,
                "enum",
                format!("it must be one of create, update, patch, delete{hint}"),
            ));
            None
        }
    }
}

impl Batch {
    pub(crate) fn units(&self) -> Vec<Arc<dyn Unit>> {
        self.units
            .iter()
            .map(|(unit, _)| Arc::clone(unit))
            .collect()
    }

    /// The refusal of a failed write with the item it belongs to.
    pub(crate) fn place(&self, failure: &WriteFailure, mut refusal: Refusal) -> Refusal {
        let Some((_, range)) = self.units.get(failure.unit) else {
            return refusal;
        };
        if refusal.code.status() >= 500 {
            return refusal;
        }
        let place = (range.start + failure.row).min(range.end.saturating_sub(1));
        for detail in &mut refusal.details {
            detail.field = match detail.field.as_str() {
                "" => format!("items[{place}]"),
                field => format!("items[{place}].{field}"),
            };
        }
        if refusal.details.is_empty() {
            refusal.details.push(Detail::new(
                format!("items[{place}]"),
                "failed",
                refusal.message.clone(),
            ));
        }
        refusal
    }

    /// A JSON array with the record after each item, null for a deleted one.
    pub(crate) fn answer(&self, resource: &Resource, changes: &[Changes]) -> Answer {
        let mut json = String::from("[");
        let mut items = 0;
        for changes in changes {
            let mut push = |record: Option<&carnet_store::Record>| {
                if items > 0 {
                    json.push(',');
                }
                items += 1;
                match record {
                    Some(record) => write_whole(resource, record, &mut json),
                    None => json.push_str("null"),
                }
            };
            let deletes = changes
                .steps
                .iter()
                .any(|step| matches!(step, Step::Delete { .. }));
            if deletes {
                // Records that a deletion cleared belong to no item of their own.
                push(None);
            } else {
                records_after(changes).for_each(|record| push(Some(record)));
            }
        }
        json.push(']');
        Answer::Batch {
            json: json.into_bytes(),
            items,
        }
    }
}

#[cfg(test)]
mod tests;
