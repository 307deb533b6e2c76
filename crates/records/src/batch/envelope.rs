//! What stands around the items of a batch. Not the items.

use super::MAX_ITEMS;
use crate::parse::shorten;
use crate::validate::{read_object, refuse};
use carnet_kernel::{Detail, Refusal, suggest};
use carnet_store::Policy;
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

/// What stands around the items.
pub(super) struct Envelope {
    pub(super) items: Vec<Box<RawValue>>,
    pub(super) policy: Policy,
}

const POLICIES: [(&str, Policy); 2] = [("atomic", Policy::Atomic), ("each", Policy::Each)];

/// Reads what stands around the items. With the faults of items to come, those of the envelope are
/// left to the caller.
pub(super) fn envelope(body: &str, faults: &mut Vec<Detail>) -> Result<Envelope, Refusal> {
    let mut items = None;
    let mut policy = Policy::Atomic;
    for (name, raw) in read_object(body)? {
        if name == "items" {
            items = serde_json::from_str::<Items>(raw.get()).ok();
            if items.is_none() {
                faults.push(Detail::new("items", "type", "it must be a list of items"));
            }
        } else if name == "policy" {
            let word: String = serde_json::from_str(raw.get()).unwrap_or_default();
            match POLICIES.iter().find(|(known, _)| *known == word) {
                Some((_, known)) => policy = *known,
                None => {
                    let hint = suggest::hint(&word, POLICIES.map(|(known, _)| known));
                    let message = format!("it must be `atomic` or `each`{hint}");
                    faults.push(Detail::new("policy", "enum", message));
                }
            }
        } else {
            let hint = suggest::hint(&name, ["items", "policy"]);
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
    // What is to be done with items is not known without the rest.
    if policy == Policy::Each
        && let Some(refusal) = refuse(std::mem::take(faults))
    {
        return Err(refusal);
    }
    Ok(Envelope {
        items: items.kept,
        policy,
    })
}
