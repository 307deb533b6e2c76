//! Two servers under the cases of the workload, one row a case.

use crate::compare::{Plan, Side, compare, print_head, print_row};
use crate::process::Process;
use crate::workload::Case;
use crate::{Measure, same};
use anyhow::Result;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// Measures both in turn and prints the table. That they answer alike is checked case by case: what
/// writes leave behind would change what lists show.
pub(super) fn print(
    cases: &[Case],
    first: (&str, &Process),
    second: (&str, &Process),
    measure: &Measure,
) -> Result<()> {
    print_head(first.0, second.0);
    let counter = Arc::new(AtomicU64::new(0));
    let only = measure.only.as_deref();
    for case in cases {
        if only.is_some_and(|part| !case.name.contains(part)) {
            continue;
        }
        same::check(case, first.1, second.1)?;
        let side = |(name, process)| Side {
            name,
            process,
            requests: Arc::clone(&case.requests),
        };
        let plan = Plan::from(measure);
        let compared = compare(
            case.name,
            case.connections,
            &side(first),
            &side(second),
            &counter,
            plan,
        )?;
        print_row(&compared);
    }
    Ok(())
}
