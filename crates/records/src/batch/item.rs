//! The items of a batch as they stand in its body. Not what their data says.

use super::{MAX_ITEMS, Whose};
use crate::parse::shorten;
use crate::validate::{parse_id, read_object, read_version, refuse};
use carnet_kernel::{Detail, Id, Refusal, suggest};
use carnet_model::{ModelView, Operation, Resource};
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

/// An operation of an item: its word, and which members it takes.
pub(super) struct Verb {
    pub(super) operation: Operation,
    pub(super) takes_id: bool,
    pub(super) takes_data: bool,
    /// Whether a record is there afterwards.
    pub(super) leaves: bool,
}

/// Every operation of an item.
pub(super) const VERBS: [Verb; 4] = [
    Verb {
        operation: Operation::Create,
        takes_id: false,
        takes_data: true,
        leaves: true,
    },
    Verb {
        operation: Operation::Update,
        takes_id: true,
        takes_data: true,
        leaves: true,
    },
    Verb {
        operation: Operation::Patch,
        takes_id: true,
        takes_data: true,
        leaves: true,
    },
    Verb {
        operation: Operation::Delete,
        takes_id: true,
        takes_data: false,
        leaves: false,
    },
];

/// One item before its references are resolved and its members are read.
pub(super) struct Raw<'v> {
    pub(super) verb: &'static Verb,
    pub(super) resource: &'v Resource,
    pub(super) id: Option<Box<RawValue>>,
    pub(super) version: Option<Box<RawValue>>,
    pub(super) data: Option<Vec<(String, Box<RawValue>)>>,
}

/// One item, before its data is read.
pub(super) struct Item {
    pub(super) id: Option<Id>,
    pub(super) version: Option<i64>,
    pub(super) data: Vec<(String, Box<RawValue>)>,
}

impl<'v> Raw<'v> {
    /// Reads an item: what it is, of which resource, and which members it has. `at` is its place.
    pub(super) fn read(
        (view, whose): (&'v ModelView, Whose<'v>),
        raw: &RawValue,
        at: &str,
        faults: &mut Vec<Detail>,
    ) -> Option<Self> {
        let member = |name: &str| format!("{at}.{name}");
        let Ok(entries) = read_object(raw.get()) else {
            let members = whose.members().join(", ");
            let message = format!("an item is an object `{{{members}}}` without repeated keys");
            faults.push(Detail::new(at, "type", message));
            return None;
        };
        let before = faults.len();
        let mut resource = whose.resource();
        let (mut word, mut id, mut version, mut data) = (None, None, None, None);
        for (name, raw) in entries {
            match name.as_str() {
                "operation" => word = Some(raw),
                "resourceName" if whose.resource().is_none() => {
                    let named: String = serde_json::from_str(raw.get()).unwrap_or_default();
                    resource = view.resource_named(&named);
                    if resource.is_none() {
                        let names = view.resources.iter().map(|known| known.name.as_str());
                        let hint = suggest::hint(&named, names);
                        let message = format!("there is no resource `{}`{hint}", shorten(&named));
                        faults.push(Detail::new(member("resourceName"), "enum", message));
                    }
                }
                "id" => id = Some(raw),
                "version" => version = Some(raw),
                "data" => match read_object(raw.get()) {
                    Ok(entries) => data = Some(entries),
                    Err(_) => faults.push(Detail::new(
                        member("data"),
                        "type",
                        "it must be an object without repeated keys",
                    )),
                },
                _ => {
                    let hint = suggest::hint(&name, whose.members().iter().copied());
                    let name = shorten(&name);
                    let message = format!("there is no field `{name}`{hint}");
                    faults.push(Detail::new(member(&name), "unknown", message));
                }
            }
        }
        if resource.is_none() && faults.len() == before {
            faults.push(Detail::new(
                member("resourceName"),
                "required",
                "it is required",
            ));
        }
        let verb = match (word, resource) {
            (Some(word), Some(resource)) => {
                read_verb(resource, word.get(), &member("operation"), faults)
            }
            (None, _) if faults.len() == before => {
                faults.push(Detail::new(
                    member("operation"),
                    "required",
                    "it is required",
                ));
                None
            }
            _ => None,
        };
        if faults.len() > before {
            return None;
        }
        Some(Self {
            verb: verb?,
            resource: resource?,
            id,
            version,
            data,
        })
    }

    /// Every member with its name, to look for references in.
    pub(super) fn members(&self) -> impl Iterator<Item = (String, &RawValue)> {
        let own = [("id", &self.id), ("version", &self.version)];
        let own = own
            .into_iter()
            .filter_map(|(name, raw)| Some((name.to_owned(), raw.as_deref()?)));
        let data = self.data.iter().flatten();
        own.chain(data.map(|(name, raw)| (shorten(name), raw.as_ref())))
    }

    /// Reads id and version, and whether they and the data fit the operation.
    pub(super) fn item(self, at: &str, faults: &mut Vec<Detail>) -> Option<Item> {
        let member = |name: &str| match at {
            "" => name.to_owned(),
            at => format!("{at}.{name}"),
        };
        let before = faults.len();
        let (mut id, mut version) = (None, None);
        if let Some(raw) = &self.id {
            match serde_json::from_str::<String>(raw.get()) {
                Ok(text) => match parse_id(self.resource.id.form, &text) {
                    Ok(found) => id = Some(found),
                    Err(error) => faults.push(Detail::new(member("id"), "format", error)),
                },
                Err(_) => faults.push(Detail::new(member("id"), "type", "it must be a text")),
            }
        }
        if let Some(raw) = &self.version {
            match read_version(raw.get()) {
                Some(number) => version = Some(number),
                None => faults.push(Detail::new(
                    member("version"),
                    "type",
                    "it must be a whole number from 1",
                )),
            }
        }
        if faults.len() > before {
            return None;
        }
        let Verb {
            takes_id,
            takes_data,
            operation,
            ..
        } = self.verb;
        if *takes_id && id.is_none() {
            faults.push(Detail::new(member("id"), "required", "it is required"));
        }
        if !takes_id && (id.is_some() || version.is_some()) {
            let message = format!(
                "a {} takes neither `id` nor `version` beside its data",
                operation.as_str()
            );
            faults.push(Detail::new(at, "conflict", message));
        }
        match (takes_data, self.data.is_some()) {
            (false, true) => faults.push(Detail::new(
                member("data"),
                "conflict",
                format!("a {} takes no data", operation.as_str()),
            )),
            (true, false) => faults.push(Detail::new(member("data"), "required", "it is required")),
            _ => {}
        }
        (faults.len() == before).then(|| Item {
            id,
            version,
            data: self.data.unwrap_or_default(),
        })
    }
}

fn read_verb(
    resource: &Resource,
    raw: &str,
    path: &str,
    faults: &mut Vec<Detail>,
) -> Option<&'static Verb> {
    let word: String = serde_json::from_str(raw).unwrap_or_default();
    let known = VERBS.iter().find(|verb| verb.operation.as_str() == word);
    match known {
        Some(verb) if resource.operations.contains(verb.operation) => Some(verb),
        Some(_) => {
            faults.push(Detail::new(
                path,
                "operation",
                format!("`{}` does not offer `{word}`", resource.name),
            ));
            None
        }
        None => {
            let words: Vec<&str> = VERBS.iter().map(|verb| verb.operation.as_str()).collect();
            let hint = suggest::hint(&word, words.iter().copied());
            let message = format!("it must be one of {}{hint}", words.join(", "));
            faults.push(Detail::new(path, "enum", message));
            None
        }
    }
}
