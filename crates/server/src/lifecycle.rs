//! Modules while the server starts, runs and stops: one after the other, in their order, and back.

use crate::error::Failure;
use crate::handle::Handle;
use crate::module::{Bound, Life};
use carnet_telemetry::health::Health;
use std::time::Duration;

/// The modules that have started.
pub(crate) struct Started {
    lives: Vec<Life>,
    handle: Handle,
    limit: Duration,
}

impl Started {
    /// Starts modules in their order. When one fails, those before it are stopped.
    pub(crate) async fn start(
        lives: Vec<Life>,
        handle: Handle,
        limit: Duration,
    ) -> Result<Self, Failure> {
        let mut started = Self {
            lives: Vec::new(),
            handle,
            limit,
        };
        for life in lives {
            let outcome = match &life.start {
                Some(start) => run(start, &started.handle).await,
                None => Ok(()),
            };
            if let Err(message) = outcome {
                started.stop().await;
                let name = life.name;
                return Err(Failure::Module { name, message });
            }
            tracing::debug!(module = life.name, "the module has started");
            started.lives.push(life);
        }
        Ok(started)
    }

    /// Shows the checks of modules under their names.
    pub(crate) fn watch(&self, health: &Health) {
        for life in &self.lives {
            if let Some(check) = life.health.clone() {
                let handle = self.handle.clone();
                health.register(life.name.clone(), move || check(handle.clone()));
            }
        }
    }

    /// Stops modules, the last one first. A failure is told to the log and stops nothing else.
    pub(crate) async fn stop(self) {
        for life in self.lives.iter().rev() {
            let Some(stop) = &life.stop else {
                continue;
            };
            let outcome = tokio::time::timeout(self.limit, run(stop, &self.handle)).await;
            let failed = match outcome {
                Ok(Ok(())) => continue,
                Ok(Err(message)) => message,
                Err(_) => format!("it took longer than {} ms", self.limit.as_millis()),
            };
            tracing::warn!(module = life.name, "the module did not stop well: {failed}");
        }
    }
}

/// Runs a step; a panic is a failure.
async fn run(step: &Bound, handle: &Handle) -> Result<(), String> {
    let (step, handle) = (step.clone(), handle.clone());
    // The step is made inside of the task, so that a panic on the way to its future is caught too.
    let task = tokio::spawn(async move { step(handle).await });
    match task.await {
        Ok(outcome) => outcome,
        Err(_) => Err("it panicked".to_owned()),
    }
}
