//! Units of different records decided together, so that a database loads and changes them in sets.
//! Whoever puts them together sees to it that no two touch the same record.

use super::merge::merge;
use carnet_kernel::{Detail, Refusal};
use carnet_model::ModelView;
use carnet_store::{Changes, Decision, Loaded, Unit};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Units with the place of each in what the client sent.
pub struct Several {
    units: Vec<(usize, Arc<dyn Unit>)>,
    /// Which unit each row of the last decision belongs to: what a failure names is a row.
    origin: Mutex<Origin>,
}

/// Where the rows of a decision come from, by places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// For each step, for each of its rows.
    pub steps: Vec<Vec<usize>>,
    /// For each record that is kept.
    pub kept: Vec<usize>,
}

impl Several {
    /// Units in the order in which they count.
    pub fn new(units: Vec<(usize, Arc<dyn Unit>)>) -> Self {
        Self {
            units,
            origin: Mutex::default(),
        }
    }

    /// Where the rows of the last decision come from.
    pub fn origin(&self) -> Origin {
        self.origin
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl fmt::Debug for Several {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places: Vec<usize> = self.units.iter().map(|(place, _)| *place).collect();
        out.debug_tuple("Several").field(&places).finish()
    }
}

impl Unit for Several {
    fn decide(&self, view: &ModelView, loaded: &Loaded) -> Result<Decision, Refusal> {
        self.decide_parts(view, loaded)
            .map_err(|(place, refusal)| placed(place, refusal))
    }
}

impl Several {
    /// Decides all; a refusal comes with the place of the unit it is from.
    pub(crate) fn decide_parts(
        &self,
        view: &ModelView,
        loaded: &Loaded,
    ) -> Result<Decision, (usize, Refusal)> {
        let mut loads = Vec::new();
        let mut decided = Vec::with_capacity(self.units.len());
        for (place, unit) in &self.units {
            match unit.decide(view, loaded) {
                Ok(Decision::Load(more)) => loads.extend(more),
                Ok(Decision::Apply(changes)) => decided.push((*place, changes)),
                // One that comes first but still has to see its record may have a fault of its own.
                Err(_) if !loads.is_empty() => {}
                Err(refusal) => return Err((*place, refusal)),
            }
        }
        if !loads.is_empty() {
            return Ok(Decision::Load(loads));
        }
        let (changes, origin) = merge(decided);
        *self.origin.lock().unwrap_or_else(PoisonError::into_inner) = origin;
        Ok(Decision::Apply(changes))
    }
}

/// The refusal of one item: its details say which, and so does at least one.
pub(crate) fn placed(place: usize, mut refusal: Refusal) -> Refusal {
    if refusal.code.status() >= 500 {
        return refusal;
    }
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

/// What `changes` leaves at each place, in no order; nothing of removed records.
pub(crate) fn left<'c>(
    changes: &'c Changes,
    origin: &Origin,
) -> Vec<(usize, &'c carnet_store::Record)> {
    let stepped = changes
        .steps
        .iter()
        .zip(&origin.steps)
        .flat_map(|(step, places)| super::records_of(step).zip(places.iter().copied()));
    let kept = changes.kept.iter().zip(origin.kept.iter().copied());
    let all = stepped.chain(kept);
    all.map(|(record, place)| (place, record)).collect()
}
