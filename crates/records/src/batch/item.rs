//! The items of a batch as they stand in its body. Not what their data says.

use super::{MAX_ITEMS, Whose};
use crate::decide::Precondition;
use crate::parse::{DEFAULT_MAX_AFFECTED, MAX_MAX_AFFECTED, shorten, upsert_fields};
use crate::validate::{parse_id, read_object, read_version, refuse};
use carnet_kernel::{Detail, Id, Refusal, suggest};
use carnet_model::{FieldIndex, ModelView, Operation, Resource};
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

/// What an item does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    Create,
    Update,
    Patch,
    Delete,
    Upsert,
    Restore,
    Purge,
}

/// An operation of an item: its word, and which members it takes.
pub(crate) struct Verb {
    pub(crate) word: &'static str,
    pub(crate) doing: Doing,
    /// What the resource must offer.
    pub(crate) needs: &'static [Operation],
    /// Whether deletions of the resource must be soft.
    pub(crate) soft: bool,
    pub(crate) takes_id: bool,
    pub(crate) takes_data: bool,
    /// Whether it may be for all records that fulfil a condition.
    pub(crate) takes_where: bool,
    /// Whether a record is there afterwards.
    pub(crate) leaves: bool,
}

impl Verb {
    const fn new(word: &'static str, doing: Doing, needs: &'static [Operation]) -> Self {
        Self {
            word,
            doing,
            needs,
            soft: false,
            takes_id: true,
            takes_data: true,
            takes_where: false,
            leaves: true,
        }
    }

    /// Whether `resource` offers it.
    pub(crate) fn is_offered(&self, resource: &Resource) -> bool {
        let needed = self.needs.iter();
        needed.copied().all(|one| resource.operations.contains(one))
            && (!self.soft || resource.deleted().is_some())
    }
}

/// Every operation of an item.
pub(crate) const VERBS: [Verb; 7] = [
    Verb {
        takes_id: false,
        ..Verb::new("create", Doing::Create, &[Operation::Create])
    },
    Verb::new("update", Doing::Update, &[Operation::Update]),
    Verb {
        takes_where: true,
        ..Verb::new("patch", Doing::Patch, &[Operation::Patch])
    },
    Verb {
        takes_data: false,
        takes_where: true,
        leaves: false,
        ..Verb::new("delete", Doing::Delete, &[Operation::Delete])
    },
    Verb {
        takes_id: false,
        ..Verb::new(
            "upsert",
            Doing::Upsert,
            &[Operation::Create, Operation::Patch],
        )
    },
    Verb {
        soft: true,
        takes_data: false,
        ..Verb::new("restore", Doing::Restore, &[Operation::Delete])
    },
    Verb {
        soft: true,
        takes_data: false,
        takes_where: true,
        leaves: false,
        ..Verb::new("purge", Doing::Purge, &[Operation::Delete])
    },
];

/// What an item leaves for others to refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaves {
    /// One record.
    Record,
    /// None.
    Nothing,
    /// Which records a condition found.
    Matches,
}

/// The members of an item as they were written.
#[derive(Clone, Default)]
pub(super) struct Parts {
    pub(super) id: Option<Box<RawValue>>,
    pub(super) version: Option<Box<RawValue>>,
    pub(super) data: Option<Vec<(String, Box<RawValue>)>>,
    /// Which records: an object of conditions.
    pub(super) filter: Option<Box<RawValue>>,
    /// At most how many records the conditions may find.
    pub(super) max_affected: Option<u32>,
    /// The unique constraint of an upsert.
    pub(super) key: Option<Vec<FieldIndex>>,
}

/// One item before its references are resolved and its members are read.
pub(super) struct Raw<'v> {
    pub(super) verb: &'static Verb,
    pub(super) resource: &'v Resource,
    pub(super) parts: Parts,
}

/// Which records an item is for.
pub(super) enum Target {
    /// One to be.
    New,
    /// One that is there.
    One(Id),
    /// All that fulfil conditions, at most so many.
    Matching(Box<RawValue>, u32),
}

/// One item, before its data is read.
pub(super) struct Item {
    pub(super) target: Target,
    pub(super) precondition: Option<Precondition>,
    pub(super) data: Vec<(String, Box<RawValue>)>,
    pub(super) key: Vec<FieldIndex>,
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
        let (mut word, mut key) = (None, None);
        let mut parts = Parts::default();
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
                "id" => parts.id = Some(raw),
                "version" => parts.version = Some(raw),
                "where" => parts.filter = Some(raw),
                "key" => key = Some(raw),
                "maxAffected" => match read_version(raw.get()).map(u32::try_from) {
                    Some(Ok(number)) if number <= MAX_MAX_AFFECTED => {
                        parts.max_affected = Some(number);
                    }
                    _ => faults.push(Detail::new(
                        member("maxAffected"),
                        "range",
                        format!("it must be a whole number from 1 to {MAX_MAX_AFFECTED}"),
                    )),
                },
                "data" => match read_object(raw.get()) {
                    Ok(entries) => parts.data = Some(entries),
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
        if let (Some(raw), Some(resource)) = (key, resource) {
            parts.key = read_key(resource, raw.get(), &member("key"), faults);
        }
        if faults.len() > before {
            return None;
        }
        Some(Self {
            verb: verb?,
            resource: resource?,
            parts,
        })
    }

    /// What it leaves for others to refer to.
    pub(super) fn leaves(&self) -> Leaves {
        match (&self.parts.filter, self.verb.leaves) {
            (Some(_), _) => Leaves::Matches,
            (None, true) => Leaves::Record,
            (None, false) => Leaves::Nothing,
        }
    }

    /// How many records it may change by conditions.
    pub(super) fn most(&self) -> u32 {
        let stated = self.parts.max_affected.unwrap_or(DEFAULT_MAX_AFFECTED);
        self.parts.filter.as_ref().map_or(0, |_| stated)
    }

    /// Every member with its name, to look for references in.
    pub(super) fn members(&self) -> impl Iterator<Item = (String, &RawValue)> {
        let Parts {
            id,
            version,
            data,
            filter,
            ..
        } = &self.parts;
        let own = [("id", id), ("version", version), ("where", filter)];
        let own = own
            .into_iter()
            .filter_map(|(name, raw)| Some((name.to_owned(), raw.as_deref()?)));
        let data = data.iter().flatten();
        own.chain(data.map(|(name, raw)| (shorten(name), raw.as_ref())))
    }

    /// Reads id and version, and whether they and the data fit the operation.
    pub(super) fn item(self, at: &str, faults: &mut Vec<Detail>) -> Option<Item> {
        let member = |name: &str| match at {
            "" => name.to_owned(),
            at => format!("{at}.{name}"),
        };
        let before = faults.len();
        let most = self.most();
        let Self {
            verb,
            resource,
            parts,
        } = self;
        let mut id = None;
        if let Some(raw) = &parts.id {
            match serde_json::from_str::<String>(raw.get()) {
                Ok(text) => match parse_id(resource.id.form, &text) {
                    Ok(found) => id = Some(found),
                    Err(error) => faults.push(Detail::new(member("id"), "format", error)),
                },
                Err(_) => faults.push(Detail::new(member("id"), "type", "it must be a text")),
            }
        }
        let mut precondition = None;
        if let Some(raw) = &parts.version {
            let any = serde_json::from_str::<String>(raw.get()).is_ok_and(|text| text == "*");
            match (parts.filter.is_some(), read_version(raw.get())) {
                (true, _) if any => precondition = Some(Precondition::Any),
                (true, _) => faults.push(Detail::new(
                    member("version"),
                    "conflict",
                    "records found by `where` have no one version; say `\"*\"` or nothing",
                )),
                (false, Some(number)) => {
                    precondition = Some(Precondition::Versions(vec![number]));
                }
                (false, None) => faults.push(Detail::new(
                    member("version"),
                    "type",
                    "it must be a whole number from 1",
                )),
            }
        }
        if faults.len() > before {
            return None;
        }
        let word = verb.word;
        let mut fault = |place: String, rule, message: String| {
            faults.push(Detail::new(place, rule, message));
        };
        let has_where = parts.filter.is_some();
        if has_where && !verb.takes_where {
            let message = format!("{} {word} takes no `where`", article(word));
            fault(member("where"), "conflict", message);
        } else if has_where && id.is_some() {
            let message = "an item is for an `id` or for a `where`, not for both".to_owned();
            fault(member("where"), "conflict", message);
        } else if !has_where && parts.max_affected.is_some() {
            let message = "it stands beside a `where`".to_owned();
            fault(member("maxAffected"), "conflict", message);
        }
        if verb.takes_id && id.is_none() && !has_where {
            fault(member("id"), "required", "it is required".to_owned());
        }
        let takes_version = verb.takes_id || verb.doing == Doing::Upsert;
        if !verb.takes_id && id.is_some() || !takes_version && precondition.is_some() {
            let message = match verb.doing {
                Doing::Upsert => "an upsert takes no `id` beside its data".to_owned(),
                _ => format!("a {word} takes neither `id` nor `version` beside its data"),
            };
            fault(at.to_owned(), "conflict", message);
        }
        match (verb.doing == Doing::Upsert, parts.key.is_some()) {
            (true, false) => {
                let message = "it is required: a list with the fields of a unique constraint";
                fault(member("key"), "required", message.to_owned());
            }
            (false, true) => {
                let message = "only an upsert takes a key".to_owned();
                fault(member("key"), "conflict", message);
            }
            _ => {}
        }
        match (verb.takes_data, parts.data.is_some()) {
            (false, true) => {
                let message = format!("a {word} takes no data");
                fault(member("data"), "conflict", message);
            }
            (true, false) => fault(member("data"), "required", "it is required".to_owned()),
            _ => {}
        }
        if faults.len() > before {
            return None;
        }
        let target = match (parts.filter, id) {
            (Some(filter), _) => Target::Matching(filter, most),
            (None, Some(id)) => Target::One(id),
            (None, None) => Target::New,
        };
        Some(Item {
            target,
            precondition,
            data: parts.data.unwrap_or_default(),
            key: parts.key.unwrap_or_default(),
        })
    }
}

fn article(word: &str) -> &'static str {
    if word.starts_with('u') { "an" } else { "a" }
}

/// The fields of a key; they are those of a unique constraint.
fn read_key(
    resource: &Resource,
    raw: &str,
    path: &str,
    faults: &mut Vec<Detail>,
) -> Option<Vec<FieldIndex>> {
    let Ok(names) = serde_json::from_str::<Vec<String>>(raw) else {
        faults.push(Detail::new(path, "type", "it must be a list of fields"));
        return None;
    };
    match upsert_fields(resource, &names) {
        Ok(fields) => Some(fields),
        Err(refusal) => {
            let told = refusal.details.into_iter();
            faults.extend(told.map(|detail| Detail::new(path, detail.rule, detail.message)));
            None
        }
    }
}

fn read_verb(
    resource: &Resource,
    raw: &str,
    path: &str,
    faults: &mut Vec<Detail>,
) -> Option<&'static Verb> {
    let word: String = serde_json::from_str(raw).unwrap_or_default();
    let known = VERBS.iter().find(|verb| verb.word == word);
    match known {
        Some(verb) if verb.is_offered(resource) => Some(verb),
        Some(verb) => {
            let why = match resource.deleted() {
                None if verb.soft => ": its deletions are not soft",
                _ => "",
            };
            faults.push(Detail::new(
                path,
                "operation",
                format!("`{}` does not offer `{word}`{why}", resource.name),
            ));
            None
        }
        None => {
            let words = VERBS.map(|verb| verb.word);
            let hint = suggest::hint(&word, words);
            let message = format!("it must be one of {}{hint}", words.join(", "));
            faults.push(Detail::new(path, "enum", message));
            None
        }
    }
}
