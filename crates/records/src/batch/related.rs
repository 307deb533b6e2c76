//! Items whose data holds related records: each is one unit, and is answered with the records that
//! were written along. Pure.

use crate::nest::{self, Nested, Shown};
use crate::replay;
use carnet_kernel::{Id, Refusal};
use carnet_model::ModelView;
use carnet_store::{Changes, Record, WriteFailure};
use serde_json::value::RawValue;
use std::slice;
use std::sync::{Arc, Mutex, PoisonError};

/// How many ids are drawn for the related records of all items that are read late.
pub(super) const MAX_DRAWN: usize = 16 * nest::MAX_NESTED;

/// What such an item became.
#[derive(Clone)]
struct Became {
    unit: Arc<Nested>,
    shown: Arc<Shown>,
}

/// What such an item became, which one that refers to others does when it is decided.
#[derive(Default)]
pub(super) struct Related(Mutex<Option<Became>>);

impl Related {
    /// Known before the database is asked.
    pub(super) fn known(unit: Arc<Nested>, shown: Arc<Shown>) -> Self {
        Self(Mutex::new(Some(Became { unit, shown })))
    }

    /// Said when it is decided, by each rerun anew.
    pub(super) fn became(&self, unit: Arc<Nested>, shown: Arc<Shown>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Became { unit, shown });
    }

    fn get(&self) -> Option<Became> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The refusal with the path of the record that failed.
    pub(super) fn place(&self, failure: &WriteFailure, refusal: Refusal) -> Refusal {
        match self.get() {
            Some(became) => became.unit.place(failure, refusal),
            None => refusal,
        }
    }

    /// The record that it is about.
    pub(super) fn record<'c>(&self, view: &ModelView, changes: &'c Changes) -> Option<&'c Record> {
        nest::record(view, &self.get()?.shown, changes)
    }

    /// That record with the related ones, as JSON.
    pub(super) fn text(&self, view: &ModelView, changes: &Changes) -> Option<String> {
        nest::text(view, &self.get()?.shown, slice::from_ref(changes))
    }

    /// What a receipt keeps.
    pub(super) fn note(
        &self,
        view: &ModelView,
        changes: &Changes,
        created: bool,
    ) -> Option<replay::Nested> {
        nest::note(view, &self.get()?.shown, changes, created)
    }
}

/// Ids for the records that members which are not read yet write: at least as many, and at most
/// `most`. They are the same on every rerun.
pub(super) fn draw(
    members: &[(String, Box<RawValue>)],
    most: usize,
    ids: &mut dyn FnMut() -> Id,
) -> Vec<Id> {
    let needed: usize = members.iter().map(|(_, raw)| written_out(raw.get())).sum();
    (0..needed.min(nest::MAX_NESTED + 1).min(most))
        .map(|_| ids())
        .collect()
}

/// At least how many objects and members of lists a JSON text holds; what stands inside texts is none.
fn written_out(json: &str) -> usize {
    let (mut found, mut inside, mut escaped) = (0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = inside,
            b'"' => inside = !inside,
            b'{' | b'[' | b',' if !inside => found += 1,
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_text_writes_out() {
        for (json, expected) in [
            ("1", 0),
            (r#""{{result[0].lines}}""#, 0),
            (r#""a\"[{,""#, 0),
            ("[]", 1),
            (r#"[{"a":"{,["},{}]"#, 4),
            (r#"{"link":["a","b"]}"#, 3),
        ] {
            assert_eq!(written_out(json), expected, "{json}");
        }
    }
}
