//! Decisions about different records as one: neighbouring steps of one kind become one set.

use super::several::Origin;
use carnet_store::{Changes, Step};

/// All changes in their order, and which place each row comes from.
pub(super) fn merge(decided: Vec<(usize, Changes)>) -> (Changes, Origin) {
    let mut all = Changes::default();
    let mut origin = Origin::default();
    for (place, changes) in decided {
        all.guards.extend(changes.guards);
        all.races.extend(changes.races);
        origin.kept.extend(changes.kept.iter().map(|_| place));
        all.kept.extend(changes.kept);
        for step in changes.steps {
            let rows = rows(&step);
            if let Some(step) = joined(all.steps.last_mut(), step) {
                all.steps.push(step);
                origin.steps.push(Vec::new());
            }
            if let Some(places) = origin.steps.last_mut() {
                places.extend(std::iter::repeat_n(place, rows));
            }
        }
    }
    (all, origin)
}

fn rows(step: &Step) -> usize {
    match step {
        Step::Insert { rows, .. } => rows.len(),
        Step::Update { rows, .. } => rows.len(),
        Step::Delete { rows, .. } => rows.len(),
    }
}

/// Adds the rows of `step` to `last` where the same happens to both; else gives it back.
fn joined(last: Option<&mut Step>, step: Step) -> Option<Step> {
    let kind = step.kind();
    match (last.filter(|last| last.kind() == kind), step) {
        (
            Some(Step::Insert { resource, rows }),
            Step::Insert {
                resource: other,
                rows: more,
            },
        ) if *resource == other => {
            rows.extend(more);
            None
        }
        (
            Some(Step::Update { resource, rows }),
            Step::Update {
                resource: other,
                rows: more,
            },
        ) if *resource == other => {
            rows.extend(more);
            None
        }
        (
            Some(Step::Delete { resource, rows }),
            Step::Delete {
                resource: other,
                rows: more,
            },
        ) if *resource == other => {
            rows.extend(more);
            None
        }
        (_, step) => Some(step),
    }
}
