//! The load generator: so many connections for so long, closed (each sends when it has its answer)
//! or open (requests are due at a rate, and latency counts from when they were due). It runs on one
//! thread and ends by itself.

use crate::histogram::Histogram;
use crate::wire::Connection;
use anyhow::Result;
use bytes::Bytes;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The most connections of one run.
pub const MOST_CONNECTIONS: usize = 20_000;

/// The longest run.
pub const LONGEST: Duration = Duration::from_secs(120);

/// Which request comes next; numbers never repeat within a run of the harness.
pub type Requests = Arc<dyn Fn(u64) -> Bytes + Send + Sync>;

/// What a run does.
#[derive(Clone)]
pub struct Load {
    /// Whom it asks.
    pub address: SocketAddr,
    /// How many connections are open at once.
    pub connections: usize,
    /// For how long requests are begun.
    pub time: Duration,
    /// Requests a second in all; `None` is a closed loop.
    pub rate: Option<f64>,
    /// What it asks.
    pub requests: Requests,
    /// Where the numbers of requests come from.
    pub counter: Arc<AtomicU64>,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Requests answered with success.
    pub answered: u64,
    /// Requests answered otherwise or not at all.
    pub failed: u64,
    /// From the first request to the last answer.
    pub took: Duration,
    /// The latencies of those answered.
    pub latencies: Histogram,
    /// The first thing that went wrong.
    pub trouble: Option<String>,
}

impl Outcome {
    /// Requests answered a second.
    pub fn rate(&self) -> f64 {
        self.answered as f64 / self.took.as_secs_f64()
    }
}

/// Runs it on a thread of its own.
pub fn run(load: &Load) -> Result<Outcome> {
    anyhow::ensure!(
        load.connections <= MOST_CONNECTIONS && load.time <= LONGEST,
        "a run has at most {MOST_CONNECTIONS} connections and takes at most {LONGEST:?}"
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(drive(load))
}

async fn drive(load: &Load) -> Result<Outcome> {
    let mut connections = Vec::with_capacity(load.connections);
    for _ in 0..load.connections {
        connections.push(Connection::open(load.address).await?);
    }
    let started = Instant::now();
    let tasks: Vec<_> = connections
        .into_iter()
        .enumerate()
        .map(|(place, connection)| {
            let load = load.clone();
            tokio::spawn(async move { one(&load, place, connection, started).await })
        })
        .collect();
    let mut whole = Outcome::default();
    for task in tasks {
        let outcome = task.await?;
        whole.answered += outcome.answered;
        whole.failed += outcome.failed;
        whole.latencies.merge(&outcome.latencies);
        whole.trouble = whole.trouble.or(outcome.trouble);
    }
    whole.took = started.elapsed();
    Ok(whole)
}

async fn one(load: &Load, place: usize, mut connection: Connection, started: Instant) -> Outcome {
    let mut outcome = Outcome::default();
    let end = started + load.time;
    let mut turn = place as u64;
    loop {
        let due = match load.rate {
            None => Instant::now(),
            Some(rate) => {
                let due = started + Duration::from_secs_f64(turn as f64 / rate);
                turn += load.connections as u64;
                if due >= end {
                    return outcome;
                }
                tokio::time::sleep_until(due.into()).await;
                due
            }
        };
        if due >= end {
            return outcome;
        }
        let request = (load.requests)(load.counter.fetch_add(1, Ordering::Relaxed));
        match connection.exchange(&request).await {
            Ok(answer) if (200..300).contains(&answer.status) => {
                outcome.answered += 1;
                outcome.latencies.record(due.elapsed());
            }
            Ok(answer) => {
                outcome.failed += 1;
                if outcome.trouble.is_none() {
                    outcome.trouble = connection.text(&answer).ok();
                }
            }
            Err(error) => {
                outcome.failed += 1;
                outcome.trouble = Some(error.to_string());
                return outcome;
            }
        }
    }
}
