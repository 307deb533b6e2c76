//! Two servers under the same load, turn and turn about: A B, B A, A B … What counts is the ratio
//! within a round, and of all rounds the median.

use crate::load::{self, Load, Outcome, Requests};
use crate::process::Process;
use anyhow::{Result, bail};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// One of the two.
pub struct Side<'a> {
    /// How it is called.
    pub name: &'a str,
    /// The server.
    pub process: &'a Process,
    /// What it is asked.
    pub requests: Requests,
}

/// How long and how often.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Rounds that count; one more goes before them.
    pub rounds: usize,
    /// How long each side is asked in a round.
    pub time: Duration,
}

/// One side in one round.
struct Sample {
    outcome: Outcome,
    processor: Option<f64>,
}

/// What came of all rounds.
pub struct Compared {
    /// What was asked.
    pub case: String,
    /// Requests a second of each side, medians.
    pub rates: [f64; 2],
    /// First side over second, the median, the smallest, the largest.
    pub ratio: [f64; 3],
    /// Microseconds of processor time per request of each side, medians.
    pub processor: Option<[f64; 2]>,
    /// Median and 99th percentile in microseconds of each side, all rounds together.
    pub latency: [[u64; 2]; 2],
}

/// Compares `first` with `second`.
pub fn compare(
    case: &str,
    connections: usize,
    first: &Side<'_>,
    second: &Side<'_>,
    counter: &Arc<AtomicU64>,
    plan: Plan,
) -> Result<Compared> {
    let sides = [first, second];
    let mut samples: [Vec<Sample>; 2] = [Vec::new(), Vec::new()];
    for round in 0..=plan.rounds {
        let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        for place in order {
            let time = if round == 0 { plan.time / 2 } else { plan.time };
            let sample = sample(sides[place], connections, counter, time)?;
            if sample.outcome.failed > 0 {
                bail!(
                    "{case}: {} requests to {} failed: {}",
                    sample.outcome.failed,
                    sides[place].name,
                    sample.outcome.trouble.unwrap_or_default()
                );
            }
            if round > 0 {
                samples[place].push(sample);
            }
        }
    }
    Ok(summary(case, &samples))
}

fn sample(
    side: &Side<'_>,
    connections: usize,
    counter: &Arc<AtomicU64>,
    time: Duration,
) -> Result<Sample> {
    let before = side.process.processor_time();
    let outcome = load::run(&Load {
        address: side.process.address,
        connections,
        time,
        rate: None,
        requests: Arc::clone(&side.requests),
        counter: Arc::clone(counter),
    })?;
    let processor = match (before, side.process.processor_time()) {
        (Some(before), Some(after)) => {
            Some((after - before).as_secs_f64() * 1e6 / outcome.answered.max(1) as f64)
        }
        _ => None,
    };
    Ok(Sample { outcome, processor })
}

fn summary(case: &str, samples: &[Vec<Sample>; 2]) -> Compared {
    let rates = |side: usize| samples[side].iter().map(|sample| sample.outcome.rate());
    let mut ratios: Vec<f64> = rates(0)
        .zip(rates(1))
        .map(|(first, second)| first / second)
        .collect();
    ratios.sort_by(f64::total_cmp);
    let processor = |side: usize| {
        let all: Option<Vec<f64>> = samples[side]
            .iter()
            .map(|sample| sample.processor)
            .collect();
        all.map(median)
    };
    let latency = |side: usize| {
        let mut all = crate::histogram::Histogram::default();
        for sample in &samples[side] {
            all.merge(&sample.outcome.latencies);
        }
        [all.quantile(0.5), all.quantile(0.99)]
    };
    Compared {
        case: case.to_owned(),
        rates: [median(rates(0).collect()), median(rates(1).collect())],
        ratio: [
            median(ratios.clone()),
            ratios.first().copied().unwrap_or(f64::NAN),
            ratios.last().copied().unwrap_or(f64::NAN),
        ],
        processor: processor(0).zip(processor(1)).map(<[f64; 2]>::from),
        latency: [latency(0), latency(1)],
    }
}

/// The value in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => values[middle],
        _ => (values[middle - 1] + values[middle]) / 2.0,
    }
}

/// The head of the table, as Markdown.
pub fn print_head(first: &str, second: &str) {
    println!(
        "| | {first} /s | {second} /s | ratio [least, most] | {first} µs CPU | {second} µs CPU | \
         {second} ÷ {first} CPU | {first} p50, p99 ms | {second} p50, p99 ms |\n\
         |---|---|---|---|---|---|---|---|---|"
    );
}

/// A row of it.
pub fn print_row(compared: &Compared) {
    let [ratio, least, most] = compared.ratio;
    let processor = match compared.processor {
        Some([first, second]) => {
            format!("{first:.0} | {second:.0} | {:.2}", second / first)
        }
        None => "| |".to_owned(),
    };
    let latency =
        |[half, most]: [u64; 2]| format!("{:.2}, {:.2}", half as f64 / 1e3, most as f64 / 1e3);
    println!(
        "| {} | {} | {} | **{ratio:.2}** [{least:.2}, {most:.2}] | {processor} | {} | {} |",
        compared.case,
        whole(compared.rates[0]),
        whole(compared.rates[1]),
        latency(compared.latency[0]),
        latency(compared.latency[1]),
    );
}

fn whole(rate: f64) -> String {
    if rate < 100.0 {
        format!("{rate:.1}")
    } else {
        format!("{rate:.0}")
    }
}
