//! The items of a batch as they stand in its body. Not what their data says.

use super::MAX_ITEMS;
use crate::parse::shorten;
use crate::validate::{parse_id, read_object, read_version};
use carnet_kernel::{Detail, Id, Refusal, suggest};
use carnet_model::{Operation, Resource};
use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

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

pub(super) fn items(body: &str, faults: &mut Vec<Detail>) -> Result<Vec<Box<RawValue>>, Refusal> {
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
pub(super) struct Item {
    pub(super) operation: Operation,
    pub(super) id: Option<Id>,
    pub(super) version: Option<i64>,
    pub(super) data: Vec<(String, Box<RawValue>)>,
}

const OPERATIONS: [Operation; 4] = [
    Operation::Create,
    Operation::Update,
    Operation::Patch,
    Operation::Delete,
];

impl Item {
    pub(super) fn read(
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
                "version" => match read_version(raw.get()) {
                    Some(number) => version = Some(number),
                    None => faults.push(Detail::new(
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
