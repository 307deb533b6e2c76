//! Every metric of this crate.

use metrics::{Counter, Histogram};
use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

/// Commands by resource, operation and outcome (`ok` or a code).
pub const COMMANDS: &str = "carnet_records_commands_total";
/// How long commands take, in seconds, by operation.
pub const DURATION: &str = "carnet_records_command_duration_seconds";

/// What commands of one resource with one outcome record to.
struct Commands {
    operation: &'static str,
    outcome: &'static str,
    count: Counter,
    duration: Histogram,
}

thread_local! {
    /// Handles that were asked for already, by resource: finding them in the registry costs more
    /// than recording.
    static KNOWN: RefCell<HashMap<String, Vec<Commands>>> = RefCell::default();
}

pub(crate) fn record(
    resource: &str,
    operation: &'static str,
    outcome: &'static str,
    elapsed: Duration,
) {
    KNOWN.with_borrow_mut(|known| {
        if !known.contains_key(resource) {
            known.insert(resource.to_owned(), Vec::new());
        }
        let Some(known) = known.get_mut(resource) else {
            return;
        };
        let place = known
            .iter()
            .position(|commands| commands.operation == operation && commands.outcome == outcome);
        let commands = match place.and_then(|place| known.get(place)) {
            Some(commands) => commands,
            None => known.push_mut(Commands {
                operation,
                outcome,
                count: metrics::counter!(
                    COMMANDS,
                    "resource" => resource.to_owned(),
                    "operation" => operation,
                    "outcome" => outcome
                ),
                duration: metrics::histogram!(DURATION, "operation" => operation),
            }),
        };
        commands.count.increment(1);
        commands.duration.record(elapsed.as_secs_f64());
    });
}
