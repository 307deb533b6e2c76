//! Every metric of this crate. Emitted here and nowhere else.

use metrics::{Counter, Gauge, Histogram};
use std::cell::{OnceCell, RefCell};
use std::time::Duration;

/// Statements by kind (`read`, `write`, `load`, `journal`, `schema`) and outcome.
pub const STATEMENTS: &str = "carnet_store_statements_total";
/// How long reads and writes take inside the store, in seconds, by kind.
pub const DURATION: &str = "carnet_store_operation_duration_seconds";
/// Units that were committed together on SQLite.
pub const GROUP_SIZE: &str = "carnet_store_group_units";
/// Writes that were run again after a lost race.
pub const RERUNS: &str = "carnet_store_reruns_total";
/// Transactions whose code was stopped because it waited for the outside world while others waited
/// for it.
pub const STALLED: &str = "carnet_store_transactions_stalled_total";
/// Times when code in a transaction kept the writer busy without asking it anything.
pub const BLOCKING: &str = "carnet_store_transactions_blocking_total";
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

/// What operations of one kind with one outcome record to.
struct Operation {
    kind: &'static str,
    outcome: &'static str,
    statements: Counter,
    duration: Histogram,
}

thread_local! {
    /// Handles that were asked for already: finding them in the registry costs more than recording.
    /// There are few, so they are looked for one by one.
    static OPERATIONS: RefCell<Vec<Operation>> = const { RefCell::new(Vec::new()) };
    static OPEN: OnceCell<[Gauge; 2]> = const { OnceCell::new() };
}

/// Records one finished read or write.
pub fn record_operation(
    kind: &'static str,
    outcome: &'static str,
    statements: u64,
    elapsed: Duration,
) {
    OPERATIONS.with_borrow_mut(|known| {
        let place = known
            .iter()
            .position(|operation| operation.kind == kind && operation.outcome == outcome);
        let operation = match place.and_then(|place| known.get(place)) {
            Some(operation) => operation,
            None => known.push_mut(Operation {
                kind,
                outcome,
                statements: metrics::counter!(STATEMENTS, "kind" => kind, "outcome" => outcome),
                duration: metrics::histogram!(DURATION, "kind" => kind),
            }),
        };
        operation.statements.increment(statements);
        operation.duration.record(elapsed.as_secs_f64());
    });
}

/// Records a committed group of units.
pub fn record_group(units: usize) {
    metrics::histogram!(GROUP_SIZE).record(units as f64);
}

/// Records a rerun.
pub fn record_rerun() {
    metrics::counter!(RERUNS).increment(1);
}

/// Records code that was stopped while it waited for the outside world.
pub(crate) fn record_stalled() {
    metrics::counter!(STALLED).increment(1);
}

/// Records code that kept the writer busy.
pub(crate) fn record_blocking() {
    metrics::counter!(BLOCKING).increment(1);
}

/// Tells how many connections are open.
pub fn record_connections(idle: usize, busy: usize) {
    OPEN.with(|open| {
        let [idle_gauge, busy_gauge] = open.get_or_init(|| {
            ["idle", "busy"].map(|state| metrics::gauge!(CONNECTIONS, "state" => state))
        });
        idle_gauge.set(idle as f64);
        busy_gauge.set(busy as f64);
    });
}
