//! Named health checks, the readiness flag and the uptime. Not the endpoints.

use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How long a result is given out again before the checks run anew: an endpoint that is asked
/// without pause must not become load on what it checks.
const FRESH: Duration = Duration::from_millis(250);

/// The outcome of a check; the text of a failure is public, so it holds no database text.
pub type Outcome = Result<(), String>;

type Check = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Outcome> + Send>> + Send + Sync>;

/// The health of the process. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Health(Arc<Inner>);

struct Inner {
    started: Instant,
    limit: Duration,
    ready: AtomicBool,
    checks: RwLock<Vec<(Cow<'static, str>, Check)>>,
    last: tokio::sync::Mutex<Option<(Instant, Vec<CheckReport>)>>,
}

/// Whether all checks passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// All passed.
    Healthy,
    /// At least one failed.
    Unhealthy,
}

/// The answer of `/health`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Whether all checks passed.
    pub status: Status,
    /// Whether requests are taken: started, not stopping, all checks passed.
    pub ready: bool,
    /// Seconds since the start.
    pub uptime: f64,
    /// Each check, by name.
    pub checks: Vec<CheckReport>,
}

/// One check's result.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckReport {
    /// The check's name.
    pub name: Cow<'static, str>,
    /// Whether it passed.
    pub healthy: bool,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How long it took, in milliseconds.
    pub response_time: f64,
}

impl std::fmt::Debug for Health {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Health")
            .field("ready", &self.is_ready())
            .finish_non_exhaustive()
    }
}

impl Health {
    /// Without checks and not ready; the uptime counts from now. A check that takes longer than
    /// `limit` has failed.
    pub fn new(limit: Duration) -> Self {
        Self(Arc::new(Inner {
            started: Instant::now(),
            limit,
            ready: AtomicBool::new(false),
            checks: RwLock::new(Vec::new()),
            last: tokio::sync::Mutex::new(None),
        }))
    }

    /// Adds a check; one of the same name is replaced.
    pub fn register<F, Fut>(&self, name: impl Into<Cow<'static, str>>, check: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Outcome> + Send + 'static,
    {
        let name = name.into();
        let check: Check = Arc::new(move || Box::pin(check()));
        let mut checks = self
            .0
            .checks
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        checks.retain(|(known, _)| *known != name);
        checks.push((name, check));
    }

    /// Says whether the process takes requests: true after the start, false from the moment it
    /// begins to stop.
    pub fn set_ready(&self, ready: bool) {
        self.0.ready.store(ready, Ordering::Release);
    }

    /// The flag alone, without running a check.
    pub fn is_ready(&self) -> bool {
        self.0.ready.load(Ordering::Acquire)
    }

    /// How long the process has been up.
    pub fn uptime(&self) -> Duration {
        self.0.started.elapsed()
    }

    /// Runs all checks side by side, each within the limit. Must be called on a tokio runtime.
    pub async fn report(&self) -> Report {
        let checks = self.checks().await;
        let healthy = checks.iter().all(|check| check.healthy);
        Report {
            status: if healthy {
                Status::Healthy
            } else {
                Status::Unhealthy
            },
            ready: healthy && self.is_ready(),
            uptime: self.uptime().as_secs_f64(),
            checks,
        }
    }

    /// One caller runs the checks, those who come meanwhile wait for the same result.
    async fn checks(&self) -> Vec<CheckReport> {
        let mut last = self.0.last.lock().await;
        if let Some((at, reports)) = &*last
            && at.elapsed() < FRESH
        {
            return reports.clone();
        }
        let reports = self.run().await;
        *last = Some((Instant::now(), reports.clone()));
        reports
    }

    async fn run(&self) -> Vec<CheckReport> {
        let checks: Vec<_> = self
            .0
            .checks
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let mut missing: BTreeSet<_> = checks.iter().map(|(name, _)| name.clone()).collect();
        let limit = self.0.limit;
        let mut running = JoinSet::new();
        for (name, check) in checks {
            running.spawn(async move {
                let started = Instant::now();
                let outcome = tokio::time::timeout(limit, async move { check().await })
                    .await
                    .unwrap_or_else(|_| Err(format!("no answer within {} ms", limit.as_millis())));
                CheckReport {
                    name,
                    healthy: outcome.is_ok(),
                    error: outcome.err(),
                    response_time: started.elapsed().as_secs_f64() * 1_000.0,
                }
            });
        }
        let mut reports = Vec::with_capacity(missing.len());
        while let Some(finished) = running.join_next().await {
            if let Ok(report) = finished {
                missing.remove(&report.name);
                reports.push(report);
            }
        }
        // A check that panicked has no report of its own.
        for name in missing {
            reports.push(CheckReport {
                name,
                healthy: false,
                error: Some("the check itself failed".to_owned()),
                response_time: 0.0,
            });
        }
        reports.sort_by(|left, right| left.name.cmp(&right.name));
        reports
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[tokio::test(start_paused = true)]
    async fn all_outcomes_at_once() {
        let health = Health::new(Duration::from_secs(1));
        health.register("fine", || async { Ok(()) });
        health.register("failing", || async { Err("gone".to_owned()) });
        health.register("slow", std::future::pending);
        health.register("broken", || async { panic!("a bug in a check") });
        health.set_ready(true);
        let report = health.report().await;
        assert_eq!(report.status, Status::Unhealthy);
        assert!(!report.ready);
        let found: Vec<_> = report
            .checks
            .iter()
            .map(|check| (&*check.name, check.error.as_deref()))
            .collect();
        assert_eq!(
            found,
            [
                ("broken", Some("the check itself failed")),
                ("failing", Some("gone")),
                ("fine", None),
                ("slow", Some("no answer within 1000 ms")),
            ]
        );
        assert!(report.checks[3].response_time >= 1_000.0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_result_is_shared_while_it_is_fresh() {
        let health = Health::new(Duration::from_secs(1));
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&runs);
        health.register("counted", move || {
            counted.fetch_add(1, Ordering::SeqCst);
            async { Ok(()) }
        });
        health.report().await;
        health.report().await;
        assert_eq!(runs.load(Ordering::SeqCst), 1);
        tokio::time::advance(FRESH).await;
        health.report().await;
        assert_eq!(runs.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn readiness_is_flag_and_checks() {
        let health = Health::new(Duration::from_secs(1));
        assert!(!health.report().await.ready);
        health.set_ready(true);
        assert!(health.report().await.ready);
        tokio::time::advance(Duration::from_secs(5)).await;
        let report = serde_json::to_value(health.report().await).unwrap();
        assert_eq!(
            report,
            serde_json::json!({"status": "healthy", "ready": true, "uptime": 5.0, "checks": []})
        );
    }
}
