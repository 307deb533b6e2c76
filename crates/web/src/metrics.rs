//! The metrics of the HTTP side. Not those of the store behind it.

use carnet_telemetry::metrics::{Kind, Metric};
use metrics::{Counter, Gauge, Histogram, Label};
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
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

/// What answers on one route with one status record to.
struct Answers {
    method: &'static str,
    status: u16,
    count: Counter,
    duration: Histogram,
}

thread_local! {
    /// Handles that were asked for already: finding them in the registry costs more than recording.
    /// Routes are templates, so there are no more of them than resources and operations.
    static ROUTES: RefCell<HashMap<String, Vec<Answers>>> = RefCell::default();
    static WORKING: OnceCell<Gauge> = const { OnceCell::new() };
}

fn working(change: impl FnOnce(&Gauge)) {
    WORKING.with(|gauge| change(gauge.get_or_init(|| metrics::gauge!(IN_FLIGHT))));
}

pub(crate) fn began() {
    working(|gauge| gauge.increment(1.0));
}

pub(crate) fn ended(method: &'static str, route: &str, status: u16, took: Duration) {
    working(|gauge| gauge.decrement(1.0));
    ROUTES.with_borrow_mut(|routes| {
        let known = match routes.get_mut(route) {
            Some(known) => known,
            None => routes.entry(route.to_owned()).or_default(),
        };
        let place = known
            .iter()
            .position(|answers| answers.method == method && answers.status == status);
        let answers = match place.and_then(|place| known.get(place)) {
            Some(answers) => answers,
            None => known.push_mut(Answers::new(method, route, status)),
        };
        answers.duration.record(took.as_secs_f64());
        answers.count.increment(1);
    });
}

impl Answers {
    fn new(method: &'static str, route: &str, status: u16) -> Self {
        let labels = [
            Label::from_static_parts("method", method),
            Label::new("route", route.to_owned()),
        ];
        let duration = metrics::histogram!(DURATION, labels.iter());
        let mut labels = labels.to_vec();
        labels.push(Label::new("status", status.to_string()));
        Self {
            method,
            status,
            count: metrics::counter!(REQUESTS, labels),
            duration,
        }
    }
}

pub(crate) fn panicked() {
    metrics::counter!(PANICS).increment(1);
}
