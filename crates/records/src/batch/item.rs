//! The items of a batch as they stand in its body. Not what their data says.

use super::Whose;
use super::verb::{Doing, Verb, read_verb};
use crate::decide::Precondition;
use crate::linking::through;
use crate::nest::names_relation;
use crate::parse::{DEFAULT_MAX_AFFECTED, MAX_MAX_AFFECTED, shorten, upsert_fields};
use crate::validate::{parse_id, read_object, read_version};
use carnet_kernel::{Detail, Id, suggest};
use carnet_model::{FieldIndex, ModelView, RelationIndex, Resource};
use carnet_store::Deleted;
use serde_json::value::RawValue;

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
    /// Which of them deletions left.
    pub(super) deleted: Option<Deleted>,
    /// The unique constraint of an upsert.
    pub(super) key: Option<Vec<FieldIndex>>,
    /// Over which relation records are linked.
    pub(super) relation: Option<RelationIndex>,
    /// The record that is linked.
    pub(super) target: Option<Box<RawValue>>,
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
    /// All that fulfil conditions, at most so many, with what deletions left.
    Matching(Box<RawValue>, u32, Deleted),
    /// One, and another over a relation.
    Pair(Id, RelationIndex, Id),
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
        let mut named = resource.is_some();
        let (mut word, mut key, mut relation) = (None, None, None);
        let mut parts = Parts::default();
        for (name, raw) in entries {
            match name.as_str() {
                "operation" => word = Some(raw),
                "resourceName" if whose.resource().is_none() => {
                    named = true;
                    let name: String = serde_json::from_str(raw.get()).unwrap_or_default();
                    resource = view.resource_named(&name);
                    if resource.is_none() {
                        let names = view.shown_resources().map(|known| known.name.as_str());
                        let hint = suggest::hint(&name, names);
                        let message = format!("there is no resource `{}`{hint}", shorten(&name));
                        faults.push(Detail::new(member("resourceName"), "enum", message));
                    }
                }
                "id" => parts.id = Some(raw),
                "version" => parts.version = Some(raw),
                "where" => parts.filter = Some(raw),
                "key" => key = Some(raw),
                "relation" => relation = Some(raw),
                "target" => parts.target = Some(raw),
                "deleted" => match serde_json::from_str::<&str>(raw.get()) {
                    Ok("with") => parts.deleted = Some(Deleted::With),
                    Ok("only") => parts.deleted = Some(Deleted::Only),
                    _ => faults.push(Detail::new(
                        member("deleted"),
                        "enum",
                        "it must be `with` or `only`",
                    )),
                },
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
        let mut missing = |name: &str| {
            faults.push(Detail::new(member(name), "required", "it is required"));
        };
        if !named {
            missing("resourceName");
        }
        if word.is_none() {
            missing("operation");
        }
        let verb = match (word, resource) {
            (Some(word), Some(resource)) => {
                read_verb((view, resource), word.get(), &member("operation"), faults)
            }
            _ => None,
        };
        if let (Some(raw), Some(resource)) = (key, resource) {
            parts.key = read_key(resource, raw.get(), &member("key"), faults);
        }
        if let (Some(raw), Some(resource), Some(verb)) = (relation, resource, verb) {
            let place = member("relation");
            parts.relation = read_relation((view, resource), verb, raw.get(), &place, faults);
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

    /// The resource of the record that it leaves.
    pub(super) fn left_in<'a>(&self, view: &'a ModelView) -> &'a Resource {
        let relation = self
            .parts
            .relation
            .map(|index| self.resource.relation(index));
        relation
            .and_then(|relation| through(view, relation))
            .map_or_else(
                || view.resource(self.resource.index),
                |through| through.link,
            )
    }

    /// Whether its data holds related records. Upserts and writes by conditions take none.
    pub(super) fn has_related(&self) -> bool {
        let takes = match self.verb.doing {
            Doing::Create | Doing::Update | Doing::Patch => self.parts.filter.is_none(),
            _ => false,
        };
        let data = self.parts.data.as_deref().unwrap_or_default();
        takes && names_relation(self.resource, data)
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
            target,
            ..
        } = &self.parts;
        let own = [
            ("id", id),
            ("version", version),
            ("where", filter),
            ("target", target),
        ];
        let own = own
            .into_iter()
            .filter_map(|(name, raw)| Some((name.to_owned(), raw.as_deref()?)));
        let data = data.iter().flatten();
        own.chain(data.map(|(name, raw)| (shorten(name), raw.as_ref())))
    }

    /// Reads id and version, and whether they and the data fit the operation.
    pub(super) fn item(self, view: &ModelView, at: &str, faults: &mut Vec<Detail>) -> Option<Item> {
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
        let mut read = |name: &str, raw: &Option<Box<RawValue>>, of: &Resource| {
            let raw = raw.as_ref()?;
            match serde_json::from_str::<String>(raw.get()) {
                Ok(text) => match parse_id(of.id.form, &text) {
                    Ok(found) => return Some(found),
                    Err(error) => faults.push(Detail::new(member(name), "format", error)),
                },
                Err(_) => faults.push(Detail::new(member(name), "type", "it must be a text")),
            }
            None
        };
        let id = read("id", &parts.id, resource);
        let other = parts.relation.map(|relation| resource.relation(relation));
        let other = other.map_or(resource, |relation| view.resource(relation.target));
        let linked = read("target", &parts.target, other);
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
            let why = match verb.doing {
                // A whole record for several would make them all the same.
                Doing::Update => ": it puts a whole record in place of one; a `patch` changes many",
                _ => "",
            };
            let message = format!("{} {word} takes no `where`{why}", article(word));
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
        if parts.deleted.is_some() && !(has_where && verb.doing == Doing::Purge) {
            let message = "it stands beside the `where` of a purge".to_owned();
            fault(member("deleted"), "conflict", message);
        }
        let pair = [
            ("relation", parts.relation.is_some()),
            ("target", linked.is_some()),
        ];
        for (name, given) in pair {
            match (verb.takes_relation(), given) {
                (true, false) => fault(member(name), "required", "it is required".to_owned()),
                (false, true) => {
                    let message = format!("{} {word} takes no `{name}`", article(word));
                    fault(member(name), "conflict", message);
                }
                _ => {}
            }
        }
        let takes_version = verb.takes_version();
        if verb.takes_id
            && takes_version
            && Precondition::require(precondition.as_ref(), resource).is_err()
        {
            let mut message = format!(
                "writes to `{}` must state the version they are based on",
                resource.name
            );
            if has_where {
                message.push_str("; beside `where` say `\"version\": \"*\"`");
            }
            fault(member("version"), "required", message);
        }
        if !verb.takes_id && id.is_some() || !takes_version && precondition.is_some() {
            let message = match verb.doing {
                Doing::Upsert => "an upsert takes no `id` beside its data".to_owned(),
                Doing::Link | Doing::Unlink => {
                    format!("{} {word} takes no `version`", article(word))
                }
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
                let message = format!("{} {word} takes no data", article(word));
                fault(member("data"), "conflict", message);
            }
            (true, false) => fault(member("data"), "required", "it is required".to_owned()),
            _ => {}
        }
        if faults.len() > before {
            return None;
        }
        let pair = parts.relation.zip(linked);
        let deleted = parts.deleted.unwrap_or(Deleted::Hidden);
        let target = match (parts.filter, id, pair) {
            (Some(filter), ..) => Target::Matching(filter, most, deleted),
            (None, Some(id), Some((relation, linked))) => Target::Pair(id, relation, linked),
            (None, Some(id), None) => Target::One(id),
            (None, None, _) => Target::New,
        };
        Some(Item {
            target,
            precondition,
            data: parts.data.unwrap_or_default(),
            key: parts.key.unwrap_or_default(),
        })
    }
}

/// A relation over which `verb` links or unlinks records.
fn read_relation(
    (view, resource): (&ModelView, &Resource),
    verb: &Verb,
    raw: &str,
    path: &str,
    faults: &mut Vec<Detail>,
) -> Option<RelationIndex> {
    let Ok(name) = serde_json::from_str::<String>(raw) else {
        faults.push(Detail::new(path, "type", "it must be a text"));
        return None;
    };
    if !verb.takes_relation() {
        let message = format!("{} {} takes no `relation`", article(verb.word), verb.word);
        faults.push(Detail::new(path, "conflict", message));
        return None;
    }
    let names: Vec<&str> = verb
        .relations(view, resource)
        .map(|relation| relation.name.as_str())
        .collect();
    if names.contains(&name.as_str()) {
        return resource.relation_named(&name);
    }
    let hint = suggest::hint(&name, names.iter().copied());
    let message = format!("it must be one of: {}{hint}", names.join(", "));
    faults.push(Detail::new(path, "enum", message));
    None
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
