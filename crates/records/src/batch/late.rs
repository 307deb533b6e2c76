//! Items that refer to what earlier ones left. Where that is known beforehand, as of every new
//! record, the references are resolved while the batch is read; else when the item is decided. Pure.

use super::item::{Parts, Raw};
use super::make::{Made, make};
use super::reference::{Reference, may_refer, substitute};
use super::related::Related;
use super::verb::Verb;
use crate::decide::Several;
use crate::decide::{left, records_after};
use carnet_kernel::{Code, Detail, Id, Refusal};
use carnet_model::{ModelView, Resource, ResourceIndex};
use carnet_store::{Changes, Decision, Load, Loaded, Outcome, Record, Stamp, Unit, shape};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where the record that an item left is found.
#[derive(Clone)]
pub(super) struct Source {
    pub(super) resource: ResourceIndex,
    pub(super) unit: usize,
    pub(super) find: Find,
}

/// Where in the changes of its unit.
#[derive(Clone)]
pub(super) enum Find {
    /// The one at this place.
    Row(usize),
    /// What the item at this place left.
    Of(Arc<Several>, usize),
    /// The one that others were written with.
    Related(Arc<Related>),
    /// None is left.
    Nothing,
    /// Those that conditions found.
    Matches,
}

impl Source {
    pub(super) fn record<'c>(&self, view: &ModelView, changes: &'c Changes) -> Option<&'c Record> {
        match &self.find {
            Find::Row(row) => records_after(changes).nth(*row),
            Find::Of(several, place) => {
                let origin = several.origin();
                let found = left(changes, &origin)
                    .into_iter()
                    .find(|(at, _)| at == place);
                found.map(|(_, record)| record)
            }
            Find::Related(related) => related.record(view, changes),
            Find::Nothing | Find::Matches => None,
        }
    }
}

/// The value of a reference in a record, as JSON. Errors in words.
pub(super) fn value(
    resource: &Resource,
    record: &Record,
    reference: &Reference,
) -> Result<String, String> {
    let index = resource
        .field_named(reference.field())
        .ok_or_else(|| unknown(resource, reference))?;
    let mut json = String::new();
    shape::write_record(resource, record, &[index], &mut json);
    let members: BTreeMap<String, Box<RawValue>> =
        serde_json::from_str(&json).map_err(|error| error.to_string())?;
    let field = members
        .get(reference.field())
        .ok_or_else(|| unknown(resource, reference))?;
    reference.of(field.get())
}

/// A reference to a field that is not there.
pub(super) fn unknown(resource: &Resource, reference: &Reference) -> String {
    let names = resource
        .shown_fields()
        .map(|(_, field)| field.name.as_str());
    let hint = carnet_kernel::suggest::hint(reference.field(), names);
    format!(
        "`{}` has no field `{}`{hint}",
        resource.name,
        crate::parse::shorten(reference.field())
    )
}

/// The item with its references replaced; what cannot be resolved goes to `faults`.
pub(super) fn resolved<'v>(
    raw: &Raw<'v>,
    (at, most): (&str, usize),
    faults: &mut Vec<Detail>,
    mut resolve: impl FnMut(&Reference) -> Result<String, String>,
) -> Option<Raw<'v>> {
    let before = faults.len();
    let mut left = most;
    let mut one = |name: &str, raw: &RawValue, faults: &mut Vec<Detail>| {
        let json = raw.get();
        let replaced = if may_refer(json) {
            substitute(json, left.max(json.len()), &mut resolve)
        } else {
            Ok(json.to_owned())
        };
        let raw = replaced.and_then(|json| {
            left = left.saturating_sub(json.len());
            RawValue::from_string(json).map_err(|error| error.to_string())
        });
        raw.map_err(|message| {
            let place = match at {
                "" => name.to_owned(),
                at => format!("{at}.{name}"),
            };
            faults.push(Detail::new(place, "reference", message));
        })
        .ok()
    };
    let parts = &raw.parts;
    let mut own = |name: &str, raw: &Option<Box<RawValue>>, faults: &mut Vec<Detail>| {
        raw.as_deref().and_then(|raw| one(name, raw, faults))
    };
    let id = own("id", &parts.id, faults);
    let version = own("version", &parts.version, faults);
    let filter = own("where", &parts.filter, faults);
    let target = own("target", &parts.target, faults);
    let data = parts.data.as_ref().map(|entries| {
        entries
            .iter()
            .filter_map(|(name, raw)| {
                let place = crate::parse::shorten(name);
                Some((name.clone(), one(&place, raw, faults)?))
            })
            .collect()
    });
    (faults.len() == before).then(|| Raw {
        verb: raw.verb,
        resource: raw.resource,
        parts: Parts {
            id,
            version,
            data,
            filter,
            max_affected: parts.max_affected,
            deleted: parts.deleted,
            key: parts.key.clone(),
            relation: parts.relation,
            target,
        },
    })
}

/// An item that is read when what it refers to is known.
pub(super) struct Late {
    pub(super) operation: &'static Verb,
    pub(super) resource: ResourceIndex,
    pub(super) parts: Parts,
    pub(super) sources: BTreeMap<usize, Source>,
    /// What it is called should it be created.
    pub(super) created: Id,
    /// What records are called that it writes along.
    pub(super) ids: Vec<Id>,
    /// Those records.
    pub(super) related: Option<Arc<Related>>,
    pub(super) stamp: Stamp,
    /// At most so many bytes with its references.
    pub(super) most: usize,
}

impl Unit for Late {
    fn decide(&self, view: &ModelView, loaded: &Loaded) -> Result<Decision, Refusal> {
        self.decide_after(view, loaded, &[])
    }

    fn decide_after(
        &self,
        view: &ModelView,
        loaded: &Loaded,
        earlier: &[Outcome],
    ) -> Result<Decision, Refusal> {
        for (item, source) in &self.sources {
            stood(*item, source.unit, earlier)?;
        }
        let raw = Raw {
            verb: self.operation,
            resource: view.resource(self.resource),
            parts: self.parts.clone(),
        };
        let mut faults = Vec::new();
        let raw = resolved(&raw, ("", self.most), &mut faults, |reference| {
            let source = self.sources.get(&reference.item);
            let record = source.and_then(|source| {
                let changes = earlier.get(source.unit)?.as_ref().ok()?;
                let record = source.record(view, changes)?;
                Some((view.resource(source.resource), record))
            });
            let (resource, record) =
                record.ok_or_else(|| format!("`{}` leads nowhere", reference.show()))?;
            value(resource, record, reference)
        });
        let mut left = self.ids.iter();
        let mut short = false;
        let mut ids = || {
            let next = left.next().copied();
            short |= next.is_none();
            next.unwrap_or(self.created)
        };
        let new = (
            self.created,
            &mut ids as &mut dyn FnMut() -> Id,
            &self.stamp,
        );
        let made = raw.and_then(|raw| make(view, raw, new, "", &mut faults));
        if short {
            let message = "a reference brings no related records, and items that refer to others write few of them";
            faults.push(Detail::new("", "reference", message));
        }
        let Some(made) = made.filter(|_| !short) else {
            return Err(Refusal::validation(faults));
        };
        if let (Made::Related(unit, shown, _), Some(related)) = (&made, &self.related) {
            related.became(Arc::clone(unit), Arc::clone(shown));
        }
        made.into_unit(view.resource(self.resource))
            .decide_after(view, loaded, earlier)
    }

    fn follows(&self) -> bool {
        true
    }

    fn foresees(&self, _: &ModelView) -> Vec<Load> {
        Vec::new()
    }
}

/// A unit that makes sense only when earlier ones stand.
pub(super) struct After {
    /// Items and their units.
    pub(super) needs: Vec<(usize, usize)>,
    pub(super) unit: Arc<dyn Unit>,
}

impl Unit for After {
    fn decide(&self, view: &ModelView, loaded: &Loaded) -> Result<Decision, Refusal> {
        self.unit.decide(view, loaded)
    }

    fn decide_after(
        &self,
        view: &ModelView,
        loaded: &Loaded,
        earlier: &[Outcome],
    ) -> Result<Decision, Refusal> {
        for (item, unit) in &self.needs {
            stood(*item, *unit, earlier)?;
        }
        self.unit.decide_after(view, loaded, earlier)
    }

    fn follows(&self) -> bool {
        true
    }
}

fn stood(item: usize, unit: usize, earlier: &[Outcome]) -> Result<(), Refusal> {
    match earlier.get(unit) {
        Some(Ok(_)) => Ok(()),
        _ => Err(failed(item)),
    }
}

/// The refusal of an item that refers to one that failed.
pub(super) fn failed(item: usize) -> Refusal {
    Refusal::new(
        Code::ReferenceNotFound,
        format!("it refers to the result of items[{item}], which failed"),
    )
}
