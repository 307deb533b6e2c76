//! The metrics of requests to services outside.

use carnet_telemetry::metrics::{Kind, Metric};
use std::time::Duration;

const REQUESTS: &str = "carnet_client_requests_total";
const DURATION: &str = "carnet_client_request_duration_seconds";

/// Every metric of this crate; `server` describes them to the recorder.
pub const METRICS: &[Metric] = &[
    Metric {
        name: REQUESTS,
        kind: Kind::Counter,
        labels: &["outcome"],
        help: "Requests to services outside, by the class of the answer's status or what failed.",
    },
    Metric {
        name: DURATION,
        kind: Kind::Histogram,
        labels: &[],
        help: "Seconds until the whole answer of a service outside was read.",
    },
];

/// Counts one exchange.
pub(crate) fn record(outcome: &'static str, took: Duration) {
    metrics::counter!(REQUESTS, "outcome" => outcome).increment(1);
    metrics::histogram!(DURATION).record(took.as_secs_f64());
}
