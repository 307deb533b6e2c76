//! Every metric of this crate.

use std::time::Duration;

/// Commands by resource, operation and outcome (`ok` or a code).
pub const COMMANDS: &str = "carnet_records_commands_total";
/// How long commands take, in seconds, by operation.
pub const DURATION: &str = "carnet_records_command_duration_seconds";

pub(crate) fn record(
    resource: &str,
    operation: &'static str,
    outcome: &'static str,
    elapsed: Duration,
) {
    metrics::counter!(COMMANDS, "resource" => resource.to_owned(), "operation" => operation, "outcome" => outcome)
        .increment(1);
    metrics::histogram!(DURATION, "operation" => operation).record(elapsed.as_secs_f64());
}
