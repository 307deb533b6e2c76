//! The metrics of the HTTP side. Not those of the store behind it.

use carnet_telemetry::metrics::{Kind, Metric};
use std::time::Duration;

/// The status that stands for a client that went away before the answer.
pub(crate) const CLIENT_WENT_AWAY: u16 = 499;

const REQUESTS: &str = "http_requests_total";
const DURATION: &str = "http_request_duration_seconds";
const IN_FLIGHT: &str = "http_requests_in_flight";
const PANICS: &str = "carnet_web_panics_total";

/// Every metric of this crate; `server` describes them to the recorder.
pub const METRICS: &[Metric] = &[
    Metric {
        name: REQUESTS,
        kind: Kind::Counter,
        labels: &["method", "route", "status"],
        help: "Requests answered, by the template of their route; status 499 is a client that went away.",
    },
    Metric {
        name: DURATION,
        kind: Kind::Histogram,
        labels: &["method", "route"],
        help: "Seconds from a request's arrival to the head of its answer.",
    },
    Metric {
        name: IN_FLIGHT,
        kind: Kind::Gauge,
        labels: &[],
        help: "Requests being worked on or waiting.",
    },
    Metric {
        name: PANICS,
        kind: Kind::Counter,
        labels: &[],
        help: "Panics caught in handlers.",
    },
];

pub(crate) fn began() {
    metrics::gauge!(IN_FLIGHT).increment(1.0);
}

pub(crate) fn ended(method: &'static str, route: &str, status: u16, took: Duration) {
    metrics::gauge!(IN_FLIGHT).decrement(1.0);
    let labels = [
        metrics::Label::from_static_parts("method", method),
        metrics::Label::new("route", route.to_owned()),
    ];
    metrics::histogram!(DURATION, labels.iter()).record(took.as_secs_f64());
    let [method, route] = labels;
    let status = metrics::Label::new("status", status.to_string());
    metrics::counter!(REQUESTS, vec![method, route, status]).increment(1);
}

pub(crate) fn panicked() {
    metrics::counter!(PANICS).increment(1);
}
