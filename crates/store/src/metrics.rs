//! Every metric of this crate. Emitted here and nowhere else.

use std::time::Duration;

/// Statements by kind (`read`, `write`, `load`, `journal`, `schema`) and outcome.
pub const STATEMENTS: &str = "carnet_store_statements_total";
/// How long reads and writes take inside the store, in seconds, by kind.
pub const DURATION: &str = "carnet_store_operation_duration_seconds";
/// Units that were committed together on SQLite.
pub const GROUP_SIZE: &str = "carnet_store_group_units";
/// Writes that were run again after a lost race.
pub const RERUNS: &str = "carnet_store_reruns_total";
/// Open connections to PostgreSQL by state (`idle`, `busy`).
pub const CONNECTIONS: &str = "carnet_store_connections";

/// What a store did since it was opened, for tests of what reads and writes cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Statements, but for those that only frame others: begin, savepoints, commit, settings.
    pub statements: u64,
    /// Waits for an answer of the server; none on SQLite.
    pub round_trips: u64,
    /// Committed write transactions. On SQLite several writes share one.
    pub commits: u64,
}

/// Records one finished read or write.
pub fn record_operation(
    kind: &'static str,
    outcome: &'static str,
    statements: u64,
    elapsed: Duration,
) {
    metrics::counter!(STATEMENTS, "kind" => kind, "outcome" => outcome).increment(statements);
    metrics::histogram!(DURATION, "kind" => kind).record(elapsed.as_secs_f64());
}

/// Records a committed group of units.
pub fn record_group(units: usize) {
    metrics::histogram!(GROUP_SIZE).record(units as f64);
}

/// Records a rerun.
pub fn record_rerun() {
    metrics::counter!(RERUNS).increment(1);
}

/// Tells how many connections are open.
pub fn record_connections(idle: usize, busy: usize) {
    metrics::gauge!(CONNECTIONS, "state" => "idle").set(idle as f64);
    metrics::gauge!(CONNECTIONS, "state" => "busy").set(busy as f64);
}
